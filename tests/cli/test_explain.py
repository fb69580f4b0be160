from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

from scc2s import models

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]

CLOSING = "nothing was asked, nothing was written\n"


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any reading of weights fails."""
    from scc2s.models._torch import _read

    def parts(*_: object, **__: object) -> None:
        raise AssertionError("weights were read")

    monkeypatch.setattr(_read, "parts", parts)
    from scc2s.models import _load

    _load._loaded.clear()


@pytest.mark.usefixtures("no_weights")
class TestExplain:
    def test_shows_the_first_prompt_and_what_it_takes(self, run: Run, cells: Path, model: str, tmp_path: Path) -> None:
        out = tmp_path / "a.h5ad"
        code, said, err = run("embed", cells, out, "--model", model, "--explain")
        assert code == 0, err
        assert said.startswith(f"-- the first prompt of 12, for {model}\n")
        assert "-- 12 prompts, " in said
        assert "(sums, not measured)" in said
        assert said.endswith(CLOSING)
        assert not out.exists()

    def test_tokens_are_those_of_the_model(self, run: Run, cells: Path, model: str, tmp_path: Path) -> None:
        found = json.loads(run("embed", cells, tmp_path / "a.h5ad", "--model", model, "--explain", "--json")[1])
        adata = ad.read_h5ad(cells)
        sc.pp.c2s_sentences(adata)
        prompts: list[str] = []

        def embed(asked: list[str]) -> list[list[float]]:
            prompts.extend(asked)
            return [[1.0]] * len(asked)

        sc.tl.c2s_embed(adata, model=models.CallableModel(embed=embed, max_tokens=None))
        assert found["n_prompts"] == len(prompts)
        assert found["counted"]
        from scc2s.models._torch._read import read_tokenizer

        tokenizer = read_tokenizer(Path(model))
        unread = sum(len(tokenizer(prompt)["input_ids"]) for prompt in prompts)
        assert 0.5 * unread < found["tokens_read"] <= unread  # prompts may be shortened to the context
        assert found["time"] == {"cpu": "seconds", "gpu": "seconds"}

    @pytest.mark.parametrize(
        ("command", "options", "n"),
        [
            ("annotate", ("--label", "B cell", "--label", "T cell"), 12),
            ("annotate", ("--mode", "generate"), 12),
            ("caption", ("--groupby", "louvain"), None),
            ("generate", ("--n", 3, "--n-genes", 5), 3),
            ("perturb", ("--perturbation", "IFN-beta", "--n-genes", 5, "--no-controls"), 12),
        ],
    )
    def test_of_each_command(
        self,
        run: Run,
        cells: Path,
        model: str,
        tmp_path: Path,
        command: str,
        options: tuple[object, ...],
        n: int | None,
    ) -> None:
        asked = (command, cells, tmp_path / "a.h5ad", *options, "--model", model, "--explain", "--json")
        code, said, err = run(*asked)
        assert code == 0, err
        found = json.loads(said)
        assert found["n_prompts"] == n or (n is None and found["n_prompts"] > 0)
        assert (found["tokens_written"] > 0) == (command != "annotate" or "generate" in options)
        assert list(tmp_path.iterdir()) == []

    def test_a_published_model_is_explained_without_a_download(
        self, run: Run, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import huggingface_hub

        real = huggingface_hub.snapshot_download

        def offline(*args: object, **options: object) -> str:
            assert options.get("local_files_only") is True
            return str(real(*args, **options))

        monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
        name = "vandijklab/C2S-Scale-Gemma-2-27B"
        code, said, err = run("embed", cells, tmp_path / "a.h5ad", "--model", name, "--explain")
        assert code == 0, err
        assert f"for {name}" in said
        assert "reckoned from words: the model is not on this machine" in said
        assert "-- about 56.87 GB in bfloat16; " in said

    def test_an_unknown_model_that_is_not_here_is_refused(self, run: Run, cells: Path, tmp_path: Path) -> None:
        code, _, err = run("embed", cells, tmp_path / "a.h5ad", "--model", "there/is-none", "--explain")
        assert code == 1
        assert "first run: hf download there/is-none" in err

    def test_what_is_wrong_with_the_request_is_still_refused(self, run: Run, cells: Path, tmp_path: Path) -> None:
        code, _, err = run("annotate", cells, tmp_path / "a.h5ad", "--groupby", "nope", "--explain")
        assert code == 1
        assert "nope" in err


def test_without_a_question_nothing_is_explained_or_written(run: Run, tmp_path: Path) -> None:
    adata = sc.datasets.pbmc68k_reduced()[:90].copy()
    adata.obsm["spatial"] = np.random.default_rng(0).uniform(0, 150, (90, 2))
    adata.write_h5ad(tmp_path / "tissue.h5ad")
    where = ("--radius", 20, "--unit", "um", "--spatial-unit", "um", "--draw-only", "--explain")
    code, said, err = run("neighborhood", tmp_path / "tissue.h5ad", tmp_path / "a.csv", *where)
    assert code == 0, err
    assert said == "with these options no model is asked\n"
    assert not (tmp_path / "a.csv").exists()


def test_every_command_that_asks_a_model_can_be_explained() -> None:
    from scc2s.cli import _ASKING, app

    callbacks = [command.callback for command in app.registered_commands]
    assert {one.__wrapped__ for one in callbacks if hasattr(one, "__wrapped__")} == set(_ASKING)


def test_the_option_costs_nothing_at_the_start() -> None:
    code = "import sys, scc2s.cli; print([m for m in ('numpy', 'torch', 'anndata', 'scanpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
