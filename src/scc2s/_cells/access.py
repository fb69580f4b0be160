"""What the AnnData functions have in common: the modality, the matrix with its gene names, the sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

from scc2s._cells.expression import Expression
from scc2s._cells.genes import gene_words, used
from scc2s._cells.ranks import in_memory, stored_ranks
from scc2s._cells.symbols import usable
from scc2s._logging import logger
from scc2s.prompts._organism import organism_name
from scc2s.sentences import join
from scc2s.sentences._names import refuse_repeats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mudata import MuData

OnDuplicate = Literal["error", "max", "sum"]
WhichFeatures = Literal["genes", "all"]


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
    gene_list: str
    """Column of obs: mark of the list of genes that the ranks of a cell are of."""


def sentence_slots(key: str = "c2s_sentence") -> Slots:
    """Slots of the sentences named `key`; other names get slots of their own.

    Examples
    --------
    >>> sentence_slots("top50_sentence").ranks
    'top50_ranks'
    """
    stem = key.removesuffix("_sentence")
    record = "sentences" if stem == "c2s" else f"sentences_{stem}"
    return Slots(key, f"{stem}_n_genes", f"{stem}_ranks", record, f"{stem}_gene_list")


def get_adata(data: AnnData | MuData, mod: str = "rna") -> AnnData:
    """The AnnData itself, or modality `mod` of a MuData."""
    if isinstance(data, AnnData):
        return data
    modalities = getattr(data, "mod", None)
    if not isinstance(modalities, Mapping):  # .mod of a DataFrame is a method
        msg = (
            f"expected an AnnData or a MuData, not {type(data).__name__}; read a file with scanpy.read_h5ad(path) first"
        )
        raise TypeError(msg)
    if mod not in modalities:
        msg = f"the MuData has no modality {mod!r}; pass mod= one of {', '.join(map(repr, modalities))}"
        raise KeyError(msg)
    return modalities[mod]


def refuse_unwritable(adata: AnnData) -> None:
    """What cannot take results (views of files on disk, lazy tables): say so before the work is done."""
    if adata.is_view and adata.isbacked:
        msg = "a view of an AnnData on disk cannot hold results; pass the whole AnnData, or adata[...].to_memory()"
        raise ValueError(msg)
    if not isinstance(adata.obs, pd.DataFrame):
        msg = "an AnnData that was read lazily cannot hold results; pass adata.to_memory()"
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
    organism: str | None = None,
    features: WhichFeatures = "genes",
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
        What to do with genes of one name: refuse them, or merge them to their largest value or their sum. Logarithms
        are summed as what they are logarithms of.
    organism
        Name of the organism, where the caller knows it; else what the AnnData says. Of other organisms than human and
        mouse, names of any form are taken, if they are not ids.
    features
        ``"all"``: also what is not a gene, such as antibodies; names are then taken as they stand.

    Raises
    ------
    KeyError
        If a layer, a column or ``.raw`` is not there.
    ValueError
        If most names are not symbols (ids, peaks, ...), or names repeat, arguments exclude each other, or logarithms of
        an unknown base are to be summed.
    """
    X, var, source = matrix(adata, layer=layer, use_raw=use_raw)
    if gene_symbols in adata.var and gene_symbols not in var:
        msg = f"{gene_symbols!r} is a column of adata.var, but not of adata.raw.var; pass use_raw=False or layer=..."
        raise KeyError(msg)
    names = gene_words(var, gene_symbols, upper=upper, features=features)
    if isinstance(var_mask, str):
        var_mask = _mask_column(adata, var, var_mask)
    chosen = used(var.index, names, exclude=exclude, var_mask=var_mask)
    if features == "all":
        allowed = chosen & (np.array(names, dtype=object) != "")
    else:
        beside = adata.var if source == "raw.X" else None
        allowed = usable(var, gene_symbols, chosen, organism=organism or stated_organism(adata), beside=beside)
    kept = names if allowed.all() else [n for n, a in zip(names, allowed, strict=True) if a]
    if on_duplicate not in ("error", "max", "sum"):
        msg = f"on_duplicate={on_duplicate!r} is not known; pass 'error', 'max' or 'sum'"
        raise ValueError(msg)
    logger.info("expression is taken from %s", source)
    found = Expression(X, names, source, None if allowed.all() else allowed)
    if on_duplicate == "error":
        refuse_repeats(kept, upper=upper)
        return found
    return found.merged(on_duplicate, _noted_base(adata, source))


def _noted_base(adata: AnnData, source: str) -> float | None:
    """Base of the logarithm that scanpy has noted; ``None`` where it has not, or the matrix is another one."""
    noted = adata.uns.get("log1p")
    if not isinstance(noted, Mapping) or source not in ("X", "raw.X"):
        return None
    base = noted.get("base")
    return math.e if base is None or isinstance(base, str) else float(base)


def stated_organism(adata: AnnData) -> str | None:
    """The organism that ``.uns`` or the first cell names; ``None`` where what stands there does not name one."""
    if (said := adata.uns.get("organism")) is None and "organism" in adata.obs and adata.n_obs:
        said = adata.obs["organism"].iloc[0]
    if said is None:
        return None
    try:
        return organism_name(said)
    except (TypeError, ValueError):  # said where a prompt needs it
        return None


def matrix(adata: AnnData, *, layer: str | None = None, use_raw: bool | None = None) -> tuple[Any, pd.DataFrame, str]:
    """The matrix, its var, and its place: `layer`, ``.raw`` if it is set and `use_raw` is not ``False``, or ``.X``."""
    named = [name for name in adata.layers if name is not None]  # anndata 0.13 lists .X as a layer without a name
    if layer is not None:
        if use_raw:
            msg = "layer and use_raw=True exclude each other; pass only one of them"
            raise ValueError(msg)
        if layer not in adata.layers:
            msg = f"there is no layer {layer!r}; pass layer= one of {[*named, None]}"
            raise KeyError(msg)
        return adata.layers[layer], adata.var, f"layers[{layer!r}]"
    if use_raw or (use_raw is None and adata.raw is not None):
        if adata.raw is None:
            msg = "use_raw=True, but adata.raw is not set; pass use_raw=False or layer=..."
            raise KeyError(msg)
        return adata.raw.X, adata.raw.var, "raw.X"
    if adata.X is None:
        msg = f"adata.X is not set; pass layer= one of {named}, or set it"
        raise KeyError(msg)
    return adata.X, adata.var, "X"


def _mask_column(adata: AnnData, var: pd.DataFrame, name: str) -> pd.Series:
    """A column of the matrix's own var, or of the AnnData (``highly_variable`` is not in that of ``.raw``)."""
    for table in (var, adata.var):
        if name in table:
            return table[name]
    msg = f"var has no column {name!r}; pass the name of a boolean column, or a boolean for each gene"
    raise KeyError(msg)


def get_sentences(adata: AnnData, key: str = "c2s_sentence") -> list[str]:
    """The sentence of each cell, ``""`` where a cell has none.

    Parameters
    ----------
    adata
        Cells.
    key
        Column of ``.obs`` (object, string or categorical); where there is none, ranks of that name are written out.

    Raises
    ------
    KeyError
        If there are neither.
    ValueError
        If ranks are not of the list of genes that is there, or some cells have text and others ranks.
    """
    slots = sentence_slots(key)
    if key in adata.obs:
        column = in_memory(adata, key).astype(object)
        there = column.notna()
        _refuse_half(adata, there.to_numpy(), slots)
        return [str(text) for text in column.where(there, "")]
    if found := stored_ranks(adata, slots):
        return [str(text) for text in join(*found)]
    extra = "" if key == "c2s_sentence" else f", key_added={key!r}"
    msg = f"there are no sentences in adata.obs[{key!r}]; call sc.pp.c2s_sentences(adata{extra}) first"
    raise KeyError(msg)


def _refuse_half(adata: AnnData, there: np.ndarray, slots: Slots) -> None:
    """Cells without text that have genes: put together from data sets with text and with ranks."""
    if there.all() or slots.n_genes not in adata.obs:
        return
    lost = ~there & (pd.to_numeric(in_memory(adata, slots.n_genes), errors="coerce") > 0).to_numpy()
    if lost.any():
        msg = (
            f"{int(lost.sum())} of {adata.n_obs} cells have no text in adata.obs[{slots.text!r}], but genes by "
            f"adata.obs[{slots.n_genes!r}] (stored as ranks before ad.concat?); call sc.pp.c2s_sentences(adata, "
            f"key_added={slots.text!r}) again"
        )
        raise ValueError(msg)
