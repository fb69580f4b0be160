from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.contexts import CONTEXTS, get_contexts

if TYPE_CHECKING:
    from mudata import MuData


def context_adata(adata: ad.AnnData | MuData, *, contexts: str = CONTEXTS, mod: str = "rna") -> ad.AnnData:
    """An AnnData with a row for each context, for the neighbors, embeddings and plots of scanpy.

    Parameters
    ----------
    adata
        Cells with contexts (:func:`scc2s.pp.contexts`), and what tools have said of these.
    contexts
        Name of the contexts in ``.uns["c2s"]``.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    New :class:`~anndata.AnnData` without genes: ``.obs`` has the table of the contexts and the columns of all results
    by context, ``.obsm`` their vectors and probabilities, ``.uns["c2s"]`` their records.

    Raises
    ------
    KeyError
        If there are no contexts of that name.
    ValueError
        If results are of other contexts, drawn before these.

    Examples
    --------
    >>> import numpy as np, scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> sc.pp.c2s_contexts(adata, groupby="bulk_labels", n_cells=8, n_contexts=2)
    >>> letters = scc2s.models.CallableModel(embed=lambda prompts: np.array([[p.count("A")] for p in prompts]))
    >>> sc.tl.c2s_embed(adata, model=letters, contexts="contexts")
    >>> samples = sc.pp.c2s_context_adata(adata)
    >>> samples.obsm["X_c2s"].shape == (samples.n_obs, 1)
    True
    """
    data = get_adata(adata, mod)
    table = get_contexts(data, contexts).table
    obs = table.set_axis(table.index.astype(str)).copy()
    obsm: dict[str, np.ndarray | pd.DataFrame] = {}
    records = {}
    for name, found in data.uns["c2s"].get(f"by_{contexts}", {}).items():
        if list(map(str, found["names"])) != obs.index.tolist():
            msg = f"the result {name!r} is of other contexts than are there now; call the tool that wrote it again"
            raise ValueError(msg)
        if "table" in found:
            obs = obs.join(found["table"].set_axis(obs.index))
        for key, values in found.get("arrays", {}).items():
            obsm[key] = values.set_axis(obs.index) if isinstance(values, pd.DataFrame) else np.asarray(values)
        records[name] = {key: value for key, value in found.items() if key not in ("table", "arrays", "names")}
    out = ad.AnnData(obs=obs, obsm=obsm)
    if records:
        out.uns["c2s"] = records
    return out
