from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import get_sentences
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import opened
from scc2s._cells.gene_words import stored_fit
from scc2s._cells.results import claim, name_of_result
from scc2s._cells.written_words import writable_words
from scc2s._logging import logger
from scc2s.prompts import NO_PERTURBATION
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import choose_writer
from scc2s.tl._predicting.controls import ReportOptions
from scc2s.tl._predicting.grid import columns_of, grid_cells, grid_conditions
from scc2s.tl._predicting.grid_run import NOTICE, Asked, Grid, long_table, reports_by_place
from scc2s.tl._predicting.names import refuse_twice, tell
from scc2s.tl._predicting.perturbations import names_once, refuse_column
from scc2s.tl._predicting.predict import AskedCells
from scc2s.tl._predicting.truth import grid_truth, truth_cells
from scc2s.tl._predicting.verdict import grid_verdict
from scc2s.tl._writing.checks import check_asked, check_name, check_prompt, ready, refuse_without
from scc2s.tl._writing.responses import Asker
from scc2s.tl._writing.shared_genes import SharedGenes
from scc2s.tl._writing.write_cells import PERTURBATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Program
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit

_KEY = "experiments"


def experiments(
    adata: AnnData | MuData,
    perturbations: Sequence[Any],
    *,
    groupby: str | None = None,
    donor_key: str | None = None,
    dose: Any = None,
    time: Any = None,
    n_cells: int = 50,
    min_cells: int = 5,
    truth: AnnData | Mapping[str, Any] | None = None,
    perturbation_key: str | None = None,
    controls: bool = True,
    control_name: str = NO_PERTURBATION,
    program: str | Program | Sequence[str] | None = None,
    n_boot: int = 1000,
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
    key_added: str = "experiments",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Ask a model about a grid of experiments: each perturbation, dose and time, in each cell type of each donor.

    What :func:`scc2s.tl.perturb` asks of one perturbation is asked of all of them, about the same cells of each donor
    and type, and every experiment is one row of one long table. Experiments that cannot be done stand in it too, with
    the reason. A row does not change with what else is in the grid: cells are drawn by their names.

    An effect is measured from the cells as the model writes them when it is told `control_name`, so that writing a
    cell anew is not taken for an effect. Beside it stands the floor: what a scrambled name does.
    An answer of a model is not an experiment; with `truth` each row says how far it is above simple predictions.

    Names that the model was not taught are named before the run, and other spellings put to it under the name that it
    was taught, as in :func:`scc2s.tl.perturb`.

    Parameters
    ----------
    adata
        Cells before, with sentences (:func:`scc2s.pp.sentences`) and a rank fit (:func:`scc2s.pp.rank_fit`).
    perturbations
        Names, each once; a tuple of names is a combination, as in :func:`scc2s.tl.perturb`.
    groupby
        Column of ``.obs``, e.g. ``"cell_type"``. ``None``: all cells are one type.
    donor_key
        Column of ``.obs``: each donor has rows of its own. ``None``: donors are not told apart. Intervals draw cells of
        the donor, so that they say nothing about other donors.
    dose, time
        Texts or numbers with their unit, e.g. ``["1 ng/ml", "10 ng/ml"]``: one, or a list of which each is an
        experiment of its own, for all perturbations or, as ``{name: values}``, for each. They fill the fields
        ``{dose}`` and ``{time}`` of the prompt; where it has none they follow the name: ``"TNF, 10 ng/ml, 6 h"``.
    n_cells
        Most cells of each donor and type, drawn by `random_state`; the same for all perturbations.
    min_cells
        Fewest cells of a donor and type; where there are fewer, its experiments are skipped.
    truth
        Cells that really were perturbed: an AnnData with sentences of the same name, or ``{column: values}`` for cells
        of `adata` (they are not asked about then). Of the same columns `groupby` and `donor_key`; several doses or
        times are told apart by its columns ``"dose"`` and ``"time"``.
    perturbation_key
        Column with the perturbation of the cells of `truth`, named as in `perturbations`; as in
        :func:`scc2s.tl.perturb`.
    controls
        Ask about scrambled names too, for the floors. Doubles the answers.
    control_name
        What the model is told where there is no perturbation.
    program
        Genes whose mean expression is reported as well: a name of :mod:`scc2s.programs`, or a list of at least 3 genes.
    n_boot
        Bootstrap samples for the intervals; 0: none.
    model, prompt, n_genes, constrain, temperature, top_p, top_k, n_samples, max_new_tokens, random_state
        As in :func:`scc2s.tl.perturb`.
    cache
        File that keeps answers. A grid that was stopped goes on from there; a second run asks nothing again.
    fit, organism, sentence_key
        As in :func:`scc2s.tl.perturb`.
    key_added
        Name of the table.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['experiments' | key_added]` : :class:`pandas.DataFrame`
        One row for each donor, type (``group``; donors and types in all combinations), perturbation, dose and time:

        ``condition``, ``asked``
            As a report calls it, and as it was put to the model.
        ``status``, ``reason``
            ``"done"``, or ``"skipped"`` and why.
        ``n_available``, ``n_cells``
            Cells with a sentence, and those asked about.
        ``shift_size``
            Root mean squared difference of mean log-normalised expression to the cells written anew, over all genes.
        ``program_shift``, ``program_shift_low``, ``program_shift_high``
            The same difference for the mean of the program's genes, with its 95 % interval over cells
            (:func:`scc2s.metrics.perturbation_report`).
        ``shift_size_floor``, ``program_shift_floor``
            Both for the scrambled name, with `controls`.
        ``valid``, ``complete``
            Share of words that are genes; share of cells that are as long as asked for.
        ``delta_pearson``, ``delta_pearson_gain``, ``best_floor``, ``true_program_shift``, ``n_true``
            With `truth` (the gain with ``_low`` and ``_high``), of the row of the prediction in
            :func:`scc2s.metrics.perturbation_report`: here shifts are measured from the cells as they are.
            ``delta_pearson_floor`` is that of the best floor (0 for the control),
            ``delta_pearson_ceiling`` that of one half of the real cells for the other.
    `.uns['c2s']['<key_added>_controls']` : :class:`pandas.DataFrame`
        With `truth`: all rows of those reports, one for each experiment that has real cells and predictor; ``"mean
        shift of other donors"`` is that of the same type.
    `.uns['c2s']['<key_added>_record']` : :class:`dict`
        A notice, parameters, model and versions; ``verdict``, in words, how many experiments are above their floors.

    Raises
    ------
    KeyError
        If there are no sentences, no rank fit, or a column is missing.
    TypeError
        If a number of cells, genes or draws is not whole.
    ValueError
        If there are no perturbations, one comes twice, no cell has a donor and a type, or the model was not trained on
        the task.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:60].copy()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> sc.pp.c2s_rank_fit(adata)
    >>> sc.tl.c2s_experiments(adata, ["IFN-beta", "TNF"], groupby="bulk_labels", n_cells=2, min_cells=8, n_boot=0)
    >>> adata.uns["c2s"]["experiments"]["status"].value_counts().to_dict()
    {'skipped': 12, 'done': 6}
    """
    decoding = Decoding(
        n_genes=n_genes, constrain=constrain, temperature=temperature, top_p=top_p, top_k=top_k, n_samples=n_samples,
        max_new_tokens=max_new_tokens, random_state=random_state, cache=cache,
    )  # fmt: skip
    whole("n_cells", n_cells, least=2)
    whole("min_cells", min_cells, least=2)
    key = name_of_result(key_added, _KEY)
    names = names_once(perturbations)
    conditions = grid_conditions(names, dose=dose, time=time)
    check_prompt(prompt, PERTURBATION)
    check_asked(organism=organism, sentence_key=sentence_key, fit=fit)
    check_name(control_name=control_name)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    for name in perturbations:
        refuse_column(data, name, f"list(adata.obs[{name!r}].unique()), or ({name!r},) if it is a name")
    result = claim(data, f"{key}_record", uns=[key, f"{key}_controls", f"{key}_record"])
    real = grid_truth(truth_cells(data, truth, perturbation_key), names, conditions.telling)
    cells = grid_cells(
        data, get_sentences(data, sentence_key), donor_key=donor_key, groupby=groupby,
        left_out=real.rows if real is not None and real.data is data else np.empty(0, dtype=np.intp),
        n_cells=n_cells, min_cells=min_cells, random_state=random_state,
    )  # fmt: skip
    report = ReportOptions(
        truth=real, groupby=columns_of(donor_key, groupby), n_cells=n_cells, program=program, n_boot=n_boot,
        donor_key=None, alike=None if donor_key is None else cells.alike,
    )  # fmt: skip
    report.check(data, conditions.table["condition"].tolist())
    params: dict[str, Any] = {
        "notice": NOTICE, "perturbations": names, "groupby": groupby, "donor_key": donor_key, "n_cells": n_cells,
        "min_cells": min_cells, "controls": controls, "control_name": control_name,
        "perturbation_key": perturbation_key, "program": report.params()["program"], "n_boot": n_boot,
        **{detail: sorted({str(one) for one in values if one is not None})
           for detail, values in conditions.details.items()},
    }  # fmt: skip
    line = fit or stored_fit(data)
    decoding = ready(decoding, writable_words(data, sentence_key).in_sentences)
    if not len(cells.rows):
        logger.warning(
            "no donor and type has %d cells with a sentence, so that nothing is asked; see 'reason' in the table, or "
            "pass min_cells= smaller", min_cells,
        )  # fmt: skip
        table = long_table(cells, conditions, None, None)
        result.write(params, more={"verdict": grid_verdict(table)}, uns={key: table})
        return out if copy else None
    genes = SharedGenes.of(
        data, cells.rows, sentence_key, constrain=constrain, truth=None if real is None else (real.data, real.rows)
    )
    report.columns(genes)
    loaded, task = choose_writer(model, prompt, "perturb")
    refuse_without(task, PERTURBATION)
    asker = Asker(
        data=data, model=loaded, task=task, decoding=decoding, fit=line, organism=organism, sentence_key=sentence_key,
        genes=genes,
    )  # fmt: skip
    told = tell(loaded, names, control_name=control_name)
    refuse_twice(told)
    asked = Asked.of(asker, conditions, told)
    n = len(cells.rows)
    one = AskedCells(rows=cells.rows, conditions=np.full(n, "", dtype=object), picked=np.arange(n), genes=genes)
    grid = Grid(
        asker=asker, cells=cells, conditions=conditions, asked=asked, control_name=control_name, controls=controls,
        report=report, genes=one,
    )  # fmt: skip
    found, reports = grid.run()
    table = long_table(cells, conditions, asked, found)
    verdict = grid_verdict(table, reports)
    uns = {key: table} | ({f"{key}_controls": reports_by_place(reports, cells, conditions)} if len(reports) else {})
    result.write({**params, **asker.params()}, model=loaded.info(), more={"verdict": verdict}, uns=uns)
    return out if copy else None
