from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scc2s._cells.columns import opened
from scc2s.tl._spatial.run import together

if TYPE_CHECKING:
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task


def same_niche(
    adata: AnnData | MuData,
    *,
    contexts: str = "niches",
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    interactions: str | None = None,
    ablation: bool = False,
    max_interactions: int = 20,
    part: Literal["test", "all"] = "test",
    cell_type_key: str | None = None,
    normalize: Literal["sum", "mean"] = "sum",
    controls: bool = True,
    n_boot: int = 1000,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str = "same_niche",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Ask a language model whether cells belong to one niche, yes or no.

    As :func:`scc2s.tl.same_neighborhood`, about niches that a column of ``.obs`` names (:func:`scc2s.pp.niches`): the
    prompt shows the sentences of the cells, the answer is the likelihood of yes against no, and it is reported beside
    answers that need no model.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`) and contexts (:func:`scc2s.pp.niches`).
    contexts
        Name of the contexts in ``.uns["c2s"]``.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{multi_cell_sentences}`` and, if wanted, ``{interactions}``, ``{n_cells}``, ``{n_genes}``,
        ``{organism}``; or a task of :mod:`scc2s.prompts`. ``None`` takes ``"same_niche"`` of the model's family.
    interactions
        Name of a result of :func:`scc2s.pp.interactions`: the prompt also says which of them two of its cells could
        have (all genes of one partner in the sentence of one, of the other in that of another).
    ablation
        Ask once without interactions, once with those of each source, and once with all.
    max_interactions
        Interactions in a prompt, those with most records first.
    part
        Ask about the contexts for tests alone, where there are such, or about all.
    cell_type_key
        Column of ``.obs`` with the cell types, for the share of the same type; ``None``: that of ``matched`` of the
        contexts.
    normalize
        Compare the ``"sum"`` of the log-probabilities of a label's tokens (the probability of the answer, yes or no),
        or their ``"mean"``.
    controls
        Ask a sample of the contexts again: with the genes of another one, and with none.
    n_boot
        Samples of the intervals.
    random_state
        Seed of the intervals and of the sample for controls.
    cache
        File that keeps answers: a second run asks only for what is not there.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]``, ``.uns["organism"]``, or what the gene names say.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the result in ``.uns["c2s"]``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['same_niche' | key_added]` : :class:`dict`
        ``table``: that of the contexts with ``probability`` (of yes; NaN where not asked), ``answer`` (``"yes"``,
        ``"no"`` or empty), and with `ablation` ``probability_<source>`` for each. ``report``: a row for each answer and
        kind of negatives with accuracy, balanced accuracy and area, their 95 % intervals over blocks (without blocks
        over centres), and numbers of questions. Without a part for training the floors only order the contexts, and
        their accuracies are NaN. With `controls` also ``controls`` and ``verdict``. Parameters, prompt, model.

    Raises
    ------
    KeyError
        If there are no contexts, sentences, interactions, or no such column.
    ValueError
        If the contexts lack what the report needs, a prompt does not show several cells, arguments exclude each other,
        or the model declares its tasks and this is none of them (with a `prompt` it is asked all the same).

    Examples
    --------
    >>> import anndata as ad, numpy as np, scc2s
    >>> adata = ad.AnnData(np.random.default_rng(0).poisson(1.0, (40, 4)).astype("float32"))
    >>> adata.var_names = ["CD3D", "CD79A", "LYZ", "NKG7"]
    >>> adata.obs["layer"] = ["outer", "inner"] * 20
    >>> scc2s.pp.sentences(adata)
    >>> scc2s.pp.niches(adata, niche_key="layer")
    >>> says_yes = scc2s.models.CallableModel(score=lambda prompts, choices: np.array([[0.0, -1.0]] * len(prompts)))
    >>> scc2s.tl.same_niche(adata, model=says_yes, organism="human", n_boot=20)
    >>> adata.uns["c2s"]["same_niche"]["report"]["accuracy"].tolist()[0]
    0.5
    """
    out, data = opened(adata, mod=mod, copy=copy)
    together(
        data,
        tool="same_niche",
        key_added=key_added,
        contexts=contexts,
        made_by="sc.pp.c2s_niches(adata, niche_key=...)",
        model=model,
        prompt=prompt,
        interactions=interactions,
        ablation=ablation,
        max_interactions=max_interactions,
        part=part,
        cell_type_key=cell_type_key,
        normalize=normalize,
        controls=controls,
        n_boot=n_boot,
        random_state=random_state,
        cache=cache,
        organism=organism,
        sentence_key=sentence_key,
    )
    return out if copy else None
