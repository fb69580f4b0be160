from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scc2s._logging import logger

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5
"""Names that a line of the log has."""


@dataclass(frozen=True)
class Built:
    """What a teacher wrote: what is kept, what is not and why, and every reply.

    It comes from :func:`build_captions` and :func:`build_qa`.

    Parameters
    ----------
    kept
        Captions, or questions with answers, one a row.
    dropped
        The others, with ``reason`` and ``detail``.
    replies
        One row a request: about what (``study``, and ``cluster`` for captions), ``round`` (0, then those that asked
        again), ``n_asked``, ``n_read``, ``n_kept``, ``problem`` (what made it hard to read; empty for nothing), and the
        ``reply`` itself.
    wanted
        How many were asked for: units times texts of each.
    """

    kept: pd.DataFrame
    dropped: pd.DataFrame
    replies: pd.DataFrame
    wanted: int

    @property
    def reasons(self) -> dict[str, int]:
        """How many were dropped for each reason, most first."""
        return dict(Counter(self.dropped["reason"].tolist()).most_common())

    @property
    def share_kept(self) -> float:
        """Share of the texts that the teacher wrote which are kept; NaN where it wrote none."""
        n = len(self.kept) + len(self.dropped)
        return len(self.kept) / n if n else float("nan")

    def __repr__(self) -> str:
        why = ", ".join(f"{n} {reason}" for reason, n in self.reasons.items())
        return (
            f"{len(self.kept)} of {self.wanted} kept, {len(self.dropped)} dropped{f' ({why})' if why else ''}, "
            f"{len(self.replies)} replies"
        )


def log_built(built: Built, what: str, short: list[str]) -> None:
    """Log what was dropped and why, and which units have fewer texts than were asked for."""
    if len(built.dropped):
        why = ", ".join(f"{n} {reason}" for reason, n in built.reasons.items())
        logger.warning(
            "%d of %d %s were not kept: %s", len(built.dropped), len(built.kept) + len(built.dropped), what, why
        )
    if unread := int((built.replies["problem"] != "").sum()):
        logger.warning("%d of %d replies were hard to read; see .replies", unread, len(built.replies))
    if short:
        more = ", ..." if len(short) > _SHOWN else ""
        logger.warning(
            "%d have fewer %s than were asked for: %s%s; pass n_retries= more, or another teacher=",
            len(short), what, ", ".join(short[:_SHOWN]), more,
        )  # fmt: skip


def log_parts(parts: list[str], what: str) -> None:
    """Log that no unit fell into a part of the split."""
    for name in ("train", "val", "test"):
        if name not in parts:
            logger.info("no %s is in the part %r of the split", what, name)
