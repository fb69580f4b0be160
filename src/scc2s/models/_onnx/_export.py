from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import warnings
from importlib.metadata import version
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._model import OnnxModel
from ._quantise import quantise
from ._record import FILE, GRAPH, TOKENIZER, WRITING, Record, hashes
from ._session import import_runtime, open_session
from ._tokenizer import FileTokenizer
from ._writing import OnnxWriter, export_writer, import_writer

if TYPE_CHECKING:
    from scc2s.models._torch import TorchModel

Precision = Literal["fp32", "fp16", "int8"]
_LARGEST_DIFFERENCE = 1e-4
_LEAST_COSINE = 0.999
_OPSET = 20
_GENES = ["CD3D", "LYZ", "MALAT1", "HLA-DRA", "RPS27A", "ISG15", "MT-CO1", "NKG7", "CST3", "B2M", "AC1.2"]


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
        Folder to write; it must not exist, or hold an earlier export, which is replaced in one step.
    precision
        ``"fp32"``; ``"fp16"``, half the size, for GPUs; ``"int8"``, a quarter of the size and the fastest on CPUs
        (weights of all matrix products quantised by channel, activations when they come).
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
    if writes:
        import_writer()
        if precision == "fp16":
            msg = "a graph that writes is in fp32 or int8; pass precision= one of these, or writes=False"
            raise ValueError(msg)
    target = Path(fspath(folder))
    if target.exists() and not (target.is_dir() and ((target / FILE).is_file() or not any(target.iterdir()))):
        msg = f"{target} holds something that is no export; give a new folder: export_onnx(model, 'new-folder')"
        raise FileExistsError(msg)
    source = _source(model, revision)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is a rename.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as made:
        folder = Path(made) / "export"
        folder.mkdir()
        _write_graph(source, folder / GRAPH, precision)
        source.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
        agreement = _check(source, folder, precision)
        if writes:
            export_writer(source._decoder.lm, folder / WRITING, quantised=precision == "int8")
            _check_writing(source, folder, precision)
        _record(source, folder, precision, agreement).write(folder)
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    return agreement


def _import_exporters() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        msg = "the exporter is not installed; run: pip install 'scc2s[onnx]'"
        raise ImportError(msg) from error
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
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            ReadingGraph(decoder).eval(), example, str(plain), dynamo=True, dynamic_shapes=shapes,
            input_names=list(NAMES), output_names=["pooled", "log_probs"], opset_version=_OPSET, verbose=False,
        )  # fmt: skip
    if precision == "int8":
        quantise(plain, path)


def _check(source: TorchModel, folder: Path, precision: Precision) -> dict[str, float]:
    """Agreement of the graph with torch, on prompts of several lengths."""
    model = OnnxModel(_record(source, folder, precision, {}), *_opened(folder, source))
    prompts, choices = _prompts(source), [" B cell", " CD4 T cell", " natural killer cell"]
    ends = source.tokenizer.eos_token_id is not None
    expected, found = (one.embed(prompts, progress=False) for one in (source, model))
    said, heard = (_likelihoods(one, prompts, choices, ends) for one in (source, model))
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    agreement = {
        "embedding_max_difference": float(np.abs(expected - found).max()),
        "embedding_cosine": float(((expected * found).sum(axis=1) / norms).min()),
        "score_max_difference": float(np.abs(said - heard).max()),
        "score_correlation": float(np.corrcoef(said, heard)[0, 1]),
    }
    exact = max(agreement["embedding_max_difference"], agreement["score_max_difference"]) <= _LARGEST_DIFFERENCE
    if not (exact if precision == "fp32" else agreement["embedding_cosine"] >= _LEAST_COSINE):
        limit = f"{_LARGEST_DIFFERENCE:g} at most" if precision == "fp32" else f"a cosine of {_LEAST_COSINE}"
        told = ", ".join(f"{name} {value:.2g}" for name, value in agreement.items())
        mend = "use backend='torch'" if precision == "fp32" else 'export with precision="fp32"'
        msg = (
            f"the graph differs from torch ({told}), where {precision} has to reach {limit}; nothing was saved; {mend}"
        )
        raise ValueError(msg)
    return agreement


def _check_writing(source: TorchModel, folder: Path, precision: Precision) -> None:
    """Refuse a graph in fp32 that writes other genes than torch."""
    from scc2s.models.decoding import GeneVocabulary

    model = OnnxWriter(_record(source, folder, precision, {}), *_opened(folder, source), folder)
    genes = GeneVocabulary(_GENES, 5)
    prompts = _prompts(source)[:4]
    expected, found = (one.generate(prompts, genes=genes, progress=False) for one in (source, model))
    if precision == "fp32" and expected != found:
        msg = f"the graph writes {found[0]!r} where torch writes {expected[0]!r}; nothing was saved; pass writes=False"
        raise ValueError(msg)


def _opened(folder: Path, source: TorchModel) -> tuple[FileTokenizer, Any, str]:
    tokenizer = FileTokenizer(folder / TOKENIZER, source.tokenizer.eos_token_id)
    return tokenizer, *open_session(folder / GRAPH, "cpu")


def _likelihoods(model: Any, prompts: list[str], choices: list[str], ends: bool) -> np.ndarray:
    if ends:
        return model.score(prompts, choices, progress=False).logprob.ravel()
    return model.log_likelihood(prompts, [choices[0]] * len(prompts), progress=False).logprob


def _prompts(source: TorchModel) -> list[str]:
    """Prompts of 1 to 120 gene-like words, as far as they fit."""
    rng = np.random.default_rng(0)
    words = np.array(_GENES)
    made = []
    for n in (1, 3, 10, 30, 60, 120):
        prompt = f"Genes of a cell: {' '.join(rng.choice(words, n))}. Cell type:"
        if source.max_tokens is None or source.count_tokens([prompt])[0] + 40 <= source.max_tokens:
            made.append(prompt)
    return made or ["CD3D:"]


def _record(source: TorchModel, folder: Path, precision: Precision, agreement: dict[str, float]) -> Record:
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
