"""What an exported folder says of itself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from scc2s.models._files import inside, read_object

if TYPE_CHECKING:
    from pathlib import Path

FILE, GRAPH, TOKENIZER = "scc2s_onnx.json", "model.onnx", "tokenizer.json"
WRITING = "writing"
"""Folder of the graph that writes, where there is one."""
_AGAIN = "export the model again: scc2s.models.export_onnx(model, folder)"
FORMAT = 1


@dataclass(frozen=True)
class Record:
    """Model, precision and measured agreement of an export."""

    id: str
    revision: str | None
    family: str
    labels: list[str] | None
    tasks: list[str] | None
    architecture: str
    weights_hash: str | None
    """Of the weights that were exported."""
    max_tokens: int | None
    width: int
    eos_token_id: int | None
    precision: str
    agreement: dict[str, float]
    """With torch float32, on the prompts of the export."""
    versions: dict[str, str]
    files: dict[str, str]
    """SHA-256 by name."""
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a folder and those in it, but for the record."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != FILE)
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def read_record(folder: Path) -> Record:
    """The record of a folder whose files are all there, as they were written.

    Raises
    ------
    FileNotFoundError
        No such folder, or one that `export_onnx` did not write.
    ValueError
        A damaged file, or a record of another version of scc2s.
    """
    path = folder / FILE
    if not path.is_file():
        msg = (
            f"{folder} is not an exported model: it has no {FILE}; write it: "
            "scc2s.models.export_onnx(model, folder), or load the model itself with backend='torch'"
        )
        raise FileNotFoundError(msg)
    try:
        found = read_object(path)
    except ValueError as error:
        msg = f"{path} is damaged; {_AGAIN}"
        raise ValueError(msg) from error
    if found.get("format") != FORMAT or set(found) != {field.name for field in fields(Record)}:
        msg = f"{path} was written by another version of scc2s; {_AGAIN}"
        raise ValueError(msg)
    record = Record(**found)
    if not isinstance(record.files, dict) or not {GRAPH, TOKENIZER} <= set(record.files):
        msg = f"{path} is damaged: it does not name the files of the export; {_AGAIN}"
        raise ValueError(msg)
    for name, expected in record.files.items():
        inside(folder, name, FILE)
        if not (folder / name).is_file():
            msg = f"{folder} lacks {name}; {_AGAIN}"
            raise FileNotFoundError(msg)
        if _sha256(folder / name) != expected:
            msg = f"{folder / name} is damaged: its hash is not the one of the export; {_AGAIN}"
            raise ValueError(msg)
    return record


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
