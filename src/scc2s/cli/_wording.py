"""Messages of the library in the words of the command line: ``layer='x'`` is ``--layer x`` there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

RENAMED = {
    "annotate": {"labels": "label"},
    "ask": {"groups": "group"},
    "embed": {"layer": "model_layer"},
    "evaluate": {"metrics": "metric"},
    "screen": {"perturbations": "perturbation"},
}
"""Options of a command that the library's function of this name calls otherwise."""

_ARGUMENTS = {
    "export": "MODEL FOLDER",
    "models": "",
    "evaluate": "PREDICTED REAL SCORES.csv",
    "match-bulk": "IN BULK OUT",
}
_FUNCTIONS = {"export_onnx": "export", "catalogue": "models", "match_bulk": "match-bulk"}

_TEXT = r"""'[^']*'|"[^"]*\""""
_VALUE = rf"(?:{_TEXT}|\[[^\]]*\]|\{{[^}}]*\}}|\.\.\.|-?\d[\w.+-]*|\w+)"
_KEYWORD = re.compile(rf"(?<![\w.])([a-z]\w*)=(?![=\0])({_VALUE}(?![\w\0]))?")
_CALL = re.compile(r"(?<![\w.])[A-Za-z][\w.]*\((?:[^()]|\([^()]*\))*\)(?:\.\w+\(\))*")
_FUNCTION = re.compile(r"(?<![\w.])(?:sc|scanpy|scc2s)\.(?:pp|tl|models)\.(?:c2s_)?(\w+)(?![\w.(])")
_PART = re.compile(r"(?<![\w.])adata\.(obs|var|obsm|uns|layers|raw|X)\b")
_PYTHON = re.compile(r"\badata\b|\] = |\w\.\w+\(|=\w+\(")


class Flag(NamedTuple):
    """An option as it is written."""

    on: str
    """``--layer``, ``--constrain``."""
    off: str | None = None
    """``--free``: of an option that is on or off."""


def reword(text: str, command: str, flags: Mapping[str, Mapping[str, Flag]]) -> str:
    """A message as a user of `command` has to read it; `flags` are the options of every command, by name.

    What only Python can do stays as it is, and is called so.

    Examples
    --------
    >>> flags = {"sentences": {"layer": Flag("--layer"), "n_genes": Flag("--n-genes")}, "embed": {}}
    >>> reword("there is no layer 'x'; pass layer= one of ['counts']", "sentences", flags)
    "there is no layer 'x'; pass --layer one of ['counts']"
    >>> reword("there are none; call sc.pp.c2s_sentences(adata, n_genes=50) first", "embed", flags)
    'there are none; call `scc2s sentences IN OUT --n-genes 50` first'
    """
    kept: list[str] = []

    def call(found: re.Match[str]) -> str:
        new = _command(found[0], command, flags)
        kept.append(found[0] if new is None else new)
        return f"\0{len(kept) - 1}\0"

    def function(found: re.Match[str]) -> str:
        name = _FUNCTIONS.get(found[1], found[1])
        return f"`scc2s {name}`" if name in flags else found[0]

    out = _FUNCTION.sub(function, _CALL.sub(call, text))
    out = _keywords(out, command, flags)
    if "adata[" not in out:
        out = _PART.sub(r"\1", out)
    out = re.sub("\0(\\d+)\0", lambda found: kept[int(found[1])], out)
    out = re.sub(r"\bcall (?=--)", "pass ", out)
    told = "in Python" in out or not _PYTHON.search(re.sub(r"`[^`]*`", "", out))
    return out if told else f"{out} (in Python)"


def _command(call: str, command: str, flags: Mapping[str, Mapping[str, Flag]]) -> str | None:
    """The command that does what a call does; ``None``: there is none."""
    head, _, rest = call.partition("(")
    name = head.split(".")[-1].removeprefix("c2s_")
    inside = rest.rstrip(")")
    if name == "load" and (head == "load" or head.startswith("scc2s.models")):
        if options := _KEYWORD.findall(inside):
            words = [_written(key, value, flags.get(command, {})) for key, value in options]
            return None if None in words else " ".join(word for word in words if word)
        bare = inside.strip().isidentifier()  # a variable of Python
        return f"--model {inside.strip().upper() if bare else _plain(inside.strip())}"
    ours = head == name or re.match(r"(sc|scanpy|scc2s)\.(pp|tl|models)\.", head)
    name = _FUNCTIONS.get(name, name)
    if not ours or name not in flags or (head == name and name not in _FUNCTIONS.values()):
        return None
    words = [_written(_renamed(name, key), value, flags[name]) for key, value in _KEYWORD.findall(inside)]
    if None in words:
        return None  # the command has no such option
    parts = ["scc2s", name, _ARGUMENTS.get(name, "IN OUT"), *(word for word in words if word)]
    return f"`{' '.join(part for part in parts if part)}`"


def _keywords(text: str, command: str, flags: Mapping[str, Mapping[str, Flag]]) -> str:
    own = flags.get(command, {})
    return _KEYWORD.sub(lambda found: _written(_renamed(command, found[1]), found[2], own) or found[0], text)


def _renamed(command: str, name: str) -> str:
    return RENAMED.get(command, {}).get(name, name)


def _written(name: str, value: str | None, own: Mapping[str, Flag]) -> str | None:
    """An option with its value; ``None``: there is no such option."""
    flag = own.get(name)
    if flag is None:
        return None
    if not value:
        return flag.on
    if value == "None" or (value == "False" and flag.off is None):
        return f"no {flag.on}"
    if value in ("True", "False"):
        return flag.off if value == "False" else flag.on
    if value.startswith("{"):
        pair = re.fullmatch(rf"\{{({_TEXT}): ({_TEXT}).*\}}", value)
        return f"{flag.on} {_plain(f'{_bare(pair[1])}={_bare(pair[2])}') if pair else 'COLUMN=VALUE'}"
    if value.startswith("["):
        texts = re.findall(_TEXT, value)
        return " ".join(f"{flag.on} {_plain(text)}" for text in texts) if texts else f"{flag.on} ..."
    return f"{flag.on} {_plain(value)}"


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _plain(text: str) -> str:
    """A value as a shell takes it."""
    bare = _bare(text)
    return f'"{bare}"' if re.search(r"[\s{}*?$&|;<>()]", bare) or not bare else bare
