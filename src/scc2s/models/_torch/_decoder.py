from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ._linear import WideLinear, product
from ._products import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from transformers import PreTrainedModel
    from transformers.cache_utils import Cache

# Architectures whose cache and 4-D masks are tested here to be exact; others take slower routes that any model allows.
TESTED = frozenset({"gemma", "gemma2", "gemma3_text", "gpt_neox", "llama", "mistral", "qwen2", "qwen3"})
_MASKED = frozenset({"eager", "sdpa", NAME})
# Log-probabilities are taken from blocks of at most this many logits and, on a CPU, states: so many that the weights of
# the head are read seldom, so few that what it gives is still in the cache when the softmax reads it, a few states at a
# time (benchmarks/annotate.py).
_BLOCK = 2**25
_STATES, _STATES_AT_ONCE = 256, 32


class _Reached(Exception):
    """The layer asked for has its input: there is no more to compute."""


def _by_longest(config: Any) -> bool:
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    each = [rope, *(part for part in rope.values() if isinstance(part, dict))]  # one for all layers, or one a kind
    return any(part.get("rope_type", part.get("type")) in {"dynamic", "longrope"} for part in each)


@dataclass(frozen=True)
class Decoder:
    """A causal language model, seen as hidden states and log-probabilities."""

    lm: PreTrainedModel
    pad_id: int
    max_tokens: int | None

    @cached_property
    def config(self) -> Any:
        """Configuration of the text part."""
        return self.lm.config.get_text_config()

    @cached_property
    def base(self) -> nn.Module:
        """The model without its LM head."""
        base = self.lm.base_model
        # Gemma 3 of transformers 4 names its parts so that `base_model` finds none.
        found: nn.Module = self.lm.get_decoder() if base is self.lm else base
        return found

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.lm.device

    @property
    def n_layers(self) -> int:
        """Transformer blocks."""
        return int(self.config.num_hidden_layers)

    @property
    def width(self) -> int:
        """Length of a hidden state."""
        return int(self.config.hidden_size)

    @property
    def tested(self) -> bool:
        """Whether shared prefixes and masks of our own are known to be exact for this architecture.

        Not with a kernel that takes no masks (flash attention), with rotary embeddings that depend on the longest row,
        nor in a graph of ONNX Runtime, which has its own masks.
        """
        known = self.config.model_type in TESTED and isinstance(self.lm, nn.Module)
        return known and self.config._attn_implementation in _MASKED and not _by_longest(self.config)

    @cached_property
    def _blocks(self) -> nn.ModuleList:
        for module in self.base.modules():
            if isinstance(module, nn.ModuleList) and len(module) == self.n_layers:
                return module
        msg = f"cannot tell the layers of {type(self.lm).__name__} apart; use layer=-1"
        raise ValueError(msg)

    def layer_number(self, layer: int) -> int:
        """A layer as a number from 0 (token embedding) to `n_layers` (after the final norm).

        Raises
        ------
        ValueError
            There is no such layer.
        """
        if not -self.n_layers - 1 <= layer <= self.n_layers:
            msg = f"no layer {layer}; use layer=-1 (last) or a number from 0 (token embedding) to {self.n_layers}"
            raise ValueError(msg)
        return layer % (self.n_layers + 1)

    def hidden(
        self,
        ids: torch.Tensor,
        *,
        layer: int | None = None,
        cache: Cache | None = None,
        mask: torch.Tensor | dict[str, torch.Tensor] | None = None,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Hidden states of one layer (default: after the final norm): rows x tokens x width.

        Never runs the LM head, keeps no other layer, and runs no layer above the one asked for. Without a mask a token
        sees all tokens before it, so padding belongs on the right.
        """
        arguments = {
            "input_ids": ids.to(self.device),
            "attention_mask": mask,
            "past_key_values": cache,
            "use_cache": cache is not None,
        }
        if positions is not None:
            arguments["position_ids"] = positions
        if layer is None or layer == self.n_layers:
            states: torch.Tensor = self.base(**arguments).last_hidden_state
            return states
        return self._input_of(self._blocks[layer], arguments)

    def _input_of(self, block: nn.Module, arguments: dict[str, Any]) -> torch.Tensor:
        seen: list[torch.Tensor] = []

        def stop(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            seen.append(args[0] if args else kwargs["hidden_states"])
            raise _Reached

        handle = block.register_forward_pre_hook(stop, with_kwargs=True)
        try:
            self.base(**arguments)
        except _Reached:
            return seen[0]
        finally:
            handle.remove()
        msg = f"{type(self.lm).__name__} does not run its layers one by one; use layer=-1"
        raise ValueError(msg)

    def log_probs(self, hidden: torch.Tensor, at: np.ndarray, tokens: np.ndarray) -> torch.Tensor:
        """Log-probability of tokens, each after one of the hidden states, in float32.

        Parameters
        ----------
        hidden
            Rows x positions x width, after the final norm.
        at
            Positions, in increasing order.
        tokens
            Token that follows each of them.

        Returns
        -------
        Rows x tokens.
        """
        n, n_positions, width = hidden.shape
        start = torch.arange(n, device=hidden.device)[:, None] * n_positions
        where = (start + torch.as_tensor(at, device=hidden.device)).reshape(-1)
        target = torch.as_tensor(tokens, device=hidden.device).repeat(n)
        return self._log_probs(hidden.reshape(-1, width), where, target).reshape(n, -1)

    def log_probs_after(self, states: torch.Tensor, tokens: np.ndarray) -> torch.Tensor:
        """Log-probability of one token after each state (states x width), in float32."""
        target = torch.as_tensor(tokens, device=states.device).long()
        return self._log_probs(states, torch.arange(len(states), device=states.device), target)

    def _log_probs(self, states: torch.Tensor, where: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Log-probability of tokens, each after one of the states, whose numbers are in increasing order."""
        step = max(1, _BLOCK // self.config.vocab_size)
        at_once = step
        if states.device.type == "cpu":
            step, at_once = min(step, _STATES), _STATES_AT_ONCE
        lows = [
            low
            for block in range(0, len(states), step)
            for low in range(block, min(block + step, len(states)), at_once)
        ]
        edges = torch.tensor([*lows, len(states)], device=where.device)
        bounds = torch.searchsorted(where, edges).tolist()
        out = torch.empty(len(where), dtype=torch.float32, device=states.device)
        logits = states
        for i, low in enumerate(lows):
            if low % step == 0:
                logits = self.lm.get_output_embeddings()(states[low : low + step])
            here = slice(bounds[i], bounds[i + 1])
            some = logits[low % step : low % step + at_once]
            logp = self._capped(some.float()).log_softmax(dim=-1)
            out[here] = logp[where[here] - low, target[here]].to(out.device)
        return out

    def head(self, tokens: torch.Tensor | None = None) -> Callable[[torch.Tensor], torch.Tensor]:
        """The LM head: logits (float32) of hidden states, of all tokens or of some.

        Under a constraint most logits are not needed, and the weights for them need not be read at each step.
        """
        if tokens is None:
            return self._logits
        layer = self.lm.get_output_embeddings()
        if type(layer) not in (nn.Linear, WideLinear) or hasattr(
            layer, "_hf_hook"
        ):  # quantised, adapted or kept elsewhere
            return lambda states: self._logits(states).to(tokens.device)[:, tokens]
        weight, bias = layer.weight[tokens], None if layer.bias is None else layer.bias[tokens]
        return lambda states: self._capped(product(states, weight, bias).float())

    def _logits(self, states: torch.Tensor) -> torch.Tensor:
        return self._capped(self.lm.get_output_embeddings()(states).float())

    def _capped(self, logits: torch.Tensor) -> torch.Tensor:
        softcap = getattr(self.config, "final_logit_softcapping", None)
        return logits if softcap is None else softcap * torch.tanh(logits / softcap)
