"""A model and its LoRA adapter, joined into one model of the same shape."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from safetensors import safe_open

from scc2s.models._adapter import WEIGHTS
from scc2s.models._foreign import reading

if TYPE_CHECKING:
    from scc2s.models._adapter import Adapter

_FRONT = "base_model.model."


def join(lm: Any, adapter: Adapter) -> Any:
    """The model with the product of the adapter's matrices added to its weights (in place).

    LoRA is linear, so the sum gives what model and adapter give side by side, up to rounding; and a plain model takes
    every fast path that any other does.

    Raises
    ------
    ImportError
        PEFT is not installed.
    ValueError
        An adapter that does not fit.
    """
    try:
        from peft import PeftModel
    except ImportError as error:
        msg = "an adapter needs PEFT; pip install 'scc2s[train]'"
        raise ImportError(msg) from error

    _check_fits(lm, adapter)
    with reading(adapter.folder, "read the adapter in"):
        with warnings.catch_warnings():  # of transformers, at a name that PEFT uses
            warnings.filterwarnings(
                "ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning
            )
            both: Any = PeftModel.from_pretrained(lm, str(adapter.folder))
        # With a look at whether the sums are numbers.
        joined = both.merge_and_unload(safe_merge=True)
    for name in ("peft_config", "_hf_peft_config_loaded"):
        joined.__dict__.pop(name, None)
    return joined


def _check_fits(lm: Any, adapter: Adapter) -> None:
    """Refuse an adapter of layers that the model does not have: PEFT would leave them out with a warning."""
    layers = dict(lm.named_modules())
    with safe_open(adapter.folder / WEIGHTS, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118  # not a dict
            path, found, _ = name.removeprefix(_FRONT).partition(".lora_")
            if not found:
                continue
            layer = layers.get(path)
            if layer is None:
                msg = (
                    f"{adapter.name} has weights for {path}, a layer that {type(lm).__name__} does not have: it is an "
                    f"adapter of another model ({adapter.base.get('id')}); load it with that"
                )
                raise ValueError(msg)
            shape = tuple(file.get_slice(name).get_shape())
            n_in, n_out = getattr(layer, "in_features", None), getattr(layer, "out_features", None)
            wrong = (".lora_A." in name and n_in not in (None, shape[-1])) or (
                ".lora_B." in name and n_out not in (None, shape[0])
            )
            if wrong:
                msg = (
                    f"{adapter.name} has {'x'.join(map(str, shape))} weights for {path}, which do not fit a layer from "
                    f"{n_in} to {n_out}: it is of another model ({adapter.base.get('id')}); load it with that"
                )
                raise ValueError(msg)
