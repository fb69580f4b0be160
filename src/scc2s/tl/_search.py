from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s._cells.arguments import whole
from scc2s._cells.columns import opened
from scc2s._cells.results import claim
from scc2s.models.decoding._cache import refuse_cache
from scc2s.tl._asking.arguments import refuse_column_name
from scc2s.tl._searching.captioned import as_encoder, captioned
from scc2s.tl._searching.elsewhere import near_elsewhere
from scc2s.tl._searching.likely import Ways, likely
from scc2s.tl._searching.near import near
from scc2s.tl._searching.queries import query_rows, query_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    import numpy as np
    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task


def search(
    adata: AnnData | MuData,
    query: str | Sequence[str] | Sequence[bool] | np.ndarray | pd.Series[Any] | pd.Index[Any],
    *,
    groupby: str | None = None,
    n_top: int = 10,
    use_rep: str = "X_c2s",
    reference: str | PathLike[str] | AnnData | None = None,
    keys: Sequence[str] = (),
    exact: bool = False,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    n_cells: int = 5,
    encoder: Callable[[list[str]], Any] | Any | None = None,
    captions: str = "captions",
    n_shuffled: int = 5,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str = "c2s_search",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Find cells, or groups of cells, that are like some cells, or that fit a text.

    *Cells like these*: mean cosine with the cells of the query in an embedding. No model is asked. With a `reference`
    they are looked for in another data set, such as an atlas on disk (:func:`scc2s.atlas.search` takes cells of the
    atlas itself as the query).

    *Cells for a text*: the language model is asked how likely the text is as the answer after each cell. The score is
    this log-likelihood less that after the same prompt without genes, in nats: what the cell adds to the text
    (pointwise mutual information, as Holtzman et al. 2021, arXiv:2104.08315, section 3, use it for answers). With
    `groupby` a few cells of each group are asked about, which is much cheaper; the group's score is their mean.

    *Captions for a text*: with an `encoder` the text is compared with the captions of :func:`scc2s.tl.caption`, by the
    cosine of their vectors.

    A model gives every text some order of the cells. A text is therefore scored again with its words in other orders,
    and one warning is logged where these find something that they fit as well as the text fits its best result.

    Parameters
    ----------
    adata
        Cells with what is searched: an embedding (:func:`scc2s.tl.embed`), sentences (:func:`scc2s.pp.sentences`), or
        captions (:func:`scc2s.tl.caption`).
    query
        Names of cells, or a boolean for each cell; or a text, as one string.
    groupby
        Column of ``.obs``: score its groups in place of single cells. With an `encoder` the groups are those that have
        captions.
    n_top
        Cells in the table, the best ones. Of groups it holds all.
    use_rep
        What is compared: a key of ``.obsm``, for a query of cells.
    reference
        Cells to find those in that are like the cells of the query, in place of `adata`: the path of a Zarr store or an
        ``.h5ad`` file with the same embedding, or an AnnData.
    keys
        Columns of ``.obs`` of the `reference` that the table shows of each cell found.
    exact
        Of a `reference` on disk, look at all cells, in place of its index (:func:`scc2s.atlas.index`).
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``. For a text; it has to give likelihoods (:class:`scc2s.models.Reads`).
    prompt
        Template with ``{cell_sentence}``; ``{n_genes}`` and ``{organism}`` are filled too, any other field is a
        column of ``.obs``. Or a task of :mod:`scc2s.prompts`. ``None`` takes the prompt ``"caption"`` of the model's
        family; a model that was taught types alone may do better with ``scc2s.prompts.get("cell_type")``.
    n_cells
        Cells of each group that a text is scored for, chosen by `random_state` and their names.
    encoder
        Function from a list of texts to an array (texts x dimensions), or an object with such a method ``encode``,
        e.g. a ``SentenceTransformer``: search captions in place of cells.
    captions
        Name of the captions in ``.uns["c2s"]``.
    n_shuffled
        Texts of the same words in other orders that are scored for comparison (fewer, where there are not so many
        orders): for all groups, or for the best `n_top` cells and up to 100 more.
    random_state
        Seed of the cells and of the orders of words.
    cache
        File that keeps answers: a second run asks only for what is not there.
    organism
        Organism in the prompt; ``None`` takes that of `adata`.
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
    ``None``, or the copy. Sets:

    `.obs['c2s_search' | key_added]` : :class:`pandas.Series` (dtype `float64`)
        Score of the cell, or of its group; NaN where there is none. Cosine from -1 to 1 (a cell of the query is
        compared with the others of the query; alone it gets 1), or nats: above 0 where the cell makes the text
        likelier. Scores of two texts do not compare. Not set with a `reference`.
    `.uns['c2s']['search']` (`['search_<key_added>']` for another name) : :class:`dict`
        ``table``
            The best first, with ``score``: the best `n_top` cells (``cell``) that are not in the query, or all groups
            (``group``) with ``n_cells``, those that the score is the mean of (for a query of cells those that are not
            in it); of captions the nearest one of the group (``text``), and whether it was ``flagged``.
        ``floor``
            For a text, one row for each order of its words: ``text``, ``score_of_top`` (its score of the best
            result), ``best_score`` (its highest score), ``rank_of_top`` (place that it gives to the best result).
        ``params``, ``model``, ``versions``
            How the result came about: ``how`` (``"embedding"``, ``"likelihood"``, ``"captions"``); ``background``,
            the median score of all cells that are not in a query of cells; ``beats_floor``, whether the best result
            of a text scores above all ``best_score`` (not where there are none); ``words_spelled``, words of the text
            that a model made for genes has no token for. With a `reference` also that, ``exact``, and of an index the
            ``recall`` that was measured; `background` is then of a sample.

    Raises
    ------
    KeyError
        If there is no such cell, embedding, column, or captions, or no sentences.
    TypeError
        If the query is neither, the model gives no likelihood of a text, or the encoder is none.
    ValueError
        If the query is empty, holds all cells, or does not fit the cells; arguments exclude each other; the prompt
        holds the cell alone; the encoder does not give one vector for each text; or embeddings of a reference and of
        `adata` do not compare, or its index is of an earlier embedding.
    FileNotFoundError
        If there is no such reference, or it has no index and `exact` is not asked for.
    ImportError
        If an index is used, and faiss is not installed: ``pip install 'scc2s[atlas]'``.
    FloatingPointError
        If log-likelihoods are not finite.

    Examples
    --------
    >>> import numpy as np, scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.tl.c2s_search(adata, adata.obs["bulk_labels"] == "CD19+ B", groupby="bulk_labels", use_rep="X_pca")
    >>> adata.uns["c2s"]["search"]["table"]["group"].iloc[0]
    'CD4+/CD45RA+/CD25- Naive T'

    A text, with a stand-in for a language model:

    >>> sc.pp.c2s_sentences(adata)
    >>> def log_likelihood(prompts, answers):
    ...     pairs = zip(prompts, answers)
    ...     return [-5.0 + 4 * ("CD79A" in prompt and answer == " a B cell") for prompt, answer in pairs]
    >>> knows = scc2s.models.CallableModel(log_likelihood=log_likelihood)
    >>> sc.tl.c2s_search(adata, "a B cell", groupby="bulk_labels", model=knows)
    >>> adata.uns["c2s"]["search"]["table"].loc["0", ["group", "score"]].to_dict()
    {'group': 'CD19+ B', 'score': 4.0}
    """
    whole("n_top", n_top)
    whole("n_cells", n_cells)
    whole("n_shuffled", n_shuffled)
    whole("random_state", random_state, least=0)
    refuse_column_name("key_added", key_added)
    refuse_cache(cache)
    text = query if isinstance(query, str) else None
    _refuse_others(text, encoder, model=model, prompt=prompt)
    _refuse_for_reference(reference, text, groupby, keys=keys, exact=exact)
    out, data = opened(adata, mod=mod, copy=copy)
    result = claim(data, "search" if key_added == "c2s_search" else f"search_{key_added}", obs=[key_added])
    asked: Any
    if text is None:
        rows = query_rows(data, query, elsewhere=reference is not None)
        asked = data.obs_names[rows].to_numpy(dtype=object)
        if reference is None:
            found = near(data, rows, use_rep=use_rep, groupby=groupby)
        else:
            found = near_elsewhere(data, rows, reference, use_rep=use_rep, n_top=n_top, keys=keys, exact=exact)
    elif encoder is not None:
        asked = query_text(data, text)
        found = captioned(
            data, asked, encoder, captions=captions, groupby=groupby, n_shuffled=n_shuffled, random_state=random_state
        )
    else:
        asked = query_text(data, text)
        ways = Ways(model, prompt, groupby, n_cells, n_top, n_shuffled, random_state, cache, organism, sentence_key)
        found = likely(data, asked, ways)
    params = {
        "query": asked,
        "groupby": groupby,
        "n_top": n_top,
        "n_shuffled": n_shuffled,
        "random_state": random_state,
        "sentence_key": sentence_key,
        "key_added": key_added,
        **found.params,
    }
    more = {"table": found.table(n_top), **({} if found.floor is None else {"floor": found.floor})}
    obs = {} if found.cells is None else {key_added: found.cells}
    result.write(params, model=found.model, more=more, obs=obs)
    return out if copy else None


def _refuse_others(text: str | None, encoder: Any, *, model: Any, prompt: Any) -> None:
    """Raise for arguments of another kind of search than the one that is asked for."""
    if encoder is not None:
        as_encoder(encoder)
    given = {"encoder": encoder, "model": model, "prompt": prompt}
    if text is None:
        if wrong := [name for name, value in given.items() if value is not None]:
            msg = (
                f"{wrong[0]}= is for a text, and the query is cells, which are compared in an embedding; leave it out, "
                "pass query= a text, or embed with another model first: sc.tl.c2s_embed(adata, model=...)"
            )
            raise ValueError(msg)
    elif encoder is not None and (wrong := [name for name in ("model", "prompt") if given[name] is not None]):
        msg = f"{wrong[0]}= asks a language model, and encoder= compares captions; pass only one of them"
        raise ValueError(msg)


def _refuse_for_reference(reference: Any, text: str | None, groupby: str | None, *, keys: Any, exact: bool) -> None:
    """Raise for what makes no sense with a reference, or without one."""
    if isinstance(keys, str):
        msg = f"keys={keys!r} is a text; pass a list of columns: keys=[{keys!r}]"
        raise TypeError(msg)
    if reference is None:
        if keys or exact:
            msg = f"{'keys' if keys else 'exact'}= is about another data set; pass reference= its path, or leave it out"
            raise ValueError(msg)
    elif text is not None:
        msg = "reference= is for a query of cells, and the query is a text; pass query= names of cells"
        raise ValueError(msg)
    elif groupby is not None:
        msg = (
            "groupby= is about all cells, and of a reference only the nearest are found; pass keys=[...] and count "
            "the table: table['cell_type'].value_counts()"
        )
        raise ValueError(msg)
