from __future__ import annotations

import numpy as np
import pytest
from tiny_models import ANSWERS, prompts

from scc2s.models import CallableModel, GeneVocabulary, ReplayModel, Sampling

TEXTS = prompts(4, 1)


def test_what_was_recorded_comes_back_to_the_last_digit(tiny, tmp_path):
    live = tiny("gpt_neox")
    spans = [(0, 9)] * 4
    for source in (live, None):
        model = ReplayModel(tmp_path / "answers.jsonl", model=source)
        assert np.array_equal(model.embed(TEXTS), live.embed(TEXTS))
        assert np.array_equal(model.embed(TEXTS, spans=spans, layer=1), live.embed(TEXTS, spans=spans, layer=1))
        scores = model.score(TEXTS, ANSWERS)
        assert np.array_equal(scores.logprob, live.score(TEXTS, ANSWERS).logprob)
        assert np.array_equal(scores.n_tokens, live.score(TEXTS, ANSWERS).n_tokens)
        assert model.generate(TEXTS, max_new_tokens=3) == live.generate(TEXTS, max_new_tokens=3)
        assert np.array_equal(model.count_tokens(TEXTS), live.count_tokens(TEXTS))
        assert model.info() == live.info()
        assert (model.id, model.max_tokens, model.family) == (live.id, live.max_tokens, live.family)


def test_nothing_is_asked_twice(tmp_path):
    asked: list[str] = []

    def shout(texts):
        asked.extend(texts)
        return [text.upper() for text in texts]

    path = tmp_path / "answers.jsonl"
    assert ReplayModel(path, model=CallableModel(generate=shout)).generate(["a", "b", "a"], max_new_tokens=1) == [
        *"ABA"
    ]
    again = ReplayModel(path, model=CallableModel(generate=shout))
    assert again.generate(["c", "b"], max_new_tokens=1) == ["C", "B"]
    assert asked == ["a", "b", "c"]
    again.generate(["a"], max_new_tokens=2)
    assert asked[-1] == "a"  # another question


def test_a_question_without_an_answer_is_an_error(tmp_path):
    path = tmp_path / "answers.jsonl"
    with pytest.raises(FileNotFoundError, match="record them first"):
        ReplayModel(path)
    ReplayModel(path, model=CallableModel(generate=lambda texts: texts)).generate(["a"], max_new_tokens=1)
    with pytest.raises(KeyError, match="has no answer to"):
        ReplayModel(path).generate(["z"], max_new_tokens=1)
    with pytest.raises(ValueError, match="has the answers of"):
        ReplayModel(path, model=CallableModel(generate=lambda texts: texts, id="other"))


def test_a_line_that_a_killed_process_left_unfinished_is_asked_again(tmp_path):
    path = tmp_path / "answers.jsonl"
    model = CallableModel(generate=lambda texts: [text.upper() for text in texts])
    ReplayModel(path, model=model).generate(["a", "b"], max_new_tokens=1)
    path.write_bytes(path.read_bytes()[:-3])
    assert ReplayModel(path).generate(["a"], max_new_tokens=1) == ["A"]
    with pytest.raises(KeyError, match="has no answer to"):
        ReplayModel(path).generate(["b"], max_new_tokens=1)
    ReplayModel(path, model=model).generate(["b"], max_new_tokens=1)
    assert ReplayModel(path).generate(["a", "b"], max_new_tokens=1) == ["A", "B"]


def test_all_that_changes_an_answer_is_part_of_the_question(tmp_path):
    asked = []

    def write(prompts, genes=None, sampling=None, seeds=None):
        asked.append((genes, sampling, seeds))
        return ["A"] * len(prompts)

    model = ReplayModel(tmp_path / "answers.jsonl", model=CallableModel(generate=write))
    how = {"genes": GeneVocabulary(["A", "B"], 1), "sampling": Sampling(), "seeds": [1]}
    changes = [
        {},
        {"genes": GeneVocabulary(["A", "B"], 2)},
        {"genes": GeneVocabulary(["A", "C"], 1)},
        {"genes": GeneVocabulary(["A", "B"], 1, exact=False)},
        {"genes": None, "max_new_tokens": 3},
        {"sampling": Sampling(top_p=0.5)},
        {"sampling": None},
        {"seeds": [2]},
        {"max_new_tokens": 3},
    ]
    for n, change in enumerate(changes, 1):
        for _ in range(2):
            model.generate(["p"], **how | change)
        assert len(asked) == n
