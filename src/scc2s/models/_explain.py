"""A model that says what it would be asked, without its weights."""

from __future__ import annotations

from os import fspath
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from ._catalogue import entry, measure
from ._estimate import DECODING, SPEED, memory_gb, time_class, work
from ._family import UNKNOWN, recognise
from ._folder import check_folder, read_declared
from ._sources import MINI, find, in_cache, is_hub_id
from ._taught import Taught, taught

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .decoding import GeneVocabulary

CAN = ("embed", "score", "log_likelihood", "generate", "reply")
_PER_WORD = 3.6  # tokens of a gene, where no tokenizer is at hand


class Explained(Exception):
    """Raised in place of the first answers of an :class:`Unloaded` model: what they would have been the answers to."""

    def __init__(self, summary: dict[str, Any]) -> None:
        super().__init__(f"{summary['n_prompts']} prompts would be asked")
        self.summary = summary
        """``model``, ``prompt`` (the first), ``n_prompts``, ``tokens_read``, ``tokens_written`` (at most),
        ``memory_gb`` and ``time`` (by device; both ``None`` where the size of the model is not known), ``counted``
        (whether tokens are those of its tokenizer)."""


class Unloaded:
    """What is known of a model without its weights. It takes the place of one, up to its first question.

    Parameters
    ----------
    name
        Its id.
    revision
        Commit of the hub repository.
    family, labels, tasks, teaching, max_tokens
        As of the model itself.
    count
        Counts the tokens of texts; ``None``: they are reckoned from the number of words.
    count_messages
        Counts the tokens of a conversation, or says that the model does not talk.
    facts
        Its size (:func:`scc2s.models._catalogue.measure`), where it is known.
    can
        What the model can do.
    """

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        family: str = UNKNOWN,
        labels: list[str] | None = None,
        tasks: list[str] | None = None,
        teaching: Taught | None = None,
        max_tokens: int | None = None,
        count: Callable[[Sequence[str]], np.ndarray] | None = None,
        count_messages: Callable[[Sequence[Mapping[str, str]]], int] | None = None,
        facts: Mapping[str, Any] | None = None,
        can: Sequence[str] = CAN,
    ) -> None:
        self.id, self.revision, self.family, self.labels, self.tasks = name, revision, family, labels, tasks
        self.taught = teaching or Taught()
        self.max_tokens = max_tokens
        self._count, self._count_messages, self._facts = count, count_messages, facts
        # Set one by one, so that the protocols see what this model can do and what it cannot.
        for what in can:
            setattr(self, what, getattr(self, f"_{what}"))

    def info(self) -> dict[str, Any]:
        """What it is; no result comes of it."""
        return {
            "id": self.id,
            "revision": self.revision,
            "weights_hash": None,
            "family": self.family,
            "backend": "none",
        }

    def count_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Number of tokens of each text as a prompt."""
        if self._count is not None:
            return self._count(texts)
        per_word = (self._facts or {}).get("tokens_per_gene", _PER_WORD)
        return np.array([round(len(text.split()) * per_word) for text in texts], dtype=np.int64)

    def count_message_tokens(self, messages: Sequence[Mapping[str, str]]) -> int:
        """Tokens of a conversation up to where the answer begins."""
        if self._count_messages is not None:
            return self._count_messages(messages)
        return int(self.count_tokens([message["content"] for message in messages]).sum())

    def _embed(self, prompts: Sequence[str], **_: Any) -> np.ndarray:
        raise self._explained(prompts[0], self.count_tokens(prompts))

    def _score(self, prompts: Sequence[str], choices: Sequence[str], **_: Any) -> np.ndarray:
        read = self.count_tokens(prompts)  # the answers are read too, not written
        raise self._explained(prompts[0], read, also_read=int(self.count_tokens(choices).sum()))

    def _log_likelihood(self, prompts: Sequence[str], answers: Sequence[str], **_: Any) -> np.ndarray:
        raise self._explained(prompts[0], self.count_tokens(prompts), also_read=self.count_tokens(answers))

    def _generate(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int | None = None,
        genes: GeneVocabulary | None = None,
        **_: Any,
    ) -> list[str]:
        if genes is None:
            written = np.full(len(prompts), max_new_tokens or 0)
        else:
            some = " ".join(genes.names[:200])
            per_gene = float(self.count_tokens([some])[0]) / min(200, len(genes.names))
            written = np.ceil(genes.lengths(len(prompts)) * per_gene).astype(int)
        raise self._explained(prompts[0], self.count_tokens(prompts), written=written)

    def _reply(self, messages: Sequence[Mapping[str, str]], *, max_new_tokens: int, **_: Any) -> str:
        raise self.conversations([messages], max_new_tokens)

    def conversations(self, asked: Sequence[Sequence[Mapping[str, str]]], max_new_tokens: int) -> Explained:
        """What several conversations would take."""
        read = np.array([self.count_message_tokens(messages) for messages in asked])
        first = "\n".join(f"{message['role']}: {message['content']}" for message in asked[0])
        return self._explained(first, read, written=np.full(len(asked), max_new_tokens))

    def _explained(self, prompt: str, read: np.ndarray, *, also_read: Any = 0, written: Any = 0) -> Explained:
        read = read + also_read
        written = np.broadcast_to(written, read.shape)
        found: dict[str, Any] = {
            "model": self.id,
            "prompt": prompt,
            "n_prompts": len(read),
            "tokens_read": int(read.sum()),
            "tokens_written": int(written.sum()),
            "memory_gb": None,
            "time": None,
            "counted": self._count is not None,
        }
        if self._facts is not None:
            reading, writing = (float(np.sum(part)) for part in work(self._facts, read, written))
            seconds = reading + DECODING * writing
            found["time"] = {device: time_class(seconds / speed) for device, speed in SPEED.items()}
            found["memory_gb"] = memory_gb(self._facts)
        return Explained(found)


def unloaded(source: Any, options: Mapping[str, Any]) -> Unloaded:
    """What :func:`scc2s.models.load` would load, without weights where they would be read by torch.

    Parameters
    ----------
    source, options
        As there.

    Raises
    ------
    FileNotFoundError, ValueError
        As there.
    ConnectionError
        A hub id that is neither downloaded nor in the catalogue.
    """
    if options.get("backend", "torch") != "torch":
        from ._load import load

        there = load(source, **options)
        return Unloaded(
            there.id,
            revision=there.revision,
            family=there.family,
            labels=there.labels,
            tasks=there.tasks,
            teaching=taught(there),
            max_tokens=there.max_tokens,
            count=there.count_tokens,
            count_messages=getattr(there, "count_message_tokens", None),
            facts=_size(str(there.id), Path(str(there.id)).expanduser()),
            can=[what for what in CAN if hasattr(there, what)],
        )
    name = fspath(source)
    if name != MINI and not Path(name).expanduser().is_dir() and is_hub_id(name) and in_cache(name) is None:
        return _known(name)
    return _of_folder(name)


def _known(name: str) -> Unloaded:
    """A published model that is not on this machine, as the catalogue knows it."""
    known = entry(name)
    if known is None:
        msg = f"{name} is not on this machine, and nothing is known of it beforehand; first run: hf download {name}"
        raise ConnectionError(msg)
    return Unloaded(name, family=known["family"], max_tokens=known["context"], facts=known)


def _of_folder(name: str) -> Unloaded:
    """A model on this machine: its files but for the weights."""
    found = find(name)
    check_folder(found.folder, found.id)
    declared = read_declared(found.folder)
    from transformers import AutoConfig

    from ._tokens import tokenize
    from ._torch._model import context
    from ._torch._read import read_tokenizer
    from ._torch._talk import Talker

    tokenizer = read_tokenizer(found.folder)
    shell: Any = SimpleNamespace(config=AutoConfig.from_pretrained(found.folder, local_files_only=True))
    talker = Talker(shell, tokenizer, found.id, 0)
    return Unloaded(
        found.id,
        revision=found.revision,
        family=declared.family or found.family or recognise(found.folder) or UNKNOWN,
        labels=declared.labels,
        tasks=declared.tasks,
        teaching=declared.taught,
        max_tokens=context(shell, tokenizer),
        count=lambda texts: tokenize(tokenizer, list(texts)).lengths,
        count_messages=lambda messages: len(talker.tokens(messages)),
        facts=_size(found.id, found.folder),
    )


def _size(name: str, folder: Path) -> Mapping[str, Any] | None:
    """Size of a model, where the catalogue or its files tell all of it."""
    known = entry(name) or (measure(folder) if folder.is_dir() else None)
    return known if known and {"parameters", "layers", "width", "vocabulary", "tied"} <= set(known) else None
