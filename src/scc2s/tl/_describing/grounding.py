"""What stands behind a text that a model wrote about a group of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s.prompts._mentions import mentions
from scc2s.tl._describing.groups import expressing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scc2s._cells.expression import Expression
    from scc2s.tl._describing.groups import Groups


def grounding(
    texts: Sequence[str],
    about: Sequence[str],
    expressed: Expression,
    groups: Groups,
    *,
    min_share: float,
    ignore: Iterable[str],
) -> pd.DataFrame:
    """Check the genes that each text names against the group it is `about`.

    Returns
    -------
    One row a text: ``genes_named``, ``genes_not_expressed`` (above 0 in less than `min_share` of the group's cells),
    ``genes_unknown`` (look like symbols, are not genes of the data set), as texts with commas; ``share_grounded``, of
    all of them, NaN where there are none.
    """
    found = mentions(texts, [name for name in expressed.names if name], ignore=[*groups.names, *ignore])
    shares = expressing(expressed, groups, sorted({gene for one in found for gene in one.genes}))
    rows = []
    for group, (genes, unknown) in zip(about, found, strict=True):
        low = [gene for gene in genes if shares[group][gene] < min_share]
        n = len(genes) + len(unknown)
        share = (len(genes) - len(low)) / n if n else np.nan
        rows.append((listing(genes), listing(low), listing(unknown), share))
    return pd.DataFrame(rows, columns=["genes_named", "genes_not_expressed", "genes_unknown", "share_grounded"])


def listing(words: Iterable[str]) -> str:
    """Words as one text, which h5ad and zarr hold in a table; a list they do not."""
    return ", ".join(words)
