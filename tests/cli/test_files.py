from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import anndata as ad
import mudata
import numpy as np
import pytest
from cell_files import GENES, counts, write_10x_folder, write_10x_h5

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture
def adata() -> ad.AnnData:
    found = ad.AnnData(counts().T.tocsr().astype("float32"))
    found.var_names = GENES
    return found


def of_two(adata: ad.AnnData) -> mudata.MuData:
    proteins = ad.AnnData(np.ones((adata.n_obs, 2), dtype="float32"), var={"x": [1, 2]})
    proteins.obs_names, proteins.var_names = adata.obs_names, ["CD3", "CD19"]
    return mudata.MuData({"rna": adata.copy(), "prot": proteins})


def first(adata: ad.AnnData) -> str:
    return str(adata.obs["c2s_sentence"].iloc[0])


class TestRead:
    def test_10x_files_and_folders_give_the_sentences_of_the_same_cells_in_h5ad(
        self, run: Run, adata: ad.AnnData, tmp_path: Path
    ) -> None:
        adata.write_h5ad(tmp_path / "a.h5ad")
        write_10x_h5(tmp_path / "x.h5")
        write_10x_folder(tmp_path / "x")
        found = set()
        for source in ("a.h5ad", "x.h5", "x"):
            assert run("sentences", tmp_path / source, tmp_path / "out.h5ad")[0] == 0
            found.add(first(ad.read_h5ad(tmp_path / "out.h5ad")))
        assert len(found) == 1

    def test_only_gene_expression_of_10x_is_read(self, run: Run, tmp_path: Path) -> None:
        write_10x_h5(tmp_path / "x.h5", antibodies=True)
        assert run("sentences", tmp_path / "x.h5", tmp_path / "out.h5ad")[0] == 0
        assert ad.read_h5ad(tmp_path / "out.h5ad").var_names.tolist() == list(GENES[:-1])

    @pytest.mark.slow
    def test_zarr_in_and_out(self, run: Run, adata: ad.AnnData, tmp_path: Path) -> None:
        adata.write_zarr(tmp_path / "a.zarr")
        for target in ("out.h5ad", "out.zarr", "a.zarr"):
            assert run("sentences", tmp_path / "a.zarr", tmp_path / target)[0] == 0
        found = {first(ad.read_zarr(tmp_path / name)) for name in ("out.zarr", "a.zarr")}
        assert found == {first(ad.read_h5ad(tmp_path / "out.h5ad"))}
        assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]

    @pytest.mark.slow
    def test_modality_of_an_h5mu_file(self, run: Run, adata: ad.AnnData, tmp_path: Path) -> None:
        of_two(adata).write_h5mu(tmp_path / "m.h5mu")
        assert run("sentences", tmp_path / "m.h5mu", tmp_path / "rna.h5ad")[0] == 0
        assert run("sentences", tmp_path / "m.h5mu", tmp_path / "all.h5mu")[0] == 0
        assert run("sentences", tmp_path / "m.h5mu", tmp_path / "all.zarr", "--mod", "rna")[0] == 0
        alone = ad.read_h5ad(tmp_path / "rna.h5ad")
        for back in (mudata.read_h5mu(tmp_path / "all.h5mu"), mudata.read_zarr(tmp_path / "all.zarr")):
            assert set(back.mod) == {"rna", "prot"}
            assert first(back["rna"]) == first(alone)

    def test_modality_that_is_not_there(self, run: Run, adata: ad.AnnData, tmp_path: Path) -> None:
        whole = of_two(adata)
        mudata.MuData({"a": whole["rna"].copy(), "b": whole["prot"].copy()}).write_h5mu(tmp_path / "m.h5mu")
        for asked in ((), ("--mod", "rna")):
            code, _, err = run("sentences", tmp_path / "m.h5mu", tmp_path / "o.h5ad", *asked)
            assert code == 1
            assert "pass --mod one of a, b" in err.splitlines()[-1]
        adata.write_h5ad(tmp_path / "a.h5ad")
        code, _, err = run("sentences", tmp_path / "a.h5ad", tmp_path / "o.h5ad", "--mod", "rna")
        assert code == 1
        assert "leave --mod out" in err

    def test_10x_file_with_nothing_in_it_is_one_line(self, run: Run, tmp_path: Path) -> None:
        import h5py

        with h5py.File(tmp_path / "x.h5", "w") as file:
            file["matrix/data"] = [1]
        code, _, err = run("sentences", tmp_path / "x.h5", tmp_path / "o.h5ad")
        assert code == 1
        assert "x.h5 as 10x h5" in err.splitlines()[-1]


class TestTarget:
    """Each is refused before anything is read: the input is not a file of cells at all, or is not touched."""

    @pytest.fixture
    def source(self, adata: ad.AnnData, tmp_path: Path) -> Path:
        adata.write_h5ad(tmp_path / "a.h5ad")
        return tmp_path / "a.h5ad"

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            ("no/folder/a.h5ad", "mkdir -p"),
            ("folder.h5ad", "is a folder"),
            ("file.zarr", "is a file"),
            ("other.zarr", "something else in it"),
            ("locked.h5ad", "read-only"),
            ("a.txt", "ends in .h5ad or .zarr"),
            ("a", "ends in .h5ad or .zarr"),
            ("a.h5mu", "one AnnData"),
            ("a.csv", "is to be a table"),
        ],
    )
    def test_is_tried_first(
        self, run: Run, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, message: str
    ) -> None:
        (tmp_path / "folder.h5ad").mkdir()
        (tmp_path / "file.zarr").write_text("x")
        (tmp_path / "other.zarr").mkdir()
        (tmp_path / "other.zarr" / "thesis.tex").write_text("x")
        (tmp_path / "locked.h5ad").write_text("x")
        (tmp_path / "locked.h5ad").chmod(0o444)
        before = sorted(p.name for p in tmp_path.rglob("*"))
        monkeypatch.setattr("scc2s.cli._run.read", lambda *_: pytest.fail("read before the target was tried"))
        code, _, err = run("sentences", source, tmp_path / target)
        assert code == 1
        assert message in err
        assert len(err.splitlines()) == 1
        assert sorted(p.name for p in tmp_path.rglob("*")) == before

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
    def test_folder_that_is_read_only(self, run: Run, source: Path, tmp_path: Path) -> None:
        (tmp_path / "locked").mkdir(mode=0o555)
        code, _, err = run("sentences", source, tmp_path / "locked" / "a.h5ad")
        assert code == 1
        assert "cannot write to the folder" in err

    def test_cache_is_tried_first(self, run: Run, source: Path, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setattr("scc2s.cli._run.read", lambda *_: pytest.fail("read before the cache was tried"))
        (tmp_path / "text.sqlite").write_text("no database, but a text of some length" * 40)
        for cache, message in (("no/answers.sqlite", "mkdir -p"), ("text.sqlite", "--cache"), (".", "is a folder")):
            code, _, err = run("generate", source, tmp_path / "o.h5ad", "--cache", tmp_path / cache)
            assert code == 1
            assert message in err.splitlines()[-1]

    @pytest.mark.skipif(os.name != "posix", reason="needs permissions")
    def test_private_file_stays_private(self, run: Run, source: Path, tmp_path: Path) -> None:
        source.chmod(0o600)
        assert run("sentences", source, source)[0] == 0
        assert stat.S_IMODE(source.stat().st_mode) == 0o600
        (tmp_path / "plain").write_text("x")
        assert run("sentences", source, tmp_path / "new.h5ad")[0] == 0
        assert (tmp_path / "new.h5ad").stat().st_mode == (tmp_path / "plain").stat().st_mode
