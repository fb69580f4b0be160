from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s.metrics._bertscore import bertscore as score

from ._places import as_texts
from ._reward import Reward

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def bertscore(encoder: Callable[[str], Any], *, truth: str = "truth", idf: bool = False) -> Reward:
    """F1 of BERTScore between the answer and a reference text (Zhang et al. 2020); only together with `grounding`.

    With a BioBERT encoder this is the reward that C2S-Scale calls BioBERTScore. It says that two texts are worded
    alike, not that either is right of the cells, and any two captions score close together; so
    :func:`scc2s.train.grpo` refuses it unless :func:`grounding` is among the rewards, too.

    Parameters
    ----------
    encoder
        Text to token vectors; :func:`scc2s.metrics.encoder_from` makes one of a folder.
    truth
        Column of the table of prompts with the reference text.
    idf
        Weigh tokens by how rare they are among the references of the call.

    Returns
    -------
    A reward from -1 to 1, for most texts from 0.3 to 1; 0 for an empty answer.

    Examples
    --------
    >>> import numpy as np
    >>> letters = lambda text: np.eye(26)[[ord(letter) - 97 for letter in text if letter.isalpha()]]
    >>> bertscore(letters)(["p", "p"], ["ab", "xyz"], truth=["abc", "abc"])
    [0.8, 0.0]
    """
    if not callable(encoder):
        msg = f"encoder is {type(encoder).__name__}; pass scc2s.metrics.encoder_from(folder), or a function of a text"
        raise TypeError(msg)

    def reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:  # noqa: ARG001
        found = score(completions, as_texts(columns[truth], truth), encoder, idf=idf)
        return [round(float(value), 12) for value in found.f1]

    return Reward("bertscore", reward, (truth,), needs=("grounding",))
