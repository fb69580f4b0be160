from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from ._errors import PartialAnswersError
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
    One answer for each prompt, without the prompt.

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
        return model.generate(
            [prompts[row] for row in rows],
            max_new_tokens=max_new_tokens,
            genes=None if genes is None else genes.take(rows),
            sampling=sampling,
            seeds=None if seeds is None else [seeds[row] for row in rows],
            progress=progress,
        )

    if cache is None:
        return ask(range(len(prompts)), progress=progress)
    store = cache if isinstance(cache, ResponseCache) else ResponseCache(cache)
    keys = _keys(model, prompts, genes, max_new_tokens, sampling, seeds)
    found = store.get(keys)
    first = {key: row for row, key in reversed(list(enumerate(keys))) if key not in found}
    # Prompts of like length together, so that little of a batch is padding.
    new = sorted(first.values(), key=lambda row: len(prompts[row]), reverse=True)
    n = _FEW
    with bar(len(new), "generate", show=progress) as running:
        while new:
            rows, new = new[:n], new[n:]
            began = monotonic()
            try:
                texts = ask(rows, progress=False)
            except PartialAnswersError as error:
                # Nothing that came is lost: the same call asks only for the rest.
                store.put({keys[row]: text for row, text in zip(rows, error.answers, strict=True) if text is not None})
                raise
            given = {keys[row]: text for row, text in zip(rows, texts, strict=True)}
            store.put(given)
            found |= given
            running.update(len(rows))
            n = min(2 * n, _MANY) if monotonic() - began < _SECONDS else max(n // 2, _FEW)
    return [found[key] for key in keys]


def _keys(
    model: Any,
    prompts: list[str],
    genes: GeneVocabulary | None,
    max_new_tokens: int | None,
    sampling: Sampling | None,
    seeds: list[int] | None,
) -> list[str]:
    info = model.info()
    lengths = [None] * len(prompts) if genes is None else genes.lengths(len(prompts)).tolist()
    common = {
        "genes": None if genes is None else [genes.digest, genes.exact],
        "max_new_tokens": max_new_tokens,
        "sampling": None if sampling is None else [sampling.temperature, sampling.top_p, sampling.top_k],
    }
    numbers = [None] * len(prompts) if seeds is None else seeds
    return [
        key_of(info, prompt, {**common, "n_genes": n, "seed": seed})
        for prompt, n, seed in zip(prompts, lengths, numbers, strict=True)
    ]
