from __future__ import annotations

import pytest

from scc2s.models import GeneVocabulary


def test_lengths_are_one_for_all_or_one_for_each():
    assert GeneVocabulary(["A", "B"], 2).lengths(3).tolist() == [2, 2, 2]
    some = GeneVocabulary(["A", "B"], [1, 2, 1])
    assert some.lengths(3).tolist() == [1, 2, 1]
    assert some.take([1]).lengths(1).tolist() == [2]
    with pytest.raises(ValueError, match="3 numbers for 2 prompts"):
        some.lengths(2)


@pytest.mark.parametrize(
    ("names", "n", "said"),
    [
        (["A", "A"], 1, "come twice"),
        (["A B"], 1, r"sentences\.words"),
        ([""], 1, r"sentences\.words"),
        (["A"], 2, "from 1 to 1"),
        (["A"], [1, 0], "from 1 to 1"),
    ],
)
def test_what_cannot_be_written_is_refused(names, n, said):
    with pytest.raises(ValueError, match=said):
        GeneVocabulary(names, n)


def test_the_digest_does_not_depend_on_the_order():
    assert GeneVocabulary(["A", "B"], 1).digest == GeneVocabulary(["B", "A"], 1).digest
    assert GeneVocabulary(["A", "B"], 1).digest != GeneVocabulary(["AB"], 1).digest
