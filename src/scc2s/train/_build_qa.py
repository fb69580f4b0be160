from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s._io import check_writable
from scc2s.prompts._passages import passages
from scc2s.prompts._teaching import ask_questions

from ._build_answers import ItemJudge
from ._build_claims import content
from ._build_items import Item, read_items
from ._build_result import Built, log_built, log_parts
from ._build_studies import studies_of
from ._build_teacher import Asking, Teacher, least, share
from ._read_qa import FIELDS, write_items

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts._teaching import Messages

    from ._build_studies import Study

_PART_OF_ROOM = 0.6
"""Of the tokens that a request leaves, for the text; the rest is for the questions that are there already."""
_REASONS = 3
"""Kinds of mistakes that the teacher is told of."""
_UNREAD = "no JSON list was found"


def build_qa(
    texts: Mapping[str, str | Mapping[str, str]],
    teacher: str | Model,
    *,
    cells: Mapping[str, Iterable[str]],
    n_items: int = 20,
    n_cells: int = 5,
    n_at_once: int = 5,
    n_retries: int = 2,
    min_support: float = 0.5,
    max_alike: float = 0.8,
    gene_names: Iterable[str] = (),
    labels: Iterable[str] = (),
    splits: Mapping[str, str] | None = None,
    val: float = 0.1,
    test: float = 0.2,
    plain: bool = False,
    temperature: float = 0.7,
    top_p: float = 1.0,
    top_k: int | None = None,
    max_new_tokens: int = 1024,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    path: str | PathLike[str] | None = None,
) -> Built:
    """Let a teacher write questions and answers about the cells of studies, and keep those that their texts hold.

    The recipe of C2S-Scale (Rizvi et al., bioRxiv 10.1101/2025.04.14.648850): 20 questions with answers and keywords of
    each study, written by a large language model from abstract, results and discussion, beside sampled cells; tested on
    studies that were not seen. The requests are worded by us. What is checked is that an answer says nothing that the
    text does not have, word for word; whether the text is right, and whether the cells drawn show it, is not.

    Parameters
    ----------
    texts
        Text of each study by its name; or its texts by section, e.g. ``{"abstract": ..., "results": ...}``.
    teacher
        Model that talks (:class:`scc2s.models.Talks`), of any backend: a server, an instruct model, recorded answers
        (:class:`scc2s.models.ReplayModel`), your own function; or a name for :func:`scc2s.models.load`.
    cells
        Sentences of the cells of each study; each item gets `n_cells` of them.
    n_items
        Items of each study.
    n_cells
        Cells of an item, drawn by `random_state`, the name of the study and the number of the item.
    n_at_once
        Items that are asked for in one request. Fewer are easier for a small teacher.
    n_retries
        Requests of a study beyond the ``n_items / n_at_once`` that would do if all were kept.
    min_support
        Share of the words of an answer (common ones aside) that the text has to have.
    max_alike
        Questions of a study that share this part of their words (Jaccard index) are one.
    gene_names, labels
        Genes and cell types of the data (``adata.var_names``, values of a column), so that those are found in answers
        that do not look like symbols, and that :func:`scc2s.programs.markers` does not have.
    splits
        Part of each study (``"train"``, ``"val"``, ``"test"``), where it is settled, e.g. by :func:`scc2s.pp.split`.
    val, test
        Else: share of studies for validation and test, by a hash of their names (:func:`split`).
    plain
        Ask in a plain text ("Question: ... Answer:"), for a model that was not trained to talk.
    temperature, top_p, top_k
        How words are drawn.
    max_new_tokens
        Longest reply, with all items of a request.
    random_state
        Seed of the draws and of the split.
    cache
        File that keeps replies: a run that was killed goes on where it was.
    path
        File of JSON lines to write, for :func:`read_qa`; in one step, at the end.

    Returns
    -------
    ``kept``: the fields of :func:`read_qa`, by study in the order of `texts`. ``dropped``: ``study``, ``round``,
    ``question``, ``answer``, ``keywords`` (with commas), ``reason``, ``detail``. ``replies``: each reply; its
    ``problem`` is ``no question``, ``no JSON`` (lines were read instead), ``broken JSON`` (what is whole was read),
    ``fewer than asked for``, or empty. Reasons are: ``no question``, ``no answer``, ``not a question``, ``asks about
    the text``, ``question holds the answer``, ``no keywords``, ``keyword not in the text``, ``no keyword in the
    answer``, ``gene not in the text``, ``cell type not in the text``, ``number not in the text``, ``answer hardly in
    the text``, ``repeats another question``, ``more than asked for``.

    Raises
    ------
    KeyError
        If a study has no cells.
    TypeError
        If the teacher does not talk, or something is of another type.
    ValueError
        If a text is blank, two studies have the same one, a number is out of range, or the context of the teacher has
        no room for any passage.
    PartialAnswersError
        If the teacher failed on the way; with `cache`, the same call goes on from there.

    Examples
    --------
    >>> from scc2s.models import CallableModel
    >>> reply = '[{"question": "Which cells respond to interferon?", "answer": "Monocytes.", "keywords": ["monocyte"]}]'
    >>> built = build_qa(
    ...     {"kang": "Monocytes responded most to interferon."},
    ...     CallableModel(reply=lambda messages: reply),
    ...     cells={"kang": ["LYZ ISG15", "CD14 IFI6"]},
    ...     n_items=1,
    ... )
    >>> built.kept[["question", "answer", "keywords"]].to_numpy().tolist()
    [['Which cells respond to interferon?', 'Monocytes.', ['monocyte']]]
    """
    for name, value, lowest in (("n_items", n_items, 1), ("n_cells", n_cells, 1), ("n_at_once", n_at_once, 1),
                                ("n_retries", n_retries, 0)):  # fmt: skip
        least(name, value, lowest)
    share("min_support", min_support)
    share("max_alike", max_alike)
    asking = Asking.of(
        plain=plain, max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p, top_k=top_k,
        random_state=random_state, cache=cache,
    )  # fmt: skip
    if path is not None:
        check_writable(Path(path))
    studies = studies_of(texts, cells, splits, val=val, test=test, seed=int(random_state))
    judge = ItemJudge(list(labels), list(gene_names), min_support=min_support, max_alike=max_alike)
    asked = Teacher.load(teacher, asking)
    states = [_State(one, _chunks(asked, one)) for one in studies]
    for turn in range(math.ceil(n_items / n_at_once) + n_retries):
        open_ = [one for one in states if len(one.kept) < n_items]
        if not open_:
            break
        conversations = [one.request(asked, turn, min(n_at_once, n_items - len(one.kept))) for one in open_]
        replies = asked.ask(conversations, [turn] * len(open_))
        for one, reply in zip(open_, replies, strict=True):
            one.take(judge, reply, turn, min(n_at_once, n_items - len(one.kept)))
    built = Built(
        pd.DataFrame([item for one in states for item in one.items(n_cells, int(random_state))], columns=list(FIELDS)),
        pd.DataFrame(
            [row for one in states for row in one.dropped],
            columns=["study", "round", "question", "answer", "keywords", "reason", "detail"],
        ),
        pd.DataFrame(
            [row for one in states for row in one.replies],
            columns=["study", "round", "n_asked", "n_read", "n_kept", "problem", "reply"],
        ),
        len(studies) * n_items,
    )
    if path is not None:
        write_items(({str(name): value for name, value in row.items()} for row in built.kept.to_dict("records")), path)
    log_built(built, "items", [one.study.name for one in states if len(one.kept) < n_items])
    log_parts([one.part for one in studies], "study")
    return built


@dataclass
class _State:
    """What is there of a study so far."""

    study: Study
    chunks: list[str]
    """Parts of its text that fit a request."""
    kept: list[tuple[Item, str]] = field(default_factory=list)
    """Items, with the passage that each rests on."""
    dropped: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    """What was wrong with the last ones."""

    def request(self, teacher: Teacher, turn: int, n: int) -> Messages:
        """The next one; as many of the questions that are there already as have room, the last ones first."""
        text = self.chunks[turn % len(self.chunks)]
        others = [item.question for item, _ in self.kept]
        why = "; ".join(self.why[:_REASONS])
        messages = ask_questions(text, n, others=others, why=why)
        while others and not teacher.fits(messages):
            others = others[len(others) // 2 + 1 :]
            messages = ask_questions(text, n, others=others, why=why)
        return messages if teacher.fits(messages) else ask_questions(text, n)

    def take(self, judge: ItemJudge, reply: str, turn: int, n: int) -> None:
        """Read a reply to a request for `n` items."""
        items, problem = read_items(reply)
        n_kept = 0
        self.why = []
        for item in items:
            verdict, keywords = judge(item, self.study.text, [other for other, _ in self.kept])
            if not verdict.reason and n_kept == n:
                verdict = verdict._replace(reason="more than asked for")
            if verdict.reason:
                self.why.append(verdict.words)
                self.dropped.append(
                    {"study": self.study.name, "round": turn, "question": item.question, "answer": item.answer,
                     "keywords": ", ".join(item.keywords)} | verdict._asdict()
                )  # fmt: skip
            else:
                n_kept += 1
                self.kept.append((item._replace(keywords=keywords), _passage(self.study.text, item)))
        if not items:
            self.why = [_UNREAD]
        if not problem and len(items) < n:
            problem = "fewer than asked for"
        self.replies.append(
            {"study": self.study.name, "round": turn, "n_asked": n, "n_read": len(items), "n_kept": n_kept,
             "problem": problem, "reply": reply}
        )  # fmt: skip

    def items(self, n_cells: int, seed: int) -> list[dict[str, Any]]:
        """As the file has them."""
        return [
            {"context": passage, "cells": self.study.draw(number, n_cells, seed), "question": item.question,
             "answer": item.answer, "keywords": item.keywords, "study": self.study.name, "split": self.study.part}
            for number, (item, passage) in enumerate(self.kept)
        ]  # fmt: skip


def _chunks(teacher: Teacher, study: Study) -> list[str]:
    """The text of a study in as few parts as fit the context of the teacher, each of whole passages.

    Raises
    ------
    ValueError
        A passage does not fit.
    """
    whole = study.text
    if teacher.room is None:
        return [whole]
    most = int((teacher.room - teacher.count(ask_questions("", 1))) * _PART_OF_ROOM)
    parts = [part.text for part in passages([("", whole)])]
    costs = teacher.count_tokens(parts)
    if max(costs) > most:
        msg = (
            f"a passage of study {study.name!r} has {max(costs)} tokens, and {teacher.model.id} has room for {most} "
            "beside the request; pass a smaller max_new_tokens=, or another teacher="
        )
        raise ValueError(msg)
    if sum(costs) <= most:
        return [whole]
    out, used = list[list[str]](), 0
    for part, cost in zip(parts, costs, strict=True):
        if not out or used + cost > most:
            out.append([])
            used = 0
        out[-1].append(part)
        used += cost
    return ["\n\n".join(some) for some in out]


def _passage(text: str, item: Item) -> str:
    """The passage that has most words of the answer and its keywords; of equal ones the first."""
    words = content(" ".join([item.answer, *item.keywords]))
    found: Sequence[str] = [part.text for part in passages([("", text)])]
    return max(found, key=lambda part: len(words & content(part)))
