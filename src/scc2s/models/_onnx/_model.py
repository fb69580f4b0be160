from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.models._batches import batches
from scc2s.models._finite import IN_ONNX, check_finite
from scc2s.models._progress import bar
from scc2s.models._protocols import LabelScores, TextScores
from scc2s.models._taught import Taught
from scc2s.models._tokens import (
    answer_tokens,
    as_list,
    check_lengths,
    check_pairs,
    check_pooling,
    continued,
    shares_of,
    tokenize,
    windows,
)
from scc2s.models._tree import trees

from ._feeds import Row, feeds, with_answer, with_tree
from ._record import GRAPH
from ._session import import_runtime

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scc2s.models._protocols import Pooling

    from ._record import Record
    from ._tokenizer import FileTokenizer

_BUDGET = {"cpu": 1024, "cuda": 8192}
"""Tokens of a padded batch."""
_TREE = 256
"""Tokens of answers that are read in one go."""


class OnnxModel:
    """An exported model on ONNX Runtime. :func:`scc2s.models.load` makes one from a folder, ``backend="onnx"``.

    Parameters
    ----------
    record
        What the export says of itself.
    tokenizer
        Its tokenizer.
    session
        Of its graph.
    device
        Where that runs.
    taught
        What else it declares.
    """

    def __init__(
        self, record: Record, tokenizer: FileTokenizer, session: Any, device: str, taught: Taught | None = None
    ) -> None:
        self.id, self.revision, self.family = record.id, record.revision, record.family
        self.labels, self.tasks, self.max_tokens = record.labels, record.tasks, record.max_tokens
        self.taught = taught or Taught()
        self.tokenizer, self.device = tokenizer, device
        self.token_budget = _BUDGET[device.partition(":")[0]]
        self._record, self._session = record, session

    def __repr__(self) -> str:
        return f"OnnxModel({self.id!r}, device={self.device!r}, precision={self._record.precision!r})"

    def info(self) -> dict[str, Any]:
        """What a result that this model gave should record."""
        return {
            "id": self.id,
            "revision": self.revision,
            "weights_hash": self._record.weights_hash,
            "graph_hash": self._record.files[GRAPH],
            "family": self.family,
            "architecture": self._record.architecture,
            "max_tokens": self.max_tokens,
            "backend": "onnx",
            "device": self.device,
            "dtype": self._record.precision,
            "onnxruntime": import_runtime().__version__,
            **{f"exported_by_{name}": version for name, version in self._record.versions.items()},
        }

    def count_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Number of tokens of each text as a prompt, with the special tokens that the tokenizer adds."""
        return tokenize(self.tokenizer, as_list(texts)).lengths

    def embed(
        self,
        prompts: Sequence[str],
        *,
        spans: Sequence[tuple[int, int]] | None = None,
        pooling: Pooling = "mean",
        layer: int = -1,
        progress: bool = True,
    ) -> np.ndarray:
        """One vector a prompt; see :meth:`scc2s.models.Embeds.embed`.

        Raises
        ------
        ValueError
            A layer other than the last, which the graph does not give.
        """
        prompts = as_list(prompts)
        check_pooling(prompts, spans, pooling)
        if layer != -1:
            msg = f'an exported model has only its last layer, not {layer}; pass layer=-1, or use backend="torch"'
            raise ValueError(msg)
        out = np.empty((len(prompts), self._record.width), dtype=np.float32)
        with bar(len(prompts), "embed", show=progress) as running:
            for window in windows(len(prompts)):
                tokens = tokenize(self.tokenizer, prompts[window], offsets=spans is not None)
                check_lengths(tokens.lengths, self.max_tokens, first=window.start)
                shares = shares_of(tokens, None if spans is None else spans[window], pooling, first=window.start)
                made = [Row(ids, shares=share) for ids, share in zip(tokens.ids, shares, strict=True)]
                for some, pooled, _ in self._run(made):
                    out[window.start + some] = pooled
                    running.update(len(some))
        check_finite(out, "values of the embedding", IN_ONNX)
        return out

    def score(self, prompts: Sequence[str], choices: Sequence[str], *, progress: bool = True) -> LabelScores:
        """Log-likelihood of each choice after each prompt; see :meth:`scc2s.models.Scores.score`."""
        prompts, choices = as_list(prompts), as_list(choices)
        answers = answer_tokens(self.tokenizer, prompts, choices)
        eos = int(self.tokenizer.eos_token_id)  # type: ignore[arg-type] # answer_tokens refuses a tokenizer without
        forest = list(trees(answers, _TREE))
        n_tokens = np.array([len(answer) + 1 for answer in answers])
        largest = max(len(tree.tokens) for tree in forest)
        out = np.empty((len(prompts), len(choices)), dtype=np.float64)
        with bar(len(prompts), "score", show=progress) as running:
            for window in windows(len(prompts)):
                tokens = tokenize(self.tokenizer, prompts[window])
                check_lengths(
                    tokens.lengths, self.max_tokens, first=window.start, extra=largest, extra_name="all choices"
                )
                for tree in forest:
                    made = [with_tree(prompt, tree, eos) for prompt in tokens.ids]
                    for some, _, logp in self._run(made):
                        found = np.stack(logp).astype(np.float64)
                        steps, stops = found[:, : len(tree.tokens)], found[:, len(tree.tokens) :]
                        out[np.ix_(window.start + some, tree.choices)] = steps @ tree.sees[tree.ends].T + stops
                        running.update(len(some) if tree is forest[-1] else 0)
        check_finite(out, "scores", IN_ONNX)
        return LabelScores(out, n_tokens)

    def log_likelihood(self, prompts: Sequence[str], answers: Sequence[str], *, progress: bool = True) -> TextScores:
        """Log-likelihood of an answer to each prompt; see :meth:`scc2s.models.Reads.log_likelihood`."""
        prompts, answers = as_list(prompts), as_list(answers)
        check_pairs(prompts, answers)
        logprob, n_tokens = np.zeros(len(prompts)), np.zeros(len(prompts), dtype=np.int64)
        with bar(len(prompts), "read", show=progress) as running:
            for window in windows(len(prompts)):
                alone, joint = continued(self.tokenizer, prompts[window], answers[window], first=window.start)
                check_lengths(joint.lengths, self.max_tokens, first=window.start)
                n_tokens[window] = joint.lengths - alone.lengths
                made = [with_answer(prompt, text) for prompt, text in zip(alone.ids, joint.ids, strict=True)]
                for some, _, logp in self._run(made):
                    logprob[window.start + some] = [part.astype(np.float64).sum() for part in logp]
                    running.update(len(some))
        check_finite(logprob, "log-likelihoods", IN_ONNX)
        return TextScores(logprob, n_tokens)

    def _run(self, rows: list[Row]) -> Iterator[tuple[np.ndarray, np.ndarray, list[np.ndarray]]]:
        """Numbers of the rows of each batch, their pooled states, and their log-probabilities."""
        for some in batches(np.array([len(row.ids) for row in rows]), self.token_budget):
            batch = [rows[i] for i in some]
            pooled, logp = self._session.run(["pooled", "log_probs"], feeds(batch))
            sizes = [0 if row.targets is None else len(row.targets) for row in batch]
            yield some, pooled, np.split(logp, np.cumsum(sizes)[:-1])
