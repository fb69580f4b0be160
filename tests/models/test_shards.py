"""Files of weights that are not whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tiny_models import build_model, build_tokenizer

from scc2s import models
from scc2s.models._shards import check_weights

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build_model("gpt_neox").save_pretrained(tmp_path)
    build_tokenizer(bos=False).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_download_with_zeros_where_nothing_has_come_is_refused(folder: Path, share: float) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    low = int(len(content) * share)
    content[low:] = bytes(len(content) - low)
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"model\.safetensors is not whole: there are only zeros in .*download it again"
    ):
        models.load(folder, device="cpu")


def test_biases_of_zeros_are_fine(folder: Path) -> None:
    assert len(check_weights(folder)) > 10
