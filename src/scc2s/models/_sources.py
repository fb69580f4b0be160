"""From what a user names to a folder on this machine."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ._catalogue import entry

MINI = "scc2s-mini"
# All that a model needs, and nothing that is not needed: no other weight formats, no code.
_WANTED = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt")


@dataclass(frozen=True)
class Source:
    """A model folder and what is known of it beforehand."""

    id: str
    folder: Path
    revision: str | None = None
    family: str | None = None


def find(source: str | os.PathLike[str], revision: str | None = None) -> Source:
    """The folder of a model: in the package, on disk, in the hub cache, or fetched from the hub, in this order.

    Raises
    ------
    FileNotFoundError
        No such model or folder.
    ValueError
        A revision was given for a folder.
    """
    name = os.fspath(source)
    if not name.strip() or "\0" in name:
        msg = f"{name!r} names no model; give the folder of one, or a name of scc2s.models.catalogue()"
        raise FileNotFoundError(msg)
    path = Path(__file__).parent / "mini" if name == MINI else _expanded(name)
    if name == MINI or _is_dir(path):
        if revision is not None:
            msg = f"{name!r} is on this machine and has no revisions; call load({name!r}) without revision="
            raise ValueError(msg)
        return Source(name, path)
    if isinstance(source, os.PathLike) or not is_hub_id(name):
        msg = (
            f"no model {name!r}: {_why_not(path)}; it is neither a folder, nor a hub id like "
            f"'vandijklab/C2S-Scale-Gemma-2-2B', nor '{MINI}'; scc2s.models.catalogue() lists the published models"
        )
        raise FileNotFoundError(msg)
    folder = _from_hub(name, revision)
    known = entry(name)
    return Source(name, folder, folder.name, known["family"] if known else None)


def _expanded(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:  # a home of nobody
        return Path(name)


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long, or a folder that may not be read
        return False


def _why_not(path: Path) -> str:
    """What is there in place of a folder."""
    try:
        if path.is_file():
            return f"{path} is a file; give the folder that it lies in"
        if path.is_symlink():
            return f"{path} is a link that leads nowhere"
        above = next((one for one in path.absolute().parents if one.is_dir()), None)
    except OSError as error:
        return f"there is no folder {str(path)[:200]} ({error.strerror})"
    return f"there is no folder {path}" + (f" (only {above})" if above is not None else "")


def is_hub_id(name: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    if name.count("/") != 1 or name.startswith((".", "~", os.sep)):
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def in_cache(name: str, revision: str | None = None) -> Path | None:
    """The folder of a hub id where an earlier download got to its end; never goes online."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = snapshot_download(name, revision=revision, allow_patterns=list(_WANTED), local_files_only=True)
    except LocalEntryNotFoundError:
        return None
    return Path(folder) if _is_complete(Path(folder)) else None


def _from_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if (there := in_cache(name, revision)) is not None:
        return there
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(_WANTED)))
    except GatedRepoError as error:
        msg = (
            f"{name} asks for its terms to be accepted: open https://huggingface.co/{name}, accept them, then run "
            "`hf auth login` and call load again"
        )
        raise PermissionError(msg) from error
    except RevisionNotFoundError as error:
        msg = f"{name} has no revision {revision!r}; call load({name!r}) for its newest"
        raise ValueError(msg) from error
    except RepositoryNotFoundError as error:
        msg = (
            f"the hub has no model {name!r}, or hides it from you, and there is no folder of this name here; check the "
            "name in scc2s.models.catalogue(), or run `hf auth login` for a private one"
        )
        raise FileNotFoundError(msg) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        msg = (
            f"{name} is not in the local cache and the hub cannot be reached (HF_HUB_OFFLINE set, or no network); on a "
            f"machine with network run `hf download {name} --local-dir FOLDER` and call load('FOLDER'), or use '{MINI}'"
        )
        raise ConnectionError(msg) from error


def _is_complete(folder: Path) -> bool:
    """Whether an earlier download got to its end: a snapshot folder is there from the first file on."""
    if not (folder / "config.json").is_file():
        return False
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            parts = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            return all((folder / part).is_file() for part in parts)
        except (ValueError, KeyError, TypeError, AttributeError):  # damaged: fetched again, or refused by name
            return False
    return any(folder.glob("*.safetensors"))
