"""Labels of each cell by its nearest cells in the embedding of each model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.models._numbers import embeddings
from scc2s.sentences._features import rank_features
from scc2s.tl._asking.question import ask, load_for
from scc2s.tl._benchmarking.contenders import WORDS, Outcome, Timed
from scc2s.tl._labelling.classify import Classifier, probabilities

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData

    from scc2s.models._numbers import Cache
    from scc2s.prompts import Task
    from scc2s.tl._asking.cells import Cells
    from scc2s.tl._benchmarking.sample import Sample

_N_COMPS = 50


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """How each model is asked for an embedding, and what is made of it."""

    data: AnnData
    seen: Cells
    sample: Sample
    labels: np.ndarray
    """Of the cells of the sample."""
    prompt: str | Task | None
    organism: str | None
    sentence_key: str
    n_neighbors: int
    random_state: int
    cache: Cache

    def of(self, given: Any) -> Outcome:
        """Labels by a vote of the nearest cells (cosine) of the other parts of the sample."""
        loaded, task = load_for(given, self.prompt, "cell_type", can="embed")
        model = Timed(loaded)
        question = ask(self.data, task, loaded, organism=self.organism, sentence_key=self.sentence_key, seen=self.seen)
        X = embeddings(model, question.rendered.texts, cache=self.cache)
        more = {"width": X.shape[1], "n_shortened": question.rendered.n_shortened, **model.cost()}
        return Outcome("", "model", answers=self._told(lambda train, test: self._near(X, train, test)), more=more)

    def by_words(self) -> Outcome:
        """The same in principal components of the ranks of the words, without a model."""
        X, _ = rank_features([self.seen.sentences[row] for row in self.sample.rows.tolist()])
        how = Classifier("knn", self.n_neighbors, _N_COMPS, self.random_state)

        def near(train: np.ndarray, test: np.ndarray) -> np.ndarray:
            probs, names = probabilities(X[train], self.labels[train], X[test], how)
            return np.asarray(np.array(names, dtype=object)[probs.argmax(axis=1)])

        return Outcome(WORDS, "floor", answers=self._told(near))

    def _near(self, X: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        from sklearn.neighbors import KNeighborsClassifier

        near = KNeighborsClassifier(min(self.n_neighbors, len(train)), metric="cosine")
        found: np.ndarray = near.fit(X[train], self.labels[train]).predict(X[test])
        return found.astype(object)

    def _told(self, near: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        """Label of each cell by the cells of the other parts."""
        parts = self.sample.folds
        out = np.full(len(parts), None, dtype=object)
        for part in np.unique(parts):
            train, test = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
            if len(train):
                out[test] = near(train, test)
        return out
