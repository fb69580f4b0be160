from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._reward import Reward
from ._vectors import Vectors

if TYPE_CHECKING:
    from collections.abc import Sequence


def embedding_energy(embedder: Any, *, real: str = "real", by: str | None = None) -> Reward:
    """How far an answer moves the energy distance between what the model writes and real cells.

    The energy distance of generated (g) and real (r) cells is ``D = 2 E|g - r| - E|g - g'| - E|r - r'|`` (Székely &
    Rizzo 2013): 0 only where both have the same distribution, spread included. Unlike :func:`embedding_mse` it is a
    property of a set, so an answer is rewarded by its share of it. With g drawn from a policy, the gradient of D is
    that of the expected value of ``2 E|g - r| - 2 E|g - g'|`` with the other answers g' held fixed, so the reward is

    ``-2 (mean over real r of |g - r|  -  mean over the other answers g' of |g - g'|)``

    An answer gains by being near real cells and loses by being near the other answers: a model that writes the mean
    cell each time gains nothing from the second.

    Parameters
    ----------
    embedder
        As for :func:`embedding_mse`.
    real
        Column of the table of prompts with the real sentences of a row: a text or a list of texts. All that the rows of
        a set have count, repeats once.
    by
        Column that tells which answers belong to one set, e.g. cell type and condition. ``None``: those to one prompt.

    Returns
    -------
    A reward in units of the embedding. A set of one answer has no others, which counts 0.

    Examples
    --------
    >>> import numpy as np
    >>> length = lambda texts: np.array([[float(len(text.split()))] for text in texts])
    >>> embedding_energy(length)(["p"] * 3, ["A", "A", "A B C"], real=[["x", "x y z"]] * 3)
    [0.0, 0.0, 2.0]
    """
    vectors = Vectors(embedder)

    def reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:
        answers = vectors.answers(completions)
        keys = [str(key) for key in (prompts if by is None else columns[by])]
        out = np.zeros(len(answers))
        for key in dict.fromkeys(keys):
            rows = [i for i, other in enumerate(keys) if other == key]
            texts = list(dict.fromkeys(text for i in rows for text in _texts(columns[real][i], real)))
            to_real = _distances(answers[rows], vectors.real(texts)).mean(axis=1)
            among = _distances(answers[rows], answers[rows]).sum(axis=1) / max(1, len(rows) - 1)
            out[rows] = 2 * (among - to_real)
        return [float(value) for value in out]

    return Reward("embedding_energy", reward, (real,) if by is None else (real, by))


def _texts(value: Any, column: str) -> list[str]:
    found = [value] if isinstance(value, str) else list(value) if np.iterable(value) else []
    if not found or not all(isinstance(text, str) for text in found):
        msg = f"column {column!r} holds {value!r}, not a sentence or a list of them; leave the row out, or fill it"
        raise TypeError(msg)
    return found


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import cdist

    found: np.ndarray = cdist(a, b)
    return found
