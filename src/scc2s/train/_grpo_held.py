"""Rollouts held to genes, and log-probabilities of the policy that wrote them. Imports torch."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scc2s.models._tokens import tokenize
from scc2s.models._torch._constrain import GeneConstraint
from scc2s.models._torch._generate import end_tokens
from scc2s.models._torch._model import TorchModel
from scc2s.models._torch._plan import Plan
from scc2s.models._torch._vocabulary import Tries, gene_tokens
from scc2s.models.decoding import GeneVocabulary, Sampling
from scc2s.models.decoding._sampling import seeds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scc2s.models._torch._decoder import Decoder


class Held:
    """What is written is drawn from the model's probabilities of the tokens that may come next, rescaled to sum to 1.

    That rescaled distribution is the policy: with the tokens A(s) that the genes allow after s,
    ``pi_C(t | s) = pi(t | s) / sum of pi(u | s) over u in A(s)`` for t in A(s), else 0. The gradient of an expected
    reward under pi_C holds ``grad log pi_C``, not ``grad log pi``: they differ by the gradient of the log mass of A(s),
    which an unconstrained loss would push up in rewarded answers and down in others. So policy, old policy and
    reference are all taken as pi_C here. A token that is the only way on has probability 1 and no gradient.

    Parameters
    ----------
    lm, tokenizer
        The model that is trained.
    genes
        What may be written.
    temperature
        Of the policy.
    """

    def __init__(self, lm: Any, tokenizer: Any, genes: GeneVocabulary, temperature: float) -> None:
        self.genes, self.temperature = genes, temperature
        self.tokenizer = tokenizer
        self.model = TorchModel(lm, tokenizer, id="policy")
        decoder: Decoder = self.model._decoder
        self._ends = end_tokens(decoder, tokenizer)
        self._plan = Plan.make(GeneVocabulary(genes.names, 1), Tries(tokenizer), 1, self._ends, None)
        self._ids = {
            name: ids.tolist() for name, ids in zip(genes.names, gene_tokens(tokenizer, genes.names), strict=True)
        }
        self._trie = self._plan.trie.renumbered(self._plan.tokens)
        self._own_ends = np.searchsorted(self._plan.tokens, self._ends).tolist()

    def check(self, prompts: Sequence[str], lengths: np.ndarray) -> None:
        """Refuse prompts after which the genes do not fit the context; see :class:`Plan`."""
        found = tokenize(self.tokenizer, list(prompts)).lengths
        whole = Plan(self.genes, self._plan.trie, self._plan.sizes, lengths, self._ends, None)
        whole.check(np.arange(len(lengths)), found, self.model.max_tokens)

    def most_tokens(self, n_genes: int) -> int:
        """Tokens of an answer of so many genes with its end, on average over the names."""
        return int(np.ceil(n_genes * self._plan.sizes.mean())) + 1

    def write(
        self, prompts: Sequence[str], lengths: Sequence[int], *, random_state: int
    ) -> tuple[list[list[int]], list[list[int]]]:
        """Token ids of prompts and of one answer to each; the same prompt gets another draw each time."""
        times: dict[str, int] = {}
        draws = []
        for prompt in prompts:
            draws.append(times.get(prompt, 0))
            times[prompt] = draws[-1] + 1
        lm = self.model._decoder.lm
        was_training = lm.training
        lm.eval()
        try:
            texts = self.model.generate(
                prompts,
                genes=GeneVocabulary(self.genes.names, [int(n) for n in lengths], self.genes.exact),
                sampling=Sampling(self.temperature),
                seeds=seeds_of(prompts, draws, random_state),
                progress=False,
            )
        finally:
            lm.train(was_training)
        asked = [row.tolist() for row in tokenize(self.tokenizer, list(prompts)).ids]
        context = self.model.max_tokens
        written = []
        for prompt, text in zip(asked, texts, strict=True):
            ids = [token for name in text.split() for token in self._ids[name]]
            fits = context is None or len(prompt) + len(ids) < context
            written.append([*ids, self._ends[0]] if fits or not ids else ids)
        return asked, written

    def teach(self, lm: Any) -> None:
        """Let a model give log-probabilities under the genes: ``lm(input_ids, attention_mask, held=(lengths, n))``."""
        plain = lm.forward
        own = self.model if lm is self.model._decoder.lm else TorchModel(lm, self.tokenizer, id="reference")
        decoder = own._decoder

        @functools.wraps(plain)
        def forward(*args: Any, held: tuple[torch.Tensor, int] | None = None, **arguments: Any) -> Any:
            if held is None:
                return plain(*args, **arguments)
            lengths, n = held
            scores = self._scores(decoder, plain, arguments["input_ids"], arguments["attention_mask"], n)
            ids, mask = arguments["input_ids"][:, -n:], arguments["attention_mask"][:, -n:]
            return self._log_probs(scores, ids, mask.bool(), lengths)

        lm.forward = forward

    def _scores(self, decoder: Decoder, plain: Any, ids: torch.Tensor, mask: torch.Tensor, n: int) -> torch.Tensor:
        """Logits of the tokens that an answer can have, before each of the last `n` tokens."""
        arguments = {"input_ids": ids, "attention_mask": mask, "use_cache": False}
        own = torch.as_tensor(self._plan.tokens, device=ids.device)
        if not decoder.tested:
            found: torch.Tensor = plain(**arguments).logits[:, -n - 1 : -1]
            return found[..., own].float()
        if "position_ids" in inspect.signature(decoder.base.forward).parameters:
            arguments["position_ids"] = (mask.long().cumsum(dim=1) - 1).clamp(min=0)
        hidden = decoder.base(**arguments).last_hidden_state[:, -n - 1 : -1]
        head = decoder.lm.get_output_embeddings()
        if isinstance(head, torch.nn.Linear) and not hasattr(head, "_hf_hook"):
            bias = None if head.bias is None else head.bias[own]
            logits = torch.nn.functional.linear(hidden, head.weight[own].to(hidden.dtype), bias)
        else:
            logits = head(hidden)[..., own]
        return decoder._capped(logits.float())

    def _log_probs(
        self, scores: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probability of each token of the answers, and the entropy before it; 0 where there is no token."""
        own = torch.as_tensor(self._plan.tokens, device=ids.device)
        at = torch.searchsorted(own, ids.contiguous()).clamp(max=len(own) - 1)
        at = torch.where(mask, at, torch.full_like(at, self._own_ends[0]))
        if len(self._own_ends) > 1:  # an answer ends as likely as by the likeliest of them
            best = scores[..., self._own_ends].amax(dim=2, keepdim=True)
            first = torch.arange(len(own), device=scores.device) == self._own_ends[0]
            scores = torch.where(first, best, scores)
        held = scores.masked_fill(~self._allowed(at, lengths, scores.device), float("-inf")) / self.temperature
        mass = held.logsumexp(dim=2)
        logp = held.gather(2, at[..., None])[..., 0] - mass
        with torch.no_grad():
            shares = (held - mass[..., None]).exp()
            entropy = -torch.xlogy(shares, shares).sum(dim=2)
        nothing = torch.zeros_like(mass)
        return torch.where(mask, logp, nothing), torch.where(mask, entropy, nothing)

    @torch.no_grad()
    def _allowed(self, at: torch.Tensor, lengths: torch.Tensor, device: torch.device) -> torch.Tensor:
        """Which tokens could come at each place of these answers: rows x places x tokens, by the sampler's own rule."""
        constraint = GeneConstraint(
            self._trie,
            lengths.cpu().numpy(),
            vocab_size=len(self._plan.tokens),
            ends=self._own_ends,
            exact=self.genes.exact,
            device=device,
        )
        found = []
        for step in range(at.shape[1]):
            found.append(constraint.hold(torch.zeros((len(at), len(self._plan.tokens)), device=device)) > float("-inf"))
            constraint.advance(at[:, step])
        return torch.stack(found, dim=1)
