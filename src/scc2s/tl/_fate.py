from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s._cells.access import get_adata, refuse_unwritable
from scc2s._cells.gene_words import stored_fit
from scc2s._cells.results import name_of_result
from scc2s.tl._asking.question import choose_writer
from scc2s.tl._predicting.controls import ReportOptions
from scc2s.tl._predicting.predict import Changes, claim_prediction, predict
from scc2s.tl._predicting.truth import truth_cells, without_truth
from scc2s.tl._writing.responses import Asker
from scc2s.tl._writing.write_cells import Decoding, refuse_without

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
    n_boot: int = 0,
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
        Parameters, prompt, model and versions; ``controls``, the report.

    Raises
    ------
    KeyError
        If there is no column `time_key`, no sentences or no rank fit.
    ValueError
        If the model was not trained on the task and there is no `prompt`, or the prompt has no ``{target_time}``.

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
    out = adata.copy() if copy else adata
    data = get_adata(out, mod)
    refuse_unwritable(data)
    result = claim_prediction(data, "fate", name_of_result(key_added, _KEY), _FIELD)
    loaded, task = choose_writer(model, prompt, "fate", declared=True)
    refuse_without(task, _FIELD)
    if time_key not in data.obs:
        msg = f"adata.obs has no column {time_key!r}; pass time_key= one of {', '.join(map(repr, data.obs))}"
        raise KeyError(msg)
    now = data.obs[time_key].astype(object)
    if truth is None and (now == target_time).any():
        truth = {time_key: target_time}
    real = truth_cells(data, truth, None)
    asked = now.notna() & (now != target_time)
    texts = without_truth([target_time if there else None for there in asked], data, real)
    predict(
        Asker(data, loaded, task, decoding, fit or stored_fit(data), organism, sentence_key),
        Changes(_FIELD, texts, texts, {}, {"regeneration at its own time": now.astype(str).tolist()}),
        ReportOptions(real, groupby, n_control_cells, program, n_boot, donor_key) if controls else None,
        result,
        params={"time_key": time_key, "target_time": target_time},
    )
    return out if copy else None
