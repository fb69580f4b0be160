from __future__ import annotations

import numpy as np

from ._compiled import compiled
from ._kernels import mix


@compiled
def add_rows(
    data: np.ndarray,
    bits: np.ndarray,
    bits_of_squares: np.ndarray,
    indptr: np.ndarray,
    seed: np.uint64,
    n: np.ndarray,
    first: np.ndarray,
    first_digit: int,
    second: np.ndarray,
    second_digit: int,
    n_expressed: np.ndarray,
    draw: np.ndarray,
) -> None:
    """Add the values of each row, which stand in rising order, to exact sums by rank; draw[i]: a hash of them."""
    totals = np.empty(len(draw), np.float64)
    for i in range(len(draw)):
        total = 0.0
        rank = 0
        for p in range(indptr[i + 1] - 1, indptr[i] - 1, -1):
            v = data[p]
            if not v > 0:
                break
            n[rank] += 1
            add_exactly(bits[p], first[rank], first_digit)
            add_exactly(bits_of_squares[p], second[rank], second_digit)
            rank += 1
            total += v * rank
        totals[i] = total
        n_expressed[i] = rank
    numbers = totals.view(np.uint64)
    for i in range(len(draw)):
        draw[i] = mix(numbers[i] ^ seed)


@compiled
def add_exactly(bits: np.uint64, digits: np.ndarray, first: int) -> None:
    """Add a double, given as its bits, to a number in digits of 32 bits; `first`: number of the first digit."""
    exponent = (bits >> np.uint64(52)) & np.uint64(0x7FF)
    fraction = bits & np.uint64(0xFFFFFFFFFFFFF)
    if exponent > 0:
        fraction |= np.uint64(0x10000000000000)
    else:
        exponent = np.uint64(1)
    at = np.int64(exponent >> np.uint64(5)) - first
    shift = exponent & np.uint64(31)
    back = np.uint64(32) - shift
    digits[at] += (fraction << shift) & np.uint64(0xFFFFFFFF)
    digits[at + 1] += (fraction >> back) & np.uint64(0xFFFFFFFF)
    digits[at + 2] += (fraction >> np.uint64(32)) >> back
