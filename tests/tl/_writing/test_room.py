from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

import scc2s
from scc2s.models import CallableModel
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._writing.room import room_for, tokens_for

if TYPE_CHECKING:
    from collections.abc import Callable


def test_room_for_an_answer_covers_nearly_all_cells() -> None:
    rng = np.random.default_rng(0)
    words = ["x" * n for n in rng.integers(1, 9, 400)]
    model = CallableModel(generate=list)
    model.count_tokens = lambda texts: np.array([len(t) for t in texts])
    room = tokens_for(model, words, 50)
    drawn = [sum(len(w) + 1 for w in rng.choice(words, 50, replace=False)) for _ in range(500)]
    assert np.mean(np.array(drawn) <= room) > 0.99
    assert room < 1.3 * np.mean(drawn)


@pytest.mark.parametrize("n_genes", [None, 900])
def test_the_number_of_genes_that_is_said_to_fit_does_fit(pieces: Callable[[str], object], n_genes: int | None) -> None:
    model, task, words = pieces("gpt_neox"), scc2s.prompts.get("perturb"), [f"GENE{i}" for i in range(2000)]
    with pytest.raises(ValueError, match="pass n_genes= at most") as raised:
        room_for(model, task, words, 900, Decoding(n_genes=n_genes))
    assert "-" not in re.sub(r"[a-z]-[a-z]", "", str(raised.value).split("in ")[0])
    fits = int(re.search(r"at most (\d+)", str(raised.value)).group(1))
    assert fits > 0
    assert room_for(model, task, words, fits, Decoding(n_genes=fits)) < model.max_tokens


def test_a_longest_answer_over_the_context_is_told_its_own_mend(pieces: Callable[[str], object]) -> None:
    model, task = pieces("gpt_neox"), scc2s.prompts.get("perturb")
    with pytest.raises(ValueError, match="pass max_new_tokens= at most"):
        room_for(model, task, ["GENE1"], 5, Decoding(max_new_tokens=10**6))
