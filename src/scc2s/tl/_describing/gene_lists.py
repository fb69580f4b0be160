"""Lists of genes that a model is asked about, or writes, without cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import pandas as pd
from anndata import AnnData

from scc2s._cells.fields import prompt_fields
from scc2s._logging import logger
from scc2s.prompts._answers import tidy
from scc2s.prompts._task import N_GENES, SENTENCE
from scc2s.sentences._names import as_words
from scc2s.sentences._split_cells import without_echo
from scc2s.tl._describing.grounding import listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mudata import MuData

    from scc2s.models import Model
    from scc2s.prompts import Task
    from scc2s.tl._asking.decoding import Decoding


def holds_cells(found: object) -> TypeGuard[AnnData | MuData]:
    """Whether this is a data set rather than names of genes."""
    return isinstance(found, AnnData) or hasattr(found, "mod")


def given_lists(genes: Any) -> dict[str, list[str]]:
    """The user's own lists of genes by name; of a single one the name is empty.

    Raises
    ------
    TypeError
        Not a list of texts, or several lists by name.
    ValueError
        A list is empty, or a gene has no name.
    """
    found = {str(key): _genes(some) for key, some in (genes if isinstance(genes, Mapping) else {"": genes}).items()}
    if not found:
        msg = "there are no lists of genes to name; pass at least one, e.g. {'mine': ['CD79A', 'MS4A1']}"
        raise ValueError(msg)
    if empty := [key for key, some in found.items() if not some]:
        msg = f"there are no genes to name{f' in {empty[0]!r}' if empty[0] else ''}; pass lists with at least one"
        raise ValueError(msg)
    return found


def _genes(some: Any) -> list[str]:
    if isinstance(some, str | bytes | Mapping) or not isinstance(some, Iterable) or getattr(some, "ndim", 1) != 1:
        msg = f"genes is {type(some).__name__}, not a list of names; pass ['CD79A', 'MS4A1'], or cells and groupby="
        raise TypeError(msg)
    names = list(some)
    if wrong := [name for name in names if not isinstance(name, str)]:
        msg = f"{wrong[0]!r} is not the name of a gene; pass texts alone: [g for g in genes if isinstance(g, str)]"
        raise TypeError(msg)
    if blank := [name for name in names if not name.strip() or not name.strip().isprintable()]:
        msg = f"{blank[0]!r} is not the name of a gene; leave it out of the list"
        raise ValueError(msg)
    return [str(name).strip() for name in names]


def genes_alone(names: Iterable[str]) -> AnnData:
    """A data set of these genes and one empty cell."""
    index = pd.Index(list(dict.fromkeys(map(str, names))))
    return AnnData(obs=pd.DataFrame(index=["0"]), var=pd.DataFrame(index=index))


def one_organism(data: AnnData, task: Task | None, organism: str | None) -> str | None:
    """The organism of all cells; ``None`` where the prompt does not name it. A prompt that is not known yet may."""
    if task is not None and "organism" not in task.fields:
        return None
    found = np.unique(prompt_fields(data, ["organism"], organism=organism)["organism"].astype(str))
    if len(found) > 1:
        msg = f"the data is of {len(found)} organisms ({', '.join(found)}); pass organism= one of them"
        raise ValueError(msg)
    return str(found[0])


def named(
    lists: Mapping[str, Sequence[str]], model: Model, task: Task, organism: str | None, decoding: Decoding
) -> pd.DataFrame:
    """A name for each list: ``group``, ``name``, ``model_text``, ``genes``, ``n_genes``; empty lists get an empty one.

    A list too long for the model's context loses genes (logged).
    """
    from scc2s.models import answers

    refuse_fields(task)
    genes = {key: sorted(set(as_words(some))) for key, some in lists.items()}
    asked = {key: " ".join(some) for key, some in genes.items() if some}
    rendered = task.render(
        list(asked.values()),
        {} if organism is None else {"organism": organism},
        count_tokens=model.count_tokens,
        max_tokens=None if model.max_tokens is None else model.max_tokens - (decoding.max_new_tokens or 0),
    )
    if rendered.n_shortened:
        logger.warning(
            "%d of %d lists lost the last genes of the alphabet, to fit the %d tokens of %s",
            rendered.n_shortened, len(asked), model.max_tokens, model.id,
        )  # fmt: skip
    raw = answers(
        model,  # type: ignore[arg-type]  # choose_writer made sure that it writes
        rendered.texts,
        max_new_tokens=decoding.max_new_tokens,
        sampling=decoding.sampling,
        random_state=decoding.random_state,
        cache=decoding.cache,
    )
    said = [task.answer(tidy(without_echo(text, prompt))) for text, prompt in zip(raw, rendered.texts, strict=True)]
    names = dict(zip(asked, said, strict=True))
    rows = [(key, names.get(key, ""), True, listing(some), len(some)) for key, some in genes.items()]
    table = pd.DataFrame(rows, columns=["group", "name", "model_text", "genes", "n_genes"])
    return table.set_axis(table.index.astype(str))


def refuse_fields(task: Task) -> None:
    """Raise if a list of genes does not fill the prompt of a task."""
    if SENTENCE not in task.fields:
        msg = f"the prompt of task {task.name!r} has no {{{SENTENCE}}}, so no gene would be in it; add the field"
        raise ValueError(msg)
    if other := [name for name in task.fields if name not in (SENTENCE, N_GENES, "organism")]:
        msg = f"the prompt has a field {{{other[0]}}}, which a list of genes does not fill; write its text out instead"
        raise ValueError(msg)
