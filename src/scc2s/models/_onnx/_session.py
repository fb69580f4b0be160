"""Sessions of ONNX Runtime: on the device asked for, or an error that says why not."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from scc2s._logging import logger

if TYPE_CHECKING:
    from pathlib import Path

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def import_runtime() -> Any:
    """The package onnxruntime.

    Raises
    ------
    ImportError
        It is not installed, or two of its distributions are, which overwrite each other's files.
    """
    installed = [name for name in ("onnxruntime", "onnxruntime-gpu") if _version(name)]
    if len(installed) > 1:
        msg = (
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other's files; keep one: "
            "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'scc2s[onnx-gpu]' (or 'scc2s[onnx]')"
        )
        raise ImportError(msg)
    try:
        import onnxruntime
    except ImportError as error:
        msg = "ONNX Runtime is not installed; run: pip install 'scc2s[onnx]' (with an NVIDIA GPU: 'scc2s[onnx-gpu]')"
        raise ImportError(msg) from error
    if not hasattr(onnxruntime, "InferenceSession"):
        msg = (
            "the files of onnxruntime are incomplete, as after uninstalling one of two; run: "
            "pip install --force-reinstall 'scc2s[onnx]'"
        )
        raise ImportError(msg)
    return onnxruntime


def open_session(path: Path, device: str) -> tuple[Any, str]:
    """A session for a graph, and the device that it runs on.

    Parameters
    ----------
    path
        Graph.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"``: CUDA where it works, else the CPU.

    Raises
    ------
    ValueError
        An unknown device, a graph that cannot be read, or a session that ONNX Runtime put elsewhere.
    """
    runtime = import_runtime()
    kind, _, number = device.partition(":")
    if device != "auto" and (kind not in _PROVIDERS or (number and not number.isdigit())):
        msg = f'unknown device {device!r} for ONNX; use device="auto", "cpu", "cuda" or "cuda:1"'
        raise ValueError(msg)
    if device == "auto":
        if _PROVIDERS["cuda"] not in runtime.get_available_providers():
            return _open(runtime, path, "cpu", 0), "cpu"
        session = _open(runtime, path, "cuda", 0)
        if _PROVIDERS["cuda"] in session.get_providers():
            return session, "cuda"
        logger.warning('ONNX Runtime cannot use CUDA here and runs on the CPU; device="cuda" tells why')
        return session, "cpu"
    there = runtime.get_available_providers()
    session = _open(runtime, path, kind, int(number or 0)) if _PROVIDERS[kind] in there else None
    if session is None or _PROVIDERS[kind] not in session.get_providers():
        msg = (
            f"ONNX Runtime does not run on {device!r} here, only on {there}; install its GPU "
            "package (pip install 'scc2s[onnx-gpu]', which needs the CUDA and cuDNN that its release names), or use "
            'device="cpu"'
        )
        raise ValueError(msg)
    return session, device


def _open(runtime: Any, path: Path, kind: str, number: int) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    providers: list[Any] = [_PROVIDERS["cpu"]]
    if kind == "cuda":
        providers.insert(0, (_PROVIDERS["cuda"], {"device_id": number}))
    try:
        return runtime.InferenceSession(str(path), sess_options=options, providers=providers)
    except Exception as error:  # its errors share no class but Exception
        msg = (
            f"ONNX Runtime {runtime.__version__} cannot open {path.name} ({str(error).splitlines()[0][:200]}); export "
            "the model again: scc2s.models.export_onnx(model, folder)"
        )
        raise ValueError(msg) from error


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
