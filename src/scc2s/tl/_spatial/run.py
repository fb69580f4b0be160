"""The steps that questions about shared places have in common: look, ask, compare with floors, write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import get_sentences
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import column
from scc2s._cells.contexts import genes_of, get_contexts
from scc2s._cells.provenance import file_names
from scc2s._cells.results import claim, refuse_record
from scc2s._logging import logger
from scc2s.tl._spatial.floors import floors, report, sentence_weights
from scc2s.tl._spatial.knowledge import arms_of
from scc2s.tl._spatial.yes_no import ask_yes_no, look

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from scc2s.models import Model
    from scc2s.models._numbers import Cache
    from scc2s.prompts import Task

_NEEDED = ("center", "kind", "label", "block", "split")


def together(
    data: AnnData,
    *,
    tool: str,
    key_added: str,
    contexts: str,
    made_by: str,
    model: str | Model | None,
    prompt: str | Task | None,
    interactions: str | None,
    ablation: bool,
    max_interactions: int,
    part: str,
    cell_type_key: str | None,
    normalize: str,
    controls: bool,
    n_boot: int,
    random_state: int,
    cache: Cache,
    organism: str | None,
    sentence_key: str,
) -> None:
    """Ask whether the cells of each context belong together, and write answers, floors and report."""
    if part not in ("test", "all"):
        msg = f"part={part!r} is not known; pass part='test' or part='all'"
        raise ValueError(msg)
    if normalize not in ("sum", "mean"):
        msg = f"normalize={normalize!r} is not known; pass normalize='sum' or normalize='mean'"
        raise ValueError(msg)
    most, n_boot = whole("max_interactions", max_interactions), whole("n_boot", n_boot)
    random_state = whole("random_state", random_state, 0)
    refuse_empty(data)
    refuse_record(data, key_added, usual=tool, holds="report")
    result = claim(data, key_added)
    found = get_contexts(data, contexts)
    table = found.table
    if absent := [name for name in _NEEDED if name not in table]:
        msg = f"the contexts {contexts!r} have no column {absent[0]!r} in their table; draw them with {made_by}"
        raise ValueError(msg)
    arms = arms_of(data, interactions, ablation=ablation)
    cell_type_key = _types_of(data, contexts) if cell_type_key is None else cell_type_key
    types = None if cell_type_key is None else column(data, cell_type_key, "cell_type_key").astype(object).tolist()
    split = table["split"].astype(str).to_numpy()
    asked = np.flatnonzero(split == "test") if part == "test" and (split == "test").any() else np.arange(len(table))
    seen = look(data, contexts, prompt, tool, organism=organism, sentence_key=sentence_key, asked=asked)
    answered = ask_yes_no(
        data, seen, arms, name=tool, model=model, prompt=prompt, most=most, organism=organism, normalize=normalize,
        controls=controls, random_state=random_state, cache=cache,
    )  # fmt: skip
    weights = sentence_weights(get_sentences(data, sentence_key), genes_of(data, contexts))
    trivial = floors(table, found.rows(data), weights, types)
    learned = bool((split == "train").any())
    given: dict[str, np.ndarray] = {}
    for arm, values in answered.probability.items():
        given[_named(arm, len(arms))] = _spread(values, asked, len(table))
    graded = {**dict.fromkeys(given, True), **dict.fromkeys(trivial, learned)}
    compared = {name: _only(values, asked) for name, values in {**given, **trivial}.items()}
    reported = report(table, compared, graded=graded, random_state=random_state, n_boot=n_boot)
    _say(reported, list(given)[-1], answered.model.id)
    own = given[list(given)[-1]]
    out = table.copy()
    out["probability"] = own
    out["answer"] = np.where(np.isnan(own), "", np.where(own > 0.5, "yes", "no")).astype(object)
    if len(arms) > 1:
        for name, values in zip(file_names([f"probability_{arm}" for arm in arms]), given.values(), strict=True):
            out[name] = values
    params: dict[str, Any] = {
        "contexts": contexts, "interactions": interactions, "ablation": ablation, "arms": list(arms),
        "max_interactions": max_interactions, "part": part, "n_asked": len(asked), "cell_type_key": cell_type_key,
        "normalize": normalize, "controls": controls, "n_boot": n_boot, "random_state": random_state,
        "sentence_key": sentence_key, "key_added": key_added,
    }  # fmt: skip
    result.write(
        {**answered.params, **params},
        model=answered.model.info(),
        more={"table": out, "report": reported, **answered.controls},
    )


def _named(arm: str, n_arms: int) -> str:
    return "model" if n_arms == 1 else f"model, interactions: {arm}"


def _types_of(data: AnnData, contexts: str) -> str | None:
    """The column that the negatives were matched on."""
    matched = data.uns["c2s"][contexts].get("params", {}).get("matched")
    return str(matched) if isinstance(matched, str) and matched != "None" and matched in data.obs else None


def _spread(values: np.ndarray, asked: np.ndarray, n: int) -> np.ndarray:
    found = np.full(n, np.nan)
    found[asked] = values
    return found


def _only(values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The same questions for all."""
    return _spread(values[asked], asked, len(values))


def _say(reported: pd.DataFrame, own: str, model_id: str) -> None:
    """One line for each kind of negatives: does the model beat what needs none?"""
    for negatives, rows in reported.groupby("negatives"):
        areas = rows.set_index("answer")["auroc"]
        others = areas.drop([name for name in areas.index if str(name).startswith("model")])
        if own not in areas or not len(others) or others.isna().all():
            continue
        best = str(others.idxmax())
        text = "%s against %ss: area %.2f; %s, without a model: %.2f"
        if areas[own] > others[best]:
            logger.info(text, model_id, negatives, areas[own], best, others[best])
        else:
            logger.warning(text + "; it does not beat it", model_id, negatives, areas[own], best, others[best])
