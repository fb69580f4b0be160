from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scc2s._cells.access import sentence_slots
from scc2s._cells.columns import opened
from scc2s.models._numbers import embeddings
from scc2s.models.decoding._cache import refuse_cache
from scc2s.tl._asking.arguments import model_layer_of
from scc2s.tl._asking.contexts import SeenContexts
from scc2s.tl._asking.question import load_for
from scc2s.tl._asking.subjects import subject

if TYPE_CHECKING:
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task
    from scc2s.tl._asking.cells import Cells


def embed(
    adata: AnnData | MuData,
    *,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    pooling: Literal["mean", "last"] = "mean",
    model_layer: int = -1,
    scope: Literal["all", "sentence"] = "all",
    contexts: str | None = None,
    organism: str | None = None,
    cache: str | PathLike[str] | ResponseCache | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str = "X_c2s",
    mod: str = "rna",
    copy: bool = False,
    layer: int | None = None,
) -> AnnData | MuData | None:
    """Embed each cell with a language model: hidden states over its cell sentence, pooled.

    The default, the mean over all tokens of the prompt in the last layer with the cell type prompt, is that of
    C2S-Scale (bioRxiv 10.1101/2025.04.14.648850, embeddings of cells).

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`).
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{cell_sentence}``; ``{n_genes}`` and ``{organism}`` are filled too, any other field is a
        column of ``.obs``. Or a task of :mod:`scc2s.prompts`. ``None`` takes the cell type prompt of the model's
        family. With `contexts` a template has ``{multi_cell_sentences}``, and ``{n_cells}`` is filled; any other field
        is a column of their table, or of ``.obs`` where the cells of each context agree; ``None`` takes the task
        ``"sample_cell_types"``.
    pooling
        ``"mean"`` over tokens, or the ``"last"`` token.
    model_layer
        Layer of the hidden states: ``-1`` is the last, ``0`` the token embeddings.
    scope
        Pool over ``"all"`` tokens of the prompt or those of the ``"sentence"`` only (of the cells of a context, with
        their headers).
    contexts
        Ask about contexts of several cells in place of single cells: their name in ``.uns["c2s"]``
        (:func:`scc2s.pp.contexts`).
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]`` (cell by cell), ``.uns["organism"]``, or what the
        case of the gene names suggests.
    cache
        File that keeps answers: a second run asks only for what is not there.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the result in ``.obsm``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.
    layer
        Old name of `model_layer`, for one more release.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obsm['X_c2s' | key_added]` : :class:`numpy.ndarray` (dtype `float32`, shape `(n_obs, width of the model)`)
        Embedding, for ``sc.pp.neighbors(adata, use_rep="X_c2s")``.
    `.uns['c2s']['embed']` (`['embed_<key_added>']` for another name) : :class:`dict`
        Parameters, prompt, number of shortened sentences, model and versions.

    With `contexts` nothing is written to cells, but to `.uns['c2s']['by_<contexts>'][key_added]`: the record, with
    ``arrays[key_added]``, a row a context, and ``names``, those of the contexts. :func:`scc2s.pp.context_adata` makes
    an AnnData of them.

    Raises
    ------
    KeyError
        If there are no sentences, or the prompt has a field that is not a column of ``.obs``.
    FloatingPointError
        If the embedding is not finite.
    TypeError
        If the model does not embed, or `layer` is one of `adata`.
    ValueError
        If there are no cells, or a cell has an empty sentence: it has no embedding, and a row of NaN would only fail
        later, in the neighbor search.

    Examples
    --------
    >>> import numpy as np, scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:4].copy()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> letters = scc2s.models.CallableModel(embed=lambda prompts: np.array([[p.count("A")] for p in prompts]))
    >>> sc.tl.c2s_embed(adata, model=letters, prompt="{cell_sentence}")
    >>> adata.obsm["X_c2s"].shape
    (4, 1)
    """
    _check(pooling, scope)
    layer = model_layer_of(model_layer, layer, "embed")
    refuse_cache(cache)
    out, data = opened(adata, mod=mod, copy=copy)
    about = subject(data, contexts, organism=organism, sentence_key=sentence_key)
    result = about.claim("embed", key_added, "X_c2s", obsm=[key_added])
    name = about.task("cell_types", usual="cell_type")
    seen = about.look(prompt, name)
    _refuse_empty(seen, sentence_key)
    loaded, task = load_for(model, prompt, name, can="embed")
    question = about.ask(task, loaded, seen)
    spans = question.rendered.spans if scope == "sentence" else None
    vectors = embeddings(loaded, question.rendered.texts, spans=spans, pooling=pooling, layer=layer, cache=cache)
    params = {"layer": layer, "scope": scope, "sentence_key": sentence_key, "key_added": key_added}
    params["pooling"] = getattr(loaded, "pooling", pooling)  # an endpoint pools as it was started
    about.write(result, {**params, **question.params()}, model=loaded.info(), obsm={key_added: vectors})
    return out if copy else None


def _refuse_empty(seen: Cells | SeenContexts, sentence_key: str) -> None:
    """Raise where something has no sentence, and so no vector."""
    if isinstance(seen, SeenContexts):
        if lost := [name for name, some in zip(seen.names, seen.sentences, strict=True) if not some]:
            msg = (
                f"{len(lost)} contexts have no cell with a sentence and so no embedding, e.g. {lost[0]!r}; draw "
                "contexts after the sentences are made: sc.pp.c2s_contexts(adata, ...)"
            )
            raise ValueError(msg)
    elif n_empty := len(seen.rows) - len(seen.written):
        msg = (
            f"{n_empty} of {len(seen.rows)} cells have an empty sentence and so no embedding; "
            f"leave them out: adata = adata[adata.obs[{sentence_slots(sentence_key).n_genes!r}] > 0].copy()"
        )
        raise ValueError(msg)


def _check(pooling: str, scope: str) -> None:
    if pooling not in ("mean", "last"):
        msg = f"pooling={pooling!r} is not known; pass pooling='mean' or pooling='last'"
        raise ValueError(msg)
    if scope not in ("all", "sentence"):
        msg = f"scope={scope!r} is not known; pass scope='all' or scope='sentence'"
        raise ValueError(msg)
