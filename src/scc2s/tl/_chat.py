from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.columns import opened, rows_of
from scc2s._cells.results import claim, refuse_record
from scc2s.tl._talking.answering import Before, open_options
from scc2s.tl._talking.session import Chat
from scc2s.tl._talking.topics import ALL, Topic, sides_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Markers

CHOSEN = "these cells"
"""What chosen cells are called."""


def chat(
    adata: AnnData | MuData,
    *,
    groupby: str | None = None,
    groups: Sequence[str] | None = None,
    cells: Sequence[str] | None = None,
    resume: bool = False,
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
    key_added: str = "chat",
    mod: str = "rna",
) -> Chat:
    """Begin a conversation with a language model about some cells.

    The model is shown the cells once, as sentences, with the genes that a test finds higher in their groups; then it is
    asked, turn by turn. Where its context is full, the oldest turns are left out of the prompt; the cells stay. Each
    answer comes with what it rests on, with what the model says without the genes, and with a table of what it names
    and whether the cells say so. It is text of a model, not a finding; nothing here is for clinical use.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    groupby
        Column of ``.obs`` whose groups are talked about. ``None``, without `cells`: all cells are one group.
    groups
        Values of the column to take, in this order. ``None``: all.
    cells
        Names of the cells to look at; ``None``: some of the groups. All that are named are shown.
    resume
        Go on with the conversation under `key_added`, e.g. from a file; the other arguments are to be as they were.
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

    Returns
    -------
    The session. ``session.ask("...")`` gives an answer (``text``, ``cells``, ``genes``, ``texts``, ``model``,
    ``prompt``, ``claims``, ``flagged``, ``why``); ``session.history`` has the messages, ``session.turns`` the log. Each
    turn sets:

    `.uns['c2s']['chat' | key_added]` : :class:`dict`
        As that of :func:`scc2s.tl.ask`, with a row for each turn; ``n_dropped`` is the number of earlier turns that had
        no room in its prompt, ``system`` the message that shows the cells.

    Raises
    ------
    KeyError
        If there are no sentences, no such column or cell, or nothing to go on with.
    TypeError
        If the model does not talk.
    ValueError
        If the model has no chat template, the cells do not fit its context, or both `groupby` and `cells` are given.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata)
    >>> says = scc2s.models.CallableModel(reply=lambda messages: "They express CD79A, not QXZ1.")
    >>> session = sc.tl.c2s_chat(adata, groupby="bulk_labels", groups=["CD19+ B"], model=says)
    >>> session.ask("Which cells are these?").claims[["name", "holds"]].to_numpy().tolist()
    [['CD79A', 'yes'], ['QXZ1', 'no']]
    >>> adata.uns["c2s"]["chat"]["table"]["question"].tolist()
    ['Which cells are these?']
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
    _, data = opened(adata, mod=mod, copy=False)
    refuse_record(data, key_added, usual="chat", holds="system")
    result = claim(data, key_added)
    topic = _topic(data, groupby, groups, cells)
    if cells is not None:
        options = options.showing(len(topic.sides[CHOSEN]))
    before = Before.read(data, [topic], model, options)
    params = {
        "groupby": groupby,
        "groups": None if groups is None else list(groups),
        "source": before.expressed.source,
        "organism": before.organism,
        "key_added": key_added,
        **options.params(),
    }
    session = Chat(data, result, params, topic, before, before.asker, options)
    if resume:
        session.go_on()
    return session


def _topic(data: AnnData, groupby: str | None, groups: Sequence[str] | None, cells: Sequence[str] | None) -> Topic:
    if cells is not None:
        if groupby is not None or groups is not None:
            msg = "cells and groupby exclude each other; pass one of them"
            raise ValueError(msg)
        if isinstance(cells, str):
            msg = f"cells={cells!r} is one text; pass cells=[{cells!r}]"
            raise TypeError(msg)
        rows = rows_of(data, cells)
        if not len(rows):
            msg = "there are no cells to talk about; pass cells= some of adata.obs_names"
            raise ValueError(msg)
        return Topic("chat", "", {CHOSEN: rows}, CHOSEN)
    if groupby is None:
        if groups is not None:
            msg = "groups= needs groups of cells; pass groupby= a column of adata.obs"
            raise ValueError(msg)
        return Topic("chat", "", {ALL: np.arange(data.n_obs)}, ALL)
    sides = sides_of(data, groupby, groups)
    return Topic("chat", "", sides, next(iter(sides)) if len(sides) == 1 else "")
