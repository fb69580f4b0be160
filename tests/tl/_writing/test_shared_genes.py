"""scanpy's usual layout, all genes in .raw and some in .var: read, written and real cells count their genes alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from cell_writers import RESPONSE, cells, identity, stimulated

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from pathlib import Path

KEPT = [*RESPONSE, *(f"G{i}" for i in range(0, 37, 3))]


def usual_layout(adata: ad.AnnData, genes: list[str] = KEPT) -> ad.AnnData:
    """The same cells with all genes in ``.raw``, as logarithms, and some in ``.var``."""
    full = ad.AnnData(adata.X.copy(), obs=adata.obs[["type"]].copy(), var=adata.var.copy())
    sc.pp.normalize_total(full, target_sum=1e4)
    sc.pp.log1p(full)
    full.raw = full
    out = full[:, genes].copy()
    scc2s.pp.sentences(out, n_genes=20)
    scc2s.pp.rank_fit(out)
    return out


def copyist() -> CallableModel:
    """Writes the genes that it is shown, those that it may write, as a constrained model does."""

    def generate(prompts: list[str], genes: object) -> list[str]:
        allowed = set(genes.names)
        shown = [prompt.split("Genes: ")[1].split("\n")[0].split() for prompt in prompts]
        asked = [[word for word in words if word in allowed] for words in shown]
        rest = sorted(allowed)
        return [
            " " + " ".join([*words, *(w for w in rest if w not in words)][:n])
            for words, n in zip(asked, genes.n_genes, strict=True)
        ]

    return CallableModel(generate=generate)


@pytest.mark.parametrize("constrain", [True, False])
def test_a_model_that_repeats_cells_changes_nothing_in_report_and_layer(constrain: bool) -> None:
    adata = usual_layout(cells())
    model = copyist() if constrain else identity()
    scc2s.tl.perturb(adata, "IFN-beta", program=RESPONSE, groupby="type", model=model, constrain=constrain)
    assert adata.obs["c2s_perturbed_sentence"].tolist() == adata.obs["c2s_sentence"].tolist()
    assert (adata.obs["c2s_perturbed_valid"] == 1).all()
    scc2s.pp.reconstruct(adata)
    assert (adata.layers["c2s_perturbed"] != adata.layers["c2s_reconstructed"]).nnz == 0
    assert adata.layers["c2s_perturbed"].nnz > 0
    table = adata.uns["c2s"]["perturb"]["perturbed"]["controls"]
    assert (table["program_shift"].abs() < 1e-6).all()


def test_a_report_on_some_genes_has_the_shifts_of_the_report_on_all() -> None:
    control = cells()
    found = []
    for genes in (list(control.var_names), KEPT):
        adata, truth = usual_layout(control, genes), usual_layout(stimulated(control), genes)
        scc2s.tl.perturb(adata, "IFN-beta", truth=truth, program=RESPONSE, model=identity(), constrain=False)
        found.append(adata.uns["c2s"]["perturb"]["perturbed"]["controls"].set_index("predictor"))
    for column in ("program_shift", "true_program_shift"):
        np.testing.assert_allclose(found[0][column], found[1][column], rtol=1e-4, atol=1e-6)
    assert found[1]["true_program_shift"].iloc[0] > 1


def test_fate_and_screen_find_nothing_where_a_model_repeats_cells() -> None:
    adata = usual_layout(cells())
    adata.obs["time"] = ["0 h", "6 h"] * 6
    prompt = "At {time}, then {target_time}:\nGenes: {cell_sentence}\n"
    arguments = {"prompt": prompt, "model": copyist(), "program": RESPONSE}
    scc2s.tl.fate(adata, time_key="time", target_time="6 h", **arguments)
    table = adata.uns["c2s"]["fate"]["fate"]["controls"].set_index("predictor")
    for name in ("prediction", "regeneration at its own time"):
        assert abs(table.loc[name, "program_shift"]) < 1e-6
    scc2s.tl.screen(adata, ["x", "y"], program=[*RESPONSE, "G1"], model=copyist(), n_null=1, n_boot=0)
    effects = adata.uns["c2s"]["screen"]["effect_positive"], adata.uns["c2s"]["screen_controls"]["effect_positive"]
    assert all((found.abs() < 1e-6).all() for found in effects)
    assert adata.uns["c2s"]["screen_record"]["params"]["missing"] == ["G1"]


def test_new_cells_have_the_expression_that_real_cells_of_these_words_have(tmp_path: Path) -> None:
    adata = usual_layout(cells())
    said = adata.obs["c2s_sentence"].tolist()
    model = CallableModel(generate=lambda prompts, genes: [f" {text}" for text in said[: len(prompts)]])
    new = scc2s.tl.generate(adata, adata.n_obs, model=model)
    scc2s.pp.reconstruct(adata)
    assert (adata.layers["c2s_reconstructed"] != new.X).nnz == 0
    assert new.raw.shape == adata.raw.shape
    assert (new.raw[:, new.var_names].X != new.X).nnz == 0
    assert (new.raw.X > 0).sum() == 20 * 12
    scc2s.tl.perturb(new, "x", program=RESPONSE, model=copyist())  # new cells go on as the others do
    assert (new.layers["c2s_perturbed"] != new.X).nnz == 0
    new.write_h5ad(tmp_path / "new.h5ad")
    assert ad.read_h5ad(tmp_path / "new.h5ad").raw.shape == adata.raw.shape
    table = scc2s.tl.evaluate(new, adata, metrics=["gene_overlap"], floor=False, ceiling=False)
    assert table["value"].notna().all()


def test_genes_that_were_left_out_of_the_sentences_are_not_written() -> None:
    adata = usual_layout(cells())
    scc2s.pp.sentences(adata, n_genes=20, exclude=["G1", "G3"])
    seen = []

    def generate(prompts: list[str], genes: object) -> list[str]:
        seen.extend(genes.names)
        return ["G2"] * len(prompts)

    scc2s.tl.perturb(adata, "x", model=CallableModel(generate=generate), controls=False)
    assert {"G2", "G4", "ISG15"} <= set(seen)
    assert not {"G1", "G3"} & set(seen)
    scc2s.pp.sentences(adata, n_genes=20, use_raw=False)
    seen.clear()
    scc2s.tl.perturb(adata, "x", n_genes=5, model=CallableModel(generate=generate), controls=False)
    assert set(seen) == set(KEPT)


def test_genes_taken_out_of_var_after_the_sentences_count_on_neither_side(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()[:, KEPT].copy()
    scc2s.tl.perturb(adata, "x", program=RESPONSE, model=copyist())
    assert "left out of every comparison" in caplog.text
    table = adata.uns["c2s"]["perturb"]["perturbed"]["controls"]
    assert (table["program_shift"].abs() < 1e-6).all()


def test_sentences_of_other_genes_are_refused_before_a_model_is_asked() -> None:
    adata, model = cells(), identity()
    adata.obs["c2s_sentence"] = "X1 X2 X3"
    with pytest.raises(ValueError, match=r"sc.pp.c2s_sentences\(adata, use_raw=False\)"):
        scc2s.tl.perturb(adata, "x", model=model, constrain=False)
    other = stimulated(cells())
    other = usual_layout(other, [*RESPONSE, "G0"])
    del other.raw
    scc2s.pp.sentences(other)
    with pytest.raises(ValueError, match="cannot hold"):
        scc2s.tl.perturb(cells(), "x", truth=other, model=model, constrain=False)
    assert not model.asked


@pytest.mark.slow
def test_on_real_cells_the_report_is_that_without_raw(shared_data: Path) -> None:
    full = sc.read_h5ad(shared_data / "kang_ifnb.h5ad")
    names = full.obs_names[full.obs["condition"] == "ctrl"][:40]
    sc.pp.normalize_total(full, target_sum=1e4)
    sc.pp.log1p(full)
    sc.pp.highly_variable_genes(full, n_top_genes=2000)
    full.raw = full
    some = full[names, full.var["highly_variable"]].copy()
    every = full[names].copy()
    del every.raw
    program = [gene for gene in scc2s.programs.get("ifn").genes if gene in some.var_names]
    found = []
    for adata in (every, some):
        scc2s.pp.sentences(adata, n_genes=60)
        scc2s.pp.rank_fit(adata)
        scc2s.tl.perturb(adata, "IFN-beta", program=program, model="scc2s-mini")
        table = adata.uns["c2s"]["perturb"]["perturbed"]["controls"].set_index("predictor")
        found.append(table["program_shift"])
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
    # draws differ between processors, which round differently: 0.419 without AVX-512
    assert abs(found[1]["unperturbed regeneration"]) < 0.5
    assert found[1]["prediction"] > 3 * abs(found[1]["unperturbed regeneration"])


@pytest.mark.parametrize("mask", ["column", "flags"])
def test_a_choice_of_genes_of_raw_holds_for_what_is_written(mask: str) -> None:
    adata = usual_layout(cells())
    chosen = [*RESPONSE, "G1", "G2", "G3", "G4", "G5", "G6"]
    flags = np.asarray(adata.raw.var_names.isin(chosen))
    adata.raw.var["chosen"] = flags
    scc2s.pp.sentences(adata, n_genes=6, var_mask="chosen" if mask == "column" else flags)
    seen: set[str] = set()

    def generate(prompts: list[str], genes: object) -> list[str]:
        seen.update(genes.names)
        return ["G2"] * len(prompts)

    scc2s.tl.perturb(adata, "x", model=CallableModel(generate=generate), controls=False)
    assert seen == set(chosen)
