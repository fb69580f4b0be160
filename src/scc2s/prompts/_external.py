from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._task import CELLS, N_CELLS, N_GENES, SENTENCE, Task

if TYPE_CHECKING:
    from os import PathLike

_OURS = {"num_genes": N_GENES, "num_cells": N_CELLS}
_FILES = {
    "cell_type": "single_cell_cell_type_prediction*.json",
    "generate": "single_cell_cell_type_conditional_generation*.json",
    "sample_tissue": "multi_cell_tissue_prediction*.json",
    "generate_sample_by_tissue": "multi_cell_tissue_conditional_generation*.json",
    "sample_abstract": "multi_cell*abstract*.json",
}
"""Name of our task of the same kind, and the file in the package."""


def from_json(path: str | PathLike[str], *, name: str | None = None, family: str = "external") -> list[Task]:
    r"""Tasks from a JSON file in the layout of the `cell2sentence` package.

    The file holds ``{"model_input": [template, ...], "response": [template]}``; either may also be one string. Its
    field ``{num_genes}`` becomes ``{n_genes}``, and ``{num_cells}`` ``{n_cells}``; all others keep their names:
    ``{cell_sentence}``, ``{multi_cell_sentences}``, ``{organism}``, ``{cell_type}``, ``{tissue}``, ``{abstract}``. How
    a checkpoint saw one of several cells written is not in such a file: the tasks write ``Cell 1: ...``, a line each;
    for other headers ``dataclasses.replace(task, cell="Cell {number}:\n{cell_sentence}.")``.

    Parameters
    ----------
    path
        The file.
    name
        Name of the task; ``None`` takes the file's name.
    family
        Wording the tasks belong to.

    Returns
    -------
    One task for each template, in the file's order.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file has another layout, or a prompt holds one cell and several.

    Examples
    --------
    >>> import json, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tissue.json"
    >>> _ = path.write_text(
    ...     json.dumps({"model_input": ["{num_genes} genes: {cell_sentence}. Tissue:"], "response": ["{tissue}."]})
    ... )
    >>> task = from_json(path)[0]
    >>> task.template, task.response
    ('{n_genes} genes: {cell_sentence}. Tissue:', ' {tissue}.')
    """
    path = Path(path)
    if not path.is_file():
        msg = f"there is no file {path}; pass the path of a JSON file with prompts"
        raise FileNotFoundError(msg)
    templates, response = _parts(path)
    answer = response if response[:1].isspace() else f" {response}"
    name = path.stem if name is None else name
    tasks = [Task(name, _rename(template), _rename(answer), family) for template in templates]
    if any({SENTENCE, CELLS} <= set(task.fields) for task in tasks):
        msg = f"{path.name} shows one cell and several in one prompt; keep {{{SENTENCE}}} or {{{CELLS}}} in each"
        raise ValueError(msg)
    return tasks


def from_cell2sentence(task: str = "cell_type") -> list[Task]:
    """The prompts that published C2S checkpoints were trained on, read from an installed `cell2sentence`.

    Only its JSON files are read: the package is not imported.

    Parameters
    ----------
    task
        ``"cell_type"``, ``"generate"`` (a cell of a given type), or, about several cells, ``"sample_tissue"``,
        ``"generate_sample_by_tissue"``, ``"sample_abstract"``; as far as the installed version has them.

    Returns
    -------
    One task for each template; the checkpoints saw all of them, so any one will do: ``from_cell2sentence()[0]``.

    Raises
    ------
    ModuleNotFoundError
        If `cell2sentence` is not installed.
    KeyError
        If there is no such task.
    FileNotFoundError
        If the installed version has no file for it.

    Examples
    --------
    >>> task = from_cell2sentence()[0]  # doctest: +SKIP
    >>> sc.tl.c2s_embed(adata, model="vandijklab/C2S-Scale-Pythia-1b-pt", prompt=task)  # doctest: +SKIP
    """
    if task not in _FILES:
        msg = f"cell2sentence has no prompts for {task!r} here; pass one of {', '.join(map(repr, _FILES))}"
        raise KeyError(msg)
    spec = find_spec("cell2sentence")
    if spec is None or not spec.submodule_search_locations:
        msg = "cell2sentence is not installed; call `pip install cell2sentence --no-deps`, or prompts.from_json(path)"
        raise ModuleNotFoundError(msg)
    folder = Path(spec.submodule_search_locations[0]) / "prompts"
    found = sorted(folder.glob(_FILES[task]))
    if not found:
        msg = f"the installed cell2sentence has no file {_FILES[task]} in {folder}; call prompts.from_json(your file)"
        raise FileNotFoundError(msg)
    return from_json(found[0], name=task, family="cell2sentence")


def _parts(path: Path) -> tuple[list[str], str]:
    layout = f'{path} does not hold {{"model_input": [template, ...], "response": [template]}}; rewrite it so'
    try:
        table: Any = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(layout) from error
    if not isinstance(table, dict):
        raise ValueError(layout)
    parts: list[list[str]] = []
    for value in (table.get("model_input"), table.get("response")):
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise ValueError(layout)
        parts.append(texts)
    templates, responses = parts
    if len(responses) > 1:
        msg = f"{path} has {len(responses)} responses; keep one, the prompts share it"
        raise ValueError(msg)
    return templates, responses[0]


def _rename(template: str) -> str:
    """The template with our names of fields, and what stands in doubled braces as it is."""
    for there, ours in _OURS.items():
        template = re.sub(rf"(?<!\{{)\{{{there}\}}(?!\}})", f"{{{ours}}}", template)
    return template
