"""Every backend reads the same real cells and gives the same answer, as far as it gives one."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scanpy as sc
from server_script import Script, like_vllm, serving

import scc2s

if TYPE_CHECKING:
    from collections.abc import Iterator

LABELS = [" B cell", " CD14+ monocyte", " NK cell", " memory CD4 T cell"]
WRITES = importlib.util.find_spec("optimum") is not None
CAN = {
    "torch": {"embed", "score", "log_likelihood", "write", "hold to genes"},
    "onnx": {"embed", "score", "log_likelihood", *(("write", "hold to genes") if WRITES else ())},
    "server": {"score", "log_likelihood", "write"},
}


@pytest.fixture(scope="module")
def reference() -> Any:
    return scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")


@pytest.fixture(scope="module", params=["torch", pytest.param("onnx", marks=pytest.mark.slow), "server"])
def backend(request, reference, exported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, set[str]]]:
    if request.param == "torch":
        yield reference, CAN["torch"]
    elif request.param == "onnx":
        folder = exported("scc2s-mini")
        if WRITES:
            folder = tmp_path_factory.mktemp("onnx") / "mini"
            scc2s.models.export_onnx(reference, folder, writes=True)
        yield scc2s.models.load(folder, backend="onnx", device="cpu"), CAN["onnx"]
    else:
        with serving(Script(like_vllm(reference))) as url:
            yield scc2s.models.load(url, backend="server", end_token=reference.tokenizer.eos_token), CAN["server"]


@pytest.fixture(scope="module")
def cells() -> list[str]:
    adata = sc.datasets.pbmc68k_reduced()[::70].copy()
    scc2s.pp.sentences(adata, n_genes=60)
    return scc2s.prompts.get("cell_type").render(adata.obs["c2s_sentence"].tolist(), {"organism": "Homo sapiens"}).texts


def refused(call) -> None:
    with pytest.raises((ValueError, AttributeError)):
        call()


def test_embeddings(backend, reference, cells):
    model, can = backend
    if "embed" not in can:
        refused(lambda: model.embed(cells, progress=False))
        return
    assert np.abs(model.embed(cells, progress=False) - reference.embed(cells, progress=False)).max() < 1e-4


def test_scores(backend, reference, cells):
    model, _ = backend
    a, b = (one.score(cells, LABELS, progress=False) for one in (model, reference))
    assert np.abs(a.logprob - b.logprob).max() < 1e-4
    assert a.n_tokens.tolist() == b.n_tokens.tolist()


def test_likelihoods(backend, reference, cells):
    model, _ = backend
    answers = [f" {' '.join(text.split()[20:40])}" for text in cells]
    a, b = (one.log_likelihood(cells, answers, progress=False) for one in (model, reference))
    assert np.abs(a.logprob - b.logprob).max() < 1e-3
    assert a.n_tokens.tolist() == b.n_tokens.tolist()


def test_greedy_text(backend, reference, cells):
    model, can = backend
    if "write" not in can:
        refused(lambda: model.generate(cells, max_new_tokens=5, progress=False))
        return
    expected = [reference.generate([text], max_new_tokens=5, progress=False)[0] for text in cells]
    assert model.generate(cells, max_new_tokens=5, progress=False) == expected


def test_greedy_text_held_to_genes(backend, reference, cells):
    model, can = backend
    genes = scc2s.models.GeneVocabulary([f"CD{i}" for i in range(1, 40)] + ["LYZ", "NKG7", "CST3"], 6)
    if "hold to genes" not in can:
        refused(lambda: model.generate(cells, genes=genes, progress=False))
        return
    expected = [reference.generate([text], genes=genes, progress=False)[0] for text in cells]
    assert model.generate(cells, genes=genes, progress=False) == expected
    assert all(len(set(text.split())) == 6 for text in expected)
