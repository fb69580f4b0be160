from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._task import N_GENES, Task

if TYPE_CHECKING:
    from os import PathLike

_N_GENES_THERE = "num_genes"
_SEVERAL_CELLS = "multi_cell_sentences"
_FILES = {
    "cell_type": "single_cell_cell_type_prediction_prompts.json",
    "generate": "single_cell_cell_type_conditional_generation_prompts.json",
}


def from_json(path: str | PathLike[str], *, name: str | None = None, family: str = "external") -> list[Task]:
    """Tasks from a JSON file in the layout of the `cell2sentence` package.

    The file holds ``{"model_input": [template, ...], "response": [template]}``; either may also be one string. Its
    field ``{num_genes}`` becomes ``{n_genes}``; all others keep their names.

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
        If the file has another layout, or its prompts hold several cells.

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
    if any(_SEVERAL_CELLS in (*task.fields, *task.response_fields) for task in tasks):
        msg = f"{path.name} asks about several cells at once; pass a file whose prompts have {{cell_sentence}}"
        raise ValueError(msg)
    return tasks


def from_cell2sentence(task: str = "cell_type") -> list[Task]:
    """The prompts that published C2S checkpoints were trained on, read from an installed `cell2sentence`.

    Only its JSON files are read: the package is not imported.

    Parameters
    ----------
    task
        ``"cell_type"`` or ``"generate"`` (a cell of a given type).

    Returns
    -------
    One task for each template; the checkpoints saw all of them, so any one will do: ``from_cell2sentence()[0]``.

    Raises
    ------
    ModuleNotFoundError
        If `cell2sentence` is not installed.
    KeyError
        If it has no such task.

    Examples
    --------
    >>> task = from_cell2sentence()[0]  # doctest: +SKIP
    >>> sc.tl.c2s_embed(adata, model="vandijklab/C2S-Scale-Pythia-1b-pt", prompt=task)  # doctest: +SKIP
    """
    if task not in _FILES:
        msg = f"cell2sentence has no prompts for {task!r} here; pass {' or '.join(map(repr, _FILES))}"
        raise KeyError(msg)
    spec = find_spec("cell2sentence")
    if spec is None or not spec.submodule_search_locations:
        msg = "cell2sentence is not installed; call `pip install cell2sentence --no-deps`, or prompts.from_json(path)"
        raise ModuleNotFoundError(msg)
    return from_json(
        Path(spec.submodule_search_locations[0]) / "prompts" / _FILES[task], name=task, family="cell2sentence"
    )


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
    return re.sub(rf"(?<!\{{)\{{{_N_GENES_THERE}\}}(?!\}})", f"{{{N_GENES}}}", template)
