from __future__ import annotations

import pytest

from scc2s.models import CallableModel, GeneVocabulary, Sampling, answers
from scc2s.models.decoding._sampling import seeds_of


def test_the_seed_of_an_answer_is_that_of_its_prompt_and_draw():
    seen = {}

    def generate(prompts, seeds, genes):
        seen.update(zip(prompts, seeds, strict=True))
        return [" ".join(genes.names[:n]) for n in genes.lengths(len(prompts))]

    model = CallableModel(generate=generate)
    vocabulary = GeneVocabulary(["A", "B", "C"], [1, 2, 3])
    out = answers(model, ["x", "y", "z"], genes=vocabulary, sampling=Sampling(), draws=[0, 1, 0], random_state=3)
    assert out == ["A", "A B", "A B C"]
    assert [seen[p] for p in "xyz"] == seeds_of(["x", "y", "z"], [0, 1, 0], 3)
    assert len(set(seen.values())) == 3


def test_temperature_zero_is_no_sampling():
    got = []

    def generate(prompts, sampling):
        got.append(sampling)
        return list(prompts)

    answers(CallableModel(generate=generate), ["x"], sampling=Sampling(temperature=0), max_new_tokens=1)
    assert got == [None]


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    asked: list[str] = []
    alive = 60

    def generate(prompts):
        if len(asked) + len(prompts) > alive:
            raise KeyboardInterrupt
        asked.extend(prompts)
        return [prompt.upper() for prompt in prompts]

    model = CallableModel(generate=generate, id="killed")
    texts = [f"p{i}" for i in range(100)]
    with pytest.raises(KeyboardInterrupt):
        answers(model, texts, max_new_tokens=1, cache=tmp_path / "c.sqlite")
    assert 0 < len(asked) < 100
    alive = 100
    out = answers(model, texts, max_new_tokens=1, cache=tmp_path / "c.sqlite")
    assert out == [text.upper() for text in texts]
    assert sorted(asked) == sorted(texts)  # nothing was asked twice


def test_prompts_of_like_length_are_asked_together(tmp_path):
    batches: list[list[int]] = []

    def generate(prompts):
        batches.append([len(prompt) for prompt in prompts])
        return list(prompts)

    texts = ["p" * (1 + i % 7 * 50) + str(i) for i in range(100)]
    assert answers(CallableModel(generate=generate, id="x"), texts, max_new_tokens=1, cache=tmp_path / "c") == texts
    assert sum(batches, []) == sorted((len(text) for text in texts), reverse=True)


def test_weights_that_are_in_no_file_are_not_kept_answers_of(tiny, tmp_path):
    from scc2s.models._torch import TorchModel

    model = TorchModel(tiny("gpt_neox")._decoder.lm, tiny("gpt_neox").tokenizer, id="in training")
    with pytest.raises(ValueError, match="save_portable"):
        answers(model, ["CD1"], max_new_tokens=1, cache=tmp_path / "c.sqlite")
