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
    more: Sequence[str] = (),
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
    more
        Other lines of evidence, as they are.

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
    return "\n".join([*lines, *more])


def interactions_line(rows: Sequence[Mapping[str, str]], *, about: str, other: str) -> str:
    """What is known of interactions between gene products, in one line.

    Parameters
    ----------
    rows
        ``text``, ``ligand``, ``receptor``, ``ligand_in``, ``receptor_in`` (who expresses them), ``ligand_higher_in``
        and ``receptor_higher_in`` (empty: they do not differ).
    about, other
        The groups that are compared.

    Examples
    --------
    >>> row = {"text": "CD40LG signals to CD40", "ligand": "CD40LG", "receptor": "CD40", "ligand_in": "T",
    ...        "receptor_in": "B", "ligand_higher_in": "T", "receptor_higher_in": ""}
    >>> interactions_line([row], about="T", other="B").partition(": ")[2]
    'CD40LG signals to CD40 (CD40LG: expressed in T, higher in T; CD40: expressed in B)'
    """
    parts = _table()["parts"]
    if not rows:
        return parts["none_interactions"].format(about=about, other=other)

    def higher(group: str) -> str:
        return parts["interaction_higher"].format(group=group) if group else ""

    said = [
        parts["interaction"].format(
            text=row["text"],
            a=row["ligand"],
            b=row["receptor"],
            a_in=row["ligand_in"],
            b_in=row["receptor_in"],
            a_higher=higher(row["ligand_higher_in"]),
            b_higher=higher(row["receptor_higher_in"]),
        )
        for row in rows
    ]
    return parts["interactions"].format(about=about, other=other, interactions="; ".join(said))
