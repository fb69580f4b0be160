from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s.metrics import validity as measured

from ._reward import Reward

if TYPE_CHECKING:
    from collections.abc import Sequence


def validity(names: Sequence[str]) -> Reward:
    """Share of the words of an answer that are genes, each counted once.

    What is held to the genes (``grpo(genes=...)``) has 1 always, so this is a reward for free rollouts.

    Parameters
    ----------
    names
        Genes that may be written.

    Returns
    -------
    A reward from 0 to 1; 0 for an answer without words.

    Examples
    --------
    >>> validity(["A", "B"])(["p"] * 3, ["A B", "A A X B", ""])
    [1.0, 0.5, 0.0]
    """
    genes = [str(name) for name in names]
    if not genes:
        msg = "there are no genes that an answer could consist of; pass names=list(adata.var_names)"
        raise ValueError(msg)

    def reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:  # noqa: ARG001
        found = measured(completions, genes)
        return [float(n) for n in found["n_unique"] / found["n_words"].clip(lower=1)]

    return Reward("validity", reward)
