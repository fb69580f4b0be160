"""How likely each model finds the sentences of the same cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.prompts._task import SENTENCE
from scc2s.tl._asking.likelihood import sentence_likelihoods, with_answer
from scc2s.tl._asking.question import ask, load_for
from scc2s.tl._benchmarking.contenders import UNIFORM, Outcome, Timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from scc2s.models._numbers import Cache
    from scc2s.prompts import Task
    from scc2s.tl._asking.cells import Cells

TASK = "generate_unconditional"


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """How each model is asked for the likelihood of sentences."""

    data: AnnData
    seen: Cells
    prompt: Task | None
    organism: str | None
    sentence_key: str
    random_state: int
    cache: Cache

    def of(self, given: Any) -> Outcome:
        """Log-likelihood per gene of each sentence; and of the same genes in another order."""
        loaded, task = load_for(given, self.prompt, TASK, can="log_likelihood")
        model = Timed(loaded)
        question = ask(
            self.data,
            with_answer(task, SENTENCE),
            loaded,
            organism=self.organism,
            sentence_key=self.sentence_key,
            seen=self.seen,
        )
        n_genes, found = sentence_likelihoods(model, question, random_state=self.random_state, cache=self.cache)
        more = {
            "perplexity_shuffled": float(np.exp(-found["_shuffled"].sum() / n_genes.sum())),
            "n_shortened": question.rendered.n_shortened,
            **model.cost(),
        }
        return Outcome("", "model", answers=found[""] / n_genes, more={**more, "n_genes": n_genes})


def uniform(sentences: Sequence[str], n_words: int) -> Outcome:
    """Each of `n_words` genes as likely as any other that the sentence does not hold already."""
    n_genes = np.array([len(sentence.split()) for sentence in sentences])
    left = np.log(np.maximum(1, n_words - np.arange(n_genes.max())))
    total = -np.cumsum(left)[n_genes - 1]
    return Outcome(UNIFORM, "floor", answers=total / n_genes, more={"n_genes": n_genes})
