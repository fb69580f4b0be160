from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._cells.columns import opened
from scc2s._cells.results import claim, refuse_record
from scc2s.tl._talking.answering import Before, answer_topics, open_options
from scc2s.tl._talking.stored import stored_pair
from scc2s.tl._talking.topics import pair_topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Markers


def compare(
    adata: AnnData | MuData,
    groupby: str,
    a: str,
    b: str,
    *,
    rank_genes_key: str | None = None,
    n_cells: int = 5,
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
    key_added: str = "compare",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Let a language model say how two groups of cells differ, and hold what it says against the cells.

    The model is shown cells of both groups and the genes that are higher in either by
    :func:`scanpy.tl.rank_genes_groups`, cells of the one against those of the other. Its answer is text of a model, not
    a finding; beside it stands which of the genes and directions in it the cells confirm or contradict.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    groupby
        Column of ``.obs``.
    a, b
        Two of its values. The question is about `a`, compared with `b`.
    rank_genes_key
        Your own result of :func:`scanpy.tl.rank_genes_groups` in ``.uns``, of `a` with ``reference=b`` or of `b` with
        ``reference=a``, or both. ``None`` calls it on a log-normalised copy.
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

    `.uns['c2s']['compare' | key_added]` : :class:`dict`
        ``table`` (one row), ``claims``, ``cells``, ``genes``, ``params``, ``model``, ``versions``, as
        :func:`scc2s.tl.ask` writes them.

    Raises
    ------
    KeyError
        If there are no sentences, no such column, or no such result of the test.
    TypeError
        If the model does not talk.
    ValueError
        If the groups are not there or the same, the model has no chat template, or the cells do not fit its context.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata)
    >>> says = scc2s.models.CallableModel(reply=lambda messages: "NKG7 is higher in CD56+ NK, CD79A in CD19+ B.")
    >>> sc.tl.c2s_compare(adata, "bulk_labels", "CD19+ B", "CD56+ NK", model=says)
    >>> adata.uns["c2s"]["compare"]["claims"][["name", "group", "holds"]].to_numpy().tolist()
    [['NKG7', 'CD56+ NK', 'yes'], ['CD79A', 'CD19+ B', 'yes']]
    """
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
    refuse_record(data, key_added, usual="compare", holds="rank_genes_key")
    result = claim(data, key_added)
    topics = [pair_topic(data, groupby, a, b, "difference")]
    higher = None if rank_genes_key is None else [stored_pair(data, groupby, (a, b), rank_genes_key, n_top)]
    before = Before.read(data, topics, model, options, higher=higher)
    entries = answer_topics(data, topics, before, options)
    params = {
        "groupby": groupby,
        "a": a,
        "b": b,
        "rank_genes_key": rank_genes_key,
        "source": before.expressed.source,
        "organism": before.organism,
        "key_added": key_added,
        **options.params(),
    }
    result.write(params, model=before.asker.model.info(), more=entries)
    return out if copy else None
