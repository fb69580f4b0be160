"""Tables of which gene products bind which, read as they are given out: CellPhoneDB, BioGRID, LIANA, or one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

SIGNALS, BINDS = "signals to", "binds"
_OUTSIDE = ("transmembrane", "peripheral", "secreted")
_BIOGRID = ("Official Symbol Interactor A", "Official Symbol Interactor B", "Experimental System Type")
_LIANA = (("ligand", "receptor"), ("source_genesymbol", "target_genesymbol"), ("ligand_complex", "receptor_complex"))
"""Columns of the tables of LIANA, OmniPath and LIANA's results."""
_KINDS = (
    "the folder of CellPhoneDB's CSV files, a BioGRID .tab3.txt file, a CSV file with ligand and receptor, or a "
    "DataFrame with a and b"
)


@dataclass(frozen=True)
class Pairs:
    """What one source says.

    Parameters
    ----------
    rows
        ``a`` and ``b`` (genes as tuples, several for a complex), ``relation``, ``evidence``.
    extracellular
        Genes of proteins that the source calls secreted, or of the surface; ``None``: it says nothing of that.
    kind
        What the source is.
    n_other
        Rows left out: genetic interactions, or those between organisms.
    """

    rows: pd.DataFrame
    extracellular: frozenset[str] | None
    kind: str
    n_other: int = 0


def read_pairs(source: pd.DataFrame | str | PathLike[str]) -> Pairs:
    """The pairs of a source, told by its files or columns.

    Raises
    ------
    FileNotFoundError
        There is no such file, or a folder lacks one of CellPhoneDB's.
    TypeError
        `source` is no table and no path.
    ValueError
        Its columns are those of no known kind.
    """
    if isinstance(source, pd.DataFrame):
        return _of_table(source, "the DataFrame")
    if not isinstance(source, str | Path) and not hasattr(source, "__fspath__"):
        msg = f"source is {type(source).__name__}; pass {_KINDS}"
        raise TypeError(msg)
    path = Path(source)
    if not path.exists():
        msg = f"there is no {path}; pass {_KINDS}"
        raise FileNotFoundError(msg)
    if path.is_dir():
        return _cellphonedb(path)
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        tabs = "\t" in file.readline()
    table = pd.read_csv(path, sep="\t" if tabs else ",", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    return _of_table(table, str(path))


def _of_table(table: pd.DataFrame, said: str) -> Pairs:
    if set(_BIOGRID) <= set(table.columns):
        return _biogrid(table)
    if {"a", "b"} <= set(table.columns):
        return Pairs(_rows(table, "a", "b", BINDS), None, "table")
    for ligand, receptor in _LIANA:
        if {ligand, receptor} <= set(table.columns):
            found = _rows(table, ligand, receptor, SIGNALS)
            outside = frozenset(gene for side in ("a", "b") for genes in found[side] for gene in genes)
            return Pairs(found, outside, "ligand-receptor")
    msg = f"{said} has the columns {', '.join(map(repr, table.columns[:8]))}, and none of a known kind; pass {_KINDS}"
    raise ValueError(msg)


def _rows(table: pd.DataFrame, a: str, b: str, relation: str) -> pd.DataFrame:
    """Rows with both partners; subunits of a complex are parted by ``_`` or ``+``."""
    found = pd.DataFrame(
        {
            "a": [_subunits(value) for value in table[a]],
            "b": [_subunits(value) for value in table[b]],
            "relation": [_text(value) or relation for value in table.get("relation", [relation] * len(table))],
            "evidence": _evidence(table),
        }
    )
    return found[(found["a"].map(len) > 0) & (found["b"].map(len) > 0)].reset_index(drop=True)


def _evidence(table: pd.DataFrame) -> list[str]:
    for name in ("evidence", "sources", "source", "annotation_strategy"):
        if name in table:
            return [_text(value) for value in table[name]]
    marks = [name for name in table if str(name).startswith("in_")]
    flags = {name: [_true(value) for value in table[name]] for name in marks}
    return ["; ".join(str(name).removeprefix("in_") for name in marks if flags[name][i]) for i in range(len(table))]


def _cellphonedb(folder: Path) -> Pairs:
    """CellPhoneDB v5: interactions between proteins and complexes by id, in four CSV files."""
    here = folder if (folder / "interaction_input.csv").is_file() else folder / "data"
    tables = {}
    for name in ("interaction", "complex", "gene", "protein"):
        path = here / f"{name}_input.csv"
        if not path.is_file():
            msg = f"{folder} has no {path.name}; pass the folder of CellPhoneDB's data with its four *_input.csv files"
            raise FileNotFoundError(msg)
        tables[name] = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    genes: dict[str, list[str]] = {}
    for uniprot, gene, symbol in _columns(tables["gene"], "gene", "uniprot", "gene_name", "hgnc_symbol"):
        names = genes.setdefault(uniprot, [])
        if (symbol or gene) not in names:
            names.append(symbol or gene)
    proteins = {
        row[0]: any(map(_true, row[1:])) for row in _columns(tables["protein"], "protein", "uniprot", *_OUTSIDE)
    }
    units = [str(name) for name in tables["complex"] if str(name).startswith("uniprot_")]
    complexes = {
        row[0]: (any(map(_true, row[1:4])), [unit for unit in row[4:] if unit])
        for row in _columns(tables["complex"], "complex", "complex_name", *_OUTSIDE, *units)
    }

    def partner(name: str) -> tuple[list[tuple[str, ...]], bool]:
        """Genes of a partner, in each way that they can be named, and whether it is outside of cells."""
        if name in complexes:
            outside, members = complexes[name]
            known = [genes.get(member, []) for member in members]
            return ([tuple(names[0] for names in known)] if all(known) and known else []), outside
        return [(gene,) for gene in genes.get(name, [])], proteins.get(name, False)

    rows, n_other = [], 0
    interactions = tables["interaction"]
    directed = interactions.get("directionality", pd.Series([""] * len(interactions)))
    evidence = interactions.get("annotation_strategy", interactions.get("source", pd.Series([""] * len(interactions))))
    outside_genes: set[str] = set()
    for (name_a, name_b), direction, said in zip(
        _columns(interactions, "interaction", "partner_a", "partner_b"), directed, evidence, strict=True
    ):
        (named_a, outside_a), (named_b, outside_b) = partner(name_a), partner(name_b)
        n_other += not (named_a and named_b)
        relation = SIGNALS if _text(direction).casefold().startswith("ligand") else BINDS
        for named, outside in ((named_a, outside_a), (named_b, outside_b)):
            outside_genes |= {gene for one in named for gene in one} if outside else set()
        rows += [(a, b, relation, _text(said)) for a in named_a for b in named_b]
    outside_genes |= {gene for protein, outside in proteins.items() if outside for gene in genes.get(protein, [])}
    table = pd.DataFrame(rows, columns=["a", "b", "relation", "evidence"])
    return Pairs(table, frozenset(outside_genes), "cellphonedb", n_other)


def _biogrid(table: pd.DataFrame) -> Pairs:
    """BioGRID TAB 3.0: physical interactions within one organism; evidence is the experiment, once for each row."""
    physical = table["Experimental System Type"].str.casefold() == "physical"
    one = pd.Series(True, index=table.index)
    if {"Organism ID Interactor A", "Organism ID Interactor B"} <= set(table.columns):
        one = table["Organism ID Interactor A"].astype(str) == table["Organism ID Interactor B"].astype(str)
    kept = table[physical & one]
    found = pd.DataFrame(
        {
            "a": [(_text(value),) for value in kept[_BIOGRID[0]]],
            "b": [(_text(value),) for value in kept[_BIOGRID[1]]],
            "relation": BINDS,
            "evidence": [_text(value) for value in kept.get("Experimental System", kept["Experimental System Type"])],
        }
    )
    return Pairs(found, None, "biogrid", len(table) - len(kept))


def _columns(table: pd.DataFrame, name: str, *wanted: str) -> Iterable[tuple[str, ...]]:
    if absent := [column for column in wanted if column not in table]:
        msg = f"{name}_input.csv of CellPhoneDB has no column {absent[0]!r}; pass the folder of version 5 of its data"
        raise ValueError(msg)
    return zip(*(table[column].map(_text) for column in wanted), strict=True)


def _subunits(value: Any) -> tuple[str, ...]:
    return tuple(part for part in _text(value).replace("+", "_").split("_") if part)


def _text(value: Any) -> str:
    return "" if value is None or value != value or value is pd.NA else str(value).strip()


def _true(value: Any) -> bool:
    return _text(value).casefold() in ("true", "1", "1.0", "yes")
