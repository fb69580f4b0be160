from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scc2s import prompts
from scc2s.models import CallableModel
from scc2s.tl._asking.nulls import LEAST, MOST, NONE, OTHER, SHUFFLED, Nulls, ask_nulls, sample_size
from scc2s.tl._asking.question import Question, ask

MODEL = CallableModel(score=lambda p, c: np.zeros((len(p), len(c))))


def cells(n: int, *, fields: bool = False) -> ad.AnnData:
    names = [f"cell{i}" for i in range(n)]
    obs = pd.DataFrame({"c2s_sentence": [f"G{i} A B C D E{i % 7}" for i in range(n)]}, index=names)
    if fields:
        obs["tissue"] = np.resize(["blood", "skin"], n)
    return ad.AnnData(np.ones((n, 1), dtype="float32"), obs=obs)


def asked(adata: ad.AnnData, template: str = "Genes: {cell_sentence}", model: CallableModel = MODEL) -> Question:
    return ask(adata, prompts.custom(template), model, organism=None, sentence_key="c2s_sentence")


def controlled(adata: ad.AnnData, question: Question, model: CallableModel = MODEL) -> tuple[Nulls, list[str]]:
    """The nulls of a model whose answer is the length of the prompt, and the prompts that it got."""
    seen: list[str] = []

    def answer(some: Question) -> np.ndarray:
        seen.extend(some.rendered.texts)
        odd = np.array([len(text) % 2 for text in some.rendered.texts], dtype=float)
        return np.column_stack([odd, 1 - odd])

    own = answer(question)
    seen.clear()
    nulls = ask_nulls(question, own, answer, names=adata.obs_names, model=model, n_answer_tokens=1, random_state=0)
    return nulls, seen


@pytest.mark.parametrize("n_prompts", [1, 2, 5])
@pytest.mark.parametrize("n", [500, 1000, 5000])
def test_questions_are_a_tenth_at_most(n: int, n_prompts: int) -> None:
    size = sample_size(n, n_prompts)
    # shuffled; another cell's genes, if something else of the cell is in the prompt; without genes
    assert size * (1 if n_prompts == 1 else 2) + n_prompts <= n / 10
    assert LEAST <= size <= MOST


def test_few_cells_are_all_asked_again() -> None:
    assert [sample_size(n, 1) for n in (0, 1, 19, 200)] == [0, 1, 19, LEAST]


def test_each_null_is_asked_as_it_should_be_and_nothing_twice() -> None:
    adata = cells(1000)
    nulls, seen = controlled(adata, asked(adata))
    assert len(seen) == len(set(seen)) == nulls.n_asked <= 100
    assert seen.count("Genes: ") == 1
    words = {tuple(sorted(s.split())): s for s in adata.obs["c2s_sentence"]}
    again = [text.removeprefix("Genes: ") for text in seen if text != "Genes: "]
    assert all(tuple(sorted(text.split())) in words for text in again)
    assert np.mean([words[tuple(sorted(text.split()))] != text for text in again]) > 0.9
    # Another cell's genes were asked about already: that cell's own question.
    assert nulls.report["n_cells"].tolist() == [99] * 4


def test_another_cells_genes_are_asked_with_the_cells_own_fields() -> None:
    adata = cells(60, fields=True)
    _, seen = controlled(adata, asked(adata, "{tissue}: {cell_sentence}"))
    own = set(adata.obs["tissue"].astype(str) + ": " + adata.obs["c2s_sentence"].astype(str))
    swapped = [text for text in seen if text.split(": ")[1] in set(adata.obs["c2s_sentence"])]
    assert swapped
    assert not own & set(swapped)
    assert {"blood: ", "skin: "} <= set(seen)


def test_sample_and_nulls_do_not_depend_on_the_order_of_the_cells() -> None:
    adata = cells(300)
    turned = adata[::-1].copy()
    one, seen = controlled(adata, asked(adata))
    other, seen_turned = controlled(turned, asked(turned))
    assert adata.obs_names[one.sampled].tolist() == turned.obs_names[other.sampled].tolist()
    assert set(seen) == set(seen_turned)
    pd.testing.assert_frame_equal(one.report, other.report)


def test_a_lone_cell_has_no_other_and_no_cell_no_question() -> None:
    nulls, _ = controlled(cells(1), asked(cells(1)))
    assert nulls.report["n_cells"].to_dict() == {"own genes": 1, SHUFFLED: 1, OTHER: 0, NONE: 1}
    adata = cells(2)
    adata.obs["c2s_sentence"] = ""
    nulls, seen = controlled(adata, asked(adata))
    assert seen == []
    assert nulls.trust(asked(adata), np.empty((0, 2)), None).shape == (0,)


def test_prompt_of_genes_alone_has_no_null_without_them() -> None:
    adata = cells(30)
    question = asked(adata, "{cell_sentence}")
    nulls, seen = controlled(adata, question)
    assert "" not in seen
    assert nulls.report.loc[NONE, "n_cells"] == 0
    trust = nulls.trust(question, np.tile([0.8, 0.2], (30, 1)), None)
    assert trust == pytest.approx(np.zeros(30))  # the same answer for all


def test_prompts_fit_the_context_with_other_fields_too() -> None:
    model = CallableModel(score=lambda p, c: np.zeros((len(p), len(c))), max_tokens=7)
    adata = cells(40, fields=True)
    adata.obs["tissue"] = np.resize(["blood", "skin of the left arm"], 40)
    _, seen = controlled(adata, asked(adata, "{tissue} : {cell_sentence}", model), model)
    assert max(len(text.split()) for text in seen) <= 6


class TestTrust:
    def test_is_above_what_the_model_says_for_the_cells_own_fields(self) -> None:
        adata = cells(40, fields=True)
        question = asked(adata, "{tissue}: {cell_sentence}")
        nulls = Nulls(
            pd.DataFrame(),
            np.arange(2),
            {("blood",): np.array([0.9, 0.1]), ("skin",): np.array([0.5, 0.5])},
            0,
            np.zeros((4, 2, 2)),
        )
        own = np.tile([0.9, 0.1], (40, 1))
        assert nulls.trust(question, own, None)[:2] == pytest.approx([0, 0.8])

    def test_words_that_the_model_never_learned_take_away_from_it(self) -> None:
        adata = cells(4)
        nulls = Nulls(pd.DataFrame(), np.arange(1), {(): np.array([0.5, 0.5])}, 0, np.zeros((4, 1, 2)))
        trust = nulls.trust(asked(adata), np.tile([1.0, 0.0], (4, 1)), np.array([1.0, 0.5, 0.25, 0.0]))
        assert trust == pytest.approx([1, 0.5, 0.25, 0])
