from __future__ import annotations

import pytest

from scc2s import prompts


@pytest.mark.parametrize("name", prompts.families()["scc2s"])
def test_every_task_of_the_package_renders_without_fields_left_over(name: str) -> None:
    task = prompts.get(name)
    fields = {f: f"<{f}>" for f in task.fields if f not in ("cell_sentence", "n_genes")}
    text = task.render(["CD3D LYZ"], fields).texts[0]
    assert "{" not in text
    assert all(value in text for value in fields.values())
    answer = task.complete(**dict.fromkeys(task.response_fields, "x"))
    assert answer[0].isspace()
    assert not text.endswith(" ")  # the space between prompt and answer is the answer's


def test_unknown_family_and_task_name_the_way_out() -> None:
    with pytest.raises(KeyError, match="from_cell2sentence"):
        prompts.get("cell_type", family="cell2sentence")
    with pytest.raises(KeyError, match=r"prompts\.custom"):
        prompts.get("tissue")


def test_custom_task_takes_any_fields() -> None:
    task = prompts.custom("{organism}: {cell_sentence}", response=" {kind}.", name="mine")
    assert (task.name, task.family, task.response_fields) == ("mine", "custom", ("kind",))
