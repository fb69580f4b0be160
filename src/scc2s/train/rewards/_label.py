from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from scc2s.ontology import relate
from scc2s.prompts._answers import tidy

from ._places import as_texts
from ._reward import Reward

if TYPE_CHECKING:
    from collections.abc import Sequence


def label(*, truth: str = "label", terms: Literal["CL", "UBERON"] = "CL") -> Reward:
    """Whether the answer names the cell type, graded by distance in the Cell Ontology.

    1 for the same type, by whatever name; else ``1 / (1 + steps)`` from one term to the other by the nearest term that
    both belong to: 1/2 for the parent or a child, 1/3 for a sibling. 0 where that term is the widest there is
    (``cell``), or where a name is no term of the ontology and is not letter for letter the label. An answer of
    ``"cell"`` earns nothing.

    Parameters
    ----------
    truth
        Column of the table of prompts with the label.
    terms
        ``"CL"``, cell types, or ``"UBERON"``, tissues.

    Returns
    -------
    A reward from 0 to 1.

    Raises
    ------
    ImportError
        Without the extra ``ontology``: ``pip install "scc2s[ontology]"``.

    Examples
    --------
    >>> graded = label()
    >>> said, true = [" NK cells.", " T cell", " cell"], ["NK", "alpha-beta T cell", "B cell"]
    >>> graded(["p"] * 3, said, label=true)
    [1.0, 0.5, 0.0]
    """
    relate([], [], terms=terms)  # refuses here what cannot be graded later

    def reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:  # noqa: ARG001
        said = [tidy(text).strip().rstrip(".") for text in completions]
        found = relate(said, as_texts(columns[truth], truth), terms=terms)
        unlike = found["relation"].isin(["unrelated", "unmatched"]) | (
            (found["relation"] != "same") & found["common"].isin(_WIDEST)
        )
        return [float(x) for x in (1 / (1 + found["distance"])).where(~unlike, 0.0)]

    return Reward("label", reward, (truth,))


_WIDEST = ("cell", "anatomical entity")
