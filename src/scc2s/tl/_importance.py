from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from scc2s._cells.arguments import whole
from scc2s._cells.columns import opened, rows_of
from scc2s._cells.gene_words import words_of
from scc2s._cells.results import claim, name_of_result
from scc2s._logging import logger
from scc2s.models._occlusion import occlusion, rank_agreement
from scc2s.models._words import word_spans
from scc2s.models.decoding._cache import refuse_cache
from scc2s.tl._asking.answers import as_answers, printable_text, refuse_many_fields
from scc2s.tl._asking.cells import look, worded
from scc2s.tl._asking.question import ask, load_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task

_MOST = 200_000
"""Questions of one call."""


def importance(
    adata: AnnData | MuData,
    target: str,
    cells: Sequence[str] | None = None,
    *,
    n_genes: int | None = None,
    sanity: bool = True,
    n_sanity: int = 20,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    organism: str | None = None,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """How much each gene of a cell's sentence speaks for an answer: by occlusion.

    Each gene is left out of the prompt, one at a time, and the log-likelihood of the answer is compared with that of
    the whole prompt (Zeiler & Fergus 2014, arXiv:1311.2901, for images). It says what the model's answer rests on, not
    what the cell's identity does: of two genes that say the same, neither may matter alone.

    An explanation that comes out alike for a model that learned nothing explains nothing (Adebayo et al. 2018,
    arXiv:1810.03292). So the same is done with random weights, and the rank correlation of the two is reported: it
    should be near 0.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    target
        Column of ``.obs`` with the answer for each cell, e.g. ``"c2s_cell_type"``, or one answer for all, e.g.
        ``"B cell"``.
    cells
        Names of the cells to look at; ``None``: all. Each costs as many questions as it has genes.
    n_genes
        Leave out the first so many genes only; ``None``: all of the sentence.
    sanity
        Compare with random weights; needs a model of the torch backend.
    n_sanity
        Cells that this is done with, at most.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{cell_sentence}``, or a task of :mod:`scc2s.prompts`; ``None`` takes the cell type prompt.
    organism
        Organism in the prompt; ``None`` takes it from the data.
    random_state
        Seed of the random weights.
    cache
        File that keeps answers: a second run asks only for what is not there.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the result; ``None`` is ``"importance"``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.layers['c2s_importance']` : :class:`scipy.sparse.csr_matrix` (dtype `float32`)
        Log-likelihood of the answer with the gene less that without it, in nats: positive genes speak for it. 0 for
        genes that are not in the sentence, and cells that were not looked at.
    `.uns['c2s']['importance']` : :class:`dict`
        ``random_weights_correlation`` (mean of Spearman's over cells; NaN without `sanity`), ``n_sanity``, parameters,
        prompt, model and versions.

    Raises
    ------
    KeyError
        A cell is not there, or there are no sentences.
    FloatingPointError
        A log-likelihood is not finite.
    TypeError
        The model does not score, or `sanity` is asked of one without a random twin.
    ValueError
        Too many questions, a cell without an answer, or no cell with a sentence.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=12)
    >>> sc.tl.c2s_importance(adata, "B cell", cells=adata.obs_names[:2], n_sanity=2)
    >>> (adata.layers["c2s_importance"] != 0).sum(axis=1)[:3].tolist()
    [[12], [12], [0]]
    """
    if n_genes is not None:
        whole("n_genes", n_genes)
    whole("n_sanity", n_sanity)
    whole("random_state", random_state, least=None)
    refuse_cache(cache)
    out, data = opened(adata, mod=mod, copy=copy)
    key = name_of_result(key_added, "importance")
    result = claim(data, key, layers=[f"c2s_{key}"], uns=[key])
    rows = rows_of(data, cells)
    seen = look(data, prompt, "cell_type", organism=organism, sentence_key=sentence_key, rows=rows)
    if (wanted := worded(prompt, "cell_type")) is not None:
        refuse_many_fields(wanted)
    targets = _targets(data, target, seen.written)
    loaded, task = load_for(model, prompt, "cell_type", can="log_likelihood")
    if sanity and not hasattr(loaded, "with_random_weights"):
        msg = f"{loaded.id} has no twin with random weights to compare with; pass sanity=False, or use backend='torch'"
        raise TypeError(msg)
    question = ask(data, task, loaded, organism=organism, sentence_key=sentence_key, n_answer_tokens=64, seen=seen)
    texts = question.rendered.texts
    words = [word_spans(text, span)[:n_genes] for text, span in zip(texts, question.rendered.spans, strict=True)]
    n_questions = sum(map(len, words)) + len(words)
    if n_questions > _MOST:
        msg = (
            f"{len(words)} cells and their genes make {n_questions:,} questions; look at fewer cells "
            "(cells=adata.obs_names[:100]) or genes (n_genes=50)"
        )
        raise ValueError(msg)
    logger.info("importance: %d cells, %d questions", len(words), n_questions)
    answers = as_answers(targets, task)
    drops = occlusion(loaded, texts, words, answers, cache=cache)
    layer = _layer(data, sentence_key, texts, words, drops, question.cells)
    found: dict[str, Any] = {"random_weights_correlation": float("nan"), "n_sanity": 0}
    if sanity:
        some = slice(0, n_sanity)
        random = loaded.with_random_weights(random_state)
        control = occlusion(
            random, texts[some], words[some], answers[some], cache=cache, info=_random_info(loaded, random_state)
        )
        found = _agreement(drops[some], control)
    params = {"target": target, "n_genes": n_genes, "sentence_key": sentence_key, **question.params()}
    result.write(params, model=loaded.info(), more=found, layers={f"c2s_{key}": layer})
    return out if copy else None


def _random_info(model: Any, random_state: int) -> dict[str, Any]:
    """What tells a twin with random weights from others: its trained one, the seed, and who drew them."""
    info = dict(model.info())
    return {**info, "random_weights": [random_state, info.get("torch"), info.get("transformers")]}


def _targets(adata: AnnData, target: str, rows: np.ndarray) -> list[str]:
    """The answer for each of the rows."""
    if not isinstance(target, str) or not target.strip():
        msg = f"target={target!r} is not an answer; pass a column of adata.obs, or one answer such as 'B cell'"
        raise TypeError(msg)
    if target not in adata.obs:
        return [printable_text(target, "target")] * len(rows)
    values = adata.obs[target].iloc[rows]
    if values.isna().any():
        msg = f"{int(values.isna().sum())} cells have no value in obs[{target!r}]; leave them out: cells=..."
        raise ValueError(msg)
    return [printable_text(str(value), f"obs[{target!r}]") for value in values]


def _layer(
    adata: AnnData,
    sentence_key: str,
    texts: list[str],
    words: list[list[tuple[int, int]]],
    drops: list[np.ndarray],
    cells: np.ndarray,
) -> sparse.csr_matrix:
    known = words_of(adata, sentence_key)
    column = dict(zip(known.words, known.columns, strict=False))
    values, rows, columns = [], [], []
    for text, spans, drop, cell in zip(texts, words, drops, cells, strict=True):
        for (start, end), value in zip(spans, drop, strict=True):
            if (at := column.get(text[start:end])) is not None:
                values.append(value)
                rows.append(cell)
                columns.append(at)
    return sparse.csr_matrix((np.array(values, dtype=np.float32), (rows, columns)), shape=adata.shape)


def _agreement(drops: list[np.ndarray], control: list[np.ndarray]) -> dict[str, Any]:
    mean, n = rank_agreement(drops, control)
    if mean > 0.3:
        logger.warning(
            "importance is much the same with random weights (rank correlation %.2f): it tells of the prompt more than "
            "of what the model learned", mean,
        )  # fmt: skip
    return {"random_weights_correlation": mean, "n_sanity": n}
