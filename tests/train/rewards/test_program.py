from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import kendalltau

from scc2s.train.rewards import program_delta, program_tau

if TYPE_CHECKING:
    from pathlib import Path

P = ["A", "B", "C", "D", "E"]


def test_golden_vector_absent_genes_share_the_last_place() -> None:
    # generated a3 b2 d5, truth a1 b2 c3: tau-b 4/9
    assert program_tau(P)(["p"], ["x B A y D"], truth=["A B C"]) == pytest.approx([4 / 9])
    # values 5 4 3 2 1 against 5 3 4 1 1: D and E are tied in the truth
    assert program_tau(P)(["p"], ["A B C D E"], truth=["A C B"]) == pytest.approx([0.737865], abs=1e-6)


def test_it_is_tau_b_of_scipy_on_random_sentences() -> None:
    rng = np.random.default_rng(0)
    genes = [f"G{i}" for i in range(20)]
    program = genes[:8]
    for _ in range(20):
        a, b = ([str(g) for g in rng.permutation(genes)[: rng.integers(4, 20)]] for _ in range(2))
        ranks = [[-(s.index(g) + 1) if g in s else -(len(s) + 1) for g in program] for s in (a, b)]
        expected = kendalltau(*ranks, variant="b").statistic
        found = program_tau(program)(["p"], [" ".join(a)], truth=[" ".join(b)])
        assert found == pytest.approx([0.0 if np.isnan(expected) else expected])


def test_nothing_to_agree_with_is_zero() -> None:
    tau = program_tau(P)
    assert tau(["p"] * 3, ["", "x y", "A B"], truth=["A B", "A B", "x"]) == [0, 0, 0]
    assert tau([], [], truth=[]) == []


def test_repeats_and_other_capitals_are_read_as_genes() -> None:
    assert program_tau(["Isg15", "Mx1"])(["p"], [" ISG15 ISG15 MX1"], truth=["Isg15 Mx1"]) == [1.0]


def test_delta_is_the_correlation_of_changes() -> None:
    def value(sentence: str, gene: str) -> float:
        words = sentence.split()
        return float(np.log10((len(words) + 1) / (words.index(gene) + 1))) if gene in words else 0.0

    control, wrote, truth = "x y A B", "B C x y", "C B x A"
    by_hand = [[value(s, g) - value(control, g) for g in P] for s in (wrote, truth)]
    found = program_delta(P)(["p"], [wrote], control=[control], truth=[truth])
    assert found == pytest.approx([np.corrcoef(by_hand)[0, 1]])
    rise = program_delta(P, truth=None)(["p"], [wrote], control=[control])
    assert rise == pytest.approx([np.mean(by_hand[0])])


def test_delta_of_the_control_itself_is_zero_and_of_the_truth_one() -> None:
    delta = program_delta(P)
    found = delta(["p"] * 3, ["x A B", "A C x", "A C x"], control=["x A B"] * 3, truth=["A C x", "A C x", "x A B"])
    assert found == pytest.approx([0, 1, 0])


def test_missing_truth_and_programs_without_an_order_are_refused() -> None:
    with pytest.raises(ValueError, match="has one gene"):
        program_tau(["A"])
    with pytest.raises(RuntimeError, match="column 'truth' holds nan in row 1, not a sentence"):
        program_tau(P)(["p"] * 2, ["A", "B"], truth=["A B", float("nan")])
    assert program_delta("ifn").columns == ("control", "truth")


def test_stimulated_cells_agree_more_with_each_other_than_controls_do(shared_data: Path) -> None:
    import anndata as ad

    import scc2s

    adata = ad.read_h5ad(shared_data / "kang_ifnb.h5ad")
    adata = adata[adata.obs["cell_type"].astype(str).str.contains("CD14")].copy()
    scc2s.pp.sentences(adata, n_genes=200, use_raw=False)
    treated = (adata.obs["condition"] == "stim").to_numpy()
    texts = adata.obs["c2s_sentence"].to_numpy(dtype=object)
    n = min(treated.sum(), (~treated).sum()) // 2
    stim, ctrl = texts[treated], texts[~treated]
    truth = stim[n : 2 * n].tolist()
    for reward, columns in (
        (program_tau("ifn"), {"truth": truth}),
        (program_delta("ifn"), {"truth": truth, "control": ctrl[n : 2 * n].tolist()}),
    ):
        of_treated = np.mean(reward(["p"] * n, stim[:n].tolist(), **columns))
        of_control = np.mean(reward(["p"] * n, ctrl[:n].tolist(), **columns))
        assert of_treated > of_control + 0.1
