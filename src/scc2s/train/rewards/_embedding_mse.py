from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._places import as_texts
from ._reward import Reward
from ._vectors import Vectors

if TYPE_CHECKING:
    from collections.abc import Sequence


def embedding_mse(embedder: Any, *, truth: str = "truth") -> Reward:
    """Minus the mean squared error between the embeddings of the answer and of a real cell.

    The reward of C2S-Scale for cytokine responses, with embeddings of scGPT and real cells drawn at random under the
    same labels (bioRxiv 10.1101/2025.04.14.648850). Drawn so, its expectation in d dimensions is

    ``-(|mu_g - mu_r|^2 + tr Sigma_g + tr Sigma_r) / d``

    with means and covariances of generated (g) and real (r) cells: the second term **rewards lower spread**, and the
    best a model can do is to write the mean cell each time. Use :func:`embedding_energy`, whose best answer has the
    spread of the real cells; where you use this one, look at the diversity in the history.

    Parameters
    ----------
    embedder
        A function from texts to texts x dimensions, or a model with ``embed``, such as
        ``scc2s.models.load("scc2s-mini")``. It should not be the model that is trained.
    truth
        Column of the table of prompts with the sentence of the real cell that an answer is compared with.

    Returns
    -------
    A reward of 0 or less, in squared units of the embedding.

    Examples
    --------
    >>> import numpy as np
    >>> length = lambda texts: np.array([[len(text.split()), 0.0] for text in texts])
    >>> embedding_mse(length)(["p", "p"], ["A B", "A B C"], truth=["A", "B"])
    [-0.5, -2.0]
    """
    vectors = Vectors(embedder)

    def reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:  # noqa: ARG001
        real = vectors.real(as_texts(columns[truth], truth))
        error = ((vectors.answers(completions) - real) ** 2).mean(axis=1)
        return [-float(value) for value in error]

    return Reward("embedding_mse", reward, (truth,))
