"""The table of what is known of clusters, checked before a teacher is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s.prompts._organism import organism_name
from scc2s.prompts._teaching import FACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEND = "make the table with scc2s.pp.cluster_facts(adata, groupby=...)"
_NEEDED = ("cell_type", "genes")


@dataclass(frozen=True)
class Cluster:
    """What is known of one cluster; blank where nothing is."""

    study: str
    cluster: str
    facts: Mapping[str, str]
    """By the names of :data:`scc2s.prompts._teaching.FACTS`."""
    text: str

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.study} | {self.cluster}" if self.study else self.cluster

    @property
    def evidence(self) -> str:
        """All that is given, as one text."""
        return "\n".join([*filter(None, self.facts.values()), self.text])

    def fact(self, name: str) -> str:
        """One of the facts."""
        return self.facts.get(name, "")


def clusters_of(facts: Any) -> list[Cluster]:
    """The rows of a table, as texts.

    Raises
    ------
    TypeError
        It is no table, or a value is no text.
    KeyError
        A column is missing.
    ValueError
        There is no row, two are about one cluster, or one has neither a cell type nor genes.
    """
    if not isinstance(facts, pd.DataFrame):
        msg = f"facts is {type(facts).__name__}, not a table with a row for each cluster; {_MEND}"
        raise TypeError(msg)
    if missing := [name for name in _NEEDED if name not in facts]:
        msg = f"the table of facts has no column {missing[0]!r}; {_MEND}"
        raise KeyError(msg)
    if not len(facts):
        msg = f"the table of facts has no row; {_MEND}"
        raise ValueError(msg)
    found = []
    for number, row in enumerate(facts.to_dict("records")):
        name = _text(row.get("cluster", number), "cluster", number) or str(number)
        known = {fact: _text(row.get(fact), fact, number) for fact in FACTS}
        if known["organism"]:
            known["organism"] = organism_name(known["organism"])
        study = _text(row.get("study"), "study", number)
        one = Cluster(study, name, known, _text(row.get("text"), "text", number))
        if not known["cell_type"] and not known["genes"]:
            msg = (
                f"row {number} of the facts ({one.name}) has neither a cell type nor genes to check captions by; "
                "leave it out, or fill one of them"
            )
            raise ValueError(msg)
        found.append(one)
    if "study" in facts and (none := [one.cluster for one in found if not one.study]) and len(none) < len(found):
        msg = f"{len(none)} rows of the facts have no study, the first of cluster {none[0]!r}; fill it, or leave it out"
        raise ValueError(msg)
    times = Counter((one.study, one.cluster) for one in found)
    if twice := [one for one in found if times[one.study, one.cluster] > 1]:
        msg = f"two rows of the facts are about {twice[0].name!r}; name them apart in the columns study and cluster"
        raise ValueError(msg)
    return found


def _text(value: Any, name: str, row: int) -> str:
    """A value as text; lists with commas, blank for what is missing."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(str(one).strip() for one in value)
    if value is None or pd.isna(value):
        return ""
    if name in ("study", "cluster"):  # leiden's are often numbers
        return " ".join(str(value).split())
    if not isinstance(value, str):
        msg = f"{name} of row {row} of the facts is {type(value).__name__}, not a text; pass texts"
        raise TypeError(msg)
    return value.strip() if name == "text" else " ".join(value.split())
