from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scc2s._cells.arguments import whole
from scc2s._cells.columns import opened
from scc2s._cells.groups import top_genes
from scc2s._cells.results import claim
from scc2s.tl._asking.arguments import refuse_column_name
from scc2s.tl._asking.cells import worded
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import choose_writer
from scc2s.tl._describing.gene_lists import genes_alone, given_lists, holds_cells, named, one_organism, refuse_fields

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task


def name_genes(
    genes: AnnData | MuData | Sequence[str] | Mapping[str, Sequence[str]],
    *,
    groupby: str | None = None,
    n_top: int = 20,
    rank_genes_key: str | None = None,
    layer: str | None = None,
    use_raw: bool | None = None,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    temperature: float = 0.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    max_new_tokens: int = 32,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str = "gene_set_names",
    mod: str = "rna",
    copy: bool = False,
) -> str | pd.DataFrame | AnnData | MuData | None:
    """Let a language model name lists of genes.

    The model sees each list in alphabetical order, each gene once. The name is text of a model, not an enrichment
    test: it comes without a p-value, and a list of random genes gets a name as well.

    Parameters
    ----------
    genes
        A list of genes, several in a dict, or cells: then the lists are the genes highest in each group.
    groupby
        Column of ``.obs``; needed with cells.
    n_top
        Genes of each group.
    rank_genes_key
        Your own result of :func:`scanpy.tl.rank_genes_groups` in ``.uns``. ``None`` calls it on a log-normalised copy.
    layer, use_raw
        Expression for that test; ``None`` takes that of the sentences.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{cell_sentence}``, where the genes go; ``{n_genes}`` and ``{organism}`` are filled too. Or a
        task of :mod:`scc2s.prompts`. ``None`` takes the prompt ``"name_genes"`` of the model's family.
    temperature, top_p, top_k
        How words are drawn; ``temperature=0`` takes the most likely one each time.
    max_new_tokens
        Longest name.
    random_state
        Seed.
    cache
        File that keeps answers: a second run asks only for what is not there.
    organism
        Organism in the prompt; ``None`` takes ``.uns["organism"]`` (or ``.obs["organism"]``, where all cells are of
        one), or what the case of the gene names suggests.
    sentence_key
        Column of ``.obs`` with the sentences, whose expression is tested.
    key_added
        Name of the table in ``.uns["c2s"]``.
    mod
        Modality, where `genes` is a MuData.
    copy
        Return a changed copy; for cells alone.

    Returns
    -------
    The name, for a list. For several, a :class:`pandas.DataFrame` with a row for each: ``group`` (its key), ``name``,
    ``model_text`` (``True``: a model wrote it), ``genes`` (as a text with commas) and ``n_genes``. With cells
    ``None``, or the copy, and sets:

    `.uns['c2s']['gene_set_names' | key_added]` : :class:`pandas.DataFrame`
        The same table, a row for each group; without genes, as for a group of one cell, the name is empty.
    `.uns['c2s']['name_genes']` (`['name_genes_<key_added>']` for another name) : :class:`dict`
        Parameters, prompt, model and versions.

    Raises
    ------
    KeyError
        If there is no such column, or no such result of the test.
    ValueError
        If a list is empty, or the model was not trained on the task.

    Examples
    --------
    >>> import scc2s
    >>> says = scc2s.models.CallableModel(generate=lambda prompts: [" " + p.split()[0] for p in prompts])
    >>> scc2s.tl.name_genes(["MX1", "IFI6", "MX1"], model=says, prompt="{cell_sentence}: ")
    'IFI6'
    """
    decoding = Decoding(
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        max_new_tokens=max_new_tokens,
        random_state=random_state,
        cache=cache,
    )
    if (wanted := worded(prompt, "name_genes")) is not None:
        refuse_fields(wanted)
    if not holds_cells(genes):
        given = given_lists(genes)
        alone = genes_alone(gene for some in given.values() for gene in some)
        one_organism(alone, wanted, organism)
        loaded, task = choose_writer(model, prompt, "name_genes")
        table = named(given, loaded, task, one_organism(alone, task, organism), decoding)
        return table if isinstance(genes, Mapping) else str(table["name"].iloc[0])
    if groupby is None:
        msg = "cells come without lists of genes; pass groupby= a column of adata.obs, or a list of genes instead"
        raise ValueError(msg)
    whole("n_top", n_top)
    out, data = opened(genes, mod=mod, copy=copy)
    refuse_column_name("key_added", key_added)
    result = claim(data, "name_genes" if key_added == "gene_set_names" else f"name_genes_{key_added}", uns=[key_added])
    lists = top_genes(data, groupby, n_top, key=rank_genes_key, sentence_key=sentence_key, layer=layer, use_raw=use_raw)
    one_organism(data, wanted, organism)
    loaded, task = choose_writer(model, prompt, "name_genes")
    organism = one_organism(data, task, organism)
    table = named(lists, loaded, task, organism, decoding)
    params = {
        "groupby": groupby,
        "n_top": n_top,
        "rank_genes_key": rank_genes_key,
        "layer": layer,
        "use_raw": use_raw,
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "max_new_tokens": max_new_tokens,
        "random_state": random_state,
        "task": task.name,
        "prompt": task.template,
        "prompt_family": task.family,
        "organism": organism,
        "key_added": key_added,
    }
    result.write(params, model=loaded.info(), uns={key_added: table})
    return out if copy else None
