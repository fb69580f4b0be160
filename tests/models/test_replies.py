from __future__ import annotations

import pytest

from scc2s.models import CallableModel, PartialAnswersError, ReplayModel, Sampling, Talks, replies


def asks(*questions):
    return [[{"role": "user", "content": question}] for question in questions]


def shouting(asked, **kwargs):
    def reply(messages, seed=None, max_new_tokens=None):
        asked.append((messages[-1]["content"], seed, max_new_tokens))
        return messages[-1]["content"].upper()

    return CallableModel(**{"reply": reply, "id": "shouting", **kwargs})


def test_equal_conversations_are_asked_once_and_answers_keep_their_order():
    asked = []
    assert replies(shouting(asked), asks("a", "b", "a"), max_new_tokens=5) == ["A", "B", "A"]
    assert asked == [("a", None, 5), ("b", None, 5)]


def test_seeds_come_from_the_conversation_and_the_draw():
    asked = []
    model = shouting(asked)
    replies(model, asks("a", "b"), max_new_tokens=5, sampling=Sampling())
    replies(model, asks("b"), max_new_tokens=5, sampling=Sampling())
    replies(model, asks("b"), max_new_tokens=5, sampling=Sampling(), draws=[1])
    replies(model, asks("b"), max_new_tokens=5, sampling=Sampling(), random_state=1)
    seeds = [seed for _, seed, _ in asked]
    assert seeds[1] == seeds[2]
    assert len(set(seeds)) == 4
    replies(model, asks("b"), max_new_tokens=5, sampling=Sampling(temperature=0))
    assert asked[-1][1] is None


def test_a_killed_run_goes_on_from_the_cache(tmp_path):
    asked = []

    def reply(messages):
        asked.append(messages[-1]["content"])
        if messages[-1]["content"] == "bad" and broken:
            raise ConnectionError("the line is down")
        return messages[-1]["content"].upper()

    broken = True
    model = CallableModel(reply=reply, id="line")
    with pytest.raises(PartialAnswersError, match="conversation 1 of 3 got no answer: the line is down") as caught:
        replies(model, asks("a", "bad", "c"), max_new_tokens=5, cache=tmp_path / "c.sqlite")
    assert caught.value.answers == ["A", None, None]
    broken = False
    assert replies(model, asks("a", "bad", "c"), max_new_tokens=5, cache=tmp_path / "c.sqlite") == ["A", "BAD", "C"]
    assert asked == ["a", "bad", "bad", "c"]
    replies(model, asks("a"), max_new_tokens=6, cache=tmp_path / "c.sqlite")
    assert asked[-1] == "a"  # another question


def test_the_first_failure_is_told_as_it_is():
    def reply(messages):
        raise ConnectionError("the line is down")

    with pytest.raises(ConnectionError, match="^the line is down$"):
        replies(CallableModel(reply=reply), asks("a"), max_new_tokens=5)


def test_a_model_that_does_not_talk_is_refused_or_asked_in_plain_text():
    model = CallableModel(generate=lambda prompts: [prompt[-8:] for prompt in prompts], id="base")
    assert not isinstance(model, Talks)
    with pytest.raises(TypeError, match="base does not talk; .* plain=True"):
        replies(model, asks("a"), max_new_tokens=5)
    assert replies(model, asks("a"), max_new_tokens=5, plain=True) == ["\nAnswer:"]


def test_answers_are_such_as_files_can_hold():
    model = CallableModel(reply=lambda messages: "a\0b\ud800")
    assert replies(model, asks("a"), max_new_tokens=5) == ["ab?"]


@pytest.mark.parametrize("answer", [None, 3, ["a"]])
def test_a_function_that_gives_no_text_is_told(answer):
    with pytest.raises(TypeError, match="return one text"):
        replies(CallableModel(reply=lambda messages: answer), asks("a"), max_new_tokens=5)


def test_a_function_counts_words_and_is_a_model_that_talks():
    model = CallableModel(reply=lambda messages: "x")
    assert isinstance(model, Talks)
    assert model.count_message_tokens([{"role": "user", "content": "two words"}]) == 2


def test_recorded_conversations_come_back(tmp_path):
    asked = []
    path = tmp_path / "talk.jsonl"
    long = [*asks("a")[0], {"role": "assistant", "content": "A"}, *asks("b")[0]]
    for source in (shouting(asked), None):
        model = ReplayModel(path, model=source)
        assert isinstance(model, Talks)
        assert model.reply(long, max_new_tokens=5) == "B"
        assert model.reply(long, max_new_tokens=5, sampling=Sampling(), seed=1) == "B"
        assert model.count_message_tokens(long) == 3
    assert len(asked) == 2
    with pytest.raises(KeyError, match="has no answer to"):
        ReplayModel(path).reply(long, max_new_tokens=6)
    with pytest.raises(KeyError, match="has no answer to"):
        ReplayModel(path).reply(long[2:], max_new_tokens=5)
