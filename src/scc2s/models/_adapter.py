"""A folder with a LoRA adapter: whether it is whole, and of which base it is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scc2s._logging import logger

from ._files import inside, read_object, refuse_pointer
from ._weights import file_hash, weights_hash

if TYPE_CHECKING:
    from ._sources import Source

CONFIG, WEIGHTS, RECORD = "adapter_config.json", "adapter_model.safetensors", "scc2s_adapter.json"
"""Files of an adapter: two of PEFT, and what :func:`scc2s.train.lora` records of the base."""
_TRAIN = "train one with scc2s.train.lora(base, samples, output_dir)"


@dataclass(frozen=True)
class Adapter:
    """An adapter that was looked at."""

    name: str
    """As it was given."""
    folder: Path
    weights_hash: str
    base: dict[str, Any]
    """``id``, ``revision``, ``weights_hash`` and ``fingerprint`` of its base, as far as it says."""


def read_adapter(given: str | os.PathLike[str]) -> Adapter:
    """The adapter in a folder.

    Raises
    ------
    FileNotFoundError
        No such folder, or no adapter in it.
    ValueError
        A damaged adapter, one of another kind than LoRA, or one that does not say of which base it is.
    TypeError
        No path.
    """
    if not isinstance(given, str | os.PathLike):
        msg = f"adapter={given!r} is no path; pass adapter= the folder that scc2s.train.lora wrote"
        raise TypeError(msg)
    name = os.fspath(given)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        msg = (
            f"there is no folder {name} with an adapter; pass the one that scc2s.train.lora wrote, or fetch one of the "
            f"hub: hf download {name} --local-dir FOLDER"
        )
        raise FileNotFoundError(msg)
    if not (folder / CONFIG).is_file():
        what = "a whole model" if (folder / "config.json").is_file() else "no adapter"
        msg = f"{name} holds {what}, not a LoRA adapter (it has no {CONFIG}); {_TRAIN}"
        raise FileNotFoundError(msg)
    config = read_object(folder / CONFIG)
    if config.get("peft_type") != "LORA":
        msg = f"{name} is a {config.get('peft_type')!r} adapter, and only LoRA can be joined with its base; {_TRAIN}"
        raise ValueError(msg)
    if not (folder / WEIGHTS).exists():
        msg = f"{name} has no {WEIGHTS}; copy it again, or save it anew: peft_model.save_pretrained(folder)"
        raise FileNotFoundError(msg)
    path = inside(folder, WEIGHTS, "the weights of the adapter")
    refuse_pointer(path)
    _check_whole(path)
    base = read_object(folder / RECORD).get("base") or {"id": config.get("base_model_name_or_path")}
    if not isinstance(base, dict) or not any(base.get(one) for one in ("id", "weights_hash", "fingerprint")):
        msg = (
            f"{name} does not say of which base it is (base_model_name_or_path in {CONFIG} is empty); write the hub id "
            "of its base there, or merge it where it was trained: peft_model.merge_and_unload()"
        )
        raise ValueError(msg)
    return Adapter(name, folder, file_hash(path), base)


def check_base(adapter: Adapter, base: Source) -> None:
    """Refuse an adapter of other weights than those of `base`: joined, the two would give nonsense without a word.

    The hash of the files decides; where they are others, the numbers in them do (the same model saved in another way).
    An adapter that was trained elsewhere names its base, and nothing more: then the names decide.

    Raises
    ------
    ValueError
        Another base.
    """
    said = adapter.base
    own = weights_hash(base.folder)
    if said.get("weights_hash") == own:
        return
    if said.get("fingerprint"):
        from ._torch._fingerprint import fingerprint_of_folder

        if fingerprint_of_folder(base.folder) == said["fingerprint"]:
            return
    elif not said.get("weights_hash") and _bare(str(said.get("id"))) in {_bare(base.id), _bare(str(base.folder))}:
        logger.info("%s says that its base is %s; nothing tells whether the weights are", adapter.name, base.id)
        return
    known = f"{said.get('id') or 'a model in memory'}"
    if said.get("weights_hash"):
        known += f" (weights {said['weights_hash'][:12]}...)"
    msg = (
        f"{adapter.name} is an adapter of {known}, and {base.id} has other weights ({own[:12]}...); load it with "
        f"its own base: scc2s.models.load({said.get('id')!r}, adapter={adapter.name!r})"
    )
    raise ValueError(msg)


def _check_whole(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
    except (OSError, SafetensorError) as error:
        msg = f"{path} is damaged ({error}); copy or download it again"
        raise ValueError(msg) from error
    if not any(".lora_A." in name for name in names):
        msg = f"{path} holds no weights of a LoRA adapter; copy or download it again"
        raise ValueError(msg)


def _bare(name: str) -> str:
    """The last part of a hub id or folder; of a folder of the hub cache, the id."""
    if found := re.search(r"models--[^/\\]+--([^/\\]+)[/\\]snapshots", name):
        return found[1].casefold()
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1].casefold()
