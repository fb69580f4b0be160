from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s.metrics import kendall_tau

from ._places import as_texts, genes_of, minus_places
from ._reward import Reward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.programs import Program


def program_tau(genes: str | Program | Sequence[str], *, truth: str = "truth") -> Reward:
    """Agreement of the order of a program's genes with that in a real cell: Kendall's tau-b.

    For each gene of the program its place in the answer and in the real sentence; genes that are absent share the place
    after the last. C2S-Scale rewards with Kendall's tau over 40 apoptosis genes, "which properly accounts for tied
    ranks" (bioRxiv 10.1101/2025.04.14.648850); tau-b is the variant that does.

    A high tau is cheap: the untreated cell has most of the order of the treated one. Judge the trained model by what is
    not the reward, such as the correlation of changes over all genes (:func:`scc2s.metrics.delta_pearson`).

    Parameters
    ----------
    genes
        Names, or a program of :func:`scc2s.programs.get`.
    truth
        Column of the table of prompts with the real sentence.

    Returns
    -------
    A reward from -1 to 1; 0 where all genes of one side are tied.

    Examples
    --------
    >>> tau = program_tau(["A", "B", "C", "D", "E"])
    >>> [round(value, 6) for value in tau(["p"], ["x B A x D"], truth=["A B C"])]  # 4 / 9
    [0.444444]
    """
    names = genes_of(genes)

    def reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:  # noqa: ARG001
        real = as_texts(columns[truth], truth)
        distinct = list(dict.fromkeys(real))
        of_real = dict(zip(distinct, minus_places(distinct, names), strict=True))
        written = minus_places(completions, names)
        return [kendall_tau(a, of_real[b]) for a, b in zip(written, real, strict=True)]

    return Reward("program_tau", reward, (truth,))
