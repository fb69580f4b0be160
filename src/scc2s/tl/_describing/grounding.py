"""What stands after a text that a model wrote about a group of cells: is it so, and would it be said of any cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.groups import expressing
from scc2s.programs._type_names import TypeNames
from scc2s.prompts._mentions import mentions
from scc2s.tl._describing.specific import LEAST, rival, specific

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scc2s._cells.expression import Expression
    from scc2s._cells.groups import Groups
    from scc2s.programs import Markers
    from scc2s.prompts._mentions import Mentions
    from scc2s.tl._describing.specific import Specific

_LEAST_SPECIFIC = 0.5
"""Share of the genes named that should be higher in the group than elsewhere."""


def grounding(
    texts: Sequence[str],
    about: Sequence[str],
    expressed: Expression,
    groups: Groups,
    *,
    min_share: float,
    min_auroc: float,
    markers: Mapping[str, Markers],
    ignore: Iterable[str],
) -> pd.DataFrame:
    """Check the genes and the cell type that each text names against the group it is `about`.

    Returns
    -------
    One row a text, lists as texts with commas: ``genes_named``, ``genes_not_expressed`` (above 0 in less than
    `min_share` of the group's cells), ``genes_not_specific`` (not higher in the group than elsewhere),
    ``genes_unknown`` (look like symbols, are not genes of the data set); ``share_grounded``, ``share_specific``;
    ``type``, ``type_auroc``, ``type_markers``, ``type_rival``, ``type_supported``; ``flagged``, ``why``.
    """
    types = TypeNames(markers)
    names = [name for name in expressed.names if name]
    found = mentions(texts, names, ignore=[*groups.names, *ignore, *types.phrases])
    genes = sorted({gene for one in found for gene in one.genes})
    shares = expressing(expressed, groups, genes)
    higher = specific(expressed, groups, genes, markers)
    rows = []
    for text, group, said in zip(texts, about, found, strict=True):
        row = {"group": group, **_genes(said, shares[group], higher, group, min_share, min_auroc)}
        row |= type_of(types.read(text), higher, group, types, min_auroc)
        reasons, open_ = _reasons(row), _not_judged(row, higher, text)
        rows.append({**row, "flagged": bool(reasons), "why": "; ".join([*reasons, *open_])})
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "genes_named",
    "genes_not_expressed",
    "genes_not_specific",
    "genes_unknown",
    "share_grounded",
    "share_specific",
    "type",
    "type_auroc",
    "type_markers",
    "type_rival",
    "type_supported",
    "flagged",
    "why",
]


def listing(words: Iterable[str]) -> str:
    """Words as one text, which h5ad and zarr hold in a table; a list they do not."""
    return ", ".join(words)


def _genes(
    said: Mentions, shares: Mapping[str, float], higher: Specific, group: str, min_share: float, min_auroc: float
) -> dict[str, Any]:
    low = [gene for gene in said.genes if shares[gene] < min_share]
    aurocs = higher.genes.loc[group, said.genes]
    common = [] if aurocs.isna().any() else [gene for gene in said.genes if aurocs[gene] < min_auroc]
    n = len(said.genes) + len(said.unknown)
    judged = said.genes and not aurocs.isna().any()
    return {
        "genes_named": listing(said.genes),
        "genes_not_expressed": listing(low),
        "genes_not_specific": listing(common),
        "genes_unknown": listing(said.unknown),
        "share_grounded": (len(said.genes) - len(low)) / n if n else np.nan,
        "share_specific": 1 - len(common) / len(said.genes) if judged else np.nan,
    }


def type_of(label: str | None, higher: Specific, group: str, types: TypeNames, min_auroc: float) -> dict[str, Any]:
    """What the markers say of the type that a text names."""
    out: dict[str, Any] = {"type": label or "", "type_auroc": np.nan, "type_markers": "", "type_rival": ""}
    out["type_supported"] = ""
    auroc = np.nan if label is None else higher.of_type(group, label)
    if label is None or np.isnan(auroc):
        return out
    row = higher.genes.loc[group]
    out |= {
        "type_auroc": auroc,
        "type_markers": listing(gene for gene in higher.markers[label] if row[gene] >= min_auroc),
    }
    if 1 - min_auroc < auroc < min_auroc and higher.is_all_over(group, label):
        return out
    other = rival(higher, group, label, types)
    return out | {
        "type_rival": other or "",
        "type_supported": "yes" if auroc >= min_auroc and other is None else "no",
    }


def _reasons(row: Mapping[str, Any]) -> list[str]:
    """Why a text is flagged; none where nothing speaks against it."""
    out = []
    if row["genes_not_expressed"]:
        out.append(f"hardly expressed here: {row['genes_not_expressed']}")
    if row["genes_unknown"]:
        out.append(f"not genes of the data: {row['genes_unknown']}")
    if row["share_specific"] < _LEAST_SPECIFIC and not _is_all_over(row):
        low = row["genes_not_expressed"].split(", ")
        rest = listing(gene for gene in row["genes_not_specific"].split(", ") if gene not in low)
        out += [f"no higher here than elsewhere: {rest}"] if rest else []
    if row["type_supported"] == "no":
        more = f"those of {row['type_rival']} stand out more" if row["type_rival"] else "no higher here than elsewhere"
        out.append(f"markers of {row['type']}: {more}")
    return out


def _not_judged(row: Mapping[str, Any], higher: Specific, text: str) -> list[str]:
    """What could not be looked at, and why not."""
    group, label = str(row["group"]), str(row["type"])
    if not text:
        return ["no caption"]
    if higher.types.loc[group].isna().all() and higher.genes.loc[group].isna().all():
        return ["not judged: it takes two cells in the group and two elsewhere"]
    if not label:
        return ["type not judged: no type of the markers is named"]
    if _is_all_over(row):
        return [f"type not judged: most cells elsewhere have the markers of {label} too"]
    return [] if row["type_supported"] else [f"type not judged: under {LEAST} markers of {label} are in the data"]


def _is_all_over(row: Mapping[str, Any]) -> bool:
    """Whether the type was left open because other cells have its markers as well."""
    return bool(not row["type_supported"] and not np.isnan(row["type_auroc"]))
