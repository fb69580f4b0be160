"""Control cells that prompts of perturbation tasks show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from ._corpus_shards import ShardReader


class Controls:
    """Control cells of each group, of which prompts show one."""

    def __init__(self, reader: ShardReader) -> None:
        blocks = [reader[i] for i in range(len(reader))]
        self.X = sparse.vstack([block.X for block in blocks], format="csr")
        self.cell = np.concatenate([block.cell for block in blocks])
        self.groups: dict[tuple[str, str], list[int]] = {}
        start = 0
        for block in blocks:
            for i, pair in enumerate(block.pair.tolist()):
                self.groups.setdefault((block.part, pair), []).append(start + i)
            start += len(block.cell)

    def draw(self, groups: list[tuple[str, str]], rng: np.random.Generator) -> np.ndarray:
        """A control cell for each group that is named."""
        chance = rng.random(len(groups))
        at = [self.groups[group][int(c * len(self.groups[group]))] for group, c in zip(groups, chance, strict=True)]
        return np.array(at, dtype=np.intp)
