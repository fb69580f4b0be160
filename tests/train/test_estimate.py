"""What training will take is told without loading a weight, and is in proportion."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from scc2s import train
from scc2s.models._sources import find

TABLE = pd.DataFrame({"prompt": ["Genes: CD79A MS4A1 CD74\nCell type:"] * 20, "completion": [" B cell"] * 20})


def test_tokens_are_those_that_training_counts():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(find("scc2s-mini").folder)
    found = train.estimate("scc2s-mini", TABLE, epochs=3)
    whole = len(tokenizer("Genes: CD79A MS4A1 CD74\nCell type: B cell")["input_ids"]) + 1
    assert (found.n_samples, found.tokens, found.longest) == (60, 60 * whole, whole)
    assert found.useful_tokens == 60 * (whole - len(tokenizer(TABLE["prompt"][0])["input_ids"]))


def test_time_and_memory_are_in_proportion():
    one, three = (train.estimate("scc2s-mini", TABLE, epochs=n) for n in (1, 3))
    assert three.seconds["cpu"] == pytest.approx(3 * one.seconds["cpu"])
    adapter = train.estimate("scc2s-mini", TABLE, method="lora")
    assert adapter.seconds["cpu"] == pytest.approx(one.seconds["cpu"] * 4 / 6)
    assert adapter.memory_gb["gpu"] < one.memory_gb["gpu"]
    small, large = (train.estimate("scc2s-mini", TABLE, batch_size=n) for n in (1, 20))
    assert small.memory_gb["cpu"] < large.memory_gb["cpu"]


@pytest.mark.slow
def test_no_weights_are_loaded():
    code = (
        "import pandas as pd, scc2s, sys\n"
        "import safetensors.torch\n"
        "def none(*args, **how): raise AssertionError\n"
        "safetensors.torch.load_file = none\n"
        "import transformers\n"
        "transformers.AutoModelForCausalLM.from_pretrained = none\n"
        "scc2s.train.estimate('scc2s-mini', pd.DataFrame({'prompt': ['a'], 'completion': [' b']}))\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"samples": TABLE.iloc[:0]}, "there are no samples"),
        ({"method": "qlora"}, "pass method='full' or 'lora'"),
        ({"epochs": 0}, "epochs= over 0"),
        ({"batch_size": 0}, "batch_size= from 1"),
    ],
)
def test_what_cannot_be_estimated_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        train.estimate(**{"model": "scc2s-mini", "samples": TABLE, **changes})


def test_a_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        train.estimate(tmp_path / "none", TABLE)
