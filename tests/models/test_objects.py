"""What is given as a model is one, or is refused with what to do instead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData
from tiny_models import build_model, build_tokenizer

import scc2s
from scc2s import models


@pytest.fixture(scope="module")
def cells() -> AnnData:
    adata = AnnData(sp.csr_matrix(np.ones((2, 3), dtype=np.float32)), var=pd.DataFrame(index=["CD3D", "LYZ", "NKG7"]))
    adata.X.data[:] = [1, 2, 3, 3, 2, 1]
    scc2s.pp.sentences(adata)
    scc2s.pp.rank_fit(adata)
    return adata


def objects():
    from transformers import pipeline

    lm, tokenizer = build_model("gpt_neox"), build_tokenizer(bos=False)
    return [lm, (lm, tokenizer), tokenizer, lm.model if hasattr(lm, "model") else lm.gpt_neox,
            pipeline("text-generation", model=lm, tokenizer=tokenizer, device="cpu")]  # fmt: skip


@pytest.mark.parametrize("number", range(5))
def test_objects_of_transformers_are_refused_by_every_tool_with_how_to_give_them(cells, number):
    thing = objects()[number]
    calls = [
        lambda: models.load(thing),
        lambda: scc2s.tl.embed(cells, model=thing),
        lambda: scc2s.tl.annotate(cells, model=thing, labels=["B cell", "T cell"]),
        lambda: scc2s.tl.perplexity(cells, model=thing),
        lambda: scc2s.tl.perturb(cells, "imatinib", model=thing),
    ]
    for call in calls:
        with pytest.raises(
            TypeError, match=r"save both to a folder, and give its name: model\.save_pretrained\(folder\)"
        ):
            call()


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_adapted_models_are_refused_in_the_same_words():
    peft = pytest.importorskip("peft")
    lm = peft.get_peft_model(
        build_model("gpt_neox"), peft.LoraConfig(task_type="CAUSAL_LM", target_modules=["query_key_value"])
    )
    with pytest.raises(TypeError, match="PeftModelForCausalLM of .* save both to a folder"):
        models.load(lm)


def test_classes_engines_and_objects_that_do_not_say_what_they_are():
    class Writes:
        def generate(self, prompts):
            return list(prompts)

    engine = type("LLM", (), {"__module__": "vllm.entrypoints.llm", "generate": lambda self, prompts: prompts})
    with pytest.raises(TypeError, match="is a class, not a model"):
        models.load(models.CallableModel)
    with pytest.raises(TypeError, match=r"LLM of vllm .* backend=\"server\""):
        models.load(engine())
    with pytest.raises(TypeError, match=r"lacks id, .*CallableModel\(generate=model\.generate"):
        models.load(Writes())
    with pytest.raises(TypeError, match=r"wrap a function: scc2s\.models\.CallableModel"):
        models.load(len)


def test_an_object_with_all_that_a_model_says_is_used():
    class Mine:
        id, revision, family, labels, tasks, max_tokens = "mine", None, "scc2s", None, None, None

        def info(self):
            return {"id": self.id}

        def count_tokens(self, texts):
            return np.ones(len(texts), dtype=np.int64)

        def generate(self, prompts, **_):
            return [" B cell" for _ in prompts]

    mine = Mine()
    assert models.load(mine) is mine
