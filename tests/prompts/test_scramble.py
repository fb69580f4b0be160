from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.prompts._scramble import made_up, scramble


@settings(deadline=None, max_examples=100)
@given(name=st.text(st.sampled_from("abcABC123 -+/()β"), max_size=12), seed=st.integers(0, 1000))
def test_letters_move_and_the_name_never_stays(name: str, seed: int) -> None:
    out = scramble(name, seed)
    letters = [c for c in name if c.isalnum()]
    assert scramble(name, seed) == out
    assert len(out) == len(name)
    assert [c for c in out if not c.isalnum()] == [c for c in name if not c.isalnum()]
    if letters:
        assert out.casefold() != name.casefold()
    if len({c.casefold() for c in letters}) > 1:
        assert Counter(out) == Counter(name)


def test_another_seed_gives_another_name() -> None:
    assert len({scramble("panobinostat", seed) for seed in range(20)}) > 15


@settings(deadline=None, max_examples=50)
@given(name=st.text(st.sampled_from("abC12 -+β"), max_size=5), n=st.integers(0, 30), seed=st.integers(0, 100))
def test_as_many_made_up_names_as_asked_for_even_of_a_short_one(name: str, n: int, seed: int) -> None:
    avoid = [name[::-1], "ab", "12"]
    found = made_up(name, n, avoid=avoid, random_state=seed)
    assert len({other.casefold() for other in found}) == n
    assert not {other.casefold() for other in found} & {name.casefold(), *(other.casefold() for other in avoid)}
    assert found == made_up(name, n, avoid=avoid, random_state=seed)
    assert found[: n // 2] == made_up(name, n // 2, avoid=avoid, random_state=seed)


def test_made_up_names_are_built_like_the_name_and_not_of_its_letters() -> None:
    names = ["IFN-beta", "panobinostat", "TNF", "IL-12 + LBH589"]
    shared = []
    for name in names:
        for other in made_up(name, 20, avoid=names):
            assert [c for c in other[: len(name)] if not c.isalnum()] == [c for c in name if not c.isalnum()]
            assert [c.isdigit() for c in other[: len(name)]] == [c.isdigit() for c in name]
            for real in names:
                assert SequenceMatcher(None, real.casefold(), other.casefold()).ratio() < 0.7
        shared.append(np.mean([len(set(name.casefold()) & set(o.casefold())) for o in made_up(name, 20, avoid=names)]))
    assert shared[0] < 0.6 * len(set(names[0].casefold()))  # a scrambled name shares them all
