from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import donors_of, opened
from scc2s._cells.results import claim, name_of_result
from scc2s._logging import logger
from scc2s.metrics import label_agreement
from scc2s.metrics._label_relations import label_relations
from scc2s.ontology._terms import installed, terms
from scc2s.tl._labelling.agreement import NO_LABEL, by_type, disagreements, labels_of, same_terms, surety

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData
    from mudata import MuData


def compare_labels(
    adata: AnnData | MuData,
    a: str,
    b: str,
    *,
    synonyms: Mapping[str, str] | None = None,
    ontology: bool | None = None,
    donor_key: str | None = None,
    n_boot: int = 1000,
    n_top: int = 100,
    random_state: int = 0,
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Compare two columns of labels, such as those of a model with those of a pipeline, or with the truth.

    Agreement with its interval stands beside the floor, what always giving the most frequent label of `b` would get.
    Where `b` is the truth, the agreement is the accuracy, and precision and recall are what they are called; otherwise
    they say how the two differ, and not which is right.

    Parameters
    ----------
    adata
        Labelled cells.
    a
        Column of ``.obs`` with labels, e.g. ``"c2s_cell_type"``. Cells without one (missing, ``"unassigned"``,
        ``"unmapped"``) agree with nothing.
    b
        Column of ``.obs`` to compare with: the truth, where it is known. Cells without a label there are left out.
    synonyms
        Other wordings and the label each stands for, in both columns: ``{"naive CD4 T cell": "T cell"}``.
    ontology
        Whether labels of `a` that are the same term of the Cell Ontology as a label of `b` count as that label
        (``"Treg"`` and ``"regulatory T cell"``; :func:`scc2s.ontology.match`), and how the others stand to it is said.
        ``None``: where the extra ``ontology`` is installed. ``False``: letter for letter.
    donor_key
        Column of ``.obs``: intervals draw whole donors. ``None``: they draw cells, which makes them too narrow for
        claims about donors.
    n_boot
        Bootstrap samples for the intervals; 0: none.
    n_top
        Cells that differ to list.
    random_state
        Seed of the bootstrap.
    key_added
        Name of the result; ``None`` is ``<a>_vs_<b>`` (without ``c2s_``).
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obs['c2s_<name>']` : :class:`pandas.Series` (dtype `category`)
        ``"same"`` or ``"different"``; missing for cells that were left out. For ``sc.pl.umap``.
    `.uns['c2s']['compare_labels'][<name>]` : :class:`dict`
        ``measures``: agreement, its mean over labels, macro F1, kappa and adjusted Rand, each with interval and floor
        (:func:`scc2s.metrics.label_agreement`). ``types``: precision, recall with its 95 % Wilson interval, and F1 of
        each label of `b`, and what its cells are most often called instead. ``confusion``: cells of each label of `b`
        (rows) by label of `a`. ``disagreements``: cells that differ, with ``sure``, what ``<a>_prob`` or ``<a>_margin``
        says, the surest first. ``n``, ``n_left_out``; parameters, versions. With the ontology ``relations``, the shares
        of cells whose label of `a` is the same term, a wider or narrower one, a sibling, unrelated, or none
        (:func:`scc2s.metrics.label_report`); the labels that were made one are in ``params["same_terms"]``.

    Raises
    ------
    ImportError
        With ``ontology=True``, without the extra: ``pip install "scc2s[ontology]"``.
    KeyError
        If a column is not there.
    ValueError
        If no cell has a label in `b`, or there are no cells.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.tl.c2s_marker_labels(adata, labels=["B cell", "NK cell", "dendritic cell", "monocyte", "T cell"])
    >>> words = {"CD19+ B": "B cell", "CD56+ NK": "NK cell", "CD14+ Monocyte": "monocyte"}
    >>> sc.tl.c2s_compare_labels(adata, "c2s_marker_label", "bulk_labels", synonyms=words)
    >>> found = adata.uns["c2s"]["compare_labels"]["marker_label_vs_bulk_labels"]
    >>> bool(found["types"].loc["B cell", "recall"] > 0.6)
    True
    """
    for name, value, least in (("n_boot", n_boot, 0), ("n_top", n_top, 0), ("random_state", random_state, 0)):
        whole(name, value, least)
    version = terms("CL").version if ontology or (ontology is None and installed()) else None
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data, cells=True)
    words = {str(key).strip(): str(value).strip() for key, value in (synonyms or {}).items()}
    found, truth = labels_of(data, a, "a", words), labels_of(data, b, "b", words)
    name = name_of_result(key_added, f"{a.removeprefix('c2s_')}_vs_{b.removeprefix('c2s_')}")
    result = claim(data, "compare_labels", name, obs=[f"c2s_{name}"])
    there = truth.notna().to_numpy()
    if not there.any():
        msg = f"no cell has a label in adata.obs[{b!r}]; pass b= a column with labels"
        raise ValueError(msg)
    donors = donors_of(data[there], donor_key)
    found, truth = found[there], truth[there]
    same = same_terms(found, truth) if version else {}
    if same:
        shown = ", ".join(f"{ours!r} is {theirs!r}" for ours, theirs in list(same.items())[:5])
        logger.info("the same terms of the Cell Ontology: %s; ontology=False compares letter for letter", shown)
        found = found.replace(same)
    _say(found, truth, a, b, int((~there).sum()))
    measures = label_agreement(
        found.tolist(),
        truth.tolist(),
        clusters=None if donors is None else donors.tolist(),
        n_boot=n_boot,
        random_state=random_state,
    )
    types, confusion, columns = by_type(found, truth)
    sure = surety(data, a)
    listed = disagreements(found, truth, None if sure is None else sure[there], n_top)
    verdict = pd.Series(None, index=data.obs_names, dtype=object)
    verdict.iloc[there.nonzero()[0]] = (found == truth).map({True: "same", False: "different"}).to_numpy()
    params = {
        "a": a,
        "b": b,
        "labels": columns,
        "synonyms": words,
        "ontology": version,
        "same_terms": [f"{ours} = {theirs}" for ours, theirs in same.items()],
        "donor_key": donor_key,
        "n_boot": n_boot,
        "n_top": n_top,
        "random_state": random_state,
    }
    tables = {"measures": measures, "types": types, "confusion": confusion, "disagreements": listed}
    if version:
        tables["relations"] = label_relations(truth.tolist(), found.fillna(NO_LABEL).tolist())[0]
    result.write(
        params,
        more={**tables, "n": int(there.sum()), "n_left_out": int((~there).sum())},
        obs={f"c2s_{name}": pd.Categorical(verdict, categories=["same", "different"])},
    )
    return out if copy else None


def _say(found: pd.Series, truth: pd.Series, a: str, b: str, n_left_out: int) -> None:
    """What a reader of the numbers has to know."""
    if n_left_out:
        logger.warning("%d of %d cells have no label in %r, and are left out", n_left_out, n_left_out + len(truth), b)
    only_a, only_b = (sorted(set(x.dropna()) - set(y.dropna())) for x, y in ((found, truth), (truth, found)))
    if not set(found.dropna()) & set(truth):
        logger.warning(
            "no label of %r is a label of %r, so that no cell agrees, and only the adjusted Rand index means "
            "something; pass synonyms={%r: %r, ...}", a, b, next(iter(only_a), "..."), next(iter(only_b), "..."),
        )  # fmt: skip
    elif only_a and only_b:
        logger.warning(
            "labels of %r alone: %s; of %r alone: %s. They cannot agree; where they mean the same pass synonyms=",
            a, ", ".join(only_a[:5]), b, ", ".join(only_b[:5]),
        )  # fmt: skip
