"""Where the weights of a model go, in which form, and which kernel of attention reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

_KERNELS = ("eager", "sdpa", "flash_attention_2")


@dataclass(frozen=True)
class Placement:
    """Options of loading beyond device and number format."""

    quantization: str | None = None
    device_map: str | None = None
    """As given, or a mapping as JSON."""
    attention: str = "auto"

    @classmethod
    def of(
        cls, quantization: str | None, device_map: str | Mapping[str, Any] | None, attention: str, device: str
    ) -> Placement:
        """Options as a user gives them.

        Raises
        ------
        ImportError
            bitsandbytes is needed and not installed.
        ValueError
            An unknown value, or a device beside a device map.
        """
        if quantization not in (None, "4bit", "8bit"):
            msg = f'unknown quantization {quantization!r}; use quantization="4bit", "8bit" or None'
            raise ValueError(msg)
        if attention not in ("auto", *_KERNELS):
            msg = f'unknown attention {attention!r}; use attention="auto" or one of {", ".join(map(repr, _KERNELS))}'
            raise ValueError(msg)
        if device_map is not None and device != "auto":
            msg = f"device={device!r} and device_map both say where the weights go; give one of them"
            raise ValueError(msg)
        if quantization is not None and find_spec("bitsandbytes") is None:
            msg = "quantization needs bitsandbytes; run: pip install 'scc2s[quant]'"
            raise ImportError(msg)
        named = device_map if device_map is None or isinstance(device_map, str) else json.dumps(dict(device_map))
        return cls(quantization, named, attention)

    def arguments(self, config: Any, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
        """For ``from_pretrained``.

        Raises
        ------
        ValueError
            A kernel that cannot run here, or would compute another attention than the model was trained with.
        """
        if self.attention == "flash_attention_2" and (device.type != "cuda" or find_spec("flash_attn") is None):
            msg = f'"flash_attention_2" needs a CUDA GPU and flash-attn, and this is {device}; use attention="auto"'
            raise ValueError(msg)
        where: Any = self.device_map or str(device)
        out: dict[str, Any] = {"device_map": json.loads(where) if where.startswith("{") else where}
        if (kernel := self._kernel(config)) is not None:
            out["attn_implementation"] = kernel
        if self.quantization is not None:
            from transformers import BitsAndBytesConfig

            out["quantization_config"] = (
                BitsAndBytesConfig(load_in_8bit=True)
                if self.quantization == "8bit"
                else BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
            )
        return out

    def _kernel(self, config: Any) -> str | None:
        # The fused kernels of torch leave softcapping of the attention out, without a word in transformers 4.
        caps = getattr(config.get_text_config(), "attn_logit_softcapping", None) is not None
        if caps and self.attention == "sdpa":
            msg = f'{config.model_type} caps the logits of attention, which "sdpa" leaves out; use attention="eager"'
            raise ValueError(msg)
        if self.attention == "auto":
            return "eager" if caps else None
        return self.attention
