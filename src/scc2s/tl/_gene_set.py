from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.gene_words import words_of
from scc2s._cells.genes import listed
from scc2s._logging import logger
from scc2s.sentences import parse
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import choose_writer
from scc2s.tl._describing.gene_lists import genes_alone, holds_cells
from scc2s.tl._writing.conditions import condition_fields
from scc2s.tl._writing.write_cells import write_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task


def gene_set(
    adata: AnnData | MuData | Sequence[str],
    name: str | Sequence[str],
    *,
    n_genes: int = 20,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    constrain: bool = True,
    temperature: float = 0.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    max_new_tokens: int | None = None,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    mod: str = "rna",
) -> list[str] | dict[str, list[str]]:
    """Let a language model list the genes of a named set.

    What comes out is what the model takes for such a set. Compare it with a set that has a source, e.g. one of
    :mod:`scc2s.programs`, before it is used for anything; :func:`scc2s.metrics.gene_overlap` counts.

    Parameters
    ----------
    adata
        Data set whose genes may be listed, or their names. It stays as it is.
    name
        Name of the set, or a list of names.
    n_genes
        Genes of each set.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{gene_set}``; ``{n_genes}`` and ``{organism}`` are filled too. Or a task of
        :mod:`scc2s.prompts`. ``None`` takes the prompt ``"gene_set"`` of the model's family.
    constrain
        Let the model write only genes of `adata` that its sentences may hold, none twice, exactly `n_genes` of them.
        Otherwise it writes freely, and words that are not genes are left out and logged.
    temperature, top_p, top_k
        How words are drawn; ``temperature=0`` takes the most likely one each time.
    max_new_tokens
        Longest answer in tokens; ``None``: room for the genes.
    random_state
        Seed.
    cache
        File that keeps answers: a second run asks only for what is not there.
    organism
        Organism in the prompt; ``None`` takes that of `adata`, or what the case of the gene names suggests.
    sentence_key
        Column of ``.obs`` with the sentences, whose spelling of genes is used.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    Names of genes as in ``.var_names``, in the order in which the model wrote them; for several sets a dict of them,
    which ``sc.pl.dotplot`` takes.

    Raises
    ------
    ValueError
        If more genes are asked for than there are, or the model was not trained on the task.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> genes = sc.tl.c2s_gene_set(adata, "B cell markers", n_genes=8)
    >>> len(genes), set(genes) <= set(adata.var_names)
    (8, True)
    """
    decoding = Decoding(
        n_genes=n_genes,
        constrain=constrain,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        max_new_tokens=max_new_tokens,
        random_state=random_state,
        cache=cache,
    )
    data = get_adata(adata, mod) if holds_cells(adata) else genes_alone(adata)
    names = listed(name)
    loaded, task = choose_writer(model, prompt, "gene_set")
    table = pd.DataFrame({"gene_set": names}, dtype=object)
    fields = condition_fields(data, task, table, n_genes=n_genes, n_cells=1, organism=organism)
    genes = words_of(data, sentence_key)
    prompts = task.render([""] * len(names), fields).texts
    texts = write_texts(loaded, prompts, np.full(len(names), n_genes), genes, decoding, None, task)
    parsed = parse(texts, genes.words, unknown="drop")
    if n_unknown := int((parsed.n_words - parsed.n_valid).sum()):
        logger.warning("%d of %d words are not genes of the data set", n_unknown, int(parsed.n_words.sum()))
    var_names = data.var_names.astype(str)
    found = {
        one: var_names[genes.columns[ranks[ranks >= 0]]].tolist()
        for one, ranks in zip(names, parsed.ranks, strict=True)
    }
    return found[name] if isinstance(name, str) else found
