from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s._cells.arguments import whole
from scc2s._cells.columns import opened
from scc2s._cells.groups import Groups
from scc2s.models._answers import answers
from scc2s.models._taught import taught
from scc2s.tl._asking.annotate_targets import annotate_targets
from scc2s.tl._asking.answers import (
    as_answers,
    given_labels,
    label_set,
    refuse_many_fields,
    refuse_wrong_synonyms,
    score_labels,
)
from scc2s.tl._asking.arguments import refuse_column_name, refuse_other_mode, share
from scc2s.tl._asking.cells import worded
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.labels import labels_of_groups, scored_slots
from scc2s.tl._asking.nulls import ask_nulls
from scc2s.tl._asking.offer import offer
from scc2s.tl._asking.question import load_for
from scc2s.tl._asking.readings import reader
from scc2s.tl._asking.subjects import refuse_for_contexts, subject
from scc2s.tl._asking.targets import given_targets
from scc2s.tl._asking.untaught import compare
from scc2s.tl._asking.verdicts import judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task
    from scc2s.tl._asking.question import Question


_COLUMNS = ("prob", "entropy", "none", "trust", "raw")


def annotate(
    adata: AnnData | MuData,
    *,
    labels: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    mode: Literal["score", "generate"] = "score",
    target: str = "cell_type",
    targets: Sequence[str] | None = None,
    groupby: str | None = None,
    min_prob: float | None = None,
    normalize: Literal["sum", "mean"] = "sum",
    prior_correction: bool = False,
    controls: bool = True,
    contexts: str | None = None,
    synonyms: Mapping[str, str] | None = None,
    temperature: float = 0.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    max_new_tokens: int = 32,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Label each cell, or each context of several cells, with a language model.

    ``mode="score"`` compares the probabilities that the model gives to each of `labels` as the answer: no other
    answer can come out, and each comes with a probability. ``mode="generate"`` lets the model write, and maps what it
    wrote to `labels`.

    With `contexts` the question is about a sample: ``target="tissue"``, ``"disease"``, or ``"cell_types"``, the list of
    the types of its cells, which a model can only write (``mode="generate"``).

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    labels
        Labels to choose from, each once; ``None`` takes those that the model declares. With ``mode="generate"`` and no
        labels at all the answers themselves, tidied, are the labels. With `targets` a list for each, by its name.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{cell_sentence}``; ``{n_genes}`` and ``{organism}`` are filled too, any other field is a
        column of ``.obs``. Or a task of :mod:`scc2s.prompts`. ``None`` takes the prompt named `target` of the model's
        family. With `contexts` a template has ``{multi_cell_sentences}``, and ``{n_cells}`` is filled; any other field
        is a column of their table, or of ``.obs`` where the cells of each context agree; ``None`` takes the prompt
        ``"sample_<target>"``.
    mode
        ``"score"`` or ``"generate"``.
    target
        What is asked for; names the prompt and the results.
    targets
        Several things that are asked for at once, in place of `target`, e.g. ``["cell_type", "perturbation"]``: the
        prompt asks for all, and one answer has them all. ``mode="score"`` compares all combinations of the labels (up
        to 1000); the probability of a label is that of all combinations with it. Each has slots ``c2s_<target>...`` of
        its own (``<key_added>_<target>...``), and all one record. ``prompt=None`` is in the words of this package.
    groupby
        Column of ``.obs``, e.g. ``"leiden"``: also give each group the label with the highest probability, averaged
        over its cells; with ``mode="generate"`` the label that most of its cells got.
    min_prob
        Cells (and groups) whose best label is less probable are ``"unassigned"``.
    normalize
        Compare the ``"sum"`` of the log-probabilities of a label's tokens (the probability of the answer, rescaled to
        add up to 1 over the labels), or their ``"mean"`` (a label is not punished for its length; scores, not
        likelihoods).
    prior_correction
        Subtract what the same prompt without genes gives, so that labels the model favours anyway gain nothing by it
        (Holtzman et al. 2021, arXiv:2104.08315, section 3). Helps models that were not trained on these labels.
    controls
        Ask the control questions and write the report: a sample of the cells again with their genes in another order,
        with the genes of another cell, and with none. At most a tenth more questions, but at least 20 cells. A warning
        is logged where the answers do not differ.
    contexts
        Ask about contexts of several cells in place of single cells: their name in ``.uns["c2s"]``
        (:func:`scc2s.pp.contexts`).
    synonyms
        Other wordings and the label each stands for, for ``mode="generate"``. Case, punctuation and plural never
        matter.
    temperature, top_p, top_k
        How words are drawn; ``temperature=0`` takes the most likely one each time. For ``mode="generate"``.
    max_new_tokens
        Longest answer, for ``mode="generate"``.
    random_state
        Seed of the draws.
    cache
        File that keeps answers: a second run asks only for what is not there.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]`` (cell by cell), ``.uns["organism"]``, or what the
        case of the gene names suggests.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the results; ``None`` is ``c2s_<target>``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets (for the default `target`; cells with an empty sentence are not asked and get missing
    values):

    `.obs['c2s_cell_type' | key_added]` : :class:`pandas.Series` (dtype `category`)
        Label, ``"unassigned"`` under `min_prob`, ``"unmapped"`` where a written answer is not a label. Categories keep
        the order of `labels`.
    `.obs['c2s_cell_type_prob']`, `.obs['c2s_cell_type_entropy']` : :class:`pandas.Series` (dtype `float32`)
        Probability of the best label among `labels`; entropy of all of them in nats. Only ``mode="score"``.
    `.obs['c2s_cell_type_trust']` : :class:`pandas.Series` (dtype `float32`)
        How far the best label is above what the model says without the cell's genes, from 0 (no further) to 1
        (:func:`scc2s.metrics.excess`), times the share of the cell's genes that have a token, for models whose tokens
        are genes. Only ``mode="score"`` with `controls`.
    `.obs['c2s_cell_type_none']` : :class:`pandas.Series` (dtype `float32`)
        Probability that none of `labels` is right; the probability of the best label takes its part of the rest. Only
        where the model was taught to say so.
    `.obsm['c2s_cell_type_probs']` : :class:`pandas.DataFrame` (dtype `float32`, shape `(n_obs, n_labels)`)
        All probabilities; ``/`` in a label is ``|`` in its column's name. Only ``mode="score"``.
    `.obs['c2s_cell_type_raw']` : :class:`pandas.Series` (dtype `object`)
        What the model wrote. Only ``mode="generate"``.
    `.obs['c2s_cell_type_<groupby>']` : :class:`pandas.Series` (dtype `category`)
        Label of the cell's group; missing where none of its cells has one.
    `.uns['c2s']['annotate']` (`['annotate_<name>']` for another name) : :class:`dict`
        Parameters, labels, prompt, number of shortened sentences, model and versions; ``taught``: labels and organisms
        that the model was not taught, and the share of the sentences' words that are one token of it; with `controls`
        also ``controls``, the table of :func:`scc2s.metrics.null_report`, ``verdict`` (do the cells change the
        answers?) and ``n_control_prompts``; with `targets` these are of all targets together, and ``by_target`` has
        the table and the verdict of each by its name.

    With `contexts` nothing is written to cells, but to `.uns['c2s']['by_<contexts>'][key_added]`: the record, with
    ``table``, a row a context and the columns above, ``arrays``, the probabilities, and ``names``, those of the
    contexts (:func:`scc2s.pp.context_adata` makes an AnnData of them). A list of types is one text, parted by
    semicolons, in the order of the cells (:func:`scc2s.prompts.read_list`), with ``<key>_n``, its length, and
    ``<key>_complete``, whether it has an entry for each cell of the prompt; :func:`scc2s.metrics.label_lists` compares
    lists. Another context's genes, and none, are its controls.

    Raises
    ------
    FloatingPointError
        If the scores are not finite.
    TypeError
        If labels are not a list of texts, or, with `targets`, such a list for each.
    ValueError
        If there are no labels to choose from, they repeat, or one is missing or empty; with `contexts`, if the model
        declares its tasks and this is none of them.
    KeyError
        If there are no sentences, or the prompt has a field that is not a column of ``.obs``.

    Examples
    --------
    >>> import numpy as np, scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:4].copy()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> by_gene = scc2s.models.CallableModel(
    ...     score=lambda prompts, choices: np.array([[0.0, 5.0 if "CD79A" in p else -5.0] for p in prompts])
    ... )
    >>> sc.tl.c2s_annotate(adata, labels=["T cell", "B cell"], model=by_gene)
    >>> adata.obs["c2s_cell_type"].cat.categories.tolist()
    ['T cell']
    """
    refuse_other_mode(
        mode,
        normalize,
        only_score={"min_prob": min_prob, "prior_correction": prior_correction or None},
        only_generate={"synonyms": synonyms or None, "temperature": temperature or None},
    )
    if min_prob is not None:
        share("min_prob", min_prob)
    refuse_column_name("target", target)
    decoding = Decoding(
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        max_new_tokens=whole("max_new_tokens", max_new_tokens),
        random_state=random_state,
        cache=cache,
    )
    scored = mode == "score"
    several = None
    if targets is not None:
        several = given_targets(targets, labels, scored=scored, synonyms=synonyms, prompt=prompt)
    elif isinstance(labels, Mapping):
        msg = "labels= by target are for several targets; pass targets=[...] too, or labels=[...]"
        raise TypeError(msg)
    given = given_labels(labels, target, scored=scored) if several is None else None
    out, data = opened(adata, mod=mod, copy=copy)
    about = subject(data, contexts, organism=organism, sentence_key=sentence_key)
    listed = refuse_for_contexts(contexts, target if several is None else list(several), mode, groupby)
    if groupby is not None:
        refuse_column_name("groupby", groupby)
        if data.n_obs or groupby not in data.obs:
            Groups.of(data, groupby)  # an error now rather than after the work
    if several is not None:
        annotate_targets(
            about,
            several,
            model=model,
            prompt=prompt,
            mode=mode,
            groupby=groupby,
            min_prob=min_prob,
            normalize=normalize,
            prior_correction=prior_correction,
            controls=controls,
            several=contexts is not None,
            decoding=decoding,
            key_added=key_added,
        )
        return out if copy else None
    key = f"c2s_{target}" if key_added is None else key_added
    result = about.claim(
        "annotate",
        key,
        "c2s_cell_type",
        obs=[key, *(f"{key}_{part}" for part in (*_COLUMNS, *([] if groupby is None else [groupby])))],
        obsm=[f"{key}_probs"],
    )
    name = about.task(target)
    seen = about.look(prompt, name, needed=False)
    refuse_wrong_synonyms(synonyms or {}, given)
    if (wanted := worded(prompt, name)) is not None:
        refuse_many_fields(wanted)
    loaded, task = load_for(model, prompt, name, can=mode)
    about.refuse_untaught(loaded, task, prompt)
    names = label_set(given, loaded, target, needed=scored)
    offered = offer(loaded, names, target, own_prompt=prompt is not None)
    choices = as_answers(offered.choices, task)
    room = int(loaded.count_tokens(choices).max()) + 1 if mode == "score" else max_new_tokens
    question = about.ask(task, loaded, seen, n_answer_tokens=room)
    untaught = compare(loaded, question, offered.meant, target)
    untaught.say(loaded, len(names))
    obs: dict[str, Any]
    obsm: dict[str, Any] = {}
    if mode == "score":

        def answer(some: Question) -> np.ndarray:
            scored = score_labels(
                loaded,
                some,
                choices,
                per_token=normalize == "mean",
                corrected=prior_correction,
                temperature=taught(loaded).temperature,
                cache=cache,
            )
            return offered.gathered(scored)

        own = answer(question)
        probs = question.spread(own)
        votes = offered.of_labels(probs)
        obs, obsm = scored_slots(about.names, key, votes, names, min_prob, offered.of_none(probs))
    else:
        write = partial(
            answers,
            loaded,
            max_new_tokens=max_new_tokens,
            sampling=decoding.sampling,
            random_state=random_state,
            cache=cache,
        )
        raw = write(question.rendered.texts)
        found = reader(task, synonyms, listed=listed)(raw, names, question)
        names = found.labels
        votes = question.spread(found.votes())
        obs = found.slots(len(about.names), key, question)

        def answer(some: Question) -> np.ndarray:
            return reader(task, synonyms, listed=listed)(write(some.rendered.texts), names, some).shares()

        own = found.shares()
    more = {"taught": untaught.entry()}
    if controls:
        nulls = ask_nulls(
            question,
            own,
            answer,
            names=about.names.tolist(),
            model=loaded,
            n_answer_tokens=room,
            random_state=random_state,
        )
        more |= judge(nulls, loaded.id, f"{key}_trust" if mode == "score" else None)
        if mode == "score":
            trust = nulls.trust(question, own, untaught.read) * offered.is_label(own)
            obs[f"{key}_trust"] = question.spread(trust[:, None])[:, 0].astype(np.float32)
    if groupby is not None:
        obs[f"{key}_{groupby}"] = labels_of_groups(data.obs[groupby], votes, names, min_prob)
    params = {
        "mode": mode,
        "target": target,
        "labels": names,
        "groupby": groupby,
        "min_prob": min_prob,
        "normalize": normalize,
        "prior_correction": prior_correction,
        "controls": controls,
        "synonyms": dict(synonyms or {}),
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "max_new_tokens": max_new_tokens,
        "random_state": random_state,
        "sentence_key": sentence_key,
        "key_added": key,
        **(offered.params() if mode == "score" else {}),
    }
    about.write(result, {**params, **question.params()}, model=loaded.info(), more=more, obs=obs, obsm=obsm)
    return out if copy else None
