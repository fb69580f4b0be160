"""Text from an exported model is that of torch; needs optimum, and so transformers 4.57."""

from __future__ import annotations

import importlib.util

import pytest
from tiny_models import GENES, prompts

import scc2s
from scc2s.models import GeneVocabulary, Sampling, export_onnx

HAS_OPTIMUM = importlib.util.find_spec("optimum") is not None
needs_optimum = pytest.mark.skipif(not HAS_OPTIMUM, reason="needs optimum-onnx, which needs transformers 4.57")


@needs_optimum
def test_text_is_that_of_torch(model_folder, tiny, tmp_path):
    from optimum.onnxruntime import ORTModelForCausalLM

    export_onnx(model_folder("gemma2"), tmp_path / "out", writes=True)
    onnx, torch = scc2s.models.load(tmp_path / "out", backend="onnx", device="cpu"), tiny("gemma2")
    assert isinstance(onnx, scc2s.models.Generates)
    texts = prompts(5, 8)
    genes = GeneVocabulary(GENES[:40], [3, 5, 1, 7, 4])
    assert onnx.generate(texts, genes=genes, progress=False) == torch.generate(texts, genes=genes, progress=False)
    free = {"max_new_tokens": 12, "progress": False}
    assert onnx.generate(texts, **free) == torch.generate(texts, **free)
    drawn = {**free, "sampling": Sampling(temperature=0.8, top_p=0.9), "seeds": range(5)}
    assert onnx.generate(texts, **drawn) == torch.generate(texts, **drawn)

    # fails when optimum mends its number of heads: then the lines in `open_writer` can go
    raw = ORTModelForCausalLM.from_pretrained(tmp_path / "out" / "writing")
    assert raw.num_key_value_heads != raw.config.num_key_value_heads


@needs_optimum
def test_cells_that_the_small_model_writes_are_whole(tmp_path):
    import scanpy as sc

    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata, n_genes=30)
    scc2s.pp.rank_fit(adata)
    export_onnx("scc2s-mini", tmp_path / "mini", precision="int8", writes=True)
    model = scc2s.models.load(tmp_path / "mini", backend="onnx", device="cpu")
    new = scc2s.tl.generate(adata, 6, obs={"cell_type": "B cell"}, n_genes=20, model=model)
    assert (new.obs["c2s_valid"] == 1).all()
    assert (new.obs["c2s_n_genes"] == 20).all()


@pytest.mark.skipif(HAS_OPTIMUM, reason="optimum is installed")
def test_without_optimum_the_mend_is_named(model_folder, tmp_path):
    with pytest.raises(ImportError, match=r"pip install 'scc2s\[optimum\]', or use backend='torch'"):
        export_onnx(model_folder("gpt_neox"), tmp_path / "out", writes=True)
    assert not (tmp_path / "out").exists()
