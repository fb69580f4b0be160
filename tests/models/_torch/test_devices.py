from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from scc2s.models._torch._devices import devices

if TYPE_CHECKING:
    import pytest


def test_the_processor_is_always_there() -> None:
    found = devices()[0]
    assert (found.name, found.there) == ("cpu", True)
    assert found.said.startswith(f"{torch.get_num_threads()} threads, ")


def test_a_gpu_that_is_not_there_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for version, mend in ((None, "pytorch.org"), ("12.8", "nvidia-smi")):
        monkeypatch.setattr(torch.version, "cuda", version)
        (found,) = [one for one in devices() if one.name == "cuda"]
        assert not found.there
        assert mend in found.mend
