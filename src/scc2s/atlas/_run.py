from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scc2s._cells.arguments import whole
from scc2s.atlas._cell_names import mark_of, named, shown, some_names
from scc2s.atlas._cluster import connected, over_workers
from scc2s.atlas._folder import held, run_folder
from scc2s.atlas._manifest import planned
from scc2s.atlas._need import need
from scc2s.atlas._one_step import Runner
from scc2s.atlas._prepare import prepare, refuse_other_names, target_of
from scc2s.atlas._source import Source
from scc2s.atlas._steps import given_steps
from scc2s.atlas._store import forget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MANY = 2_000_000
"""Cells whose names take longer than workers take to start: these write them."""


def run(
    store: str | Path,
    steps: str | Sequence[str | tuple[str, Mapping[str, Any]]],
    *,
    out: str | Path | None = None,
    client: Any = None,
    n_workers: int | None = None,
    memory_limit: str | int | float | None = None,
    block_size: int | None = None,
    index_unique: str | None = None,
    retries: int = 2,
    restart: bool = False,
    progress: bool = True,
) -> Path:
    """Do steps of :mod:`scc2s.pp` and :mod:`scc2s.tl` on cells that do not fit into memory, block by block.

    Each block is read, given to the very function that a step is named after, and written to chunks of its own, by the
    workers of a dask cluster. What is done stays done: a call that was cut off, by whatever, goes on where it was when
    it is called again with the same arguments, or by :func:`scc2s.atlas.resume`. Results do not depend on the size of
    blocks, the number of workers or their order, to the bit (see Notes).

    Parameters
    ----------
    store
        Where the cells are: a Zarr store or an ``.h5ad`` file of AnnData, or a folder of such, which are taken one
        after another in the order of their names. Matrices are read by rows: dense or CSR.
    steps
        Names, or pairs of a name and its parameters, in order: ``"sentences"``, ``"rank_fit"``, ``"program_score"``,
        ``"embed"``, ``"annotate"``, ``"perplexity"``, ``"perturb"``. Parameters are those of the function; a model is
        given by its name or folder, and ``model_options`` are those of :func:`scc2s.models.load`, such as
        ``{"dtype": "bfloat16"}``.
    out
        Zarr store for the results; ``None``: into `store`, where that is one. A new store has the names and columns of
        the cells and the genes, not the matrix.
    client
        A :class:`distributed.Client`, the address of a scheduler, or ``None``: processes on this machine, for the time
        of the call. Where workers offer the resource ``GPU``, each step that asks a model takes one of it.
    n_workers
        Processes on this machine, among which cores are split; ``None``: one for each two cores. Where there are GPUs
        and a step asks a model, the first of them have one each, and alone do that step.
    memory_limit
        Memory of each of these, as dask takes it, e.g. ``"1.5GiB"``; ``None``: its share of the machine's.
    block_size
        Cells of a block; ``None``: 16 384, or 1 024 where a model is asked. Steps that ask a model take the next
        multiple of 256.
    index_unique
        Joins the name of a cell and that of its file, where cells of several files have the same names.
    retries
        Times that a block which failed is tried again.
    restart
        Forget what is done of these steps.
    progress
        Show a bar, with the time that is left and the rate of each worker.

    Returns
    -------
    Path of the store with the results, which :func:`anndata.read_zarr` and :func:`anndata.experimental.read_lazy`
    open. Slots and records are those of the functions; ``["atlas"]`` of a record has the size of blocks. Beside it,
    ``<out>.atlas`` keeps what is done; it can be removed when all is.

    Raises
    ------
    ImportError
        If dask, distributed or zarr are not installed: ``pip install 'scc2s[atlas]'``.
    ValueError
        If a step was begun with other settings (they are named), a parameter is about data in memory, files differ in
        their genes, or what the function itself refuses.
    RuntimeError
        If blocks fail each time they are tried; all others are done then. Or another process writes to `out`.
    OSError
        If the disk is full, or no scheduler answers. What is done is kept.

    Notes
    -----
    A block that runs out of memory is done in two halves, and these in halves, as often as needed. Cells whose numbers
    come from a model are asked about 256 at a time (fewer only where memory runs out), counted from the first cell,
    since the last bits of a number depend on the cells beside it in a batch: results in memory, of a call with all
    cells, differ by about 1e-6 of their size.
    Controls are asked about a sample of all cells, drawn by their names, before the first block.

    Examples
    --------
    >>> import tempfile, anndata, scanpy as sc, scc2s
    >>> from distributed import Client
    >>> folder = tempfile.mkdtemp()
    >>> sc.datasets.pbmc68k_reduced().write_zarr(f"{folder}/cells.zarr")
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as client:
    ...     out = scc2s.atlas.run(
    ...         f"{folder}/cells.zarr", [("sentences", {"n_genes": 50})], out=f"{folder}/c2s.zarr", client=client
    ...     )
    >>> anndata.read_zarr(out).obsm["c2s_ranks"].shape
    (700, 50)
    """
    found = given_steps(steps)
    if block_size is not None:
        whole("block_size", block_size)
    whole("retries", retries, 0)
    need("zarr")
    need("distributed")
    forget()
    source = Source.of(store)
    target = target_of(source, store, out)
    folder = run_folder(target)
    plan = {
        "store": str(Path(store).resolve()),
        "out": str(target),
        "steps": [[step.name, step.params] for step in found],
        "block_size": block_size,
        "index_unique": index_unique,
    }
    ask = any(not step.kind.matrix for step in found)
    with connected(client, n_workers=n_workers, memory_limit=memory_limit, ask=ask) as (at, threads, ready):
        some = shown(source)
        names = at.map(partial(some_names, source), some, pure=False)
        if source.n_obs > _MANY:
            ready()
        prepare(source, target, index_unique, over=over_workers(at))
        ready()
        told = at.gather(names)
        refuse_other_names(target, named(source, some[0][0], index_unique)(told[0][0]))
        mark = mark_of(source, told)
        with held(folder), planned(folder, plan):
            runner = Runner(at, source, mark, str(target), folder, threads, block_size, retries, restart, progress)
            for step in found:
                runner.run(step)
    return target
