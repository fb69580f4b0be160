from __future__ import annotations

from pathlib import Path

import torch

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_device(device: str = "auto") -> torch.device:
    """The device asked for, or the fastest there is: CUDA, then Apple MPS, then the CPU.

    Raises
    ------
    ValueError
        No such device here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        msg = f'unknown device {device!r}; use device="auto", "cpu", "cuda", "cuda:1" or "mps"'
        raise ValueError(msg) from error
    there = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }
    if chosen.type not in there:
        msg = f'device {device!r} is not supported; use device="auto", "cpu", "cuda", "cuda:1" or "mps"'
        raise ValueError(msg)
    if (chosen.index or 0) >= there[chosen.type]:
        msg = f'PyTorch finds no device {device!r} here ({there[chosen.type]} of that kind); use device="auto"'
        raise ValueError(msg)
    return chosen


def pick_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The number format asked for; ``"auto"`` is bfloat16 where the hardware computes in it, else float32.

    Raises
    ------
    ValueError
        No such format.
    """
    if dtype == "auto":
        return torch.bfloat16 if _has_bfloat16(device) else torch.float32
    if dtype not in DTYPES:
        msg = f'unknown dtype {dtype!r}; use dtype="auto" or one of {", ".join(map(repr, DTYPES))}'
        raise ValueError(msg)
    return DTYPES[dtype]


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # MPS emulates bfloat16 on older chips and offers no way to ask.
    return device.type == "cpu" and not {"avx512_bf16", "amx_bf16"}.isdisjoint(cpu_features())


def cpu_features() -> set[str]:
    """Instruction sets of this CPU, by the names that Linux gives them."""
    if hasattr(torch.cpu, "get_capabilities"):
        return {name for name, there in torch.cpu.get_capabilities().items() if there is True}
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    return {word for line in text.splitlines() if line.startswith("flags") for word in line.split()}


def n_gpus() -> int:
    """CUDA devices that this process sees."""
    return torch.cuda.device_count()
