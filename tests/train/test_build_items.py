"""Items are read out of whatever a teacher wrote around and into its JSON, and what is not whole is said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scc2s.train._build_items import Item, read_items

ONE = {"question": "Which cells?", "answer": "T cells.", "keywords": ["T cell"]}
TWO = {"question": "Which gene?", "answer": "CD3D.", "keywords": ["CD3D"]}
LINES = """Question: Which cells?
Answer: T cells.
Keywords: T cell

Question: Which gene?
Answer: CD3D.
Keywords: CD3D"""
MARKED = """1. **Question:** Which cells?
   **Answer:** T cells.
   **Keywords:** T cell
2. Q: Which
gene?
A: CD3D.
Keyword: CD3D"""
ITEMS = [Item("Which cells?", "T cells.", ["T cell"]), Item("Which gene?", "CD3D.", ["CD3D"])]


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (json.dumps([ONE, TWO]), ""),
        (json.dumps([ONE, TWO], indent=2), ""),
        (f"Sure, here they are:\n```json\n{json.dumps([ONE, TWO])}\n```\nTell me {{if}} you want more.", "broken JSON"),
        (json.dumps({"items": [ONE, TWO]}), ""),
        (f"{json.dumps(ONE)}\n{json.dumps(TWO)}", ""),
        (f"[{json.dumps(ONE)} {json.dumps(TWO)}", ""),
        (json.dumps([ONE, TWO]).replace("}", ",}").replace('"]', '",]'), ""),
        (str([ONE, TWO]), ""),
        (json.dumps([ONE, TWO])[:-1] + ', {"question": "Which ti', "broken JSON"),
        (json.dumps([ONE, TWO]).replace('"', "“"), ""),
        (json.dumps([{name.title(): value for name, value in one.items()} for one in (ONE, TWO)]), ""),
        (json.dumps([{**ONE, "keywords": "T cell"}, {**TWO, "answer": ["CD3D."]}]), ""),
        (LINES, "no JSON"),
        (MARKED, "no JSON"),
    ],
)  # fmt: skip
def test_items_are_read(reply, problem):
    assert read_items(reply) == (ITEMS, problem)


@pytest.mark.parametrize(
    ("reply", "problem"), [("", "no question"), ("I cannot do that.", "no question"), ('[{"question: 1', "broken JSON")]
)
def test_what_holds_no_item_says_so(reply, problem):
    assert read_items(reply) == ([], problem)


def test_missing_parts_are_blank():
    assert read_items('[{"question": "Why?"}]')[0] == [Item("Why?", "", [])]
    assert read_items('[{"question": null, "answer": 3, "keywords": [1, "a", ""]}]')[0] == [Item("", "3", ["1", "a"])]


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(texts, texts, st.lists(texts, max_size=3)), max_size=4), texts, texts)
def test_whole_json_is_read_whatever_stands_around_it(rows, before, after):
    given_ = [{"question": q, "answer": a, "keywords": k} for q, a, k in rows]
    found, _ = read_items(f"{before.replace('{', '')}{json.dumps(given_)}{after.replace('{', '')}")
    if rows:
        assert [one.question for one in found] == [" ".join(q.split()) for q, _, _ in rows]
        assert [one.answer for one in found] == [" ".join(a.split()) for _, a, _ in rows]


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet='{}[]":, \nquestionaw', max_size=200))
def test_no_text_breaks_the_reader(reply):
    items, problem = read_items(reply)
    assert items or problem
