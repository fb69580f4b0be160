"""What a language model can do here. Small protocols, because not every backend can do everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .decoding import GeneVocabulary, Sampling

Pooling = Literal["mean", "last"]


@dataclass(frozen=True)
class LabelScores:
    """Log-likelihood of each choice as the answer to each prompt.

    Examples
    --------
    >>> scores = LabelScores(np.array([[-2.0, -3.0]]), np.array([1, 3]))
    >>> scores.probabilities().round(3)
    array([[0.731, 0.269]])
    >>> scores.per_token()
    array([[-2., -1.]])
    """

    logprob: np.ndarray
    """float64, prompts x choices: natural log-probability, summed over the tokens of the choice and the end token."""
    n_tokens: np.ndarray
    """Integers, one a choice: how many tokens that sum has (end token included)."""

    def per_token(self) -> np.ndarray:
        """Mean log-probability of a token: long choices are no longer at a disadvantage for their length alone."""
        mean: np.ndarray = self.logprob / self.n_tokens
        return mean

    def corrected(self, null: LabelScores) -> LabelScores:
        """Scores less those of a prompt without a cell: what the cell adds to the model's liking for a choice.

        Domain-conditional pointwise mutual information (Holtzman et al. 2021, arXiv:2104.08315, section 3).

        Parameters
        ----------
        null
            Scores of the same choices after one null prompt (1 x choices) or after one for each prompt.

        Raises
        ------
        ValueError
            The null scores are of other choices, or of another number of prompts.
        """
        n, c = self.logprob.shape
        if null.logprob.shape not in {(1, c), (n, c)} or not np.array_equal(null.n_tokens, self.n_tokens):
            msg = (
                f"null scores are {null.logprob.shape[0]} x {null.logprob.shape[1]}, the scores {n} x {c}; "
                "score the same choices: model.score([null_prompt], choices)"
            )
            raise ValueError(msg)
        return LabelScores(self.logprob - null.logprob, self.n_tokens)

    def probabilities(self, *, per_token: bool = False) -> np.ndarray:
        """Softmax over the choices: float64, prompts x choices, each row sums to 1.

        Parameters
        ----------
        per_token
            Take :meth:`per_token` means in place of sums. Their softmax ranks the choices; it is not a likelihood.
        """
        values = self.per_token() if per_token else self.logprob
        if not values.size:
            return values.copy()
        weights = np.exp(values - values.max(axis=1, keepdims=True))
        shares: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
        return shares


@dataclass(frozen=True)
class TextScores:
    """Log-likelihood of texts.

    Examples
    --------
    >>> TextScores(np.array([-2.0, -3.0]), np.array([1, 3])).per_token()
    array([-2., -1.])
    """

    logprob: np.ndarray
    """float64, one a text: natural log-probability, summed over its tokens, without an end token."""
    n_tokens: np.ndarray
    """Integers, one a text."""

    def per_token(self) -> np.ndarray:
        """Mean log-probability of a token."""
        mean: np.ndarray = self.logprob / self.n_tokens
        return mean


class Model(Protocol):
    """What every model says of itself."""

    id: str
    """Name in :func:`scc2s.models.catalogue`, hub id or folder it was loaded from."""
    revision: str | None
    """Commit of the hub repository."""
    max_tokens: int | None
    """Context window: prompt and answer together; ``None`` where there is no limit."""
    family: str
    """Family of prompts that it was trained on (:mod:`scc2s.prompts`)."""
    labels: list[str] | None
    """Cell types that it can name, where it declares them."""
    tasks: list[str] | None
    """Tasks of its family that it was trained on, where it declares them."""
    # What else it declares is `taught`, a Taught; models of your own need not have it.

    def info(self) -> dict[str, Any]:
        """Id, revision, weights hash, backend, device, dtype and versions, for provenance."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Number of tokens of each text as a prompt."""
        ...


@runtime_checkable
class Embeds(Protocol):
    """A model that gives hidden states."""

    def embed(
        self,
        prompts: Sequence[str],
        *,
        spans: Sequence[tuple[int, int]] | None = None,
        pooling: Pooling = "mean",
        layer: int = -1,
        progress: bool = True,
    ) -> np.ndarray:
        """One vector a prompt: float32, prompts x width.

        Parameters
        ----------
        prompts
            Texts; each is read alone, so its vector does not depend on the others.
        spans
            Character range (start, end) of each prompt to pool over, for example that of the cell sentence; ``None``
            pools over all tokens.
        pooling
            Mean over the tokens, or the last of them.
        layer
            As ``hidden_states[layer]`` of transformers: 0 is the token embedding, -1 the last, after the final norm.
        progress
            Show a bar after one second, unless ``scanpy.settings.verbosity`` is 0.
        """
        ...


@runtime_checkable
class Scores(Protocol):
    """A model that gives the likelihood of an answer."""

    def score(self, prompts: Sequence[str], choices: Sequence[str], *, progress: bool = True) -> LabelScores:
        """Log-likelihood of each choice, followed by the end of the text, after each prompt.

        Parameters
        ----------
        prompts
            Texts that the answer follows.
        choices
            Answers exactly as the model would write them, the leading space included.
        progress
            Show a bar after one second, unless ``scanpy.settings.verbosity`` is 0.
        """
        ...


@runtime_checkable
class Reads(Protocol):
    """A model that gives the likelihood of a text."""

    def log_likelihood(self, prompts: Sequence[str], answers: Sequence[str], *, progress: bool = True) -> TextScores:
        """Log-likelihood of one answer after each prompt; the end of the text does not count.

        Parameters
        ----------
        prompts
            Texts that the answers follow.
        answers
            One for each prompt, the leading space included.
        progress
            Show a bar after one second, unless ``scanpy.settings.verbosity`` is 0.
        """
        ...


@runtime_checkable
class Generates(Protocol):
    """A model that writes."""

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
        """A continuation of each prompt. :func:`scc2s.models.answers` adds seeds and a cache.

        Parameters
        ----------
        prompts
            Texts to go on from.
        max_new_tokens
            Most tokens of an answer; it ends earlier where the model ends it. May be left out with `genes`.
        genes
            Write a cell sentence of these genes; ``None`` leaves the model free.
        sampling
            How words are drawn; ``None`` takes the most likely token each time.
        seeds
            A number for each prompt, where words are drawn: the same prompt and number give the same answer.
        progress
            Show a bar after one second, unless ``scanpy.settings.verbosity`` is 0.

        Returns
        -------
        The answers alone, without the prompts. A sentence that meets the end of the context window is shorter.
        """
        ...


@runtime_checkable
class Talks(Protocol):
    """A model that was trained to answer in a conversation, in the form that it was trained on (its chat template)."""

    def reply(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        seed: int | None = None,
    ) -> str:
        """The next answer in a conversation. :func:`scc2s.models.replies` adds seeds and a cache.

        Parameters
        ----------
        messages
            ``{"role": ..., "content": ...}`` each: at most one of ``"system"``, which is the first, then ``"user"`` and
            ``"assistant"`` in turns; the last is of ``"user"``.
        max_new_tokens
            Most tokens of the answer; it ends earlier where the model ends it.
        sampling
            How words are drawn; ``None`` takes the most likely token each time.
        seed
            Number for the draws: the same conversation and number give the same answer.

        Raises
        ------
        ValueError
            The model has no chat template, or the conversation does not fit its context.
        """
        ...

    def count_message_tokens(self, messages: Sequence[Mapping[str, str]]) -> int:
        """Tokens of a conversation up to where the answer begins, with all that the chat template adds.

        Raises
        ------
        ValueError
            The model has no chat template.
        """
        ...


@runtime_checkable
class Attends(Protocol):
    """A model that shows its attention."""

    def attention(
        self,
        prompts: Sequence[str],
        words: Sequence[list[tuple[int, int]]],
        *,
        layer: int = -1,
        progress: bool = True,
    ) -> list[np.ndarray]:
        """Attention of one layer between the words of each prompt, mean over the heads: words x words.

        Parameters
        ----------
        prompts
            Texts; each is read alone.
        words
            First and last + 1 character of the words of each prompt.
        layer
            Number of the layer, -1 for the last.
        progress
            Show a bar after one second, unless ``scanpy.settings.verbosity`` is 0.
        """
        ...


@runtime_checkable
class WithRandomWeights(Protocol):
    """A model that can give one like itself that was never trained: a control for explanations."""

    def with_random_weights(self, random_state: int = 0) -> Reads:
        """The same architecture and tokenizer with random weights.

        Parameters
        ----------
        random_state
            Seed of the weights.
        """
        ...


class ReadingModel(Model, Embeds, Scores, Reads, Protocol):
    """What an exported model can do."""


class WholeModel(ReadingModel, Generates, Talks, Attends, WithRandomWeights, Protocol):
    """What a model of transformers can do."""


class ServedModel(Model, Embeds, Scores, Reads, Generates, Talks, Protocol):
    """What a model behind an endpoint can do, as far as the endpoint goes."""
