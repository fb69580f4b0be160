"""What a hypothesis about a mechanism rests on: genes that change, and known interactions of their products."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.columns import column
from scc2s._cells.groups import Groups, expressing
from scc2s._logging import logger
from scc2s.programs._gene_index import GeneIndex
from scc2s.programs._interactions import COMPLEX
from scc2s.prompts._talks import interactions_line
from scc2s.tl._describing.grounding import listing
from scc2s.tl._talking.evidence import tested_genes
from scc2s.tl._talking.stored import stored_pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from scc2s._cells.expression import Expression
    from scc2s.tl._talking.evidence import Higher
    from scc2s.tl._talking.topics import Topic

STATUS = "hypothesis, not tested"
PREFIX = "Hypothesis, not a finding: "
NOTICE = (
    "A hypothesis that a language model wrote from differential expression and known interactions. Expression of a "
    "ligand and its receptor is not signalling, a difference is not a cause, and nothing here was tested. Research use "
    "only."
)
PAIR_COLUMNS = [
    *("ligand", "receptor", "relation", "evidence", "source", "ligand_in", "receptor_in"),
    *("ligand_higher_in", "receptor_higher_in", "score", "text"),
]
WHO_COLUMNS = ["partner", "group", "n_cells", "share"]
_BARE = "no evidence: no gene and no interaction differs"
_SAID = 3
"""Groups that the prompt names for a partner."""
_OPENING = re.compile(r"^\W*hypothesis\b\W*", re.IGNORECASE)


@dataclass(frozen=True)
class Mechanism:
    """Evidence beside that of the cells.

    Parameters
    ----------
    pairs
        Interactions of which both partners are expressed by somebody and one differs between the two groups, by falling
        score of the difference.
    who
        ``partner``, ``group``, ``n_cells``, ``share`` (of its cells that have all genes of the partner above 0; of
        several genes the least share): every partner of `pairs` in every group.
    n_known
        Interactions that were looked at; ``None``: none were given.
    changed
        Genes that differ by the test, and the group in which each is higher.
    min_share
        Share of the cells of a group that expresses a partner.
    """

    pairs: pd.DataFrame
    who: pd.DataFrame
    n_known: int | None
    changed: Mapping[str, str]
    min_share: float

    def line(self, topic: Topic) -> list[str]:
        """What the prompt says of it."""
        if self.n_known is None:
            return []
        short = self.pairs.assign(
            **{f"{part}_in": [self._strongest(name) for name in self.pairs[part]] for part in _PARTS}
        )
        rows: list[dict[str, str]] = short.astype(str).to_dict("records")  # type: ignore[assignment]
        return [interactions_line(rows, about=topic.about, other=topic.other)]

    def _strongest(self, partner: str) -> str:
        own = self.who[(self.who["partner"] == partner) & (self.who["share"] >= self.min_share)]
        best = own.sort_values("share", ascending=False, kind="stable")[["group", "share"]].to_numpy()[:_SAID]
        return listing(f"{group} ({share:.0%})" for group, share in best.tolist())

    def entries(self, found: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
        """The tables of answers with all that marks and grounds a hypothesis."""
        said = found["claims"].loc[found["claims"]["kind"] == "gene", "name"].astype(str)
        named = {name.casefold(): name for name in said}
        partners = [*_genes(self.pairs["ligand"]), *_genes(self.pairs["receptor"])]
        inside = {gene.casefold() for gene in (*self.changed, *partners)}
        both = zip(self.pairs["ligand"], self.pairs["receptor"], strict=True)
        pairs = self.pairs.assign(
            named=np.array([all(gene.casefold() in named for gene in _genes(some)) for some in both], dtype=bool)
        )
        bare = not self.changed and not len(self.pairs)
        table = found["table"].copy()
        table["text"] = [marked(text) for text in table["text"]]
        table.insert(table.columns.tolist().index("text"), "status", STATUS)
        table.insert(table.columns.tolist().index("genes") + 1, "interactions", listing(self.pairs["text"].astype(str)))
        table["genes_not_in_evidence"] = listing(sorted(name for key, name in named.items() if key not in inside))
        if bare:
            table["flagged"] = True
            table["why"] = ["; ".join(filter(None, [_BARE, why])) for why in table["why"]]
        return {**found, "table": table, "interactions": pairs, "expressing": self.who, "notice": NOTICE}


_PARTS = ("ligand", "receptor")


def mechanism(
    data: AnnData,
    expressed: Expression,
    topic: Topic,
    higher: Sequence[Higher],
    known: pd.DataFrame | None,
    *,
    groupby: str,
    cell_type_key: str | None,
    min_share: float,
    most: int,
) -> Mechanism:
    """Look through known interactions for those that could have to do with a difference.

    Parameters
    ----------
    data, expressed
        Cells and their expression.
    topic
        The two groups.
    higher
        All genes that differ between them.
    known
        Table of :func:`scc2s.pp.interactions`.
    groupby
        Column of the groups, all of which may express a partner.
    cell_type_key
        In place of these: cell types among the cells of the two groups.
    min_share
        A group expresses a partner where at least this share of its cells do.
    most
        Interactions to keep.
    """
    changed: dict[str, str] = {}
    scores: dict[str, float] = {}
    for one in higher:
        for gene, score in zip(one.table["gene"], one.table["score"], strict=True):
            changed[str(gene)], scores[str(gene)] = one.group, abs(float(score))
    who = speakers(data, topic, groupby=groupby, cell_type_key=cell_type_key)
    if known is None:
        return Mechanism(_table([], PAIR_COLUMNS), _table([], WHO_COLUMNS), None, changed, min_share)
    names = [name for name in expressed.names if name]
    index = GeneIndex(names)
    partners: dict[str, list[str]] = {}
    for partner in dict.fromkeys([*known["a"].astype(str), *known["b"].astype(str)]):
        columns, missing = index.find(partner.split(COMPLEX))
        if not missing:
            partners[partner] = [names[place] for place in columns]
    touched = [
        row
        for row in known.astype(str).to_dict("records")
        if row["a"] in partners
        and row["b"] in partners
        and any(gene in changed for gene in (*partners[row["a"]], *partners[row["b"]]))
    ]
    wanted = list(dict.fromkeys(row[part] for row in touched for part in ("a", "b")))
    shares = expressing(expressed, who, sorted({gene for one in wanted for gene in partners[one]}))
    of = {one: {group: min(shares[group][gene] for gene in partners[one]) for group in who.names} for one in wanted}
    rows = []
    for row in touched:
        a, b = row["a"], row["b"]
        inside = [[group for group, share in of[one].items() if share >= min_share] for one in (a, b)]
        if not all(inside):
            continue
        genes = [partners[one] for one in (a, b)]
        score = max(scores.get(gene, 0.0) for some in genes for gene in some)
        sides = [listing(dict.fromkeys(changed[gene] for gene in some if gene in changed)) for some in genes]
        rest = [row.get(name, "") for name in ("relation", "evidence", "source")]
        rows.append((a, b, *rest, *map(listing, inside), *sides, score, row["text"]))
    rows.sort(key=lambda row: -row[PAIR_COLUMNS.index("score")])
    if len(rows) > most:
        logger.info("%d interactions have a partner that changes; the %d that change most are kept", len(rows), most)
    pairs = _table(rows[:most], PAIR_COLUMNS)
    sizes = dict(zip(who.names, who.sizes.tolist(), strict=True))
    kept = list(dict.fromkeys([*pairs["ligand"], *pairs["receptor"]]))
    each = [(one, group, sizes[group], share) for one in kept for group, share in of[one].items()]
    return Mechanism(pairs, _table(each, WHO_COLUMNS), len(known), changed, min_share)


def differing(
    data: AnnData, expressed: Expression, topic: Topic, *, groupby: str, rank_genes_key: str | None
) -> list[Higher]:
    """All genes that are higher in either group than in the other: by the user's own test, or by scanpy's.

    Raises
    ------
    KeyError, ValueError
        There is no such result, or it compares other groups.
    """
    n = len(expressed.names)
    if rank_genes_key is not None:
        return stored_pair(data, groupby, (topic.about, topic.other), rank_genes_key, n)
    return tested_genes(expressed, [topic], n)[0]


def speakers(data: AnnData, topic: Topic, *, groupby: str, cell_type_key: str | None) -> Groups:
    """Groups that may express a partner: those of the column, or cell types in each of the two groups of a topic.

    Raises
    ------
    KeyError
        There is no such column.
    """
    if cell_type_key is None:
        return Groups.of(data, groupby)
    column(data, cell_type_key, "cell_type_key")
    types = Groups.of(data, cell_type_key)
    names: list[str] = []
    codes = np.full(data.n_obs, -1)
    for side in (topic.about, topic.other):
        rows = topic.sides[side]
        for code, name in enumerate(types.names):
            own = rows[types.codes[rows] == code]
            if len(own):
                codes[own] = len(names)
                names.append(f"{name} ({side})")
    return Groups(names, codes)


def marked(text: str) -> str:
    """A text that says of itself what it is; an empty one stays empty.

    Examples
    --------
    >>> marked("Hypothesis: interferon."), marked("")
    ('Hypothesis, not a finding: interferon.', '')
    """
    return f"{PREFIX}{_OPENING.sub('', text, count=1)}" if text.strip() else ""


def say_bare(found: Mechanism, topic: Topic) -> None:
    """Warn where there is nothing that a hypothesis could rest on."""
    if not found.changed and not len(found.pairs):
        logger.warning(
            "no gene differs between %r and %r by the test, nor does any known interaction: whatever the model says of "
            "a mechanism rests on nothing in these cells",
            topic.about, topic.other,
        )  # fmt: skip


def _genes(partners: Any) -> list[str]:
    return [gene for one in partners for gene in str(one).split(COMPLEX)]


def _table(rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    numbers: dict[str, Any] = {"score": float, "share": float, "n_cells": np.int64}
    out = pd.DataFrame(list(rows), columns=list(columns))
    out = out.astype({name: numbers.get(name, object) for name in columns})
    return out.set_axis(pd.RangeIndex(len(out)).astype(str))
