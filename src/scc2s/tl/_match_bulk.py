from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scc2s._cells.access import get_adata
from scc2s._cells.arguments import above, refuse_empty, whole
from scc2s._cells.columns import opened, refuse_numbered
from scc2s._cells.combinations import column_names
from scc2s._cells.provenance import file_names
from scc2s._cells.results import claim, refuse_name
from scc2s._logging import logger
from scc2s.tl._labelling import bulk as of_bulk
from scc2s.tl._labelling.sides import by_genes, by_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from mudata import MuData

_MOST_KEPT = 1000
"""Profiles whose similarities are kept beside the cells."""


def match_bulk(
    adata: AnnData | MuData,
    bulk: AnnData | MuData,
    *,
    use_rep: str = "X_c2s",
    pairs_by: str | Sequence[str] | None = None,
    layer: str | None = None,
    bulk_layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    target_sum: float = 1e4,
    sentence_key: str = "c2s_sentence",
    random_state: int = 0,
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Give each cell the bulk profile that is most like it, by cosine similarity.

    `adata` may hold cells or pseudobulks (:func:`scc2s.pp.pseudobulk`), `bulk` sorted populations, tissues, samples or
    pseudobulks. There is always a most similar profile, also for a cell of a type that `bulk` lacks: look at the
    similarity and the margin. For the label of a profile: ``adata.obs["c2s_bulk_match"].map(bulk.obs["cell_type"])``.

    Where it is known which profile is each cell's own (`pairs_by`), the fraction of samples that are closer than the
    true match is measured (FOSCTTM, :func:`scc2s.metrics.foscttm`; Rizvi et al., bioRxiv
    10.1101/2025.04.14.648850), for `use_rep` and for floors that no model takes part in. The task is easy where the
    profiles are sums of the cells themselves: read a figure beside its floors only.

    Profiles of another platform (microarrays, CAGE, sorted cells in bulk) differ from all cells in the same genes, and
    ``"expression"`` then gives one profile to nearly all cells; ``"relative"`` takes out what each side has in common
    (scc2s definition).

    Parameters
    ----------
    adata
        Cells, or profiles of cells.
    bulk
        Profiles: TPM, CPM, counts or log values over genes of the same names.
    use_rep
        What is compared: a key of ``.obsm`` of both, such as the embedding of one model; ``"expression"``, the
        log-normalised expression of the genes that both have; ``"relative"``, the same less the mean of the cells, and
        of the profiles, so that both should be a mixture of types; or ``"sentence"``, the words of both sentences,
        weighted by their rank.
    pairs_by
        Columns of ``.obs`` of both whose values together name one profile, e.g. the ``by`` of
        :func:`scc2s.pp.pseudobulk`; ``None``: pairs are not known.
    layer
        Layer of `adata` to take; ``None`` takes ``.raw`` or ``.X``. For expression.
    bulk_layer
        Layer of `bulk` to take; ``None`` takes ``.raw`` or ``.X``.
    use_raw
        Whether to take ``.raw`` of both; ``None`` does where it is there and no layer is given.
    gene_symbols
        Column of ``.var`` with gene symbols; ``None`` takes the names of the genes. Those of `bulk` are taken where it
        has no such column.
    target_sum
        Total of a cell that counts and normalised values are brought to.
    sentence_key
        Column of ``.obs`` with the sentences. Of both; where they have some, they are a floor.
    random_state
        Seed of the random vectors that are the lowest floor.
    key_added
        Name of the results; ``None`` is ``c2s_bulk_match``.
    mod
        Modality, where `adata` is a MuData. Of `bulk` too.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obs['c2s_bulk_match' | key_added]` : :class:`pandas.Series` (dtype `category`)
        Name of the most similar profile (the first of equal ones); missing for a cell without genes.
    `.obs['c2s_bulk_match_similarity']`, `.obs['c2s_bulk_match_margin']` : :class:`pandas.Series` (dtype `float32`)
        Its cosine similarity, -1 to 1, and how much lower that of the second is. Neither is a probability.
    `.obsm['c2s_bulk_match_similarities']` : :class:`pandas.DataFrame` (dtype `float32`, shape `(n_obs, n_profiles)`)
        All of them, up to 1000 profiles; ``/`` in a name is ``|`` in its column's name.
    `.uns['c2s']['bulk_match']` (`['bulk_match_<name>']` for another name) : :class:`dict`
        Parameters, versions; with `pairs_by` the ``table``: ``foscttm`` (0 perfect), ``accuracy`` (share of cells whose
        most similar profile is their own), ``n_pairs`` and ``floor``, by ``rep``; and ``chance``, what each of the two
        scores is on average where nothing is known: FOSCTTM 0.5 for many profiles, less for few.

    Raises
    ------
    KeyError
        If an embedding, a column, sentences or a layer are not there.
    ValueError
        If embeddings are of different models, hardly a gene is shared, two profiles are one cell's own, or values are
        scaled or not finite.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> bulk = scc2s.pp.pseudobulk(adata, by="bulk_labels", method="mean")
    >>> sc.tl.c2s_match_bulk(adata, bulk, use_rep="expression", pairs_by="bulk_labels")
    >>> adata.uns["c2s"]["bulk_match"]["table"].set_index("rep")["foscttm"].round(1).to_dict()
    {'expression': 0.1, 'relative': 0.1, 'random': 0.5}
    """
    refuse_name(use_rep, "use_rep")
    above("target_sum", target_sum)
    random_state = whole("random_state", random_state, 0)
    by = None if pairs_by is None else column_names(pairs_by, "pairs_by")
    profiles = get_adata(bulk, mod)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    refuse_numbered(profiles)
    if not profiles.n_obs:
        msg = "bulk has no profiles; pass bulk= an AnnData with one row a profile"
        raise ValueError(msg)
    if not profiles.obs_names.is_unique:
        msg = "profiles of bulk have the same name; call bulk.obs_names_make_unique()"
        raise ValueError(msg)
    key = "c2s_bulk_match" if key_added is None else key_added
    result = claim(
        data,
        "bulk_match" if key == "c2s_bulk_match" else f"bulk_match_{key}",
        obs=[key, f"{key}_similarity", f"{key}_margin"],
        obsm=[f"{key}_similarities"],
    )
    own = None if by is None else of_bulk.own_profiles(data, profiles, by)
    params: dict[str, Any] = {
        "use_rep": use_rep,
        "pairs_by": by,
        "profiles": profiles.obs_names.tolist(),
        "target_sum": target_sum,
        "gene_symbols": gene_symbols,
        "sentence_key": sentence_key,
        "random_state": random_state,
        "key_added": key,
    }
    found: dict[str, np.ndarray] = {}
    by_expression = use_rep in (of_bulk.EXPRESSION, of_bulk.RELATIVE)
    several = min(data.n_obs, profiles.n_obs) > 1
    if use_rep == of_bulk.RELATIVE and not several:
        msg = "there is nothing to be relative to: one cell, or one profile; pass use_rep='expression'"
        raise ValueError(msg)
    if not by_expression and use_rep != of_bulk.SENTENCE:
        found[use_rep] = of_bulk.cosine(*of_bulk.embeddings(data, profiles, use_rep))
    elif use_rep == of_bulk.SENTENCE:
        words = by_sentences(profiles, data, sentence_key, called="bulk")
        found[use_rep] = of_bulk.cosine(words.query, words.reference)
    if by_expression or own is not None:
        genes = by_genes(
            profiles, data, layer=layer, reference_layer=bulk_layer, use_raw=use_raw, gene_symbols=gene_symbols,
            target_sum=target_sum, called="bulk",
        )  # fmt: skip
        if use_rep == of_bulk.EXPRESSION or own is not None:
            found[of_bulk.EXPRESSION] = of_bulk.cosine(genes.query, genes.reference)
        if use_rep == of_bulk.RELATIVE or (own is not None and several):
            found[of_bulk.RELATIVE] = of_bulk.centred_cosine(genes.query, genes.reference)
        params |= genes.params
    more: dict[str, Any] = {}
    if own is not None:
        if use_rep != of_bulk.SENTENCE and (floor := of_bulk.sentence_floor(data, profiles, sentence_key)) is not None:
            found[of_bulk.SENTENCE] = floor
        found[of_bulk.RANDOM] = of_bulk.random_similarity(data.n_obs, profiles.n_obs, random_state)
        more["table"] = of_bulk.pair_table(found, own, use_rep)
        more["chance"] = of_bulk.by_chance(own, profiles.n_obs)
        of_bulk.say_verdict(more["table"], more["chance"])
    best, names = of_bulk.nearest(found[use_rep]), profiles.obs_names.astype(str)
    obs = {
        key: pd.Categorical.from_codes(best.profile, categories=names).remove_unused_categories(),
        f"{key}_similarity": best.similarity.astype(np.float32),
        f"{key}_margin": best.margin.astype(np.float32),
    }
    if n_none := int((best.profile < 0).sum()):
        logger.warning("%d of %d cells are like no profile (no genes that bulk has), and get none", n_none, data.n_obs)
    obsm = {}
    if profiles.n_obs <= _MOST_KEPT:
        columns = file_names([str(data.obs_names.name), *map(str, profiles.obs_names)])[1:]
        obsm[f"{key}_similarities"] = pd.DataFrame(found[use_rep], index=data.obs_names, columns=columns)
    else:
        logger.info("similarities to %d profiles are not kept, only the largest", profiles.n_obs)
    result.write(params, more=more, obs=obs, obsm=obsm)
    return out if copy else None
