"""Interactions in a prompt: which of them two cells of a context could have, and the prompt with and without them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scc2s._cells.interactions import stored_interactions
from scc2s.programs._interactions import COMPLEX, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData

    from scc2s.prompts import Task

FIELD = "interactions"
_LINE = f"Known interactions between their gene products: {{{FIELD}}}\n"
NOTHING = "none"
"""What stands in a prompt for no interactions, and the name of the arm without them."""
ALL = "all"


def arms_of(adata: AnnData, interactions: str | None, *, ablation: bool) -> dict[str, pd.DataFrame | None]:
    """Tables of interactions to ask with, by name; the last is the one that is meant.

    Raises
    ------
    KeyError
        If there is no such result of :func:`scc2s.pp.interactions`.
    ValueError
        If an ablation has nothing to leave out.
    """
    if interactions is None:
        if ablation:
            msg = "ablation=True compares prompts with and without interactions; pass interactions= their name"
            raise ValueError(msg)
        return {NOTHING: None}
    table = stored_interactions(adata, interactions)
    if not ablation:
        return {ALL: table}
    sources = sorted(set(table["source"].astype(str)))
    each = {name: table[table["source"].astype(str) == name] for name in sources}
    return {NOTHING: None, **each, **({ALL: table} if len(sources) > 1 else {})}


def with_knowledge(task: Task, table: pd.DataFrame | None) -> Task:
    """The task with a line for interactions, where there are any and it has no field for them."""
    if table is None or FIELD in task.fields:
        return task
    return replace(task, template=_LINE + task.template)


def known(sentences: Sequence[Sequence[str]], table: pd.DataFrame | None, most: int) -> list[str]:
    """Interactions that two cells of each context could have: all genes of one partner in one, of the other in another.

    Parameters
    ----------
    sentences
        Sentences of the cells of each context.
    table
        ``a``, ``b`` and ``text``, the best first; ``None``: nothing is known.
    most
        Interactions for each context.
    """
    if table is None:
        return [NOTHING] * len(sentences)
    pairs = [
        (frozenset(str(a).split(COMPLEX)), frozenset(str(b).split(COMPLEX)), str(text))
        for a, b, text in zip(table["a"], table["b"], table["text"], strict=True)
    ]
    found = []
    for cells in sentences:
        words = [frozenset(cell.split()) for cell in cells]
        every = frozenset[str]().union(*words)
        texts: list[str] = []
        for a, b, text in pairs:
            if len(texts) >= most:
                break
            if a <= every and b <= every and _between(a, b, words):
                texts.append(text)
        found.append(together(texts) or NOTHING)
    return found


def _between(a: frozenset[str], b: frozenset[str], words: list[frozenset[str]]) -> bool:
    one = {i for i, there in enumerate(words) if a <= there}
    other = {i for i, there in enumerate(words) if b <= there}
    return bool(one) and bool(other) and len(one | other) > 1
