from __future__ import annotations

import json
import struct
import tomllib
from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_STORED = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
_COLUMNS = (
    "id",
    "size",
    "parameters",
    "layers",
    "width",
    "base",
    "family",
    "tasks",
    "context",
    "context_note",
    "genes_min",
    "genes_max",
    "licence",
    "licence_seen",
    "weights_dtype",
    *(f"memory_{dtype}_gb" for dtype in _BYTES),
    "note",
)


def catalogue() -> pd.DataFrame:
    """Models that speak cell sentences: the one in this package and the published Cell2Sentence models.

    Nothing is fetched. The table says where a fact is from: a licence stands as it was seen on the model's card, with
    the date in ``licence_seen``; cards have changed their licence, so read the card before use. Weights are downloaded
    by you, under these terms.

    Returns
    -------
    One row a model: ``id`` (for :func:`load`), ``size`` and ``parameters``, ``layers``, ``width`` (of an embedding),
    ``base`` model, ``family`` of prompts, ``tasks`` of its training, ``context`` in tokens, ``genes_min`` and
    ``genes_max`` of a sentence in its training, ``licence`` and ``licence_seen``, ``weights_dtype`` (as stored), and
    the memory of the weights alone, in 10^9 bytes, as ``memory_float32_gb``, ``memory_bfloat16_gb`` and
    ``memory_float16_gb``.

    Examples
    --------
    >>> models = catalogue().set_index("id")
    >>> float(models.loc["vandijklab/C2S-Scale-Gemma-2-2B", "memory_bfloat16_gb"])
    5.2
    """
    import pandas as pd

    rows = []
    for model in map(dict, entries()):
        n = model.get("parameters")
        if n is not None:
            model |= {
                f"memory_{dtype}_gb": round(n * size / 1e9, 4 if n < 1e8 else 1) for dtype, size in _BYTES.items()
            }
        rows.append({"size": _size(n), **model, "tasks": ", ".join(model["tasks"])})
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    whole = ["parameters", "layers", "width", "context", "genes_min", "genes_max"]
    return table.astype(dict.fromkeys(whole, "Int64"))


@cache
def entries() -> tuple[dict[str, Any], ...]:
    """Rows of the catalogue file; for the model in the package with what its own files say."""
    here = Path(__file__)
    models = tomllib.loads(here.with_name("catalogue.toml").read_text(encoding="utf-8"))["model"]
    mini = here.with_name("mini")
    return tuple(model | measure(mini) if model["id"] == "scc2s-mini" else model for model in models)


def entry(name: str) -> dict[str, Any] | None:
    """The catalogue's row of a model, if it has one."""
    return next((model for model in entries() if model["id"] == name), None)


def measure(folder: Path) -> dict[str, Any]:
    """Size facts of a model folder, from its config and the header of its weights; empty where there is none.

    Raises
    ------
    ValueError
        A damaged file.
    """
    try:
        return _measured(folder)
    except (ValueError, KeyError, TypeError, AttributeError, struct.error, OSError, RecursionError) as error:
        msg = f"the config or the weights of {folder} are damaged ({error!r:.200}); copy or download the folder again"
        raise ValueError(msg) from error


def _measured(folder: Path) -> dict[str, Any]:
    parts = sorted(folder.glob("*.safetensors"))
    if not parts or not (folder / "config.json").is_file():
        return {}
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tensors: dict[str, Any] = {}
    for part in parts:
        with part.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > part.stat().st_size:
                msg = f"{part.name} is cut off"
                raise ValueError(msg)
            tensors |= json.loads(file.read(length))
    tensors.pop("__metadata__", None)
    ours = folder / "scc2s.json"
    declared = json.loads(ours.read_text(encoding="utf-8")) if ours.is_file() else {}
    facts = {
        "parameters": sum(prod(tensor["shape"]) for tensor in tensors.values()),
        "layers": config.get("num_hidden_layers"),
        "width": config.get("hidden_size"),
        "context": config.get("max_position_embeddings"),
        "vocabulary": config.get("vocab_size"),
        "tied": not any(name.endswith(("lm_head.weight", "embed_out.weight")) for name in tensors),
        "weights_dtype": ", ".join(
            sorted({_STORED.get(tensor["dtype"], tensor["dtype"]) for tensor in tensors.values()})
        ),
        "genes_max": declared.get("n_genes"),
        "organisms": declared.get("organisms"),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _size(parameters: int | None) -> str | None:
    if parameters is None:
        return None
    return f"{parameters / 1e6:.3g}M"
