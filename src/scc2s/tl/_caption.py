from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s._cells.access import sentence_slots
from scc2s._cells.arguments import whole
from scc2s._cells.columns import opened
from scc2s._cells.groups import Groups, top_genes
from scc2s._cells.recorded import recorded_expression
from scc2s._cells.results import claim
from scc2s.models._answers import answers
from scc2s.ontology._terms import version as ontology_version
from scc2s.programs import as_markers
from scc2s.programs import markers as shipped_markers
from scc2s.prompts._answers import prose
from scc2s.tl._asking.arguments import share
from scc2s.tl._asking.cells import look
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import ask, choose_writer
from scc2s.tl._describing.grounding import grounding, listing
from scc2s.tl._describing.likeness import flag_nulls, likeness, log_flagged, without_cells
from scc2s.tl._describing.shown import agreed, cells_to_show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Markers
    from scc2s.prompts import Task


def caption(
    adata: AnnData | MuData,
    *,
    groupby: str,
    n_cells: int = 3,
    n_captions: int = 1,
    n_top: int = 10,
    min_share: float = 0.1,
    min_auroc: float = 0.65,
    markers: Mapping[str, Sequence[str] | Markers] | pd.DataFrame | None = None,
    controls: bool = True,
    rank_genes_key: str | None = None,
    layer: str | None = None,
    use_raw: bool | None = None,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    temperature: float = 0.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    max_new_tokens: int = 128,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str = "captions",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Let a language model caption groups of cells, and check the genes and the cell type that the captions name.

    A caption is text of a model, not a finding. Of each group some cells are shown to the model, each alone; the
    caption is the answer that has most words in common with the answers about the other cells. Beside it stands what
    the data say, without the model: the genes that are highest in the group, whether the genes of the caption and the
    markers of the type that it names are higher in this group than elsewhere, and what the model says without a cell.
    A caption that the data contradict is flagged; one that is not flagged is not therefore right.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    groupby
        Column of ``.obs``, e.g. ``"leiden"``.
    n_cells
        Cells of a group that are shown for one caption, chosen by `random_state` and their names, in whatever order the
        rows are. With one or two, the answer about the first stands.
    n_captions
        Captions for each group, each from cells of its own as long as the group has enough.
    n_top
        Genes to list that are higher in the group than elsewhere.
    min_share
        A gene that a text names should be above 0 in at least this share of the group's cells.
    min_auroc
        A gene, or the mean of a type's markers, counts as higher in a group where a cell of the group is above another
        cell of the data set in at least this share of all pairs, ties counting half (area under the ROC curve; 0.5:
        no difference).
    markers
        Genes by label: a dictionary of lists (or of :class:`scc2s.programs.Markers`), or a DataFrame; see
        :func:`scc2s.programs.as_markers`. ``None`` takes the table of the package, human types of blood and common ones
        of other tissues (:func:`scc2s.programs.markers`).
    controls
        Ask for a caption without the genes of a cell too: one more question for each other wording of the prompt.
    rank_genes_key
        Your own result of :func:`scanpy.tl.rank_genes_groups` in ``.uns``. ``None`` calls it on a log-normalised copy.
    layer, use_raw
        Expression for this evidence; ``None`` takes that of the sentences.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{cell_sentence}``; ``{n_genes}`` and ``{organism}`` are filled too, any other field is a
        column of ``.obs``. Or a task of :mod:`scc2s.prompts`. ``None`` takes the prompt ``"caption"`` of the model's
        family.
    temperature, top_p, top_k
        How words are drawn; ``temperature=0`` takes the most likely one each time.
    max_new_tokens
        Longest answer.
    random_state
        Seed of the cells and of the draws.
    cache
        File that keeps answers: a second run asks only for what is not there.
    organism
        Organism in the prompt; ``None`` takes that of `adata`.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the table in ``.uns["c2s"]``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['captions' | key_added]` : :class:`pandas.DataFrame`
        One row for each group and caption; lists are texts with commas.

        ``group``, ``caption``
            Value of the column, and number of the caption, from 0.
        ``text``, ``model_text``
            The caption, empty where no cell of the group has a sentence; ``True``: a model wrote it.
        ``cells``
            Names of the cells shown; the caption is the answer about the first of them.
        ``genes``
            Genes highest in the group, best first. Empty for a group of one cell, which no test can tell from others.
        ``null_text``, ``like_null``, ``like_others``
            What the model writes where it is shown no gene; how many words that and the caption have in common, and on
            average the caption and those of other groups (Dice coefficient, 0 to 1). A caption that says something of
            its cells is less like both than the caption of one cell is like that of the next.
        ``genes_named``, ``genes_not_expressed``, ``genes_not_specific``, ``genes_unknown``
            Genes in the caption; those above 0 in less than `min_share` of the group's cells; those that are not higher
            in the group than elsewhere (`min_auroc`); words that look like a gene symbol and are none of the data set
            (invented, or not measured).
        ``share_grounded``, ``share_specific``
            Share of the genes and unknown words that the group expresses; of the genes that are higher in it than
            elsewhere. NaN where the caption names none.
        ``type``, ``type_auroc``, ``type_markers``
            Cell type of `markers` that the caption names, empty for none; how far the mean of its markers (each by its
            standard deviation) is higher in the group than elsewhere, as `min_auroc`; those that are higher.
        ``type_rival``, ``type_supported``
            Another type, neither wider nor narrower, whose markers stand out more in this group, by more than 0.02 and
            the standard error; ``"yes"``: the type reaches `min_auroc` and has no rival, ``"no"``, or empty where this
            cannot be judged: no type named, under two of its markers in the data, no two cells on both sides, or a
            quarter of its markers in 80 % of the cells elsewhere too (among T cells none stands out as a T cell).
        ``flagged``, ``why``
            ``True`` where a gene is not expressed or unknown, more than half of the genes are not higher, the type is
            not supported, or the model says the same without a cell; the reasons, and what could not be judged.
    `.uns['c2s']['caption']` (`['caption_<key_added>']` for another name) : :class:`dict`
        Parameters, prompt, model and versions.

    Raises
    ------
    KeyError
        If there are no sentences, no such column, or no such result of the test.
    ValueError
        If the model was not trained to write captions.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata)
    >>> says = scc2s.models.CallableModel(generate=lambda prompts: [" A B cell: CD79A, QXZ1 high." for _ in prompts])
    >>> sc.tl.c2s_caption(adata, groupby="bulk_labels", model=says)
    >>> table = adata.uns["c2s"]["captions"].set_index("group")
    >>> table.loc["CD56+ NK", ["genes_named", "genes_not_expressed", "genes_unknown"]].tolist()
    ['CD79A', 'CD79A', 'QXZ1']
    >>> table.loc[["CD19+ B", "CD56+ NK"], "type_supported"].tolist(), table.loc["CD56+ NK", "type_rival"]
    (['yes', 'no'], 'NK cell')
    """
    for argument, value in {"n_cells": n_cells, "n_captions": n_captions, "n_top": n_top}.items():
        whole(argument, value)
    share("min_share", min_share)
    share("min_auroc", min_auroc)
    known = shipped_markers() if markers is None else as_markers(markers)
    decoding = Decoding(
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        max_new_tokens=max_new_tokens,
        random_state=random_state,
        cache=cache,
    )
    out, data = opened(adata, mod=mod, copy=copy)
    result = claim(data, "caption" if key_added == "captions" else f"caption_{key_added}", uns=[key_added])
    groups = Groups.of(data, groupby)
    seen = look(data, prompt, "caption", organism=organism, sentence_key=sentence_key)
    shown = cells_to_show(data, groups, n_cells, n_captions, seen.sentences, random_state)
    seen = replace(seen, rows=np.concatenate([one.cells for one in shown]))
    slots = sentence_slots(sentence_key).record
    expressed = recorded_expression(data, slots, layer=layer, use_raw=use_raw)
    genes = top_genes(data, groupby, n_top, key=rank_genes_key, sentence_key=sentence_key, layer=layer, use_raw=use_raw)
    loaded, task = choose_writer(model, prompt, "caption")
    question = ask(
        data,
        task,
        loaded,
        organism=organism,
        sentence_key=sentence_key,
        n_answer_tokens=max_new_tokens,
        seen=seen,
    )
    draws = np.repeat([one.number for one in shown], [len(one.cells) for one in shown])
    prompts = question.rendered.texts
    raw = answers(
        loaded,
        prompts,
        max_new_tokens=max_new_tokens,
        sampling=decoding.sampling,
        random_state=random_state,
        draws=draws.tolist(),
        cache=cache,
    )
    found = [prose(text, asked) for text, asked in zip(raw, prompts, strict=True)]
    nulls = without_cells(loaded, question, decoding) if controls else [""] * len(found)
    table = agreed(shown, found, nulls, data.obs_names)
    table["genes"] = [listing(genes[group]) for group in table["group"]]
    table = pd.concat([table, likeness(table, controls=controls)], axis=1)
    checked = grounding(
        table["text"].tolist(), table["group"].tolist(), expressed, groups, min_share=min_share, min_auroc=min_auroc,
        markers=known, ignore=loaded.labels or (),
    )  # fmt: skip
    table = flag_nulls(pd.concat([table, checked], axis=1))
    table.index = table.index.astype(str)
    log_flagged(table)
    params = {
        "groupby": groupby,
        "n_cells": n_cells,
        "n_captions": n_captions,
        "n_top": n_top,
        "min_share": min_share,
        "min_auroc": min_auroc,
        "markers": [f"{label}: {listing(one.genes)}" for label, one in known.items()],
        "ontology": ontology_version(),
        "controls": controls,
        "rank_genes_key": rank_genes_key,
        "source": expressed.source,
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "max_new_tokens": max_new_tokens,
        "random_state": random_state,
        "sentence_key": sentence_key,
        "key_added": key_added,
    }
    result.write({**params, **question.params()}, model=loaded.info(), uns={key_added: table})
    return out if copy else None
