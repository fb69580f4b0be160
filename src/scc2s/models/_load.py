from __future__ import annotations

from collections import OrderedDict
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, Unpack, overload

from scc2s._logging import logger
from scc2s._settings import settings

from ._adapter import check_base, read_adapter
from ._catalogue import entry
from ._family import UNKNOWN, recognise
from ._folder import check_folder, read_declared
from ._named import Named
from ._objects import checked_object
from ._onnx._record import FILE as EXPORT
from ._sources import MINI, Source, find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._protocols import Model, ReadingModel, ServedModel, WholeModel

_Given = TypeVar("_Given", bound="Model")

# Models kept in memory at once: enough to compare a few, few enough that a notebook does not fill its GPU.
_KEEP = 4
_loaded: OrderedDict[tuple[Any, ...], Model] = OrderedDict()
_said: set[str] = set()
_THEN = {
    "onnx": "export that: scc2s.models.export_onnx(folder, ...)",
    "server": "serve that, or let the server take the adapter and give the name that it has there: model=",
}


class ServerOptions(TypedDict, total=False):
    """Options of a model behind an endpoint."""

    model: str | None
    end_token: str | None
    api_key_env: str
    n_concurrent: int
    timeout: float
    n_retries: int


@overload
def load(
    source: str | PathLike[str],
    /,
    *,
    backend: Literal["torch"] = "torch",
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    quantization: Literal["4bit", "8bit"] | None = None,
    device_map: str | Mapping[str, Any] | None = None,
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2"] = "auto",
    family: str | None = None,
    adapter: str | PathLike[str] | None = None,
) -> WholeModel: ...


@overload
def load(
    source: str | PathLike[str],
    /,
    *,
    backend: Literal["onnx"],
    device: str = "auto",
    family: str | None = None,
) -> ReadingModel: ...


@overload
def load(
    source: str | PathLike[str],
    /,
    *,
    backend: Literal["server"],
    family: str | None = None,
    **server: Unpack[ServerOptions],
) -> ServedModel: ...


@overload
def load(source: _Given, /) -> _Given: ...


@overload
def load(
    source: Any = None,
    /,
    *,
    backend: Literal["torch", "onnx", "server"] = "torch",
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    quantization: Literal["4bit", "8bit"] | None = None,
    device_map: str | Mapping[str, Any] | None = None,
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2"] = "auto",
    family: str | None = None,
    adapter: str | PathLike[str] | None = None,
    **server: Unpack[ServerOptions],
) -> Any: ...


def load(
    source: str | PathLike[str] | Model | None = None,
    /,
    *,
    backend: Literal["torch", "onnx", "server"] = "torch",
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    quantization: Literal["4bit", "8bit"] | None = None,
    device_map: str | Mapping[str, Any] | None = None,
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2"] = "auto",
    family: str | None = None,
    adapter: str | PathLike[str] | None = None,
    **server: Unpack[ServerOptions],
) -> Any:
    """A language model, ready to embed, score and generate.

    A name is loaded once and kept: the same call gives the same object, as long as the files stay the same. Only a hub
    id that is not in the local hub cache goes online. Weights are read from safetensors, and no code of a model folder
    is run.

    Parameters
    ----------
    source
        ``"scc2s-mini"`` (in the package), a hub id such as those of :func:`scc2s.models.catalogue`, the folder that
        ``save_pretrained`` wrote, or an object with ``embed``, ``score`` or ``generate``, which is given back as it is.
        ``None`` takes ``scc2s.settings.model``.
    backend
        ``"torch"``; ``"onnx"`` for the folder that :func:`scc2s.models.export_onnx` wrote: embeddings and scores by
        ONNX Runtime, without torch; ``"server"`` for the address of an OpenAI-compatible endpoint, such as
        ``"http://localhost:8000/v1"``: it writes, held to genes where it follows a grammar (vLLM, SGLang, llama.cpp),
        and scores where it returns log-probabilities of a text.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"`` (torch alone), or ``"auto"``: the fastest there is.
    dtype
        ``"float32"``, ``"bfloat16"``, ``"float16"``, or ``"auto"``: bfloat16 where the hardware computes in it (GPUs,
        CPUs with AVX512_BF16 or AMX), else float32. An exported model has the precision of its export.
    revision
        Commit, tag or branch of a hub id; ``None`` takes what is in the local cache, else the newest.
    quantization
        ``"4bit"`` (NF4) or ``"8bit"`` (LLM.int8) weights by bitsandbytes, for torch; products are in `dtype`.
    device_map
        ``"auto"`` spreads the layers over all GPUs, and the CPU where they do not suffice (accelerate); or layers and
        their devices. For torch, in place of `device`.
    attention
        Kernel of transformers. ``"auto"`` is its own choice, but ``"eager"`` for models that cap the logits of
        attention (Gemma-2), which ``"sdpa"`` would leave out without a word.
    family
        Family of prompts that the model was trained on: ``"scc2s"``, ``"cell2sentence"``, or a name of your own.
        ``None`` takes what the folder says (``scc2s.json``, else config and card, where they name a published model);
        where it says nothing the family is ``"unknown"``, and functions that ask it in our words log a warning.
    adapter
        Folder of a LoRA adapter of this model, as :func:`scc2s.train.lora` wrote it (needs PEFT). The two are joined in
        memory: LoRA is linear, so the sum of the weights gives what both give side by side, up to rounding, and every
        function runs as fast as without. The record of a result names both. Not with `quantization`, which would round
        what the adapter adds; merge first (:func:`scc2s.train.merge`).
    **server
        Options of ``backend="server"``. ``model``: its name there (``None``: the only one). ``end_token``: text of the
        token that ends an answer, e.g. ``"<|endoftext|>"`` for Pythia, so that scores count it. ``api_key_env``:
        variable of the environment with the key (``"SCC2S_API_KEY"``), which is kept nowhere. ``n_concurrent``:
        requests at once (8). ``timeout``: seconds for each (120). ``n_retries``: how often one is sent again (5).

    Returns
    -------
    A model; what it can do is told by :class:`~scc2s.models.Embeds`, :class:`~scc2s.models.Scores`,
    :class:`~scc2s.models.Reads` and :class:`~scc2s.models.Generates`.

    Raises
    ------
    FileNotFoundError
        No such model or folder, or a folder without config, weights or tokenizer.
    ConnectionError
        A hub id that is not in the cache, without network; an endpoint that does not answer.
    PermissionError
        A hub id whose terms have to be accepted first; an endpoint that wants another key.
    ImportError
        The package of the backend, of the quantization or of adapters is not installed.
    ValueError
        Unknown backend, device, dtype or revision; weights that are not safetensors or not complete; a folder that the
        installed transformers would load wrongly, or that needs code of its own; options given with an object; an
        adapter that is damaged, of another base, or does not say of which.
    TypeError
        Neither a name nor an object that can embed, score, read or generate.

    Examples
    --------
    >>> import numpy as np, scc2s
    >>> model = scc2s.models.CallableModel(embed=lambda prompts: np.ones((len(prompts), 2)))
    >>> scc2s.models.load(model) is model
    True
    """
    placed = (quantization, device_map, attention) != (None, None, "auto")
    changed = placed or (device, dtype, revision, adapter) != ("auto", "auto", None, None)
    if source is None:
        source = settings.model
    if isinstance(source, Named) and source.explain:
        from ._explain import unloaded

        return unloaded(source.source, source.options)
    if isinstance(source, Named):
        return load(source.source, **source.options)
    if family is not None and not (isinstance(family, str) and family.strip()):
        msg = f'family={family!r} is not the name of a family of prompts; pass e.g. family="cell2sentence", or None'
        raise ValueError(msg)
    if not isinstance(source, str | PathLike):
        return checked_object(source, changed=changed or backend != "torch" or bool(server) or family is not None)
    if adapter is not None:
        _check_joins(source, backend, quantization)
    if backend == "server":
        return _served(fspath(source), server, family, changed=changed)
    if server:
        msg = f'{next(iter(server))}= is an option of backend="server"; leave it out, or pass backend="server"'
        raise ValueError(msg)
    if fspath(source).startswith(("http://", "https://")):
        msg = f'{fspath(source)} is an address; use load(..., backend="server")'
        raise ValueError(msg)
    if backend == "onnx":
        if placed or (dtype, revision) != ("auto", None):
            msg = "all but device was settled when the model was exported; leave the rest out"
            raise ValueError(msg)
        return _exported(Path(fspath(source)).expanduser(), device, family)
    if backend != "torch":
        msg = f'there is no backend {backend!r}; use backend="torch", "onnx" or "server"'
        raise ValueError(msg)
    if (Path(fspath(source)) / EXPORT).is_file():
        msg = f'{fspath(source)} is an exported model; use load(..., backend="onnx")'
        raise ValueError(msg)
    joined = None if adapter is None else read_adapter(adapter)
    found = find(source, revision)
    check_folder(found.folder, found.id)
    declared = read_declared(found.folder)
    if joined is not None:
        check_base(joined, found)
        if (joined.folder / "scc2s.json").is_file():
            declared = read_declared(joined.folder)
    family = family or declared.family or found.family or recognise(found.folder) or UNKNOWN
    from ._torch._device import pick_device, pick_dtype
    from ._torch._placement import Placement

    where = pick_device(device)
    number = pick_dtype(dtype, where)
    placement = Placement.of(quantization, device_map, attention, device)
    key = (
        *(found.id, found.folder.resolve(), found.revision, _stamp(found.folder)),
        *(str(where), str(number), placement, family),
        None if joined is None else (joined.name, joined.weights_hash, _stamp(joined.folder)),
    )
    if key not in _loaded:
        from ._torch._read import read

        _announce(found)
        _loaded[key] = read(
            found,
            device=where,
            dtype=number,
            placement=placement,
            family=family,
            labels=declared.labels,
            tasks=declared.tasks,
            taught=declared.taught,
            adapter=joined,
        )
    return _kept(key)


def _check_joins(source: str | PathLike[str], backend: str, quantization: str | None) -> None:
    """Refuse an adapter where nothing can be joined."""
    name = fspath(source)
    if backend != "torch":
        msg = (
            f'adapter= is for backend="torch"; for {backend!r} make one model of both first: '
            f"scc2s.train.merge(base, adapter, folder), and {_THEN.get(backend, 'load that')}"
        )
        raise ValueError(msg)
    if quantization is not None:
        msg = (
            f"quantised weights of {name} would round what the adapter adds; make one model of both first: "
            f"scc2s.train.merge({name!r}, adapter, folder), and load(folder, quantization={quantization!r})"
        )
        raise ValueError(msg)


def _served(url: str, options: ServerOptions, family: str | None, *, changed: bool) -> Any:
    if changed:
        msg = "device, dtype and the like are settled where the server runs; leave them out"
        raise ValueError(msg)
    from ._server._model import load_server

    model = load_server(url, **options)
    if family is not None:
        model.family = family
    return model


def _exported(folder: Path, device: str, family: str | None) -> Any:
    from ._onnx._read import load_onnx
    from ._onnx._swap import restore

    restore(folder)
    key = ("onnx", folder.resolve(), device, _stamp(folder) if folder.is_dir() else None, family)
    if key not in _loaded:
        _loaded[key] = model = load_onnx(folder, device=device)
        model.family = family or model.family
    return _kept(key)


def _kept(key: tuple[Any, ...]) -> Any:
    while len(_loaded) > _KEEP:
        _loaded.popitem(last=False)
    _loaded.move_to_end(key)
    return _loaded[key]


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes when a file of the folder does, as after more training."""
    kinds = {".json", ".safetensors", ".onnx", ".data"}
    files = sorted(path for path in folder.iterdir() if path.suffix in kinds and path.is_file())
    return tuple((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files)


def _announce(source: Source) -> None:
    """Say once a session what the default model is, and under which licence a published one comes."""
    if source.id in _said:
        return
    _said.add(source.id)
    known = entry(source.id)
    if source.id == MINI:
        logger.warning(
            "%s is a small model of blood cells for first steps, teaching and tests, not an annotator for your data; "
            'give model="vandijklab/C2S-Scale-Gemma-2-2B" or another of scc2s.models.catalogue()',
            MINI,
        )
    elif known:
        logger.info("%s: %s", source.id, known["licence"])
