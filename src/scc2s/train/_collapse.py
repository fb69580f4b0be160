"""What a group of answers looks like, and whether a run has lost its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

DIVERSITY, NO_SPREAD, KL = 0.5, 0.5, 0.5


def diversity(completions: Sequence[str], group_size: int, names: Iterable[str] | None = None) -> dict[str, float]:
    """How unlike the answers of a group are, on average over groups.

    Parameters
    ----------
    completions
        Answers; those of a group stand together.
    group_size
        Answers to one prompt.
    names
        Genes that count as valid.

    Returns
    -------
    ``distinct_answers``: share of answers of a group that no earlier one of it is the same as, from 1 / `group_size` to
    1. ``distinct_genes``: different words of a group by the words of one answer, 1 where all have the same words, up to
    `group_size`. ``length``: words of an answer. ``valid``, with `names`: share of words that are genes, each once.

    Examples
    --------
    >>> found = diversity(["A B", "A B", "A C", "A C"], 2, ["A", "B"])
    >>> found
    {'distinct_answers': 0.5, 'distinct_genes': 1.0, 'length': 2.0, 'valid': 0.75}
    """
    words = [text.split() for text in completions]
    groups = [range(start, start + group_size) for start in range(0, len(words), group_size)]
    n_words = np.array([len(one) for one in words], dtype=np.float64)
    answers = [len({tuple(words[i]) for i in group}) / group_size for group in groups]
    genes = [
        len({word for i in group for word in words[i]}) / max(float(np.mean([len(set(words[i])) for i in group])), 1.0)
        for group in groups
    ]
    out = {
        "distinct_answers": float(np.mean(answers)),
        "distinct_genes": float(np.mean(genes)),
        "length": float(n_words.mean()),
    }
    if names is not None:
        known = frozenset(names)
        valid = np.array([len(known.intersection(one)) for one in words])
        out["valid"] = float(np.mean(valid / np.maximum(n_words, 1)))
    return out


def collapse(
    history: pd.DataFrame, *, diversity: float = DIVERSITY, no_spread: float = NO_SPREAD, kl: float = KL
) -> list[str]:
    """What in a history says that the run collapsed, in words with figures; nothing for one that did not.

    The first and the last steps of the run are compared: a tenth of the steps each, at least one and at most ten.

    Parameters
    ----------
    history
        Of :func:`scc2s.train.grpo`.
    diversity
        Share of its start under which the entropy, the share of different answers, or the number of different genes of
        a group (over that of one answer) must not fall.
    no_spread
        Largest share of groups in which all answers get the same rewards: nothing is learned from them.
    kl
        Largest divergence from the reference, in nats a token.
    """
    if not len(history):
        return []
    n = int(np.clip(len(history) // 10, 1, 10))
    first, last = history.head(n).mean(numeric_only=True), history.tail(n).mean(numeric_only=True)
    out = []
    for column, offset, what in (
        ("entropy", 0.0, "entropy of the next token"),
        ("distinct_answers", 0.0, "share of different answers in a group"),
        ("distinct_genes", 1.0, "different genes of a group, beyond those of one answer"),
    ):
        if column not in history:
            continue
        before, after = first[column] - offset, last[column] - offset
        if before > 1e-6 and after < diversity * before:
            out.append(f"{what} fell from {before:.3g} to {after:.3g}, under {diversity:.0%} of the start")
    if "no_spread" in history and last["no_spread"] > no_spread:
        out.append(f"{last['no_spread']:.0%} of the groups have rewards without spread, over {no_spread:.0%}")
    if "kl" in history and last["kl"] > kl:
        out.append(f"the divergence from the reference is {last['kl']:.3g} nats a token, over {kl:g}")
    return out
