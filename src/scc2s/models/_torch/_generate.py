from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ._memory import in_batches
from ._tokens import check_lengths, pad_left, tokenize, windows

if TYPE_CHECKING:
    import numpy as np
    from tqdm.auto import tqdm

    from ._decoder import Decoder


def generate(
    decoder: Decoder, tokenizer: Any, prompts: list[str], *, max_new_tokens: int, budget: int, progress: tqdm
) -> list[str]:
    """Greedy answers; see :meth:`scc2s.models.Generates.generate`."""
    if max_new_tokens < 1:
        msg = f"max_new_tokens is {max_new_tokens}; use a number from 1"
        raise ValueError(msg)
    ends = _end_tokens(decoder, tokenizer)
    out = [""] * len(prompts)
    for window in windows(len(prompts)):
        tokens = tokenize(tokenizer, prompts[window])
        check_lengths(
            tokens.lengths, decoder.max_tokens, first=window.start, extra=max_new_tokens, extra_name="the answer"
        )

        def forward(rows: np.ndarray, ids: list[np.ndarray] = tokens.ids) -> list[str]:
            return _answers(decoder, tokenizer, [ids[row] for row in rows], max_new_tokens, ends)

        for rows, answers in in_batches(tokens.lengths + max_new_tokens, budget, forward):
            for row, answer in zip(rows, answers, strict=True):
                out[window.start + row] = answer
            progress.update(len(rows))
    return out


def _end_tokens(decoder: Decoder, tokenizer: Any) -> list[int]:
    declared = decoder.lm.generation_config.eos_token_id
    found = {tokenizer.eos_token_id, *(declared if isinstance(declared, list) else [declared])}
    return sorted(token for token in found if token is not None)


def _answers(
    decoder: Decoder, tokenizer: Any, ids: list[np.ndarray], max_new_tokens: int, ends: list[int]
) -> list[str]:
    inputs = pad_left(ids, decoder.pad_id)
    lengths = torch.tensor([len(row) for row in ids])
    width = inputs.shape[1]
    # All that a model's own generation config may set to something else than greedy decoding is said here.
    write: Any = decoder.lm.generate
    out = write(
        input_ids=inputs.to(decoder.device),
        attention_mask=(torch.arange(width) >= width - lengths[:, None]).long().to(decoder.device),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,
        temperature=None,
        top_k=None,
        top_p=None,
        pad_token_id=decoder.pad_id,
        eos_token_id=ends or None,
    )
    answers = []
    # By position, never by text: a model that repeats its prompt must not lose its answer.
    for row in out[:, width:].tolist():
        stop = next((i for i, token in enumerate(row) if token in ends), len(row))
        answers.append(tokenizer.decode(row[:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False))
    return answers
