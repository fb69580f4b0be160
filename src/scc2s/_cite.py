"""What to cite, as BibTeX: this software, and the papers that what was done rests on."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anndata import AnnData
    from mudata import MuData

_ALWAYS = ("scc2s", "cell2sentence", "c2s_scale")
_NO_MODEL = ("scc2s", "cell2sentence")
"""What sentences rest on: the paper that brought them up."""


def cite(adata: AnnData | MuData | None = None, *, mod: str = "rna") -> str:
    """BibTeX entries to cite for cell sentences, the models that were asked, and this software.

    Parameters
    ----------
    adata
        Cells with results: only what they rest on is cited, by the records in ``.uns["c2s"]``, and each entry says in
        ``note`` which results those are. ``None``: this software and both papers of Cell2Sentence.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    Entries parted by an empty line, to be written to a ``.bib`` file. A preprint is cited as one: its authors and text
    differ between versions, so add the version that you read.

    Raises
    ------
    KeyError
        If `adata` has no results of this package, or no such modality.

    Examples
    --------
    >>> import scc2s
    >>> [line for line in scc2s.cite().splitlines() if line.startswith("@")]
    ['@software{scc2s,', '@inproceedings{cell2sentence,', '@article{c2s_scale,']
    """
    if adata is None:
        used: dict[str, list[str]] = {key: [] for key in _ALWAYS}
    else:
        used = _used(_records(adata, mod))
    return "\n\n".join(_entry(key, results) for key, results in used.items()) + "\n"


@cache
def _papers() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("papers.toml")
    found: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def _records(adata: Any, mod: str) -> Mapping[str, Any]:
    """What ``uns["c2s"]`` holds, of an AnnData or of a modality."""
    if hasattr(adata, "mod"):
        if mod not in adata.mod:
            msg = f"the MuData has no modality {mod!r}; pass mod= one of {', '.join(adata.mod)}"
            raise KeyError(msg)
        adata = adata.mod[mod]
    found: Mapping[str, Any] = adata.uns.get("c2s", {})
    if not found:
        msg = "adata.uns['c2s'] has no results to cite for; call sc.pp.c2s_sentences(adata) first, or scc2s.cite()"
        raise KeyError(msg)
    return found


def _used(records: Mapping[str, Any]) -> dict[str, list[str]]:
    """Keys of papers, and the results that each is cited for."""
    found: dict[str, list[str]] = {key: [] for key in _NO_MODEL}
    for name, record in _each(records):
        for key in _keys(record):
            found.setdefault(key, [])
            if name not in found[key]:
                found[key].append(name)
    order = list(_papers())
    return {key: found[key] for key in sorted(found, key=order.index)}


def _each(records: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Records by their place in ``uns["c2s"]``, those below others too."""
    for name, record in records.items():
        if not isinstance(record, dict):
            continue
        if "params" in record:
            yield f"{above}{name}", record
        else:
            yield from _each(record, f"{above}{name}/")


def _keys(record: Mapping[str, Any]) -> Iterator[str]:
    """Papers behind a result: of the model's family, of its base, of what else its record names."""
    from scc2s.models._catalogue import entry

    model = record.get("model")
    model = model if isinstance(model, dict) else {}
    name = str(model.get("id", ""))
    # An adapter is called "<base> with <adapter>"; the base is what is cited.
    known = entry(name) or entry(name.partition(" with ")[0])
    family = str((known or model).get("family", ""))
    if family == "cell2sentence":
        yield from ("cell2sentence", *(() if name == "vandijklab/pythia-160m-c2s" else ("c2s_scale",)))
    base = str((known or {}).get("base", "")).lower()
    architecture = str(model.get("architecture", ""))
    if "pythia" in base:
        yield "pythia"
    if "gemma-2" in base or architecture == "gemma2":
        yield "gemma2"
    params = record.get("params")
    params = params if isinstance(params, dict) else {}
    if str(params.get("prior_correction", False)) == "True":
        yield "surface_form_competition"
    if str(params.get("adapter", model.get("adapter", "None"))) not in ("None", ""):
        yield "lora"


def _entry(key: str, results: list[str]) -> str:
    """One entry; of the software with the version that is installed."""
    paper = dict(_papers()[key])
    kind = paper.pop("kind")
    if key == "scc2s":
        from importlib.metadata import version

        paper["version"] = version("scc2s")
    if results:
        used = f"here: {', '.join(results)}"
        paper["note"] = f"{paper['note']}; {used}" if "note" in paper else used
    raw = ("doi", "url", "eprint")  # styles make links of these
    lines = [f"  {name} = {{{value if name in raw else _braced(value)}}}," for name, value in paper.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _braced(value: object) -> str:
    """A value in which nothing ends the entry or has a meaning of its own to LaTeX; names of groups keep braces."""
    if isinstance(value, list):
        return " and ".join(f"{{{_braced(name[1:-1])}}}" if name.startswith("{") else _braced(name) for name in value)
    return "".join(f"\\{sign}" if sign in "_&%#$" else sign for sign in str(value) if sign not in "\\{}\n")
