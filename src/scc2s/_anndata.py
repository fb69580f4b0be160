"""What the AnnData functions have in common: the modality, the matrix with its gene names, the sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

from scc2s._expression import Expression
from scc2s._logging import logger
from scc2s.sentences import join, words
from scc2s.sentences._names import as_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mudata import MuData

OnDuplicate = Literal["error", "max", "sum"]

_IDS = re.compile(r"(ENS[A-Z]*[GTP]\d{6,}|WBGene\d+|FBgn\d+)(\.\d+)?$|\d+$")
_SYMBOL_COLUMNS = (
    "gene_symbol",
    "gene_symbols",
    "symbol",
    "symbols",
    "gene_name",
    "gene_names",
    "feature_name",
    "hgnc_symbol",
)


class Slots(NamedTuple):
    """Where a set of sentences is kept."""

    text: str
    """Column of obs."""
    n_genes: str
    """Column of obs."""
    ranks: str
    """Key of obsm."""
    record: str
    """Key of uns["c2s"]."""


def sentence_slots(key: str = "c2s_sentence") -> Slots:
    """Slots of the sentences named `key`; other names get slots of their own.

    Examples
    --------
    >>> sentence_slots("top50_sentence").ranks
    'top50_ranks'
    """
    stem = key.removesuffix("_sentence")
    return Slots(key, f"{stem}_n_genes", f"{stem}_ranks", "sentences" if stem == "c2s" else f"sentences_{stem}")


def get_adata(data: AnnData | MuData, mod: str = "rna") -> AnnData:
    """The AnnData itself, or modality `mod` of a MuData."""
    if isinstance(data, AnnData):
        return data
    modalities = getattr(data, "mod", None)
    if modalities is None:
        msg = (
            f"expected an AnnData or a MuData, not {type(data).__name__}; read a file with scanpy.read_h5ad(path) first"
        )
        raise TypeError(msg)
    if mod not in modalities:
        msg = f"the MuData has no modality {mod!r}; pass mod= one of {', '.join(map(repr, modalities))}"
        raise KeyError(msg)
    return modalities[mod]


def refuse_unwritable(adata: AnnData) -> None:
    """Views of a file on disk cannot take results: say so before the work is done."""
    if adata.is_view and adata.isbacked:
        msg = "a view of an AnnData on disk cannot hold results; pass the whole AnnData, or adata[...].to_memory()"
        raise ValueError(msg)


def expression(
    adata: AnnData,
    *,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    upper: bool = False,
    exclude: Iterable[str] = (),
    var_mask: str | np.ndarray | pd.Series | None = None,
    on_duplicate: OnDuplicate = "error",
) -> Expression:
    """A matrix of `adata` and the words its genes stand as in sentences.

    Parameters
    ----------
    adata
        Cells.
    layer
        Layer to take; ``None`` takes ``.raw`` or ``.X``.
    use_raw
        Whether to take ``.raw``; ``None`` does where it is there and no layer is given.
    gene_symbols
        Column of ``.var`` with the symbols; ``None`` takes the names of the genes. Genes without one are left out.
    upper
        Write the symbols in capitals.
    exclude
        Genes to leave out, by name or symbol.
    var_mask
        Genes to use: a boolean column of ``.var``, or a boolean for each gene.
    on_duplicate
        What to do with genes of the same name: refuse them, or merge them to their largest value or their sum (for counts).

    Raises
    ------
    KeyError
        If a layer, a column or ``.raw`` is not there.
    ValueError
        If names are ids or repeated, or arguments exclude each other.
    """
    X, var, source = _matrix(adata, layer, use_raw)
    if gene_symbols is not None and gene_symbols not in var:
        msg = f"var has no column {gene_symbols!r} ({source} was to be used); its columns are: {', '.join(map(str, var.columns))}"
        raise KeyError(msg)
    column = pd.Series(var.index if gene_symbols is None else var[gene_symbols].astype(object).to_numpy())
    names = as_words(column.fillna(""), upper=upper)
    allowed = np.array([n != "" for n in names], dtype=bool)
    if not allowed.all():
        logger.warning("%d of %d genes have no symbol and are left out", (~allowed).sum(), len(allowed))
    allowed &= _mask(adata, var, var_mask)
    allowed &= ~_excluded(var.index, names, exclude)
    _refuse_ids([n for n, a in zip(names, allowed, strict=True) if a], var, gene_symbols)
    logger.info("expression is taken from %s", source)
    if on_duplicate == "error":
        words([n for n, a in zip(names, allowed, strict=True) if a])
        return Expression(X, names, source, None if allowed.all() else allowed)
    if on_duplicate not in ("max", "sum"):
        msg = f"on_duplicate={on_duplicate!r} is not known; pass 'error', 'max' or 'sum'"
        raise ValueError(msg)
    return Expression(X, names, source, None if allowed.all() else allowed).merged(on_duplicate)


def _matrix(adata: AnnData, layer: str | None, use_raw: bool | None) -> tuple[Any, pd.DataFrame, str]:
    if layer is not None:
        if use_raw:
            msg = "layer and use_raw=True exclude each other; pass only one of them"
            raise ValueError(msg)
        if layer not in adata.layers:
            msg = f"there is no layer {layer!r}; pass layer= one of {', '.join(map(repr, adata.layers)) or '(none is there)'}"
            raise KeyError(msg)
        return adata.layers[layer], adata.var, f"layers[{layer!r}]"
    if use_raw or (use_raw is None and adata.raw is not None):
        if adata.raw is None:
            msg = "use_raw=True, but adata.raw is not set; pass use_raw=False or layer=..."
            raise KeyError(msg)
        return adata.raw.X, adata.raw.var, "raw.X"
    if adata.X is None:
        msg = f"adata.X is not set; pass layer= one of {', '.join(map(repr, adata.layers)) or '(none is there)'}"
        raise KeyError(msg)
    return adata.X, adata.var, "X"


def _mask(adata: AnnData, var: pd.DataFrame, var_mask: str | np.ndarray | pd.Series | None) -> np.ndarray:
    if var_mask is None:
        return np.ones(len(var), dtype=bool)
    if isinstance(var_mask, str):
        if var_mask in var:
            var_mask = var[var_mask]
        elif var_mask in adata.var:  # such as highly_variable, where raw is used
            var_mask = adata.var[var_mask]
        else:
            msg = f"var has no column {var_mask!r}; pass a boolean column, or a boolean for each gene"
            raise KeyError(msg)
    if isinstance(var_mask, pd.Series) and not var_mask.index.equals(var.index) and var_mask.index.is_unique:
        var_mask = var_mask.reindex(var.index, fill_value=False)
    mask = np.asarray(var_mask)
    if mask.dtype != bool or mask.shape != (len(var),):
        msg = (
            f"var_mask has dtype {mask.dtype} and shape {mask.shape}; pass one boolean for each of the {len(var)} genes"
        )
        raise ValueError(msg)
    return mask


def _excluded(index: pd.Index, names: list[str], exclude: Iterable[str]) -> np.ndarray:
    wanted = {exclude} if isinstance(exclude, str) else set(exclude)
    found = (
        np.isin(index.astype(str), list(wanted)) | np.isin(names, list(wanted))
        if wanted
        else np.zeros(len(names), bool)
    )
    if wanted:
        logger.info("%d genes are left out by exclude (%d names given)", found.sum(), len(wanted))
    return found


def _refuse_ids(names: list[str], var: pd.DataFrame, gene_symbols: str | None) -> None:
    """Language models know gene symbols; a sentence of database ids would go through them without an error."""
    share = id_share(names)
    if share < 0.05:
        return
    where = "the gene names" if gene_symbols is None else f"var[{gene_symbols!r}]"
    if share < 0.5 or gene_symbols is not None:
        logger.warning("%.0f %% of %s are database ids (such as %s), not symbols", 100 * share, where, _first_id(names))
        return
    column = _symbol_column(var)
    mend = (
        f"pass gene_symbols={column!r}"
        if column
        else "set adata.var_names to symbols, or pass gene_symbols= the column of var that holds them"
    )
    msg = f"{share:.0%} of {where} are database ids (such as {_first_id(names)}), which language models do not know; {mend}"
    raise ValueError(msg)


def id_share(names: Iterable[str]) -> float:
    """Share of names that are Ensembl, WormBase, FlyBase or Entrez ids.

    Examples
    --------
    >>> id_share(["ENSG00000167286.9", "CD3D"])
    0.5
    """
    found = [_IDS.match(n) is not None for n in names]
    return sum(found) / len(found) if found else 0.0


def _first_id(names: list[str]) -> str:
    return next(n for n in names if _IDS.match(n))


def _symbol_column(var: pd.DataFrame) -> str | None:
    """The column that looks most like gene symbols: by its name first, then any text that is no id."""
    text = [c for c in var if not pd.api.types.is_numeric_dtype(var[c]) and var[c].nunique() > len(var) / 2]
    fitting = [c for c in text if id_share(var[c].dropna().astype(str)) < 0.5]
    named = [c for c in fitting if str(c).lower() in _SYMBOL_COLUMNS]
    return next(iter(named + fitting), None)


def get_sentences(adata: AnnData, key: str = "c2s_sentence") -> list[str]:
    """The sentence of each cell, ``""`` where a cell has none.

    Parameters
    ----------
    adata
        Cells.
    key
        Column of ``.obs`` (object, string or categorical); where there is none, the ranks of the same name are written out.

    Raises
    ------
    KeyError
        If there are neither.
    """
    slots = sentence_slots(key)
    if key in adata.obs:
        column = adata.obs[key].astype(object)
        return column.where(column.notna(), "").astype(str).tolist()
    genes = adata.uns.get("c2s", {}).get(slots.record, {}).get("genes")
    if slots.ranks in adata.obsm and genes is not None:
        return join(np.asarray(adata.obsm[slots.ranks]), list(genes)).tolist()
    extra = "" if key == "c2s_sentence" else f", key_added={key!r}"
    msg = f"there are no sentences in adata.obs[{key!r}]; call sc.pp.c2s_sentences(adata{extra}) first"
    raise KeyError(msg)
