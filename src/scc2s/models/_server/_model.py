from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._logging import logger
from scc2s.models._catalogue import entry
from scc2s.models._chat import checked
from scc2s.models._errors import PartialAnswersError
from scc2s.models._family import UNKNOWN
from scc2s.models._progress import bar
from scc2s.models._protocols import LabelScores, TextScores
from scc2s.models._taught import Taught
from scc2s.models._tokens import as_list, check_pairs

from ._answers import chat_reply, completions, finite_vectors
from ._client import Client, Refused
from ._held import HeldWriter, jobs_of, report
from ._logprobs import answer_logprob
from ._probe import capabilities
from ._served import served
from ._structured import Dialect, find_dialect, not_held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scc2s.models._protocols import Pooling
    from scc2s.models.decoding import GeneVocabulary, Sampling


class ServerModel:
    """A model behind an OpenAI-compatible endpoint. :func:`scc2s.models.load` makes one, ``backend="server"``.

    Parameters
    ----------
    client
        The endpoint.
    model
        Name of the model there; ``None`` takes the only one.
    end_token
        Text of the token that ends an answer, e.g. ``"<|endoftext|>"`` (Pythia) or ``"<eos>"`` (Gemma): scores of
        choices then count it, as those of other backends do.
    """

    revision = None
    pooling = "server"
    labels: list[str] | None = None
    tasks: list[str] | None = None

    def __init__(self, client: Client, model: str | None, end_token: str | None) -> None:
        self._client = client
        self.id, self.max_tokens = served(client, model)
        self._end = end_token or ""
        self.taught = Taught()
        known = entry(self.id)
        self.family = known["family"] if known and known.get("family") else UNKNOWN

    def __repr__(self) -> str:
        return f"ServerModel({self.id!r}, {self._client.url!r})"

    def info(self) -> dict[str, Any]:
        """What a result that this model gave should record. No key is in it."""
        return {
            "id": self.id,
            "revision": None,
            "weights_hash": None,
            "family": self.family,
            "max_tokens": self.max_tokens,
            "backend": "server",
            "url": self._client.url,
            "end_token": self._end or None,
        }

    @cached_property
    def capabilities(self) -> dict[str, bool]:
        """What the endpoint really does, asked once: ``logprobs``, ``echo``, ``lists`` of prompts, ``embeddings``."""
        return capabilities(self._client, self.id)

    def count_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Tokens of each text, estimated and rather too many: one for two bytes, as the endpoint tells nobody."""
        return np.array([-(-len(text.encode()) // 2) for text in as_list(texts)], dtype=np.int64)

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
        """Answers; see :meth:`scc2s.models.Generates.generate`.

        Raises
        ------
        PartialAnswersError
            Some prompts got no answer; the error has the answers of the others.
        ValueError
            With `genes`: the endpoint cannot be held to them (:attr:`structured_output`).
        """
        prompts = as_list(prompts)
        if genes is not None:
            writer, jobs = self._writer(genes, max_new_tokens, sampling), jobs_of(prompts, genes, sampling, seeds)
            with bar(len(jobs), "generate", show=progress) as running:
                cells, errors = self._client.each(jobs, writer, running.update)
            if errors:
                self._raise([cell and {"text": cell.text} for cell in cells], errors)
            report(cells)
            return [cell.text for cell in cells]
        if max_new_tokens is None:
            msg = "without genes an answer has no natural length; pass max_new_tokens="
            raise ValueError(msg)
        bodies = [
            {"prompt": prompt, "max_tokens": max_new_tokens, **_drawn(sampling, None if seeds is None else seeds[i])}
            for i, prompt in enumerate(prompts)
        ]
        with bar(len(prompts), "generate", show=progress) as running:
            found, errors = self._client.each(bodies, self._complete, running.update)
        if errors:
            self._raise(found, errors)
        if cut := sum(choice.get("finish_reason") == "length" for choice in found):
            logger.info("%d of %d answers ended at max_new_tokens=%d", cut, len(found), max_new_tokens)
        return [choice["text"] for choice in found]

    def reply(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        seed: int | None = None,
    ) -> str:
        """The next answer in a conversation, in the server's own chat template; see :meth:`scc2s.models.Talks.reply`.

        Raises
        ------
        ConnectionError
            The server gave no whole answer, however often it was asked.
        ValueError
            It has no chat route or no chat template, or answered with nothing.
        """
        body = {
            "model": self.id,
            "messages": checked(messages),
            "max_tokens": max_new_tokens,
            "stream": False,
            **_drawn(sampling, seed),
        }
        found = self._client.post("/chat/completions", body)
        return chat_reply(found, f"{self._client.url}/chat/completions", max_new_tokens)

    def count_message_tokens(self, messages: Sequence[Mapping[str, str]]) -> int:
        """Tokens of a conversation, estimated as by :meth:`count_tokens`, with eight for each message."""
        contents = [message["content"] for message in checked(messages)]
        return int(self.count_tokens(contents).sum()) + 8 * len(contents)

    @property
    def structured_output(self) -> str | None:
        """Field of a request by which the endpoint holds a model to the genes of a data set; ``None``: by no field.

        Asked once, with a small grammar for each field that vLLM, SGLang and llama.cpp have: it counts what the
        endpoint answers, not what it says it can do.
        """
        return self._dialect.field if self._dialect else None

    @cached_property
    def _dialect(self) -> Dialect | None:
        return find_dialect(self._complete)

    def _writer(self, genes: GeneVocabulary, max_new_tokens: int | None, sampling: Sampling | None) -> HeldWriter:
        if self._dialect is None:
            raise ValueError(not_held(self._client.url))
        return HeldWriter(
            self._complete,
            self._dialect,
            genes,
            lambda seed: _drawn(sampling, seed),
            self.count_tokens,
            self.max_tokens,
            max_new_tokens,
        )

    def score(self, prompts: Sequence[str], choices: Sequence[str], *, progress: bool = True) -> LabelScores:
        """Log-likelihood of each choice; see :meth:`scc2s.models.Scores.score`.

        The end of the answer counts only where the model was loaded with ``end_token=``.
        """
        prompts, choices = as_list(prompts), as_list(choices)
        if not choices:
            msg = 'there is nothing to choose from; give at least one choice, e.g. choices=[" B cell", " T cell"]'
            raise ValueError(msg)
        pairs = [(prompt, choice + self._end) for prompt in prompts for choice in choices]
        scores = self._read(pairs, progress)
        shape = (len(prompts), len(choices))
        n_tokens = scores.n_tokens.reshape(shape)
        if (n_tokens != n_tokens[:1]).any():
            msg = "the choices have other tokens after some prompts than after others; score one template at a time"
            raise ValueError(msg)
        return LabelScores(scores.logprob.reshape(shape), n_tokens[0] if len(prompts) else np.zeros(len(choices), int))

    def log_likelihood(self, prompts: Sequence[str], answers: Sequence[str], *, progress: bool = True) -> TextScores:
        """Log-likelihood of an answer to each prompt; see :meth:`scc2s.models.Reads.log_likelihood`."""
        prompts, answers = as_list(prompts), as_list(answers)
        check_pairs(prompts, answers)
        return self._read(list(zip(prompts, answers, strict=True)), progress)

    def embed(
        self,
        prompts: Sequence[str],
        *,
        spans: Sequence[tuple[int, int]] | None = None,
        pooling: Pooling = "mean",
        layer: int = -1,
        progress: bool = True,
    ) -> np.ndarray:
        """One vector a prompt, pooled as the endpoint does; see :meth:`scc2s.models.Embeds.embed`.

        An endpoint is told of no pooling, and tells of none: `pooling` stays at its default, and ``"server"`` is
        recorded.

        Raises
        ------
        ValueError
            Another `pooling`, `spans` or `layer` than the default, or vectors that are not one for each prompt, of one
            width and finite.
        """
        prompts = as_list(prompts)
        if spans is not None or layer != -1:
            msg = "an endpoint pools all tokens of its last layer; pass scope='all', layer=-1, or use backend='torch'"
            raise ValueError(msg)
        if pooling != "mean":
            msg = (
                f"an endpoint pools as it was started, and cannot be asked for pooling={pooling!r}; leave pooling= out "
                "and start the server with the pooling you want, or use backend='torch'"
            )
            raise ValueError(msg)
        self._need("embeddings", "embeds nothing", "load the model itself: backend='torch' or 'onnx'")
        groups = [prompts[i : i + 16] for i in range(0, len(prompts), 16)]
        with bar(len(groups), "embed", show=progress) as running:
            found, errors = self._client.each(groups, self._vectors, running.update)
        if errors:
            raise _first(errors)
        if len(widths := sorted({group.shape[1] for group in found})) > 1:
            msg = (
                f"{self._client.url}/embeddings gave vectors of several widths ({widths[0]} to {widths[-1]}); ask for "
                "one model= of the server, or use backend='torch'"
            )
            raise Refused(msg, 200)
        return np.concatenate(found) if found else np.empty((0, 0), dtype=np.float32)

    def _read(self, pairs: list[tuple[str, str]], progress: bool) -> TextScores:
        self._need(
            "echo",
            "gives no log-probabilities of a text (completions with echo and logprobs; vLLM does), token by token",
            "let the model write its answer instead, e.g. tl.annotate(..., mode='generate'), or use backend='torch'",
        )
        bodies = [{"prompt": a + b, "max_tokens": 1, "echo": True, "logprobs": 1, "temperature": 0} for a, b in pairs]
        jobs = list(zip(bodies, pairs, strict=True))
        with bar(len(jobs), "read", show=progress) as running:
            found, errors = self._client.each(
                jobs, lambda job: answer_logprob(self._complete(job[0]), *job[1]), running.update
            )
        if errors:
            raise _first(errors)
        sums = np.array([value for value, _ in found], dtype=np.float64)
        return TextScores(sums, np.array([n for _, n in found], dtype=np.int64))

    def _complete(self, body: dict[str, Any]) -> dict[str, Any]:
        found = self._client.post("/completions", {"model": self.id, **body})
        rows = completions(found, 1)
        if rows is None:
            msg = (
                f"{self._client.url}/completions answers with something that is not a completion of one prompt "
                f"({self._client.begin(found)}); see to the address"
            )
            raise Refused(msg, 200)
        return rows[0]

    def _vectors(self, texts: list[str]) -> np.ndarray:
        found = self._client.post("/embeddings", {"model": self.id, "input": texts})
        return finite_vectors(found, len(texts), f"{self._client.url}/embeddings")

    def _need(self, capability: str, lacks: str, mend: str) -> None:
        if not self.capabilities[capability]:
            msg = f"{self._client.url} {lacks}; {mend}"
            raise ValueError(msg)

    def _raise(self, found: list[Any], errors: dict[int, Exception]) -> None:
        first = _first(errors)
        if not any(found):
            raise first
        some = ", ".join(map(str, sorted(errors)[:10])) + (", ..." if len(errors) > 10 else "")
        msg = f"{len(errors)} of {len(found)} prompts got no answer (numbers {some}): {first}"
        raise PartialAnswersError(msg, [None if choice is None else choice["text"] for choice in found]) from first


def load_server(
    url: str,
    *,
    model: str | None = None,
    end_token: str | None = None,
    api_key_env: str = "SCC2S_API_KEY",
    n_concurrent: int = 8,
    timeout: float = 120.0,
    n_retries: int = 5,
) -> ServerModel:
    """A model behind an endpoint; see :func:`scc2s.models.load`."""
    return ServerModel(Client(url, api_key_env, n_concurrent, timeout, n_retries), model, end_token)


def _first(errors: dict[int, Exception]) -> Exception:
    """The failure that the others came of."""
    return next((e for e in errors.values() if not isinstance(e, ConnectionAbortedError)), next(iter(errors.values())))


def _drawn(sampling: Sampling | None, seed: int | None) -> dict[str, Any]:
    if sampling is None:
        return {"temperature": 0.0}
    body: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling.top_k is not None:
        body["top_k"] = sampling.top_k
    if seed is not None:
        body["seed"] = seed % 2**31
    return body
