"""The model in the package: what plain transformers makes of its folder, under every version that CI runs."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import scc2s
from scc2s import prompts

FOLDER = Path(str(files("scc2s.models") / "mini"))
CELL = "CD3D IL32 LYZ XIST2 MALAT1"
TOKENS = ["Ġ", "Ġmemory", "ĠT", "Ġm", "ĠCD4"]
LOGITS = [9.3898, 7.4479, 6.5623, 6.0098, 5.7447]  # transformers 4.57.6 and 5.23.0, float32


@cache
def plain() -> tuple:
    return AutoModelForCausalLM.from_pretrained(FOLDER).eval(), AutoTokenizer.from_pretrained(FOLDER)


def test_it_weighs_at_most_16_mb() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 16e6


def test_logits_are_the_same_under_every_version_of_transformers() -> None:
    model, tokenizer = plain()
    text = prompts.get("cell_type").render([CELL], {"organism": "Homo sapiens"}).texts
    with torch.inference_mode():
        last = model(**tokenizer(text, return_tensors="pt")).logits[0, -1]
    best = last.topk(5)
    assert tokenizer.convert_ids_to_tokens(best.indices.tolist()) == TOKENS
    np.testing.assert_allclose(best.values, LOGITS, atol=2e-3)


def test_each_gene_it_knows_is_one_token_and_any_text_comes_back() -> None:
    _, tokenizer = plain()
    known = [t[1:] for t in tokenizer.get_vocab() if t.startswith("Ġ") and t[1:].isupper() and len(t) > 3]
    assert len(known) > 9_000
    genes = np.random.default_rng(0).choice(sorted(known), 200).tolist()
    assert tokenizer.tokenize(" " + " ".join(genes)) == ["Ġ" + g for g in genes]
    assert tokenizer.decode(tokenizer(f"Genes: {CELL} ΔF508").input_ids) == f"Genes: {CELL} ΔF508"


def test_it_declares_its_labels_and_family_and_has_a_card_with_figures() -> None:
    model = scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")
    assert model.family == "scc2s"
    assert {"B cell", "NK cell", "CD14+ monocyte"} <= set(model.labels)
    figures = json.loads((FOLDER / "figures.json").read_text())
    card = (FOLDER / "README.md").read_text()
    for part in figures["annotation"].values():
        assert f"{part['scc2s-mini']['accuracy']:.3f}" in card


@pytest.mark.slow
def test_it_prefers_sentences_to_the_same_genes_shuffled() -> None:
    import scanpy as sc

    model = scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")
    adata = sc.datasets.pbmc68k_reduced()
    adata = adata[scc2s.train.split(adata.obs_names) == "test"][:20].copy()
    scc2s.pp.sentences(adata, n_genes=100)
    rng = np.random.default_rng(0)
    task = prompts.get("generate_unconditional")
    for sentence in adata.obs["c2s_sentence"]:
        prompt = task.render([sentence], {"organism": "Homo sapiens"}).texts
        shuffled = " ".join(rng.permutation(sentence.split()))
        own, other = model.score(prompt, [f" {sentence}", f" {shuffled}"], progress=False).logprob[0]
        assert own > other


@pytest.mark.slow
def test_after_ifn_beta_it_expects_a_stimulated_cell_of_the_held_out_donor(shared_data: Path) -> None:
    import anndata as ad

    model = scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")
    adata = ad.read_h5ad(shared_data / "kang_ifnb_labelled.h5ad")
    adata = adata[(adata.obs["donor"] == "patient_107") & (adata.obs["cell_type"] == "CD14+ monocyte")].copy()
    adata.var_names = adata.var_names.str.replace(r"_ENSG\d+$", "", regex=True)  # some symbols are joined to an id
    scc2s.pp.sentences(adata, n_genes=100)
    control, stimulated = (adata.obs["c2s_sentence"][adata.obs["condition"] == c].tolist() for c in ("ctrl", "stim"))
    n = 50
    lead = {}  # of a stimulated cell over another control cell
    for name in ("IFN-beta", prompts.NO_PERTURBATION):
        fields = {"organism": "Homo sapiens", "perturbation": name}
        texts = prompts.get("perturb").render(control[:n], fields).texts
        choices = zip(texts, stimulated[:n], control[n : 2 * n], strict=True)
        pairs = [model.score([text], [f" {a}", f" {b}"], progress=False) for text, a, b in choices]
        lead[name] = np.array([np.subtract(*pair.per_token()[0]) for pair in pairs])
    assert np.mean(lead["IFN-beta"] > 0) > 0.6
    assert np.mean(lead["IFN-beta"] > lead[prompts.NO_PERTURBATION]) > 0.9
