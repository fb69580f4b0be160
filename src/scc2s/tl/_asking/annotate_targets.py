"""tl.annotate for several targets of one prompt."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.results import name_of_result
from scc2s.models._answers import answers
from scc2s.models._taught import taught
from scc2s.tl._asking.answers import score_labels
from scc2s.tl._asking.nulls import ask_nulls
from scc2s.tl._asking.question import load_for
from scc2s.tl._asking.targets import joint_task, nulls_of, scored_columns, with_labels, written_columns
from scc2s.tl._asking.untaught import compare
from scc2s.tl._asking.verdicts import entry, judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scc2s.models import Model
    from scc2s.prompts import Task
    from scc2s.tl._asking.decoding import Decoding
    from scc2s.tl._asking.question import Question
    from scc2s.tl._asking.subjects import Subject

_PARTS = ("", "_prob", "_entropy", "_trust", "_raw")


def annotate_targets(
    about: Subject,
    given: Mapping[str, list[str] | None],
    *,
    model: str | Model | None,
    prompt: str | Task | None,
    mode: str,
    groupby: str | None,
    min_prob: float | None,
    normalize: str,
    prior_correction: bool,
    controls: bool,
    several: bool,
    decoding: Decoding,
    key_added: str | None,
) -> None:
    """Ask, read and write; arguments as those of :func:`scc2s.tl.annotate`, checked before."""
    scored = mode == "score"
    task = joint_task(prompt, list(given), several=several)
    prefix = "c2s" if key_added is None else name_of_result(key_added, "c2s")
    keys = [f"{prefix}_{name}" for name in given]
    parts = (*_PARTS, *([] if groupby is None else [f"_{groupby}"]))
    result = about.claim(
        "annotate",
        f"{prefix}_{task.name}" if key_added is None else prefix,
        "c2s_cell_type",
        obs=[f"{key}{part}" for key in keys for part in parts],
        obsm=[f"{key}_probs" for key in keys],
    )
    seen = about.look(task, task.name, needed=False)
    loaded, task = load_for(model, task, task.name, can=mode)
    about.refuse_untaught(loaded, task, prompt)
    targets = with_labels(given, loaded, scored=scored)
    choices = targets.choices(task) if scored else []
    room = int(loaded.count_tokens(choices).max()) + 1 if scored else int(decoding.max_new_tokens or 0)
    question = about.ask(task, loaded, seen, n_answer_tokens=room)
    labels = targets.labels.get("cell_type", [])
    untaught = compare(loaded, question, labels, "cell_type")
    untaught.say(loaded, len(labels))
    obs: dict[str, Any]
    obsm: dict[str, Any] = {}
    group = None if groupby is None else about.data.obs[groupby]
    if scored:

        def answer(some: Question) -> np.ndarray:
            return score_labels(
                loaded,
                some,
                choices,
                per_token=normalize == "mean",
                corrected=prior_correction,
                temperature=taught(loaded).temperature,
                cache=decoding.cache,
            )

        own = answer(question)
        obs, obsm = scored_columns(about.names, prefix, targets, question, own, min_prob, group)
    else:
        write = partial(
            answers,
            loaded,
            max_new_tokens=decoding.max_new_tokens,
            sampling=decoding.sampling,
            random_state=decoding.random_state,
            cache=decoding.cache,
        )
        raw = write(question.rendered.texts)
        found = targets.read(raw, question.rendered.texts, task)
        targets = targets.known(found)
        obs = written_columns(len(about.names), prefix, targets, question, raw, found)

        def answer(some: Question) -> np.ndarray:
            texts = some.rendered.texts
            return targets.votes(targets.read(write(texts), texts, task))

        own = targets.votes(found)
    more: dict[str, Any] = {"taught": untaught.entry()}
    if controls:
        nulls = ask_nulls(
            question,
            own,
            answer,
            names=about.names.tolist(),
            model=loaded,
            n_answer_tokens=room,
            random_state=decoding.random_state,
        )
        more |= entry(nulls, graded=scored)
        more["by_target"] = {}
        for name, one in nulls_of(nulls, targets, scored=scored).items():
            key = f"{prefix}_{name}_trust"
            said = judge(one, f"{loaded.id} (target {name!r})", key if scored else None)
            more["by_target"][name] = {part: said[part] for part in ("controls", "verdict")}
            if scored:
                trust = one.trust(question, targets.parted(own)[name], untaught.read)
                obs[key] = question.spread(trust[:, None])[:, 0].astype(np.float32)
    params = {
        "mode": mode,
        "targets": targets.names,
        "labels": targets.labels,
        "groupby": groupby,
        "min_prob": min_prob,
        "normalize": normalize,
        "prior_correction": prior_correction,
        "controls": controls,
        "sentence_key": about.sentence_key,
        "key_added": prefix,
        **{name: value for name, value in decoding.params().items() if name not in ("constrain", "n_samples")},
    }
    about.write(result, {**params, **question.params()}, model=loaded.info(), more=more, obs=obs, obsm=obsm)
