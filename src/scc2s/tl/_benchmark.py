from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import opened
from scc2s._cells.results import claim, name_of_result
from scc2s._cells.written_words import writable_words
from scc2s.models.decoding._cache import refuse_cache
from scc2s.prompts import custom
from scc2s.prompts._task import SENTENCE
from scc2s.tl._asking.answers import given_labels, refuse_many_fields
from scc2s.tl._asking.cells import look, worded
from scc2s.tl._asking.likelihood import with_answer
from scc2s.tl._benchmarking.contenders import ask_each, named
from scc2s.tl._benchmarking.labelling import Labelling, by_markers, majority
from scc2s.tl._benchmarking.likelihood import TASK, Likelihood, uniform
from scc2s.tl._benchmarking.neighbors import Neighbors
from scc2s.tl._benchmarking.sample import sample_cells
from scc2s.tl._benchmarking.scoring import say, table_of_answers, table_of_labels, table_of_likelihoods

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Markers
    from scc2s.prompts import Task

_KEY = "benchmark"
_TASKS = ("annotate", "embed", "perplexity")


def benchmark(
    adata: AnnData | MuData,
    task: Literal["annotate", "embed", "perplexity"] = "annotate",
    *,
    models: Sequence[str | PathLike[str] | Model] | Mapping[str, str | PathLike[str] | Model],
    label_key: str | None = None,
    labels: Sequence[str] | None = None,
    markers: Mapping[str, Sequence[str] | Markers] | pd.DataFrame | None = None,
    donor_key: str | None = None,
    n_cells: int = 1000,
    n_neighbors: int = 15,
    controls: bool = True,
    n_boot: int = 1000,
    prompt: str | Task | None = None,
    max_new_tokens: int = 32,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str = "benchmark",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Put one question about the same cells to several models, and compare them in one table, with floors and cost.

    A model that cannot be loaded or asked, or fails in the middle, is a row with the reason, and the others go on. Each
    model is asked in the words it was trained on, unless a `prompt` is given. Models are loaded one after another.

    Models that were trained on these cells look better than they are; a benchmark cannot tell.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    task
        ``"annotate"``: labels, against those of `label_key`, as :func:`scc2s.tl.annotate` gives them; by probability
        where a model can compare answers, else written. ``"embed"``: a label for each cell by a vote of the nearest
        cells in the embedding; each donor is told by the other donors, without `donor_key` each fifth of the cells by
        the rest. ``"perplexity"``: how likely the sentences are, as in :func:`scc2s.tl.perplexity`.
    models
        Names, hub ids, folders, or models from :func:`scc2s.models.load`, in a list, or by a name of your own.
    label_key
        Column of ``.obs`` with the labels that are taken for true. Cells without one are left out. For all tasks but
        ``"perplexity"``.
    labels
        Labels to choose from, each once; ``None`` takes those of `label_key`. For ``task="annotate"``.
    markers
        Genes by label, for the floor of ``task="annotate"``; ``None`` takes those of the package
        (:func:`scc2s.programs.markers`) of the labels that have some.
    donor_key
        Column of ``.obs``: intervals draw whole donors. ``None``: they draw cells, which makes them too narrow for
        claims about donors.
    n_cells
        Most cells, drawn by `random_state` and their names; the same for all models.
    n_neighbors
        Neighbors that vote, for ``task="embed"``.
    controls
        Ask each model the control questions of :func:`scc2s.tl.annotate` too. For ``task="annotate"``.
    n_boot
        Bootstrap samples for the intervals; 0: none.
    prompt
        Template with ``{cell_sentence}`` (without it for ``task="perplexity"``), or a task of :mod:`scc2s.prompts`, for
        all models. ``None`` takes that of each model's family.
    max_new_tokens
        Longest answer of a model that writes its labels.
    layer
        Layer to take for the floor of markers; ``None`` takes ``.raw`` or ``.X``.
    use_raw
        Whether to take ``.raw`` for it; ``None`` does where it is there and no layer is given.
    gene_symbols
        Column of ``.var`` with gene symbols; ``None`` takes the names of the genes.
    random_state
        Seed of the cells, of the orders of genes, and of the intervals.
    cache
        File that keeps answers: a second run asks only for what is not there.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]`` (cell by cell), ``.uns["organism"]``, or what the
        case of the gene names suggests.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the table.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['benchmark' | key_added]` : :class:`pandas.DataFrame`
        One row for each model and floor, best first:

        ``name``, ``kind``, ``status``, ``reason``
            ``"model"`` or ``"floor"``; ``"done"``, or ``"failed"`` and why.
        ``accuracy``, ``balanced_accuracy``, ``macro_f1``, ``kappa`` (each with ``_low``, ``_high``)
            Of ``"annotate"`` and ``"embed"``: :func:`scc2s.metrics.label_agreement` with 95 % intervals. ``unmapped``:
            share of answers that are not a label. ``chance``: the accuracy to expect if the same answers were dealt to
            the cells at random, which is what shuffled cells would get.
        ``perplexity`` (``_low``, ``_high``), ``perplexity_shuffled``
            Of ``"perplexity"``: per gene, over all genes; that of the same genes in random order.
        ``gain`` (``_low``, ``_high``), ``best_floor``
            How far a model is above the best floor, with the interval of the difference of the same cells: in accuracy,
            or in nats per gene.
        ``same_label, <control>``, ``verdict``
            With `controls`: share of a sample of the cells that keep their label with genes shuffled, with another
            cell's genes, and with none; and what that means, as in :func:`scc2s.tl.annotate`.
        ``n_shortened``, ``n_labels_not_taught``, ``mode``, ``width``
            Prompts that were shortened; labels that the model says it was not taught; whether it compared
            (``"score"``) or wrote (``"generate"``); numbers of an embedding.
        ``seconds_to_load``, ``seconds``, ``cells_per_second``, ``n_asked``, ``n_tokens``
            Time in the model, and prompts (with their tokens, without those of answers) that it was asked in this run,
            less the controls: what `cache` had already costs nothing here.

        Floors are the most frequent label and, for ``"annotate"``, marker genes (every cell gets the label with the
        best score), for ``"embed"`` the same vote in principal components of the ranks in the sentences; for
        ``"perplexity"`` all genes that sentences may hold alike.
    `.uns['c2s']['<key_added>_answers']` : :class:`pandas.DataFrame`
        The true label and each answer, one row a cell of the sample; of ``"perplexity"`` the mean log-likelihood per
        gene.
    `.uns['c2s']['<key_added>_record']` : :class:`dict`
        Parameters and versions.

    Raises
    ------
    KeyError
        If there are no sentences, or a column is missing.
    TypeError
        If models are not a list or dictionary, or a number is not whole.
    ValueError
        If there are no models, fewer than two cells or labels, or the task is not known.

    Examples
    --------
    >>> import numpy as np, scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> adata.obs["kind"] = np.where(adata.obs["bulk_labels"] == "CD19+ B", "B cell", "other")
    >>> marked = scc2s.models.CallableModel(
    ...     score=lambda prompts, choices: np.array([[1.0, 0.0] if "CD79A" in p else [0.0, 1.0] for p in prompts])
    ... )
    >>> blind = scc2s.models.CallableModel(score=lambda prompts, choices: np.tile([1.0, 0.0], (len(prompts), 1)))
    >>> sc.tl.c2s_benchmark(adata, models={"blind": blind, "marked": marked}, label_key="kind", n_cells=100, n_boot=50)
    >>> table = adata.uns["c2s"]["benchmark"]
    >>> table.loc[table["kind"] == "model", "name"].tolist()
    ['marked', 'blind']
    """
    if task not in _TASKS:
        msg = f"task={task!r} is not known; pass task= one of {', '.join(map(repr, _TASKS))}"
        raise ValueError(msg)
    whole("n_cells", n_cells, least=2)
    whole("n_neighbors", n_neighbors)
    whole("n_boot", n_boot, least=0)
    whole("max_new_tokens", max_new_tokens)
    whole("random_state", random_state, least=0)
    refuse_cache(cache)
    if (label_key is None) == (task != "perplexity"):
        need = "needs labels that are taken for true; pass label_key= a column of adata.obs"
        msg = f"task={task!r} {need if label_key is None else 'has no use for labels; leave label_key= out'}"
        raise ValueError(msg)
    for argument, value in (("labels", labels), ("markers", markers)):
        if value is not None and task != "annotate":
            msg = f"{argument}= is for task='annotate'; leave it out for task={task!r}"
            raise ValueError(msg)
    each = named(models)
    key = name_of_result(key_added, _KEY)
    given = given_labels(labels, "cell_type", scored=True)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    result = claim(data, f"{key}_record", uns=[key, f"{key}_answers", f"{key}_record"])
    sample = sample_cells(
        data, label_key=label_key, donor_key=donor_key, n_cells=n_cells, sentence_key=sentence_key,
        random_state=random_state,
    )  # fmt: skip
    if task == "embed" and len(set(sample.folds.tolist())) < 2:
        msg = f"all cells are of one donor in adata.obs[{donor_key!r}], and there are no others to tell them by; pass "
        msg += "donor_key=None"
        raise ValueError(msg)
    shown, name = _shown(prompt, task)
    seen = look(data, shown, name, organism=organism, sentence_key=sentence_key, rows=sample.rows)
    how: dict[str, Any] = {
        "data": data, "seen": seen, "organism": organism, "sentence_key": sentence_key, "random_state": random_state,
        "cache": cache,
    }  # fmt: skip
    params: dict[str, Any] = {
        "task": task, "models": list(each), "label_key": label_key, "donor_key": donor_key, "n_cells": n_cells,
        "n_boot": n_boot, "prompt": None if prompt is None else prompt if isinstance(prompt, str) else prompt.template,
        "organism": organism, "sentence_key": sentence_key, "random_state": random_state,
    }  # fmt: skip
    scored = {"n_boot": n_boot, "random_state": random_state}
    if sample.labels is None:
        words = writable_words(data, sentence_key).in_sentences
        outcomes = [uniform([seen.sentences[row] for row in sample.rows.tolist()], len(words))]
        asked = Likelihood(
            **how, prompt=custom(prompt, response=f" {{{SENTENCE}}}") if isinstance(prompt, str) else prompt
        )
        outcomes += ask_each(each, asked.of)
        table = table_of_likelihoods(outcomes, sample, **scored)
    else:
        names = given or given_labels(sorted(set(sample.labels)), "cell_type", scored=True) or []
        outcomes = [majority(sample.labels)]
        if task == "annotate":
            outcomes.append(
                by_markers(data, sample.rows, markers, names, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols)
            )
            labelling = Labelling(**how, names=names, prompt=prompt, max_new_tokens=max_new_tokens, controls=controls)
            outcomes += ask_each(each, labelling.of)
            params |= {"labels": names, "controls": controls, "max_new_tokens": max_new_tokens}
        else:
            near = Neighbors(**how, sample=sample, labels=sample.labels, prompt=prompt, n_neighbors=n_neighbors)
            outcomes += [near.by_words(), *ask_each(each, near.of)]
            names = sorted(set(sample.labels))
            params |= {"n_neighbors": n_neighbors}
        table = table_of_labels(outcomes, sample, names, **scored)
    say(table)
    said = table_of_answers(outcomes, sample, data.obs_names[sample.rows].tolist())
    result.write(params, uns={key: table, f"{key}_answers": said})
    return out if copy else None


def _shown(prompt: str | Task | None, task: str) -> tuple[str | Task | None, str]:
    """The prompt as far as it is known before a model is, with its cells; and the name of that of the models."""
    name = TASK if task == "perplexity" else "cell_type"
    if task == "perplexity" and isinstance(prompt, str):
        prompt = custom(prompt, response=f" {{{SENTENCE}}}")
    wanted = worded(prompt, name)
    if wanted is None:
        return prompt, name
    if task == "annotate":
        refuse_many_fields(wanted)
    return with_answer(wanted, SENTENCE) if task == "perplexity" else wanted, name
