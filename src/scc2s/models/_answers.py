from __future__ import annotations

from collections.abc import Hashable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from ._errors import PartialAnswersError
from ._kept import tokenizer_hash
from ._listening import listener, stop_if_gone
from ._progress import bar
from .decoding._cache import ResponseCache, key_of
from .decoding._sampling import seeds_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from ._protocols import Generates
    from .decoding import GeneVocabulary, Sampling

# Prompts asked between two writes to the cache. More at a time fill batches better, as long as a kill loses little.
_FEW, _MANY = 16, 1024
_SECONDS = 20.0

Key = TypeVar("Key", bound=Hashable)


def answers(
    model: Generates,
    prompts: Sequence[str],
    *,
    genes: GeneVocabulary | None = None,
    max_new_tokens: int | None = None,
    sampling: Sampling | None = None,
    random_state: int = 0,
    draws: Sequence[int] | None = None,
    cache: str | PathLike[str] | ResponseCache | None = None,
    progress: bool = True,
) -> list[str]:
    """Let a model answer prompts; every ``tl`` function that lets a model write does it through here.

    The same question is asked once, however often it is in `prompts`: equal prompts differ only by their draws.

    The seed of an answer comes from the text of its prompt, the number of the draw and `random_state` alone, so a cell
    gets the same answer in any batch, order or subset (up to rounding: in bfloat16, batches of other shape round
    differently, and now and then a draw falls the other way).

    Parameters
    ----------
    model
        Model that generates.
    prompts
        Texts to go on from.
    genes
        Write a cell sentence of these genes. ``None``: write freely.
    max_new_tokens
        Longest answer in tokens; may be left out with `genes`.
    sampling
        How words are drawn; ``None`` takes the most likely word each time.
    random_state
        Seed.
    draws
        Number of the draw of each prompt: other numbers give other answers to the same prompt. ``None``: all 0.
    cache
        File (:class:`ResponseCache`) of answers given before; those are not asked for again. New ones are written as
        they come, so that a killed run goes on.
    progress
        Show a bar after one second.

    Returns
    -------
    One answer for each prompt, without the prompt, as files can hold it (no NUL, nothing that UTF-8 cannot write).

    Raises
    ------
    PartialAnswersError
        Some prompts got no answer; the error has the others, and so has the cache.
    TypeError, ValueError
        The model gave something else than one text for each prompt.

    Examples
    --------
    >>> from scc2s.models import CallableModel
    >>> shout = CallableModel(generate=lambda prompts: [prompt.upper() for prompt in prompts])
    >>> answers(shout, ["a", "b"], max_new_tokens=1)
    ['A', 'B']
    """
    prompts = list(prompts)
    if sampling is not None and sampling.temperature == 0:
        sampling = None
    seeds = None if sampling is None else seeds_of(prompts, draws, random_state)

    def ask(rows: Sequence[int], *, progress: bool) -> list[str]:
        stop_if_gone()
        who = listener() if len(rows) == 1 and genes is None else None
        if who is not None:
            who.begins()
        found = model.generate(
            [prompts[row] for row in rows],
            max_new_tokens=max_new_tokens,
            genes=None if genes is None else genes.take(rows),
            sampling=sampling,
            seeds=None if seeds is None else [seeds[row] for row in rows],
            progress=progress,
        )
        said = _texts(found, len(rows), model)
        if who is not None:
            who.written(said[0].strip())
        return said

    store = None if cache is None else cache if isinstance(cache, ResponseCache) else ResponseCache(cache)
    keys: Sequence[Hashable]
    if store is None:
        keys = list(zip(prompts, _lengths(genes, len(prompts)), seeds or prompts, strict=True))
    else:
        keys = _keys(model, prompts, genes, max_new_tokens, sampling, seeds)
    found: dict[Hashable, str] = {}
    if store is not None:
        found.update(store.get(list(map(str, keys))))
    first = {key: row for row, key in reversed(list(enumerate(keys))) if key not in found}
    try:
        if store is None:
            rows = sorted(first.values())
            found = _given(keys, rows, ask(rows, progress=progress)) if rows else {}
        else:
            _ask_in_parts(ask, store, list(map(str, keys)), prompts, list(first.values()), found, progress=progress)
    except PartialAnswersError as error:
        if store is None:
            found = _given(keys, rows, error.answers)
        raise PartialAnswersError(str(error), [found.get(key) for key in keys]) from error
    return [found[key] for key in keys]


def _ask_in_parts(
    ask: Any,
    store: ResponseCache,
    keys: list[str],
    prompts: list[str],
    new: list[int],
    found: dict[Hashable, str],
    *,
    progress: bool,
) -> None:
    """Add the answers of the rows `new` to `found`, and to the cache as they come."""
    # Prompts of like length together, so that little of a batch is padding.
    new = sorted(new, key=lambda row: len(prompts[row]), reverse=True)
    n = _FEW
    with bar(len(new), "generate", show=progress) as running:
        while new:
            rows, new = new[:n], new[n:]
            began = monotonic()
            try:
                given = _given(keys, rows, ask(rows, progress=False))
            except PartialAnswersError as error:
                # Nothing that came is lost: the same call asks only for the rest.
                given = _given(keys, rows, error.answers)
                store.put(given)
                found.update(given)
                raise
            store.put(given)
            found.update(given)
            running.update(len(rows))
            n = min(2 * n, _MANY) if monotonic() - began < _SECONDS else max(n // 2, _FEW)


def _given(keys: Sequence[Key], rows: Sequence[int], texts: Sequence[str | None]) -> dict[Key, str]:
    return {keys[row]: text for row, text in zip(rows, texts, strict=True) if text is not None}


def _texts(found: Any, n: int, model: Any) -> list[str]:
    """One text a prompt, as files can hold it; models may write NUL, and tokens that are half a character."""
    texts = list(found) if isinstance(found, Iterable) and not isinstance(found, str | bytes) else [found]
    if wrong := [text for text in texts if not isinstance(text, str)]:
        msg = f"{model.id} answered with {type(wrong[0]).__name__}, not with text; see what its generate returns"
        raise TypeError(msg)
    if len(texts) != n:
        msg = f"{model.id} gave {len(texts)} answers to {n} prompts; see what its generate returns"
        raise ValueError(msg)
    return [text.encode("utf-8", "replace").decode("utf-8").replace("\0", "") for text in texts]


def _lengths(genes: GeneVocabulary | None, n: int) -> list[int | None]:
    return [None] * n if genes is None else [int(length) for length in genes.lengths(n)]


def _keys(
    model: Any,
    prompts: list[str],
    genes: GeneVocabulary | None,
    max_new_tokens: int | None,
    sampling: Sampling | None,
    seeds: list[int] | None,
) -> list[str]:
    info = model.info()
    lengths = _lengths(genes, len(prompts))
    common: dict[str, Any] = {
        "genes": None if genes is None else [genes.digest, genes.exact],
        "max_new_tokens": max_new_tokens,
        "sampling": None if sampling is None else [sampling.temperature, sampling.top_p, sampling.top_k],
    }
    if (tokenizer := tokenizer_hash(model)) is not None:
        common["tokenizer"] = tokenizer
    numbers = [None] * len(prompts) if seeds is None else seeds
    return [
        key_of(info, prompt, {**common, "n_genes": n, "seed": seed})
        for prompt, n, seed in zip(prompts, lengths, numbers, strict=True)
    ]
