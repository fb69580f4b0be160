from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence


def pad_right(ids: Sequence[np.ndarray]) -> torch.Tensor:
    """Rows of one length, int64; each goes on with its last token.

    No token sees what is after it, so any would do; the padding token is one that transformers warns about.
    """
    width = max(len(row) for row in ids)
    return torch.from_numpy(np.stack([np.pad(row, (0, width - len(row)), mode="edge") for row in ids]).astype(np.int64))


def pad_left(ids: Sequence[np.ndarray], value: int) -> torch.Tensor:
    """Rows of one length, int64; each begins with padding tokens."""
    width = max(len(row) for row in ids)
    rows = [np.pad(row, (width - len(row), 0), constant_values=value) for row in ids]
    return torch.from_numpy(np.stack(rows).astype(np.int64))
