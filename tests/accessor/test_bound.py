from __future__ import annotations

import inspect

import pytest

import scc2s
from scc2s._accessor.bound import PARTS, Functions, OfAll, bound, functions, register


def test_signature_and_docstring_are_those_of_the_function_without_its_first_argument() -> None:
    method = bound(scc2s.tl.embed, object())
    assert method.__doc__ == scc2s.tl.embed.__doc__
    assert list(inspect.signature(method).parameters) == list(inspect.signature(scc2s.tl.embed).parameters)[1:]
    assert inspect.signature(method).parameters["pooling"].default == "mean"


def test_every_function_about_one_data_set_is_there_and_no_other() -> None:
    found = functions(*PARTS)
    for part in PARTS:
        module = getattr(scc2s, part)
        for name in module.__all__:
            first = next(iter(inspect.signature(getattr(module, name)).parameters))
            assert (functions(part).get(name) is getattr(module, name)) == (first == "adata")
    assert {"sentences", "embed", "captions"} <= set(found)
    assert not {"evaluate", "corpus", "scaling"} & set(found)


def test_of_one_name_in_two_parts_the_tool_comes_first() -> None:
    assert not set(scc2s.tl.__all__) & set(scc2s.pp.__all__)
    shared = set(scc2s.tl.__all__) & set(scc2s.pl.__all__)
    assert {"screen", "attention"} <= shared
    for name in shared:
        assert functions(*PARTS)[name] is getattr(scc2s.tl, name)
    assert functions(*PARTS)["rank_fit"] is scc2s.pp.rank_fit


def test_the_parts_are_not_hidden_by_functions_of_their_names() -> None:
    assert not set(PARTS) & set(functions(*PARTS))


def other(name: str) -> object:
    def decorate(kind: type) -> type:
        raise AssertionError(name)

    return decorate


class TestRegister:
    def test_is_asked_for_once_and_made_anew_for_each_object(self) -> None:
        asked = []

        class Data:
            shape = (1, 1)

        class Space(OfAll):
            def __init__(self, data: object) -> None:
                self._data = data

        def decorate(name: str) -> object:
            asked.append(name)
            return lambda kind: setattr(Data, name, kind)

        Space.__module__ = "scc2s.anything"
        assert register(Data, Space, decorate)  # type: ignore[arg-type]
        assert register(Data, Space, decorate)  # type: ignore[arg-type]
        assert asked == ["c2s"]
        one, two = Data(), Data()
        assert (one.c2s._data, two.c2s._data) == (one, two)  # type: ignore[attr-defined]
        assert vars(one) == {}
        assert Data.c2s is Space  # type: ignore[attr-defined]

    def test_leaves_what_is_somebody_elses(self, caplog: pytest.LogCaptureFixture) -> None:
        class Data:
            c2s = "mine"

        assert not register(Data, OfAll, other)  # type: ignore[arg-type]
        assert Data.c2s == "mine"
        assert "Data.c2s is taken; call scc2s.tl.embed" in caplog.text


def test_what_notebooks_ask_any_object_for_is_answered_without_a_look() -> None:
    with pytest.raises(AttributeError, match="_repr_html_"):
        Functions()._repr_html_  # noqa: B018
