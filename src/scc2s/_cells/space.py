"""Where cells lie: coordinates, the unit they are in, and the sections that have coordinates of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.arguments import above
from scc2s._cells.columns import column
from scc2s._logging import logger

if TYPE_CHECKING:
    from anndata import AnnData

_UM = {"nm": 1e-3, "um": 1.0, "mm": 1e3, "cm": 1e4}
_COUNTED = ("pixel", "spot")
"""Units of no length of their own."""
_ALSO = {
    **dict.fromkeys(("µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"), "um"),
    **dict.fromkeys(("millimeter", "millimeters", "millimetre", "millimetres"), "mm"),
    **dict.fromkeys(("nanometer", "nanometers", "nanometre", "nanometres"), "nm"),
    **dict.fromkeys(("px", "pixels"), "pixel"),
    **dict.fromkeys(("spots", "array"), "spot"),
}
_SECTIONS = ("section", "section_id", "library_id", "library", "slide", "slice", "fov", "sample", "batch")
"""Usual columns of what has coordinates of its own."""
_PLAUSIBLE_UM = (0.5, 500.0)
"""From cell to cell: bins of 2 um are nearer than cells are, spots of an array 200 um apart."""


@dataclass(frozen=True)
class Unit:
    """What one unit of the coordinates is."""

    name: str
    um: float | None
    """Micrometres; ``None`` where a pixel or a spot has no stated size."""
    source: str
    """Where that is said."""

    def per(self, unit: str) -> float:
        """How many units of the coordinates one `unit` is.

        Raises
        ------
        ValueError
            If that is not known.
        """
        if unit == self.name:
            return 1.0
        if unit in _COUNTED:
            msg = (
                f"the radius is in {unit}s and the coordinates are in {self.name} (by {self.source}); pass "
                f"radius= in {self.name}, with unit={self.name!r}"
            )
            raise ValueError(msg)
        if self.um is None:
            msg = (
                f"the radius is in {unit} and the coordinates are in {self.name}s (by {self.source}) of unknown size; "
                f"pass um_per_unit= the micrometres of one {self.name}, or radius= in {self.name}s"
            )
            raise ValueError(msg)
        return _UM[unit] / self.um


def unit_name(unit: Any, argument: str) -> str:
    """One of ``nm``, ``um``, ``mm``, ``cm``, ``pixel``, ``spot``, however it is spelled.

    Examples
    --------
    >>> unit_name("µm", "unit"), unit_name("px", "unit")
    ('um', 'pixel')
    """
    found = _ALSO.get(unit.strip().casefold(), unit.strip().casefold()) if isinstance(unit, str) else unit
    if found not in (*_UM, *_COUNTED):
        msg = f"{argument}={unit!r} is not a unit; pass {argument}= one of {', '.join(map(repr, (*_UM, *_COUNTED)))}"
        raise ValueError(msg)
    return str(found)


def unit_of(adata: AnnData, spatial_unit: str | None, um_per_unit: float | None) -> Unit:
    """The unit of the coordinates: as it is given, or as it stands in the data; never a guess.

    Raises
    ------
    ValueError
        If nothing says it, or two say different things.
    """
    size = None if um_per_unit is None else above("um_per_unit", um_per_unit)
    if spatial_unit is not None:
        name, source = unit_name(spatial_unit, "spatial_unit"), "spatial_unit="
        stated = _stated(adata)
        found = stated.um if stated is not None and stated.name == name else None
    elif (stated := _stated(adata)) is not None:
        name, source, found = stated.name, stated.source, stated.um
    else:
        msg = (
            "nothing says what unit the coordinates are in, and it is not guessed; pass spatial_unit= 'um', 'mm', "
            "'pixel' (with um_per_unit=, where the radius is in um), ..., or set adata.uns['spatial_unit']"
        )
        raise ValueError(msg)
    if name in _UM:
        if size is not None and not np.isclose(size, _UM[name]):
            msg = f"um_per_unit={um_per_unit}, and one {name} ({source}) is {_UM[name]:g} um; leave um_per_unit out"
            raise ValueError(msg)
        return Unit(name, _UM[name], source)
    return Unit(name, found if size is None else size, source)


def _stated(adata: AnnData) -> Unit | None:
    """The unit by ``uns["spatial_unit"]``, or by the scale factors that 10x Genomics write (squidpy, scanpy)."""
    if isinstance(said := adata.uns.get("spatial_unit"), str):
        name = unit_name(said, "adata.uns['spatial_unit']")
        return Unit(name, _UM.get(name), "uns['spatial_unit']")
    libraries = adata.uns.get("spatial")
    scales = [
        library["scalefactors"]
        for library in (libraries.values() if isinstance(libraries, Mapping) else [])
        if isinstance(library, Mapping) and isinstance(library.get("scalefactors"), Mapping)
    ]
    if not scales or not all("spot_diameter_fullres" in scale for scale in scales):
        return None
    sizes = {float(scale["microns_per_pixel"]) for scale in scales if "microns_per_pixel" in scale}
    one = len(sizes) == 1 and all("microns_per_pixel" in scale for scale in scales)
    return Unit("pixel", min(sizes) if one else None, "uns['spatial'], of 10x Genomics")


def coordinates(adata: AnnData, basis: str = "spatial") -> np.ndarray:
    """Coordinates of the cells, float64, cells x 2 or 3; NaN where a cell has none.

    Raises
    ------
    KeyError
        If there are none.
    ValueError
        If they are not numbers in two or three columns, or no cell has any.
    """
    if basis not in adata.obsm:
        msg = f"adata.obsm has no {basis!r}; set adata.obsm[{basis!r}] = adata.obs[['x', 'y']].to_numpy()"
        raise KeyError(msg)
    try:
        found = np.array(adata.obsm[basis], dtype=np.float64)  # also of a DataFrame
    except (TypeError, ValueError) as error:
        msg = f"adata.obsm[{basis!r}] does not hold numbers; set it to x and y of each cell"
        raise ValueError(msg) from error
    if found.ndim != 2 or found.shape[1] not in (2, 3):
        msg = f"adata.obsm[{basis!r}] has shape {found.shape}; set it to x and y (and z) of each cell"
        raise ValueError(msg)
    found[~np.isfinite(found).all(axis=1)] = np.nan
    if np.isnan(found).all():
        msg = f"no cell has finite coordinates in adata.obsm[{basis!r}]; set it to x and y of each cell"
        raise ValueError(msg)
    return found


def sections(adata: AnnData, groupby: str | None) -> tuple[np.ndarray, str | None]:
    """Section of each cell as text (``None``: in none), and the column; without `groupby` the regions of SpatialData.

    Cells of different sections are never neighbours, whatever their coordinates.
    """
    if groupby is None:
        attributes = adata.uns.get("spatialdata_attrs")
        if (
            isinstance(attributes, Mapping)
            and isinstance(key := attributes.get("region_key"), str)
            and key in adata.obs
        ):
            groupby = key
            logger.info("sections are the regions of SpatialData, obs[%r]", key)
    if groupby is None:
        several = [name for name in _SECTIONS if name in adata.obs and adata.obs[name].nunique() > 1]
        if several:
            logger.warning(
                "all cells are taken as one section, and obs[%r] has %d values; if these have coordinates of their "
                "own, pass groupby=%r",
                several[0], adata.obs[several[0]].nunique(), several[0],
            )  # fmt: skip
        return np.full(adata.n_obs, "", dtype=object), None
    values = column(adata, groupby, "groupby")
    # not Series.map: with pandas 3 that makes a column of text, in which None is NaN
    texts = [None if lost else str(value) for value, lost in zip(values.astype(object), values.isna(), strict=True)]
    return np.array(texts, dtype=object), groupby


def say_if_implausible(nearest: np.ndarray, unit: Unit) -> None:
    """Warn where the median distance from a cell to the next is none that cells or spots have."""
    if unit.um is None or not len(nearest):
        return
    median = float(np.median(nearest)) * unit.um
    if not _PLAUSIBLE_UM[0] <= median <= _PLAUSIBLE_UM[1]:
        logger.warning(
            "with coordinates in %s (by %s) the next cell is %.3g um away (median), which no tissue has; look at "
            "spatial_unit= and um_per_unit=",
            unit.name, unit.source, median,
        )  # fmt: skip
