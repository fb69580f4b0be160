"""Genes of a test that the user has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s._cells.columns import column
from scc2s.tl._talking.evidence import Higher, as_higher

if TYPE_CHECKING:
    from anndata import AnnData


def stored_pair(data: AnnData, groupby: str, pair: tuple[str, str], key: str, n: int) -> list[Higher]:
    """Up to `n` genes that are higher in each of two groups than in the other.

    Raises
    ------
    KeyError
        There is no such result.
    ValueError
        It compares other groups.
    """
    import scanpy as sc

    column(data, groupby, "groupby")
    if key not in data.uns:
        msg = f"adata.uns has no {key!r}; call sc.tl.rank_genes_groups(adata, {groupby!r}, key_added={key!r}) first"
        raise KeyError(msg)
    params, names = data.uns[key]["params"], data.uns[key]["names"].dtype.names
    reference = str(params["reference"])
    out = []
    if str(params["groupby"]) == groupby:
        for group, other in (pair, pair[::-1]):
            if reference == other and group in names:
                found = sc.get.rank_genes_groups_df(data, group, key=key)
                out.append(Higher(group, other, as_higher(found).iloc[:n]))
                lower = found.assign(scores=-found["scores"], logfoldchanges=-found["logfoldchanges"]).iloc[::-1]
                out.append(Higher(other, group, as_higher(lower).iloc[:n]))
    if not out:
        msg = (
            f"adata.uns[{key!r}] does not compare {pair[0]!r} with {pair[1]!r} of {groupby!r}; call "
            f"sc.tl.rank_genes_groups(adata, {groupby!r}, groups=[{pair[0]!r}], reference={pair[1]!r}, key_added=...)"
        )
        raise ValueError(msg)
    return out[:2]
