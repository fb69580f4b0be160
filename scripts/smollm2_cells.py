"""The cells that SmolLM2 is taught with: two data sets in one form, and their tables of prompts and completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from mini_data import caption, load, markers, split_of
from mini_samples import UNREAD

import scc2s
from scc2s.train import Augment

if TYPE_CHECKING:
    from pathlib import Path

    import anndata as ad

N_GENES = 40
"""Genes of a sentence: each is written in 3.7 pieces, so a cell is 150 tokens."""
FULL = {"cell_type": 1100, "generate": 240, "perturb": 200, "caption": 160}
"""Samples of each task in the arms of all cells."""
LIMITED = 480
"""Samples in an arm of few labelled cells: each cell as often as that takes, with other genes left out each time."""
VARIED = Augment(thin=(0.6, 1.0), drop_genes=(0.0, 0.25), n_genes=(25, N_GENES))
HELD_OUT = {"pbmc3k": "test", "kang_labelled": "donor107"}
"""Part of each data set that answers are judged on."""


def read(folder: Path) -> dict[str, ad.AnnData]:
    """Both data sets without the genes of every cell (ribosomal, mitochondrial, ...), with what prompts ask for in ``.obs``."""
    out = {}
    for name, adata in load(folder).items():
        if name not in HELD_OUT:
            continue
        part = split_of(adata)
        adata = adata[:, [UNREAD.fullmatch(gene) is None for gene in adata.var_names]].copy()
        adata.obs["part"], adata.obs["organism"] = part, "Homo sapiens"
        stimulated = np.zeros(adata.n_obs, dtype=bool)
        if name == "kang_labelled":
            stimulated = (adata.obs["condition"] == "stim").to_numpy()
        adata.obs["perturbation"] = np.where(stimulated, "IFN-beta", "control")
        adata.obs["caption"] = _captions(adata, stimulated)
        out[name] = adata
    return out


def _captions(adata: ad.AnnData, stimulated: np.ndarray) -> list[str]:
    """Type, tissue and treatment of each cell, and two markers of the type (from training cells) that it expresses."""
    of_type = markers(adata[(adata.obs["part"] == "train").to_numpy()])
    X, place = adata.X.tocsr(), {gene: i for i, gene in enumerate(adata.var_names)}
    out = []
    for i, kind in enumerate(adata.obs["cell_type"]):
        here = set(X[i].indices.tolist())
        genes = [gene for gene in of_type.get(kind, []) if place[gene] in here][:2]
        out.append(caption(kind, "blood", genes, stimulated=bool(stimulated[i])))
    return out


def labelled(sets: dict[str, ad.AnnData], n: int | None) -> dict[str, ad.AnnData]:
    """Training cells whose labels may be used: all of them, or `n` of both data sets together, drawn at random."""
    train = {name: adata[(adata.obs["part"] == "train").to_numpy()] for name, adata in sets.items()}
    if n is None:
        return train
    drawn = np.random.default_rng(0).permutation(sum(len(adata) for adata in train.values()))[:n]
    out, begin = {}, 0
    for name, adata in train.items():
        rows = np.sort(drawn[(drawn >= begin) & (drawn < begin + len(adata))] - begin)
        begin += len(adata)
        out[name] = adata[rows]
    return out


def samples(sets: dict[str, ad.AnnData], n_cells: int | None) -> pd.DataFrame:
    """What an arm is trained on. With `n_cells` cell types alone, of so many cells."""
    cells = labelled(sets, n_cells)
    if n_cells is not None:
        copies = -(-LIMITED // n_cells)
        table = pd.concat(
            scc2s.pp.samples(each, "cell_type", n_genes=N_GENES, copies=copies, augment=VARIED, random_state=i)
            for i, each in enumerate(cells.values())
            if len(each)
        )
        return table.iloc[:LIMITED] if len(table) == LIMITED else table.sample(LIMITED, random_state=0)
    rng, tables = np.random.default_rng(1), []
    for task, n in FULL.items():
        for i, (name, each) in enumerate(cells.items()):
            if task == "perturb":
                if name == "pbmc3k":
                    continue
                pairs = scc2s.pp.pairs(each, key="perturbation", control="control", match=["cell_type", "donor"])
                pairs = pairs.iloc[np.sort(rng.permutation(len(pairs))[:n])]
                tables.append(scc2s.pp.samples(each, task, pairs=pairs, n_genes=N_GENES, random_state=i))
                continue
            # types as often as the root of their number: rare ones are seen, and frequent ones stay frequent
            kind = each.obs["cell_type"].astype(str)
            weight = (1 / np.sqrt(kind.map(kind.value_counts()))).to_numpy(dtype=float)
            drawn = np.sort(rng.choice(len(each), n // 2, replace=n // 2 > len(each), p=weight / weight.sum()))
            drawn = np.unique(drawn)
            varied = VARIED if task in ("cell_type", "caption") else None
            tables.append(scc2s.pp.samples(each[drawn], task, n_genes=N_GENES, augment=varied, random_state=i))
    return pd.concat(tables, ignore_index=True)


def validation(sets: dict[str, ad.AnnData], tasks: list[str]) -> pd.DataFrame:
    """A few cells of the validation split, for the curve of the loss."""
    out = []
    for adata in sets.values():
        some = adata[(adata.obs["part"] == "val").to_numpy()][:15]
        out += [scc2s.pp.samples(some, task, n_genes=N_GENES) for task in tasks if task != "perturb"]
    return pd.concat(out, ignore_index=True)


def held_out(sets: dict[str, ad.AnnData], name: str, n: int) -> ad.AnnData:
    """Cells that no arm is trained on, with sentences."""
    adata = sets[name]
    rows = np.flatnonzero((adata.obs["part"] == HELD_OUT[name]).to_numpy())
    out = adata[np.sort(np.random.default_rng(2).permutation(rows)[:n])].copy()
    scc2s.pp.sentences(out, n_genes=N_GENES)
    return out
