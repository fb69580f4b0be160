"""Labels of each model and of markers, for the same cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s import programs
from scc2s._cells.access import expression
from scc2s.metrics._nulls import OWN
from scc2s.models._answers import answers
from scc2s.models._taught import taught
from scc2s.prompts._answers import UNMAPPED
from scc2s.tl._asking.answers import as_answers, read_labels, score_labels
from scc2s.tl._asking.nulls import as_votes, ask_nulls
from scc2s.tl._asking.offer import offer
from scc2s.tl._asking.question import ask, load_for
from scc2s.tl._asking.untaught import compare
from scc2s.tl._asking.verdicts import judge
from scc2s.tl._benchmarking.contenders import MAJORITY, MARKERS, Outcome, Timed
from scc2s.tl._labelling.marked import best_labels, find_markers, scores_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s.models._numbers import Cache
    from scc2s.prompts import Task
    from scc2s.tl._asking.cells import Cells
    from scc2s.tl._asking.question import Question

_TARGET = "cell_type"


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """How each model is asked for a label."""

    data: AnnData
    seen: Cells
    names: list[str]
    """Labels to choose from."""
    prompt: str | Task | None
    organism: str | None
    sentence_key: str
    max_new_tokens: int
    controls: bool
    random_state: int
    cache: Cache

    def of(self, given: Any) -> Outcome:
        """Labels by probability where the model can compare answers; else what it writes, mapped to the labels."""
        scores = hasattr(given, "score")
        loaded, task = load_for(given, self.prompt, _TARGET, can="score" if scores else "generate")
        model = Timed(loaded)
        offered = offer(loaded, self.names, _TARGET, own_prompt=self.prompt is not None)
        choices = as_answers(offered.choices, task)
        room = int(loaded.count_tokens(choices).max()) + 1 if scores else self.max_new_tokens
        question = ask(
            self.data,
            task,
            loaded,
            organism=self.organism,
            sentence_key=self.sentence_key,
            n_answer_tokens=room,
            seen=self.seen,
        )
        untaught = compare(loaded, question, offered.meant, _TARGET)
        untaught.say(loaded, len(self.names))

        def votes(some: Question) -> np.ndarray:
            if scores:
                temperature = taught(loaded).temperature
                found = score_labels(
                    model, some, choices, per_token=False, corrected=False, temperature=temperature, cache=self.cache
                )
                return offered.gathered(found)
            raw = answers(
                model,
                some.rendered.texts,
                max_new_tokens=self.max_new_tokens,
                random_state=self.random_state,
                cache=self.cache,
            )
            return as_votes(read_labels(raw, task, self.names, None)[0], self.names)

        own = votes(question)
        cost = model.cost()
        labels = self._labels(own, scores=scores)
        more: dict[str, Any] = {
            "mode": "score" if scores else "generate",
            "n_labels_not_taught": len(untaught.labels),
            "n_shortened": question.rendered.n_shortened,
            **cost,
        }
        if self.controls:
            nulls = ask_nulls(
                question,
                own,
                votes,
                names=self.data.obs_names.tolist(),
                model=model,
                n_answer_tokens=room,
                random_state=self.random_state,
            )
            same = nulls.report["same_label"].drop(OWN)
            more |= {f"same_label, {name}": float(value) for name, value in same.items()}
            more["verdict"] = judge(nulls, loaded.id, None)["verdict"]
        return Outcome("", "model", answers=labels, more=more)

    def _labels(self, votes: np.ndarray, *, scores: bool) -> np.ndarray:
        """Label of each cell of the sample: the most probable, as :func:`scc2s.tl.annotate` has it."""
        if scores:
            return np.asarray(np.array(self.names, dtype=object)[votes[:, : len(self.names)].argmax(axis=1)])
        columns = np.array(list(dict.fromkeys([*self.names, UNMAPPED])), dtype=object)
        return np.asarray(columns[votes.argmax(axis=1)])


def majority(labels: np.ndarray) -> Outcome:
    """The most frequent label for all cells."""
    kinds, sizes = np.unique(labels.astype(str), return_counts=True)
    return Outcome(MAJORITY, "floor", answers=np.full(len(labels), kinds[sizes.argmax()], dtype=object))


def by_markers(
    data: AnnData,
    rows: np.ndarray,
    markers: Any,
    names: Sequence[str],
    *,
    layer: str | None,
    use_raw: bool | None,
    gene_symbols: str | None,
) -> Outcome:
    """The label whose markers are highest, as :func:`scc2s.tl.marker_labels`, but that every cell gets one."""
    try:
        wanted = _wanted(markers, names)
        expressed = expression(data, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols)
        genes = [name for i, name in enumerate(expressed.names) if expressed.allowed is None or expressed.allowed[i]]
        marked = find_markers(wanted, genes)
        scores, _ = scores_of(expressed, marked, 1e4)
    except (KeyError, ValueError) as error:
        return Outcome(MARKERS, "floor", reason=str(error.args[0]))
    best, _ = best_labels(scores[rows], -np.inf, -np.inf)
    return Outcome(MARKERS, "floor", answers=np.array(marked.labels, dtype=object)[best])


def _wanted(markers: Any, names: Sequence[str]) -> Mapping[str, programs.Markers]:
    """Markers of those labels that have some."""
    known = programs.markers() if markers is None else programs.as_markers(markers)
    found = {name: known[name] for name in names if name in known}
    if len(found) < 2:
        msg = f"there are markers of {len(found)} of the {len(names)} labels; pass markers= genes by label"
        raise ValueError(msg)
    return found
