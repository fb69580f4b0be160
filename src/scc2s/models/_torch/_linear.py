"""Products in float32 by the library that uses the whole width of the processor."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class WideLinear(nn.Linear):
    """A linear layer that multiplies by oneDNN where nothing is trained.

    PyTorch leaves float32 products to MKL, which uses AVX-512 on processors of Intel only; oneDNN asks what the
    processor can do. With gradients, in another number format and in an exported graph it is the layer it was.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Product of the input and the weights, with the bias."""
        if torch.is_inference_mode_enabled():
            return product(input, self.weight, self.bias)
        return nn.functional.linear(input, self.weight, self.bias)


def product(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """States times weights, without gradients."""
    if states.dtype is torch.float32 and weight.device.type == "cpu" and states.numel() and wider():
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(states, weight, bias, "none", [], "")
        return found
    return nn.functional.linear(states, weight, bias)


def widen(lm: PreTrainedModel) -> None:
    """Let the linear layers of a model in float32 on a CPU use all of it, where MKL would not."""
    if lm.device.type != "cpu" or lm.dtype is not torch.float32 or not wider():
        return
    for module in lm.modules():
        # Layers that are quantised, adapted or kept elsewhere have a class or a forward of their own.
        if type(module) is nn.Linear and not hasattr(module, "_hf_hook") and module.weight.dtype is torch.float32:
            module.__class__ = WideLinear


@cache
def wider() -> bool:
    """Whether oneDNN uses more of this processor than MKL does: AVX-512, and not made by Intel."""
    backends: Any = torch.backends
    there = backends.mkldnn.is_available() and backends.mkl.is_available()
    if not there or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return torch.backends.cpu.get_cpu_capability().startswith("AVX512") and _vendor() not in ("GenuineIntel", None)


def _vendor() -> str | None:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    lines = (line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("vendor_id"))
    return next(lines, None)
