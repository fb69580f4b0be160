from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.arguments import whole
from scc2s._cells.columns import opened
from scc2s.metrics import perplexity as per_gene
from scc2s.models._numbers import checked
from scc2s.models.decoding._cache import refuse_cache
from scc2s.prompts import custom
from scc2s.prompts._task import CELLS, SENTENCE
from scc2s.tl._asking.arguments import refuse_column_name
from scc2s.tl._asking.cells import worded
from scc2s.tl._asking.likelihood import sentence_likelihoods, with_answer
from scc2s.tl._asking.question import load_for
from scc2s.tl._asking.subjects import subject

if TYPE_CHECKING:
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task

_OTHERS = ("_shuffled", "_log_likelihood")


def perplexity(
    adata: AnnData | MuData,
    *,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    contexts: str | None = None,
    organism: str | None = None,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str = "c2s_perplexity",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """How much a cell surprises a language model: perplexity of its sentence, per gene.

    ``exp(-log-likelihood of the sentence / number of its genes)``: a model that finds V genes equally likely at each
    place gives V, one that knows the sentence by heart 1. It is per gene, not per token, so that models with other
    tokens can be compared. The same genes in random order are the reference: a model that has learned how genes are
    ranked finds them less likely than the cell.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template that asks for a cell and does not show it; ``{n_genes}`` and ``{organism}`` are filled, any other field
        is a column of ``.obs``. Or a task of :mod:`scc2s.prompts`. ``None`` takes the prompt
        ``"generate_unconditional"`` of the model's family. With `contexts` it asks for several cells
        (``{n_cells}``); any other field is a column of their table, or of ``.obs`` where the cells of each context
        agree; ``None`` takes the task ``"generate_sample"``.
    contexts
        Ask about contexts of several cells in place of single cells: their name in ``.uns["c2s"]``
        (:func:`scc2s.pp.contexts`). The text is that of all their cells with the headers between them, which a model
        that was taught them finds certain; the genes are those of all cells, each of which follows from those before.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]`` (cell by cell), ``.uns["organism"]``, or what the
        case of the gene names suggests.
    random_state
        Seed of the order of the shuffled genes.
    cache
        File that keeps answers: a second run asks only for what is not there.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the result.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets (NaN for cells with an empty sentence):

    `.obs['c2s_perplexity' | key_added]` : :class:`pandas.Series` (dtype `float64`)
        Perplexity per gene.
    `.obs['c2s_perplexity_log_likelihood']` : :class:`pandas.Series` (dtype `float64`)
        Natural logarithm of the probability of the whole sentence.
    `.obs['c2s_perplexity_shuffled']` : :class:`pandas.Series` (dtype `float64`)
        Perplexity of the same genes in random order.
    `.uns['c2s']['perplexity']` (`['perplexity_<key_added>']` for another name) : :class:`dict`
        Parameters, perplexity over all genes of all cells (``perplexity``, ``perplexity_shuffled``), prompt, number of
        shortened sentences, model and versions.

    With `contexts` nothing is written to cells, but to `.uns['c2s']['by_<contexts>'][key_added]`: the record, with
    ``table``, a row a context and the columns above, and ``names``, those of the contexts
    (:func:`scc2s.pp.context_adata`). Genes are shuffled within each cell.

    Raises
    ------
    KeyError
        If there are no sentences, or the prompt has a field that is not a column of ``.obs``.
    FloatingPointError
        If a log-likelihood or perplexity is not finite.
    ValueError
        If the prompt shows the cell, or there are no cells.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:8].copy()
    >>> sc.pp.c2s_sentences(adata, n_genes=30)
    >>> sc.tl.c2s_perplexity(adata)
    >>> bool((adata.obs["c2s_perplexity"] < adata.obs["c2s_perplexity_shuffled"]).mean() > 0.5)
    True
    """
    whole("random_state", random_state, least=0)
    refuse_column_name("key_added", key_added)
    refuse_cache(cache)
    out, data = opened(adata, mod=mod, copy=copy)
    about = subject(data, contexts, organism=organism, sentence_key=sentence_key)
    result = about.claim(
        "perplexity", key_added, "c2s_perplexity", obs=[f"{key_added}{name}" for name in ("", *_OTHERS)]
    )
    field, name = (SENTENCE, "generate_unconditional") if contexts is None else (CELLS, "generate_sample")
    if isinstance(prompt, str):
        prompt = custom(prompt, response=f" {{{field}}}")
    wanted = worded(prompt, name)
    shown = prompt if wanted is None else with_answer(wanted, field)
    seen = about.look(shown, name, shows=contexts is not None)
    loaded, task = load_for(model, prompt, name, can="log_likelihood")
    question = about.ask(with_answer(task, field), loaded, seen)
    n_genes, found = sentence_likelihoods(loaded, question, random_state=random_state, cache=cache)
    with np.errstate(over="ignore"):
        values = {name: per_gene(logprob, n_genes) for name, logprob in found.items()}
    for one in values.values():
        checked(one, one.shape, "perplexities", loaded, np.float64)
    values["_log_likelihood"] = found[""]
    spread = question.spread(np.column_stack(list(values.values())))
    columns = {f"{key_added}{name}": column for name, column in zip(values, spread.T, strict=True)}
    params = {
        "random_state": random_state,
        "sentence_key": sentence_key,
        "key_added": key_added,
        **{f"perplexity{name}": float(per_gene(logp.sum(), n_genes.sum())) for name, logp in found.items()},
    }
    about.write(result, {**params, **question.params(), "prompt": task.template}, model=loaded.info(), obs=columns)
    return out if copy else None
