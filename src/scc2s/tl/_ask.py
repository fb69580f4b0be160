from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scc2s._cells.columns import opened
from scc2s._cells.results import claim, refuse_record
from scc2s.tl._talking.answering import Before, answer_topics, open_options
from scc2s.tl._talking.topics import topics_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Markers


def ask(
    adata: AnnData | MuData,
    question: str | None = None,
    *,
    kind: Literal["treatment", "state", "time", "difference"] | None = None,
    groupby: str | None = None,
    groups: Sequence[str] | None = None,
    versus: str | None = None,
    by: str | None = None,
    n_cells: int = 3,
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
    key_added: str = "ask",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Ask a language model about groups of cells, and hold its answers against the cells.

    Each question is put with some cells of its groups, as sentences, and with the genes that a test finds different. An
    answer is text of a model, not a finding: beside it stand its evidence, what the model says without the genes, and a
    table of the genes, directions and cell types that it names, with what the cells say of them.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    question
        Your own, put for each group, or for each against `versus`. ``None`` takes the ready one of `kind`.
    kind
        A ready question: ``"state"`` of each group; ``"treatment"``: each group against the untreated `versus`;
        ``"time"``: the last group against the first (or `versus`), all shown in order; ``"difference"`` of two groups.
    groupby
        Column of ``.obs``, e.g. ``"condition"``. ``None``: all cells are one group.
    groups
        Values of the column to take, in this order. ``None``: all.
    versus
        Value of the column that the others are held against. ``None``: all other cells of the data.
    by
        Column of ``.obs``, e.g. the cell type: the question is put for each of its values, about its cells alone.
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

    `.uns['c2s']['ask' | key_added]` : :class:`dict`
        ``table``
            One row for each question, named by its group (and value of `by`): ``question``, ``text`` (empty where no
            cell has a sentence), ``model_text`` (``True``: a model wrote it), ``cells`` (names of those shown),
            ``genes`` (higher by the test, as the model was told), ``texts`` (sources of passages beside the cells),
            ``n_genes_shown``, ``model``, ``prompt`` (the messages, as JSON), ``null_text`` and ``like_null`` (what the
            model says without the genes, and how many words both share: Dice coefficient, 0 to 1), ``n_claims``,
            ``n_contradicted``, ``flagged``, ``why``.
        ``claims``
            What the texts name, a row each: ``context`` (row of the table), ``kind`` (``"gene"``, ``"type"``),
            ``name``, ``said`` (``"up"``, ``"down"``, ``"expressed"``, ``"absent"``, ``"named"``), ``group``, ``than``,
            ``share`` of the group's cells with the gene, ``auroc`` (a cell of the group is above another one; 0.5: no
            difference), ``pval_adj`` (Mann and Whitney, Benjamini and Hochberg over the claims of the text),
            ``highest_in``, ``holds`` (``"yes"``, ``"no"``, empty: open), ``why``. An invented symbol does not hold, nor
            a direction against that of the cells.
        ``cells``, ``genes``
            Cells of each context; genes of the test with ``score``, ``logfoldchange``, ``pval_adj``.
        ``params``, ``model``, ``versions``
            How the result came about.

    Raises
    ------
    KeyError
        If there are no sentences, no such column, or no texts where they are wanted.
    TypeError
        If the model does not talk.
    ValueError
        If there is neither a question nor a kind, the groups do not fit it, the model has no chat template, or the
        cells do not fit its context.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata)
    >>> says = scc2s.models.CallableModel(reply=lambda messages: "CD79A is lower in CD19+ B.")
    >>> pair = ["CD19+ B", "CD56+ NK"]
    >>> sc.tl.c2s_ask(adata, kind="difference", groupby="bulk_labels", groups=pair, model=says)
    >>> adata.uns["c2s"]["ask"]["table"][["n_claims", "n_contradicted"]].to_numpy().tolist()
    [[1, 1]]
    >>> adata.uns["c2s"]["ask"]["claims"].loc["0", ["name", "said", "holds"]].tolist()
    ['CD79A', 'down', 'no']
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
    refuse_record(data, key_added, usual="ask", holds="versus")
    result = claim(data, key_added)
    topics = topics_of(data, question, kind, groupby=groupby, groups=groups, versus=versus, by=by)
    before = Before.read(data, topics, model, options)
    entries = answer_topics(data, topics, before, options)
    params = {
        "question": question,
        "kind": kind,
        "groupby": groupby,
        "groups": None if groups is None else list(groups),
        "versus": versus,
        "by": by,
        "source": before.expressed.source,
        "organism": before.organism,
        "key_added": key_added,
        **options.params(),
    }
    result.write(params, model=before.asker.model.info(), more=entries)
    return out if copy else None
