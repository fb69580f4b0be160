"""What requests may say. A request names no model, no file and no address: those are settled when the server starts."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ._view import View

MOST_SHOWN = 50
"""Cells that a model may be shown in one question."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Chosen(_Strict):
    """Some cells, told in one of three ways."""

    rows: list[int] | None = Field(None, description="Numbers of cells, from 0, in the order of the file.")
    names: list[str] | None = Field(None, description="Names of cells (obs_names).")
    column: str | None = Field(None, description="A column of obs, with `values`.")
    values: list[str] | None = Field(None, description="Values of the column.", min_length=1)
    label: str | None = Field(None, description="What the cells are called in the question.", max_length=80)

    @model_validator(mode="after")
    def _one_way(self) -> Chosen:
        if sum(way is not None for way in (self.rows, self.names, self.column)) != 1:
            msg = "pass either rows, names, or column with values"
            raise ValueError(msg)
        if (self.column is None) != (self.values is None):
            msg = "column and values go together; pass both"
            raise ValueError(msg)
        return self

    def find(self, view: View) -> np.ndarray:
        """Their rows, in order.

        Raises
        ------
        KeyError, ValueError
            No such cell, column or value, or no cell at all.
        """
        if self.rows is not None:
            found = np.unique(np.asarray(self.rows, dtype=np.int64))
            if len(found) and (found[0] < 0 or found[-1] >= view.n_obs):
                wrong = found[0] if found[0] < 0 else found[-1]
                msg = f"there is no cell {wrong}; pass rows= numbers from 0 to {view.n_obs - 1}"
                raise ValueError(msg)
        elif self.names is not None:
            index = view.obs.index.get_indexer_for(pd.Index(self.names))
            if (index < 0).any():
                missing = self.names[int(np.argmax(index < 0))]
                msg = f"there is no cell named {missing!r}; pass names= some of obs_names"
                raise KeyError(msg)
            found = np.unique(index)
        else:
            found = self._of_column(view)
        if not len(found):
            msg = "no cell is chosen; pass rows=, names=, or column= with values="
            raise ValueError(msg)
        return found

    def _of_column(self, view: View) -> np.ndarray:
        if self.column is None or self.values is None:
            return np.array([], dtype=np.int64)
        column = view.column(self.column)
        if isinstance(column, np.ndarray):
            msg = f"obs[{self.column!r}] holds numbers; pass column= one of categories, or rows="
            raise ValueError(msg)
        if absent := [value for value in self.values if value not in column.names]:
            msg = (
                f"obs[{self.column!r}] has no value {absent[0]!r}; pass values= some of {', '.join(column.names[:20])}"
            )
            raise KeyError(msg)
        return np.flatnonzero(np.isin(column.codes, [column.names.index(value) for value in self.values]))

    def called(self, otherwise: str) -> str:
        """What they are called: never by the value of a column that was not meant to be told, such as a cell type."""
        return self.label.strip() if self.label and self.label.strip() else otherwise


class _Sampled(_Strict):
    temperature: float = Field(0.0, ge=0, le=5, description="0: the likeliest words.")
    random_state: int = Field(0, ge=0, description="Seed of the cells and of the draws.")
    key_added: str | None = Field(
        None, max_length=80, description="Name of the result in the file; null: the next free."
    )


class _Words(_Sampled):
    n_cells: int = Field(3, ge=1, le=MOST_SHOWN, description="Cells of each group that the model is shown.")
    max_new_tokens: int = Field(128, ge=1, le=2048, description="Longest answer.")
    controls: bool = Field(True, description="Ask without the genes of the cells, too.")


class Caption(_Words):
    """Caption cells (:func:`scc2s.tl.caption`)."""

    cells: Chosen | None = Field(None, description="The cells; or pass groupby.")
    groupby: str | None = Field(None, description="A column of obs: a caption for each of its values.")
    n_captions: int = Field(1, ge=1, le=10)

    @model_validator(mode="after")
    def _one(self) -> Caption:
        if (self.cells is None) == (self.groupby is None):
            msg = "pass either cells or groupby"
            raise ValueError(msg)
        return self


class Ask(_Words):
    """Ask about cells (:func:`scc2s.tl.ask`)."""

    question: str | None = Field(None, max_length=4000, description="In your own words; or pass kind.")
    kind: Literal["state"] | None = Field(None, description="A ready question.")
    cells: Chosen | None = Field(None, description="null: all cells are one group.")
    n_genes: int = Field(50, ge=1, le=2000, description="Genes of each cell that the model is shown.")
    plain: bool | None = Field(None, description="Ask in a plain text; null: where the model has no chat template.")
    use_text: bool = Field(False, description="Put texts that the file holds beside the cells.")


class Compare(_Words):
    """Compare two groups of cells (:func:`scc2s.tl.compare`)."""

    a: Chosen
    b: Chosen | None = Field(None, description="null: all other cells.")
    n_genes: int = Field(50, ge=1, le=2000)
    plain: bool | None = None


class Perturb(_Sampled):
    """Predict what cells become (:func:`scc2s.tl.perturb`)."""

    perturbation: str = Field(min_length=1, max_length=300, description='"A + B" for a combination.')
    cells: Chosen | None = Field(None, description="null: of all cells.")
    most_cells: int = Field(50, ge=1, le=2000, description="Where more are chosen, so many are drawn by the seed.")
    dose: str | None = Field(None, max_length=80)
    time: str | None = Field(None, max_length=80)
    n_genes: int | None = Field(None, ge=1, le=2000, description="Genes to write; null: as many as the cell shows.")
    constrain: bool = Field(True, description="Write only genes of the file, none twice.")
    controls: bool = True
    n_boot: int = Field(200, ge=0, le=10000)
    temperature: float = Field(1.0, ge=0, le=5)


class Annotate(_Sampled):
    """Label cells (:func:`scc2s.tl.annotate`)."""

    cells: Chosen | None = Field(None, description="null: all, and the labels are written to the file.")
    labels: list[str] | None = Field(None, max_length=2000, description="null: those that the model declares.")
    mode: Literal["score", "generate"] = "score"
    min_prob: float | None = Field(None, ge=0, le=1)
    controls: bool = True


class Embed(_Strict):
    """Embed cells (:func:`scc2s.tl.embed`)."""

    cells: Chosen | None = Field(None, description="null: all, and the embedding is written to the file.")
    pooling: Literal["mean", "last"] = "mean"
    key_added: str = Field("X_c2s", max_length=80)


class Generate(_Sampled):
    """Write new cells (:func:`scc2s.tl.generate`); they are returned, and not added to the file."""

    n: int = Field(1, ge=1, le=200, description="Cells for each condition.")
    obs: dict[str, list[str]] | None = Field(None, description="What they are to be: values by column.")
    n_genes: int | None = Field(None, ge=1, le=2000)
    constrain: bool = Field(True, description="Write only genes of the file, none twice.")
    controls: bool = True
    temperature: float = Field(1.0, ge=0, le=5)


class Search(_Strict):
    """Find cells for a text, or like others (:func:`scc2s.tl.search`)."""

    text: str | None = Field(None, max_length=2000)
    cells: Chosen | None = None
    groupby: str | None = Field(None, description="Score the groups of a column in place of single cells.")
    use_rep: str = Field("X_c2s", description="What cells are compared by: a key of obsm.")
    n_top: int = Field(10, ge=1, le=1000)
    n_cells: int = Field(5, ge=1, le=MOST_SHOWN)
    random_state: int = Field(0, ge=0)
    key_added: str | None = Field(None, max_length=80)

    @model_validator(mode="after")
    def _one(self) -> Search:
        if (self.text is None) == (self.cells is None):
            msg = "pass either text or cells"
            raise ValueError(msg)
        return self


class Answered(BaseModel):
    """What a tool gave."""

    key: str | None = Field(description='Name of the result in uns["c2s"] of the file; null: nothing was written.')
    result: dict[str, Any] = Field(description="By verb; docs/page.md describes it.")
    model: dict[str, Any] = Field(description="Which model answered.")
    notes: list[str] = Field(description="Warnings of the tool.")
    seconds: float = Field(description="Time of the work, without the queue.")


class Failed(BaseModel):
    """An error."""

    error: dict[str, Any] = Field(description="status, kind, and message: what is wrong, and what mends it.")
