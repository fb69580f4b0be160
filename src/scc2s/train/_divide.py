"""What is trained with, and what is held out to validate with."""

from __future__ import annotations

from typing import overload

import pandas as pd

from scc2s._logging import logger

from ._mixture import Mixture
from ._tables import check_samples, refuse_leak


@overload
def divide(samples: pd.DataFrame, validation: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame | None]: ...


@overload
def divide(
    samples: pd.DataFrame | Mixture, validation: pd.DataFrame | None
) -> tuple[pd.DataFrame | Mixture, pd.DataFrame | None]: ...


def divide(
    samples: pd.DataFrame | Mixture, validation: pd.DataFrame | None
) -> tuple[pd.DataFrame | Mixture, pd.DataFrame | None]:
    """Samples to train with, and to validate with, both checked.

    Of a mixture only the preview can be held against the validation.

    Where samples have a column ``split``, those of ``"train"`` are trained with; those of ``"val"`` are the validation,
    unless one is given; those of ``"test"`` are left alone.

    Raises
    ------
    ValueError
        A table that lacks columns or rows, has blank texts, or names a split that is none; samples of the validation
        that are trained with.
    """
    if isinstance(samples, Mixture):
        if validation is not None:
            check_samples(validation, "validation")
            refuse_leak(samples.preview(), validation)
        return samples, validation
    check_samples(samples, "samples")
    if "split" in samples:
        names = samples["split"].astype(object)
        said = {"nothing" if pd.isna(name) else str(name) for name in names.unique()}
        if unknown := sorted(said - {"train", "val", "test"}):
            msg = (
                f"the column split of samples holds {unknown}, where 'train', 'val' and 'test' belong; name it so, or "
                "drop the column: samples.drop(columns='split')"
            )
            raise ValueError(msg)
        own, held = samples[(names == "train").to_numpy()], samples[(names == "val").to_numpy()]
        if not len(own):
            msg = "no sample has split 'train'; see samples['split'].value_counts()"
            raise ValueError(msg)
        if left := len(samples) - len(own) - (len(held) if validation is None else 0):
            logger.info("%d samples of other splits than 'train' are left alone", left)
        samples = own
        if validation is None and len(held):
            validation = held
    if validation is not None:
        check_samples(validation, "validation")
        refuse_leak(samples, validation)
    return samples, validation
