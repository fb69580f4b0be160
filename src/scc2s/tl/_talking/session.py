"""A conversation about chosen cells, turn by turn, with a log in the AnnData."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.contexts import Contexts, get_contexts
from scc2s._logging import logger
from scc2s.prompts._consensus import alike
from scc2s.tl._describing.grounding import listing
from scc2s.tl._talking.answering import log_flagged, texts_for
from scc2s.tl._talking.asker import most_genes
from scc2s.tl._talking.evidence import genes_table
from scc2s.tl._talking.judging import Judge, as_claims, summary

if TYPE_CHECKING:
    from anndata import AnnData

    from scc2s._cells.results import Result
    from scc2s.tl._talking.answering import Before, Options
    from scc2s.tl._talking.asker import Asker, Messages
    from scc2s.tl._talking.topics import Topic

SPARE = 0.4
"""Share of the context that is left for questions and answers."""
_TURN = ["question", "text", "model_text", "cells", "genes", "texts", "n_genes_shown", "n_dropped", "model", "prompt",
         "null_text", "like_null", "n_claims", "n_contradicted", "flagged", "why"]  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """An answer with what it rests on. It is text of a model, not a finding."""

    text: str
    question: str
    cells: list[str]
    """Names of the cells that the model was shown."""
    genes: dict[str, list[str]]
    """Genes that a test found higher in each group, as the model was told."""
    texts: list[str]
    """Sources of the texts beside the cells."""
    model: str
    prompt: list[dict[str, str]]
    """The messages as they were sent."""
    n_dropped: int
    """Earlier turns that had no room in this prompt."""
    null_text: str
    """What the model answers where it is shown no gene; empty without controls."""
    claims: pd.DataFrame = field(repr=False)
    """What the text names, and whether the cells say so."""
    flagged: bool
    why: str
    """What the cells contradict, and whether there was anything to check."""

    def __str__(self) -> str:
        return self.text


class Chat:
    """A conversation about cells. :func:`scc2s.tl.chat` begins one; :meth:`ask` asks.

    Parameters
    ----------
    data
        The cells.
    result
        Place of the log.
    params
        What the log says of how it came about.
    topic
        Groups of cells that are talked about.
    before
        What was read of them.
    asker
        Who is asked.
    options
        How.
    """

    def __init__(
        self,
        data: AnnData,
        result: Result,
        params: Mapping[str, Any],
        topic: Topic,
        before: Before,
        asker: Asker,
        options: Options,
    ) -> None:
        self._data, self._result, self._params, self._topic = data, result, dict(params), topic
        self._before, self._asker, self._options = before, asker, options
        self._judge = Judge(
            before.expressed, [topic], options.known_markers, min_share=options.min_share,
            ignore=asker.model.labels or (),
        )  # fmt: skip
        self.n_genes = most_genes(asker, self._bare, options.n_genes, spare=SPARE, what="message that shows the cells")
        """Genes of each cell that the model is shown."""
        if self.n_genes < options.n_genes:
            logger.warning(
                "cells are shown with their first %d genes, so that %.0f %% of the context of %s are left to talk",
                self.n_genes, 100 * SPARE, asker.model.id,
            )  # fmt: skip
        self.system: str = before.system(0, self.n_genes, [])
        """The message that shows the cells; it stays, however long the conversation."""
        self.history: list[dict[str, str]] = []
        """Questions and answers so far, as they were sent and came."""
        self.answers: list[Answer] = []
        """Those of this session."""
        self._rows: list[dict[str, Any]] = []
        self._claims: list[pd.DataFrame] = []

    def __repr__(self) -> str:
        n = len(self._rows)
        return f"Chat({self._asker.model.id!r}, {len(self.cells)} cells, {n} turn{'' if n == 1 else 's'})"

    @property
    def cells(self) -> list[str]:
        """Names of the cells that are shown."""
        rows = [row for some in self._before.cells[0].values() for row in some]
        return [str(name) for name in self._data.obs_names[rows]]

    @property
    def turns(self) -> pd.DataFrame:
        """One row a turn, as in the log."""
        table = pd.DataFrame(self._rows, columns=_TURN)
        return table.set_axis(table.index.astype(str))

    def ask(self, question: str) -> Answer:
        """Ask something about the cells.

        Parameters
        ----------
        question
            In words.

        Returns
        -------
        The answer with its evidence. The turn is added to the log in ``.uns["c2s"]``.

        Raises
        ------
        ConnectionError
            The server of the model gave no answer. Earlier turns stay.
        ValueError
            The question does not fit the context beside the cells, or the answer is empty. Earlier turns stay.
        """
        if not isinstance(question, str) or not question.strip():
            msg = f"question={question!r} asks nothing; pass a text: chat.ask('Which cells are these?')"
            raise ValueError(msg)
        passages = texts_for(self._asker, self._before.texts[0], question, self._options.text_tokens)
        content = "\n".join([*(f'From the text "{source}": {text}' for source, text in passages), question.strip()])
        messages, n_dropped = self._window(content)
        (text,) = self._asker.ask([messages])
        if not text:
            msg = (
                f"{self._asker.model.id} gave an empty answer, which is not added to the {len(self._rows)} turns "
                "before; ask in other words, or pass a larger max_new_tokens= to tl.chat"
            )
            raise ValueError(msg)
        null = (
            self._asker.ask([[*self._bare(0)[:1], {"role": "user", "content": content}]])[0] if self._controls else ""
        )
        name = str(len(self._rows))
        found = self._judge.look([text], [self._topic], [name])
        like_null = alike(text, null) if self._controls else np.nan
        checked: dict[str, Any] = summary(found, [name], [like_null]).to_dict("records")[0]  # type: ignore[assignment]
        answer = Answer(
            text=text,
            question=question,
            cells=self.cells,
            genes={one.group: one.genes for one in self._before.higher[0]},
            texts=[source for source, _ in passages],
            model=str(self._asker.model.id),
            prompt=messages,
            n_dropped=n_dropped,
            null_text=null,
            claims=found,
            flagged=bool(checked["flagged"]),
            why=str(checked["why"]),
        )
        self._add(answer, {**checked, "like_null": like_null})
        return answer

    @property
    def _controls(self) -> bool:
        return self._options.controls

    def _without_genes(self, content: str) -> str:
        """The answer to a question alone, where no gene is shown."""
        return self._asker.ask([[self._bare(0)[0], {"role": "user", "content": content}]])[0]

    def _bare(self, n_genes: int) -> Messages:
        system = self._before.system(0, n_genes, [])
        return [{"role": "system", "content": system}, {"role": "user", "content": "?"}]

    def _window(self, content: str) -> tuple[Messages, int]:
        """The prompt of the next turn: the cells, the latest turns that have room, and the question."""
        system, asked = {"role": "system", "content": self.system}, {"role": "user", "content": content}
        room = self._asker.room
        n = 0
        while True:
            messages = [system, *self.history[2 * n :], asked]
            if room is None or (used := self._asker.count(messages)) <= room:
                return messages, n
            if 2 * n >= len(self.history):
                msg = (
                    f"the question and the cells have {used} tokens, and {self._asker.model.id} has room for {room}; "
                    "ask a shorter question, or begin with fewer cells or genes: tl.chat(n_cells=, n_genes=)"
                )
                raise ValueError(msg)
            n += 1

    def _add(self, answer: Answer, checked: Mapping[str, Any]) -> None:
        self.history += [answer.prompt[-1], {"role": "assistant", "content": answer.text}]
        self.answers.append(answer)
        row = {
            "question": answer.question,
            "text": answer.text,
            "model_text": True,
            "cells": listing(answer.cells),
            "genes": listing(gene for genes in answer.genes.values() for gene in genes),
            "texts": listing(answer.texts),
            "n_genes_shown": self.n_genes,
            "n_dropped": answer.n_dropped,
            "model": answer.model,
            "prompt": json.dumps(answer.prompt, ensure_ascii=False),
            "null_text": answer.null_text,
        }
        self._rows.append({**row, **checked})
        self._claims.append(answer.claims)
        log_flagged(self.turns.iloc[-1:])
        self._write()

    def _write(self) -> None:
        table = self.turns
        entries = Contexts(table, [self.cells] * len(table)).entries()
        entries["cells"].index = entries["cells"].index.astype(str)
        more = {
            **entries,
            "genes": genes_table(["chat"], self._before.higher),
            "claims": as_claims(pd.concat(self._claims, ignore_index=True)),
            "system": self.system,
        }
        self._result.write(self._params, model=self._asker.model.info(), more=more)

    def go_on(self) -> None:
        """Take up the conversation that stands in the log.

        Raises
        ------
        KeyError
            There is none.
        ValueError
            It was about other cells, or showed them otherwise.
        """
        name = self._result.record[0]
        found = self._data.uns.get("c2s", {}).get(name)
        if not isinstance(found, Mapping) or "system" not in found:
            msg = f"there is no conversation in adata.uns['c2s'][{name!r}] to go on with; pass resume=False"
            raise KeyError(msg)
        if str(found["system"]) != self.system:
            msg = (
                f"the conversation in adata.uns['c2s'][{name!r}] shows other cells, or other genes of them; pass the "
                "arguments that it began with, or begin anew: resume=False"
            )
            raise ValueError(msg)
        table = get_contexts(self._data, name).table
        for row in table.to_dict("records"):
            sent = json.loads(str(row["prompt"]))[-1]
            self.history += [sent, {"role": "assistant", "content": str(row["text"])}]
            self._rows.append({str(key): value for key, value in row.items()})
        self._claims.append(as_claims(found["claims"]))
