from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s._cells.access import get_sentences
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import opened
from scc2s._cells.gene_words import stored_fit
from scc2s._cells.results import claim, name_of_result
from scc2s._cells.written_words import writable_words
from scc2s._logging import logger
from scc2s.metrics._power import smallest_effect
from scc2s.metrics._screen import HitRule, screen_table
from scc2s.prompts import NO_PERTURBATION
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import choose_writer
from scc2s.tl._predicting.names import refuse_twice, taught_names, tell
from scc2s.tl._predicting.perturbations import names_once, refuse_column
from scc2s.tl._predicting.screen_cells import screen_cells
from scc2s.tl._predicting.screen_run import NOTICE, Scoring, ask_all
from scc2s.tl._writing.checks import (
    check_asked,
    check_name,
    check_prompt,
    numbers,
    ready,
    refuse_without,
)
from scc2s.tl._writing.responses import Asker
from scc2s.tl._writing.shared_genes import SharedGenes
from scc2s.tl._writing.write_cells import PERTURBATION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Program
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit

_POWER = 0.8


def screen(
    adata: AnnData | MuData,
    perturbations: Sequence[Any],
    *,
    program: str | Program | Sequence[str],
    context_key: str | None = None,
    positive: str | None = None,
    neutral: str | None = None,
    donor_key: str | None = None,
    n_cells: int = 50,
    n_null: int | None = None,
    baseline: Literal["cell", "regeneration"] = "regeneration",
    max_neutral: float = 0.1,
    min_validity: float = 0.9,
    alpha: float = 0.05,
    n_boot: int = 1000,
    method: Literal["mean", "rank"] = "mean",
    control_name: str = NO_PERTURBATION,
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
    key_added: str = "screen",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Rank perturbations by what a model says they do to a gene program, in one context against another.

    Every perturbation is put to the same cells of a positive and of a neutral context (a dual-context screen; the idea
    is that of the C2S-Scale preprint, bioRxiv 10.1101/2025.04.14.648850, version 2; its formula, gene list and
    thresholds are not public, so all of these are scc2s definitions). So are names made up of syllables, which mean
    nothing: what the model says of them is the null. A hit is an answer of the model, not a finding.

    The effect of perturbation d in context c is ``E(d, c)``: mean over cells of score(cell written for d) - score(cell
    written for no perturbation), both put through the same rank fit; ``split(d) = E(d, positive) - E(d, neutral)``.

    Names that the model was not taught are named before the run, and other spellings put to it under the name that it
    was taught, as in :func:`scc2s.tl.perturb`. How small an effect could be found at all is said with the result.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`) and a rank fit (:func:`scc2s.pp.rank_fit`).
    perturbations
        Names, each once; a tuple of names is a combination, as in :func:`scc2s.tl.perturb`.
    program
        ``"ifn"``, ``"mhc1"``, ``"apoptosis"``, a list of genes, or a program of :func:`scc2s.programs.from_gmt`.
    context_key, positive, neutral
        Column of ``.obs`` and its values for the two contexts. Without `neutral` the effect in the positive context
        alone is ranked, without `context_key` that in all cells.
    donor_key
        Column of ``.obs``: intervals draw whole donors. ``None``: they draw cells, which makes them too narrow for
        claims about donors.
    n_cells
        Most cells of each context, drawn by `random_state`; the same for all perturbations.
    n_null
        Made-up names for each perturbation, built like it and of other letters; 0: no null, and no p. ``None``:
        ``1 / alpha`` (20), the fewest with which a single perturbation, among however many, can be a hit. The cost of
        the screen is `n_null` + 1 times that of the names alone.
    baseline
        What a predicted cell is compared with: its ``"regeneration"`` (what the model writes about the same cell when
        told `control_name`), or the ``"cell"``'s own sentence, from which a model departs by writing anew alone.
    max_neutral, min_validity, alpha
        What makes a hit: :class:`scc2s.metrics.HitRule`.
    n_boot
        Bootstrap samples of the intervals.
    method
        How the program is scored: :func:`scc2s.programs.score`.
    control_name
        What the model is told where there is no perturbation.
    model, prompt, n_genes, constrain, temperature, top_p, top_k, n_samples, max_new_tokens, random_state
        As in :func:`scc2s.tl.perturb`.
    cache
        File that keeps answers. A screen that was stopped goes on from there; a second run asks nothing again.
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

    `.uns['c2s']['screen' | key_added]` : :class:`pandas.DataFrame`
        One row for each perturbation, best first; columns as in :func:`scc2s.metrics.screen_table`, ``complete`` (share
        of cells that are as long as asked for) and ``interval_over`` (``"donors"`` or ``"cells"``). For
        :func:`scc2s.tl.shortlist` and :func:`scc2s.pl.screen`.
    `.uns['c2s']['<key_added>_controls']` : :class:`pandas.DataFrame`
        The same effects of the controls: the unperturbed regeneration (against the cells' own sentences, whatever the
        `baseline`), and each made-up name, which is called ``"scrambled name"``.
    `.uns['c2s']['<key_added>_record']` : :class:`dict`
        A notice, all parameters, genes of the program found and missing, model and versions. ``smallest_effect`` is the
        split that would be found with a power of 0.8 (:func:`scc2s.metrics.smallest_effect`), by the spread of the
        made-up names (without these: of the names). ``names_asked`` are the names as they were put to the model.

    Raises
    ------
    KeyError
        A column or a context is not there.
    TypeError
        A number of cells, names or draws is not whole.
    ValueError
        No perturbations, one twice, a context with under 2 cells, under 3 genes of the program, or a model that was not
        trained on the task.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> adata.X = adata.raw[:, adata.var_names].X
    >>> sc.pp.c2s_sentences(adata, n_genes=30, use_raw=False)
    >>> sc.pp.c2s_rank_fit(adata, use_raw=False)
    >>> sc.tl.c2s_screen(adata, ["IFN-beta", "vehicle"], program=["CD74", "HLA-DRA", "CD79A"], n_cells=4, n_null=0)
    >>> adata.uns["c2s"]["screen"].shape[0]
    2
    """
    decoding = Decoding(
        n_genes=n_genes, constrain=constrain, temperature=temperature, top_p=top_p, top_k=top_k, n_samples=n_samples,
        max_new_tokens=max_new_tokens, random_state=random_state, cache=cache,
    )  # fmt: skip
    whole("n_cells", n_cells, least=2)
    whole("n_boot", n_boot, least=0)
    whole("n_null", 0 if n_null is None else n_null, least=0)
    numbers(alpha=(alpha, 0, 1), min_validity=(min_validity, 0, 1), max_neutral=(max_neutral, 0, math.inf))
    key = name_of_result(key_added, "screen")
    names = names_once(perturbations)
    n_null = _n_null(n_null, len(names), alpha)
    check_prompt(prompt, PERTURBATION)
    check_asked(organism=organism, sentence_key=sentence_key, fit=fit)
    check_name(control_name=control_name)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    for name in perturbations:
        refuse_column(data, name, f"list(adata.obs[{name!r}].unique()), or ({name!r},) if it is a name")
    result = claim(data, f"{key}_record", uns=[key, f"{key}_controls", f"{key}_record"])
    cells = screen_cells(
        data, get_sentences(data, sentence_key), context_key=context_key, positive=positive, neutral=neutral,
        donor_key=donor_key, n_cells=n_cells, random_state=random_state,
    )  # fmt: skip
    genes = writable_words(data, sentence_key)
    scoring = Scoring.of(program, genes, method=method, baseline=baseline)
    shared = SharedGenes.of(data, np.unique(cells.rows), sentence_key, constrain=constrain)
    line = fit or stored_fit(data)
    decoding = ready(decoding, genes.in_sentences)
    loaded, task = choose_writer(model, prompt, "perturb")
    refuse_without(task, PERTURBATION)
    asker = Asker(
        data=data, model=loaded, task=task, decoding=decoding, fit=line, organism=organism, sentence_key=sentence_key,
        genes=shared,
    )  # fmt: skip
    asked = tell(loaded, names, control_name=control_name)
    refuse_twice(asked)
    screened = ask_all(
        asker,
        cells.rows,
        names,
        scoring,
        control_name=control_name,
        n_null=n_null,
        asked=asked,
        known=taught_names(loaded),
    )
    found = screened.found
    table = screen_table(
        found.effects, names, positive=cells.positive, neutral=cells.neutral, donors=cells.donors, null=screened.null,
        validity=found.validity, rule=HitRule(max_neutral, min_validity, alpha), n_boot=n_boot,
        random_state=random_state,
    )  # fmt: skip
    table["complete"] = table["name"].map(dict(zip(names, found.complete, strict=True)))
    table["interval_over"] = "cells" if cells.donors is None else "donors"
    table.index = table.index.astype(str)
    least = smallest_effect(
        screened.scrambled.effects if n_null else found.effects, positive=cells.positive, neutral=cells.neutral,
        donors=cells.donors, power=_POWER,
    )  # fmt: skip
    _tell(table, least)
    params = {
        "notice": NOTICE, **scoring.params(), "control_name": control_name, **asker.params(),
        "context_key": context_key, "positive": positive, "neutral": neutral, "donor_key": donor_key,
        "n_donors": 0 if cells.donors is None else len(set(cells.donors)), "n_cells": n_cells, "n_null": n_null,
        "names_asked": [asked[name] for name in names], "power": _POWER, "smallest_effect": least,
        "n_boot": n_boot, "max_neutral": max_neutral, "min_validity": min_validity, "alpha": alpha,
    }  # fmt: skip
    effects = screened.controls(names, cells.positive, cells.neutral)
    result.write(params, model=loaded.info(), uns={key: table, f"{key}_controls": effects})
    return out if copy else None


def _n_null(n_null: int | None, n_names: int, alpha: float) -> int:
    """Scrambled names for each perturbation; says so where they are too few for a single hit."""
    if not 0 < alpha < 1:
        msg = f"alpha={alpha} is not a share of false hits; pass alpha= between 0 and 1"
        raise ValueError(msg)
    if n_null is None:
        return math.ceil(1 / alpha)
    least = math.ceil(n_names / (1 + n_null * n_names) / alpha)  # hits whose q can be alpha, all at the smallest p
    if n_null and least > 1:
        logger.warning(
            "n_null=%d is too small for a single hit at alpha=%g (%s); pass n_null=%d",
            n_null, alpha, f"{least} together can be" if least <= n_names else "none can be", math.ceil(1 / alpha),
        )  # fmt: skip
    return n_null


def _tell(table: pd.DataFrame, least: float) -> None:
    if table["low"].isna().all():
        logger.warning("effects have no interval (a single donor, or n_boot=0), so that nothing can be a hit")
    if n_short := int((table["complete"] < 1).sum()):
        logger.warning("the model ended early for %d of %d perturbations; see column 'complete'", n_short, len(table))
    if not least > 0:  # made-up names all do the same, so that any effect would be found
        return
    say = logger.info if table["hit"].any() else logger.warning
    say(
        "%d hits; with %d cells%s a split of %.2g would be found with a power of %.0f %%, a smaller one less often",
        int(table["hit"].sum()), int(table["n_positive"].iloc[0]),
        f" against {n} in the neutral context" if (n := int(table["n_neutral"].iloc[0])) else "", least, 100 * _POWER,
    )  # fmt: skip
