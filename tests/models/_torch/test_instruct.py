"""A real instruct model in its own chat template: that it talks, and keeps what it has read. It knows no biology."""

from __future__ import annotations

import time

import pytest

from scc2s import models

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(instruct):
    return models.load(instruct, device="cpu", dtype="float32")


def test_its_template_is_filled_and_it_answers_in_words(model):
    messages = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    ids = model._talker.tokens(messages)
    assert model.tokenizer.decode(ids) == (
        "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\nWhat is the capital of France?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert (ids < 3).sum() == 5  # the marks of turns are single tokens
    answer = model.reply(messages, max_new_tokens=24)
    assert "Paris" in answer
    assert "<|im_end|>" not in answer


def test_a_second_question_about_the_same_cells_comes_sooner_and_is_answered_alike(model, instruct):
    genes = " ".join(f"GENE{i}" for i in range(150))
    cells = {"role": "system", "content": f"Genes of one cell, strongest first: {genes}"}

    def first_token(who, question):
        began = time.perf_counter()
        said = who.reply([cells, {"role": "user", "content": question}], max_new_tokens=1)
        return time.perf_counter() - began, said

    anew, _ = first_token(model, "What is the strongest gene?")
    kept, said = first_token(model, "Which gene is the last one?")
    model._talker._kept.clear()
    assert kept < anew / 2
    assert said == first_token(model, "Which gene is the last one?")[1]
