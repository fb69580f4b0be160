"""Files of items hold to their schema, or the error names lines and fields."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from scc2s.train import qa_samples, read_qa
from scc2s.train._read_qa import write_items

ITEM = {
    "context": "T cells express CD3D.",
    "cells": ["CD3D CD3E", "LYZ CST3 CD14"],
    "question": "Which cells express CD3D?",
    "answer": "T cells.",
    "keywords": ["T cell"],
    "study": "a",
    "split": "train",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "items.jsonl"


def write(path, *items):
    path.write_text("\n".join(json.dumps(item) for item in items), encoding="utf-8")
    return path


def test_items_come_back_as_they_were_written(path):
    items = [ITEM, {**ITEM, "answer": "B-Zellen, β.", "study": "b", "split": "test", "context": ""}]
    write_items(items, path)
    assert read_qa(path).to_dict("records") == items
    assert "β" in path.read_text(encoding="utf-8")


def test_other_fields_and_blank_lines_do_not_matter(path):
    path.write_text(f"\n{json.dumps({**ITEM, 'source': 'me'})}\n\n")
    assert read_qa(path)["source"].tolist() == ["me"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer": None}, "line 2: field 'answer' is NoneType, not a text"),
        ({"answer": "  "}, "line 2: field 'answer' is blank"),
        ({"cells": "CD3D"}, "line 2: field 'cells' is str, not a list of texts"),
        ({"cells": []}, "line 2: field 'cells' is empty"),
        ({"cells": ["CD3D", 3]}, "line 2: field 'cells' holds something else than texts"),
        ({"keywords": [""]}, "line 2: field 'keywords' holds something else than texts, or a blank one"),
        ({"split": "dev"}, "line 2: field 'split' is 'dev', not one of train, val, test"),
        ({"split": "test"}, "line 2: field 'split' is 'test', but study 'a' is in 'train' by line 1"),
        ({"context": 1}, "line 2: field 'context' is int"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(path, change, said):
    with pytest.raises(ValueError, match=said):
        read_qa(write(path, ITEM, {**ITEM, **change}))


@pytest.mark.parametrize("name", list(ITEM))
def test_a_missing_field_is_named(path, name):
    with pytest.raises(ValueError, match=f"line 1: field '{name}' is missing"):
        read_qa(write(path, {key: value for key, value in ITEM.items() if key != name}))


def test_lines_that_are_no_objects_are_named_and_all_are_counted(path):
    path.write_bytes(b'{"a": \n[1]\n\xff\n"x"\n')
    with pytest.raises(ValueError, match=r"line 1: not JSON.*line 2: list in place of an object.*line 3.*; 1 more"):
        read_qa(path)


def test_no_file_and_no_item_say_how_to_make_one(path):
    with pytest.raises(FileNotFoundError, match="build_qa"):
        read_qa(path)
    path.write_text("\n")
    with pytest.raises(ValueError, match="no item.*build_qa"):
        read_qa(path)


def test_samples_ask_as_tl_ask_does_and_do_not_show_the_text(path):
    items = read_qa(write(path, ITEM, {**ITEM, "study": "b", "split": "test"}))
    table = qa_samples(items, organism={"a": "human", "b": "mouse"}, n_genes=2)
    assert list(table) == ["prompt", "completion", "task", "study", "split", "keywords"]
    assert table["completion"].tolist() == [" T cells."] * 2
    assert "T cells express CD3D" not in table["prompt"][0]
    assert "\n2. LYZ CST3\n" in table["prompt"][0]
    assert table["prompt"][0].endswith("\nQuestion: Which cells express CD3D?\nAnswer:")
    assert "Homo sapiens" in table["prompt"][0]
    assert "Mus musculus" in table["prompt"][1]


def test_samples_without_what_they_need_are_refused():
    items = pd.DataFrame([ITEM])
    with pytest.raises(KeyError, match="no column 'cells'"):
        qa_samples(items.drop(columns="cells"))
    with pytest.raises(ValueError, match="no items"):
        qa_samples(items.head(0))
    with pytest.raises(KeyError, match="no organism for study 'a'"):
        qa_samples(items, organism={"b": "human"})
    with pytest.raises(ValueError, match="n_genes=0"):
        qa_samples(items, n_genes=0)


def test_the_prompt_is_that_of_tl_ask():
    from talking_cells import talking_cells

    import scc2s
    from scc2s.models import CallableModel

    adata = talking_cells()
    asked = []

    def generate(prompts):
        asked.extend(prompts)
        return ["T cells." for _ in prompts]

    scc2s.tl.ask(
        adata, "Which cells?", n_cells=3, n_genes=4, n_top=0, controls=False, plain=True,
        model=CallableModel(generate=generate, id="writer"),
    )  # fmt: skip
    shown = adata.uns["c2s"]["ask"]["table"]["cells"].iloc[0].split(", ")
    item = {**ITEM, "cells": adata.obs.loc[shown, "c2s_sentence"].tolist(), "question": "Which cells?"}
    assert qa_samples(pd.DataFrame([item]), n_genes=4)["prompt"].tolist() == asked
