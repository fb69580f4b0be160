"""What is asked about which cells: one topic for each answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.access import get_sentences
from scc2s._cells.columns import column
from scc2s._cells.groups import Groups
from scc2s._logging import logger
from scc2s.prompts._talks import KINDS, question

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

ALL = "all cells"
REST = "all other cells"
_PAIRED = ("treatment", "time", "difference")


@dataclass(frozen=True)
class Topic:
    """A question about some groups of cells."""

    name: str
    """In the table of answers."""
    question: str
    sides: Mapping[str, np.ndarray]
    """Rows of all cells of each group, in the order in which they are shown."""
    about: str = ""
    """The group that is asked about; empty where it is none of several."""
    other: str = ""
    """The group that it is compared with; empty: all other cells of the data."""


def topics_of(
    data: AnnData,
    text: str | None,
    kind: str | None,
    *,
    groupby: str | None,
    groups: Sequence[str] | None,
    versus: str | None,
    by: str | None,
) -> list[Topic]:
    """The questions that :func:`scc2s.tl.ask` asks.

    Raises
    ------
    KeyError
        There is no such column.
    TypeError
        The question is not a text.
    ValueError
        No question or both, an unknown kind, or groups that it does not fit.
    """
    _refuse_question(text, kind)
    if groupby is None:
        return [_everything(data, text, kind, groups, versus, by)]
    sides = sides_of(data, groupby, groups)
    if versus is not None and str(versus) not in sides:
        msg = f"adata.obs[{groupby!r}] has no value {versus!r}; pass versus= one of {', '.join(map(repr, sides))}"
        raise ValueError(msg)
    pairs = _pairs(list(sides), kind, None if versus is None else str(versus), groupby)
    out = []
    for stratum, inside in _strata(data, by).items():
        part = {name: rows[inside[rows]] for name, rows in sides.items()}
        for about, other in pairs:
            names = list(sides) if kind == "time" else [name for name in (other, about) if name]
            shown = {name: part[name] for name in names if len(part[name])}
            if about not in shown or (other and other not in shown):
                continue  # a stratum without cells of a group has nothing to tell of it
            asked = text or question(kind or "state", about=about, other=other or REST, groups=list(shown))
            out.append(Topic(f"{stratum} | {about}" if stratum else about, asked, shown, about, other))
    if not out:
        msg = f"no value of adata.obs[{by!r}] has cells of the groups to compare; pass another by=, or none"
        raise ValueError(msg)
    return out


def pair_topic(data: AnnData, groupby: str, a: str, b: str, kind: str) -> Topic:
    """A ready question about one group compared with another one.

    Raises
    ------
    KeyError, ValueError
        There is no such column or value, or both are the same.
    """
    if a == b:
        msg = f"a and b are both {a!r}; pass two values of adata.obs[{groupby!r}]"
        raise ValueError(msg)
    (topic,) = topics_of(data, None, "difference", groupby=groupby, groups=[a, b], versus=None, by=None)
    asked = question(kind, about=topic.about, other=topic.other, groups=[topic.about, topic.other])
    return replace(topic, question=asked)


def _refuse_question(text: object, kind: object) -> None:
    if text is not None and not isinstance(text, str):
        msg = f"question is {type(text).__name__}; pass a text, or kind= one of {', '.join(KINDS)}"
        raise TypeError(msg)
    if kind is not None and kind not in KINDS:
        msg = f"kind={kind!r} is not known; pass kind= one of {', '.join(KINDS)}, or a question of your own"
        raise ValueError(msg)
    if (kind is None) == (not (text or "").strip()):
        msg = f"pass either a question or kind= one of {', '.join(KINDS)}"
        raise ValueError(msg)


def _everything(
    data: AnnData,
    text: str | None,
    kind: str | None,
    groups: Sequence[str] | None,
    versus: str | None,
    by: str | None,
) -> Topic:
    given = [name for name, value in (("groups", groups), ("versus", versus), ("by", by)) if value is not None]
    if kind in _PAIRED or given:
        what = f"{given[0]}=" if given else f"kind={kind!r}"
        msg = f"{what} needs groups of cells; pass groupby= a column of adata.obs"
        raise ValueError(msg)
    asked = text or question("state", about=ALL, other=REST, groups=[ALL])
    return Topic(ALL, asked, {ALL: np.arange(data.n_obs)}, ALL)


def sides_of(data: AnnData, groupby: str, groups: Sequence[str] | None) -> dict[str, np.ndarray]:
    """Rows of each group, in the order of `groups`, else of the column.

    Raises
    ------
    KeyError, TypeError, ValueError
        There is no such column or value, or `groups` is a text.
    """
    found = Groups.of(data, groupby)
    rows = {name: np.flatnonzero(found.codes == code) for code, name in enumerate(found.names)}
    if groups is None:
        return rows
    if isinstance(groups, str):
        msg = f"groups={groups!r} is one text; pass groups=[{groups!r}, ...]"
        raise TypeError(msg)
    if absent := [str(name) for name in groups if str(name) not in rows]:
        msg = f"adata.obs[{groupby!r}] has no value {absent[0]!r}; pass groups= some of {', '.join(map(repr, rows))}"
        raise ValueError(msg)
    return {str(name): rows[str(name)] for name in groups}


def _strata(data: AnnData, by: str | None) -> dict[str, np.ndarray]:
    """Which cells are in each value of a column; all without one."""
    if by is None:
        return {"": np.ones(data.n_obs, dtype=bool)}
    values = column(data, by, "by")
    names = values.dropna().astype("category").cat.remove_unused_categories().cat.categories
    text = values.astype(object).where(values.notna(), None)
    return {str(name): np.asarray(pd.Series(text == name).to_numpy(), dtype=bool) for name in names}


def _pairs(names: list[str], kind: str | None, versus: str | None, groupby: str) -> list[tuple[str, str]]:
    """Group asked about and group that it is compared with, for each question."""
    others = [name for name in names if name != versus]
    if kind == "treatment" and versus is None:
        msg = f"kind='treatment' needs the untreated cells; pass versus= one of {', '.join(map(repr, names))}"
        raise ValueError(msg)
    if kind in _PAIRED and len(names) < 2:
        msg = f"adata.obs[{groupby!r}] has one group alone to show; kind={kind!r} needs two: pass groups= of more"
        raise ValueError(msg)
    if kind == "time":
        first = versus or names[0]
        return [([name for name in names if name != first][-1], first)]
    if kind == "difference" and len(others if versus else names) > (1 if versus else 2):
        msg = f"kind='difference' is about two groups, not {len(names)}; pass groups=[one, other]"
        raise ValueError(msg)
    if kind == "difference" and versus is None:
        return [(names[0], names[1])]
    return [(name, versus or "") for name in others]


def sample_topics(data: AnnData, columns: Sequence[str], *, least: int, sentence_key: str) -> list[Topic]:
    """An abstract of each combination of values that has enough cells with a sentence; others are left out (logged).

    Raises
    ------
    KeyError
        There is no such column, or there are no sentences.
    ValueError
        No column is given, or no sample has enough cells.
    """
    if not columns:
        msg = "groupby= names no column; pass groupby= one or more that tell samples apart"
        raise ValueError(msg)
    values = pd.DataFrame({name: column(data, name, "groupby").astype(object) for name in columns})
    written = np.array([bool(text.strip()) for text in get_sentences(data, sentence_key)], dtype=bool)
    topics, small = [], []
    known = values.notna().all(axis=1).to_numpy()
    names = np.array([" | ".join(map(str, row)) for row in values.to_numpy()], dtype=object)
    for name in sorted(set(names[known])):
        rows = np.flatnonzero(known & (names == name))
        if int(written[rows].sum()) < least:
            small.append(name)
            continue
        asked = question("abstract", about=name, other=REST, groups=[name])
        topics.append(Topic(name, asked, {name: rows}, name))
    if small:
        logger.warning("%d samples have under %d cells with a sentence: %s", len(small), least, ", ".join(small[:5]))
    if not topics:
        msg = f"no sample has {least} cells with a sentence; pass groupby= fewer columns"
        raise ValueError(msg)
    return topics
