"""On a GPU the answers are those of the CPU. Run where there is one: pytest -m gpu."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import ANSWERS, GENES, prompts

from scc2s import models
from scc2s.models import GeneVocabulary, Sampling

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")]


@pytest.fixture(params=["gpt_neox", "gemma2"])
def both(request, tiny, model_folder):
    return models.load(model_folder(request.param), device="cuda", dtype="float32"), tiny(request.param)


def test_embeddings_and_scores(both):
    gpu, cpu = both
    texts = prompts(9, 1)
    assert np.abs(gpu.embed(texts) - cpu.embed(texts)).max() < 1e-3
    assert np.abs(gpu.score(texts, ANSWERS).logprob - cpu.score(texts, ANSWERS).logprob).max() < 1e-2


@pytest.mark.parametrize("sampling", [None, Sampling()], ids=["greedy", "sampled"])
def test_text(both, sampling):
    for how in ({"max_new_tokens": 12}, {"genes": GeneVocabulary(GENES, [3, 30, 11, 1, 12, 25, 7, 9, 20])}):
        gpu, cpu = (models.answers(model, prompts(9, 1), sampling=sampling, **how) for model in both)
        assert np.mean([a == b for a, b in zip(gpu, cpu, strict=True)]) > 0.8


def test_four_bit_weights_are_read_and_written_with(model_folder):
    pytest.importorskip("bitsandbytes")
    model = models.load(model_folder("gpt_neox"), device="cuda", quantization="4bit")
    assert np.isfinite(model.embed(prompts(3, 1))).all()
    (text,) = models.answers(model, prompts(1, 1), genes=GeneVocabulary(GENES, 12))
    assert len(set(text.split())) == 12
