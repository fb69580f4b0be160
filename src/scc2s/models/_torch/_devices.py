"""Which devices this build of torch finds, in words."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ._device import pick_device, pick_dtype


class Found(NamedTuple):
    """A device, or why it is not there."""

    name: str
    there: bool
    said: str
    mend: str = ""


def devices() -> list[Found]:
    """The processor, and the GPUs that torch can use.

    Examples
    --------
    >>> devices()[0].name
    'cpu'
    """
    dtype = str(pick_dtype("auto", pick_device("cpu"))).removeprefix("torch.")
    found = [Found("cpu", True, f"{torch.get_num_threads()} threads, {dtype} by default")]
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(i)
            found.append(Found(f"cuda:{i}", True, f"{about.name}, {about.total_memory / 1e9:.0f} GB"))
    elif torch.version.cuda is None:
        mend = "install torch for your GPU, where you have one: https://pytorch.org"
        found.append(Found("cuda", False, "this build of torch knows no CUDA", mend))
    else:
        found.append(Found("cuda", False, f"built for CUDA {torch.version.cuda}, no GPU found", "nvidia-smi"))
    if torch.backends.mps.is_available():
        found.append(Found("mps", True, "Apple GPU"))
    return found
