from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.columns import opened, rows_of
from scc2s._cells.results import claim, name_of_result
from scc2s.models._numbers import attention_maps
from scc2s.models._words import word_spans
from scc2s.models.decoding._cache import refuse_cache
from scc2s.tl._asking.arguments import model_layer_of, refuse_column_name
from scc2s.tl._asking.cells import look
from scc2s.tl._asking.question import ask, load_for
from scc2s.tl._predicting.truth import group_labels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task

_MOST = 20_000_000
"""Pairs of genes that are held."""


def attention(
    adata: AnnData | MuData,
    cells: Sequence[str] | None = None,
    *,
    groupby: str | None = None,
    model_layer: int = -1,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    organism: str | None = None,
    cache: str | PathLike[str] | ResponseCache | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
    layer: int | None = None,
) -> AnnData | MuData | None:
    """Which genes of its sentence a language model attends to while it reads each gene.

    Attention says where a model looks, not what its answer rests on (Jain & Wallace 2019, arXiv:1902.10186), and not
    that one gene regulates another. Genes are read from the strongest on, so a gene attends only to stronger ones.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    cells
        Names of the cells to look at; ``None``: all.
    groupby
        Column of ``.obs``: means over the cells of each group that have both genes. ``None``: cell by cell.
    model_layer
        Layer whose attention is taken, its heads averaged: 0 for the first, -1 for the last.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model of the torch backend; ``None`` takes
        ``scc2s.settings.model``.
    prompt
        Template with ``{cell_sentence}``, or a task of :mod:`scc2s.prompts`; ``None`` takes the cell type prompt.
    organism
        Organism in the prompt; ``None`` takes it from the data.
    cache
        File that keeps answers: a second run asks only for what is not there.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the result; ``None`` is ``"attention"``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.
    layer
        Old name of `model_layer`, for one more release.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['attention']` : :class:`pandas.DataFrame`
        One row for each pair of genes of a cell (column ``cell``) or group (``group``, with ``n_cells``): ``gene``, the
        word that attends, ``position`` its place in the sentence (mean over cells), ``attends_to``, ``weight``. Tokens
        of a gene are summed where they are attended to and averaged where they attend. The weights of a gene do not
        sum to 1: the rest goes to the other words of the prompt. Names are categories.
    `.uns['c2s']['attention_record']` : :class:`dict`
        Parameters, prompt, model and versions.

    Raises
    ------
    KeyError
        A cell or column is not there, or there are no sentences.
    FloatingPointError
        Attention is not finite.
    MemoryError
        The pairs would fill the memory.
    TypeError
        The model gives no attention (servers and exported models do not), or `layer` is one of `adata`.
    ValueError
        There are no cells, or none has a sentence.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> sc.tl.c2s_attention(adata, cells=adata.obs_names[:2])
    >>> table = adata.uns["c2s"]["attention"]
    >>> table.shape, table.columns.tolist()
    ((420, 5), ['cell', 'gene', 'position', 'attends_to', 'weight'])
    """
    layer = model_layer_of(model_layer, layer, "attention")
    refuse_cache(cache)
    out, data = opened(adata, mod=mod, copy=copy)
    key = name_of_result(key_added, "attention")
    result = claim(data, f"{key}_record", uns=[key, f"{key}_record"])
    rows = rows_of(data, cells)
    if groupby is not None:
        refuse_column_name("groupby", groupby)
    labels = group_labels(data, groupby)[rows] if groupby is not None else None
    seen = look(data, prompt, "cell_type", organism=organism, sentence_key=sentence_key, rows=rows)
    if labels is not None and all(label is None for label in labels):
        msg = f"obs[{groupby!r}] is missing for all of the cells; pass groupby= a column with values"
        raise ValueError(msg)
    loaded, task = load_for(model, prompt, "cell_type", can="attention")
    question = ask(data, task, loaded, organism=organism, sentence_key=sentence_key, seen=seen)
    lengths = np.array(question.rendered.n_genes)
    if (n_pairs := int((lengths * (lengths + 1) // 2).sum())) > _MOST:
        msg = (
            f"{len(lengths)} cells have {n_pairs:,} pairs of genes; look at fewer cells (cells=adata.obs_names[:100]), "
            "or make shorter sentences: sc.pp.c2s_sentences(adata, n_genes=100)"
        )
        raise MemoryError(msg)
    texts = question.rendered.texts
    words = [word_spans(text, span) for text, span in zip(texts, question.rendered.spans, strict=True)]
    maps = attention_maps(loaded, texts, words, layer=layer, cache=cache)
    names = data.obs_names[question.cells] if labels is None else labels[question.asked]
    table = _table(texts, words, maps, names, "cell" if labels is None else "group")
    if labels is not None:
        table = _means(table)
    params = {"layer": layer, "groupby": groupby, "sentence_key": sentence_key, **question.params()}
    result.write(params, model=loaded.info(), uns={key: table.set_axis(table.index.astype(str))})
    return out if copy else None


def _table(
    texts: list[str], words: list[list[tuple[int, int]]], maps: list[np.ndarray], names: Sequence[str], column: str
) -> pd.DataFrame:
    genes = [[text[start:end] for start, end in spans] for text, spans in zip(texts, words, strict=True)]
    known = sorted({gene for some in genes for gene in some})
    code = {gene: i for i, gene in enumerate(known)}
    codes = [np.array([code[gene] for gene in some], dtype=np.int32) for some in genes]
    pairs = [np.tril_indices(len(some)) for some in genes]
    n_pairs = [len(query) for query, _ in pairs]
    # Names as codes: the text of a gene stands once, not in each of its pairs.
    return pd.DataFrame(
        {
            column: pd.Categorical(np.asarray(names, dtype=object))[np.repeat(np.arange(len(genes)), n_pairs)],
            "gene": _named(known, [some[query] for some, (query, _) in zip(codes, pairs, strict=True)]),
            "position": np.concatenate([query for query, _ in pairs]).astype(np.int32),
            "attends_to": _named(known, [some[key] for some, (_, key) in zip(codes, pairs, strict=True)]),
            "weight": np.concatenate([one[pair] for one, pair in zip(maps, pairs, strict=True)]).astype(np.float32),
        }
    )


def _named(known: list[str], codes: list[np.ndarray]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(np.concatenate(codes), categories=pd.Index(known))


def _means(table: pd.DataFrame) -> pd.DataFrame:
    grouped = table.groupby(["group", "gene", "attends_to"], sort=True, observed=True)
    found = grouped.agg(position=("position", "mean"), weight=("weight", "mean"), n_cells=("weight", "size"))
    return found.reset_index()[["group", "gene", "position", "attends_to", "weight", "n_cells"]]
