from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.arguments import refuse_empty
from scc2s._cells.columns import column, opened
from scc2s._cells.gene_words import stored_fit
from scc2s._cells.results import name_of_result
from scc2s._cells.written_words import writable_words
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import choose_writer
from scc2s.tl._predicting.controls import ReportOptions
from scc2s.tl._predicting.perturbations import text_of
from scc2s.tl._predicting.predict import AskedCells, Changes, claim_prediction, predict
from scc2s.tl._predicting.truth import Truth, truth_cells, without_truth
from scc2s.tl._writing.checks import check_asked, check_prompt, ready, refuse_without
from scc2s.tl._writing.responses import Asker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Program
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit

_KEY = "fate"
_FIELD = "target_time"


def fate(
    adata: AnnData | MuData,
    *,
    time_key: str,
    target_time: str,
    truth: AnnData | Mapping[str, Any] | None = None,
    groupby: str | None = None,
    controls: bool = True,
    n_control_cells: int = 100,
    program: str | Program | Sequence[str] | None = None,
    n_boot: int = 1000,
    donor_key: str | None = None,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    n_genes: int | None = None,
    constrain: bool = True,
    temperature: float = 1.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    n_samples: int = 1,
    max_new_tokens: int | None = None,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    fit: RankFit | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Ask a language model what cells become by a later time point.

    :func:`scc2s.tl.perturb` with time as the condition.
    There is no published evidence that a Cell2Sentence model predicts the fate of a cell, and no model in the catalogue
    was trained to: a model that does not declare the task ``"fate"`` is refused unless a `prompt` is given. Train one
    on pairs of successive time points (``sc.pp.c2s_pairs(adata, key=..., order=[...])``), and read the report before
    the prediction.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`) and a rank fit (:func:`scc2s.pp.rank_fit`).
    time_key
        Column of ``.obs`` with the time point of each cell. Cells without one are left out.
    target_time
        Time point to predict, written as in `time_key`. Cells of `adata` that are at it already are not asked about;
        they are the truth of the report.
    truth
        Other cells that really are at the target time: an AnnData with sentences of the same name, or
        ``{column: value}`` for cells of `adata`.
    groupby, controls, n_control_cells, program, n_boot, donor_key
        The report, as in :func:`scc2s.tl.perturb`. Its control question asks for the time point that the cell is at.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{cell_sentence}`` and ``{target_time}``; ``{n_genes}`` and ``{organism}`` are filled too, any
        other field, such as `time_key`, is a column of ``.obs``. Or a task of :mod:`scc2s.prompts`.
    n_genes, constrain, temperature, top_p, top_k, n_samples, max_new_tokens, random_state, cache
        How the model writes, as in :func:`scc2s.tl.perturb`.
    fit, organism, sentence_key
        As in :func:`scc2s.tl.perturb`.
    key_added
        Name of the results; ``None`` is ``"fate"``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets (for the default name):

    `.layers['c2s_fate']` : :class:`scipy.sparse.csr_matrix` (dtype `float32`)
        Log-normalised expression at the target time; zeros for cells that were left out.
    `.obs['c2s_fate_sentence']`, ``_target_time``, ``_n_words``, ``_n_genes``, ``_valid``, ``_unique``, ``_complete``
        As the columns of :func:`scc2s.tl.perturb`.
    `.uns['c2s']['fate']['fate']` : :class:`dict`
        Parameters, prompt, model and versions; ``controls``, the report; ``verdict``, what it comes to in words.

    Raises
    ------
    KeyError
        If there is no column `time_key`, no sentences or no rank fit.
    ValueError
        If the model was not trained on the task and there is no `prompt`, or the prompt has no ``{target_time}``.
    TypeError
        If a number is not whole where it has to be.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:6].copy()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> sc.pp.c2s_rank_fit(adata)
    >>> adata.obs["time"] = "0 h"
    >>> same = scc2s.models.CallableModel(generate=lambda prompts: [p.split(" at ")[0] for p in prompts])
    >>> ask = "{cell_sentence} at {target_time}:"
    >>> sc.tl.c2s_fate(adata, time_key="time", target_time="6 h", model=same, prompt=ask, constrain=False)
    >>> adata.layers["c2s_fate"].nnz
    120
    """
    decoding = Decoding(
        n_genes=n_genes,
        constrain=constrain,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        n_samples=n_samples,
        max_new_tokens=max_new_tokens,
        random_state=random_state,
        cache=cache,
    )
    check_prompt(prompt, _FIELD)
    check_asked(organism=organism, sentence_key=sentence_key, fit=fit)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    result = claim_prediction(data, "fate", name_of_result(key_added, _KEY), _FIELD)
    now, target = _times(column(data, time_key, "time_key"), target_time)
    there = np.flatnonzero([time == target for time in now])
    real = truth_cells(data, truth, None)
    if truth is None and len(there):
        real = Truth(data, there, None)
    texts = without_truth([target if time is not None and time != target else None for time in now], data, real)
    if not any(texts):
        msg = (
            f"no cell is at another time than {target!r}; pass another target_time=, or a time_key= with earlier cells"
        )
        raise ValueError(msg)
    report = None
    if controls:
        report = ReportOptions(
            truth=real,
            groupby=groupby,
            n_cells=n_control_cells,
            program=program,
            n_boot=n_boot,
            donor_key=donor_key,
        )
    cells = AskedCells.of(
        data, texts, report, sentence_key=sentence_key, constrain=constrain, random_state=random_state
    )
    line = fit or stored_fit(data)
    decoding = ready(decoding, writable_words(data, sentence_key).in_sentences)
    loaded, task = choose_writer(model, prompt, "fate", declared=True)
    refuse_without(task, _FIELD)
    asker = Asker(
        data=data,
        model=loaded,
        task=task,
        decoding=decoding,
        fit=line,
        organism=organism,
        sentence_key=sentence_key,
        genes=cells.genes,
    )
    changes = Changes(field=_FIELD, texts=texts, fields={}, controls={"regeneration at its own time": now}, said={})
    predict(asker, cells, changes, report, result, {"time_key": time_key, "target_time": target})
    return out if copy else None


def _times(column: pd.Series, target_time: Any) -> tuple[list[str | None], str]:
    """Time point of each cell, and the one asked for, as texts that are written alike: 6 and 6.0 are one time."""
    target = text_of(target_time) if np.ndim(target_time) == 0 else None
    if not target:
        msg = f"target_time={target_time!r} is not a time point; pass target_time= one, written as in time_key"
        raise ValueError(msg)
    values = column.astype(object).tolist()
    as_they_are = [None if pd.isna(value) else str(value) for value in values]
    if str(target_time) in as_they_are:
        return as_they_are, str(target_time)
    return [text_of(value) for value in values], target
