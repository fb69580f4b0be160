from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scc2s import train
from scc2s._cells.access import get_adata
from scc2s._cells.arguments import whole
from scc2s._cells.stored import open_stored
from scc2s.train._augment import Augment
from scc2s.train._corpus_settings import chosen_tasks, fields_of, in_pairs

from ._batches import batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anndata import AnnData
    from mudata import MuData

    from scc2s._cells.access import OnDuplicate
    from scc2s.prompts import Task

    from ._batches import Batches

_AUGMENT = Augment()


def corpus(
    adatas: AnnData | MuData | str | Path | Sequence[Any] | Mapping[str, Any],
    tasks: str | Task | Sequence[str | Task],
    folder: str | Path,
    *,
    weights: Mapping[str, float] | None = None,
    n_samples: int | None = None,
    columns: Mapping[str, str] | None = None,
    organism: str | None = None,
    key: str | None = None,
    control: str | None = None,
    match: str | Sequence[str] = (),
    n_controls: int = 16,
    split: str | None = None,
    held_out: Sequence[str] | None = None,
    val: float = 0.1,
    test: float = 0.2,
    missing: Literal["error", "skip"] = "error",
    n_genes: int = 200,
    augment: Augment | None = _AUGMENT,
    shard_size: int = 32_768,
    batch_size: int = 4096,
    random_state: int = 0,
    layer: str | None = None,
    use_raw: bool | None = None,
    gene_symbols: str | None = None,
    upper: bool = False,
    on_duplicate: OnDuplicate = "error",
    mod: str = "rna",
) -> train.Corpus:
    """Training samples of one or many data sets, drawn epoch by epoch from a folder; files are never read as a whole.

    :func:`scc2s.train.corpus` says what the folder holds and takes cells from anywhere; :func:`scc2s.pp.samples` makes
    the samples of one AnnData at once, and those about several cells in a prompt.

    Parameters
    ----------
    adatas
        AnnData, MuData, paths of ``.h5ad`` files or Zarr stores: one, several, or ``{study: one}``. Their genes may
        differ. Without names of studies, that of a file, or a number.
    tasks
        Names of tasks of the family ``"scc2s"`` about single cells, or :class:`scc2s.prompts.Task`.
    folder
        Where the corpus is, or will be. A call that was stopped is gone on with by the same call.
    weights, n_samples, n_controls, missing, shard_size
        As in :func:`scc2s.train.corpus`.
    columns
        Column of ``.obs`` of a field of the prompt or the response, where it has another name, e.g.
        ``{"cell_type": "leiden_label"}``.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]``, ``.uns["organism"]``, or a guess from the gene
        names.
    key, control, match
        For tasks that show a control cell and ask for a perturbed one, as in :func:`scc2s.pp.pairs`.
    split
        Column of ``.obs`` with groups that are held out as a whole, e.g. ``"donor"``, or ``"study"``. A column of
        :func:`scc2s.pp.split` is taken as it is. ``None``: each cell by its name.
    held_out
        The units of the test, by name: values of `split`. ``None``: a share `test` is drawn by the hash of their names.
    val
        Share of units for validation, drawn in the same way; 0: none.
    test
        Share of units for the test, where `held_out` is not given.
    n_genes
        Longest sentence.
    augment
        How prompts of the part ``"train"`` vary from epoch to epoch; completions never do. ``None``: not at all.
    batch_size
        Cells of a batch, which is what is read at a time.
    random_state
        Seed of split, pairs and variation.
    layer, use_raw, gene_symbols, upper, on_duplicate
        Where expression and gene names come from, as in :func:`scc2s.pp.sentences`.
    mod
        Modality, where one is a MuData.

    Returns
    -------
    The corpus: :meth:`scc2s.train.Corpus.table` and :meth:`scc2s.train.Corpus.stream` give its samples. Nothing is
    written to the data sets.

    Raises
    ------
    FileNotFoundError, KeyError, TypeError, ValueError, OSError
        As :func:`scc2s.pp.batches` and :func:`scc2s.train.corpus` do; all data sets are opened before the first cell is
        read.

    Examples
    --------
    >>> import scanpy as sc, scc2s, tempfile
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> corpus = scc2s.pp.corpus(adata, ["cell_type", "generate"], tempfile.mkdtemp(), use_raw=True,
    ...                          columns={"cell_type": "bulk_labels"}, weights={"cell_type": 3, "generate": 1})
    >>> corpus.counts("train")["samples"].to_dict()
    {'cell_type': 377, 'generate': 126}
    """
    whole("batch_size", batch_size)
    chosen = chosen_tasks(tasks)
    other = dict(columns or {})
    needed = [name for task in chosen for name in fields_of(task) if name != "organism" or name in other]
    if any(in_pairs(task) for task in chosen) and key is not None:
        other.setdefault("perturbation", key)
    asked = {other.get(name, name): f"columns={{{name!r}: another column}}" for name in needed}
    asked |= dict.fromkeys([match] if isinstance(match, str) else match, "match=")
    asked |= {} if key is None else {key: "key="}
    found = []
    for study, one in _studies(adatas).items():
        there = _there(one, [*asked, *([] if split is None else [split])], mod)
        wanted = list(asked) if missing == "error" else [name for name in asked if name in there]
        if split is not None and (split != "study" or split in there):
            wanted.append(split)
        if absent := [name for name in wanted if name not in there]:
            mend = f"set it, or pass {asked.get(absent[0], 'split=')}"
            skip = "" if absent[0] == split else ", or missing='skip' to leave its cells out of that task"
            msg = f"obs of {study!r} has no column {absent[0]!r}; {mend}{skip}"
            raise KeyError(msg)
        found.append(
            batches(
                one,
                obs=list(dict.fromkeys(wanted)),
                batch_size=batch_size,
                study=study,
                organism=organism,
                layer=layer,
                use_raw=use_raw,
                gene_symbols=gene_symbols,
                upper=upper,
                on_duplicate=on_duplicate,
                mod=mod,
            )  # fmt: skip
        )
    return train.corpus(
        _Chain(found), chosen, folder, weights=weights, n_samples=n_samples, columns=columns, key=key, control=control,
        match=match, n_controls=n_controls, split=split, held_out=held_out, val=val, test=test, missing=missing,
        n_genes=n_genes, augment=augment, shard_size=shard_size, random_state=random_state,
    )  # fmt: skip


class _Chain:
    """Batches of several data sets, one after the other."""

    def __init__(self, several: list[Batches]) -> None:
        self._several = several

    @property
    def mark(self) -> str:
        return "\n".join(one.mark for one in self._several)

    def __iter__(self) -> Iterator[train.CellBatch]:
        return self.starting_at(0)

    def starting_at(self, row: int) -> Iterator[train.CellBatch]:
        before = 0
        for one in self._several:
            if before + one.n_obs > row:
                yield from one.starting_at(max(0, row - before))
            before += one.n_obs


def _studies(adatas: Any) -> dict[str, Any]:
    """Data sets by the name of their study."""
    if isinstance(adatas, Mapping):
        found = {str(name): one for name, one in adatas.items()}
    else:
        several = list(adatas) if isinstance(adatas, list | tuple) else [adatas]
        names = [Path(one).stem if isinstance(one, str | Path) else str(i) for i, one in enumerate(several)]
        if twice := [name for name in names if names.count(name) > 1]:
            msg = f"two data sets are called {twice[0]!r}; pass adatas= a mapping of names to data sets"
            raise ValueError(msg)
        found = dict(zip(names, several, strict=True))
    if not found:
        msg = "adatas holds no data set; pass adatas= at least one"
        raise ValueError(msg)
    return found


def _there(one: Any, names: list[str], mod: str) -> set[str]:
    """Which columns a data set has."""
    data = open_stored(one, layer=None, columns=names) if isinstance(one, str | Path) else get_adata(one, mod)
    return {name for name in names if name in data.obs}
