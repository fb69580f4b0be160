from __future__ import annotations

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
