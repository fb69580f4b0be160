"""What numbers a model has, whatever names, order, number format and file they are in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open

from scc2s.models._shards import BUFFERS, weight_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def fingerprint(weights: Iterable[tuple[str, torch.Tensor]]) -> str:
    """Hash of the hashes of all weights as float32; those that are there twice (tied) count once.

    Examples
    --------
    >>> a, b = torch.ones(2, 3), torch.zeros(4)
    >>> fingerprint([("a", a), ("b", b)]) == fingerprint([("head", b.half()), ("x", a), ("y", a)])
    True
    """
    found = set()
    for name, weight in weights:
        if name.endswith(BUFFERS) or not weight.is_floating_point():
            continue
        values = weight.detach().to("cpu", torch.float32).contiguous()
        hashed = hashlib.sha256(str(tuple(values.shape)).encode())
        hashed.update(values.numpy().data)
        found.add(hashed.hexdigest())
    return hashlib.sha256("".join(sorted(found)).encode()).hexdigest()


def fingerprint_of_folder(folder: Path) -> str:
    """That of the safetensors files of a model."""

    def weights() -> Iterable[tuple[str, torch.Tensor]]:
        for path in weight_files(folder):
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118  # not a dict
                    yield name, file.get_tensor(name)

    return fingerprint(weights())
