from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from scc2s import prompts
from scc2s.sentences import InvalidValuesError
from scc2s.train import CellBatch, Corpus, corpus, split, task_samples
from scc2s.train._corpus_batch import opened
from scc2s.train._corpus_draw import copies, shares
from scc2s.train._corpus_manifest import read_manifest
from scc2s.train._corpus_rows import Reader
from scc2s.train._corpus_settings import Settings, checked_settings, chosen_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = [f"GENE{i}" for i in range(40)]
N = 300
PAIRS = {"key": "drug", "control": "none", "match": ["cell_type"]}
SMALL = {"names": NAMES, "organism": "human", "n_genes": 12, "shard_size": 70}


def made(n: int = N, seed: int = 0) -> tuple[sparse.csr_matrix, pd.DataFrame]:
    """Counts and what is known of the cells."""
    rng = np.random.default_rng(seed)
    X = sparse.csr_matrix(rng.poisson(0.8, (n, len(NAMES))).astype(np.float32))
    obs = pd.DataFrame(
        {
            "cell_type": rng.choice(["B cell", "T cell", "NK cell"], n),
            "drug": rng.choice(["none", "IFN-beta"], n),
            "donor": rng.choice([f"d{i}" for i in range(20)], n),
        },
        index=[f"c{seed}-{i}" for i in range(n)],
    )
    return X, obs


def in_batches(X: Any, obs: pd.DataFrame, size: int = 64) -> Iterator[tuple[Any, pd.DataFrame]]:
    for start in range(0, len(obs), size):
        yield X[start : start + size], obs.iloc[start : start + size]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if not path.name.startswith(".")}


def _settings_of(split_key: str | None, seed: int) -> Settings:
    return checked_settings(
        chosen_tasks("cell_type"), columns=None, organism="human", key=None, control=None, match=(), n_controls=1,
        split_key=split_key, held_out=(), val=0.1, test=0.1, missing="error", shard_size=10, random_state=seed,
        cells=None,
    )  # fmt: skip


class TestShards:
    def test_plain_samples_are_those_of_task_samples(self, tmp_path: Path) -> None:
        X, obs = made()
        built = corpus(
            in_batches(X, obs), ["cell_type", "generate"], tmp_path / "c", **SMALL, split="donor", augment=None
        )
        fields = {"cell_type": obs["cell_type"].tolist(), "organism": ["Homo sapiens"] * N}
        for name in ("cell_type", "generate"):
            expected = task_samples(prompts.get(name), X, NAMES, fields, n_genes=12)
            expected = expected.assign(cell=obs.index[expected.pop("row")]).set_index("cell")
            for part in built.parts:
                table = built.table(part)
                table = table[table["task"] == name].set_index("cell")
                assert table["prompt"].to_dict() == expected.loc[table.index, "prompt"].to_dict()
                assert table["completion"].to_dict() == expected.loc[table.index, "completion"].to_dict()
        assert sum(built.n_cells(part) for part in built.parts) == N

    def test_bytes_do_not_depend_on_the_size_of_batches_or_the_form_of_the_matrix(self, tmp_path: Path) -> None:
        X, obs = made()
        found = []
        for i, (form, size) in enumerate([(X, 1), (X.toarray(), 64), (X.tocsc(), N), (X.astype(np.int64), 150)]):
            corpus(in_batches(form, obs, size), ["cell_type", "perturb"], tmp_path / str(i), **SMALL, **PAIRS)
            found.append(contents(tmp_path / str(i)))
        assert found[0] == found[1] == found[2] == found[3]
        assert sum(name.startswith("cells-") for name in found[0]) == -(-N // 70)

    def test_blocks_come_in_the_order_in_which_they_fill_whatever_the_size_of_batches(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scc2s.train._corpus_shards.BLOCK", 8)
        X, obs = made()
        found = []
        for size in (1, 30, N):
            corpus(in_batches(X, obs, size), "cell_type", tmp_path / str(size), **SMALL, split="donor")
            found.append(contents(tmp_path / str(size)))
        assert found[0] == found[1] == found[2]
        parts = [place.part for place in read_manifest(tmp_path / "1").places or []]
        assert parts != sorted(parts)
        assert set(parts) == {"train", "val", "test"}

    def test_rows_with_zeros_and_genes_in_any_order_or_twice_are_those_without(self, tmp_path: Path) -> None:
        X, obs = made()
        whole = X.tocoo()
        order = np.lexsort((-whole.col, whole.row))
        row, column = whole.row[order].repeat(2), whole.col[order].repeat(2)
        values = np.column_stack([whole.data[order] - 1, np.ones(whole.nnz)]).ravel()
        ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=N))])
        odd = sparse.csr_matrix((values.astype(np.float32), column, ends), shape=X.shape)
        assert (odd.data == 0).any()
        assert not odd.has_sorted_indices
        for name, form in (("plain", X), ("odd", odd)):
            corpus(in_batches(form, obs), "cell_type", tmp_path / name, **SMALL)
        assert contents(tmp_path / "plain") == contents(tmp_path / "odd")

    def test_data_sets_of_other_genes_and_values_that_are_not_counts_go_in_one_corpus(self, tmp_path: Path) -> None:
        X, obs = made(50)
        other = obs.set_axis([f"x{i}" for i in range(50)])
        logged = X.astype(np.float64).log1p() * 0.7
        batches = [
            CellBatch(X, obs, NAMES, "one"),
            CellBatch(logged[:, ::-1][:, :20], other, [*NAMES[:19:-1][:10], *[f"NEW{i}" for i in range(10)]], "two"),
        ]
        built = corpus(batches, "cell_type", tmp_path / "c", organism="human", val=0, test=0, augment=None, n_genes=12)
        table = built.table().set_index("cell")
        fields = {"cell_type": obs["cell_type"].tolist(), "organism": ["Homo sapiens"] * 50}
        for batch in batches:
            expected = task_samples(
                prompts.get("cell_type"), sparse.csr_matrix(batch.X), batch.names, fields, n_genes=12
            )
            assert table.loc[batch.obs.index, "prompt"].tolist() == expected["prompt"].tolist()
            assert set(table.loc[batch.obs.index, "study"]) == {batch.study}
        assert len(built.genes) == 50
        types = [
            pa.ipc.open_file(str(path)).schema.field("values").type for path in sorted((tmp_path / "c").glob("*.arrow"))
        ]
        assert types == [pa.list_(pa.uint16()), pa.list_(pa.float32())]

    def test_more_genes_than_16_bits_count(self, tmp_path: Path) -> None:
        names = [f"G{i}" for i in range(70_000)]
        X = sparse.csr_matrix((np.array([2.0, 1.0, 5.0]), ([0, 0, 1], [69_999, 3, 7])), shape=(2, 70_000))
        obs = pd.DataFrame({"cell_type": ["B", "T"]}, index=["a", "b"])
        built = corpus([(X, obs)], "cell_type", tmp_path, names=names, organism="human", val=0, test=0, augment=None)
        assert "Genes: G69999 G3\n" in built.table().set_index("cell").loc["a", "prompt"]

    @pytest.mark.slow
    def test_shards_are_read_by_datasets(self, tmp_path: Path) -> None:
        datasets = pytest.importorskip("datasets")
        X, obs = made()
        built = corpus(in_batches(X, obs), "cell_type", tmp_path / "c", **SMALL)
        files = [str(path) for path in sorted((tmp_path / "c").glob("cells-*.arrow"))]
        rows = datasets.load_dataset("arrow", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
        first = {row["cell"]: row for row in rows}["c0-0"]
        assert [built.genes[i] for i in first["genes"]] == [NAMES[i] for i in X[0].indices]
        assert first["field_cell_type"] == obs["cell_type"].iloc[0]

        streamed = datasets.IterableDataset.from_generator(built.stream, gen_kwargs={"part": "train", "epoch": 1})
        assert list(streamed) == list(built.stream("train", 1))


class TestWeights:
    @pytest.mark.parametrize("n", [1, 7, 100, 1001])
    def test_samples_of_each_task_follow_the_weights_to_the_unit_in_each_epoch(self, tmp_path: Path, n: int) -> None:
        X, obs = made()
        weights = {"cell_type": 5, "generate": 2.5, "perturb": 1}
        built = corpus(in_batches(X, obs), list(weights), tmp_path, **SMALL, **PAIRS, weights=weights, n_samples=n)
        expected = shares(n, weights)
        assert sum(expected.values()) == n
        assert all(abs(expected[t] - n * w / 8.5) < 1 for t, w in weights.items())
        for epoch in range(2):
            assert Counter(s["task"] for s in built.stream("train", epoch)) == Counter(expected)
        assert built.counts("train")["samples"].to_dict() == expected

    def test_without_weights_each_cell_is_asked_about_once_by_each_task(self, tmp_path: Path) -> None:
        X, obs = made()
        built = corpus(in_batches(X, obs), ["cell_type", "generate"], tmp_path, **SMALL)
        table = built.table()
        assert not table.duplicated(["task", "cell"]).any()
        assert len(table) == 2 * built.n_cells() == built.n_samples()

    def test_a_task_with_fewer_samples_than_cells_takes_turns_at_them(self, tmp_path: Path) -> None:
        X, obs = made(160)
        built = corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL, val=0, test=0, n_samples=40)
        epochs = [set(built.table("train", epoch)["cell"]) for epoch in range(4)]
        assert [len(cells) for cells in epochs] == [40] * 4
        assert set.union(*epochs) == set(obs.index)

    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, 500), st.integers(1, 300), st.integers(0, 50), st.lists(st.integers(0, 300), max_size=5))
    def test_copies_add_up_whatever_the_blocks(self, n: int, of: int, epoch: int, cuts: list[int]) -> None:
        ends = sorted({0, of, *(cut for cut in cuts if cut < of)})
        found = np.concatenate([copies(n, of, a, b, epoch) for a, b in zip(ends, ends[1:], strict=False)])
        assert found.sum() == n
        assert found.max() - found.min() <= 1

    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, 10_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=8))
    def test_shares_add_up_and_are_less_than_one_off(self, total: int, weights: list[float]) -> None:
        named = {str(i): w for i, w in enumerate(weights)}
        found = shares(total, named)
        if sum(weights):
            assert sum(found.values()) == total
            assert all(abs(found[k] - total * w / sum(weights)) < 1 + 1e-6 for k, w in named.items())
        else:
            assert set(found.values()) == {0}

    def test_other_weights_need_no_other_shards(self, tmp_path: Path) -> None:
        X, obs = made()
        tasks = ["cell_type", "generate"]
        corpus(in_batches(X, obs), tasks, tmp_path, **SMALL)
        before = {name: text for name, text in contents(tmp_path).items() if name.endswith(".arrow")}
        only = {"cell_type": 1, "generate": 0}
        built = corpus(iter(()), tasks, tmp_path, **{**SMALL, "n_genes": 5}, weights=only, n_samples=30)
        assert {name: text for name, text in contents(tmp_path).items() if name.endswith(".arrow")} == before
        assert built.counts()["samples"].to_dict() == {"cell_type": 30, "generate": 0}
        assert Corpus(tmp_path).n_samples() == 30
        changed = built.with_settings(weights={"cell_type": 1, "generate": 1}, augment=None)
        assert changed.counts()["samples"].to_dict() == {"cell_type": 15, "generate": 15}
        assert all(len(s["completion"].split()) <= 5 for s in changed.stream() if s["task"] == "generate")
        assert Corpus(tmp_path).counts()["samples"].to_dict() == {"cell_type": 30, "generate": 0}


class TestSplit:
    @settings(deadline=None, max_examples=30)
    @given(st.integers(0, 2**31), st.integers(1, 120), st.integers(0, 99))
    def test_a_group_is_whole_in_one_part_in_any_order_and_any_batches(self, order: int, size: int, seed: int) -> None:
        X, obs = made(120)
        rows = np.random.default_rng(order).permutation(120)
        read = Reader(_settings_of("donor", seed), [])
        found = [read(opened(batch, NAMES, 0)) for batch in in_batches(X[rows], obs.iloc[rows], size)]
        parts = pd.Series(np.concatenate([some.part for some in found]), np.concatenate([some.cell for some in found]))
        donors = obs["donor"].unique()
        expected = dict(zip(donors, split(donors, val=0.1, test=0.1, seed=seed), strict=True))
        assert parts.to_dict() == obs["donor"].map(expected).to_dict()

    def test_no_group_is_in_two_parts_of_what_is_read(self, tmp_path: Path) -> None:
        X, obs = made()
        built = corpus(in_batches(X, obs, 13), "cell_type", tmp_path, **SMALL, split="donor")
        donors = {part: set(obs.loc[built.table(part)["cell"], "donor"]) for part in built.parts}
        assert len(donors) == 3
        assert sum(map(len, donors.values())) == len(set.union(*donors.values())) == 20

    def test_shuffled_cells_give_the_same_samples(self, tmp_path: Path) -> None:
        X, obs = made()
        rows = np.random.default_rng(1).permutation(N)
        tables = []
        for i, at in enumerate([np.arange(N), rows]):
            built = corpus(
                in_batches(X[at], obs.iloc[at]), ["cell_type", "generate"], tmp_path / str(i), **SMALL, split="donor",
                augment=None,
            )  # fmt: skip
            tables.append(built.table().sort_values(["task", "cell"], ignore_index=True))
        pd.testing.assert_frame_equal(*tables)

    def test_groups_that_are_held_out_by_name_are_the_test(self, tmp_path: Path) -> None:
        X, obs = made()
        built = corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL, split="donor", held_out=["d3", "d7"], val=0)
        assert set(obs.loc[built.table("test")["cell"], "donor"]) == {"d3", "d7"}
        assert not set(obs.loc[built.table("train")["cell"], "donor"]) & {"d3", "d7"}

    def test_a_split_that_was_made_before_is_kept(self, tmp_path: Path) -> None:
        X, obs = made()
        obs["c2s_split"] = pd.Categorical(split(obs["donor"], seed=5))
        built = corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL, split="c2s_split")
        for part in built.parts:
            assert set(built.table(part)["cell"]) == set(obs.index[obs["c2s_split"] == part])

    def test_control_cells_are_of_the_part_and_the_group_of_the_perturbed_cell(self, tmp_path: Path) -> None:
        X, obs = made()
        built = corpus(
            in_batches(X, obs), "perturb", tmp_path, **SMALL, **PAIRS, split="donor", n_controls=2, augment=None
        )
        seen: set[tuple[str, str]] = set()
        for part in built.parts:
            for epoch in range(3):
                table = built.table(part, epoch)
                for cell, control in zip(table["cell"], table["control"], strict=True):
                    assert obs.loc[control, "drug"] == "none"
                    assert obs.loc[cell, "drug"] == "IFN-beta"
                    assert obs.loc[cell, "cell_type"] == obs.loc[control, "cell_type"]
                seen |= {(part, donor) for donor in obs.loc[table["control"], "donor"]}
                expected = task_samples(
                    prompts.get("perturb"), X, NAMES,
                    {"perturbation": obs["drug"].tolist(), "organism": ["Homo sapiens"] * N}, n_genes=12,
                    pairs=obs.index.get_indexer(table["control"]).reshape(-1, 1).repeat(2, 1) * [1, 0]
                    + obs.index.get_indexer(table["cell"])[:, None] * [0, 1],
                )  # fmt: skip
                assert table["prompt"].tolist() == expected["prompt"].tolist()
                assert table["completion"].tolist() == expected["completion"].tolist()
        donors = [donor for _, donor in seen]
        assert len(donors) == len(set(donors))


class TestEpochs:
    def test_prompts_vary_from_epoch_to_epoch_and_completions_stay(self, tmp_path: Path) -> None:
        X, obs = made()
        built = corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL)
        one, again, other = (built.table("train", e).set_index("cell").sort_index() for e in (0, 0, 1))
        pd.testing.assert_frame_equal(one, again)
        assert (one["prompt"] != other["prompt"]).mean() > 0.9
        assert (one["completion"] == other["completion"]).all()
        assert built.table("train", 0)["cell"].tolist() != built.table("train", 1)["cell"].tolist()

    def test_written_cells_stay_but_for_their_length(self, tmp_path: Path) -> None:
        X, obs = made()
        built = corpus(in_batches(X, obs), "generate", tmp_path, **SMALL)
        one, other = (built.table("train", e).set_index("cell").sort_index()["completion"] for e in (0, 1))
        assert (one == other).all()

    def test_validation_and_test_are_never_varied(self, tmp_path: Path) -> None:
        X, obs = made()
        built = corpus(in_batches(X, obs), ["cell_type", "perturb"], tmp_path, **SMALL, **PAIRS)
        plain = built.with_settings(augment=None)
        for part in ("val", "test"):
            pd.testing.assert_frame_equal(built.table(part, 0), built.table(part, 3))
            pd.testing.assert_frame_equal(built.table(part), plain.table(part))

    @pytest.mark.parametrize("batch_size", [None, 6])
    @pytest.mark.parametrize("world", [2, 3])
    def test_processes_share_one_sequence(self, tmp_path: Path, world: int, batch_size: int | None) -> None:
        X, obs = made()
        built = corpus(in_batches(X, obs), ["cell_type", "generate"], tmp_path, **SMALL)
        alone = list(built.stream("train", 1, batch_size=batch_size))
        dealt = [list(built.stream("train", 1, rank=r, world=world, batch_size=batch_size)) for r in range(world)]
        for r in range(world):
            assert dealt[r] == alone[r::world]
        key = [(s["task"], s["cell"]) for s in alone]
        table = built.table("train", 1)
        assert sorted(key) == sorted(zip(table["task"], table["cell"], strict=True))

    def test_batches_hold_one_task_but_for_the_last(self, tmp_path: Path) -> None:
        X, obs = made()
        built = corpus(in_batches(X, obs), ["cell_type", "generate"], tmp_path, **SMALL)
        tasks = [sample["task"] for sample in built.stream("train", batch_size=16)]
        batches = [set(tasks[i : i + 16]) for i in range(0, len(tasks), 16)]
        n_mixed = sum(len(batch) > 1 for batch in batches)
        assert n_mixed <= 1
        assert batches.index(next(b for b in batches if len(b) > 1)) >= len(batches) - 2 if n_mixed else True

    def test_a_corpus_goes_to_other_processes(self, tmp_path: Path) -> None:
        X, obs = made(80)
        built = corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL, val=0, test=0)
        assert list(pickle.loads(pickle.dumps(built)).stream()) == list(built.stream())


KILLED = """
import json, os, signal, sys
import numpy as np, pandas as pd
from scipy import sparse
sys.path.insert(0, sys.argv[1])
from test_corpus import made, in_batches, SMALL, PAIRS
from scc2s.train import corpus
folder, points = sys.argv[2], json.loads(sys.argv[3])
for n in points:  # a child for each point: it is killed at the n-th change of the folder
    if os.fork() == 0:
        import scc2s._io as io
        calls = 0
        def counted(inner):
            def call(*args, **kwargs):
                global calls
                calls += 1
                if calls == n:
                    os.kill(os.getpid(), signal.SIGKILL)
                return inner(*args, **kwargs)
            return call
        import pathlib
        pathlib.Path.replace = counted(pathlib.Path.replace)
        io._sync = counted(io._sync)
        X, obs = made()
        corpus(in_batches(X, obs, 37), ["cell_type", "perturb"], folder, **SMALL, **PAIRS)
        os._exit(0)
    _, status = os.wait()
    print(os.WIFSIGNALED(status), flush=True)
"""


class TestKilled:
    @pytest.mark.slow
    def test_a_run_that_is_killed_again_and_again_leaves_the_bytes_of_an_unbroken_one(self, tmp_path: Path) -> None:
        X, obs = made()
        tasks = ["cell_type", "perturb"]
        corpus(in_batches(X, obs), tasks, tmp_path / "whole", **SMALL, **PAIRS)
        expected = contents(tmp_path / "whole")
        points = [1, 2, 3, 4, 5, 6, 2, 4, 3]
        here = str(Path(__file__).parent)
        run = [sys.executable, "-c", KILLED, here, str(tmp_path / "killed"), json.dumps(points)]
        said = subprocess.run(run, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout.split()
        assert said.count("True") >= 6
        built = corpus(in_batches(X, obs), tasks, tmp_path / "killed", **SMALL, **PAIRS)
        assert contents(tmp_path / "killed") == expected
        pd.testing.assert_frame_equal(built.table(), Corpus(tmp_path / "whole").table())
        assert not [path for path in (tmp_path / "killed").iterdir() if path.name.startswith(".")]

    def test_it_goes_on_where_it_was_and_does_not_write_again(self, tmp_path: Path) -> None:
        X, obs = made()

        def stops() -> Iterator[Any]:
            for i, batch in enumerate(in_batches(X, obs)):
                if i == 3:
                    raise KeyboardInterrupt
                yield batch

        with pytest.raises(KeyboardInterrupt):
            corpus(stops(), "cell_type", tmp_path, **SMALL)
        times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("cells-*.arrow")}
        assert len(times) == 2
        with pytest.raises(ValueError, match="not finished; call train.corpus"):
            Corpus(tmp_path)
        corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL)
        assert all(path.stat().st_mtime_ns == time for path, time in times.items())

    def test_batches_that_can_begin_later_do(self, tmp_path: Path) -> None:
        X, obs = made()
        asked: list[int] = []

        class Later:
            def __iter__(self) -> Iterator[Any]:
                for i, batch in enumerate(in_batches(X, obs)):
                    if i == 3:
                        raise KeyboardInterrupt
                    yield batch

            def starting_at(self, row: int) -> Iterator[Any]:
                asked.append(row)
                return in_batches(X[row:], obs.iloc[row:])

        with pytest.raises(KeyboardInterrupt):
            corpus(Later(), "cell_type", tmp_path / "c", **SMALL)
        corpus(Later(), "cell_type", tmp_path / "c", **SMALL)
        assert asked == [140]
        corpus(in_batches(X, obs), "cell_type", tmp_path / "whole", **SMALL)
        assert contents(tmp_path / "c") == contents(tmp_path / "whole")

    def test_other_cells_or_settings_are_refused(self, tmp_path: Path) -> None:
        X, obs = made()
        with pytest.raises(RuntimeError):
            corpus(_broken_after(in_batches(X, obs), 3), "cell_type", tmp_path, **SMALL)
        with pytest.raises(ValueError, match="not those of the run that was stopped"):
            corpus(in_batches(X[::-1], obs[::-1]), "cell_type", tmp_path, **SMALL)
        with pytest.raises(ValueError, match="not those of the run that was stopped"):
            corpus(in_batches(X[:80], obs[:80]), "cell_type", tmp_path, **SMALL)
        with pytest.raises(ValueError, match="other settings: random_state was 0 and is 3; pass folder= a new one"):
            corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL, random_state=3)
        with pytest.raises(ValueError, match="other settings: tasks; pass folder="):
            corpus(in_batches(X, obs), ["cell_type", "generate"], tmp_path, **SMALL)

    def test_a_broken_shard_is_named_and_made_again(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        X, obs = made()
        built = corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL)
        expected = contents(tmp_path)
        path = tmp_path / "cells-00002.arrow"
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(OSError, match=r"cells-00002.arrow is not there or damaged .*call train.corpus again"):
            built.table()
        corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL)
        assert "cells-00002.arrow is not whole" in caplog.text
        assert contents(tmp_path) == expected
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
        with pytest.raises(OSError, match=r"cells-00002.arrow is not there or damaged"):
            Corpus(tmp_path).table()

    def test_a_damaged_manifest_is_named(self, tmp_path: Path) -> None:
        X, obs = made(80)
        corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL, val=0, test=0)
        (tmp_path / "corpus.json").write_text('{"format": 1')
        with pytest.raises(ValueError, match=r"corpus.json is damaged"):
            Corpus(tmp_path)
        (tmp_path / "corpus.json").write_text('{"format": 99}')
        with pytest.raises(ValueError, match=r"corpus.json is of format 99, here is \d+; pass a new folder="):
            Corpus(tmp_path)

    @pytest.mark.slow
    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a limit of the size of files")
    def test_a_full_disk_is_named_and_what_is_finished_stays(self, tmp_path: Path) -> None:
        code = (
            "import resource, sys; sys.path.insert(0, sys.argv[1])\n"
            "from test_corpus import made, in_batches, SMALL\nfrom scc2s.train import corpus\n"
            "X, obs = made()\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (11_000, 11_000))\n"
            "try:\n    corpus(in_batches(X, obs), 'cell_type', sys.argv[2], **{**SMALL, 'shard_size': 200})\n"
            "except OSError as error:\n    print(error)\n"
        )
        run = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "c")]
        said = subprocess.run(run, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout
        assert "there is no room for the corpus" in said
        assert "to go on" in said
        assert not list((tmp_path / "c").glob("*.arrow"))


def _broken_after(batches: Iterator[Any], n: int) -> Iterator[Any]:
    for i, batch in enumerate(batches):
        if i == n:
            raise RuntimeError
        yield batch


def _without(column: str) -> pd.DataFrame:
    return made()[1].drop(columns=column)


def _blank(column: str, value: Any) -> pd.DataFrame:
    obs = made()[1]
    obs.iloc[100:103, obs.columns.get_loc(column)] = value
    return obs


class TestRefused:
    @pytest.mark.parametrize(
        ("tasks", "changed", "error", "match"),
        [
            ("cell_type", {"obs": _without("cell_type")}, KeyError, "no column 'cell_type'.*columns=.*missing='skip'"),
            ("cell_type", {"obs": _blank("cell_type", " ")}, ValueError, "blank for 3 cells.*first: cell 100"),
            ("cell_type", {"obs": _blank("cell_type", None)}, ValueError, "missing or blank for 3 cells"),
            ("cell_type", {"obs": _blank("donor", None), "split": "donor"}, ValueError, "might be a held-out one"),
            ("cell_type", {"split": "hospital"}, KeyError, "no column 'hospital'.*pass split="),
            ("cell_type", {"held_out": ["d1"]}, ValueError, "pass split="),
            ("cell_type", {"val": 0.5, "test": 0.5}, ValueError, "add up to less than 1"),
            ("nonsense", {}, KeyError, "no task 'nonsense'"),
            ([], {}, ValueError, "tasks is empty"),
            (["cell_type", "cell_type"], {}, ValueError, "two tasks are called 'cell_type'"),
            ("sample_tissue", {}, ValueError, "'sample_tissue' is about several cells.*c2s_contexts"),
            ("name_genes", {}, ValueError, "'name_genes' is about sets of genes"),
            ("perturb", {}, ValueError, "pass key= .* control="),
            ("perturb", {"key": "drug", "control": "water"}, ValueError, "'perturb' has no cells to train"),
            ("cell_type", {"key": "drug", "control": "none"}, ValueError, "add such a task"),
            ("cell_type", {"weights": {"cell_type": -1}}, ValueError, "weight of 'cell_type' is -1"),
            ("cell_type", {"weights": {"cell_type": float("nan")}}, ValueError, "pass finite numbers from 0"),
            ("cell_type", {"weights": {"cell_type": 0}}, ValueError, "all weights are 0"),
            (["cell_type", "generate"], {"weights": {"cell_type": 1}}, KeyError, "'generate' has no weight"),
            ("cell_type", {"weights": {"cell_type": 1, "x": 1}}, KeyError, "weight of 'x'"),
            ("cell_type", {"weights": {"cell_type": "much"}}, TypeError, "pass numbers from 0"),
            ("cell_type", {"n_samples": 0}, ValueError, "n_samples=0 is too small"),
            ("cell_type", {"n_genes": 2.0}, TypeError, "n_genes=2.0 is not a whole number"),
            ("cell_type", {"augment": 3}, TypeError, "augment is of type int"),
            ("cell_type", {"missing": "drop"}, ValueError, "pass 'error' or 'skip'"),
            ("cell_type", {"columns": {"tissue": "x"}}, KeyError, "columns= has 'tissue'"),
            ("cell_type", {"names": NAMES[:3]}, ValueError, "3 names for 40 genes"),
            ("cell_type", {"names": None}, ValueError, "no names of genes; pass names="),
            ("cell_type", {"names": ["A", *NAMES[2:], "A"]}, ValueError, "stand for more than one gene"),
            ("cell_type", {"organism": None, "names": [f"x{i}" for i in range(40)]}, ValueError, "pass organism="),
            ("cell_type", {"X": sparse.csr_matrix((N, 40))}, ValueError, "none expresses a gene"),
            ("cell_type", {"X": made()[0][:5]}, ValueError, "cells in X and"),
        ],
    )  # fmt: skip
    def test_bad_input_is_named(
        self, tmp_path: Path, tasks: Any, changed: dict[str, Any], error: type[Exception], match: str
    ) -> None:
        X, obs = made()
        X, obs = changed.pop("X", X), changed.pop("obs", obs)
        with pytest.raises(error, match=match):
            corpus([(X, obs)], tasks, tmp_path / "c", **{**SMALL, **changed})

    @pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
    def test_values_that_have_no_rank(self, tmp_path: Path, value: float) -> None:
        X, obs = made()
        X.data[-1] = value
        with pytest.raises(InvalidValuesError, match="in 1 of 44 cells .first: cell 299"):
            corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL)

    @pytest.mark.parametrize(
        ("batch", "match"),
        [
            (3, "a batch is of type int; pass batches="),
            ((made()[0], {"cell_type": []}), "pass a pandas DataFrame"),
            (([[1, 2]], pd.DataFrame(index=["a"])), "pass numpy or scipy.sparse"),
        ],
    )
    def test_batches_of_another_form(self, tmp_path: Path, batch: Any, match: str) -> None:
        with pytest.raises(TypeError, match=match):
            corpus([batch], "cell_type", tmp_path, **SMALL)

    def test_no_cells_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="batches holds no cells"):
            corpus([], "cell_type", tmp_path, **SMALL)

    def test_a_part_without_cells_is_named_and_so_is_one_that_is_asked_for(self, tmp_path: Path) -> None:
        X, obs = made(40)
        obs["donor"] = "only"
        with pytest.raises(ValueError, match="no cell is in the part .*values of 'donor'.*random_state="):
            corpus([(X, obs)], "cell_type", tmp_path / "a", **SMALL, split="donor")
        built = corpus([(X, obs)], "cell_type", tmp_path / "b", **SMALL, split="donor", val=0, test=0)
        with pytest.raises(ValueError, match="no cells in the part 'val'; pass part= one of 'train'"):
            built.stream("val")

    def test_a_part_whose_cells_no_task_asks_about_is_named(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        X, obs = made(60)
        obs["part"] = np.where(np.arange(60) < 40, "train", "val")
        obs.loc[obs["part"] == "val", "drug"] = "none"
        built = corpus([(X, obs)], "perturb", tmp_path, **SMALL, **PAIRS, split="part", test=0)
        assert "task 'perturb' has no cells in the part 'val'" in caplog.text
        with pytest.raises(ValueError, match="no task has cells in the part 'val'"):
            built.table("val")

    def test_a_task_that_turns_out_to_have_no_cells_can_be_left_out_without_building_again(
        self, tmp_path: Path
    ) -> None:
        X, obs = made()
        given = {**SMALL, "key": "drug", "control": "water"}
        with pytest.raises(ValueError, match="pass weights= with 0 for it"):
            corpus(in_batches(X, obs), ["cell_type", "perturb"], tmp_path, **given)
        built = corpus(iter(()), ["cell_type", "perturb"], tmp_path, **given, weights={"cell_type": 1, "perturb": 0})
        assert set(built.table()["task"]) == {"cell_type"}

    def test_folders_with_something_else(self, tmp_path: Path) -> None:
        X, obs = made()
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(ValueError, match="holds something else than a corpus"):
            corpus([(X, obs)], "cell_type", tmp_path, **SMALL)
        with pytest.raises(NotADirectoryError, match="is a file"):
            corpus([(X, obs)], "cell_type", tmp_path / "notes.txt", **SMALL)
        with pytest.raises(FileNotFoundError, match="holds no corpus"):
            Corpus(tmp_path)

    def test_process_numbers(self, tmp_path: Path) -> None:
        X, obs = made(80)
        built = corpus(in_batches(X, obs), "cell_type", tmp_path, **SMALL, val=0, test=0)
        with pytest.raises(ValueError, match="not among 2 processes"):
            built.stream(rank=2, world=2)
        with pytest.raises(ValueError, match="cannot be dealt to 2"):
            built.stream(world=2, batch_size=3)


def test_cells_without_a_text_are_left_out_of_its_task_alone(tmp_path: Path) -> None:
    X, obs = made()
    obs.loc[obs.index[:50], "cell_type"] = np.nan
    obs.loc[obs.index[50:60], "donor"] = ""
    built = corpus(
        in_batches(X, obs), ["cell_type", "generate_unconditional"], tmp_path, **SMALL, split="donor", missing="skip"
    )
    cells = pd.concat([built.table(part) for part in built.parts]).groupby("task")["cell"].agg(set)
    assert cells["cell_type"] == set(obs.index[60:])
    assert cells["generate_unconditional"] == set(obs.index) - set(obs.index[50:60])


def test_what_is_given_is_not_changed(tmp_path: Path) -> None:
    X, obs = made(80)
    X.data[3] = 0
    X = sparse.csr_matrix((X.data, X.indices[:], X.indptr), shape=X.shape)
    before, table = X.copy(), obs.copy()
    corpus([(X, obs)], "cell_type", tmp_path, **SMALL, val=0, test=0)
    assert (X.data == before.data).all()
    assert (X.indices == before.indices).all()
    pd.testing.assert_frame_equal(obs, table)


def test_own_tasks_come_back_from_the_folder(tmp_path: Path) -> None:
    X, obs = made(80)
    task = replace(prompts.custom("{cell_sentence}\nDrug?", response=" {drug}"), name="drug")
    corpus([(X, obs)], task, tmp_path, **{**SMALL, "organism": None}, val=0, test=0)
    assert Corpus(tmp_path).tasks == (task,)
    assert set(Corpus(tmp_path).table()["completion"]) == {" none", " IFN-beta"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of annbatch and what it imports
def test_batches_of_annbatch_are_taken_as_they_are(tmp_path: Path) -> None:
    annbatch = pytest.importorskip("annbatch")
    import anndata as ad
    import zarr

    X, obs = made(96)
    whole = ad.AnnData(X, obs=obs, var=pd.DataFrame(index=NAMES))
    whole.write_zarr(tmp_path / "a.zarr", chunks=(96, 40))
    stored = zarr.open_group(str(tmp_path / "a.zarr"), mode="r")
    opened_there = ad.AnnData(ad.io.sparse_dataset(stored["X"]), obs=obs, var=whole.var)
    loader = annbatch.Loader(shuffle=False, batch_size=32, chunk_size=16, preload_nchunks=4, preload_to_gpu=False)
    loader.add_adata(opened_there)
    given = {**SMALL, "names": None}
    built = corpus(loader, "cell_type", tmp_path / "c", **given, val=0, test=0)
    corpus(in_batches(X, obs), "cell_type", tmp_path / "d", **SMALL, val=0, test=0)
    assert contents(tmp_path / "c") == contents(tmp_path / "d")
    assert built.n_cells() == 96
