"""Whom tasks are sent to: a client of the user's, or a cluster on this machine for the time of a call."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scc2s._cells.arguments import whole
from scc2s._logging import logger
from scc2s.atlas._need import need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# not NUMBA_NUM_THREADS: our kernels do not use those, and numba stops compiling wherever it changes
_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "SCC2S_N_JOBS",
    "ZARR_THREADING__MAX_WORKERS",
)

_CALM = {"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "500ms"}
"""Of dask: a hundred looks a second at what each worker is doing, and fifty at whether loops are late, take 6 % of its
core (benchmarks/atlas.py --idle)."""


@contextmanager
def connected(
    client: Any, *, n_workers: int | None, memory_limit: str | int | float | None, ask: bool = False
) -> Iterator[tuple[Any, int, Callable[[], None]]]:
    """A client that tasks can be sent through, the threads that a task may use, and what waits for the workers.

    Workers on this machine take seconds to start: what needs none of them can be done meanwhile.

    Parameters
    ----------
    client
        One that is there (left open), the address of a scheduler, or ``None``: workers on this machine.
    n_workers
        Processes on this machine; ``None``: one for each two cores, so that a model has threads of its own, and at
        least one for each GPU.
    memory_limit
        Memory of each, as dask takes it (``"4GB"``); ``None``: its share of the machine's.
    ask
        Whether a model will be asked: the first workers then have a GPU each, where there are some, and offer it.

    Raises
    ------
    ImportError
        If ``distributed`` is not installed.
    TypeError, ValueError
        If `client` is something else, or options of workers are given for a cluster that is there.
    OSError
        If no scheduler answers at that address.
    """
    distributed = need("distributed")
    if client is not None and (n_workers is not None or memory_limit is not None):
        msg = "n_workers= and memory_limit= are of workers that are started here; leave them out, or client="
        raise ValueError(msg)
    if isinstance(client, distributed.Client):
        yield client, 1, lambda: None
        return
    if client is not None and not isinstance(client, str):
        msg = f"client={type(client).__name__} is not a client; pass a distributed.Client, an address, or None"
        raise TypeError(msg)
    if isinstance(client, str):
        try:
            found = distributed.Client(client, timeout="10s")
        except (OSError, ValueError) as error:
            msg = f"no scheduler answers at {client} ({error}); start one: dask scheduler"
            raise OSError(msg) from error
        with found:
            _say(found)
            yield found, 1, lambda: None
        return
    cores, gpus = os.cpu_count() or 1, _gpus() if ask else []
    n = max(1, cores // 2, len(gpus)) if n_workers is None else whole("n_workers", n_workers)
    # threads are counted when torch and numba start, so the environment has to say it before
    threads = {name: str(max(1, cores // n)) for name in _THREADS}
    env = {**threads, "OMP_WAIT_POLICY": "passive", "TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false", **_zarrs()}
    with (
        _started_with(env) as as_it_was,
        distributed.LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            processes=True,
            memory_limit=1 / n if memory_limit is None else memory_limit,  # up to 1: that share of the machine's
            dashboard_address=":0",
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        cluster.new_worker_spec = _numbered(cluster.new_worker_spec, gpus)
        cluster.scale(n)

        def ready() -> None:
            found.wait_for_workers(n)
            as_it_was()
            _say(found)

        yield found, max(1, cores // n), ready


@contextmanager
def _started_with(env: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Workers with `env` from their first import on, and which keep freed memory for the next array.

    dask lets them give all of it back at once (``MALLOC_TRIM_THRESHOLD_``), and each block then pays for every page
    anew: half as much time again for ranks. Blocks are alike, so what is kept is what the next one needs.

    dask writes what workers get into the environment of this process, here and whenever it starts a dead one again, and
    leaves it there; what is there already goes before what it is told. So ours is taken out of its way and put back by
    the function that is given, and at the end.
    """
    import dask

    key = "distributed.nanny.pre-spawn-environ"
    usual = {name: value for name, value in dask.config.get(key, {}).items() if not name.startswith("MALLOC_TRIM")}
    ours = {name: os.environ.pop(name, None) for name in {*env, *usual, "PYTHONHASHSEED"}}

    def as_it_was() -> None:
        for name, value in ours.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    try:
        with dask.config.set({key: {**usual, **env}, **_CALM}):
            yield as_it_was
    finally:
        as_it_was()


def _zarrs() -> dict[str, str]:
    """What has workers read Zarr by ``zarrs``, twice as fast, where it works and the user has chosen nothing else."""
    if "ZARR_CODEC_PIPELINE__PATH" in os.environ:
        return {}
    try:
        import zarrs  # noqa: F401
    except Exception:  # noqa: BLE001  # whatever keeps it from working with the zarr that is there: zarr reads as well
        return {}
    return {
        "ZARR_CODEC_PIPELINE__PATH": "zarrs.ZarrsCodecPipeline",
        "PYTHONWARNINGS": ",".join(
            [*filter(None, [os.environ.get("PYTHONWARNINGS")]), "ignore:Array is unsupported by ZarrsCodecPipeline"]
        ),
    }


def _numbered(plain: Any, gpus: list[str]) -> Any:
    """What the next worker is to be: the first have a GPU of their own, and offer it; the others see none."""

    def new_worker_spec() -> dict[Any, dict[str, Any]]:
        ((number, spec),) = plain().items()
        own = {"CUDA_VISIBLE_DEVICES": gpus[number] if number < len(gpus) else ""} if gpus else {}
        offered = {"resources": {"GPU": 1}} if number < len(gpus) else {}
        return {number: {**spec, "options": {**spec["options"], "env": own, **offered}}}

    return new_worker_spec


def _gpus() -> list[str]:
    """GPUs that models of this process could use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    from scc2s.models._torch._device import n_gpus

    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return (named or [str(number) for number in range(n_gpus())])[: n_gpus()]


def workers_of(client: Any) -> dict[str, dict[str, Any]]:
    """The workers of a client, by address."""
    found: dict[str, dict[str, Any]] = client.scheduler_info(n_workers=-1)["workers"]
    return found


def over_workers(client: Any) -> Callable[..., Iterable[Any]]:
    """What does a task for each of some things as ``map`` does: in the workers, where there are some by now."""

    def over(task: Callable[[Any], Any], things: Iterable[Any]) -> Iterable[Any]:
        if not workers_of(client):
            return map(task, things)
        futures = client.map(task, list(things), pure=False)
        for future in futures:  # also where one fails, so that none goes on after the call
            future.exception()
        return client.gather(futures)  # type: ignore[no-any-return]

    return over


def gpus_of(client: Any) -> bool:
    """Whether workers offer the resource ``GPU``."""
    return any("GPU" in worker.get("resources", {}) for worker in workers_of(client).values())


def _say(client: Any) -> None:
    """Where the dashboard is, if there is one."""
    try:
        import bokeh  # noqa: F401
    except ImportError:
        return
    logger.warning("dashboard: %s", client.dashboard_link)
