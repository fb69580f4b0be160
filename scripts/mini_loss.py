"""The loss of long answers of genes: the softmax over some of the words, and none over genes that were said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterable


class SampledLoss:
    """Mean negative log-likelihood of completions, with the sum over all words estimated from some of them.

    The words of the batch and those that come often count as they are, half as many of the rest, drawn at random, for all of
    it: their logits get log(rest / drawn), so that the sum is right on average (importance sampling; Bengio and Senecal 2008,
    IEEE Trans. Neural Netw. 19:713). Half the cost of a step for answers of 200 genes out of 14,000. It is no part of the
    package, as it pays for small models with many genes on a CPU alone.

    A gene is no choice after it was said, as when a model is held to genes. What it still takes of the probability, when the
    model writes freely, counts with weight `repeats`: a small model cannot keep 200 words in mind, and when it has to, it
    holds common genes for said that are not.

    Parameters
    ----------
    tokenizer
        Of the model.
    genes
        Words that may be said once.
    completions
        Some, in which the words that come often are counted.
    n_often
        How many of these there are.
    repeats
        Weight of what genes that were said still get.
    """

    def __init__(
        self,
        tokenizer: Any,
        genes: Iterable[str],
        completions: Iterable[str],
        *,
        n_often: int = 2000,
        repeats: float = 0.1,
    ):
        ids = torch.tensor([i for row in tokenizer(list(completions))["input_ids"] for i in row])
        counts = torch.bincount(ids, minlength=len(tokenizer))
        self.often, self.n_others, self.repeats = counts.topk(n_often).indices, n_often // 2, repeats
        self.once = torch.zeros(len(counts), dtype=torch.bool)
        vocabulary = tokenizer.get_vocab()
        self.once[[vocabulary[f"Ġ{g}"] for g in set(genes) if f"Ġ{g}" in vocabulary]] = True

    def __call__(self, model: Any, inputs: dict[str, torch.Tensor], generator: torch.Generator) -> torch.Tensor:
        """The loss of one batch."""
        hidden = model.base_model(inputs["input_ids"]).last_hidden_state[:, :-1]
        target = inputs["labels"][:, 1:]
        seen = target != -100
        words, place = torch.unique(torch.cat([target[seen], self.often.to(target.device)]), return_inverse=True)
        place = place[: int(seen.sum())]
        weight = model.get_output_embeddings().weight
        rest = torch.ones(len(weight), dtype=torch.bool, device=words.device)
        rest[words] = False
        others = rest.nonzero().squeeze(1)
        drawn = others[torch.randperm(len(others), generator=generator)[: self.n_others].to(others.device)]
        logits = (hidden[seen] @ weight[torch.cat([words, drawn])].T).float()
        more = np.log(len(others) / max(len(drawn), 1))
        logits = logits + torch.cat([torch.zeros(len(words)), torch.full((len(drawn),), more)]).to(logits.device)
        said = torch.zeros(logits.shape, dtype=torch.bool, device=logits.device)
        first = 0
        for row in seen:
            n = int(row.sum())
            own = place[first : first + n]
            genes = self.once.to(own.device)[words[own]].nonzero().squeeze(1)
            before = genes[None, :] < torch.arange(n, device=own.device)[:, None]
            said[first : first + n].scatter_(1, own[genes].expand(n, -1), before)
            first += n
        left = logits.masked_fill(said, float("-inf"))
        again = (logits.logsumexp(1) - left.logsumexp(1)).mean()
        return torch.nn.functional.cross_entropy(left, place) + self.repeats * again
