from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._cells.columns import opened
from scc2s._cells.results import claim, refuse_record
from scc2s.tl._talking.answering import Before, answer_topics, open_options
from scc2s.tl._talking.topics import sample_topics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Markers

_FEWEST, _MOST = 5, 20
"""Cells of a sample, as in the multi-cell prompts of the C2S-Scale preprint (bioRxiv 2025.04.14.648850, version 1)."""


def abstract(
    adata: AnnData | MuData,
    *,
    groupby: str | Sequence[str],
    n_cells: int = 10,
    n_genes: int = 50,
    n_top: int = 10,
    min_share: float = 0.1,
    markers: Mapping[str, Sequence[str] | Markers] | pd.DataFrame | None = None,
    controls: bool = True,
    use_text: bool = False,
    text_tokens: int = 512,
    layer: str | None = None,
    use_raw: bool | None = None,
    model: str | Model | None = None,
    plain: bool = False,
    temperature: float = 0.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    max_new_tokens: int = 256,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str = "abstract",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Let a language model write a short abstract of each sample from a handful of its cells.

    A sample is a combination of values, e.g. a donor and a tissue. 5 to 20 cells of it are shown, with the genes that
    are higher in it than in the rest of the data. An abstract is text of a model, not a finding, and so few cells are
    not the sample: rare types are missing from most of them. Beside it stands what the cells say of the genes it names.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    groupby
        Column or columns of ``.obs`` that tell samples apart, e.g. ``["donor", "tissue"]``.
    n_cells
        Cells of each group that the model is shown, chosen by `random_state` and their names.
    n_genes
        Genes of each cell that it is shown, the strongest; fewer where its context is too short (logged).
    n_top
        Genes to tell it of each group that :func:`scanpy.tl.rank_genes_groups` finds higher (its own defaults, adjusted
        p below 0.05), from all cells. 0: none.
    min_share
        A gene that a text names should be above 0 in at least this share of the group's cells.
    markers
        Genes by label: a dictionary of lists (or of :class:`scc2s.programs.Markers`), or a DataFrame; see
        :func:`scc2s.programs.as_markers`. ``None`` takes the table of the package
        (:func:`scc2s.programs.markers`).
    controls
        Ask without the genes of the cells too.
    use_text
        Put texts of :func:`scc2s.pp.add_text` beside the cells, those with most words of the question first.
    text_tokens
        Most tokens of these texts. A passage that does not fit is left out, never cut.
    layer, use_raw
        Expression for the tests and the checks; ``None`` takes that of the sentences.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``. It has to be one that talks (:class:`scc2s.models.Talks`).
    plain
        Ask in a plain text ("Question: ... Answer:"), for a model that was not trained to talk.
    temperature, top_p, top_k
        How words are drawn; ``temperature=0`` takes the most likely one each time.
    max_new_tokens
        Longest answer.
    random_state
        Seed of the cells and of the draws.
    cache
        File that keeps answers: a second run asks only for what is not there.
    organism
        Organism in the prompt; ``None`` takes that of `adata`.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the result in ``.uns["c2s"]``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['abstract' | key_added]` : :class:`dict`
        ``table`` (one row a sample that has five cells with a sentence or more), ``claims``, ``cells``, ``genes``,
        ``params``, ``model``, ``versions``, as :func:`scc2s.tl.ask` writes them.

    Raises
    ------
    KeyError
        If there are no sentences, or no such column.
    TypeError
        If the model does not talk.
    ValueError
        If `n_cells` is not 5 to 20, no sample has five cells, the model has no chat template, or the cells do not fit
        its context.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata)
    >>> says = scc2s.models.CallableModel(reply=lambda messages: "Blood cells that express B2M.")
    >>> sc.tl.c2s_abstract(adata, groupby="phase", model=says)
    >>> adata.uns["c2s"]["abstract"]["table"].index.tolist()
    ['G1', 'G2M', 'S']
    """
    if not isinstance(n_cells, int) or not _FEWEST <= n_cells <= _MOST:
        msg = f"n_cells={n_cells!r} cells do not stand for a sample here; pass n_cells= {_FEWEST} to {_MOST}"
        raise ValueError(msg)
    options = open_options(
        n_cells=n_cells,
        n_genes=n_genes,
        n_top=n_top,
        min_share=min_share,
        markers=markers,
        controls=controls,
        plain=plain,
        use_text=use_text,
        text_tokens=text_tokens,
        layer=layer,
        use_raw=use_raw,
        organism=organism,
        sentence_key=sentence_key,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        max_new_tokens=max_new_tokens,
        random_state=random_state,
        cache=cache,
    )
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_record(data, key_added, usual="abstract", holds="samples")
    result = claim(data, key_added)
    columns = [groupby] if isinstance(groupby, str) else list(groupby)
    topics = sample_topics(data, columns, least=_FEWEST, sentence_key=sentence_key)
    before = Before.read(data, topics, model, options)
    entries = answer_topics(data, topics, before, options)
    params = {
        "samples": columns,
        "source": before.expressed.source,
        "organism": before.organism,
        "key_added": key_added,
        **options.params(),
    }
    result.write(params, model=before.asker.model.info(), more=entries)
    return out if copy else None
