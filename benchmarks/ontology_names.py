"""How many names of real data sets are terms of the Cell Ontology and Uberon, and how long it takes.

    python benchmarks/ontology_names.py FOLDER

FOLDER holds h5ad and h5mu files; columns of .obs whose name begins with cell_type, and tissue, are matched with
scc2s.ontology.match, without synonyms of one's own. Prints a row for each column: names matched, share of the cells
that have a name, and how many names were matched as they stand, by spelling, and by everyday names.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import h5py
from anndata.io import read_elem

from scc2s import ontology

if TYPE_CHECKING:
    import pandas as pd

AS_IT_STANDS = ("id", "label", "synonym")


def columns(path: Path) -> pd.DataFrame:
    with h5py.File(path) as file:
        return read_elem(file["mod/rna/obs"] if "mod" in file else file["obs"])


def row(values: pd.Series, terms: str) -> list[str]:
    counts = values.dropna().astype(str).value_counts()
    table = ontology.match(counts.index, terms=terms)
    there = (table["id"] != "").to_numpy()
    kinds = [table["by"].isin(AS_IT_STANDS), table["by"].isin(["spelling", "order"]), table["by"] == "everyday"]
    return [
        f"{there.sum()} of {len(table)}",
        f"{counts[there].sum() / counts.sum():.2f}",
        *(str(int((kind.to_numpy() & there).sum())) for kind in kinds),
    ]


def main(folder: Path) -> None:
    for terms in ("CL", "UBERON"):
        start = process_time()
        table = ontology.match(["cell"], terms=terms)
        print(f"{table.attrs['ontology']}: read in {process_time() - start:.2f} s of one core")
    names = [f"memory B cell {i}" for i in range(5000)]
    start = process_time()
    ontology.match(names)
    print(f"{(process_time() - start) / len(names) * 1e6:.0f} microseconds a name (names that are no term)\n")
    print("| file | column | names matched | of the cells | as it stands | spelling, order | everyday |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for path in sorted(folder.glob("*.h5*")):
        obs = columns(path)
        for name in obs:
            if str(name).startswith("cell_type") or name == "tissue":
                found = row(obs[name], "UBERON" if name == "tissue" else "CL")
                print("|", " | ".join([path.name, str(name), *found]), "|")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
