"""Tables that the Hugging Face ``datasets`` library keeps: as an object, or as a folder that it wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_INFO, _STATE, _SPLITS = "dataset_info.json", "state.json", "dataset_dict.json"


def tables(source: Any) -> dict[str, pa.Table]:
    """The tables of a dataset by their split, ``""`` where it has none.

    Folders are read without ``datasets``; an object is asked for its rows, so that a choice or an order of rows counts.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or a file of it is not there.
    TypeError
        If it is something else than a dataset or the path of one.
    ValueError
        If the folder was not written by ``save_to_disk``.
    """
    if isinstance(source, str | Path):
        return _folders(Path(source))
    if isinstance(source, Mapping) and source and all(map(_is_dataset, source.values())):
        return {str(split): _rows(part) for split, part in source.items()}
    if _is_dataset(source):
        return {"": _rows(source)}
    msg = f"source is of type {type(source).__name__}; pass a CSData, a datasets.Dataset or the path of its folder"
    raise TypeError(msg)


def _is_dataset(source: Any) -> bool:
    return hasattr(source, "column_names") and hasattr(source, "with_format")


def _rows(dataset: Any) -> pa.Table:
    found: pa.Table = dataset.with_format("arrow")[:]
    return found


def _folders(path: Path) -> dict[str, pa.Table]:
    if not path.is_dir():
        msg = f"there is no folder {path}; pass the path that save_to_disk wrote, or CSData.data_path"
        raise FileNotFoundError(msg)
    if (path / _SPLITS).is_file():
        splits = [str(split) for split in _json(path / _SPLITS).get("splits", [])]
        if outside := [split for split in splits if Path(split).name != split]:
            msg = f"{path / _SPLITS} names {outside[0]!r} as a split, which is no folder in it; write it again"
            raise ValueError(msg)
        return {split: _folder(path / split) for split in splits}
    return {"": _folder(path)}


def _folder(path: Path) -> pa.Table:
    import pyarrow as pa

    if not (path / _STATE).is_file():
        msg = f"{path} has no {_STATE}, so it is not a folder of save_to_disk; pass the one that holds {_STATE}"
        raise ValueError(msg)
    state = _json(path / _STATE)
    if state.get("_indices_data_files"):
        msg = (
            f"{path} was written by an old version of datasets, with the order of its rows in a file of its own; pass "
            "datasets.load_from_disk(path)"
        )
        raise ValueError(msg)
    names = [str(file["filename"]) for file in state.get("_data_files", [])]
    if not names or any(Path(name).name != name for name in names):
        msg = f"{path / _STATE} names no files of rows in its folder; write it again with save_to_disk"
        raise ValueError(msg)
    parts = []
    for name in names:
        if not (path / name).is_file():
            msg = f"there is no file {path / name}, which {_STATE} names; copy the whole folder again"
            raise FileNotFoundError(msg)
        try:
            with pa.OSFile(str(path / name)) as file, pa.ipc.open_stream(file) as reader:
                parts.append(reader.read_all())
        except pa.ArrowInvalid as error:
            msg = f"{path / name} cannot be read ({error}); copy the whole folder again"
            raise ValueError(msg) from error
    return pa.concat_tables(parts)


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        msg = f"{path} cannot be read ({error}); copy the whole folder again"
        raise ValueError(msg) from error
