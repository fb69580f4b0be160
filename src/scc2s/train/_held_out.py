"""The loss of a model on samples that it was not trained on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ._loss import completion_loss

if TYPE_CHECKING:
    import torch

    from ._encode import Encoded


def answer_hash(tokenizer: Any, tokens: Encoded) -> str:
    """Of how completions are cut into tokens: losses by token compare only where it is the same."""
    digest = hashlib.blake2b(digest_size=8)
    for ids, n_prompt in zip(tokens.ids, tokens.n_prompt, strict=True):
        pieces = tokenizer.convert_ids_to_tokens(ids[n_prompt:].tolist())
        digest.update("\t".join(map(str, pieces)).encode() + b"\n")
    return digest.hexdigest()


def held_out_loss(
    model: Any, tokens: Encoded, tasks: np.ndarray, *, batch_size: int = 32, pad_token: int = 0
) -> dict[str, float]:
    """Negative log-likelihood of a token of the completions (nats), end token included.

    Parameters
    ----------
    model
        A causal language model, or an adapter around one; its weights and its mode (training or not) stay as they are.
    tokens
        Of the samples.
    tasks
        Task of each sample.
    batch_size
        Samples that are computed at once; it does not change the result.
    pad_token
        What shorter samples are filled up with.

    Returns
    -------
    ``"loss"``: mean over tokens in each task, and over tasks by their numbers of samples, which is what training makes
    small; where there are several tasks, also ``"loss_<task>"``.
    """
    import torch

    device = next(model.parameters()).device
    names, n_samples = np.unique(tasks, return_counts=True)
    losses = []
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for name in names:
                rows = np.flatnonzero(tasks == name)
                rows = rows[np.argsort(tokens.lengths[rows], kind="stable")]
                total = 0.0
                for start in range(0, len(rows), batch_size):
                    inputs = _padded(tokens.take(rows[start : start + batch_size]), pad_token)
                    total += float(completion_loss(model, {key: x.to(device) for key, x in inputs.items()}, 1))
                losses.append(total / tokens.n_learned[rows].sum())
    finally:
        model.train(was_training)
    out = {"loss": float(np.average(losses, weights=n_samples))}
    if len(names) > 1:
        out |= {f"loss_{name}": float(loss) for name, loss in zip(names, losses, strict=True)}
    return out


def _padded(tokens: Encoded, pad_token: int) -> dict[str, torch.Tensor]:
    import torch

    ids = torch.full((len(tokens.ids), int(tokens.lengths.max())), pad_token)
    labels = torch.full(ids.shape, -100)
    for i, (own, n_prompt) in enumerate(zip(tokens.ids, tokens.n_prompt, strict=True)):
        row = torch.from_numpy(np.asarray(own, dtype=np.int64))
        ids[i, : len(row)] = row
        labels[i, n_prompt : len(row)] = row[n_prompt:]
    return {"input_ids": ids, "labels": labels}
