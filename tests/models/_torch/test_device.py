from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scc2s.models._torch._device import cpu_features, pick_device, pick_dtype

CPU = torch.device("cpu")


def test_auto_takes_the_fastest_device_there_is():
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert pick_device("auto").type == expected
    assert pick_device("cpu") == CPU


@pytest.mark.parametrize("device", ["gpu", "tpu", "cuda:x", "meta", "cuda:99"])
def test_a_device_that_is_not_there_says_what_to_use(device):
    with pytest.raises(ValueError, match='device="auto"'):
        pick_device(device)


def test_the_number_format_follows_the_hardware_only_where_it_may():
    fast = {"avx512_bf16", "amx_bf16"} & cpu_features()
    assert pick_dtype("auto", CPU) == (torch.bfloat16 if fast else torch.float32)
    assert pick_dtype("float16", CPU) == torch.float16
    assert pick_dtype("auto", torch.device("mps")) == torch.float32
    with pytest.raises(ValueError, match="dtype=\"auto\" or one of 'float32', 'bfloat16', 'float16'"):
        pick_dtype("int8", CPU)


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="needs Linux")
def test_both_ways_to_ask_the_cpu_agree(monkeypatch):
    wanted = {"avx512_bf16", "amx_bf16", "avx2"}
    asked = wanted & cpu_features()
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert wanted & cpu_features() == asked
