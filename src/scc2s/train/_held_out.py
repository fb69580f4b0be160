"""The loss of a model on samples that it was not trained on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from ._loss import completion_loss

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def encoded(tokenizer: PreTrainedTokenizerFast, samples: pd.DataFrame) -> list[tuple[list[int], int]]:
    """Tokens of each sample with the end token, and how many of them are of the prompt."""
    end = str(tokenizer.eos_token or "")
    whole = [p + c + ("" if end and c.endswith(end) else end) for p, c in zip(*_texts(samples), strict=True)]
    ids = tokenizer(whole)["input_ids"]
    prompts = tokenizer(_texts(samples)[0])["input_ids"]
    return [(all_ids, len(asked)) for all_ids, asked in zip(ids, prompts, strict=True)]


def answer_hash(tokenizer: PreTrainedTokenizerFast, samples: pd.DataFrame) -> str:
    """Of how completions are cut into tokens: losses by token compare only where it is the same."""
    digest = hashlib.blake2b(digest_size=8)
    for ids, n_prompt in encoded(tokenizer, samples):
        pieces = tokenizer.convert_ids_to_tokens(ids[n_prompt:])
        digest.update("\t".join(map(str, pieces)).encode() + b"\n")
    return digest.hexdigest()


def held_out_loss(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, samples: pd.DataFrame, *, batch_size: int = 32
) -> dict[str, float]:
    """Mean negative log-likelihood of a token of the completions (nats), end token included.

    Parameters
    ----------
    model, tokenizer
        A causal language model; its weights and its mode (training or not) stay as they are.
    samples
        Columns ``prompt``, ``completion``, ``task``.
    batch_size
        Samples that are computed at once; it does not change the result.

    Returns
    -------
    ``"loss"`` over all tokens and, where there are several tasks, ``"loss of <task>"``.
    """
    import torch

    device = next(model.parameters()).device
    pairs = encoded(tokenizer, samples)
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
    total, n_tokens = np.zeros(len(pairs)), np.zeros(len(pairs))
    tasks = samples["task"].astype(str).to_numpy()
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for task in np.unique(tasks):
                own = [i for i in order if tasks[i] == task]
                for start in range(0, len(own), batch_size):
                    rows = own[start : start + batch_size]
                    inputs = _padded([pairs[i] for i in rows], int(tokenizer.pad_token_id or 0))
                    n = int((inputs["labels"][:, 1:] != -100).sum())
                    loss = completion_loss(model, {name: x.to(device) for name, x in inputs.items()}, 1)
                    total[rows[0]], n_tokens[rows[0]] = float(loss), n
    finally:
        model.train(was_training)
    out = {"loss": float(total.sum() / n_tokens.sum())}
    if len(names := np.unique(tasks)) > 1:
        out |= {f"loss of {name}": float(total[tasks == name].sum() / n_tokens[tasks == name].sum()) for name in names}
    return out


def _padded(pairs: list[tuple[list[int], int]], token: int) -> dict[str, torch.Tensor]:
    import torch

    longest = max(len(ids) for ids, _ in pairs)
    ids = torch.full((len(pairs), longest), token)
    labels = torch.full((len(pairs), longest), -100)
    for i, (own, n_prompt) in enumerate(pairs):
        ids[i, : len(own)] = torch.tensor(own)
        labels[i, n_prompt : len(own)] = torch.tensor(own[n_prompt:])
    return {"input_ids": ids, "labels": labels}


def _texts(samples: pd.DataFrame) -> tuple[list[str], list[str]]:
    return samples["prompt"].tolist(), samples["completion"].tolist()
