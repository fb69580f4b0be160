"""The gate through which numbers of models come: asked once, kept in a cache, looked at before anybody uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._finite import IN_ANY, check_finite
from ._kept import kept
from ._protocols import LabelScores, TextScores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from ._protocols import Pooling
    from .decoding import ResponseCache

    Cache = str | PathLike[str] | ResponseCache | None


def embeddings(
    model: Any,
    prompts: Sequence[str],
    *,
    spans: Sequence[tuple[int, int]] | None = None,
    pooling: Pooling = "mean",
    layer: int = -1,
    cache: Cache = None,
    progress: bool = True,
) -> np.ndarray:
    """One vector a prompt, float32, all finite; see :meth:`scc2s.models.Embeds.embed`.

    Raises
    ------
    ValueError
        The model gave something else than one vector for each prompt.
    FloatingPointError
        Values are not finite.
    """

    def ask(rows: Sequence[int], *, progress: bool) -> Sequence[np.ndarray]:
        found = model.embed(
            [prompts[row] for row in rows],
            spans=None if spans is None else [spans[row] for row in rows],
            pooling=pooling,
            layer=layer,
            **_quiet(progress=progress),
        )
        return list(checked(found, (len(rows), None), "embeddings", model, np.float32))

    where = [None] * len(prompts) if spans is None else [[int(start), int(end)] for start, end in spans]
    what = {"what": "embed", "pooling": pooling, "layer": layer}
    found = kept(model, what, list(zip(prompts, where, strict=True)), ask, cache=cache, progress=progress)
    if len({len(row) for row in found}) > 1:
        msg = f"{model.id} gave vectors of several lengths; an embedding has one, see what its embed returns"
        raise ValueError(msg)
    return np.stack(found) if found else np.empty((0, 0), dtype=np.float32)


def label_scores(
    model: Any, prompts: Sequence[str], choices: Sequence[str], *, cache: Cache = None, progress: bool = True
) -> LabelScores:
    """Log-likelihood of each choice after each prompt, all finite; see :meth:`scc2s.models.Scores.score`.

    Raises
    ------
    ValueError
        The model gave something else than one number for each prompt and choice.
    FloatingPointError
        Values are not finite.
    """

    def ask(rows: Sequence[int], *, progress: bool) -> Sequence[np.ndarray]:
        found = model.score([prompts[row] for row in rows], list(choices), **_quiet(progress=progress))
        logprob = checked(getattr(found, "logprob", found), (len(rows), len(choices)), "scores", model, np.float64)
        tokens = getattr(found, "n_tokens", np.ones(len(choices)))
        tokens = checked(tokens, (len(choices),), "numbers of tokens", model, np.float64)
        return list(np.hstack([logprob, np.broadcast_to(tokens, logprob.shape)]))

    questions = [(prompt,) for prompt in prompts]
    what = {"what": "score", "choices": list(choices)}
    found = np.array(kept(model, what, questions, ask, cache=cache, progress=progress), dtype=np.float64)
    found = found.reshape(len(prompts), 2 * len(choices))
    logprob, tokens = found[:, : len(choices)], found[:, len(choices) :]
    return LabelScores(logprob, (tokens[0] if len(found) else np.ones(len(choices))).astype(np.int64))


def likelihoods(
    model: Any,
    prompts: Sequence[str],
    answers: Sequence[str],
    *,
    cache: Cache = None,
    progress: bool = True,
    info: Mapping[str, Any] | None = None,
) -> TextScores:
    """Log-likelihood of one answer after each prompt, all finite; see :meth:`scc2s.models.Reads.log_likelihood`.

    Parameters
    ----------
    model, prompts, answers, progress
        As there.
    cache
        File that keeps the numbers.
    info
        What tells the model from others in the cache; ``None``: what it says of itself.

    Raises
    ------
    ValueError
        The model gave something else than one number for each prompt.
    FloatingPointError
        Values are not finite.
    """

    def ask(rows: Sequence[int], *, progress: bool) -> Sequence[np.ndarray]:
        some = [prompts[row] for row in rows]
        found = model.log_likelihood(some, [answers[row] for row in rows], **_quiet(progress=progress))
        logprob = checked(getattr(found, "logprob", found), (len(rows),), "log-likelihoods", model, np.float64)
        tokens = getattr(found, "n_tokens", np.ones(len(rows)))
        return list(np.column_stack([logprob, checked(tokens, (len(rows),), "numbers of tokens", model, np.float64)]))

    questions = list(zip(prompts, answers, strict=True))
    found = kept(model, {"what": "log_likelihood"}, questions, ask, cache=cache, progress=progress, info=info)
    both = np.array(found, dtype=np.float64).reshape(-1, 2)
    return TextScores(both[:, 0], both[:, 1].astype(np.int64))


def attention_maps(
    model: Any,
    prompts: Sequence[str],
    words: Sequence[Sequence[tuple[int, int]]],
    *,
    layer: int = -1,
    cache: Cache = None,
    progress: bool = True,
) -> list[np.ndarray]:
    """Attention between the words of each prompt: float32, words x words, all finite.

    Raises
    ------
    ValueError
        The model gave something else than one square for each prompt.
    FloatingPointError
        Values are not finite.
    """

    def ask(rows: Sequence[int], *, progress: bool) -> Sequence[np.ndarray]:
        spans = [words[row] for row in rows]
        found = model.attention([prompts[row] for row in rows], spans, layer=layer, **_quiet(progress=progress))
        if len(found) != len(rows):
            msg = f"{model.id} gave attention of {len(found)} prompts, and was asked about {len(rows)}"
            raise ValueError(msg)
        pairs = zip(found, spans, strict=True)
        return [checked(one, (len(some), len(some)), "attention", model, np.float32).ravel() for one, some in pairs]

    questions = [(prompt, [[int(a), int(b)] for a, b in some]) for prompt, some in zip(prompts, words, strict=True)]
    what = {"what": "attention", "layer": layer}
    found = kept(model, what, questions, ask, cache=cache, progress=progress)
    return [row.reshape(len(some), len(some)) for row, some in zip(found, words, strict=True)]


def _quiet(*, progress: bool) -> dict[str, bool]:
    """A model of the user's own may show no bar, and know no such argument."""
    return {} if progress else {"progress": False}


def checked(found: Any, shape: tuple[int | None, ...], what: str, model: Any, dtype: Any) -> np.ndarray:
    """Numbers of a model as an array of `dtype`, or an error that says what is wrong with them.

    Parameters
    ----------
    found
        What the model gave.
    shape
        What was asked for; ``None`` for a length that the model chooses.
    what
        What the numbers are called in an error.
    model
        Who gave them.
    dtype
        Number format.

    Raises
    ------
    ValueError
        Not an array of real numbers of this shape.
    FloatingPointError
        Values are not finite.
    """
    wanted = " x ".join("any" if length is None else str(length) for length in shape)
    try:
        values = np.asarray(found)
    except ValueError:
        values = np.empty(0, dtype=object)  # rows of several lengths
    if values.dtype.kind == "O":
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError):
            values = np.empty(0, dtype="U")
    fits = values.ndim == len(shape) and all(b in (None, a) for a, b in zip(values.shape, shape, strict=True))
    if values.dtype.kind not in "fiub" or not fits:
        msg = (
            f"{model.id} gave {what} that are not numbers of shape {wanted} (it gave {type(found).__name__} of shape "
            f"{np.shape(values)}); see what the model returns"
        )
        raise ValueError(msg)
    with np.errstate(over="ignore"):
        out = values.astype(dtype)
    check_finite(out, f"{what} of {model.id}", IN_ANY)
    return out
