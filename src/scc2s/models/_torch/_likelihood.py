from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scc2s.models._finite import check_finite, in_torch
from scc2s.models._protocols import TextScores
from scc2s.models._tokens import check_lengths, check_pairs, continued, windows

from ._memory import in_batches
from ._pad import pad_right
from ._prefix import growing, shared_start
from ._workers import n_workers

if TYPE_CHECKING:
    from tqdm.auto import tqdm

    from ._decoder import Decoder


def log_likelihood(
    decoder: Decoder, tokenizer: Any, prompts: list[str], answers: list[str], *, budget: int, progress: tqdm
) -> TextScores:
    """Log-likelihood of one answer after each prompt; see :meth:`scc2s.models.Reads.log_likelihood`."""
    check_pairs(prompts, answers)
    logprob, n_tokens = np.zeros(len(prompts)), np.zeros(len(prompts), dtype=np.int64)
    for window in windows(len(prompts)):
        alone, joint = continued(tokenizer, prompts[window], answers[window], first=window.start)
        check_lengths(joint.lengths, decoder.max_tokens, first=window.start)
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

        for rows, values in in_batches(joint.lengths - start.n, budget, forward, workers=n_workers(decoder)):
            logprob[window.start + rows] = values
            progress.update(len(rows))
    check_finite(logprob, "log-likelihoods", in_torch(str(decoder.lm.dtype)))
    return TextScores(logprob, n_tokens)
