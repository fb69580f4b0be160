from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers.cache_utils import Cache

from scc2s.models._finite import check_finite, in_torch
from scc2s.models._protocols import LabelScores
from scc2s.models._tokens import Tokens, answer_tokens, check_lengths, tokenize, windows
from scc2s.models._tree import Tree, trees

from ._mask import mask
from ._memory import in_batches
from ._pad import pad_right
from ._prefix import growing, read_only, shared_start
from ._workers import n_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tqdm.auto import tqdm

    from ._decoder import Decoder

# Tokens of answers in one forward pass: few enough that mask and logits stay small beside the prompts.
_TREE = 256


def score(
    decoder: Decoder,
    tokenizer: Any,
    prompts: list[str],
    choices: list[str],
    *,
    budget: int,
    progress: tqdm,
) -> LabelScores:
    """Exact log-likelihood of each choice and the end token; see :meth:`scc2s.models.Scores.score`."""
    answers = answer_tokens(tokenizer, prompts, choices)
    eos = tokenizer.eos_token_id
    n_tokens = np.array([len(answer) + 1 for answer in answers])
    forest = list(trees(answers, _TREE))
    out = np.empty((len(prompts), len(choices)), dtype=np.float64)
    for window in windows(len(prompts)):
        tokens = tokenize(tokenizer, prompts[window])
        longest = int(n_tokens.max()) - 1
        check_lengths(
            tokens.lengths, decoder.max_tokens, first=window.start, extra=longest, extra_name="the longest choice"
        )
        if decoder.tested:
            running = _by_tree(decoder, tokens, forest, eos, budget)
        else:
            running = in_batches(tokens.lengths, 1, _by_cache(decoder, tokens.ids, answers, eos))
        for rows, values in running:
            out[window][rows] = values
            progress.update(len(rows))
    check_finite(out, "scores", in_torch(str(decoder.lm.dtype)))
    return LabelScores(out, n_tokens)


def _by_tree(
    decoder: Decoder, tokens: Tokens, forest: list[Tree], eos: int, budget: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every prompt once, then all choices (of a tree) in one forward pass after it."""
    start = shared_start(decoder, tokens.ids)

    def forward(rows: np.ndarray) -> np.ndarray:
        cache = growing(start.cache, len(rows))
        prompts = [tokens.ids[row][start.n :] for row in rows]
        hidden = decoder.hidden(pad_right(prompts), cache=cache)
        own = torch.tensor([len(prompt) for prompt in prompts], device=hidden.device)
        last = hidden[torch.arange(len(rows), device=hidden.device), own - 1]
        width = start.n + hidden.shape[1]
        past = read_only(cache)
        out = np.empty((len(rows), sum(len(tree.choices) for tree in forest)))
        for tree in forest:
            out[:, tree.choices] = _read_tree(decoder, tree, past, last, start.n + own, width, eos)
        return out

    largest = max(len(tree.tokens) for tree in forest)
    return in_batches(tokens.lengths - start.n + largest, budget, forward, workers=n_workers(decoder))


def _read_tree(
    decoder: Decoder, tree: Tree, past: Cache, last: torch.Tensor, lengths: torch.Tensor, width: int, eos: int
) -> np.ndarray:
    """Log-likelihood of the answers of a tree after prompts whose keys and values are there: rows x answers."""
    hidden = decoder.hidden(
        torch.from_numpy(tree.tokens).expand(len(lengths), -1),
        cache=past,
        mask=mask(tree, lengths, width, config=decoder.config, dtype=last.dtype),
        positions=lengths[:, None] + torch.as_tensor(tree.depth, device=lengths.device),
    )
    # State 0 is the end of the prompt, state i + 1 the node i.
    states = torch.cat([last[:, None], hidden], dim=1)
    at = np.concatenate([tree.parent, tree.ends]) + 1
    next_tokens = np.concatenate([tree.tokens, np.full(len(tree.ends), eos)])
    order = np.argsort(at, kind="stable")
    logp = np.empty((len(lengths), len(at)))
    logp[:, order] = decoder.log_probs(states, at[order], next_tokens[order]).cpu().numpy()
    steps, stops = logp[:, : len(tree.tokens)], logp[:, len(tree.tokens) :]
    totals: np.ndarray = steps @ tree.sees[tree.ends].T + stops
    return totals


def _by_cache(
    decoder: Decoder, ids: list[np.ndarray], answers: list[np.ndarray], eos: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Every prompt once, then its keys and values copied for each choice: only what any architecture offers."""
    keep = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(decoder.lm.forward).parameters else {}
    inputs = pad_right(answers).to(decoder.device)
    targets = pad_right([np.append(answer, eos) for answer in answers]).to(decoder.device)
    counted = torch.arange(targets.shape[1], device=decoder.device) <= torch.tensor(
        [[len(answer)] for answer in answers], device=decoder.device
    )

    def one(prompt: np.ndarray) -> np.ndarray:
        begun = decoder.lm(
            input_ids=torch.from_numpy(prompt.astype(np.int64))[None].to(decoder.device), use_cache=True, **keep
        )
        past = getattr(begun, "past_key_values", None)
        if not isinstance(past, Cache):
            msg = f"{type(decoder.lm).__name__} keeps no keys and values to score with; call model.generate"
            raise ValueError(msg)
        found = []
        step = max(1, _TREE // inputs.shape[1])
        for low in range(0, len(answers), step):
            some = slice(low, low + step)
            cache = copy.deepcopy(past)
            cache.batch_repeat_interleave(len(inputs[some]))
            after = decoder.lm(input_ids=inputs[some], past_key_values=cache, use_cache=True).logits
            first = begun.logits[:, -1:].expand(len(after), -1, -1)
            logits = torch.cat([first, after], dim=1).float()
            logp = logits.log_softmax(dim=-1).gather(2, targets[some, :, None])[..., 0]
            found.append(logp.double().masked_fill(~counted[some], 0).sum(dim=1).cpu().numpy())
        return np.concatenate(found)

    return lambda rows: np.stack([one(ids[row]) for row in rows])
