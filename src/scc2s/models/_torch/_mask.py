from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from scc2s.models._tree import Tree


def mask(
    tree: Tree, lengths: torch.Tensor, width: int, *, config: Any, dtype: torch.dtype
) -> torch.Tensor | dict[str, torch.Tensor]:
    """Additive attention mask: a node sees the prompt of its row, and its own answer up to itself.

    Parameters
    ----------
    tree
        Nodes, the queries; also the last keys.
    lengths
        Tokens of each prompt.
    width
        Tokens of the padded prompts, the first keys.
    config
        Configuration of the model: layers with a sliding window see only that far back.
    dtype
        Number format of the model.

    Returns
    -------
    Rows x 1 x nodes x (width + nodes); with two kinds of layers, one of these for each kind.
    """
    device = lengths.device
    prompt = torch.arange(width, device=device).expand(len(lengths), -1)
    nodes = lengths[:, None] + torch.as_tensor(tree.depth, device=device)
    keys = torch.cat([prompt, nodes], dim=1)
    n = len(tree.tokens)
    seen = torch.cat(
        [
            (prompt < lengths[:, None])[:, None].expand(-1, n, -1),
            torch.as_tensor(tree.sees, device=device).expand(len(lengths), -1, -1),
        ],
        dim=2,
    )
    return _of_kinds(seen, nodes[:, :, None] - keys[:, None], config=config, dtype=dtype)


def mask_to_left(
    at: torch.Tensor, width: int, *, config: Any, dtype: torch.dtype
) -> torch.Tensor | dict[str, torch.Tensor]:
    """Additive attention mask of tokens whose keys stand in the slots of their positions: each sees the slots up to it.

    Parameters
    ----------
    at
        Position of each token, rows x tokens.
    width
        Slots.
    config, dtype
        As for :func:`mask`.

    Returns
    -------
    Rows x 1 x tokens x slots; with two kinds of layers, one of these for each kind.
    """
    back = at[:, :, None] - torch.arange(width, device=at.device)
    return _of_kinds(back >= 0, back, config=config, dtype=dtype)


def _of_kinds(
    seen: torch.Tensor, back: torch.Tensor, *, config: Any, dtype: torch.dtype
) -> torch.Tensor | dict[str, torch.Tensor]:
    """Layers with a sliding window see only keys that lie less than its width back."""
    full = _additive(seen, dtype)
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if window is None or (kinds is not None and "sliding_attention" not in kinds):
        return full
    sliding = _additive(seen & (back < window), dtype)
    return sliding if kinds is None else {"full_attention": full, "sliding_attention": sliding}


def _additive(seen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, torch.finfo(dtype).min)[:, None]
