from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from scc2s import prompts

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = [
    "{num_genes} genes of a {organism} cell: {cell_sentence}. Its type:",
    "A {organism} cell reads {cell_sentence}.\nType:",
]


def write(path: Path, table: object) -> Path:
    path.write_text(table if isinstance(table, str) else json.dumps(table), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "types.json", {"model_input": TEMPLATES, "response": ["{cell_type}."]})


def test_every_template_becomes_a_task_with_our_name_for_the_number_of_genes(file: Path) -> None:
    tasks = prompts.from_json(file)
    assert [t.fields for t in tasks] == [("n_genes", "organism", "cell_sentence"), ("organism", "cell_sentence")]
    text = tasks[0].render(["CD3D LYZ"], {"organism": "Homo sapiens"}).texts[0]
    assert text == "2 genes of a Homo sapiens cell: CD3D LYZ. Its type:"


def test_answer_is_parted_from_the_prompt_by_one_space_and_read_back_without_full_stop(file: Path) -> None:
    task = prompts.from_json(file)[0]
    assert task.complete(cell_type="B cell") == " B cell."
    assert task.answer(" B cell.") == "B cell"


def test_name_and_family_can_be_given(file: Path) -> None:
    task = prompts.from_json(file, name="cell_type", family="mine")[0]
    assert (task.name, task.family) == ("cell_type", "mine")
    assert prompts.from_json(file)[0].name == "types"


def test_one_string_may_stand_for_a_list(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", {"model_input": TEMPLATES[1], "response": " {cell_type}"})
    assert prompts.from_json(path)[0].response == " {cell_type}"


def test_escaped_braces_stay_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", {"model_input": "{{num_genes}} {num_genes} {cell_sentence}", "response": "{x}"})
    assert prompts.from_json(path)[0].render(["A B"]).texts == ["{num_genes} 2 A B"]


@pytest.mark.parametrize(
    "table",
    ["not json", [], {"model_input": []}, {"model_input": [1], "response": ["x"]}, {"prompt": "a", "response": "b"}],
)
def test_other_layouts_are_refused_with_the_layout_that_works(tmp_path: Path, table: object) -> None:
    with pytest.raises(ValueError, match="model_input"):
        prompts.from_json(write(tmp_path / "a.json", table))


def test_prompts_about_several_cells_get_our_names_of_fields(tmp_path: Path) -> None:
    table = {"model_input": "{num_cells} x {num_genes}: {multi_cell_sentences}", "response": "{tissue}."}
    task = prompts.from_json(write(tmp_path / "a.json", table))[0]
    assert task.fields == ("n_cells", "n_genes", "multi_cell_sentences")
    assert task.render([["A B", "C"]]).texts == ["2 x 2: Cell 1: A B\nCell 2: C"]
    assert task.complete(tissue="lung") == " lung."


def test_abstracts_and_samples_of_a_tissue_are_read_too(tmp_path: Path) -> None:
    wanted = {"model_input": "{organism}, {multi_cell_sentences}", "response": "{abstract}"}
    task = prompts.from_json(write(tmp_path / "a.json", wanted))[0]
    assert task.answer(task.complete(abstract="We profiled cells.")) == "We profiled cells"
    written = {"model_input": "{num_cells} cells of {tissue}", "response": "{multi_cell_sentences}"}
    task = prompts.from_json(write(tmp_path / "b.json", written))[0]
    assert (task.fields, task.response_fields) == (("n_cells", "tissue"), ("multi_cell_sentences",))


def test_one_cell_and_several_in_one_prompt_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", {"model_input": "{cell_sentence} {multi_cell_sentences}", "response": "{x}"})
    with pytest.raises(ValueError, match="one cell and several"):
        prompts.from_json(path)


def test_more_than_one_response_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", {"model_input": TEMPLATES, "response": ["{a}", "{b}"]})
    with pytest.raises(ValueError, match="2 responses"):
        prompts.from_json(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        prompts.from_json(tmp_path / "none.json")


def test_installed_cell2sentence_is_read_but_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cell2sentence" / "prompts"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    write(
        folder / "single_cell_cell_type_prediction_prompts.json",
        {"model_input": TEMPLATES, "response": ["{cell_type}."]},
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cell2sentence", raising=False)
    tasks = prompts.from_cell2sentence()
    assert [t.family for t in tasks] == ["cell2sentence"] * 2
    assert tasks[0].name == "cell_type"
    write(
        folder / "multi_cell_tissue_prediction_prompts.json",
        {"model_input": ["{num_cells}: {multi_cell_sentences}"], "response": ["{tissue}."]},
    )
    assert prompts.from_cell2sentence("sample_tissue")[0].fields == ("n_cells", "multi_cell_sentences")
    with pytest.raises(FileNotFoundError, match="abstract"):
        prompts.from_cell2sentence("sample_abstract")


def test_error_names_the_install_when_cell2sentence_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "cell2sentence", raising=False)
    with pytest.raises(ModuleNotFoundError, match="pip install cell2sentence"):
        prompts.from_cell2sentence()


def test_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="'cell_type', 'generate', 'sample_tissue'"):
        prompts.from_cell2sentence("tissue")
