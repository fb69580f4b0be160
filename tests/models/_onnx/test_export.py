"""An export is as good as torch, says so, or is not there."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from tiny_models import ANSWERS, GENES, prompts

import scc2s
from scc2s.models import export_onnx

# torch takes half a minute for a graph
KINDS = ["gpt_neox", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("gemma2", "llama"))]


def both(exported, tiny, kind: str):
    return scc2s.models.load(exported(kind), backend="onnx", device="cpu"), tiny(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_scores_and_likelihoods_are_those_of_torch(exported, tiny, kind):
    onnx, torch = both(exported, tiny, kind)
    texts = prompts(7, 3)
    spans = [(text.index(":") + 2, text.index(". The")) for text in texts]
    for arguments in ({}, {"spans": spans}, {"spans": spans, "pooling": "last"}):
        a, b = (model.embed(texts, progress=False, **arguments) for model in (onnx, torch))
        assert a.dtype == np.float32
        assert np.abs(a - b).max() < 1e-4
    a, b = (model.score(texts, ANSWERS, progress=False) for model in (onnx, torch))
    assert np.abs(a.logprob - b.logprob).max() < 1e-3
    assert a.n_tokens.tolist() == b.n_tokens.tolist()
    answers = [f" {' '.join(GENES[i : i + 9])}" for i in range(7)]
    a, b = (model.log_likelihood(texts, answers, progress=False) for model in (onnx, torch))
    assert np.abs(a.logprob - b.logprob).max() < 1e-3
    assert a.n_tokens.tolist() == b.n_tokens.tolist()
    assert onnx.count_tokens(texts).tolist() == torch.count_tokens(texts).tolist()
    assert (onnx.max_tokens, onnx.family, onnx.labels, onnx.tasks) == (
        torch.max_tokens,
        torch.family,
        torch.labels,
        torch.tasks,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_texts_of_one_token_and_a_few_are_read_too(exported, tiny, kind):
    onnx, torch = both(exported, tiny, kind)
    for text in ("A", "AB", "B cell", "CD1 CD2 CD3"):
        a, b = (model.embed([text], progress=False) for model in (onnx, torch))
        assert np.abs(a - b).max() < 1e-4
        a, b = (model.score([text], [" B"], progress=False).logprob for model in (onnx, torch))
        assert np.abs(a - b).max() < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_smaller_formats_are_smaller_and_near(exported, tiny, precision):
    onnx = scc2s.models.load(exported("gpt_neox", precision), backend="onnx", device="cpu")
    texts = prompts(5, 4)
    a, b = onnx.embed(texts, progress=False), tiny("gpt_neox").embed(texts, progress=False)
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert cosine.min() > 0.999
    assert np.abs(a - b).max() > 0
    assert onnx.info()["dtype"] == precision


def test_the_record_tells_what_was_measured_and_from_which_weights(exported, tiny):
    record = json.loads((exported("gpt_neox") / "scc2s_onnx.json").read_text())
    assert 0 <= record["agreement"]["embedding_max_difference"] <= 1e-4
    assert record["agreement"]["score_max_difference"] <= 1e-4
    assert record["weights_hash"] == tiny("gpt_neox").info()["weights_hash"]
    assert {"torch", "transformers", "onnxruntime"} <= set(record["versions"])
    info = scc2s.models.load(exported("gpt_neox"), backend="onnx").info()
    assert info["backend"] == "onnx"
    assert info["device"] == "cpu"
    assert info["weights_hash"] == record["weights_hash"]


@pytest.mark.slow
def test_batches_do_not_change_the_answer(exported):
    onnx = scc2s.models.load(exported("gemma2"), backend="onnx", device="cpu")
    texts = prompts(9, 5)
    together = onnx.embed(texts, progress=False)
    alone = np.concatenate([onnx.embed([text], progress=False) for text in texts])
    assert np.abs(together - alone).max() < 1e-5


@pytest.mark.slow
@pytest.mark.usefixtures("graph_at_hand")
def test_a_graph_that_differs_is_refused_and_nothing_is_left(model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("scc2s.models._onnx._agreement._LARGEST_DIFFERENCE", 0.0)
    with pytest.raises(ValueError, match=r"differs from torch .*nothing was saved"):
        export_onnx(model_folder("gpt_neox"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("graph_at_hand")
def test_an_earlier_export_is_replaced_and_anything_else_is_not(model_folder, tmp_path):
    export_onnx(model_folder("gpt_neox"), tmp_path / "out")
    before = json.loads((tmp_path / "out" / "scc2s_onnx.json").read_text())
    export_onnx(model_folder("gpt_neox"), tmp_path / "out", precision="fp16")
    after = json.loads((tmp_path / "out" / "scc2s_onnx.json").read_text())
    assert (before["precision"], after["precision"]) == ("fp32", "fp16")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(FileExistsError, match="give a new folder"):
        export_onnx(model_folder("gpt_neox"), tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_what_cannot_be_exported_is_named(model_folder, tiny, tmp_path):
    with pytest.raises(ValueError, match="unknown precision \"?'?int4"):
        export_onnx(model_folder("gpt_neox"), tmp_path / "out", precision="int4")
    with pytest.raises(ValueError, match=r'load\(..., device="cpu", dtype="float32"\)'):
        export_onnx(tiny("gpt_neox", dtype="bfloat16"), tmp_path / "out")
    with pytest.raises(ValueError, match="load this one with backend='torch'"):
        export_onnx(model_folder("gpt2"), tmp_path / "out")
    with pytest.raises(TypeError, match="give a hub id or a model folder"):
        export_onnx(scc2s.models.CallableModel(generate=list), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_annotation_of_real_cells_is_that_of_torch_and_imports_neither_torch_nor_transformers(exported, tmp_path):
    import scanpy as sc

    adata = sc.datasets.pbmc68k_reduced()[:20].copy()
    scc2s.pp.sentences(adata, n_genes=50)
    adata.write_h5ad(tmp_path / "cells.h5ad")
    script = (
        "import sys, anndata, scc2s\n"
        f"adata = anndata.read_h5ad({str(tmp_path / 'cells.h5ad')!r})\n"
        f"model = scc2s.models.load({str(exported('scc2s-mini'))!r}, backend='onnx')\n"
        "scc2s.tl.embed(adata, model=model)\n"
        "scc2s.tl.annotate(adata, model=model)\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
        f"adata.write_h5ad({str(tmp_path / 'out.h5ad')!r})\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    found = sc.read_h5ad(tmp_path / "out.h5ad")
    model = scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")
    scc2s.tl.embed(adata, model=model)
    scc2s.tl.annotate(adata, model=model)
    assert np.abs(found.obsm["X_c2s"] - adata.obsm["X_c2s"]).max() < 1e-4
    assert found.obs["c2s_cell_type"].tolist() == adata.obs["c2s_cell_type"].tolist()
    probabilities = (one.obsm["c2s_cell_type_probs"].to_numpy(float) for one in (found, adata))
    assert np.abs(np.subtract(*probabilities)).max() < 1e-4
    assert found.uns["c2s"]["annotate"]["model"]["backend"] == "onnx"
