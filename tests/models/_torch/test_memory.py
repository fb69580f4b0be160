from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.models._torch._memory import in_batches, is_out_of_memory

CPU_TEXT = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"


def limited(lengths: np.ndarray, limit: int, error: BaseException, log: list[list[int]]):
    """A forward pass that fails, as a device does, once a padded batch has more tokens than fit."""

    def forward(rows: np.ndarray) -> np.ndarray:
        if len(rows) * lengths[rows].max() > limit:
            raise error
        log.append(rows.tolist())
        return lengths[rows] * 10

    return forward


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60).map(np.array), st.integers(50, 400), st.integers(50, 2000))
@settings(deadline=None, max_examples=10)
@pytest.mark.slow
def test_each_row_is_computed_once_whatever_the_memory(lengths, limit, budget):
    log: list[list[int]] = []
    out = np.zeros(len(lengths), dtype=int)
    for rows, values in in_batches(lengths, budget, limited(lengths, limit, MemoryError(), log)):
        out[rows] = values
    assert (out == lengths * 10).all()
    assert sorted(sum(log, [])) == list(range(len(lengths)))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError(CPU_TEXT),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
    ],
)
@pytest.mark.slow
def test_out_of_memory_of_any_device_halves_the_budget(error):
    lengths = np.full(8, 10)
    log: list[list[int]] = []
    list(in_batches(lengths, 80, limited(lengths, 20, error, log)))
    assert [len(rows) for rows in log] == [2, 2, 2, 2]


def test_a_real_allocation_that_is_too_large_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert is_out_of_memory(caught.value)


def test_one_prompt_that_does_not_fit_says_what_to_do():
    lengths = np.array([5, 90])
    with pytest.raises(MemoryError, match=r"90 tokens does not fit.*n_genes=100"):
        list(in_batches(lengths, 100, limited(lengths, 50, MemoryError(), [])))


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    def forward(rows):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        list(in_batches(np.array([3, 3]), 100, forward))
