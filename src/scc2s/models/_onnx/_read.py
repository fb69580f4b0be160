from __future__ import annotations

from typing import TYPE_CHECKING

from scc2s.models._folder import read_declared

from ._model import OnnxModel
from ._record import GRAPH, TOKENIZER, WRITING, read_record
from ._session import import_runtime, open_session
from ._tokenizer import FileTokenizer
from ._writing import OnnxWriter

if TYPE_CHECKING:
    from pathlib import Path


def load_onnx(folder: Path, *, device: str = "auto") -> OnnxModel:
    """A model from the folder that :func:`scc2s.models.export_onnx` wrote.

    Raises
    ------
    FileNotFoundError
        No such folder, or a file of it is gone.
    ImportError
        ONNX Runtime is not installed, or installed twice.
    ValueError
        A damaged file, or a device that ONNX Runtime cannot use here.
    """
    import_runtime()
    record = read_record(folder)
    session, where = open_session(folder / GRAPH, device)
    tokenizer = FileTokenizer(folder / TOKENIZER, record.eos_token_id)
    declared = read_declared(folder).taught
    if any(name.startswith(f"{WRITING}/") for name in record.files):
        return OnnxWriter(record, tokenizer, session, where, folder, declared)
    return OnnxModel(record, tokenizer, session, where, declared)
