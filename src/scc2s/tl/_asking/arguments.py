"""Arguments that many tools take, checked before anything is loaded."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import TYPE_CHECKING

from scc2s._cells.arguments import whole
from scc2s._cells.results import refuse_name

if TYPE_CHECKING:
    from collections.abc import Mapping


def model_layer_of(model_layer: object, layer: object, tool: str) -> int:
    """Layer of a model, also from its old name, `layer`, which is that of the AnnData everywhere else."""
    if layer is None:
        return whole("model_layer", model_layer, least=None)
    if isinstance(layer, bool) or not isinstance(layer, Integral):
        msg = (
            f"layer={layer!r} is not a layer of the model, and a layer of adata is chosen when its sentences are made: "
            f"sc.pp.c2s_sentences(adata, layer={layer!r}); for the model pass model_layer= a whole number"
        )
        raise TypeError(msg)
    if model_layer != -1:
        msg = f"layer={layer} and model_layer={model_layer} mean the same; pass model_layer= alone"
        raise ValueError(msg)
    warnings.warn(
        f"layer= of tl.{tool} is now model_layer=, and will be gone in the next release; pass model_layer={layer}",
        FutureWarning,
        stacklevel=3,
    )
    return int(layer)


def refuse_column_name(name: str, value: object) -> None:
    """Raise unless `value` can name a column or a part of one."""
    if not isinstance(value, str):
        msg = f"{name}={value!r} is not a text; pass {name}= one name"
        raise TypeError(msg)
    refuse_name(value, name)


def share(name: str, value: object) -> float:
    """A number from 0 to 1.

    Examples
    --------
    >>> share("min_share", 2)
    Traceback (most recent call last):
        ...
    ValueError: min_share=2 is not a share; pass min_share= a number from 0 to 1
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
        msg = f"{name}={value!r} is not a share; pass {name}= a number from 0 to 1"
        raise ValueError(msg)
    return float(value)


def refuse_other_mode(
    mode: str, normalize: str, *, only_score: Mapping[str, object], only_generate: Mapping[str, object]
) -> None:
    """Raise for an unknown way to ask or to compare, or for an option (``None``: not given) of the other mode."""
    if mode not in ("score", "generate"):
        msg = f"mode={mode!r} is not known; pass mode='score' or mode='generate'"
        raise ValueError(msg)
    if normalize not in ("sum", "mean"):
        msg = f"normalize={normalize!r} is not known; pass normalize='sum' or normalize='mean'"
        raise ValueError(msg)
    given = [name for name, value in only_score.items() if value is not None]
    if mode == "generate" and given:
        msg = f"{given[0]} needs the probabilities of labels; pass mode='score', or leave {given[0]} out"
        raise ValueError(msg)
    given = [name for name, value in only_generate.items() if value is not None]
    if mode == "score" and given:
        msg = f"{given[0]} is for written answers, and mode='score' has none; pass mode='generate', or leave it out"
        raise ValueError(msg)
