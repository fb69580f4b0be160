from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._places import as_texts, genes_of, minus_places
from ._reward import Reward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.programs import Program


def program_delta(
    genes: str | Program | Sequence[str], *, control: str = "control", truth: str | None = "truth"
) -> Reward:
    """Agreement of the change of a program's genes, from the control cell to the answer, with the real change.

    A gene at place r of a sentence of L words has the value log10((L + 1) / r), an absent one 0: expression is near
    linear in the logarithm of the rank (Levine et al., ICML 2024), and Pearson's r does not depend on slope and
    intercept. The reward is Pearson's r over the genes of (answer - control) with (truth - control).

    An answer that repeats the control gets 0. Both changes are against one control cell, so that what is peculiar to it
    raises r by itself: the cell of another donor has r above 0 too. Compare with that, not with 0.

    Parameters
    ----------
    genes
        Names, or a program of :func:`scc2s.programs.get`.
    control
        Column of the table of prompts with the sentence of the untreated cell, that of the prompt.
    truth
        Column with the sentence of a real treated cell. ``None``: no truth; the reward is the mean rise of the genes
        over the control, in powers of ten of the rank. A model learns to write all of the program first, in any cell:
        use it only to ask whether it can.

    Returns
    -------
    A reward from -1 to 1, 0 where one of the changes is the same for all genes; or the mean rise.

    Examples
    --------
    >>> delta = program_delta(["A", "B", "C"])
    >>> [round(x, 3) for x in delta(["p"] * 3, ["A x B", "x B C", "x B"], control=["x B"] * 3, truth=["A x B"] * 3)]
    [1.0, -0.998, 0.0]
    """
    names = genes_of(genes)
    columns_used = (control,) if truth is None else (control, truth)

    def reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:  # noqa: ARG001
        before = _values(as_texts(columns[control], control), names)
        change = _values(completions, names) - before
        if truth is None:
            return [float(x) for x in change.mean(axis=1)]
        real = _values(as_texts(columns[truth], truth), names) - before
        return [_correlation(a, b) for a, b in zip(change, real, strict=True)]

    return Reward("program_delta", reward, columns_used)


def _values(texts: Sequence[str], names: list[str]) -> np.ndarray:
    place = -minus_places(texts, names)
    n_words = np.array([[len(text.split())] for text in texts])
    found: np.ndarray = np.nan_to_num(np.log10((n_words + 1) / place), nan=0.0)
    return found


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if np.ptp(a) < 1e-12 or np.ptp(b) < 1e-12:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
