from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._chat import checked
from ._protocols import LabelScores, TextScores
from ._taught import Taught, taught

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from ._protocols import Pooling
    from .decoding import GeneVocabulary, Sampling

_ATTRIBUTES = ("id", "revision", "max_tokens", "family", "labels", "tasks")


class ReplayModel:
    """Answers of a model, kept in a file and given again: for tests and documents that need no model.

    Parameters
    ----------
    path
        File of JSON lines. It is written when there is a `model`, else only read.
    model
        Asked for what the file does not hold yet. Answers are written as they come, so a killed run goes on.

    Raises
    ------
    FileNotFoundError
        No such file, and no model to record.
    ValueError
        The file has the answers of another model.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from scc2s.models import CallableModel
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "answers.jsonl"
    >>> live = CallableModel(generate=lambda prompts: [prompt.upper() for prompt in prompts])
    >>> ReplayModel(path, model=live).generate(["a", "b"], max_new_tokens=1)
    ['A', 'B']
    >>> ReplayModel(path).generate(["b"], max_new_tokens=1)
    ['B']
    """

    def __init__(self, path: str | PathLike[str], *, model: Any = None) -> None:
        self._path, self._model = Path(path), model
        if not self._path.exists():
            if model is None:
                msg = f"no recorded answers in {self._path}; record them first: ReplayModel(path, model=model)"
                raise FileNotFoundError(msg)
            said = {name: getattr(model, name) for name in _ATTRIBUTES}
            self._append({"info": model.info(), **said, "taught": taught(model).to_dict()})
        head, *lines = map(json.loads, self._whole_lines())
        if model is not None and head["info"] != json.loads(json.dumps(model.info())):
            msg = f"{self._path} has the answers of {head['info']}, not of {model.info()}; give another path"
            raise ValueError(msg)
        self._info: dict[str, Any] = head["info"]
        self.id, self.revision, self.max_tokens, self.family = (head[name] for name in _ATTRIBUTES[:4])
        self.labels, self.tasks = head["labels"], head.get("tasks")
        self.taught = Taught(**head.get("taught", {}))
        self._answers = {line["key"]: line["value"] for line in lines}

    def info(self) -> dict[str, Any]:
        """What the recorded model says of itself."""
        return dict(self._info)

    def count_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Number of tokens of each text."""
        keys = [("count_tokens", text) for text in texts]
        found = self._ask(keys, lambda new: self._model.count_tokens([texts[i] for i in new]).tolist())
        return np.array(found, dtype=np.int64)

    def embed(
        self,
        prompts: Sequence[str],
        *,
        spans: Sequence[tuple[int, int]] | None = None,
        pooling: Pooling = "mean",
        layer: int = -1,
        progress: bool = True,
    ) -> np.ndarray:
        """One vector a prompt."""

        def ask(new: list[int]) -> list[Any]:
            some = None if spans is None else [spans[i] for i in new]
            texts = [prompts[i] for i in new]
            found = self._model.embed(texts, spans=some, pooling=pooling, layer=layer, progress=progress)
            return list(found.tolist())

        where = [None] * len(prompts) if spans is None else [[int(start), int(end)] for start, end in spans]
        keys = [("embed", prompt, span, pooling, layer) for prompt, span in zip(prompts, where, strict=True)]
        return np.array(self._ask(keys, ask), dtype=np.float32)

    def score(self, prompts: Sequence[str], choices: Sequence[str], *, progress: bool = True) -> LabelScores:
        """Log-likelihood of each choice after each prompt."""

        def ask(new: list[int]) -> list[Any]:
            scores = self._model.score([prompts[i] for i in new], choices, progress=progress)
            return [[row, scores.n_tokens.tolist()] for row in scores.logprob.tolist()]

        found = self._ask([("score", prompt, list(choices)) for prompt in prompts], ask)
        logprob = np.array([row for row, _ in found], dtype=np.float64).reshape(len(prompts), len(choices))
        n_tokens = found[0][1] if found else np.ones(len(choices))
        return LabelScores(logprob, np.array(n_tokens, dtype=np.int64))

    def log_likelihood(self, prompts: Sequence[str], answers: Sequence[str], *, progress: bool = True) -> TextScores:
        """Log-likelihood of one answer after each prompt."""

        def ask(new: list[int]) -> list[Any]:
            scores = self._model.log_likelihood([prompts[i] for i in new], [answers[i] for i in new], progress=progress)
            return list(zip(scores.logprob.tolist(), scores.n_tokens.tolist(), strict=True))

        keys = [("log_likelihood", prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
        found = np.array(self._ask(keys, ask), dtype=np.float64).reshape(-1, 2)
        return TextScores(found[:, 0], found[:, 1].astype(np.int64))

    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int | None = None,
        genes: GeneVocabulary | None = None,
        sampling: Sampling | None = None,
        seeds: Sequence[int] | None = None,
        progress: bool = True,
    ) -> list[str]:
        """One answer a prompt."""

        def ask(new: list[int]) -> list[str]:
            found: list[str] = self._model.generate(
                [prompts[i] for i in new],
                max_new_tokens=max_new_tokens,
                genes=None if genes is None else genes.take(new),
                sampling=sampling,
                seeds=None if seeds is None else [seeds[i] for i in new],
                progress=progress,
            )
            return found

        how = None if sampling is None else [sampling.temperature, sampling.top_p, sampling.top_k]
        lengths = [None] * len(prompts) if genes is None else genes.lengths(len(prompts)).tolist()
        vocabulary = None if genes is None else [genes.digest, genes.exact]
        numbers = [None] * len(prompts) if seeds is None else [int(seed) for seed in seeds]
        keys = [
            ("generate", prompt, max_new_tokens, *((vocabulary, n, how, seed) if vocabulary or how else ()))
            for prompt, n, seed in zip(prompts, lengths, numbers, strict=True)
        ]
        return self._ask(keys, ask)

    def reply(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        seed: int | None = None,
    ) -> str:
        """The next answer in a conversation."""
        said = checked(messages)

        def ask(_: list[int]) -> list[str]:
            return [self._model.reply(said, max_new_tokens=max_new_tokens, sampling=sampling, seed=seed)]

        how = None if sampling is None else [sampling.temperature, sampling.top_p, sampling.top_k]
        key = ("reply", said, max_new_tokens, *((how, None if seed is None else int(seed)) if how else ()))
        return str(self._ask([key], ask)[0])

    def count_message_tokens(self, messages: Sequence[Mapping[str, str]]) -> int:
        """Number of tokens of a conversation."""
        said = checked(messages)
        return int(
            self._ask([("count_message_tokens", said)], lambda _: [int(self._model.count_message_tokens(said))])[0]
        )

    def _ask(self, questions: Sequence[tuple[Any, ...]], ask: Callable[[list[int]], list[Any]]) -> list[Any]:
        keys = [json.dumps(question) for question in questions]
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        new = sorted(i for key, i in first.items() if key not in self._answers)
        if new and self._model is None:
            msg = f"{self._path} has no answer to {keys[new[0]]}; record it: ReplayModel(path, model=model)"
            raise KeyError(msg)
        for i, value in zip(new, ask(new) if new else [], strict=True):
            self._answers[keys[i]] = value
            self._append({"key": keys[i], "value": value})
        return [self._answers[key] for key in keys]

    def _whole_lines(self) -> list[str]:
        """Lines of the file, less one that a killed process left unfinished."""
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content) and self._model is not None:
            os.truncate(self._path, len(whole))
        return whole.decode().splitlines()

    def _append(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
