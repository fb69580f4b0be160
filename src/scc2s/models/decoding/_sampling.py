from __future__ import annotations

import hashlib
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Sampling:
    """How words are drawn from the probabilities that a model gives them.

    Parameters
    ----------
    temperature
        Probabilities to the power of 1 / `temperature`, then rescaled; 0 takes the most likely word each time.
    top_p
        Draw from the most likely words that together have this probability (nucleus sampling; Holtzman et al. 2020,
        arXiv:1904.09751). 1: from all.
    top_k
        Draw from this many most likely words. Applied before `top_p`. ``None``: from all.

    Raises
    ------
    TypeError
        Not a number.
    ValueError
        A value out of range.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("temperature", self.temperature), ("top_p", self.top_p)):
            if isinstance(value, bool) or not isinstance(value, Real):
                msg = f"{name}={value!r} is not a number; pass {name}=1.0"
                raise TypeError(msg)
        if self.top_k is not None and (isinstance(self.top_k, bool) or not isinstance(self.top_k, Integral)):
            msg = f"top_k={self.top_k!r} is not a whole number; pass top_k= a number from 1, or None"
            raise TypeError(msg)
        if not (np.isfinite(self.temperature) and self.temperature >= 0):
            msg = f"temperature={self.temperature} is not a temperature; pass 0 for the likeliest words, or more"
            raise ValueError(msg)
        if not 0 < self.top_p <= 1:
            msg = f"top_p={self.top_p} is not a share of the probability; pass top_p= above 0 and up to 1"
            raise ValueError(msg)
        if self.top_k is not None and self.top_k < 1:
            msg = f"top_k={self.top_k} leaves no word to draw; pass top_k= a number from 1, or None"
            raise ValueError(msg)


def seeds_of(prompts: Sequence[str], draws: Sequence[int] | None, random_state: int) -> list[int]:
    """A seed for each prompt, from its text, the number of the draw and `random_state`: the same in any batch.

    Examples
    --------
    >>> seeds_of(["a", "b"], None, 0)[1] == seeds_of(["b"], None, 0)[0]
    True
    """
    numbers = [0] * len(prompts) if draws is None else draws
    return [
        int.from_bytes(hashlib.blake2b(f"{random_state}\n{draw}\n{prompt}".encode(), digest_size=8).digest(), "little")
        for prompt, draw in zip(prompts, numbers, strict=True)
    ]


def uniforms(seeds: np.ndarray, step: int | np.ndarray) -> np.ndarray:
    """One number in [0, 1) for each seed at its step: SplitMix64 (Steele et al., OOPSLA 2014) of seed and step.

    Examples
    --------
    >>> u = uniforms(np.array([1, 2], dtype=np.uint64), 0)
    >>> bool(u[0] != u[1]), bool(uniforms(np.array([2], dtype=np.uint64), 0)[0] == u[1])
    (True, True)
    """
    with np.errstate(over="ignore"):
        z = seeds.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15) * np.asarray(step + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    drawn: np.ndarray = (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return drawn
