from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ._names import names
from ._terms import terms as terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._terms import Ontology, Terms

RELATIONS = ("same", "wider", "narrower", "sibling", "unrelated", "unmatched")


def relate(a: Sequence[str], b: Sequence[str], *, terms: Ontology = "CL") -> pd.DataFrame:
    """How each term of `a` stands to that of `b`: the same, wider, narrower, a sibling, or neither.

    Parameters
    ----------
    a, b
        Ids, or names that :func:`match` reads; as many in both.
    terms
        ``"CL"``, cell types (Cell Ontology), or ``"UBERON"``, tissues.

    Returns
    -------
    One row for each pair:

    ``relation``
        ``"same"``; ``"wider"``, `a` is an ancestor of `b` (its parent where ``distance`` is 1); ``"narrower"``, a
        descendant; ``"sibling"``, both are children of one term other than the widest; else ``"unrelated"``.
        ``"unmatched"`` where one of them is no term, but for names that are letter for letter the same.
    ``distance``
        Steps from `a` up to a term that both belong to, and down to `b`, by the shortest way; 0 for the same, 2 for
        siblings, NaN for unmatched.
    ``common``
        Label of that term. The widest, ``"cell"``, says that they have nothing in common.

    Raises
    ------
    ImportError
        Without the extra ``ontology``: ``pip install "scc2s[ontology]"``.
    ValueError
        If there are not as many on both sides, or `terms` is another ontology.

    Examples
    --------
    >>> table = relate(["T cell", "naive B cell", "NK"], ["CD4+ T", "memory B cell", "NK cells"])
    >>> table[["relation", "distance"]].to_numpy().tolist()
    [['wider', 3.0], ['sibling', 2.0], ['same', 0.0]]
    """
    if len(a) != len(b):
        msg = f"{len(a)} names on one side and {len(b)} on the other; pass a and b pair by pair"
        raise ValueError(msg)
    known, found = terms_of(terms), names(terms)
    pairs = [("" if _no(x) else str(x).strip(), "" if _no(y) else str(y).strip()) for x, y in zip(a, b, strict=True)]
    term = {name: found.find(name)[1] for name in {name for pair in pairs for name in pair}}
    done = {pair: _pair(pair, term, known) for pair in dict.fromkeys(pairs)}
    out = pd.DataFrame([done[pair] for pair in pairs], columns=["relation", "distance", "common"])
    return out.astype({"relation": object, "distance": np.float64, "common": object})


def _no(name: object) -> bool:
    return name is None or bool(pd.isna(name))  # type: ignore[call-overload]


def _pair(pair: tuple[str, str], term: dict[str, tuple[str, ...]], known: Terms) -> tuple[str, float, str]:
    a, b = term[pair[0]], term[pair[1]]
    if len(a) != 1 or len(b) != 1:
        return ("same", 0.0, "") if pair[0] == pair[1] != "" else ("unmatched", np.nan, "")
    x, y = a[0], b[0]
    above_x, above_y = {**known.ancestors[x], x: 0}, {**known.ancestors[y], y: 0}
    shared = above_x.keys() & above_y.keys()
    if not shared:
        return "unrelated", np.nan, ""
    common = min(shared, key=lambda t: (above_x[t] + above_y[t], -len(known.ancestors[t]), t))
    distance = float(above_x[common] + above_y[common])
    if x == y:
        relation = "same"
    elif x in above_y:
        relation = "wider"
    elif y in above_x:
        relation = "narrower"
    elif any(known.ancestors[t] for t in known.parents(x) & known.parents(y)):
        relation = "sibling"
    else:
        relation = "unrelated"
    return relation, distance, known.labels[common]
