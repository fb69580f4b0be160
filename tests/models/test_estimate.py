from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.models import estimate

MODELS = (
    "vandijklab/pythia-160m-c2s",
    "vandijklab/C2S-Pythia-410m-cell-type-prediction",
    "vandijklab/C2S-Scale-Pythia-1b-pt",
    "vandijklab/C2S-Scale-Gemma-2-2B",
    "vandijklab/C2S-Scale-Gemma-2-27B",
)
TASKS = ("embed", "annotate", "generate")
ORDER = ["seconds", "minutes", "hours", "days", "weeks"]


@given(st.integers(1, 10**6), st.integers(1, 2000), st.sampled_from(TASKS), st.sampled_from(MODELS))
@settings(deadline=None, max_examples=60)
def test_more_cells_and_more_genes_take_more(n_cells, n_genes, task, model):
    base = estimate(n_cells, n_genes=n_genes, model=model, task=task)
    for larger in (
        estimate(n_cells + 1, n_genes=n_genes, model=model, task=task),
        estimate(n_cells, n_genes=n_genes + 1, model=model, task=task),
    ):
        assert larger.tokens > base.tokens
        assert larger.flops > base.flops
        assert all(ORDER.index(larger.time[d]) >= ORDER.index(base.time[d]) for d in ("cpu", "gpu"))


@pytest.mark.parametrize("task", TASKS)
def test_larger_models_take_more(task):
    found = [estimate(1000, model=model, task=task) for model in MODELS]
    for small, large in zip(found, found[1:], strict=False):
        assert small.flops < large.flops
        assert small.memory_gb < large.memory_gb


def test_tokens_are_those_measured_with_the_real_tokenizer():
    # 100 genes took 387 tokens and 200 genes 719 with GPT-NeoX's tokenizer
    for genes, tokens in ((100, 387), (200, 719)):
        found = estimate(1, n_genes=genes, model="vandijklab/C2S-Scale-Pythia-1b-pt").tokens
        assert abs(found - tokens) / tokens < 0.1


def test_weights_fit_what_the_catalogue_says():
    assert estimate(1, model=MODELS[-1]).memory_gb == pytest.approx(54.5 + 2.4, abs=0.5)


def test_folders_and_loaded_models_are_measured(tiny, model_folder):
    by_folder = estimate(100, model=model_folder("gpt_neox"))
    assert by_folder == estimate(100, model=tiny("gpt_neox"))
    assert by_folder.time == {"cpu": "seconds", "gpu": "seconds"}


def test_no_cells_take_nothing():
    assert estimate(0, model=MODELS[0]).flops == 0


def test_wrong_arguments_say_what_is_right():
    with pytest.raises(ValueError, match='task="embed", "annotate" or "generate"'):
        estimate(1, model=MODELS[0], task="train")
    with pytest.raises(ValueError, match="n_genes from 1"):
        estimate(1, n_genes=0, model=MODELS[0])
    with pytest.raises(ValueError, match=r"size of 'nobody/nothing' is not known.*catalogue\(\)"):
        estimate(1, model="nobody/nothing")
