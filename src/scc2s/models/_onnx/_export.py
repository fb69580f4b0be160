from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from importlib.metadata import version
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scc2s.models._taught import write_taught

from ._record import FILE, GRAPH, TOKENIZER, WRITING, Record, hashes
from ._swap import put, restore, sweep

if TYPE_CHECKING:
    from scc2s.models._torch import TorchModel

Precision = Literal["fp32", "fp16", "int8"]
_OPSET = 20


def export_onnx(
    model: str | PathLike[str] | TorchModel,
    folder: str | PathLike[str],
    *,
    precision: Precision = "fp32",
    writes: bool = False,
    revision: str | None = None,
) -> dict[str, float]:
    """Write a model as a graph for ONNX Runtime, which then needs neither torch nor transformers.

    The graph embeds and scores; with `writes` a second one generates text. Both are run beside torch in float32 before
    anything is saved, on prompts and answers of several lengths, and a graph that differs is refused.

    Parameters
    ----------
    model
        Hub id, folder, or a model loaded with ``dtype="float32"``. Gemma, Gemma-2, GPT-NeoX, Llama, Mistral and Qwen.
    folder
        Folder to write; it must not exist, or hold an earlier export, which is replaced when the new one is whole: if
        the process is killed, the earlier one is there, or put back when it is next loaded or written.
    precision
        ``"fp32"``; ``"fp16"``, half the size, for GPUs; ``"int8"``, the fastest of the three on CPUs: weights of matrix
        products at a quarter of the size, by channel, activations quantised as they come, embeddings as they were.
    writes
        Add a graph with a cache of keys and values, for :func:`scc2s.tl.generate` and the like: by optimum (extra
        ``optimum``, transformers 4.57), in fp32 or int8. In fp32 what it writes under a constraint has to be what torch
        writes.
    revision
        Commit, tag or branch of a hub id.

    Returns
    -------
    Agreement with torch, which is saved too: ``embedding_max_difference`` and ``score_max_difference`` (absolute; the
    second in natural-log units), ``embedding_cosine`` (the smallest of a prompt) and ``score_correlation``.

    Raises
    ------
    ImportError
        The packages of the extra ``onnx`` are not installed; with `writes`, those of ``optimum``.
    FileExistsError
        The folder holds something else.
    ValueError
        An unknown precision or architecture, a model in another number format, or a graph that differs from torch by
        more than 1e-4 (fp32), or whose embedding has a cosine under 0.999 (fp16, int8).

    Examples
    --------
    >>> import scc2s
    >>> scc2s.models.export_onnx("scc2s-mini", "mini-onnx")  # doctest: +SKIP
    >>> model = scc2s.models.load("mini-onnx", backend="onnx")  # doctest: +SKIP
    """
    if precision not in ("fp32", "fp16", "int8"):
        msg = f'unknown precision {precision!r}; use precision="fp32", "fp16" or "int8"'
        raise ValueError(msg)
    _import_exporters()
    from ._agreement import check, check_writing
    from ._writing import export_writer, import_writer

    if writes:
        import_writer()
        if precision == "fp16":
            msg = "a graph that writes is in fp32 or int8; pass precision= one of these, or writes=False"
            raise ValueError(msg)
    target = Path(fspath(folder)).expanduser()
    restore(target)
    if target.exists() and not (target.is_dir() and ((target / FILE).is_file() or not any(target.iterdir()))):
        msg = f"{target} holds something that is not an export; give a new folder: export_onnx(model, 'new-folder')"
        raise FileExistsError(msg)
    source = _source(model, revision)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = f".{target.name}-"
    sweep(target, beside)
    # Beside the target, so that the last step is a rename.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=beside) as made:
        folder = Path(made) / "export"
        folder.mkdir()
        _write_graph(source, folder / GRAPH, precision)
        source.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
        write_taught(source.taught, folder)
        agreement = check(source, folder, _record(source, folder, precision, {}))
        if writes:
            export_writer(source._decoder.lm, folder / WRITING, quantised=precision == "int8")
            check_writing(source, folder, _record(source, folder, precision, {}))
        _record(source, folder, precision, agreement).write(folder)
        put(folder, target)
    return agreement


def _import_exporters() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        msg = "the exporter is not installed; run: pip install 'scc2s[onnx]'"
        raise ImportError(msg) from error
    from ._session import import_runtime

    import_runtime()


def _source(model: Any, revision: str | None) -> TorchModel:
    from scc2s.models._load import load
    from scc2s.models._torch import TorchModel

    if isinstance(model, str | PathLike):
        model = load(model, device="cpu", dtype="float32", revision=revision)
    if not isinstance(model, TorchModel):
        msg = f"a {type(model).__name__} cannot be exported; give a hub id or a model folder"
        raise TypeError(msg)
    if model.dtype != "float32" or model.device != "cpu" or model.info()["quantization"]:
        msg = (
            f"the model is {model.dtype} on {model.device}, so there is nothing exact to compare with; give its "
            'name, or load(..., device="cpu", dtype="float32")'
        )
        raise ValueError(msg)
    if not model._decoder.tested:
        kind = model._decoder.config.model_type
        msg = f"{kind!r} models are not known to be exact as a graph; load this one with backend='torch'"
        raise ValueError(msg)
    return model


def _write_graph(source: TorchModel, path: Path, precision: Precision) -> None:
    import torch

    from ._blocks import in_blocks
    from ._feeds import NAMES
    from ._graph import ReadingGraph

    decoder = source._decoder
    if precision == "fp16":
        import copy
        from dataclasses import replace

        decoder = replace(decoder, lm=copy.deepcopy(decoder.lm).half())
    rows, tokens, read = (torch.export.Dim(name) for name in ("rows", "tokens", "read"))
    n, width = 3, 17  # no two sizes alike, so that none is taken for another
    ids = torch.arange(n * width).reshape(n, width) % decoder.config.vocab_size
    example = (
        ids,
        torch.arange(width).expand(n, -1).contiguous(),
        torch.ones(width, width, dtype=torch.bool).tril().expand(n, -1, -1).contiguous(),
        torch.full((n, width), 1 / width),
        torch.arange(5),
        torch.arange(5),
    )
    both = {0: rows, 1: tokens}
    shapes = (both, both, {**both, 2: tokens}, both, {0: read}, {0: read})
    plain = path if precision != "int8" else path.with_name("plain.onnx")
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),
        in_blocks(decoder.lm),
    ):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            ReadingGraph(decoder).eval(), example, str(plain), dynamo=True, dynamic_shapes=shapes,
            input_names=list(NAMES), output_names=["pooled", "log_probs"], opset_version=_OPSET, verbose=False,
        )  # fmt: skip
    if precision == "int8":
        from ._quantise import quantise

        quantise(plain, path)


def _record(source: TorchModel, folder: Path, precision: Precision, agreement: dict[str, float]) -> Record:
    from ._session import import_runtime

    info = source.info()
    return Record(
        id=source.id,
        revision=source.revision,
        family=source.family,
        labels=source.labels,
        tasks=source.tasks,
        architecture=info["architecture"],
        weights_hash=info["weights_hash"],
        max_tokens=source.max_tokens,
        width=source._decoder.width,
        eos_token_id=source.tokenizer.eos_token_id,
        precision=precision,
        agreement=agreement,
        versions={
            **{name: version(name) for name in ("scc2s", "torch", "transformers", "onnx")},
            "onnxruntime": import_runtime().__version__,
        },
        files=hashes(folder),
    )
