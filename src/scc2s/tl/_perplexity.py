from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scc2s._cells.arguments import whole
from scc2s._cells.columns import opened
from scc2s._cells.results import claim
from scc2s.metrics import perplexity as per_gene
from scc2s.models._numbers import checked, likelihoods
from scc2s.models.decoding._cache import refuse_cache
from scc2s.prompts import custom
from scc2s.prompts._task import SENTENCE
from scc2s.tl._asking.arguments import refuse_column_name
from scc2s.tl._asking.cells import look, worded
from scc2s.tl._asking.question import ask, load_for

if TYPE_CHECKING:
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task


def perplexity(
    adata: AnnData | MuData,
    *,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
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
        ``"generate_unconditional"`` of the model's family.
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
    result = claim(
        data,
        "perplexity" if key_added == "c2s_perplexity" else f"perplexity_{key_added}",
        obs=[f"{key_added}{name}" for name in ("", "_shuffled", "_log_likelihood")],
    )
    if isinstance(prompt, str):
        prompt = custom(prompt, response=f" {{{SENTENCE}}}")
    name = "generate_unconditional"
    if (wanted := worded(prompt, name)) is not None:
        _with_answer(wanted)
    seen = look(data, prompt, name, organism=organism, sentence_key=sentence_key, shows=False)
    loaded, task = load_for(model, prompt, name, can="log_likelihood")
    question = ask(data, _with_answer(task), loaded, organism=organism, sentence_key=sentence_key, seen=seen)
    parts = [_parted(text, *span) for text, span in zip(question.rendered.texts, question.rendered.spans, strict=True)]
    prompts = [before for before, _ in parts]
    n_genes = np.array(question.rendered.n_genes)
    found = {}
    for name, answers in (
        ("", [after for _, after in parts]),
        ("_shuffled", [_shuffled(after, random_state) for _, after in parts]),
    ):
        found[name] = likelihoods(loaded, prompts, answers, cache=cache).logprob
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
    result.write({**params, **question.params(), "prompt": task.template}, model=loaded.info(), obs=columns)
    return out if copy else None


def _with_answer(task: Task) -> Task:
    """The prompt with the answer after it, so that a sentence too long for the model loses genes at its end."""
    if SENTENCE in task.fields or SENTENCE not in task.response_fields:
        msg = (
            f"task {task.name!r} does not ask for a cell it has not shown; pass prompt=scc2s.prompts.custom(template, "
            f"response=' {{{SENTENCE}}}') without {{{SENTENCE}}} in the template"
        )
        raise ValueError(msg)
    field = f"{{{SENTENCE}}}"
    return replace(task, template=task.template + task.response.partition(field)[0] + field)


def _parted(text: str, start: int, end: int) -> tuple[str, str]:
    """Prompt and answer; the white space between them belongs to the answer."""
    before = text[:start].rstrip()
    return before, text[len(before) : end]


def _shuffled(answer: str, random_state: int) -> str:
    """The same genes in another order, which follows from the sentence: the same in any subset."""
    genes = answer.split()
    rng = np.random.default_rng([random_state, zlib.crc32(answer.encode())])
    space = answer[: len(answer) - len(answer.lstrip())]
    return space + " ".join(rng.permutation(genes))
