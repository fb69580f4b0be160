"""Panels of perturbations for tests: real, predicted and control cells, the same on every machine."""

from __future__ import annotations

import numpy as np


def hashed_counts(n, scale, salt):
    """Whole numbers that look like counts: a hash of cell, gene and sample instead of a draw."""
    i, j = np.meshgrid(np.arange(n, dtype=np.uint64), np.arange(len(scale), dtype=np.uint64), indexing="ij")
    with np.errstate(over="ignore"):
        h = (i * np.uint64(0x9E3779B97F4A7C15)) ^ (j * np.uint64(0xC2B2AE3D27D4EB4F)) ^ np.uint64(salt * 0x165667B1)
        for shift, factor in ((33, 0xFF51AFD7ED558CCD), (29, 0xC4CEB9FE1A85EC53)):
            h = (h ^ (h >> np.uint64(shift))) * np.uint64(factor)
        h ^= h >> np.uint64(32)
    return (h >> np.uint64(11)).astype(float) / 2**53 * 2 * np.asarray(scale) // 1


def hashed_panel(n_genes=60, n_groups=6, n=24, n_control=40):
    """Predicted, real and control cells, and the groups of the first two; perturbation i knocks gene i down."""
    j = np.arange(n_genes)
    base = 1 + (j * j) % 17
    true, pred, groups = [], [], []
    for p in range(n_groups):
        effect = np.where((j + 3 * p) % 7 == 0, 3.0, np.where((j + 5 * p) % 11 == 0, 0.2, 1.0))
        effect[p] = 0.1
        guess = np.where((j + 3 * p) % 7 == 0, 2.0, np.where((j + p) % 13 == 0, 0.5, 1.0))
        true.append(hashed_counts(n, base * effect, 10 + p))
        pred.append(hashed_counts(n, base * guess, 90 + p))
        groups += [f"g{p}"] * n
    return np.concatenate(pred), np.concatenate(true), hashed_counts(n_control, base, 1), groups


def drawn_panel(seed=0, *, n_groups=8, n=40, genes=150, known=1.0):
    """As above, drawn: real effects on a quarter of the genes, beside an effect that all have; `known` of the first."""
    rng = np.random.default_rng(seed)
    base = rng.gamma(1, 5, genes)
    shared = rng.normal(0, 0.7, genes) * (rng.random(genes) < 0.2)
    own = rng.normal(0, 1.2, (n_groups, genes)) * (rng.random((n_groups, genes)) < 0.25)

    def cells(log_fold, k):
        return rng.poisson(base * np.exp2(log_fold) * rng.lognormal(0, 0.2, (k, 1))).astype(float)

    true = np.concatenate([cells(shared + effect, n) for effect in own])
    pred = np.concatenate([cells(shared + known * effect, n) for effect in own])
    return pred, true, cells(np.zeros(genes), 2 * n), np.repeat([f"p{i}" for i in range(n_groups)], n).tolist()
