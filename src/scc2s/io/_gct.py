from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from scc2s.io._tables import existing, noted, opened_text, typed, unique_names

if TYPE_CHECKING:
    from pathlib import Path


def read_gct(path: str | Path) -> AnnData:
    r"""Read a GCT file, version 1.2 or 1.3, as the Connectivity Map (L1000) and GTEx have it.

    Columns of the file (samples) become rows of the AnnData. Values stay as they are: of L1000, level 3 (log2
    expression, quantile normalised) has sentences; levels 4 and 5 are z-scores, which have none.

    Parameters
    ----------
    path
        Text file, packed by gzip or not.

    Returns
    -------
    Samples x genes, ``.X`` dense float32. ``.obs`` holds the metadata of columns and ``.var`` that of rows, by the
    names of the file; ``-666``, ``NA`` and empty texts are missing values. Names of genes are the ids of the file:
    where a column such as ``pr_gene_symbol`` has the symbols, call
    ``scc2s.pp.sentences(adata, gene_symbols="pr_gene_symbol")``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not such a file, or is shorter than it says, or an id comes twice.

    Examples
    --------
    >>> import pathlib, tempfile, scc2s
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.gct"
    >>> _ = path.write_text(
    ...     "#1.3\n1\t2\t1\t1\nid\tpr_gene_symbol\ts1\ts2\ndose\tna\t1.5\t-666\n5720\tPSME1\t8.5\t9.25\n"
    ... )
    >>> adata = scc2s.io.read_gct(path)
    >>> adata.X.tolist(), adata.obs["dose"].tolist(), adata.var["pr_gene_symbol"].tolist()
    ([[8.5], [9.25]], [1.5, nan], ['PSME1'])
    """
    file = existing(path, "a GCT file")
    with opened_text(file) as lines:
        version = lines.readline().strip()
        if version not in ("#1.2", "#1.3"):
            msg = f"{path} begins with {version[:20]!r}, and a GCT file with #1.2 or #1.3; pass the path of one"
            raise ValueError(msg)
        sizes = _sizes(lines.readline(), version, path)
        rows = [line.rstrip("\r\n").split("\t") for line in lines]
    rows = [row for row in rows if row != [""]]
    n_genes, n_samples, n_of_gene, n_of_sample = sizes
    first = 1 + n_of_gene
    if len(rows) != 1 + n_of_sample + n_genes or any(len(row) != first + n_samples for row in rows):
        wrong = next((i for i, row in enumerate(rows) if len(row) != first + n_samples), None)
        where = f"line {wrong + 3} has {len(rows[wrong])} fields" if wrong is not None else f"it has {len(rows)} lines"
        msg = (
            f"{path} is to hold {n_genes} genes and {n_samples} samples ({1 + n_of_sample + n_genes} lines of "
            f"{first + n_samples} fields after the second), but {where}; download it again"
        )
        raise ValueError(msg)
    header, of_samples, body = rows[0], rows[1 : 1 + n_of_sample], rows[1 + n_of_sample :]
    try:
        X = np.array([row[first:] for row in body]).reshape(n_genes, n_samples)
        values = np.where(np.isin(np.char.lower(X), ("", "na", "nan")), "nan", X).astype(np.float32).T
    except ValueError as error:
        msg = (
            f"{path} holds a value that is not a number ({error}); write the file again, with NaN where one is missing"
        )
        raise ValueError(msg) from error
    obs = pd.DataFrame(index=unique_names(header[first:], "sample"))
    var = pd.DataFrame(index=unique_names([row[0] for row in body], "gene"))
    for row in of_samples:
        obs[row[0]] = typed(row[first:]).set_axis(obs.index)
    for i, name in enumerate(header[1:first], 1):
        var[name] = typed([row[i] for row in body]).set_axis(var.index)
    out = AnnData(np.ascontiguousarray(values), obs=obs, var=var)
    noted(out, "GCT", {"file": file.name, "version": version})
    return out


def _sizes(line: str, version: str, path: str | Path) -> tuple[int, int, int, int]:
    fields = line.split()
    wanted = 4 if version == "#1.3" else 2
    if len(fields) < wanted or not all(field.isdigit() for field in fields[:wanted]):
        msg = f"the second line of {path} is {line.strip()[:40]!r}, where {wanted} numbers belong; download it again"
        raise ValueError(msg)
    numbers = [int(field) for field in fields[:wanted]]
    return (numbers[0], numbers[1], 1, 0) if wanted == 2 else (numbers[0], numbers[1], numbers[2], numbers[3])
