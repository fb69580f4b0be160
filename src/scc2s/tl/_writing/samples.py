"""Samples of several cells: which task asks for one, and the type of each of its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s import prompts
from scc2s.prompts._lists import PART
from scc2s.prompts._task import CELLS, N_CELLS, N_GENES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

TYPES = "cell_types"
"""Column of the conditions of samples, and field of the prompt: the types of the cells, in order."""
TYPE = "cell_type"
"""Column that each cell gets of it."""


def sample_task(columns: Iterable[object]) -> str:
    """Name of the task that writes samples of these conditions; ``"generate_sample"`` where there is none.

    Examples
    --------
    >>> sample_task([]), sample_task(["tissue"]), sample_task(["tissue", "organism"]), sample_task(["mood"])
    ('generate_sample', 'generate_sample_by_tissue', 'generate_sample_by_tissue', 'generate_sample')
    """
    wanted = {str(name) for name in columns} - {"organism"}
    for family, names in prompts.families().items():
        for name in names:
            task = prompts.get(name, family=family)
            own = set(task.fields) - {N_CELLS, N_GENES, "organism"}
            if name.startswith("generate_sample") and CELLS in task.response_fields and own == wanted:
                return name
    return "generate_sample"


def types_as_text(table: pd.DataFrame, cells_per_sample: int) -> pd.DataFrame:
    """The table with lists of types as one text each.

    Raises
    ------
    ValueError
        If a list is not of `cells_per_sample` types.
    """
    if TYPES not in table or cells_per_sample == 1:
        return table
    lists = [types_in(value) for value in table[TYPES]]
    if wrong := [one for one in lists if len(one) != cells_per_sample]:
        msg = (
            f"cells_per_sample={cells_per_sample}, and obs has {len(wrong[0])} {TYPES} for a sample "
            f"({PART.join(wrong[0])!r}); pass obs={{{TYPES!r}: [[one type a cell, ...], ...]}}, or one text parted by "
            "semicolons"
        )
        raise ValueError(msg)
    return table.assign(**{TYPES: [PART.join(one) for one in lists]})


def types_in(value: object) -> list[str]:
    """Types in a list, or in a text: parted by semicolons, since names may hold commas."""
    given = value.split(PART.strip()) if isinstance(value, str) else value
    if not isinstance(given, list | tuple) and not hasattr(given, "tolist"):
        msg = f"{TYPES} of a sample are {value!r}; pass a list of texts for each sample, or one text with semicolons"
        raise TypeError(msg)
    return [name for name in (str(one).strip() for one in list(given)) if name]  # type: ignore[call-overload]
