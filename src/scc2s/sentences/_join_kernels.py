from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from ._compiled import compiled

WIDTH = 16
"""Bytes of a word that are copied in one go, which most words fit in."""


def _copy_begin_types(_: Any, text: Any, put: Any, begin: Any, row: Any) -> Any:
    """Copy row `row` of `begin` to text[put : put + WIDTH] as one vector; a loop over bytes is not made one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        to, source = (context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 2))
        vector = ir.VectorType(ir.IntType(8), WIDTH).as_pointer()
        at = builder.mul(arguments[3], ir.Constant(arguments[3].type, WIDTH))
        loaded = builder.load(builder.bitcast(builder.gep(source, [at]), vector), align=1)
        builder.store(loaded, builder.bitcast(builder.gep(to, [arguments[1]]), vector), align=1)
        return context.get_dummy_value()

    return types.void(text, put, begin, row), generate


_copy_begin: Any = intrinsic(_copy_begin_types)


@compiled
def text_length(ranks: np.ndarray, length: np.ndarray) -> int:
    """Bytes that all rows take, each word with a separator."""
    total = 0
    for i in range(ranks.shape[0]):
        for j in range(ranks.shape[1]):
            if ranks[i, j] >= 0:
                total += int(length[ranks[i, j]])
    return total


@compiled
def write_words(
    ranks: np.ndarray,
    begin: np.ndarray,
    length: np.ndarray,
    flat: np.ndarray,
    offset: np.ndarray,
    n_separator: int,
    text: np.ndarray,
    ends: np.ndarray,
) -> None:
    """Write the words of each row to `text`, row i to ends[i] : ends[i + 1].

    begin[g] holds the first bytes of word g, flat[offset[g] :] all of it; `length` counts the separator after it.
    `text` is WIDTH bytes longer than what is written.
    """
    put = np.uint64(0)
    for i in range(ranks.shape[0]):
        first = put
        for j in range(ranks.shape[1]):
            if ranks[i, j] < 0:
                continue
            gene = np.uint64(ranks[i, j])
            n = np.uint64(length[gene])
            if n <= WIDTH:
                _copy_begin(text, put, begin, gene)
            else:
                for b in range(n):
                    text[put + b] = flat[np.uint64(offset[gene]) + b]
            put += n
        if put > first:
            put -= np.uint64(n_separator)
        ends[i + 1] = put
