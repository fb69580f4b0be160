from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scc2s._cells import held_out as parts
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import column, opened
from scc2s._cells.results import claim, name_of_result, refuse_record
from scc2s._logging import logger
from scc2s.train._split import split as split_cells

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from anndata import AnnData
    from mudata import MuData

Scheme = Literal["cells", "donor", "study", "combo", "per_type", "exposure"]
_SCHEMES = ("cells", "donor", "study", "combo", "per_type", "exposure")
_OF_CONDITIONS = ("combo", "per_type", "exposure")


def split(
    adata: AnnData | MuData,
    scheme: Scheme = "cells",
    *,
    key: str | None = None,
    held_out: Sequence[str] | Mapping[str, Any] | None = None,
    control: str | None = None,
    cell_type_key: str = "cell_type",
    exposure_key: str | None = None,
    onto: str | None = None,
    val: float = 0.1,
    test: float = 0.2,
    random_state: int = 0,
    key_added: str = "c2s_split",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Split cells into train, val and test so that what is tested has not been seen: donors, studies, or conditions.

    A random split of cells tests nothing but memory: cells of one donor and one condition are on both sides. Here whole
    units are held out. The three schemes of conditions are those that C2S-Scale was tested with on cytokine
    combinations (Rizvi et al., bioRxiv 10.1101/2025.04.14.648850).

    ============== ===================================================== ==================================
    scheme         a unit is                                             `held_out`
    ============== ===================================================== ==================================
    ``"cells"``    a cell, by the hash of its name (`scc2s.train.split`) none
    ``"donor"``    a value of ``obs["donor"]`` (or `key`)                values
    ``"study"``    a value of ``obs["study"]`` (or `key`)                values
    ``"combo"``    a combination of perturbations, in all cells          combinations
    ``"per_type"`` a condition in one cell type; seen in others          ``{type: [condition, ...]}``
    ``"exposure"`` a condition in one type and one exposure; seen in     ``{type: [(exposure, condition)]}``
                   that type otherwise
    ============== ===================================================== ==================================

    Parts of a combination stand between ``+`` in any order: ``"IL-6+IFN-b"`` is held out with ``"IFN-b+IL-6"``.

    Parameters
    ----------
    adata
        Cells.
    scheme
        What is held out.
    key
        Column of ``.obs`` with the donor or study (``None``: of that name), or with the perturbation.
    held_out
        The units of the test, by name. ``None``: a share `test` of them is drawn by their names (at least one, never
        all). Another set of units gives another draw: name them for what others shall repeat.
    control
        Value of `key` for control cells, which are never held out by a draw; as a part of a combination
        (``"IFN-b+ctrl"``) it counts as nothing.
    cell_type_key
        Column of ``.obs`` with cell types. For ``"per_type"`` and ``"exposure"``.
    exposure_key
        Column of ``.obs`` with the exposure, such as acute and chronic. For ``"exposure"``.
    onto
        Column of an earlier split: its val and test cells stay what they are, and its train cells are split. So several
        schemes make one split.
    val
        Share of the remaining units for validation, drawn in the same way; 0: none.
    test
        Share of units for the test, where `held_out` is not given.
    random_state
        Seed of the draw.
    key_added
        Name of the result.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.obs['c2s_split' | key_added]` : :class:`pandas.Series` (dtype `category`)
        ``"train"``, ``"val"`` or ``"test"``; missing for cells whose unit is not known (a missing donor, say), which
        might be a held-out one.
    `.obs['c2s_split_unit']` : :class:`pandas.Series` (dtype `category`)
        What a val or test cell was held out for, such as ``"B cell, IFN-III"``; missing in train, and for
        ``scheme="cells"``.
    `.uns['c2s']['split']` (the name without ``c2s_``) : :class:`dict`
        Parameters, ``test`` and ``val``: units held out; versions.

    Raises
    ------
    KeyError
        If a column, or something to be held out, is not there.
    TypeError
        If `held_out` is not what the scheme takes, or a number is not one.
    ValueError
        If shares leave nothing to train on, there are too few units, or an argument does not belong to the scheme.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd, scc2s
    >>> obs = pd.DataFrame({"drug": ["A", "B", "A+B", "B+A", "none"]}, index=list("abcde"))
    >>> adata = ad.AnnData(np.ones((5, 1)), obs=obs)
    >>> scc2s.pp.split(adata, "combo", key="drug", control="none", held_out=["A+B"], val=0)
    >>> adata.obs["c2s_split"].tolist()
    ['train', 'train', 'test', 'test', 'train']
    """
    if scheme not in _SCHEMES:
        msg = f"scheme={scheme!r} is not known; pass scheme= one of {', '.join(map(repr, _SCHEMES))}"
        raise ValueError(msg)
    seed = whole("random_state", random_state, None)
    _check_shares(val, test)
    _check_arguments(scheme, key, held_out, exposure_key)
    out, data = opened(adata, mod=mod, copy=copy, tables=False)
    refuse_empty(data)
    name = name_of_result(key_added, "split")
    refuse_record(data, name, usual="split", holds="scheme")
    result = claim(data, name, obs=[key_added, f"{key_added}_unit"])
    units = _units(data, scheme, key, control, cell_type_key, exposure_key)
    free = _free(data, onto)
    if scheme == "cells":
        tested, validated = [], []
        part = np.asarray(split_cells(data.obs_names.astype(str), val=val, test=test, seed=seed))
    else:
        there = Counter(unit for unit, kept in zip(units, free, strict=True) if unit is not None and kept)
        tested = _tested(scheme, held_out, control, there, test, seed)
        validated = _drawn(scheme, [unit for unit in there if unit not in tested], control, val, seed + 1)
        part = parts.assign(units, tested, validated)
        _refuse_nothing(part[free])
        _say(scheme, tested, part, free, units, control)
    unit = np.array([None if p in (None, parts.TRAIN) or u is None else parts.said(u)
                     for p, u in zip(part, units, strict=True)], dtype=object)  # fmt: skip
    if onto is not None:
        earlier = data.obs[onto].astype(object).to_numpy()
        part = np.where(free, part, _or_none(earlier))
        before = f"{onto}_unit"
        known = data.obs[before].astype(object).to_numpy() if before in data.obs else np.full(data.n_obs, None)
        unit = np.where(free, unit, _or_none(known))
    params = {
        "scheme": scheme,
        "key": key,
        "held_out": None if held_out is None else str(held_out),
        "control": control,
        "cell_type_key": cell_type_key,
        "exposure_key": exposure_key,
        "onto": onto,
        "val": val,
        "test": test,
        "random_state": seed,
        "key_added": key_added,
    }
    more = {which: np.array([parts.said(u) for u in some], dtype=object)
            for which, some in (("test", tested), ("val", validated))}  # fmt: skip
    categories = [parts.TRAIN, parts.VAL, parts.TEST]
    obs = {key_added: pd.Categorical(part, categories=categories), f"{key_added}_unit": pd.Categorical(unit)}
    result.write(params, more=more, obs=obs)
    return out if copy else None


def _or_none(values: np.ndarray) -> np.ndarray:
    """Missing values of any kind as ``None``."""
    out = np.array(values, dtype=object)
    out[pd.isna(out)] = None
    return out


def _check_shares(val: float, test: float) -> None:
    for name, value in (("val", val), ("test", test)):
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            msg = f"{name}={value!r} is not a number; pass {name}= a share from 0 to 1"
            raise TypeError(msg)
    if not (val >= 0 and test >= 0 and val + test < 1):
        msg = f"val={val} and test={test} leave nothing to train on; pass shares that add up to less than 1"
        raise ValueError(msg)


def _check_arguments(scheme: str, key: str | None, held_out: Any, exposure_key: str | None) -> None:
    if scheme in _OF_CONDITIONS and key is None:
        msg = f"scheme={scheme!r} holds out conditions; pass key= the column of adata.obs with the perturbation"
        raise ValueError(msg)
    if (exposure_key is None) == (scheme == "exposure"):
        need = "needs exposure_key= the column with the exposure" if scheme == "exposure" else "has no exposure"
        msg = f"scheme={scheme!r} {need}; pass exposure_key= with scheme='exposure' only"
        raise ValueError(msg)
    if scheme == "cells" and (held_out is not None or key is not None):
        msg = "scheme='cells' draws cells by their names, without key= or held_out=; pass scheme='donor', say"
        raise ValueError(msg)
    if held_out is None:
        return
    mapping = scheme in ("per_type", "exposure")
    if isinstance(held_out, str) or isinstance(held_out, Mapping) != mapping:
        kinds = {"per_type": "{'B cell': ['IFN-b']}", "exposure": "{'B cell': [('acute', 'IFN-b')]}"}
        msg = f"held_out={held_out!r} does not suit scheme={scheme!r}; pass held_out={kinds.get(scheme, '[names]')}"
        raise TypeError(msg)


def _units(
    data: AnnData, scheme: str, key: str | None, control: str | None, cell_type_key: str, exposure_key: str | None
) -> list[Hashable | None]:
    """What each cell is held out with; ``None`` where a value is missing."""
    if scheme == "cells":
        return [None] * data.n_obs
    if scheme in ("donor", "study"):
        values = column(data, key or scheme, "key")
        return [None if missing else str(v) for v, missing in zip(values, values.isna(), strict=True)]
    values = column(data, str(key), "key")
    if control is not None and not (values.astype(object) == control).any():
        there = sorted({str(value) for value in values.dropna().unique()})[:8]
        msg = f"no cell has {control!r} in obs[{key!r}]; pass control= one of {there}"
        raise ValueError(msg)
    names = {value: parts.condition_name(value, control) for value in values.dropna().unique()}
    conditions = [None if missing else names[v] for v, missing in zip(values, values.isna(), strict=True)]
    if scheme == "combo":
        return list(conditions)
    others = [column(data, cell_type_key, "cell_type_key")]
    if exposure_key is not None:
        others.append(column(data, exposure_key, "exposure_key"))
    known = np.all([other.notna().to_numpy() for other in others], axis=0)
    rows = zip(*(other.astype(str) for other in others), conditions, strict=True)
    return [row if there and row[-1] is not None else None for row, there in zip(rows, known, strict=True)]


def _free(data: AnnData, onto: str | None) -> np.ndarray:
    """Cells that are to be split."""
    if onto is None:
        return np.ones(data.n_obs, dtype=bool)
    earlier = column(data, onto, "onto").astype(object)
    if not set(earlier.dropna().unique()) <= {parts.TRAIN, parts.VAL, parts.TEST}:
        msg = f"obs[{onto!r}] is not a split; pass onto= a column with 'train', 'val' and 'test'"
        raise ValueError(msg)
    return np.asarray(earlier == parts.TRAIN)


def _tested(
    scheme: str, held_out: Any, control: str | None, there: Counter[Hashable], share: float, seed: int
) -> list[Hashable]:
    if held_out is None:
        found = _drawn(scheme, list(there), control, share, seed)
        if share > 0 and not found:
            what = "combination" if scheme == "combo" else "unit"
            msg = (
                f"scheme={scheme!r} finds no {what} that can be held out with something left to train on; pass "
                "held_out=, or another scheme="
            )
            raise ValueError(msg)
        return found
    if scheme in ("per_type", "exposure"):
        wanted: list[Hashable] = list(parts.per_type(held_out, control, 2 if scheme == "per_type" else 3))
    else:
        wanted = [parts.condition_name(v, control) if scheme == "combo" else str(v) for v in held_out]
    if absent := [unit for unit in wanted if unit not in there]:
        known = sorted(parts.said(unit) for unit in there)[:8]
        msg = f"no cell is of {parts.said(absent[0])!r}; pass held_out= some of {', '.join(map(repr, known))}, ..."
        raise KeyError(msg)
    return list(dict.fromkeys(wanted))


def _drawn(scheme: str, units: list[Any], control: str | None, share: float, seed: int) -> list[Hashable]:
    """A share of the units that can be held out: something is left to train on, as the scheme promises."""
    if share <= 0:
        return []
    if scheme in ("donor", "study"):
        return parts.shuffled_units(units, seed)[: min(parts.number(share, len(units)), len(units) - 1)]
    if scheme == "combo":
        combos = [unit for unit in units if len(parts.parts_of(unit)) > 1]
        return parts.shuffled_units(combos, seed)[: parts.number(share, len(combos))]
    chosen: list[Hashable] = []
    times = Counter(_elsewhere(unit) for unit in units)
    for kind in sorted({unit[0] for unit in units}):
        own = [unit for unit in units if unit[0] == kind and unit[-1] != control]
        wanted = parts.number(share, len(own))
        for unit in parts.shuffled_units(own, seed):
            if wanted and times[_elsewhere(unit)] > 1:
                chosen.append(unit)
                times[_elsewhere(unit)] -= 1
                wanted -= 1
    return chosen


def _elsewhere(unit: tuple[str, ...]) -> tuple[str, ...]:
    """What must be left in train: the condition in another type, or in the same type with another exposure."""
    return (unit[-1],) if len(unit) == 2 else (unit[0], unit[-1])


def _refuse_nothing(part: np.ndarray) -> None:
    if not (part == parts.TRAIN).any():
        msg = "nothing is left to train on; pass held_out= fewer, or a smaller test= and val="
        raise ValueError(msg)


def _say(
    scheme: str, tested: list[Any], part: np.ndarray, free: np.ndarray, units: list[Any], control: str | None
) -> None:
    times = Counter(str(p) for p, kept in zip(part, free, strict=True) if kept)
    logger.info("split: %d cells to train on, %d val, %d test", times["train"], times["val"], times["test"])
    if n_unknown := times["None"]:
        logger.warning("%d cells have no part: a value is missing, and they might be held-out ones", n_unknown)
    if scheme in ("donor", "study"):
        return
    trained = {unit for unit, p, kept in zip(units, part, free, strict=True) if p == parts.TRAIN and kept}
    if scheme == "combo":
        single = {part for unit in tested for part in parts.parts_of(unit) if part != control} - trained
        unseen = [name for name in sorted(single) if name]
        text = "%s %s in no cell to train on alone: the test is of new perturbations, not only of new combinations"
    else:
        seen = {_elsewhere(unit) for unit in trained}
        unseen = [parts.said(unit) for unit in tested if _elsewhere(unit) not in seen]
        text = "%s %s in train in no other way: the test is of a new condition, not only of a new place for it"
    if unseen:
        logger.warning(text, ", ".join(map(repr, unseen[:5])), "are" if len(unseen) > 1 else "is")
