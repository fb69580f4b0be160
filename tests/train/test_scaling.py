from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s import train
from scc2s.train import Scaling

if TYPE_CHECKING:
    from pathlib import Path

GENES = [f"G{i}" for i in range(12)]
TOKENIZER = train.gene_tokenizer(GENES, ["Genes: Cell type: B cell T cell"], n_pieces=300)


def table(n: int) -> pd.DataFrame:
    """The first gene tells the type; prompts differ."""
    rows = []
    for i in range(n):
        others = [GENES[2 + (i >> 2 * j) % 4 + 4 * (j % 2)] for j in range(4)]
        rows.append(
            (f"Genes: {GENES[i % 2]} {' '.join(others)}\nCell type:", [" B cell", " T cell"][i % 2], f"d{i % 4}")
        )
    return pd.DataFrame(rows, columns=["prompt", "completion", "donor"]).assign(task="cell_type")


def small(seed: int):
    return train.new_model(TOKENIZER, n_layers=1, width=32, max_length=64, seed=seed), TOKENIZER


def larger(seed: int):
    return train.new_model(TOKENIZER, n_layers=2, width=64, max_length=64, seed=seed), TOKENIZER


HOW = {"batch_size": 16, "learning_rate": {"full": 5e-3, "lora": 2e-2}, "disable_tqdm": True, "save_strategy": "no"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scaling, Path, list[str]]:
    folder = tmp_path_factory.mktemp("scaling")
    train.save_portable(*small(0), folder / "base")
    scored: list[str] = []

    def score(model, tokenizer) -> dict[str, float]:
        scored.append(type(model).__name__)
        return {"n_modules": float(len(list(model.modules())))}

    models = {"small": folder / "base", "larger": larger}
    samples = table(200)
    found = train.scaling(
        models,
        samples.iloc[:160],
        samples.iloc[160:],
        folder / "runs",
        fractions=[0.1, 1.0],
        epochs=4,
        score=score,
        **HOW,
    )
    return found, folder, scored


@pytest.mark.slow
def test_each_size_part_and_regime_is_a_row(runs: tuple) -> None:
    found, folder, scored = runs
    rows = found.table
    assert rows[["size", "regime", "fraction"]].drop_duplicates().shape[0] == len(rows) == 8
    assert set(rows["n_samples"]) == {16, 160}
    assert set(rows["n_steps"]) == {4, 40}
    sizes = rows.groupby("size")["n_parameters"].unique()
    assert [int(n) for n in sizes["small"]] == [small(0)[0].num_parameters()]
    assert (rows.loc[rows["regime"] == "full", "n_trained"] == rows.loc[rows["regime"] == "full", "n_parameters"]).all()
    adapters = rows.loc[rows["regime"] == "lora"]
    assert (adapters["n_trained"] > 0).all()
    assert (adapters["n_trained"] < adapters["n_parameters"]).all()
    assert set(scored) == {"GPTNeoXForCausalLM", "PeftModelForCausalLM"}
    # a base in a folder is the same for both regimes
    assert rows.loc[rows["size"] == "small", "loss_before"].nunique() == 1
    assert not list((folder / "runs").glob("*/training"))


@pytest.mark.slow
def test_training_on_all_is_better_than_before_and_than_on_a_part(runs: tuple) -> None:
    rows = runs[0].table.set_index(["size", "regime", "fraction"])
    whole = rows.xs(1.0, level="fraction")
    assert (whole["loss"] < whole["loss_before"]).all()
    # adapters on random weights move little, as words stay what they are
    assert (whole.xs("full", level="regime")["loss"] < 0.3 * whole.xs("full", level="regime")["loss_before"]).all()
    full = rows.xs("full", level="regime")["loss"].unstack()
    assert (full[1.0] < full[0.1]).all()


@pytest.mark.slow
def test_called_again_only_what_is_new_or_not_done_is_run(runs: tuple) -> None:
    found, folder, scored = runs
    before = {path: path.stat().st_mtime_ns for path in (folder / "runs").glob("*/result.json")}
    removed = folder / "runs" / "small-full-0.1-0" / "result.json"
    kept = json.loads(removed.read_text())
    removed.unlink()
    scored.clear()
    samples = table(200)
    again = train.scaling(
        {"small": folder / "base"}, samples.iloc[:160].sample(frac=1, random_state=1), samples.iloc[160:],
        folder / "runs", fractions=[0.1, 0.3], regimes=["full"], epochs=4, **HOW,
    )  # fmt: skip
    assert again.table["fraction"].tolist() == [0.1, 0.3]
    assert again.table["loss"][0] == pytest.approx(kept["loss"], rel=1e-4)  # the order of rows does not count
    assert all(path.stat().st_mtime_ns == time for path, time in before.items() if path != removed)
    with pytest.raises(ValueError, match="other epochs; pass output_dir="):
        train.scaling({"small": small}, samples.iloc[:160], samples.iloc[160:], folder / "runs", epochs=3, **HOW)
    with pytest.raises(ValueError, match="was run with learning_rate=0.005, not 0.1"):
        rates = HOW | {"learning_rate": 0.1}
        train.scaling({"small": small}, samples.iloc[:160], samples.iloc[160:], folder / "runs", epochs=4, **rates)
    with pytest.raises(ValueError, match="other samples"):
        train.scaling({"small": small}, samples.iloc[:150], samples.iloc[160:], folder / "runs", epochs=4, **HOW)


@pytest.mark.slow
def test_curves_are_of_one_regime_and_the_figure_shows_all_runs(runs: tuple) -> None:
    found = runs[0]
    with pytest.raises(ValueError, match="pass regime="):
        found.fit()
    fit = found.fit(regime="full", n_boot=20)
    assert fit.over == ("n_samples", "n_parameters")
    assert fit.parameters["b_n_samples"] < 0
    assert "16 to 160 samples" in found.text()
    assert "nothing of models" in found.text()
    ax = scc2s.pl.scaling(found, show=False)
    assert len(ax.containers) == 4


@pytest.mark.slow
def test_models_are_kept_where_asked_and_groups_are_whole(tmp_path: Path) -> None:
    samples = table(120)
    held = samples.iloc[100:].assign(donor="other")
    found = train.scaling(
        {"a/b small": small}, samples.iloc[:100], held, tmp_path, fractions=[0.5], groupby="donor", keep_models=True,
        max_steps=2, **HOW,
    )  # fmt: skip
    assert found.table["n_samples"].tolist() == [50, 50]
    assert (tmp_path / "a_b_small-lora-0.5-0" / "adapter" / "adapter_model.safetensors").is_file()
    scc2s.models.load(tmp_path / "a_b_small-full-0.5-0" / "model").embed(["Genes: G1"])


def other_words(seed: int):
    tokenizer = train.gene_tokenizer(GENES, ["x"], n_pieces=258)
    return train.new_model(tokenizer, n_layers=1, width=32, max_length=128), tokenizer


@pytest.mark.slow
def test_models_of_other_tokens_are_refused(tmp_path: Path) -> None:
    samples = table(60)
    with pytest.raises(ValueError, match="'small' and 'other' cut the completions into different tokens"):
        train.scaling(
            {"small": small, "other": other_words}, samples[:40], samples[40:], tmp_path, regimes=["full"],
            fractions=[0.5], max_steps=1, **HOW,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fractions": [0.0, 1.0]}, "not a share"),
        ({"fractions": [1.5]}, "not a share"),
        ({"fractions": []}, "pass fractions="),
        ({"fractions": [0.1, 0.1]}, "none twice"),
        ({"regimes": ["half"]}, "regime 'half' is not known"),
        ({"regimes": "full"}, "pass regimes="),
        ({"seeds": []}, "pass seeds="),
        ({"models": {}}, "pass models="),
        ({"models": {"a/b": small, "a b": small}}, "pass names of letters"),
        ({"learning_rate": {"full": 1e-3}}, "none for 'lora'"),
        ({"groupby": "study"}, "samples have no column 'study'"),
        ({"groupby": "donor"}, "hold out whole groups"),
        ({"validation": table(60)[30:]}, "are trained with as well"),
        ({"samples": table(40).drop(columns="task")}, "lack the columns"),
        ({"validation": table(60)[:0]}, "no samples to validate with"),
    ],
)
def test_what_cannot_be_is_refused_before_a_model_is_made(tmp_path: Path, change: dict, said: str) -> None:
    def never(seed: int):
        raise AssertionError(seed)

    given = {"models": {"small": never}, "samples": table(60)[:40], "validation": table(60)[40:]} | change
    with pytest.raises(ValueError, match=said):
        train.scaling(given.pop("models"), given.pop("samples"), given.pop("validation"), tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def found() -> Scaling:
    sizes, fractions, regimes = ["s", "m", "l"], [0.1, 0.3, 1.0], ["full", "lora"]
    rows = [
        (
            size,
            regime,
            f,
            0,
            10_000 * 10**i,
            10_000 * 10**i,
            int(1000 * f),
            2 - 0.2 * np.log10(f) - 0.1 * i + 0.05 * (regime == "lora"),
        )
        for i, size in enumerate(sizes)
        for f in fractions
        for regime in regimes
    ]
    names = ["size", "regime", "fraction", "seed", "n_parameters", "n_trained", "n_samples", "loss"]
    return Scaling(pd.DataFrame(rows, columns=names), "nowhere")


def test_one_size_alone_has_too_few_points_and_says_what_to_run(found: Scaling) -> None:
    fit = found.fit(regime="full", n_boot=5)
    assert fit.parameters == pytest.approx({"a": 3.0, "b_n_samples": -0.2, "b_n_parameters": -0.1})
    with pytest.raises(ValueError, match="3 points do not make a curve"):
        found.fit(regime="full", size="m")
    for wrong, said in (
        ({"regime": "half"}, "no run of regime='half'"),
        ({"value": "accuracy"}, "no 'accuracy'"),
        ({"over": ["time"]}, "over='time' is not known"),
    ):
        with pytest.raises(ValueError, match=said):
            found.fit(**{"regime": "full"} | wrong)
