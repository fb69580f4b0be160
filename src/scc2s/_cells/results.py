"""Names and places of results: checked before the work, written together with their record, read back in one way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import sentence_slots
from scc2s._cells.provenance import MOST_BYTES, entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anndata import AnnData

_OURS = ("sentences", "rank_fit", "recipe", "generate", "annotate", "embed", "perplexity", "caption", "name_genes",
         "perturb", "fate", "marker_labels", "transfer_labels", "compare_labels", "neighborhoods",
         "niches", "interactions", "same_neighborhood", "same_niche", "generate_neighbor", "text", "chat", "ask",
         "compare", "abstract", "bulk_match", "donors", "split", "match_labels", "search", "hypothesize")  # fmt: skip
"""Entries of ``uns["c2s"]`` that each belong to one tool, whether they are there yet or not."""
_SEVERAL = ("sentences", "annotate", "embed", "perplexity", "caption", "name_genes", "marker_labels",
            "transfer_labels", "bulk_match", "donors", "search")  # fmt: skip
"""Those whose other results are called ``<tool>_<name>``."""


@dataclass(frozen=True)
class Result:
    """The places of one result in an AnnData, all of them free to be written."""

    adata: AnnData
    record: tuple[str, ...]
    """Path in ``uns["c2s"]`` of how the result came about."""
    places: tuple[str, ...]
    """Slot and name of everything that belongs to the result, such as ``"obs:c2s_cell_type"``."""

    def write(
        self,
        params: Mapping[str, Any],
        *,
        model: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
        obs: Mapping[str, Any] | None = None,
        obsm: Mapping[str, Any] | None = None,
        layers: Mapping[str, Any] | None = None,
        uns: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the values and their record; what an earlier call left in the places of this result is removed.

        Parameters
        ----------
        params, model
            For :func:`scc2s._cells.provenance.entry`.
        more
            Other entries of the record, as they are.
        obs, obsm, layers, uns
            Values by name; `uns` stands for ``uns["c2s"]``.
        """
        given = {"obs": obs or {}, "obsm": obsm or {}, "layers": layers or {}, "uns": uns or {}}
        names = {f"{slot}:{name}" for slot, values in given.items() for name in values}
        if foreign := names - set(self.places):
            msg = f"{sorted(foreign)} are not places of this result; claim them first"
            raise RuntimeError(msg)
        found = {**entry(params, model=model), **(more or {}), "written": np.array(sorted(names), dtype=object)}
        earlier = _at(self.adata, self.record)
        left = set() if earlier is None else (set(places_of(earlier)) or set(self.places)) - names
        for slot in ("obs", "obsm", "layers"):
            for place in sorted(left & set(self.places)):
                if place.startswith(f"{slot}:") and _is_there(self.adata, place):
                    del getattr(self.adata, slot)[place.partition(":")[2]]
            for name, value in given[slot].items():
                getattr(self.adata, slot)[name] = value
        ours = {**self.adata.uns.get("c2s", {}), **given["uns"]}
        if len(self.record) == 1:
            ours[self.record[0]] = found
        else:
            ours[self.record[0]] = {**ours.get(self.record[0], {}), self.record[1]: found}
        self.adata.uns["c2s"] = ours


def claim(
    adata: AnnData,
    *record: str,
    obs: Iterable[str] = (),
    obsm: Iterable[str] = (),
    layers: Iterable[str] = (),
    uns: Iterable[str] = (),
    argument: str = "key_added",
) -> Result:
    """The places of a result, after a look at each name: it can be written to a file and replaces nothing else of ours.

    A result may replace an earlier one of the same record, and columns that are the user's own, as scanpy does.

    Parameters
    ----------
    adata
        Cells that the result is about.
    record
        Path of the record in ``uns["c2s"]``.
    obs, obsm, layers, uns
        Names that the result may write; `uns` stands for ``uns["c2s"]``.
    argument
        What the user chose the name with.

    Raises
    ------
    ValueError
        If a name cannot be written to a file, appears twice, or belongs to another result.
    """
    path = list(record)
    slots = {"obs": list(obs), "obsm": list(obsm), "layers": list(layers), "uns": list(uns)}
    for name in [*(name for names in slots.values() for name in names), *path]:
        refuse_name(name, argument)
    places = [f"{slot}:{name}" for slot, names in slots.items() for name in names]
    if repeated := [place for place in places if places.count(place) > 1]:
        msg = f"{_said(repeated[0])} would be written twice; pass another {argument}= or groupby="
        raise ValueError(msg)
    reserved = {name for name in slots["uns"] if name in _OURS and name != path[0]}
    if reserved:
        msg = f"{_said(f'uns:{min(reserved)}')} belongs to another tool; pass {argument}= another name"
        raise ValueError(msg)
    owners = _owners(adata)
    mine = "/".join(path)
    for place in (*places, f"uns:{mine}"):
        owner = owners.get(place)
        if owner is not None and owner != mine:
            msg = f"{_said(place)} belongs to uns['c2s'][{owner!r}]; pass {argument}= another name"
            raise ValueError(msg)
    if clash := [name for name in slots["obs"] if name == adata.obs.index.name]:
        msg = f"{clash[0]!r} is the name of obs.index; pass {argument}= another name"
        raise ValueError(msg)
    return Result(adata, tuple(path), tuple(places))


def refuse_name(name: object, argument: str = "key_added") -> None:
    """Raise a ValueError for names that h5ad and zarr cannot hold or read back."""
    said = f"{argument}={name!r}"
    if not isinstance(name, str):
        msg = f"{said} is not a name; pass {argument}= a text"
        raise ValueError(msg)
    wrong = (
        not name.strip()
        or name != name.strip()
        or "/" in name
        or name in (".", "..", "_index", "__categories")
        or not name.isprintable()  # control characters, NUL and lone surrogates
        or len(name.encode()) > MOST_BYTES
    )
    if wrong:
        msg = (
            f"{said} cannot be written to a file and read again; pass {argument}= a name without '/', blanks at its "
            f"ends or control characters, of up to {MOST_BYTES} bytes"
        )
        raise ValueError(msg)


def refuse_record(adata: AnnData, name: str, *, usual: str, holds: str, argument: str = "key_added") -> None:
    """Raise where a name that the user chose for a record is that of another tool's.

    Parameters
    ----------
    adata
        Cells.
    name
        Name of the record in ``uns["c2s"]``.
    usual
        The tool's own name for it.
    holds
        An entry, or a parameter, that each record of the tool has.
    argument
        What the user chose the name with.

    Raises
    ------
    ValueError
        If the name is another tool's, whether its record is there yet or not.
    """
    found = adata.uns.get("c2s", {}).get(name)
    params = found.get("params") if isinstance(found, Mapping) else None
    own = found is None or (isinstance(found, Mapping) and (holds in found or holds in (params or {})))
    others = tuple(f"{tool}_" for tool in _SEVERAL if tool != usual)
    if not own or (name in _OURS and name != usual) or name.startswith(others):
        msg = f"{_said(f'uns:{name}')} belongs to another tool; pass {argument}= another name"
        raise ValueError(msg)


def name_of_result(key_added: object, usual: str) -> str:
    """Name of a result whose slots get the prefix ``c2s_``: with or without that prefix it is the same name."""
    if key_added is None:
        return usual
    refuse_name(key_added)
    name = str(key_added).removeprefix("c2s_")
    refuse_name(name)
    return name


def stored(adata: AnnData, *path: str, call: str, kind: type = object) -> Any:
    """What ``uns["c2s"]`` holds under `path`; a name may have the prefix ``c2s_`` that slots of obs have.

    Raises
    ------
    KeyError
        If it is not there, or is not of `kind`; the message ends with `call`, which makes it.
    """
    found: Any = adata.uns.get("c2s", {})
    for name in path:
        for key in (name, name.removeprefix("c2s_")):
            if isinstance(found, Mapping) and key in found:
                found = found[key]
                break
        else:
            found = None
            break
    if found is None or not isinstance(found, kind):
        shown = "".join(f"[{name!r}]" for name in path)
        msg = f"there is no such result in adata.uns['c2s']{shown}; call {call} first"
        raise KeyError(msg)
    return found


def _owners(adata: AnnData) -> dict[str, str]:
    """Record that each place of ours belongs to, as far as it is still there."""
    ours = adata.uns.get("c2s", {})
    found: dict[str, str] = {}
    for key, value in ours.items():
        if not isinstance(value, Mapping):
            continue
        if key == "sentences" or key.startswith("sentences_"):
            stem = "c2s" if key == "sentences" else key.removeprefix("sentences_")
            slots = sentence_slots(f"{stem}_sentence")
            for name in (slots.text, slots.n_genes, slots.gene_list):
                found[f"obs:{name}"] = key
            found[f"obsm:{slots.ranks}"] = found[f"uns:{key}"] = key
        elif "params" in value:
            found[f"uns:{key}"] = key
            found |= dict.fromkeys(places_of(value), key)
        else:
            for name, inner in value.items():
                if isinstance(inner, Mapping) and "params" in inner:
                    found |= dict.fromkeys(places_of(inner), f"{key}/{name}")
    return {place: owner for place, owner in found.items() if _is_there(adata, place)}


def _at(adata: AnnData, path: tuple[str, ...]) -> Mapping[str, Any] | None:
    found: Any = adata.uns.get("c2s", {})
    for name in path:
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) and found else None


def places_of(found: Mapping[str, Any]) -> list[str]:
    return [str(place) for place in np.atleast_1d(found.get("written", []))]


def _is_there(adata: AnnData, place: str) -> bool:
    slot, _, name = place.partition(":")
    return name in (adata.uns.get("c2s", {}) if slot == "uns" else getattr(adata, slot))


def _said(place: str) -> str:
    slot, _, name = place.partition(":")
    return f"uns['c2s'][{name!r}]" if slot == "uns" else f"{slot}[{name!r}]"
