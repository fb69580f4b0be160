"""What an installation has, what it lacks, and the command that mends it. Nothing here touches the network."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

State = Literal["ok", "note", "fault"]

FOR_DEVELOPERS = ("test", "docs", "dev", "bench", "release")
_PURPOSE = {
    "analysis": "clusters to group cells by",
    "metrics": "Wasserstein distance",
    "onnx": "models on ONNX Runtime, on a CPU",
    "onnx-gpu": "models on ONNX Runtime, on a GPU; never beside onnx",
    "ontology": "terms of the Cell Ontology",
    "optimum": "exported models that write; holds transformers at 4.57",
    "quant": "weights in 4 or 8 bits",
    "train": "fine-tuning",
}


class Check(NamedTuple):
    """One thing that was looked at."""

    section: str
    name: str
    state: State
    """A ``"note"`` is nothing wrong: something optional that is not there."""
    said: str
    mend: str = ""
    """Command or step that changes it."""


def checks() -> Iterator[Check]:
    """Everything, one after the other; what takes longest comes last but one."""
    yield from environment()
    yield from packages()
    yield from extras()
    yield from backends()
    yield from folders()
    yield from model()


def environment() -> Iterator[Check]:
    """Python, and where this package stands."""
    import scc2s

    at = "environment"
    yield Check(at, "scc2s", "ok", f"{version('scc2s')}, {Path(scc2s.__file__).parent}")
    yield Check(at, "Python", "ok", f"{platform.python_version()}, {sys.executable}")
    yield Check(at, "system", "ok", f"{platform.system()} {platform.release()}, {platform.machine()}")
    threads = os.environ.get("OMP_NUM_THREADS")
    held = f", held to {threads} threads by OMP_NUM_THREADS" if threads else ""
    yield Check(at, "cores", "ok", f"{len(_cores())}{held}")


def _cores() -> set[int]:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _requirements() -> list[Requirement]:
    from packaging.requirements import Requirement

    return [Requirement(line) for line in requires("scc2s") or []]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def packages() -> Iterator[Check]:
    """What this package always needs, against the versions that it supports."""
    for needed in _requirements():
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        found, wanted = _installed(needed.name), str(needed.specifier)
        mend = f'pip install "{needed.name}{wanted}"'
        if found is None:
            yield Check("packages", needed.name, "fault", f"not installed, {wanted} is needed", mend)
        elif not needed.specifier.contains(found, prereleases=True):
            yield Check("packages", needed.name, "fault", f"{found}, and {wanted} is needed", mend)
        else:
            yield Check("packages", needed.name, "ok", f"{found} ({wanted})")


def extras() -> Iterator[Check]:
    """Optional parts: those whose packages are all there, and the command for the others."""
    from importlib.metadata import metadata

    for extra in metadata("scc2s").get_all("Provides-Extra") or []:
        if extra in FOR_DEVELOPERS:
            continue
        wanted = [
            one
            for one in _requirements()
            if one.name != "scc2s"
            and one.marker is not None
            and one.marker.evaluate({"extra": extra})
            and not one.marker.evaluate({"extra": ""})
        ]
        lacking = []
        for one in wanted:
            found = _installed(one.name)
            if found is None:
                lacking.append(f"no {one.name}")
            elif not one.specifier.contains(found, prereleases=True):
                lacking.append(f"{one.name} {found}, {one.specifier} is needed")
        purpose = _PURPOSE.get(extra, "")
        if lacking:
            said = "; ".join(part for part in (", ".join(lacking), purpose) if part)
            yield Check("extras", extra, "note", said, f'pip install "scc2s[{extra}]"')
        else:
            yield Check("extras", extra, "ok", purpose)


def backends() -> Iterator[Check]:
    """What can run a model, and on which devices."""
    at = "backends"
    try:
        from scc2s.models._torch._devices import devices
    except (ImportError, OSError) as error:
        said = f"cannot be imported: {' '.join(str(error).split())[:200]}"
        yield Check(at, "torch", "fault", said, "pip install --force-reinstall torch")
    else:
        for device in devices():
            yield Check(at, f"torch, {device.name}", "ok" if device.there else "note", device.said, device.mend)
    if _installed("onnxruntime") is None and _installed("onnxruntime-gpu") is None:
        yield Check(at, "onnx", "note", "no ONNX Runtime", 'pip install "scc2s[onnx]"')
    else:
        try:
            import onnxruntime
        except (ImportError, OSError) as error:
            yield Check(
                at, "onnx", "fault", f"cannot be imported: {error}", "pip install --force-reinstall onnxruntime"
            )
        else:
            names = [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]
            yield Check(at, "onnx", "ok", f"{onnxruntime.__version__}, {', '.join(names)}")


def folders() -> Iterator[Check]:
    """Folders that are written to unasked: downloaded models, compiled kernels, temporary files."""
    import tempfile

    at = "folders"
    hub = _hub_folder()
    found = _writable(hub)
    said = f"{hub}" + ("" if found else ", cannot be written")
    yield Check(at, "downloaded models", "ok" if found else "note", said, "" if found else "export HF_HOME=FOLDER")
    kernels = _kernel_folders()
    place = next((folder for folder in kernels if _writable(folder)), None)
    if place is not None:
        yield Check(at, "compiled kernels", "ok", str(place))
    else:
        said = f"{kernels[-1]}, cannot be written: kernels are compiled anew in each process"
        yield Check(at, "compiled kernels", "note", said, "export NUMBA_CACHE_DIR=FOLDER")
    try:
        yield Check(at, "temporary files", "ok", tempfile.gettempdir())
    except FileNotFoundError as error:
        yield Check(at, "temporary files", "fault", str(error), "export TMPDIR=FOLDER")


def _hub_folder() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _kernel_folders() -> list[Path]:
    """Where numba keeps what it has compiled, in the order that it tries them."""
    import scc2s

    if folder := os.environ.get("NUMBA_CACHE_DIR"):
        return [Path(folder)]
    home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    return [Path(scc2s.__file__).parent / "sentences" / "__pycache__", home / "numba"]


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or in the first one above it that is there. Leaves nothing behind."""
    from scc2s._io import check_writable

    there = next((one for one in (folder, *folder.absolute().parents) if one.exists()), None)
    if there is None or not there.is_dir():
        return False
    try:
        check_writable(there / "scc2s-doctor")
    except OSError:
        return False
    return True


def model() -> Iterator[Check]:
    """The model in the package, and the one that ``model=None`` means."""
    from scc2s._settings import settings
    from scc2s.models._folder import check_folder
    from scc2s.models._sources import MINI, find

    at = "models"
    try:
        check_folder(find(MINI).folder, MINI)
    except (OSError, ValueError) as error:
        mend = f"pip install --force-reinstall --no-deps scc2s=={version('scc2s')}"
        yield Check(at, MINI, "fault", str(error), mend)
    else:
        yield Check(at, MINI, "ok", "in the package")
    if settings.model != MINI:
        yield _chosen(str(settings.model))
    if _set("HF_HUB_OFFLINE"):
        yield Check(at, "downloads", "note", "none: HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE")


def _chosen(name: str) -> Check:
    """What ``SCC2S_MODEL`` names: a folder, an address, or a hub id."""
    from scc2s.models._folder import check_folder
    from scc2s.models._sources import in_cache, is_hub_id

    at = "models"
    if name.startswith(("http://", "https://")):
        return Check(at, name, "ok", "an address, not asked here")
    folder = Path(name).expanduser()
    if folder.is_dir():
        try:
            check_folder(folder, name)
        except (OSError, ValueError) as error:
            return Check(at, name, "fault", str(error), "export SCC2S_MODEL=scc2s-mini")
        return Check(at, name, "ok", "a folder on this machine")
    if not is_hub_id(name):
        return Check(at, name, "fault", "neither a folder nor a hub id", "export SCC2S_MODEL=scc2s-mini")
    if in_cache(name) is not None:
        return Check(at, name, "ok", "downloaded")
    state: State = "fault" if _set("HF_HUB_OFFLINE") else "note"
    return Check(at, name, state, "not downloaded yet", f"hf download {name}")


def _set(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in ("1", "on", "yes", "true")
