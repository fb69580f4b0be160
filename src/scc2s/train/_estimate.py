from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s.models._catalogue import entry, measure
from scc2s.models._estimate import SPEED, time_class

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

# Bytes a weight: float32 weights, their gradients and the two moments of Adam; or weights alone, beside an adapter.
_BYTES = {"full": {"cpu": 16, "gpu": 16}, "lora": {"cpu": 4, "gpu": 2}}
_BYTES_4BIT = 0.6
# Operations a weight and token: forward, gradient of what flows, gradient of the weights.
_PASSES = {"full": 6, "lora": 4}
# Activations that the backward pass needs, in numbers a layer and token: some twenty states of the model's width.
_KEPT = 24
_SOME = 500


@dataclass(frozen=True)
class TrainingEstimate:
    """What training will take: a sum of operations, right in its order and no measurement."""

    n_samples: int
    """Samples of all epochs."""
    tokens: int
    """Tokens read, without padding."""
    useful_tokens: int
    """Tokens of completions, which are learned."""
    longest: int
    """Tokens of the longest sample, of those that were cut."""
    memory_gb: dict[str, float]
    """Weights, gradients, optimizer, and activations of a batch, in 10^9 bytes, on a ``"cpu"`` and a ``"gpu"``."""
    time: dict[str, str]
    """``"seconds"``, ``"minutes"``, ``"hours"``, ``"days"`` or ``"weeks"`` on a ``"cpu"`` and on a ``"gpu"``."""
    seconds: dict[str, float]
    """The same in numbers, at the speeds that :func:`scc2s.models.estimate` reckons with."""


def estimate(
    model: str | PathLike[str] | Any,
    samples: pd.DataFrame,
    *,
    method: Literal["full", "lora"] = "full",
    epochs: float = 1.0,
    batch_size: int = 32,
    quantization: Literal["4bit"] | None = None,
) -> TrainingEstimate:
    r"""What training will take before it is begun: tokens, memory, and the order of the time. No weights are loaded.

    Operations of a token: six for each weight outside the token embedding (two forward, four back; Kaplan et al. 2020,
    arXiv:2001.08361), four where the weights stay and an adapter is trained, plus attention to the tokens before it.
    Numbers of tokens are those of the model's tokenizer on up to 500 samples.

    Parameters
    ----------
    model
        An id of :func:`scc2s.models.catalogue` that is on this machine, or a model folder.
    samples
        Columns ``prompt``, ``completion``.
    method
        ``"full"`` (:func:`sft`) or ``"lora"`` (:func:`lora`).
    epochs, batch_size
        As in these.
    quantization
        Of the weights, with ``"lora"``.

    Raises
    ------
    ValueError
        If there are no samples, a number is out of range, or the size of the model is not known.
    FileNotFoundError, ConnectionError
        If there is no such model.

    Examples
    --------
    >>> import pandas as pd, scc2s
    >>> table = pd.DataFrame({"prompt": ["Genes: CD79A MS4A1\nCell type:"], "completion": [" B cell"]})
    >>> found = scc2s.train.estimate("scc2s-mini", table, epochs=10)
    >>> found.n_samples, found.time["cpu"]
    (10, 'seconds')
    """
    if method not in _PASSES:
        msg = f"method={method!r} is not known; pass method='full' or 'lora'"
        raise ValueError(msg)
    if not len(samples):
        msg = "there are no samples to estimate from; make some with scc2s.pp.samples(adata, task)"
        raise ValueError(msg)
    if batch_size < 1 or not epochs > 0:
        msg = f"batch_size={batch_size}, epochs={epochs}; pass batch_size= from 1 and epochs= over 0"
        raise ValueError(msg)
    folder, tokenizer = _tokenizer(model)
    facts = entry(fspath(model)) or measure(folder)
    if not {"parameters", "layers", "width", "vocabulary", "tied"} <= set(facts):
        msg = f"the size of {fspath(model)!r} is not known; pass the folder of a model with config.json and weights"
        raise ValueError(msg)
    some = samples if len(samples) <= _SOME else samples.sample(_SOME, random_state=0)
    prompts = np.array([len(ids) for ids in tokenizer(some["prompt"].tolist())["input_ids"]])
    whole = np.array([len(ids) + 1 for ids in tokenizer((some["prompt"] + some["completion"]).tolist())["input_ids"]])
    n = len(samples) * epochs
    layers, width = facts["layers"], facts["width"]
    body = facts["parameters"] - facts["vocabulary"] * width * (1 if facts["tied"] else 2)
    passes = _PASSES[method]
    work = passes * (body * whole.mean() + layers * width * (whole.astype(float) ** 2).mean())
    work += passes * facts["vocabulary"] * width * (whole - prompts).mean()
    seconds = {device: float(n * work / speed) for device, speed in SPEED.items()}
    # a batch is as long as its longest; values of four bytes on a CPU, two on a GPU, and the logits of what is learned
    batch = min(batch_size, len(samples))
    kept = _KEPT * layers * width * batch * whole.max()
    logits = 3 * facts["vocabulary"] * batch * (whole - prompts).max()
    memory = {}
    for device, size in (("cpu", 4), ("gpu", 2)):
        weight = _BYTES_4BIT if quantization else _BYTES[method][device]
        memory[device] = round(float(weight * facts["parameters"] + size * kept + 4 * logits) / 1e9, 2)
    return TrainingEstimate(
        n_samples=round(n),
        tokens=round(n * whole.mean()),
        useful_tokens=round(n * (whole - prompts).mean()),
        longest=int(whole.max()),
        memory_gb=memory,
        time={device: time_class(spent) for device, spent in seconds.items()},
        seconds=seconds,
    )


def _tokenizer(model: str | PathLike[str]) -> tuple[Path, Any]:
    from scc2s.models._sources import find
    from scc2s.models._torch._read import read_tokenizer

    found = find(model)
    return found.folder, read_tokenizer(found.folder)
