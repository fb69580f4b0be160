from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

from scc2s._cells.access import matrix, sentence_slots, stated_organism
from scc2s._cells.arguments import whole
from scc2s._cells.provenance import file_names
from scc2s._cells.results import claim, refuse_name
from scc2s._logging import logger
from scc2s.io._arrow import tables
from scc2s.io._tables import noted
from scc2s.prompts._organism import organism_name

if TYPE_CHECKING:
    import pyarrow as pa

_TEXT, _NAME = "cell_sentence", "cell_name"
_FIT, _ORGANISM, _PERTURBATION = "fit_parameters", "organism", "perturbations"
_FEW = 2_000
"""Cells looked at to see whether rows are in the order of the sentences."""


def from_csdata(
    source: Any,
    *,
    adata: AnnData | None = None,
    vocabulary: Mapping[str, int] | Iterable[str] | None = None,
    n_genes: int | None = None,
    delimiter: str = " ",
    key_added: str = "c2s_sentence",
) -> AnnData:
    """Take the sentences that ``cell2sentence`` or ``helical`` wrote, word for word, as those of an AnnData.

    Read are a ``CSData`` of cell2sentence, the :class:`datasets.Dataset` of either package (its rows as they are chosen
    and ordered), one with splits, and a folder that ``save_to_disk`` wrote. A folder needs neither package, nor
    ``datasets``.

    Parameters
    ----------
    source
        The object, or the path of the folder, with a column ``cell_sentence``.
    adata
        The cells that the sentences are about, which are left as they were: the result is a copy with the sentences.
        Cells are matched by ``cell_name``; helical writes no names, so its rows have to be those of `adata`, in their
        order, and begin with a gene that the cell expresses. ``None``: the result has no expression (``.X`` is
        ``None``), which embedding, labels and questions do not need.
    vocabulary
        Genes, as cell2sentence keeps them beside the folder; ``None`` takes those of the CSData, or else the words that
        occur. Not used with `adata`.
    n_genes
        Genes to keep of each sentence; ``None`` keeps all. Both packages write all expressed genes and cut them in the
        prompt.
    delimiter
        What stands between genes.
    key_added
        Name of the sentences.

    Returns
    -------
    A new AnnData:

    `.obs['c2s_sentence' | key_added]`, `.obs['c2s_n_genes']`
        The sentences, and their number of genes; with another `key_added` as :func:`scc2s.pp.sentences` names them.
    `.obs`
        The other columns, where the cells have none of that name; ``split``, where the dataset has splits.
    `.var['n_cells']`
        Cells that express the gene, where the vocabulary says so.
    `.uns['organism']`
        What helical wrote, if it is one organism for all cells.
    `.uns['c2s']['read']`
        Where the sentences came from; helical's line from rank to expression as ``slope``, ``intercept``, ``r_squared``
        (log10 units; its R2 is one of means of ranks).

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    KeyError
        If there is no column ``cell_sentence``, or a cell of `adata` is not among the names.
    TypeError
        If `source` or `adata` is something else.
    ValueError
        If names repeat in what is matched, rows do not fit those of `adata`, or most words are not genes of it.

    Examples
    --------
    >>> import datasets, scc2s
    >>> theirs = datasets.Dataset.from_dict({"cell_name": ["a", "b"], "cell_sentence": ["CD3D LTB IL7R", "LYZ CST3"]})
    >>> adata = scc2s.io.from_csdata(theirs, n_genes=2)
    >>> adata.obs["c2s_sentence"].tolist(), adata.var_names.tolist()
    (['CD3D LTB', 'LYZ CST3'], ['CD3D', 'LTB', 'IL7R', 'LYZ', 'CST3'])
    """
    refuse_name(key_added)
    n_genes = None if n_genes is None else whole("n_genes", n_genes)
    if adata is not None and not isinstance(adata, AnnData):
        msg = f"adata is of type {type(adata).__name__}; pass an AnnData, of a MuData adata=mdata['rna']"
        raise TypeError(msg)
    if hasattr(source, "data_path") and hasattr(source, "vocab"):
        vocabulary = source.vocab if vocabulary is None else vocabulary
        source = source.data_path
    read = _read(tables(source), delimiter)
    mends: list[str] = []
    upper = False
    if adata is None:
        out = _without_expression(read, vocabulary, mends)
    else:
        upper = _in_capitals(read, adata)
        read = _matched(read, adata, upper, mends)
        out = adata.copy()
    texts = [" ".join(found[:n_genes]) for found in read.words]
    for name, column in read.columns.items():
        if name not in out.obs:
            out.obs[name] = pd.Series(column, index=out.obs_names)
    if read.organism is not None and stated_organism(out) is None:
        out.uns["organism"] = read.organism
    _write(out, texts, n_genes=n_genes, source=read.package, upper=upper, key=key_added)
    noted(out, read.package, {"n_cells": len(texts), **read.fit}, mends)
    return out


class _Read(NamedTuple):
    """What a dataset holds, a value a row."""

    words: list[list[str]]
    names: list[str] | None
    columns: dict[str, Any]
    organism: str | None
    fit: dict[str, float]
    package: str

    def taken(self, rows: np.ndarray) -> _Read:
        """Some of the rows, in this order."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        names = None if self.names is None else [self.names[i] for i in rows]
        return self._replace(words=[self.words[i] for i in rows], names=names, columns=columns)


def _read(parts: dict[str, pa.Table], delimiter: str) -> _Read:
    import pyarrow as pa

    table = pa.concat_tables(list(parts.values()), promote_options="default")
    if _TEXT not in table.column_names:
        there = ", ".join(map(repr, table.column_names)) or "none"
        msg = (
            f"there is no column {_TEXT!r} (columns: {there}); pass the dataset of sentences, not the one of prompts "
            "that training made of it"
        )
        raise KeyError(msg)
    values = {name: table[name].to_pylist() for name in table.column_names}
    if wrong := [text for text in values[_TEXT] if text is not None and not isinstance(text, str)]:
        msg = f"{_TEXT!r} holds a {type(wrong[0]).__name__}, where texts belong; pass the dataset of sentences"
        raise TypeError(msg)
    texts = [(text or "") if delimiter == " " else (text or "").replace(delimiter, " ") for text in values.pop(_TEXT)]
    names = [str(name) for name in values.pop(_NAME)] if _NAME in values else None
    package = "helical" if {_FIT, _ORGANISM, _PERTURBATION} <= set(values) else "cell2sentence"
    line = next((dict(found) for found in values.pop(_FIT, []) if isinstance(found, Mapping)), {})
    organism = _one_organism(values.pop(_ORGANISM)) if package == "helical" else None
    columns = (
        {} if list(parts) == [""] else {"split": np.repeat(list(parts), [part.num_rows for part in parts.values()])}
    )
    for name, kept in zip(values, file_names(list(values)), strict=True):
        column = values[name]
        if any(isinstance(value, list | dict) for value in column):
            logger.info("the column %r holds lists and is left out", name)
        elif any(value is not None for value in column):
            columns[kept] = pd.Series(column, dtype=object).infer_objects().to_numpy()
    fit = {name: float(value) for name, value in line.items() if value is not None}
    return _Read([text.split() for text in texts], names, columns, organism, fit, package)


def _one_organism(said: list[Any]) -> str | None:
    """The name of all cells; ``None`` where helical did not know it."""
    names = {str(value) for value in said if value is not None} - {"unknown"}
    if len(names) > 1:
        logger.warning("the dataset names several organisms (%s) and none is taken", ", ".join(sorted(names)))
    return organism_name(names.pop()) if len(names) == 1 else None


def _without_expression(read: _Read, vocabulary: Mapping[str, int] | Iterable[str] | None, mends: list[str]) -> AnnData:
    names = [f"cell{i}" for i in range(len(read.words))] if read.names is None else read.names
    index = pd.Index(names, dtype=object)
    if index.has_duplicates:
        from anndata.utils import make_index_unique

        index = make_index_unique(index)
        mends.append("names of cells came twice and were numbered")
    if read.names is None:
        mends.append("the rows have no names and are called cell0, cell1, ...")
    found = dict.fromkeys(word for sentence in read.words for word in sentence)
    genes = list(found) if vocabulary is None else [str(gene) for gene in vocabulary]
    if lost := found.keys() - set(genes):
        msg = f"{len(lost)} words are not in the vocabulary (one: {min(lost)!r}); pass the one of this dataset, or None"
        raise ValueError(msg)
    if len(genes) > len(set(genes)):
        msg = "the vocabulary names a gene twice; pass vocabulary=None, or one without repeats"
        raise ValueError(msg)
    var = pd.DataFrame(index=pd.Index(genes, dtype=object))
    if isinstance(vocabulary, Mapping):
        var["n_cells"] = np.array(list(vocabulary.values()), dtype=np.int64)
    return AnnData(X=None, obs=pd.DataFrame(index=index), var=var)


def _in_capitals(read: _Read, adata: AnnData) -> bool:
    """Whether the words are the names of genes in capitals, as cell2sentence has them; raises where neither."""
    found = {word for sentence in read.words for word in sentence}
    of_raw = [] if adata.raw is None else adata.raw.var_names
    names = {*map(str, adata.var_names), *map(str, of_raw)}
    as_they_are, capitals = len(found & names), len(found & {name.upper() for name in names})
    if 2 * max(as_they_are, capitals) < len(found):
        msg = (
            f"of {len(found)} words only {max(as_they_are, capitals)} are names of genes of adata; pass the data that "
            "the sentences were made from, with the same names"
        )
        raise ValueError(msg)
    return capitals > as_they_are


def _matched(read: _Read, adata: AnnData, upper: bool, mends: list[str]) -> _Read:
    """The rows of the cells of `adata`."""
    if read.names is None:
        if len(read.words) != adata.n_obs:
            msg = (
                f"the dataset has {len(read.words)} rows without names and adata {adata.n_obs} cells; pass the cells "
                "that the sentences were made from, in their order"
            )
            raise ValueError(msg)
        _refuse_other_order(read.words, adata, upper)
        mends.append("the rows have no names and were taken in the order of the cells")
        return read
    index = pd.Index(read.names)
    if index.has_duplicates or adata.obs_names.has_duplicates:
        twice = "the dataset" if index.has_duplicates else "adata"
        msg = f"names of cells come twice in {twice}, so they cannot be matched; give each cell a name of its own"
        raise ValueError(msg)
    rows = index.get_indexer(adata.obs_names)
    if (lost := rows < 0).any():
        first = adata.obs_names[int(lost.argmax())]
        msg = (
            f"{int(lost.sum())} of {adata.n_obs} cells of adata have no sentence in the dataset (first: {first!r}); "
            "pass adata=adata[adata.obs_names.isin(names)], names those of its column cell_name"
        )
        raise KeyError(msg)
    if left := len(index) - len(rows):
        mends.append(f"{left} sentences are of cells that adata does not have, and were left out")
    return read.taken(rows)


def _refuse_other_order(sentences: list[list[str]], adata: AnnData, upper: bool) -> None:
    """Raise where a cell does not express the gene that its sentence begins with: the rows are of other cells."""
    looked_at = np.unique(np.linspace(0, max(adata.n_obs - 1, 0), min(_FEW, adata.n_obs)).astype(int))
    rows = np.array([row for row in looked_at if sentences[row]], dtype=int)
    part = adata[rows].to_memory()
    X, var, _ = matrix(part) if part.X is not None or part.raw is not None else (None, part.var, "")
    names = [str(name).upper() if upper else str(name) for name in var.index]
    column = {name: i for i, name in reversed(list(enumerate(names)))}
    places = np.array([column.get(sentences[row][0], -1) for row in rows], dtype=int)
    if X is None or not (places >= 0).any():
        logger.warning("adata has no expression of these genes, so the order of its cells was not checked")
        return
    values = np.asarray(X[np.flatnonzero(places >= 0), places[places >= 0]]).ravel()
    if (wrong := values == 0).any():
        first = adata.obs_names[rows[places >= 0][int(wrong.argmax())]]
        msg = (
            f"of {len(values)} cells looked at, {int(wrong.sum())} do not express the gene that their sentence begins "
            f"with (first: {first!r}); pass adata= the cells that the sentences were made from, in their order"
        )
        raise ValueError(msg)


def _write(out: AnnData, texts: list[str], *, n_genes: int | None, source: str, upper: bool, key: str) -> None:
    slots = sentence_slots(key)
    result = claim(out, slots.record, obs=(slots.text, slots.n_genes, slots.gene_list), obsm=[slots.ranks])
    lengths = np.array([text.count(" ") + bool(text) for text in texts], dtype=np.int32)
    params: dict[str, Any] = {
        "n_genes": n_genes,
        "source": source,
        "upper": upper,
        "exclude": [],
        "features": "genes",
        "reference": None,
        "tie_break": f"as {source} wrote them",
        "store": "text",
        "n_empty": int((lengths == 0).sum()),
    }
    obs = {slots.text: pd.Series(texts, index=out.obs_names, dtype=object), slots.n_genes: lengths}
    result.write(params, obs=obs)
    out.obsm.pop(slots.ranks, None)
