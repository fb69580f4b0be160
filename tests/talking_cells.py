"""Cells for conversations, with what is true of them, and models that say what they are told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    from collections.abc import Callable

GENES = ["CD3D", "CD3E", "CD79A", "MS4A1", "ISG15", "IFI6", "ACTB", "B2M", "LYZ"]
MARKERS = {"T cell": ["CD3D", "CD3E"], "B cell": ["CD79A", "MS4A1"]}


def talking_cells(n: int = 12) -> ad.AnnData:
    """`n` cells of each of two types, conditions and donors, as counts.

    CD3D and CD3E are those of type T, CD79A and MS4A1 of type B; ISG15 and IFI6 those of "stim"; ACTB and B2M are all
    over, LYZ is nowhere.
    """
    rng = np.random.default_rng(0)
    rows, obs = [], []
    for kind in ("T", "B"):
        for condition in ("ctrl", "stim"):
            for donor in ("d1", "d2"):
                for _ in range(n):
                    high = {"T": (0, 1), "B": (2, 3)}[kind] + ((4, 5) if condition == "stim" else ())
                    counts = rng.poisson(0.05, len(GENES))
                    counts[list(high)] += 5 + rng.poisson(3, len(high))
                    counts[6:8] += 8 + rng.poisson(3, 2)
                    counts[8] = 0
                    rows.append(counts)
                    obs.append((kind, condition, donor))
    table = pd.DataFrame(obs, columns=["type", "condition", "donor"], index=[f"cell{i}" for i in range(len(obs))])
    out = ad.AnnData(np.array(rows, dtype="float32"), obs=table.astype("category"), var=pd.DataFrame(index=GENES))
    scc2s.pp.sentences(out)
    return out


def saying(rule: Callable[[list[dict[str, str]]], str] | str, asked: list[Any] | None = None, **kwargs: Any) -> Any:
    """A model that talks by a rule; what it is asked is noted."""

    def reply(messages: list[dict[str, str]]) -> str:
        if asked is not None:
            asked.append(messages)
        return rule if isinstance(rule, str) else rule(messages)

    return CallableModel(**{"reply": reply, "id": "saying", **kwargs})


def has_genes(messages: list[dict[str, str]]) -> bool:
    """Whether a prompt shows genes of cells."""
    return "1. " in messages[0]["content"]
