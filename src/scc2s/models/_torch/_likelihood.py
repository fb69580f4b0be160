from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scc2s.models._protocols import TextScores

from ._memory import in_batches
from ._prefix import growing, shared_start
from ._tokens import check_lengths, pad_right, tokenize, windows

if TYPE_CHECKING:
    from tqdm.auto import tqdm

    from ._decoder import Decoder


def log_likelihood(
    decoder: Decoder, tokenizer: Any, prompts: list[str], answers: list[str], *, budget: int, progress: tqdm
) -> TextScores:
    """Log-likelihood of one answer after each prompt; see :meth:`scc2s.models.Reads.log_likelihood`."""
    if len(prompts) != len(answers):
        msg = f"{len(answers)} answers for {len(prompts)} prompts; pass one for each"
        raise ValueError(msg)
    logprob, n_tokens = np.zeros(len(prompts)), np.zeros(len(prompts), dtype=np.int64)
    for window in windows(len(prompts)):
        texts = [prompt + answer for prompt, answer in zip(prompts[window], answers[window], strict=True)]
        alone, joint = tokenize(tokenizer, prompts[window]), tokenize(tokenizer, texts)
        check_lengths(joint.lengths, decoder.max_tokens, first=window.start)
        for row, (prompt, text) in enumerate(zip(alone.ids, joint.ids, strict=True)):
            if not len(prompt) or len(text) <= len(prompt) or not np.array_equal(text[: len(prompt)], prompt):
                msg = (
                    f"answer {window.start + row} does not start with a token of its own after its prompt; end no "
                    "prompt with a space, and begin every answer with one and a word: answers=[f' {sentence}']"
                )
                raise ValueError(msg)
        first = alone.lengths
        n_tokens[window] = joint.lengths - first
        start = shared_start(decoder, alone.ids)

        def forward(rows: np.ndarray, ids: Any = joint.ids, first: Any = first, start: Any = start) -> np.ndarray:
            cache = growing(start.cache, len(rows)) if start.cache is not None else None
            hidden = decoder.hidden(pad_right([ids[row][start.n :] for row in rows]), cache=cache)
            at, target = [], []
            for place, row in enumerate(rows):
                at.append(place * hidden.shape[1] + np.arange(first[row] - 1, len(ids[row]) - 1) - start.n)
                target.append(ids[row][first[row] :])
            states = hidden.reshape(-1, hidden.shape[2])[torch.from_numpy(np.concatenate(at)).to(hidden.device)]
            logp = decoder.log_probs_after(states, np.concatenate(target)).cpu().double().numpy()
            return np.array([part.sum() for part in np.split(logp, np.cumsum([len(t) for t in target])[:-1])])

        for rows, values in in_batches(joint.lengths - start.n, budget, forward):
            logprob[window.start + rows] = values
            progress.update(len(rows))
    return TextScores(logprob, n_tokens)
