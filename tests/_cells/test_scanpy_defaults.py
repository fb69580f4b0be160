from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import scanpy as sc

import scc2s
from scc2s._cells.scanpy_defaults import scanpy_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_nothing_changes_where_scanpy_has_no_presets() -> None:
    if hasattr(sc.settings, "preset"):
        pytest.skip("this scanpy has presets")
    with scanpy_defaults():
        assert not hasattr(sc.settings, "preset")


def test_the_preset_of_the_user_is_put_aside_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = ["scanpy-v2-preview"]

    @contextmanager
    def override(preset: str) -> Iterator[None]:
        before, now[0] = now[0], preset
        try:
            yield
        finally:
            now[0] = before

    monkeypatch.setattr(sc, "settings", SimpleNamespace(preset=SimpleNamespace(override=override)))
    monkeypatch.setattr(sc, "Preset", SimpleNamespace(ScanpyV1="scanpy-v1"), raising=False)
    with pytest.raises(KeyError), scanpy_defaults():
        assert now == ["scanpy-v1"]
        raise KeyError
    assert now == ["scanpy-v2-preview"]


@pytest.mark.skipif(not hasattr(sc.settings, "preset"), reason="scanpy has presets from 1.13")
def test_captions_are_the_same_under_every_preset() -> None:
    found = []
    for preset in (sc.Preset.ScanpyV1, sc.Preset.ScanpyV2Preview):
        adata = sc.datasets.pbmc68k_reduced()[:60].copy()
        asked = scc2s.models.CallableModel(generate=lambda prompts: [prompt[-40:] for prompt in prompts])
        with sc.settings.preset.override(preset):
            sc.pp.c2s_sentences(adata, n_genes=10)
            sc.tl.c2s_caption(adata, groupby="bulk_labels", model=asked)
        found.append(adata.uns["c2s"]["captions"])
    assert np.array_equal(found[0].to_numpy().astype(str), found[1].to_numpy().astype(str))
