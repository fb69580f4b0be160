from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scc2s._cells.arguments import whole
from scc2s._cells.columns import opened
from scc2s._cells.interactions import stored_interactions
from scc2s._cells.results import claim, refuse_record
from scc2s.tl._talking.answering import Before, answer_topics, open_options
from scc2s.tl._talking.mechanism import differing, mechanism, say_bare, speakers
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


def hypothesize(
    adata: AnnData | MuData,
    groupby: str,
    a: str,
    b: str,
    *,
    interactions: str | None = None,
    max_interactions: int = 20,
    cell_type_key: str | None = None,
    rank_genes_key: str | None = None,
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
    key_added: str = "hypothesize",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Let a language model propose a mechanism behind a difference, beside the evidence that it was shown.

    The model is shown cells of both groups, the genes that :func:`scanpy.tl.rank_genes_groups` finds higher in either,
    and known interactions of ligands and receptors of which both partners are expressed and one differs, with the cells
    that express them. What it writes is a **hypothesis**, and says so: expression of a ligand and its receptor is not
    signalling, and a difference is not a cause. Beside it stand all the evidence and, as for :func:`scc2s.tl.compare`,
    which of its genes and directions the cells confirm or contradict.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    groupby
        Column of ``.obs``.
    a, b
        Two of its values. The hypothesis is about what makes `a` different from `b`.
    interactions
        Name of a result of :func:`scc2s.pp.interactions`: those of which a partner differs between `a` and `b`, by its
        adjusted p below 0.05 among all genes, are evidence. ``None``: genes alone are.
    max_interactions
        Interactions in a prompt, those whose partners differ most first, by the score of the test.
    cell_type_key
        Column of ``.obs`` with cell types: say which types among the cells of `a` and of `b` express ligands and
        receptors, e.g. where `groupby` is a treatment. ``None``: the groups of `groupby` do, all of them.
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
        A gene that a text names should be above 0 in at least this share of the group's cells. So should all genes of a
        ligand or receptor in a group that expresses it.
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

    `.uns['c2s']['hypothesize' | key_added]` : :class:`dict`
        ``table``
            One row, as of :func:`scc2s.tl.ask`, whose ``text`` begins with "Hypothesis, not a finding", and with
            ``status`` ("hypothesis, not tested"), ``interactions`` (as the model was told), and
            ``genes_not_in_evidence``: what the text names that neither differs by the test nor is a partner in
            ``interactions``. ``flagged`` too where nothing differs, so that there is no evidence.
        ``genes``
            Genes of the test that the model was told, with ``group`` (in which they are higher), ``score``,
            ``logfoldchange``, ``pval_adj``.
        ``interactions``
            A row each: ``ligand``, ``receptor`` (of what binds without direction: partners in the order of the
            alphabet; genes of a complex joined by ``+``), ``relation``, ``evidence``, ``source``, ``ligand_in``,
            ``receptor_in`` (groups that express them), ``ligand_higher_in``, ``receptor_higher_in`` (`a` or `b`; empty:
            no difference by the test), ``score`` (largest of their genes), ``text``, ``named`` (whether the answer
            names all genes of both).
        ``expressing``
            For each ``partner`` and ``group``: ``n_cells``, and ``share`` of them with the gene above 0 (of several
            genes the least share).
        ``claims``, ``cells``
            As :func:`scc2s.tl.ask` writes them.
        ``notice``
            What this is not.
        ``params``, ``model``, ``versions``
            How the result came about; ``n_known``: interactions that were looked through.

    Raises
    ------
    KeyError
        If there are no sentences, no such column, no such interactions, or no such result of the test.
    TypeError
        If the model does not talk.
    ValueError
        If the groups are not there or the same, the model has no chat template, or the cells do not fit its context.

    Examples
    --------
    >>> import pandas as pd, scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata)
    >>> known = pd.DataFrame({"ligand": ["CCL5"], "receptor": ["CCR7"]})
    >>> sc.pp.c2s_interactions(adata, known, extracellular=False)
    >>> says = scc2s.models.CallableModel(reply=lambda messages: "NK cells send CCL5 to cells with CCR7.")
    >>> sc.tl.c2s_hypothesize(
    ...     adata, "bulk_labels", "CD56+ NK", "CD19+ B", interactions="interactions", model=says
    ... )
    >>> found = adata.uns["c2s"]["hypothesize"]
    >>> found["table"].loc["CD56+ NK", "text"]
    'Hypothesis, not a finding: NK cells send CCL5 to cells with CCR7.'
    >>> found["interactions"][["ligand", "ligand_higher_in", "named"]].to_numpy().tolist()
    [['CCL5', 'CD56+ NK', True]]
    """
    whole("max_interactions", max_interactions)
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
    refuse_record(data, key_added, usual="hypothesize", holds="max_interactions")
    result = claim(data, key_added)
    topic = pair_topic(data, groupby, a, b, "mechanism")
    known = None if interactions is None else stored_interactions(data, interactions)
    speakers(data, topic, groupby=groupby, cell_type_key=cell_type_key)
    if rank_genes_key is not None:
        stored_pair(data, groupby, (a, b), rank_genes_key, 1)  # an error now rather than after a model is loaded
    before = Before.read(data, [topic], model, options, higher=[[]])
    higher = differing(data, before.expressed, topic, groupby=groupby, rank_genes_key=rank_genes_key)
    found = mechanism(
        data,
        before.expressed,
        topic,
        higher,
        known,
        groupby=groupby,
        cell_type_key=cell_type_key,
        min_share=min_share,
        most=max_interactions,
    )
    say_bare(found, topic)
    before = replace(before, higher=[[one.first(n_top) for one in higher]], more=[found.line(topic)])
    entries = answer_topics(data, [topic], before, options)
    params = {
        "groupby": groupby,
        "a": a,
        "b": b,
        "interactions": interactions,
        "max_interactions": max_interactions,
        "n_known": found.n_known,
        "cell_type_key": cell_type_key,
        "rank_genes_key": rank_genes_key,
        "source": before.expressed.source,
        "organism": before.organism,
        "key_added": key_added,
        **options.params(),
    }
    result.write(params, model=before.asker.model.info(), more=found.entries(entries))
    return out if copy else None
