from __future__ import annotations

import numpy as np
from tiny_models import prompts

from scc2s.models._occlusion import occlusion
from scc2s.models._words import word_spans


class Counts:
    """The likelihood of an answer is the sum of what the words of its prompt are worth."""

    id = "counts"

    def __init__(self, worth: dict[str, float]) -> None:
        self.worth, self.asked = worth, []

    def log_likelihood(self, prompts, answers):
        self.asked += zip(prompts, answers, strict=True)
        values = np.array([sum(self.worth[word] for word in text.split()) for text in prompts])
        return type("Scores", (), {"logprob": values})


def test_each_word_loses_what_it_is_worth():
    model = Counts({"A": 2.0, "B": -1.0, "C": 0.5, "x": 9.0})
    texts = ["x A B C", "x B", "x"]
    spans = [word_spans(text, (2, len(text))) if len(text) > 2 else [] for text in texts]
    found = occlusion(model, texts, spans, ["1", "2", "3"])
    assert [row.tolist() for row in found] == [[2.0, -1.0, 0.5], [-1.0], []]
    assert model.asked[:4] == [("x A B C", "1"), ("x B C", "1"), ("x A C", "1"), ("x A B ", "1")]
    assert [answer for _, answer in model.asked[4:]] == ["2", "2", "3"]


def test_a_real_model_gives_what_it_gives_for_each_text(tiny):
    model, text = tiny("gpt_neox"), prompts(1, 1)[0]
    start, end = text.index(": ") + 2, text.index(". The")
    (found,) = occlusion(model, [text], [word_spans(text, (start, end))], [" B cell"])
    words = text[start:end].split()
    shorter = [text[:start] + " ".join(words[:i] + words[i + 1 :]) + text[end:] for i in range(len(words) - 1)]
    values = model.log_likelihood([text, *shorter], [" B cell"] * len(words)).logprob
    assert np.abs(found[:-1] - (values[0] - values[1:])).max() < 1e-4
