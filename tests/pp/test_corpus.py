from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

import scc2s
from scc2s.train import Augment, Corpus

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.filterwarnings("ignore:Writing zarr v2 data")


@pytest.fixture
def adata() -> AnnData:
    rng = np.random.default_rng(0)
    X = rng.poisson(0.7, (150, 40)).astype(np.float32)
    X[7] = 0
    obs = pd.DataFrame(
        {
            "cell_type": rng.choice(["B cell", "T cell"], 150),
            "drug": rng.choice(["none", "IFN-beta"], 150),
            "donor": rng.choice([f"d{i}" for i in range(12)], 150),
        },
        index=[f"c{i}" for i in range(150)],
    )
    return AnnData(sparse.csr_matrix(X), obs=obs, var=pd.DataFrame(index=[f"GENE{i}" for i in range(40)]))


def samples_of(built: Corpus) -> pd.DataFrame:
    return pd.concat([built.table(part) for part in built.parts], ignore_index=True)


@pytest.mark.parametrize("kind", ["memory", "h5ad", "zarr"])
def test_plain_samples_are_those_of_pp_samples(adata: AnnData, tmp_path: Path, kind: str) -> None:
    source: Any = adata
    if kind != "memory":
        source = tmp_path / f"cells.{kind}"
        getattr(adata, f"write_{kind}")(source)
    tasks = ["cell_type", "generate", "generate_unconditional"]
    built = scc2s.pp.corpus(
        source, tasks, tmp_path / "corpus", split="donor", augment=None, n_genes=15, organism="human", batch_size=40
    )
    found = samples_of(built)
    for task in tasks:
        expected = scc2s.pp.samples(adata, task, n_genes=15, organism="human").set_index("cell")
        own = found[found["task"] == task].set_index("cell").loc[expected.index]
        assert len(own) == 149
        pd.testing.assert_frame_equal(own[["prompt", "completion", "task"]], expected)


def test_pairs_give_the_samples_of_pp_samples(adata: AnnData, tmp_path: Path) -> None:
    built = scc2s.pp.corpus(
        adata, "perturb", tmp_path / "corpus", key="drug", control="none", match="cell_type", augment=None, n_genes=15,
        organism="human",
    )  # fmt: skip
    found = samples_of(built)
    pairs = np.column_stack([adata.obs_names.get_indexer(found[name]) for name in ("control", "cell")])
    expected = scc2s.pp.samples(
        adata, "perturb", pairs=pairs, columns={"perturbation": "drug"}, n_genes=15, organism="human"
    )
    assert found["prompt"].tolist() == expected["prompt"].tolist()
    assert found["completion"].tolist() == expected["completion"].tolist()
    assert set(found["cell"]) == set(adata.obs_names[(adata.obs["drug"] != "none") & (adata.obs_names != "c7")])


def test_several_data_sets_with_genes_of_their_own(adata: AnnData, tmp_path: Path) -> None:
    mouse = AnnData(
        adata.X[:60, ::-1].copy(),
        obs=adata.obs[:60].drop(columns="donor").set_axis([f"m{i}" for i in range(60)]),
        var=pd.DataFrame(index=[f"Gene{i}" for i in range(40)]),
    )
    mouse.obs["cell_type"] = mouse.obs["cell_type"].str.lower()
    mouse.write_h5ad(tmp_path / "mouse.h5ad")
    built = scc2s.pp.corpus(
        {"blood": adata, "kidney": tmp_path / "mouse.h5ad"}, "cell_type", tmp_path / "c", split="study",
        held_out=["kidney"], val=0, augment=None, n_genes=10,
    )  # fmt: skip
    assert set(built.table("train")["study"]) == {"blood"}
    assert set(built.table("test")["study"]) == {"kidney"}
    assert built.table("train")["prompt"].str.contains("Homo sapiens").all()
    assert built.table("test")["prompt"].str.contains("Mus musculus").all()
    expected = scc2s.pp.samples(mouse, "cell_type", n_genes=10)
    assert set(built.table("test")["prompt"]) == set(expected["prompt"])
    assert len(built.genes) == 80


def test_a_stopped_call_goes_on_in_the_middle_of_a_data_set(
    adata: AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adata.write_h5ad(tmp_path / "a.h5ad")
    other = adata[::-1].copy()
    other.obs_names = [f"x{i}" for i in range(150)]
    sources = [tmp_path / "a.h5ad", other]
    given = {"organism": "human", "shard_size": 40, "batch_size": 16, "n_genes": 10}
    scc2s.pp.corpus(sources, "cell_type", tmp_path / "whole", **given)
    kind = type(scc2s.pp.batches(adata, organism="human"))
    read: list[int] = []
    batch = kind._batch

    def stops(self: Any, X: Any, rows: np.ndarray) -> Any:
        read.append(len(rows))
        if sum(read) > 200:
            raise KeyboardInterrupt
        return batch(self, X, rows)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "_batch", stops)
        with pytest.raises(KeyboardInterrupt):
            scc2s.pp.corpus(sources, "cell_type", tmp_path / "c", **given)
    scc2s.pp.corpus(sources, "cell_type", tmp_path / "c", **given)
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert [path.name for path in sorted((tmp_path / "c").iterdir())] == names
    assert all((tmp_path / "c" / n).read_bytes() == (tmp_path / "whole" / n).read_bytes() for n in names)
    with pytest.raises(ValueError, match="other settings: cells was"):
        scc2s.pp.corpus(sources[::-1], "cell_type", tmp_path / "c", **given)


def test_columns_that_one_data_set_lacks(adata: AnnData, tmp_path: Path) -> None:
    other = adata.copy()
    del other.obs["cell_type"]
    both = {"a": adata, "b": other}
    with pytest.raises(KeyError, match="obs of 'b' has no column 'cell_type'.*missing='skip'"):
        scc2s.pp.corpus(both, "cell_type", tmp_path / "c", organism="human")
    built = scc2s.pp.corpus(
        both, ["cell_type", "generate_unconditional"], tmp_path / "c", organism="human", missing="skip"
    )
    studies = samples_of(built).groupby("task")["study"].agg(set).to_dict()
    assert studies == {"cell_type": {"a"}, "generate_unconditional": {"a", "b"}}


def test_raw_is_used_and_a_layer_where_it_is_named(adata: AnnData, tmp_path: Path) -> None:
    adata.raw = adata.copy()
    adata.layers["few"] = adata.X.copy()
    adata = adata[:, :12].copy()
    for name, given in (("raw", {}), ("layer", {"layer": "few"}), ("own", {"use_raw": False})):
        built = scc2s.pp.corpus(adata, "cell_type", tmp_path / name, organism="human", augment=None, **given)
        expected = scc2s.pp.samples(adata, "cell_type", organism="human", **given)
        assert set(samples_of(built)["prompt"]) == set(expected["prompt"])


def test_bad_input_is_named_before_a_cell_is_read(adata: AnnData, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    with pytest.raises(ValueError, match="adatas holds no data set"):
        scc2s.pp.corpus([], "cell_type", folder)
    with pytest.raises(ValueError, match="two data sets are called 'a'"):
        scc2s.pp.corpus([tmp_path / "x" / "a.h5ad", tmp_path / "y" / "a.h5ad"], "cell_type", folder)
    with pytest.raises(TypeError, match="expected an AnnData or a MuData"):
        scc2s.pp.corpus([adata, 3], "cell_type", folder)
    with pytest.raises(FileNotFoundError, match="there is no"):
        scc2s.pp.corpus([adata, tmp_path / "none.h5ad"], "cell_type", folder)
    with pytest.raises(ValueError, match="about several cells"):
        scc2s.pp.corpus(adata, "sample_tissue", folder)
    with pytest.raises(KeyError, match="obs of '0' has no column 'hospital'; .* pass split="):
        scc2s.pp.corpus(adata, "cell_type", folder, split="hospital")
    with pytest.raises(ValueError, match="batch_size=0 is too small"):
        scc2s.pp.corpus(adata, "cell_type", folder, batch_size=0)
    assert not folder.exists()


def test_real_cells_with_a_donor_held_out(shared_data: Path, tmp_path: Path) -> None:
    adata = ad.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    adata = adata[np.random.default_rng(0).permutation(adata.n_obs)[:300]].copy()
    adata = adata[adata.obs["cell_type"].notna()].copy()
    first, second = map(str, adata.obs["donor"].unique())
    built = scc2s.pp.corpus(
        adata, "cell_type", tmp_path / "c", split="donor", held_out=[second], val=0, n_genes=50, augment=Augment()
    )
    expected = scc2s.pp.samples(adata, "cell_type", n_genes=50).set_index("cell")
    assert set(adata.obs.loc[built.table("train")["cell"], "donor"].astype(str)) == {first}
    test = built.table("test").set_index("cell")
    assert test["prompt"].to_dict() == expected.loc[test.index, "prompt"].to_dict()
    train = built.table("train").set_index("cell")
    assert train["completion"].to_dict() == expected.loc[train.index, "completion"].to_dict()


@pytest.mark.slow
def test_memory_is_that_of_a_batch_whatever_the_number_of_cells(tmp_path: Path) -> None:
    """Peak memory of 40,000 cells is that of 10,000, but for what their names need."""
    code = """
import resource, sys, numpy as np, pandas as pd
from anndata import AnnData
from scipy import sparse
import scc2s
n, path = int(sys.argv[1]), sys.argv[2]
if sys.argv[3] == "write":
    rng = np.random.default_rng(0)
    one = sparse.random(2000, 5000, 0.1, "csr", dtype=np.float32, random_state=0)
    one.data = np.ceil(one.data * 3)
    obs = pd.DataFrame({"cell_type": rng.choice(["B", "T"], n)}, index=[f"c{i}" for i in range(n)])
    X = sparse.vstack([one] * (n // 2000), format="csr")
    AnnData(X, obs=obs, var=pd.DataFrame(index=[f"GENE{i}" for i in range(5000)])).write_h5ad(path)
else:
    built = scc2s.pp.corpus(path, "cell_type", sys.argv[3], organism="human", val=0, test=0, batch_size=1000)
    for sample in built.stream():
        break
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peaks = []
    for n in (10_000, 40_000):
        path = str(tmp_path / f"{n}.h5ad")
        for third in ("write", str(tmp_path / str(n))):
            run = [sys.executable, "-W", "ignore", "-c", code, str(n), path, third]
            said = subprocess.run(run, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout
        peaks.append(int(said.split()[-1]) / 1024)
    # 30,000 more cells have 120 MB of counts in memory
    assert peaks[1] - peaks[0] < 40
