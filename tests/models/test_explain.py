from __future__ import annotations

import numpy as np
import pytest

from scc2s.models import GeneVocabulary, answers, estimate, replies
from scc2s.models._explain import Explained, Unloaded, unloaded
from scc2s.models._named import Named
from scc2s.models._numbers import embeddings, label_scores
from scc2s.models._protocols import Embeds, Generates, Scores, Talks

GEMMA = "vandijklab/C2S-Scale-Gemma-2-2B"


def by_words(texts: list[str]) -> np.ndarray:
    return np.array([len(text.split()) for text in texts])


@pytest.fixture
def model() -> Unloaded:
    return Unloaded("mine", count=by_words)


def told(found: pytest.ExceptionInfo[Explained]) -> dict[str, object]:
    return found.value.summary


def test_embeddings(model: Unloaded) -> None:
    with pytest.raises(Explained) as found:
        embeddings(model, ["a b c", "d e", "a b c"])
    assert told(found) == {
        "model": "mine", "prompt": "a b c", "n_prompts": 2, "tokens_read": 5, "tokens_written": 0,
        "memory_gb": None, "time": None, "counted": True,
    }  # fmt: skip


def test_labels_are_read_with_each_prompt(model: Unloaded) -> None:
    with pytest.raises(Explained) as found:
        label_scores(model, ["a b c", "d e"], [" B cell", " T"])
    assert told(found)["tokens_read"] == 5 + 2 * 3


def test_answers_have_their_longest_length_or_that_of_the_genes(model: Unloaded) -> None:
    with pytest.raises(Explained) as found:
        answers(model, ["a", "b c"], max_new_tokens=7)
    assert told(found)["tokens_written"] == 14
    with pytest.raises(Explained) as found:
        answers(model, ["a", "b c"], genes=GeneVocabulary(["CD3D", "LYZ", "NKG7"], [2, 3]))
    assert told(found)["tokens_written"] == 5


def test_all_conversations_are_counted_not_the_first_alone(model: Unloaded) -> None:
    asked = [[{"role": "user", "content": text}] for text in ("who are you", "why")]
    with pytest.raises(Explained) as found:
        replies(model, asked, max_new_tokens=5)
    assert (told(found)["n_prompts"], told(found)["tokens_read"], told(found)["tokens_written"]) == (2, 4, 10)
    assert told(found)["prompt"] == "user: who are you"


def test_a_model_can_only_do_what_it_can() -> None:
    reader = Unloaded("mine", can=("embed", "score"))
    assert isinstance(reader, Embeds)
    assert isinstance(reader, Scores)
    assert not isinstance(reader, Generates | Talks)


def test_memory_and_order_of_time_are_those_of_the_estimate() -> None:
    published = unloaded(GEMMA, {})
    assert (published.family, published.max_tokens) == ("cell2sentence", 8192)
    prompts = [f"{i} " + "GENE " * 212 for i in range(2000)]
    with pytest.raises(Explained) as found:
        embeddings(published, prompts)
    expected = estimate(2000, model=GEMMA)
    assert told(found)["memory_gb"] == expected.memory_gb
    assert told(found)["time"] == expected.time
    assert not told(found)["counted"]
    assert 0.9 < told(found)["tokens_read"] / expected.tokens < 1.1  # type: ignore[operator]


def test_a_name_is_explained_where_it_is_loaded() -> None:
    from scc2s.models import load

    assert isinstance(load(Named(GEMMA, explain=True)), Unloaded)


def test_the_same_names_are_refused_as_by_load() -> None:
    with pytest.raises(FileNotFoundError, match="neither a folder, nor a hub id"):
        unloaded("no such model", {})
    with pytest.raises(ConnectionError, match="first run: hf download there/is-none"):
        unloaded("there/is-none", {})
