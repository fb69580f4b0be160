"""Cells for property tests, and the ranking rule in plain Python."""

from __future__ import annotations

import hashlib

import anndata as ad
import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

MASK = 2**64 - 1


def names_of(n_genes):
    return [f"G{i}" for i in range(n_genes)]


@st.composite
def counts(draw, max_cells=8, max_genes=40):
    """Counts as sequencing gives them: most genes 0, most others tied, some cells empty."""
    shape = draw(st.tuples(st.integers(0, max_cells), st.integers(1, max_genes)))
    values = st.one_of(st.just(0), st.just(1), st.integers(0, 3), st.integers(0, 500))
    return draw(hnp.arrays(np.int64, shape, elements=values))


def adata_of(matrix, **slots):
    matrix = np.asarray(matrix, dtype=np.float32) if isinstance(matrix, list) else matrix
    return ad.AnnData(
        matrix,
        obs=pd.DataFrame(index=[f"cell{i}" for i in range(matrix.shape[0])]),
        var=pd.DataFrame(index=names_of(matrix.shape[1])),
        **slots,
    )


def name_hash(name, seed=0):
    key = int(seed).to_bytes(16, "little", signed=True)
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8, key=key).digest(), "little")


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def plain_rank(values, names, n_genes=None, seed=0):
    """Genes of one cell by falling value; ties by the hash of (all genes of the cell, gene)."""
    expressed = [g for g, v in enumerate(values) if v > 0]
    content = sum(name_hash(names[g], seed) for g in expressed) & MASK
    order = sorted(expressed, key=lambda g: (-values[g], mix(content ^ name_hash(names[g], seed))))
    return order[:n_genes]


def rows_of(ranks):
    return [[int(g) for g in row if g >= 0] for row in ranks]
