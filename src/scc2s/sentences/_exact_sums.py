"""Sums of floating-point numbers without rounding: the same whatever the order, and they can be put together."""

from __future__ import annotations

import numpy as np

_EXPONENTS = np.uint64(0x7FF)
_FRACTION = np.uint64(52)


class ExactSums:
    """A sum for each place of a list, of finite numbers that are not negative.

    Each sum is a whole number of the smallest double, in digits of 32 bits that stand in 64, so that 2**32 numbers can
    be added without a carry (a "superaccumulator": Neal 2015, arXiv:1505.05571).
    """

    def __init__(self) -> None:
        self.digits: np.ndarray = np.zeros((0, 3), dtype=np.uint64)
        """Places x digits, the first of which is number :attr:`first`."""
        self.first = 0
        self._empty = True

    def room(self, n: int, bits: np.ndarray) -> None:
        """Make room for `n` places, and numbers of these bits."""
        exponents = (bits >> _FRACTION) & _EXPONENTS
        low, high = (int(exponents.min()) >> 5, (int(exponents.max()) >> 5) + 3) if len(bits) else (0, 0)
        if low == high:
            low, high = self.first, self.first + self.digits.shape[1]
        self._widen(n, low, high)

    def _widen(self, n: int, low: int, high: int) -> None:
        if self._empty:
            self.first, self._empty = low, False
            self.digits = np.zeros((n, high - low), dtype=np.uint64)
            return
        before, after = max(0, self.first - low), max(0, high - self.first - self.digits.shape[1])
        more = max(0, n - len(self.digits))
        if before or after or more:
            self.digits = np.pad(self.digits, ((0, more), (before, after)))
            self.first -= before

    def add(self, digits: np.ndarray, first: int) -> None:
        """Add sums that were made elsewhere."""
        if digits.size:
            self._widen(len(digits), first, first + digits.shape[1])
            at = first - self.first
            self.digits[: len(digits), at : at + digits.shape[1]] += digits

    def values(self) -> np.ndarray:
        """The sums, each rounded once."""
        shift = 1075 - 32 * self.first
        found = np.zeros(len(self.digits))
        for place, row in enumerate(self.digits.tolist()):
            total = 0
            for number, digit in enumerate(row):
                total += digit << (32 * number)
            found[place] = total / (1 << shift) if shift >= 0 else float(total << -shift)
        return found
