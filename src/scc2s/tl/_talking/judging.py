"""Answers held against the cells: a table of what they name, and whether the cells say so."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.groups import Groups
from scc2s.programs._type_names import TypeNames
from scc2s.prompts._statements import statements
from scc2s.tl._describing.claims import COLUMNS, Evidence, claims, reasons
from scc2s.tl._describing.grounding import type_of
from scc2s.tl._describing.specific import log_values, specific

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scc2s._cells.expression import Expression
    from scc2s.programs import Markers
    from scc2s.tl._talking.topics import Topic

_TYPE_AUROC = 0.65
"""As in :func:`scc2s.tl.caption`."""
_SHORT = 3
"""Characters of a name that can be taken out of a text: without its B, a "B cell" would be none."""


class Judge:
    """What the cells say; types by group are looked at once.

    Parameters
    ----------
    expressed
        Expression of all cells.
    topics
        What is asked about. No two ask about the same cells under other names.
    markers
        Genes by cell type.
    min_share
        Share of a group's cells that express what a text names.
    ignore
        Labels of the model, which are names and not genes.
    """

    def __init__(
        self,
        expressed: Expression,
        topics: Sequence[Topic],
        markers: Mapping[str, Markers],
        *,
        min_share: float,
        ignore: Iterable[str],
    ) -> None:
        self._expressed, self._min_share, self._ignore = expressed, min_share, list(ignore)
        self._types = TypeNames(markers)
        self._column = {name: i for i, name in reversed(list(enumerate(expressed.names))) if name}
        codes = np.full(expressed.n_cells, -1)
        for number, topic in enumerate(topics):
            if topic.about:
                codes[topic.sides[topic.about]] = number
        self._place = {topic.name: str(i) for i, topic in enumerate(topics)}
        self._higher = specific(expressed, Groups(list(self._place.values()), codes), [], markers)

    def look(self, texts: Sequence[str], topics: Sequence[Topic], names: Sequence[str]) -> pd.DataFrame:
        """One row for each thing that a text names: ``context`` (of `names`), and those of :data:`COLUMNS`."""
        every = list(dict.fromkeys(side for topic in topics for side in topic.sides))
        ignore = [*self._ignore, *self._types.phrases, *every]
        known = list(self._column)
        said = [
            statements([text], known, list(topic.sides), ignore=ignore)[0]
            for text, topic in zip(texts, topics, strict=True)
        ]
        genes = sorted({one.gene for some in said for one in some if one.known})
        X = log_values(self._expressed, [self._column[gene] for gene in genes]).tocsr()
        columns = {gene: i for i, gene in enumerate(genes)}
        rows: list[dict[str, Any]] = []
        for text, topic, name, some in zip(texts, topics, names, said, strict=True):
            table = claims(some, _evidence(X, columns, topic), min_share=self._min_share)
            own: list[dict[str, Any]] = [*self._type_rows(text, topic), *table.to_dict("records")]  # type: ignore[list-item]
            rows += [{**row, "context": name} for row in own]
        return as_claims(pd.DataFrame(rows, columns=["context", *COLUMNS]))

    def _type_rows(self, text: str, topic: Topic) -> list[dict[str, Any]]:
        """What the markers say of the cell type that a text names; nothing where it names none."""
        label = self._types.read(without_names(text, list(topic.sides)))
        if label is None:
            return []
        row: dict[str, Any] = dict.fromkeys(COLUMNS, "") | dict.fromkeys(("share", "auroc", "pval_adj"), math.nan)
        row |= {"kind": "type", "name": label, "said": "named", "group": topic.about}
        if not topic.about:
            return [row | {"why": "not judged: the text does not tell of which group"}]
        found = type_of(label, self._higher, self._place[topic.name], self._types, _TYPE_AUROC)
        row |= {"auroc": found["type_auroc"], "holds": found["type_supported"]}
        if found["type_supported"] == "no":
            rival = found["type_rival"]
            stands = f"those of {rival} stand out more" if rival else "no higher here than elsewhere"
            row["why"] = f"its markers: {stands}"
        elif not found["type_supported"]:
            row["why"] = "not judged: too few of its markers or cells, or cells elsewhere have them too"
        return [row]


def _evidence(X: Any, columns: Mapping[str, int], topic: Topic) -> Evidence:
    inside = np.zeros(X.shape[0], dtype=bool)
    for rows in topic.sides.values():
        inside[rows] = True
    return Evidence(X, columns, topic.sides, np.flatnonzero(~inside), topic.about, topic.other)


def as_claims(table: pd.DataFrame) -> pd.DataFrame:
    """A table of claims with the types and the index that all such tables have."""
    numbers = ("share", "auroc", "pval_adj")
    out = table.astype({column: float if column in numbers else object for column in ["context", *COLUMNS]})
    return out.set_axis(pd.RangeIndex(len(out)).astype(str))


def without_names(text: str, names: Sequence[str]) -> str:
    """A text without the names of groups, which say what cells are called and not what they are.

    Examples
    --------
    >>> without_names("CD56+ NK are NK cells", ["CD56+ NK"])
    ' are NK cells'
    """
    every = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if len(name) >= _SHORT)
    return re.sub(rf"(?<!\w)(?:{every})(?!\w)", "", text, flags=re.IGNORECASE) if every else text


def summary(found: pd.DataFrame, names: Sequence[str], nulls: Sequence[float]) -> pd.DataFrame:
    """For each answer: ``n_claims``, ``n_contradicted``, ``flagged``, ``why``."""
    rows = []
    for name, like_null in zip(names, nulls, strict=True):
        own = found[found["context"] == name]
        wrong = int((own["holds"] == "no").sum())
        same = "the model says the same without the cells" if like_null == 1 else ""
        bare = "" if len(own) else "nothing to check: no gene and no cell type is named"
        why = "; ".join(part for part in (same, reasons(own), bare) if part)
        rows.append((len(own), wrong, bool(wrong or same), why))
    return pd.DataFrame(rows, columns=["n_claims", "n_contradicted", "flagged", "why"])
