from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scc2s._logging import logger

from ._augment import Augment
from ._corpus_coming import Coming
from ._corpus_folder import Corpus
from ._corpus_index import index, refuse_none, totals
from ._corpus_manifest import Manifest, Shard, read_manifest, without_broken
from ._corpus_rows import Reader
from ._corpus_settings import checked_reading, checked_settings, chosen_tasks
from ._corpus_shards import Supply, crc_of, write_shards

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from scc2s.prompts import Task

    from ._corpus_batch import Batch
    from ._corpus_rows import Rows
    from ._corpus_settings import Reading, Settings

_AUGMENT = Augment()


def corpus(
    batches: Iterable[Batch],
    tasks: str | Task | Sequence[str | Task],
    folder: str | Path,
    *,
    names: Sequence[str] | None = None,
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
    random_state: int = 0,
) -> Corpus:
    """Put cells that come in batches into a folder, from which samples for training are drawn epoch by epoch.

    :func:`scc2s.pp.corpus` is its face for AnnData and for files.

    The folder holds *cells* (Arrow shards with genes, values and the text of each cell), not prompts. Prompts are
    written when they are read, so that each epoch has its own order of tied genes and its own variation
    (:class:`Augment`), while completions stay the same; a cell is kept once however many tasks ask about it; and the
    length of sentences, weights and numbers of samples may change without building again. Cells are ranked when
    samples are written, not when the folder is filled.

    One batch is in memory at a time, and what waits to fill a block. A process that was killed goes on from the last
    shard that is finished when it is called again with the same cells and arguments, and leaves the same bytes as one
    that was not.

    Parameters
    ----------
    batches
        Batches of cells: ``(X, obs)``, mappings with ``"X"``, ``"obs"`` and perhaps ``"var"`` (as annbatch yields
        them), or :class:`CellBatch`, which also has names of genes and of the study. Those that can begin later, by
        ``starting_at(row)`` as :func:`scc2s.pp.batches` can, do so when a stopped run goes on; others are passed over.
    tasks
        Names of tasks of the family ``"scc2s"`` about single cells, or :class:`scc2s.prompts.Task`.
    folder
        Where the corpus is, or will be.
    names
        Names of the genes, where a batch does not bring its own.
    weights
        Weight of each task: the samples of an epoch are cut in proportion to them, by largest remainders. ``None``: in
        proportion to the cells of each task.
    n_samples
        Samples an epoch of the part ``"train"``; other parts have as many a cell. ``None``: one for each cell of each
        task, or with `weights` as many as there are cells. Where a task has fewer samples than cells, epochs take turns
        at them; where it has more, a cell is in several.
    columns
        Column of obs of a field of a prompt or response, where it has another name.
    organism
        Organism in prompts; ``None`` takes the column ``organism`` of obs, or a guess from the names of the genes.
    key, control, match
        For tasks that show a control cell and ask for a perturbed one (``"perturb"``): column with the perturbation
        (also the field ``{perturbation}``), its value for control cells, and columns in which both cells agree.
    n_controls
        Control cells kept for each group of `match`, chosen by their names; each epoch draws one of them anew for each
        perturbed cell, of the same part.
    split
        Column of obs with groups that are held out as a whole, e.g. ``"donor"``; ``"study"`` may also be the study of
        batches. The part of a group is drawn by the hash of its name, so it is the same in all batches, orders and
        corpora; groups called ``"train"``, ``"val"`` and ``"test"`` (of :func:`scc2s.pp.split`) are these parts.
        ``None``: each cell by its name, which puts cells of one donor on both sides.
    held_out
        Groups that are the test, by name, in place of a draw.
    val, test
        Share of groups for validation, and for the test where `held_out` is not given; 0: none.
    missing
        What to do with cells without a text that a task asks for, or without a group: ``"error"`` refuses them,
        ``"skip"`` leaves them out of that task, and cells without a group out of all.
    n_genes
        Longest sentence.
    augment
        How prompts of the part ``"train"`` vary; ``None``: not at all, and tied genes keep their order. Other parts are
        never varied.
    shard_size
        Cells of a shard.
    random_state
        Seed of split, pairs and variation.

    Returns
    -------
    The corpus: :meth:`Corpus.table` and :meth:`Corpus.stream` give its samples. Where the folder holds it already, no
    batch is read.

    Raises
    ------
    KeyError
        If a column is not there, a task is not known, or a weight is missing or of no task.
    ValueError
        If texts are missing, there are no cells, a task or a part has none, the folder holds something else or a corpus
        with other settings, or the cells are not those of the run that was stopped.
    scc2s.sentences.InvalidValuesError
        If expression is negative or not finite.
    TypeError
        If a batch, or an argument, is of another type.
    OSError
        If the disk is full; what is finished stays.

    Examples
    --------
    >>> import numpy as np, pandas as pd, tempfile
    >>> obs = pd.DataFrame({"cell_type": ["B cell", "T cell"], "donor": ["d1", "d2"]}, index=["a", "b"])
    >>> made = corpus([(np.array([[3, 1, 0], [0, 1, 2]]), obs)], "cell_type", tempfile.mkdtemp(),
    ...               names=["CD79A", "ACTB", "CD3D"], split="donor", val=0, test=0, augment=None)
    >>> made.table("train").set_index("cell").loc["a", "completion"]
    ' B cell'
    """
    chosen = chosen_tasks(tasks)
    reading = checked_reading([task.name for task in chosen], weights, n_samples, n_genes, augment)
    settings = checked_settings(
        chosen, columns=columns, organism=organism, key=key, control=control, match=match, n_controls=n_controls,
        split_key=split, held_out=() if held_out is None else held_out, val=val, test=test, missing=missing,
        shard_size=shard_size, random_state=random_state, cells=getattr(batches, "mark", None),
    )  # fmt: skip
    path = Path(folder)
    manifest = without_broken(_begun(path, settings, reading), path)
    before = manifest.reading
    manifest.reading = reading
    if manifest.places is None:
        manifest.write(path)
        if manifest.n_rows is None:
            manifest.n_rows = _fill(batches, names, manifest, path)
            manifest.write(path)
        places = index(manifest, path)
        refuse_none(manifest, totals(places, settings.tasks))
        manifest.places = places
        n_kept = sum(shard.n_cells for shard in manifest.shards)
        logger.info("corpus in %s: %d cells", path, n_kept)
        if n_left := manifest.n_rows - n_kept:
            logger.warning(
                "%d of %d cells are in no sample: they express no gene, or lack what all tasks or the split ask for",
                n_left, manifest.n_rows,
            )  # fmt: skip
        manifest.write(path)
    elif reading != before:
        refuse_none(manifest, totals(manifest.places, settings.tasks))
        manifest.write(path)
    return Corpus(path)


def _begun(folder: Path, settings: Settings, reading: Reading) -> Manifest:
    """The corpus that a folder holds, as far as it has come; a new one where it is empty."""
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; pass folder= a folder, or a path where none is yet"
        raise NotADirectoryError(msg)
    found = read_manifest(folder)
    if found is None:
        if folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
            msg = f"{folder} holds something else than a corpus; pass folder= a new one"
            raise ValueError(msg)
        folder.mkdir(parents=True, exist_ok=True)
        return Manifest(settings, reading)
    before, now = found.settings.to_dict(), settings.to_dict()
    if other := [name for name in now if before[name] != now[name]]:
        said = {name: (before[name], now[name]) for name in other}
        msg = (
            f"{folder} holds a corpus with other settings: {_said(said)}; pass folder= a new one, or the same settings"
        )
        raise ValueError(msg)
    return found


def _said(settings: dict[str, tuple[Any, Any]]) -> str:
    return ", ".join(
        name if name == "tasks" else f"{name} was {before!r} and is {now!r}" for name, (before, now) in settings.items()
    )


def _fill(batches: Iterable[Batch], names: Sequence[str] | None, manifest: Manifest, folder: Path) -> int:
    """Write the shards that are missing; the number of cells that have come."""
    reader = Reader(manifest.settings, manifest.genes)
    shards = manifest.shards
    coming = Coming(batches, names, shards)
    rows: Iterator[Rows] = map(reader, coming)
    settings = manifest.settings
    written = write_shards(Supply(rows), folder, settings.needed, size=settings.shard_size, n_finished=len(shards))
    for name, n_cells, next_row in written:
        file = folder / name
        n_genes, digest = len(reader.genes), coming.digest(next_row)
        shards.append(Shard(name, n_cells, next_row, n_genes, file.stat().st_size, crc_of(file), digest))
        manifest.write(folder)
        logger.info("%s: %d cells", file, n_cells)
    if not coming.n_rows:
        msg = "batches holds no cells; pass batches= some (an iterator that was used up before gives none)"
        raise ValueError(msg)
    return coming.n_rows
