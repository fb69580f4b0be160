"""The graph that is exported: hidden states, their pooled mean, and log-probabilities of given tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from scc2s.models._torch._decoder import Decoder


class ReadingGraph(nn.Module):
    """A decoder that reads tokens once, for embeddings and for scores.

    Parameters
    ----------
    decoder
        Model to wrap; its weights are shared.
    """

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.base, self.head = decoder.base, decoder.lm.get_output_embeddings()
        config = decoder.config
        kinds = getattr(config, "layer_types", None)
        window = getattr(config, "sliding_window", None)
        self._window = None if window is None or (kinds and "sliding_attention" not in kinds) else int(window)
        self._two_masks = kinds is not None and self._window is not None
        self._softcap = getattr(config, "final_logit_softcapping", None)
        self._dtype = decoder.lm.dtype

    def forward(
        self,
        input_ids: torch.Tensor,
        position_ids: torch.Tensor,
        seen: torch.Tensor,
        shares: torch.Tensor,
        at: torch.Tensor,
        targets: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Read rows of tokens.

        Parameters
        ----------
        input_ids, position_ids
            Rows x tokens.
        seen
            Rows x tokens x tokens, bool: which tokens (last axis) each token attends to.
        shares
            Rows x tokens: weight of each token in the pooled state of its row.
        at
            States to go on from, as numbers of the flattened rows.
        targets
            The token after each of them.

        Returns
        -------
        Pooled states (rows x width) and log-probabilities of the targets, both float32.
        """
        hidden = self.base(
            input_ids=input_ids, position_ids=position_ids, attention_mask=self._masks(seen, position_ids),
            use_cache=False,
        ).last_hidden_state  # fmt: skip
        pooled = torch.bmm(shares[:, None], hidden.float())[:, 0]
        logits = self.head(hidden.reshape(-1, hidden.shape[-1])[at]).float()
        if self._softcap is not None:
            logits = self._softcap * torch.tanh(logits / self._softcap)
        # Not logsumexp: as one operator of ONNX Runtime it adds up a vocabulary less exactly.
        logits = logits - logits.amax(dim=-1, keepdim=True)
        return pooled, logits.gather(1, targets[:, None])[:, 0] - logits.exp().sum(dim=-1).log()

    def _masks(self, seen: torch.Tensor, positions: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        full = self._additive(seen)
        if self._window is None:
            return full
        near = self._additive(seen & (positions[:, :, None] - positions[:, None] < self._window))
        return {"full_attention": full, "sliding_attention": near} if self._two_masks else near

    def _additive(self, seen: torch.Tensor) -> torch.Tensor:
        low = torch.full((), torch.finfo(self._dtype).min, dtype=self._dtype)
        return torch.where(seen, torch.zeros((), dtype=self._dtype), low)[:, None]
