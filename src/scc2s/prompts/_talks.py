"""Wording of conversations about cells: parts of the message that shows them, and questions of several kinds."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS = ("treatment", "state", "time", "difference")
"""Kinds of ready questions that :func:`scc2s.tl.ask` has."""


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("talks.toml").read_text(encoding="utf-8"))


def question(kind: str, *, about: str, other: str, groups: Sequence[str]) -> str:
    """A ready question.

    Examples
    --------
    >>> question("difference", about="B", other="T", groups=["B", "T"])[:52]
    'What are the main differences between B and T? Name '
    """
    return _table()["questions"][kind].format(about=about, other=other, groups=", ".join(groups))


def shown(
    cells: Mapping[str, Sequence[str]],
    *,
    organism: str,
    n_genes: int | None = None,
    higher: Sequence[tuple[str, str, Sequence[str]]] = (),
    texts: Sequence[tuple[str, str]] = (),
) -> str:
    """The message that shows cells, before any question.

    Parameters
    ----------
    cells
        Sentences of the cells of each group.
    organism
        Organism of the cells.
    n_genes
        Genes of each cell, the first ones; 0 shows no gene; ``None``: all.
    higher
        Group, what it is held against, and genes that a test found higher.
    texts
        Source and text of what stands beside the cells.

    Examples
    --------
    >>> print(shown({"B": ["CD79A MS4A1"]}, organism="Homo sapiens", n_genes=1).splitlines()[-1])
    1. CD79A
    """
    parts = _table()["parts"]
    lines = [parts["system"].format(organism=organism)]
    lines += [parts["text"].format(source=source, text=text) for source, text in texts]
    for group, sentences in cells.items():
        # "Cells of all cells" would read oddly.
        named = group[:1].upper() + group[1:] + ":" if group.casefold().endswith("cells") else None
        lines.append(named or parts["group"].format(group=group))
        for number, sentence in enumerate(sentences, 1):
            words = sentence.split()
            kept = words if n_genes is None else words[:n_genes]
            lines.append(parts["cell"].format(number=number, cell_sentence=" ".join(kept)).rstrip())
    for group, other, genes in higher:
        name = "higher" if genes else "none_higher"
        lines.append(parts[name].format(group=group, other=other, genes=", ".join(genes)))
    return "\n".join(lines)
