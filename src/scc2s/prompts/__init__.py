"""Tasks: template, fields, and how to read the answer."""

from ._external import from_cell2sentence, from_json
from ._families import NO_PERTURBATION, custom, families, get
from ._lists import read_list
from ._task import Rendered, Task

__all__ = [
    "NO_PERTURBATION",
    "Rendered",
    "Task",
    "custom",
    "families",
    "from_cell2sentence",
    "from_json",
    "get",
    "read_list",
]
