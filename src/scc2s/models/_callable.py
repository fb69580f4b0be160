from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from ._chat import checked
from ._finite import IN_FUNCTION, check_finite
from ._protocols import LabelScores, TextScores
from ._taught import Taught

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._protocols import Pooling
    from .decoding import GeneVocabulary, Sampling


class CallableModel:
    """A model made of your own functions, for a service that scc2s does not know, or for tests.

    It can do what there is a function for: without ``score=`` it has no method ``score``.

    Parameters
    ----------
    embed
        Takes prompts, gives one vector each (prompts x width).
    score
        Takes prompts and choices, gives log-likelihoods (prompts x choices) or :class:`~scc2s.models.LabelScores`.
    generate
        Takes prompts, gives one answer each. Parameters named ``max_new_tokens``, ``genes``, ``sampling`` or ``seeds``
        get what :meth:`scc2s.models.Generates.generate` was given; without ``genes`` it cannot be held to genes.
    log_likelihood
        Takes prompts and as many answers, gives one log-likelihood each.
    reply
        Takes the messages of a conversation, gives one answer. Parameters named ``max_new_tokens``, ``sampling`` or
        ``seed`` get what :meth:`scc2s.models.Talks.reply` was given.
    id
        What provenance calls it.
    family
        Family of prompts (:mod:`scc2s.prompts`) to ask it with.
    labels
        Cell types that it can name.
    tasks
        Tasks that it knows; ``None``: not declared.
    taught
        What else it declares.
    max_tokens
        Context window, in words parted by spaces; ``None`` for no limit.

    Examples
    --------
    >>> model = CallableModel(generate=lambda prompts: [" B cell" for _ in prompts])
    >>> model.generate(["CD79A MS4A1 is a"], max_new_tokens=4)
    [' B cell']
    >>> from scc2s.models import Embeds
    >>> isinstance(model, Embeds)
    False
    """

    def __init__(
        self,
        *,
        embed: Callable[[list[str]], Any] | None = None,
        score: Callable[[list[str], list[str]], Any] | None = None,
        generate: Callable[..., Sequence[str]] | None = None,
        log_likelihood: Callable[[list[str], list[str]], Any] | None = None,
        reply: Callable[..., str] | None = None,
        id: str = "callable",
        family: str = "scc2s",
        labels: list[str] | None = None,
        tasks: list[str] | None = None,
        taught: Taught | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self.id, self.family, self.labels, self.tasks, self.max_tokens = id, family, labels, tasks, max_tokens
        self.revision: str | None = None
        self.taught = taught or Taught()
        # Set one by one, so that the protocols see what this model can do and what it cannot.
        if embed is not None:
            self.embed = _Embed(embed)
        if score is not None:
            self.score = _Score(score)
        if generate is not None:
            self.generate = _Generate(generate)
        if log_likelihood is not None:
            self.log_likelihood = _LogLikelihood(log_likelihood)
        if reply is not None:
            self.reply = _Reply(reply)

    def info(self) -> dict[str, Any]:
        """What a result that this model gave should record."""
        return {"id": self.id, "revision": None, "weights_hash": None, "family": self.family, "backend": "callable"}

    def count_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Number of words of each text."""
        return np.array([len(text.split()) for text in texts], dtype=np.int64)

    def count_message_tokens(self, messages: Sequence[Mapping[str, str]]) -> int:
        """Number of words of a conversation."""
        return sum(len(message["content"].split()) for message in checked(messages))


def _array(found: Any, dtype: type[np.floating[Any]], name: str) -> np.ndarray:
    """What a function gave, as numbers; whether they are finite is looked at where they are used."""
    try:
        out = np.asarray(found)
        if isinstance(found, np.ma.MaskedArray) and np.ma.is_masked(found):  # what a mask hides is not a number
            out = np.where(np.ma.getmaskarray(found), np.nan, out)
        if out.dtype.kind not in "fiubO" or (out.dtype.kind == "O" and not out.ndim):
            raise TypeError
        with np.errstate(over="ignore"):
            return out.astype(dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        msg = f"{name} gave {type(found).__name__}, which is not an array of numbers; return a numpy array of floats"
        raise TypeError(msg) from error


class _Embed:
    def __init__(self, function: Callable[[list[str]], Any]) -> None:
        self._function = function

    def __call__(
        self,
        prompts: Sequence[str],
        *,
        spans: Sequence[tuple[int, int]] | None = None,
        pooling: Pooling = "mean",
        layer: int = -1,
        progress: bool = True,  # noqa: ARG002
    ) -> np.ndarray:
        """One vector a prompt; with spans, of that part of the prompt alone."""
        if pooling != "mean" or layer != -1:
            msg = "a function has neither layers nor tokens; call embed without pooling= and layer="
            raise ValueError(msg)
        if spans is not None:
            prompts = [prompt[start:end] for prompt, (start, end) in zip(prompts, spans, strict=True)]
        out = _array(self._function(list(prompts)), np.float32, "embed=")
        if out.ndim != 2 or len(out) != len(prompts):
            msg = f"embed= gave an array of shape {out.shape}; return one vector for each of the {len(prompts)} prompts"
            raise ValueError(msg)
        check_finite(out, "values that embed= gave", IN_FUNCTION)
        return out


class _Score:
    def __init__(self, function: Callable[[list[str], list[str]], Any]) -> None:
        self._function = function

    def __call__(self, prompts: Sequence[str], choices: Sequence[str], *, progress: bool = True) -> LabelScores:  # noqa: ARG002
        """Log-likelihood of each choice after each prompt."""
        out = self._function(list(prompts), list(choices))
        if not isinstance(out, LabelScores):
            out = LabelScores(_array(out, np.float64, "score="), np.ones(len(choices), dtype=np.int64))
        if out.logprob.shape != (len(prompts), len(choices)):
            msg = f"score= gave an array of shape {out.logprob.shape}; return {(len(prompts), len(choices))}"
            raise ValueError(msg)
        check_finite(out.logprob, "scores that score= gave", IN_FUNCTION)
        return out


class _Generate:
    def __init__(self, function: Callable[..., Sequence[str]]) -> None:
        self._function = function
        self._takes = set(signature(function).parameters)

    def __call__(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int | None = None,
        genes: GeneVocabulary | None = None,
        sampling: Sampling | None = None,
        seeds: Sequence[int] | None = None,
        progress: bool = True,  # noqa: ARG002
    ) -> list[str]:
        """One answer a prompt."""
        if genes is not None and "genes" not in self._takes:
            msg = (
                "a function that takes no genes cannot be held to them; pass constrain=False, or give the function a "
                "parameter named genes"
            )
            raise ValueError(msg)
        given = {"max_new_tokens": max_new_tokens, "genes": genes, "sampling": sampling, "seeds": seeds}
        some = {name: value for name, value in given.items() if name in self._takes}
        found = self._function(list(prompts), **some)
        if isinstance(found, str | bytes | Mapping | Set) or not isinstance(found, Iterable):
            msg = (
                f"generate= gave {type(found).__name__}; return a list of texts, one for each of {len(prompts)} prompts"
            )
            raise TypeError(msg)
        out = list(found)
        if wrong := [answer for answer in out if not isinstance(answer, str)]:
            msg = f"generate= gave {wrong[0]!r} as an answer; return texts alone, '' where there is none"
            raise TypeError(msg)
        if len(out) != len(prompts):
            msg = f"generate= gave {len(out)} answers; return one for each of the {len(prompts)} prompts"
            raise ValueError(msg)
        return out


class _LogLikelihood:
    def __init__(self, function: Callable[[list[str], list[str]], Any]) -> None:
        self._function = function

    def __call__(self, prompts: Sequence[str], answers: Sequence[str], *, progress: bool = True) -> TextScores:  # noqa: ARG002
        """Log-likelihood of one answer after each prompt; its tokens are words."""
        out = _array(self._function(list(prompts), list(answers)), np.float64, "log_likelihood=")
        if out.shape != (len(prompts),) or len(answers) != len(prompts):
            msg = f"log_likelihood= gave an array of shape {out.shape}; return one number for each of {len(prompts)}"
            raise ValueError(msg)
        check_finite(out, "numbers that log_likelihood= gave", IN_FUNCTION)
        return TextScores(out, np.array([len(answer.split()) for answer in answers], dtype=np.int64))


class _Reply:
    def __init__(self, function: Callable[..., str]) -> None:
        self._function = function
        self._takes = set(signature(function).parameters)

    def __call__(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        seed: int | None = None,
    ) -> str:
        """The next answer in a conversation."""
        given = {"max_new_tokens": max_new_tokens, "sampling": sampling, "seed": seed}
        found = self._function(checked(messages), **{name: v for name, v in given.items() if name in self._takes})
        if not isinstance(found, str):
            msg = f"reply= gave {type(found).__name__}; return one text, '' where there is none"
            raise TypeError(msg)
        return found
