from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def perplexity(logprob: ArrayLike, n: ArrayLike) -> np.ndarray:
    """``exp(-logprob / n)``: among how many equally likely words (or tokens) the model would have to guess.

    A model that knows nothing has the size of its vocabulary. Only perplexities per the same unit, over the same text,
    compare: per gene for models with other tokenizers.

    Parameters
    ----------
    logprob
        Summed natural log-probability of each text (:meth:`scc2s.models.Reads.log_likelihood`).
    n
        Words, or tokens, of each text.

    Returns
    -------
    One number a text; NaN for a text without words. For a whole corpus give the two sums.

    Examples
    --------
    >>> perplexity([-2 * np.log(50), 0.0], [2, 0]).round(6).tolist()
    [50.0, nan]
    """
    logp, size = np.asarray(logprob, dtype=np.float64), np.asarray(n, dtype=np.float64)
    out: np.ndarray = np.exp(-np.divide(logp, size, out=np.full(np.shape(logp), np.nan), where=size > 0))
    return out
