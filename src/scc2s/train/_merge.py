from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scc2s._io import check_writable, replacing_folder
from scc2s.models._adapter import check_base, read_adapter
from scc2s.models._folder import read_declared

from ._base import check_model, declaration_of, open_base, source_of
from ._card import versions
from ._portable import save_portable
from ._sft import require_trl

if TYPE_CHECKING:
    from os import PathLike

    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from scc2s.models._adapter import Adapter

    from ._base import Base


def merge(
    base: str | PathLike[str] | PreTrainedModel,
    adapter: str | PathLike[str],
    folder: str | Path,
    *,
    tokenizer: PreTrainedTokenizerFast | None = None,
    dtype: Literal["float16", "bfloat16", "float32"] = "float32",
    license: str | None = None,
) -> Path:
    """Make one model of a base and its LoRA adapter.

    The product of the adapter's matrices is added to the weights in float32, so that the model gives what both give
    side by side, up to rounding. The folder is one like any other: for each backend, quantised or exported.

    Parameters
    ----------
    base
        Folder or hub id of the model that the adapter belongs to; or one of transformers, which stays as it is.
    adapter
        Folder that :func:`lora` wrote, or another LoRA adapter of PEFT that names its base.
    folder
        Where to; replaced where it is there.
    tokenizer
        Of a base of transformers.
    dtype
        Number format that the weights are stored in; the two short ones round them.
    license
        Licence of the model, for its card. ``None``: that of the base, where it is known.

    Returns
    -------
    The folder, for :func:`scc2s.models.load`.

    Raises
    ------
    ImportError
        If PEFT is not installed.
    FileNotFoundError, NotADirectoryError, PermissionError
        If there is no such base, adapter or folder to write to.
    ValueError
        If the adapter is damaged, of another base, or does not say of which.
    """
    require_trl()
    check_model(base, tokenizer)
    joined = read_adapter(adapter)
    check_writable(folder, folder=True)
    if hasattr(base, "_decoder"):
        msg = "pass the folder or hub id of the base, whose files tell whether the adapter belongs to it"
        raise ValueError(msg)
    if isinstance(base, str) or hasattr(base, "__fspath__"):
        check_base(joined, source_of(base)[0])
        whole = open_base(base)
    else:
        _check_memory(joined, base)
        whole = open_base(base, tokenizer, copied=True)
    from scc2s.models._torch._join import join

    lm: Any = join(whole.lm, joined)
    with replacing_folder(folder) as new:
        save_portable(lm, whole.tokenizer, new, dtype=dtype)
        _describe(new, whole, joined, license)
    return Path(folder)


def _check_memory(adapter: Adapter, lm: Any) -> None:
    """Refuse an adapter of other weights than those of a model in memory."""
    from scc2s.models._torch._fingerprint import fingerprint

    said = adapter.base.get("fingerprint")
    if said is not None and said != fingerprint(lm.state_dict().items()):
        msg = (
            f"{adapter.name} is an adapter of {adapter.base.get('id') or 'a model in memory'}, whose weights are not "
            f"those of this {type(lm).__name__}; pass the model that it was trained on"
        )
        raise ValueError(msg)


def _describe(folder: Path, base: Base, adapter: Adapter, license: str | None) -> None:
    """What the model declares, and its card: that of the adapter, with what was merged above it."""
    declared = read_declared(adapter.folder) if (adapter.folder / "scc2s.json").is_file() else base.declared
    text = json.dumps(declaration_of(declared, base.family), indent=1, ensure_ascii=False)
    (folder / "scc2s.json").write_text(text + "\n", encoding="utf-8")

    path = adapter.folder / "README.md"
    card = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    head = re.match(r"---\s*\n.*?\n---\s*\n", card, flags=re.DOTALL)
    licence = license or base.licence
    name = base.id or f"a {base.lm.config.model_type} model in memory"
    front = head[0] if head else f"---\nlicense: {licence or 'unknown'}\n---\n"
    if license is not None:
        front = re.sub(r"^license:.*$", f"license: {json.dumps(license)}", front, flags=re.MULTILINE)
    lines = [
        "# A model merged from base and adapter",
        "",
        'Base and LoRA adapter in one: `scc2s.models.load("folder")`. Research use only.',
        "",
        f"- Base: {name}, weights (SHA-256) {base.weights_hash or 'not from a file'}",
        f"- Adapter: weights (SHA-256) {adapter.weights_hash}",
        f"- Licence: {licence or 'not known; ask those who made the base'}",
        f"- Versions: {versions()}",
    ]
    rest = card[head.end() :] if head else card
    if rest.strip():
        lines += ["", "What follows is the card of the adapter.", "", re.sub(r"^#", "##", rest, flags=re.MULTILINE)]
    (folder / "README.md").write_text(front + "\n".join(lines) + "\n", encoding="utf-8")
