"""What a tool asks about: single cells, or contexts of several. The same steps for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s._cells.contexts import get_contexts
from scc2s._cells.results import claim, refuse_name
from scc2s.prompts._task import CELLS
from scc2s.tl._asking.cells import look, worded
from scc2s.tl._asking.contexts import (
    SeenContexts,
    ask_contexts,
    look_at_contexts,
    refuse_untaught,
    sample_task,
    say_untaught,
)
from scc2s.tl._asking.question import ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anndata import AnnData

    from scc2s._cells.results import Result
    from scc2s.models import Model
    from scc2s.prompts import Task
    from scc2s.tl._asking.question import Question


@dataclass(frozen=True)
class Subject:
    """The cells of an AnnData: results are columns of ``.obs`` and arrays of ``.obsm``."""

    data: AnnData
    organism: str | None
    sentence_key: str

    @property
    def names(self) -> pd.Index:
        """Names of what is asked about."""
        names: pd.Index = self.data.obs_names
        return names

    def task(self, target: str, usual: str | None = None) -> str:
        """Name of the task that asks for `target`."""
        return target if usual is None else usual

    def claim(self, tool: str, key: str, usual: str, *, obs: Iterable[str] = (), obsm: Iterable[str] = ()) -> Result:
        """The places of a result called `key`; the record of the `usual` name has that of the tool."""
        return claim(self.data, tool if key == usual else f"{tool}_{key}", obs=obs, obsm=obsm)

    def look(self, prompt: str | Task | None, name: str, *, needed: bool = True, shows: bool = True) -> Any:
        """Read what the prompts will hold, and refuse what cannot be asked."""
        task = worded(prompt, name)
        if task is not None and CELLS in task.fields:
            msg = (
                f"the prompt of task {task.name!r} is about several cells ({{{CELLS}}}); pass contexts= the name of "
                "those that sc.pp.c2s_contexts(adata, ...) has drawn, or another prompt="
            )
            raise ValueError(msg)
        return look(
            self.data, prompt, name, organism=self.organism, sentence_key=self.sentence_key, needed=needed, shows=shows
        )

    def refuse_untaught(self, model: Model, task: Task, prompt: str | Task | None) -> None:
        """Raise where the model says that it cannot answer this; of cells it may, and controls tell."""

    def ask(self, task: Task, model: Model, seen: Any, *, n_answer_tokens: int = 0) -> Question:
        """Render the prompts."""
        return ask(
            self.data,
            task,
            model,
            organism=self.organism,
            sentence_key=self.sentence_key,
            n_answer_tokens=n_answer_tokens,
            seen=seen,
        )

    def write(
        self,
        result: Result,
        params: Mapping[str, Any],
        *,
        model: Mapping[str, Any],
        more: Mapping[str, Any] | None = None,
        obs: Mapping[str, Any] | None = None,
        obsm: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the values and their record."""
        result.write(params, model=model, more=more, obs=obs, obsm=obsm)


@dataclass(frozen=True)
class ContextSubject(Subject):
    """Contexts: a result is one entry of ``uns["c2s"]["by_<contexts>"]``, with a row a context."""

    contexts: str

    @property
    def names(self) -> pd.Index:
        """Names of the contexts."""
        names: pd.Index = get_contexts(self.data, self.contexts).table.index.astype(str).astype(object)
        return names

    def task(self, target: str, usual: str | None = None) -> str:  # noqa: ARG002
        """Name of the task that asks for `target`."""
        return sample_task(target)

    def claim(
        self,
        tool: str,  # noqa: ARG002
        key: str,
        usual: str,  # noqa: ARG002
        *,
        obs: Iterable[str] = (),  # noqa: ARG002
        obsm: Iterable[str] = (),  # noqa: ARG002
    ) -> Result:
        """The place of a result called `key`."""
        refuse_name(key)
        return claim(self.data, f"by_{self.contexts}", key)

    def look(
        self,
        prompt: str | Task | None,
        name: str,
        *,
        needed: bool = True,  # noqa: ARG002
        shows: bool = True,  # noqa: ARG002
    ) -> SeenContexts:
        """Read what the prompts will hold, and refuse what cannot be asked."""
        return look_at_contexts(
            self.data, self.contexts, prompt, name, organism=self.organism, sentence_key=self.sentence_key
        )

    def refuse_untaught(self, model: Model, task: Task, prompt: str | Task | None) -> None:
        """Raise where the model says that it was trained on other tasks."""
        refuse_untaught(model, task, prompt)

    def ask(self, task: Task, model: Model, seen: SeenContexts, *, n_answer_tokens: int = 0) -> Question:
        """Render the prompts."""
        say_untaught(model, task)
        return ask_contexts(self.data, task, model, seen, organism=self.organism, n_answer_tokens=n_answer_tokens)

    def write(
        self,
        result: Result,
        params: Mapping[str, Any],
        *,
        model: Mapping[str, Any],
        more: Mapping[str, Any] | None = None,
        obs: Mapping[str, Any] | None = None,
        obsm: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the record with its values: ``table``, a column for each of `obs`, and each of `obsm` as it is."""
        values: dict[str, Any] = {} if not obs else {"table": pd.DataFrame(dict(obs), index=self.names)}
        values |= {"arrays": dict(obsm)} if obsm else {}
        entry = {**(more or {}), **values, "names": self.names.to_numpy(dtype=object)}
        result.write(params, model=model, more=entry)


def subject(data: AnnData, contexts: str | None, *, organism: str | None, sentence_key: str) -> Subject:
    """Cells, or contexts of that name."""
    if contexts is None:
        return Subject(data, organism, sentence_key)
    if not isinstance(contexts, str):
        msg = f"contexts={contexts!r} is not a name; pass contexts= that of sc.pp.c2s_contexts(adata, key_added=...)"
        raise TypeError(msg)
    refuse_name(contexts, "contexts")
    return ContextSubject(data, organism, sentence_key, contexts)


LISTS = ("cell_types",)
"""Targets whose answer is a list, one entry a cell."""


def refuse_for_contexts(contexts: str | None, target: str | list[str], mode: str, groupby: str | None) -> bool:
    """Whether the answer is a list of labels; raise for what cannot be asked of contexts, or of cells.

    Raises
    ------
    ValueError
        `groupby` with contexts, or a list that is to be compared rather than written.
    """
    if contexts is None:
        return False
    if groupby is not None:
        msg = f"groupby={groupby!r} is about cells, and contexts are groups already; leave groupby= out"
        raise ValueError(msg)
    if not isinstance(target, str):
        if found := [name for name in target if name in LISTS]:
            msg = f"{found[0]!r} is a list with an entry for each cell; ask for it alone: target={found[0]!r}"
            raise ValueError(msg)
        return False
    if target in LISTS and mode != "generate":
        msg = (
            f"target={target!r} is a list with an entry for each cell, which a model can only write; "
            "pass mode='generate'"
        )
        raise ValueError(msg)
    return target in LISTS
