from __future__ import annotations

import functools
import math
import operator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.sentences._exact_sums import ExactSums
from scc2s.sentences._rank_sums_kernels import add_exactly

doubles = st.floats(min_value=0, allow_nan=False, allow_infinity=False)


def summed(values: list[float], places: list[int] | None = None) -> ExactSums:
    sums = ExactSums()
    bits = np.array(values, dtype=np.float64).view(np.uint64)
    places = [0] * len(values) if places is None else places
    sums.room(max(places, default=0) + 1, bits)
    for place, number in zip(places, bits, strict=True):
        add_exactly(number, sums.digits[place], sums.first)
    return sums


@given(st.lists(doubles, min_size=1, max_size=30))
@settings(deadline=None)
def test_a_sum_is_that_of_fractions_rounded_once(values):
    exact = sum(map(Fraction, values), Fraction(0))
    if exact > Fraction(1.7e308):
        return
    assert summed(values).values()[0] == float(exact)


def test_what_doubles_lose_is_kept():
    values = [2.0**53, 1.0, 1.0, 5e-324]
    assert functools.reduce(operator.add, values) == 2.0**53  # sum() of Python 3.12 makes up for what is lost
    assert summed(values).values()[0] == 2.0**53 + 2 == math.fsum(values)


@given(st.lists(doubles.filter(lambda v: v < 1e300), min_size=2, max_size=30), st.randoms())
@settings(deadline=None)
def test_parts_in_any_order_put_together_are_the_whole(values, random):
    whole = summed(values)
    mixed = list(values)
    random.shuffle(mixed)
    cut = random.randrange(len(mixed))
    parts = summed(mixed[:cut])
    other = summed(mixed[cut:])
    parts.add(other.digits, other.first)
    assert parts.values()[0] == whole.values()[0]


def test_places_are_summed_each_on_its_own_and_can_become_more():
    sums = summed([1.0, 2.0, 3.0], [0, 1, 1])
    other = summed([1e-300, 7.0, 1e300], [2, 0, 3])
    sums.add(other.digits, other.first)
    assert sums.values().tolist() == [8.0, 5.0, 1e-300, 1e300]


@pytest.mark.parametrize("value", [0.0, 5e-324, 2.0**-1022, 1.0, 1.7976931348623157e308])
def test_every_kind_of_double_comes_back(value):
    assert summed([value]).values()[0] == value
