"""The weights of a model folder: which files they are, and whether these are whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ._files import inside, read_object, refuse_pointer

if TYPE_CHECKING:
    from pathlib import Path

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_OTHERS = (".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack", ".npz", ".pkl")
_END = 1024  # bytes
_NUMBERS = frozenset({"F64", "F32", "F16", "BF16"})
# Masks and positions that some versions of transformers saved beside the weights, and do not read.
BUFFERS = ("attention.bias", "attn.bias", "masked_bias", "inv_freq", "position_ids", "token_type_ids")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that make up the weights, by name: those, and no others, are loaded and hashed.

    One file, or the parts that an index names.

    Raises
    ------
    FileNotFoundError
        There are none, or a part is lost.
    ValueError
        Weights of another format, or an index that is damaged or names a file outside of the folder.
    """
    if (folder / WHOLE).is_symlink() or (folder / WHOLE).exists():
        return [_file(folder, WHOLE, "a link")]
    index = folder / INDEX
    if not index.is_file():
        raise _none(folder)
    return [_file(folder, name, INDEX) for name in sorted(set(_map(index).values()))]


def check_weights(folder: Path, *, quantised: bool = False) -> dict[str, tuple[int, ...]]:
    """Read the header of each file of the weights, and no weights.

    Parameters
    ----------
    folder
        Model folder.
    quantised
        Whether the config says so: then there are whole numbers among the weights.

    Returns
    -------
    Shape of each weight.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`weight_files`; a file that is cut off, damaged, or empty from some place on; parts that hold
        other weights than the index says.
    """
    files = weight_files(folder)
    found: dict[str, Path] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for path in files:
        for name, (dtype, shape) in _header(path).items():
            if name in found:
                msg = f"{path} and {found[name].name} both hold {name!r}; delete the folder and download it again"
                raise ValueError(msg)
            if dtype not in _NUMBERS and not quantised and not name.endswith(BUFFERS):
                msg = f"{path} is damaged: its header says that {name!r} is {dtype}; copy or download it again"
                raise ValueError(msg)
            found[name], shapes[name] = path, shape
        _refuse_empty_end(path)
    if files[0].name == WHOLE:
        return shapes
    for name, part in _map(folder / INDEX).items():
        there = found.get(name)
        if there is None or there != folder / part:
            where = "no part has it" if there is None else f"it is in {there.name}"
            msg = f"{folder / INDEX} says that {name!r} is in {part}, and {where}; download the folder again"
            raise ValueError(msg)
    return shapes


def _map(index: Path) -> dict[str, str]:
    said = read_object(index)
    parts = said.get("weight_map")
    if not isinstance(parts, dict) or not parts or not isinstance(said.get("metadata", {}), dict):
        msg = f"{index} is damaged: it has no weight_map of weights to files; download it again"
        raise ValueError(msg)
    if "metadata" not in said:
        msg = f"{index} lacks 'metadata', which transformers needs; save the model again: save_pretrained(folder)"
        raise ValueError(msg)
    for name, part in parts.items():
        if not isinstance(part, str):
            msg = f"{index} is damaged: the file of {name!r} is {str(part)[:60]!r}; download it again"
            raise ValueError(msg)
    return parts


def _file(folder: Path, name: Any, said_by: str) -> Path:
    path = inside(folder, name, said_by if said_by != INDEX else f"named by {INDEX}")
    if path.suffix != ".safetensors":
        msg = (
            f"{folder / said_by} names {name!r}: these weights are not safetensors, and other formats can run code "
            "when read; convert what you trust: AutoModelForCausalLM.from_pretrained(...).save_pretrained(folder)"
        )
        raise ValueError(msg)
    if not path.is_file():
        msg = f"{folder} lacks {name}, a part of its weights; copy or download it again"
        raise FileNotFoundError(msg)
    return path


def _header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Number format and shape of each tensor; the library compares sizes in the header with that of the file."""
    from safetensors import SafetensorError, safe_open

    refuse_pointer(path)
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (it is not a dict)
            return {name: (one.get_dtype(), tuple(one.get_shape())) for name, one in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        msg = (
            f"{path} is damaged or cut off ({path.stat().st_size:,} bytes do not go with its header: {error}); copy or "
            "download it again"
        )
        raise ValueError(msg) from error


def _refuse_empty_end(path: Path) -> None:
    """A download that was cut may have its full size, with zeros where nothing has come: whole matrices of them."""
    content = np.memmap(path, dtype=np.uint8, mode="r")
    if content[-_END:].any():
        return
    begin = 8 + int.from_bytes(bytes(content[:8]), "little")
    for name, said in json.loads(bytes(content[8:begin])).items():
        low, high = said.get("data_offsets", (0, 0))
        if len(said.get("shape", ())) > 1 and high - low >= _END and not content[begin + low : begin + high].any():
            msg = f"{path} is not whole: there are only zeros in {name!r}; copy or download it again"
            raise ValueError(msg)


def _none(folder: Path) -> Exception:
    there = sorted(path.name for path in folder.iterdir())
    if others := [name for name in there if name.endswith(_OTHERS)]:
        return ValueError(
            f"the weights of {folder} are not safetensors ({others[0]}), and other formats can run code when read; "
            "convert what you trust: AutoModelForCausalLM.from_pretrained(...).save_pretrained(folder)"
        )
    named = [name for name in there if name.endswith(".safetensors")]
    if named:
        return FileNotFoundError(
            f"{folder} has neither {WHOLE} nor {INDEX}, only {', '.join(named[:3])}; download the whole folder, or "
            f"rename the one file: {WHOLE}"
        )
    return FileNotFoundError(f"{folder} has no *.safetensors weights; give the folder that save_pretrained wrote")
