from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from scc2s._cells.access import expression, get_adata
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.drawing import Draws
from scc2s._cells.fields import prompt_fields
from scc2s._cells.groups import Groups
from scc2s._cells.sample_arguments import check_augment, task_of
from scc2s.prompts._task import CELLS, N_CELLS
from scc2s.train._context_samples import context_samples
from scc2s.train._samples import task_samples

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

    from scc2s._cells.access import OnDuplicate
    from scc2s._cells.expression import Expression
    from scc2s.prompts import Task
    from scc2s.train import Augment

_MEND = "pass texts= .kept of scc2s.train.build_captions(facts, teacher)"


def caption_samples(
    adata: AnnData | MuData,
    texts: pd.DataFrame,
    *,
    groupby: str,
    study_key: str | None = None,
    task: str | Task = "caption",
    n_cells: int = 2,
    n_genes: int = 200,
    augment: Augment | None = None,
    organism: str | None = None,
    random_state: int = 0,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    upper: bool = False,
    on_duplicate: OnDuplicate = "error",
    mod: str = "rna",
) -> pd.DataFrame:
    """Prompts and completions for training a language model to caption clusters: captions joined with random cells.

    Cells whose sentence would be empty are left out. Nothing is written to `adata`.

    Parameters
    ----------
    adata
        Cells; counts are best, since `augment` can thin them.
    texts
        Captions: ``.kept`` of :func:`scc2s.train.build_captions`, with columns ``cluster``, ``caption``, and ``study``
        and ``split`` where there are any.
    groupby
        Column of ``.obs`` with the clusters.
    study_key
        Column of ``.obs`` with the study; needed where the captions name one.
    task
        ``"caption"`` shows each cell in a prompt of its own, as :func:`scc2s.tl.caption` asks; ``"sample_caption"``
        shows the `n_cells` in one prompt, as in the preprint on C2S-Scale (Rizvi et al., bioRxiv
        10.1101/2025.04.14.648850). Or a :class:`scc2s.prompts.Task` with ``{caption}`` in its response.
    n_cells
        Random cells for each caption. Captions of a cluster share no cell until all its cells have been used; a smaller
        cluster shows all of its cells.
    n_genes
        Longest sentence.
    augment
        How prompts vary from copy to copy; completions never do. ``None``: not at all.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]``, ``.uns["organism"]``, or a guess from the gene
        names.
    random_state
        Seed of the draw, which depends on the names of the cells, not on their order, and of the variation.
    layer, use_raw, gene_symbols, upper, on_duplicate
        Where expression and gene names come from, as in :func:`scc2s.pp.sentences`.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    Columns ``prompt``, ``completion`` (starts with a space), ``task``, ``cells`` (names, with commas), ``study``,
    ``cluster``, ``split`` (where the captions have one), in the order of the captions; as :func:`scc2s.train.sft` and
    TRL take them.

    Raises
    ------
    KeyError
        If a column is missing.
    ValueError
        If there are no captions, one is blank, names of cells repeat, a cluster is not in the data or has no cell with
        a sentence, or the task does not write captions.
    TypeError
        If a number is not whole, or something is of another type.

    Examples
    --------
    >>> import pandas as pd, scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> captions = pd.DataFrame({"cluster": ["CD19+ B"], "caption": ["B cells with CD79A."]})
    >>> table = sc.pp.c2s_caption_samples(adata, captions, groupby="bulk_labels", n_genes=3)
    >>> table["completion"].tolist()
    [' B cells with CD79A.', ' B cells with CD79A.']
    """
    n_cells, n_genes, random_state = (
        whole("n_cells", n_cells),
        whole("n_genes", n_genes),
        whole("random_state", random_state, 0),
    )
    chosen = _task(task)
    check_augment(augment)
    table = _captions(texts, study_key)
    data = get_adata(adata, mod)
    refuse_empty(data)
    if not data.obs_names.is_unique:
        twice = data.obs_names[data.obs_names.duplicated()][0]
        msg = f"cells are drawn by name, and {twice!r} is the name of several; call adata.obs_names_make_unique()"
        raise ValueError(msg)
    clusters = _clusters(data, groupby, study_key)
    found = expression(
        data, layer=layer, use_raw=use_raw, gene_symbols=gene_symbols, upper=upper, on_duplicate=on_duplicate
    )
    drawn = _drawn(data, table, clusters, _has_genes(found), n_cells, random_state)
    values = prompt_fields(
        data, [name for name in chosen.fields if name not in ("caption", CELLS, N_CELLS)], organism=organism
    )
    rows = np.concatenate(drawn)
    X, names = _rows(found, rows)
    sizes = [len(some) for some in drawn]
    if CELLS in chosen.fields:
        starts = np.cumsum([0, *sizes[:-1]])
        contexts = [np.arange(start, start + size) for start, size in zip(starts.tolist(), sizes, strict=True)]
        fields = {name: [_one(of[some], name) for some in drawn] for name, of in values.items()}
        fields["caption"] = table["caption"].tolist()
        out = context_samples(chosen, X, names, contexts, fields, n_genes=n_genes, augment=augment, seed=random_state)
        caption, cells = out.pop("row").to_numpy(), drawn
    else:
        caption = np.repeat(np.arange(len(drawn)), sizes)
        fields = {name: of[rows].tolist() for name, of in values.items()}
        fields["caption"] = table["caption"].to_numpy()[caption].tolist()
        out = task_samples(chosen, X, names, fields, n_genes=n_genes, augment=augment, seed=random_state)
        cells = [rows[i : i + 1] for i in out.pop("row")]
    more = {name: table[name].to_numpy()[caption] for name in ("study", "cluster", "split") if name in table}
    return out.assign(cells=[", ".join(data.obs_names[some].astype(str)) for some in cells], **more)


def _one(values: np.ndarray, name: str) -> str:
    """The value that all cells of a prompt have."""
    different = sorted(set(values.tolist()))
    if len(different) > 1:
        msg = (
            f"cells of one cluster differ in {name!r} ({', '.join(map(repr, different[:3]))}), and the prompt names "
            "it; pass a task= without this field, or groupby= clusters that agree in it"
        )
        raise ValueError(msg)
    return str(different[0])


def _task(task: str | Task) -> Task:
    chosen = task_of(task)
    if chosen.response_fields != ("caption",):
        msg = f"task {chosen.name!r} does not write a caption alone; pass task= one whose response is ' {{caption}}'"
        raise ValueError(msg)
    return chosen


def _captions(texts: Any, study_key: str | None) -> pd.DataFrame:
    """The table, with the columns that are needed as text."""
    if not isinstance(texts, pd.DataFrame):
        msg = f"texts is {type(texts).__name__}, not a table; {_MEND}"
        raise TypeError(msg)
    if missing := [name for name in ("cluster", "caption") if name not in texts]:
        msg = f"the captions have no column {missing[0]!r}; {_MEND}"
        raise KeyError(msg)
    if not len(texts):
        msg = f"there are no captions; {_MEND}"
        raise ValueError(msg)
    blank = [not isinstance(text, str) or not text.strip() for text in texts["caption"]]
    if any(blank):
        msg = f"{sum(blank)} captions are blank, the first in row {blank.index(True)}; leave them out"
        raise ValueError(msg)
    table = texts.reset_index(drop=True)
    table = table.assign(
        cluster=table["cluster"].astype(str),
        study=table["study"].fillna("").astype(str) if "study" in table else "",
    )
    if study_key is None and (named := table.loc[table["study"] != "", "study"].tolist()):
        msg = f"the captions are about clusters of studies, e.g. {named[0]!r}; pass study_key= the column with these"
        raise ValueError(msg)
    return table


def _clusters(adata: AnnData, groupby: str, study_key: str | None) -> dict[tuple[str, str], np.ndarray]:
    """Rows of each cluster, by study and name."""
    groups = Groups.of(adata, groupby)
    if study_key is None:
        return {("", name): np.flatnonzero(groups.codes == code) for code, name in enumerate(groups.names)}
    studies = Groups.of(adata, study_key)
    return {
        (study, name): rows
        for i, study in enumerate(studies.names)
        for j, name in enumerate(groups.names)
        if len(rows := np.flatnonzero((studies.codes == i) & (groups.codes == j)))
    }


def _drawn(
    adata: AnnData,
    table: pd.DataFrame,
    clusters: dict[tuple[str, str], np.ndarray],
    written: np.ndarray,
    n_cells: int,
    seed: int,
) -> list[np.ndarray]:
    """Rows of the cells of each caption."""
    units = list(zip(table["study"], table["cluster"], strict=True))
    times = Counter(units)
    draws: dict[int, Draws] = {}
    sets: dict[tuple[str, str], list[np.ndarray]] = {}
    for unit in dict.fromkeys(units):
        name = " | ".join(filter(None, unit))
        if unit not in clusters:
            msg = f"the data have no cluster {name!r}; pass texts= those of these data, or another groupby="
            raise ValueError(msg)
        rows = clusters[unit][written[clusters[unit]]]
        if not len(rows):
            msg = f"no cell of cluster {name!r} expresses a gene, so none has a sentence; pass layer= with counts"
            raise ValueError(msg)
        n = min(n_cells, len(rows))
        if n not in draws:
            draws[n] = Draws(adata.obs_names, n, n, seed)
        sets[unit] = draws[n].of(name, rows, times[unit])[::-1]
    return [sets[unit].pop() for unit in units]


def _has_genes(found: Expression) -> np.ndarray:
    """Which cells have a sentence."""
    counts = []
    for _, block in found.blocks():
        above = block > 0 if found.allowed is None else block[:, found.allowed] > 0
        counts.append(np.asarray(above.sum(axis=1)).ravel() > 0)
    return np.concatenate(counts)


def _rows(found: Expression, rows: np.ndarray) -> tuple[sparse.csr_matrix, list[str]]:
    """Expression of some cells, repeated where they are named twice, and the words of the genes."""
    some, place = np.unique(rows, return_inverse=True)
    parts = []
    for start, block in found.blocks():
        inside = some[(some >= start) & (some < start + block.shape[0])] - start
        if len(inside):
            parts.append(sparse.csr_matrix(block[inside]))
    X = sparse.vstack(parts, format="csr")
    names = found.names
    if found.allowed is not None:
        X, names = X[:, found.allowed], [names[i] for i in np.flatnonzero(found.allowed)]
    return sparse.csr_matrix(X[place]), names
