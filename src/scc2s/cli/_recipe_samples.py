"""From the files of a recipe to samples: tables that stay, or a mixture that draws them afresh."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd
    from anndata import AnnData

    from scc2s.train import Mixture

    from ._recipe import Data, Recipe

_POOL = 4
"""Batches that are drawn at once."""
_MOST_HELD = 200


class Drawing(NamedTuple):
    """What draws samples of a task from one file."""

    draw: Callable[[int, np.random.Generator], pd.DataFrame]
    share: float
    n: int
    """Different samples that there are."""


def cells_of(data: Data) -> dict[str, AnnData]:
    """Cells to train on and to validate with, where there are any."""
    from scc2s import pp

    from ._files import read as read_cells

    cells, _ = read_cells(Path(data.file), data.mod)
    scheme: Any = data.split
    pp.split(
        cells, scheme, key=data.key, held_out=data.held_out, val=data.val, test=data.test, random_state=0,
        key_added="c2s_split",
    )  # fmt: skip
    parts = {part: cells[(cells.obs["c2s_split"] == part).to_numpy()].copy() for part in ("train", "val")}
    return {part: some for part, some in parts.items() if some.n_obs}


def tables(what: Recipe, cells: list[dict[str, AnnData]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Samples to train on and to validate with, of all files."""
    import pandas as pd

    own: list[pd.DataFrame] = []
    held: list[pd.DataFrame] = []
    for number, (data, parts) in enumerate(zip(what.data, cells, strict=True)):
        for part, found in (("train", own), ("val", held)):
            if part in parts:
                found += [_table(data, task, parts[part], part, what.seed + number) for task in data.tasks]
    _refuse_none(own)
    return pd.concat(own, ignore_index=True), pd.concat(held or [own[0].iloc[:0]], ignore_index=True)


def mixture(what: Recipe, cells: list[dict[str, AnnData]]) -> tuple[Mixture, pd.DataFrame]:
    """Samples to train on, drawn afresh from all files, and samples to validate with."""
    import pandas as pd

    from scc2s.train import Mixture, Source

    drawn: dict[str, list[Drawing]] = defaultdict(list)
    held: list[pd.DataFrame] = []
    for number, (data, parts) in enumerate(zip(what.data, cells, strict=True)):
        for task in data.tasks:
            if "train" in parts:
                drawn[task].append(_drawing(data, task, parts["train"], what.seed + number))
            if "val" in parts:
                held.append(_table(data, task, parts["val"], "val", what.seed + number))
    _refuse_none(drawn)
    sources = {
        task: Source(
            _of_files(files), sum(one.share for one in files), batch_size=what.training.batch_size,
            pool=_POOL if min(one.n for one in files) >= _POOL else 1,
        )
        for task, files in drawn.items()
    }  # fmt: skip
    found = Mixture(sources, seed=what.seed)
    return found, pd.concat(held, ignore_index=True) if held else found.preview().iloc[:0]


def _refuse_none(found: Any) -> None:
    if not found:
        msg = "no cell is left to train on; lower val= and test=, or hold out fewer donors"
        raise ValueError(msg)


def _table(data: Data, task: str, cells: AnnData, part: str, seed: int) -> pd.DataFrame:
    learned = part == "train"
    found = _samples(data, task, cells, _pairs(data, task, cells, seed), varied=learned, seed=seed)
    most = data.n_samples if learned else min(_MOST_HELD, data.n_samples or _MOST_HELD)
    if most is not None and len(found) > most:
        found = found.sample(most, random_state=seed)
    return found.assign(study=Path(data.file).stem)


def _samples(
    data: Data, task: str, cells: AnnData, pairs: np.ndarray | pd.DataFrame | None, *, varied: bool, seed: int
) -> pd.DataFrame:
    from scc2s import pp
    from scc2s.train import Augment

    columns = dict(data.columns)
    if task == "perturb" and "perturbation" not in columns and data.perturbation != "perturbation":
        columns["perturbation"] = str(data.perturbation)
    return pp.samples(
        cells, task, columns=columns, pairs=pairs, n_genes=data.n_genes, copies=data.copies if varied else 1,
        augment=Augment() if data.varied and varied else None, organism=data.organism, random_state=seed,
        layer=data.layer, gene_symbols=data.gene_symbols,
    )  # fmt: skip


def _pairs(data: Data, task: str, cells: AnnData, seed: int) -> pd.DataFrame | None:
    from scc2s import pp

    if task != "perturb":
        return None
    if data.perturbation is None or data.control is None:
        msg = f"{data.file}: the task 'perturb' needs the keys perturbation and control in its [[data]]"
        raise ValueError(msg)
    return pp.pairs(cells, key=data.perturbation, control=data.control, match=data.match, random_state=seed)


def _drawing(data: Data, task: str, cells: AnnData, seed: int) -> Drawing:
    """What draws samples of a task from the cells of a file."""
    import numpy as np

    pairs = _pairs(data, task, cells, seed)
    table = None if pairs is None else pairs[["control_row", "perturbed_row"]].to_numpy()
    n_there = cells.n_obs if table is None else len(table)

    def draw(n: int, rng: np.random.Generator) -> pd.DataFrame:
        rows = np.sort(rng.choice(n_there, min(n, n_there), replace=False))
        how: dict[str, Any] = {"varied": True, "seed": int(rng.integers(2**31))}
        if table is None:
            return _samples(data, task, cells[rows].copy(), None, **how)
        some, place = np.unique(table[rows], return_inverse=True)
        return _samples(data, task, cells[some].copy(), place.reshape(-1, 2), **how)

    return Drawing(draw, float(data.share), n_there)


def _of_files(files: list[Drawing]) -> Callable[[int, np.random.Generator], pd.DataFrame]:
    import numpy as np

    shares = np.array([one.share for one in files])
    shares = shares / shares.sum()

    def draw(n: int, rng: np.random.Generator) -> pd.DataFrame:
        return files[int(rng.choice(len(files), p=shares))].draw(n, rng)

    return draw
