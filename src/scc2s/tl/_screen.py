from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from scc2s._anndata import get_adata, get_sentences, refuse_unwritable
from scc2s._logging import logger
from scc2s._provenance import entry
from scc2s._reading import stored_fit, words_of
from scc2s.metrics._screen import HitRule, screen_table
from scc2s.prompts import NO_PERTURBATION

from ._decoding import Decoding
from ._question import choose_writer
from ._responses import Responder
from ._screen_run import NOTICE, Plan, contexts, pick_cells, run
from ._write_cells import PERTURBATION, refuse_without

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import numpy as np
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Program
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit


def screen(
    adata: AnnData | MuData,
    perturbations: Sequence[str],
    *,
    program: str | Program | Sequence[str],
    context_key: str | None = None,
    positive: str | None = None,
    neutral: str | None = None,
    donor_key: str | None = None,
    n_cells: int = 50,
    n_null: int | None = None,
    baseline: Literal["cell", "regeneration"] = "cell",
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
    thresholds are not public, so all of these are scc2s definitions). The same is done with scrambled names: what the
    model says of names that mean nothing is the null. A hit is an answer of the model, not a finding.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`) and a rank fit (:func:`scc2s.pp.rank_fit`).
    perturbations
        Names, each once.
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
        Scrambled names for each perturbation; 0: no null. ``None``: as many as give 99 null values in all, at most 99.
    baseline
        What a predicted cell is compared with: the same ``"cell"``'s own sentence, or its ``"regeneration"`` (what the
        model writes when told `control_name`).
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
        One row for each perturbation, best first; columns as in :func:`scc2s.metrics.screen_table`. For
        :func:`scc2s.tl.shortlist` and :func:`scc2s.pl.screen`.
    `.uns['c2s']['<key_added>_record']` : :class:`dict`
        All parameters, genes of the program found and missing, null splits (``null``), what intervals draw, a notice,
        model and versions.

    Raises
    ------
    KeyError
        A column or a context is not there.
    ValueError
        No perturbations, one twice, a context with under 2 cells, or under 3 genes of the program.

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
    out = adata.copy() if copy else adata
    data = get_adata(out, mod)
    refuse_unwritable(data)
    names = _names(perturbations)
    if baseline not in ("cell", "regeneration"):
        msg = f"baseline={baseline!r} is not known; pass 'cell' or 'regeneration'"
        raise ValueError(msg)
    labels = contexts(data, context_key, positive, neutral)
    rows = pick_cells(data, labels, get_sentences(data, sentence_key), n_cells, random_state)
    plan = Plan.make(program, words_of(data, sentence_key), method=method, baseline=baseline, control_name=control_name)
    line = fit or stored_fit(data)
    loaded, task = choose_writer(model, prompt, "perturb")
    refuse_without(task, PERTURBATION)
    responder = Responder(data, loaded, task, decoding, line, organism, sentence_key)
    donors = _donors(data, donor_key, rows)
    n_null = min(99, -(-99 // len(names))) if n_null is None else n_null
    found = run(responder, rows, names, plan, n_null=n_null, random_state=random_state)
    rule = HitRule(max_neutral, min_validity, alpha)
    here = labels[rows]
    table = screen_table(
        found.effects, names, positive=here == "positive", neutral=here == "neutral" if neutral is not None else None,
        donors=donors, null=found.null, validity=found.validity, rule=rule, n_boot=n_boot, random_state=random_state,
    )  # fmt: skip
    if table["low"].isna().all():
        logger.warning("there is one donor, so effects have no interval and there are no hits; pass more donors")
    params = {
        "notice": NOTICE, **plan.params(), **responder.params(),
        "context_key": context_key, "positive": positive, "neutral": neutral, "donor_key": donor_key,
        "intervals_draw": "cells" if donor_key is None else "donors", "n_donors": len(set(donors or [])),
        "n_cells": len(rows), "n_null": n_null, "n_boot": n_boot,
        "max_neutral": max_neutral, "min_validity": min_validity, "alpha": alpha,
    }  # fmt: skip
    made = entry(params, model=loaded.info())
    if found.null is not None:
        made["null"] = found.null_splits(here == "positive", here == "neutral" if neutral is not None else None)
    data.uns["c2s"] = {**data.uns.get("c2s", {}), key_added: table, f"{key_added}_record": made}
    return out if copy else None


def _names(perturbations: Sequence[str]) -> list[str]:
    if isinstance(perturbations, str) or not len(perturbations):
        msg = "there are no perturbations to screen; pass a list of names, e.g. ['IFN-beta', 'TNF']"
        raise ValueError(msg)
    names = [str(name).strip() for name in perturbations]
    if not all(names) or len(set(names)) < len(names):
        twice = sorted({name or "an empty name" for name in names if not name or names.count(name) > 1})
        msg = f"perturbations are to be named once each (see {twice[0]!r}); pass list(dict.fromkeys(names))"
        raise ValueError(msg)
    return names


def _donors(data: AnnData, key: str | None, rows: np.ndarray) -> list[Any] | None:
    if key is None:
        return None
    if key not in data.obs:
        msg = f"adata.obs has no column {key!r}; pass donor_key= one of {', '.join(map(repr, data.obs.columns[:20]))}"
        raise KeyError(msg)
    column = data.obs[key].iloc[rows]
    if n_missing := int(column.isna().sum()):
        msg = f"adata.obs[{key!r}] is missing for {n_missing} cells of the screen; fill it, or pass donor_key=None"
        raise ValueError(msg)
    return column.astype(str).tolist()
