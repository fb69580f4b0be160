from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import torch

from scc2s.models._progress import bar
from scc2s.models._taught import Taught
from scc2s.models._tokens import as_list, tokenize

from ._attention import attention
from ._decoder import Decoder
from ._embed import embed
from ._generate import generate
from ._likelihood import log_likelihood
from ._linear import widen
from ._products import use_products
from ._score import score
from ._talk import Talker
from ._vocabulary import Tries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from scc2s.models._protocols import LabelScores, Pooling, TextScores
    from scc2s.models.decoding import GeneVocabulary, Sampling

# Bytes of one number for each token of a padded batch: 1536 tokens in float32 and 3072 in bfloat16 on a CPU, where
# small batches stay in the cache and larger ones gain nothing; a GPU wants to be filled.
_BUDGET = {"cpu": 6144, "mps": 32768, "cuda": 32768}


class TorchModel:
    """A causal language model of transformers with its tokenizer. :func:`scc2s.models.load` makes one from a folder.

    Parameters
    ----------
    lm
        The model with its LM head, on its device.
    tokenizer
        Its tokenizer.
    id
        What provenance calls it.
    revision
        Commit of the hub repository.
    family
        Family of prompts it was trained on.
    labels
        Cell types that it can name.
    tasks
        Tasks of the family that it was trained on.
    taught
        What else it declares.
    weights_hash
        Hash of the weights, for provenance.
    quantization
        How they were quantised when they were loaded.
    adapter
        Folder of the adapter that they were joined with.
    """

    def __init__(
        self,
        lm: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        id: str,
        revision: str | None = None,
        family: str = "scc2s",
        labels: list[str] | None = None,
        tasks: list[str] | None = None,
        taught: Taught | None = None,
        weights_hash: str | None = None,
        quantization: str | None = None,
        adapter: str | None = None,
    ) -> None:
        self.id, self.revision, self.family, self.labels, self.tasks = id, revision, family, labels, tasks
        self.taught = taught or Taught()
        self.tokenizer = tokenizer
        self._tries = Tries(tokenizer)
        self.token_budget = _BUDGET[lm.device.type] // lm.dtype.itemsize
        self._weights_hash, self._quantization, self._adapter = weights_hash, quantization, adapter
        rows = lm.config.get_text_config().vocab_size
        # Some tokenizers have a token for padding that the model has no vector for.
        pad_id = next((i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id) if i is not None and i < rows), 0)
        self.max_tokens = context(lm, tokenizer)
        widen(lm)
        use_products(lm)
        self._decoder = Decoder(lm.eval(), pad_id, self.max_tokens)
        self._talker = Talker(self._decoder, tokenizer, id, self.token_budget)
        self._at_once = _batches_at_once(self._decoder.config, self.token_budget * lm.dtype.itemsize)

    def __repr__(self) -> str:
        return f"TorchModel({self.id!r}, device={self.device!r}, dtype={self.dtype!r})"

    @property
    def device(self) -> str:
        """Where the weights are."""
        return str(self._decoder.device)

    @property
    def dtype(self) -> str:
        """Number format of the weights."""
        return str(self._decoder.lm.dtype).removeprefix("torch.")

    def info(self) -> dict[str, Any]:
        """What a result that this model gave should record."""
        joined = {} if self._adapter is None else {"adapter": self._adapter}
        return joined | {
            "id": self.id,
            "revision": self.revision,
            "weights_hash": self._weights_hash,
            "family": self.family,
            "architecture": self._decoder.config.model_type,
            "n_parameters": self._decoder.lm.num_parameters(),
            "max_tokens": self.max_tokens,
            "backend": "torch",
            "device": self.device,
            "devices": sorted({str(part.device) for part in self._decoder.lm.parameters()}),
            "dtype": self.dtype,
            "quantization": self._quantization,
            "attention": getattr(self._decoder.config, "_attn_implementation", None),
            "torch": torch.__version__,
            "transformers": version("transformers"),
        }

    def count_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Number of tokens of each text as a prompt, with the special tokens that the tokenizer adds."""
        return tokenize(self.tokenizer, as_list(texts)).lengths

    @torch.inference_mode()
    def embed(
        self,
        prompts: Sequence[str],
        *,
        spans: Sequence[tuple[int, int]] | None = None,
        pooling: Pooling = "mean",
        layer: int = -1,
        progress: bool = True,
    ) -> np.ndarray:
        """One vector a prompt; see :meth:`scc2s.models.Embeds.embed`."""
        prompts = as_list(prompts)
        with bar(len(prompts), "embed", show=progress) as running:
            return embed(
                self._decoder,
                self.tokenizer,
                prompts,
                spans=spans,
                pooling=pooling,
                layer=layer,
                budget=self.token_budget,
                progress=running,
            )

    @torch.inference_mode()
    def score(self, prompts: Sequence[str], choices: Sequence[str], *, progress: bool = True) -> LabelScores:
        """Log-likelihood of each choice after each prompt; see :meth:`scc2s.models.Scores.score`."""
        prompts, choices = as_list(prompts), as_list(choices)
        with bar(len(prompts), "score", show=progress) as running:
            return score(self._decoder, self.tokenizer, prompts, choices, budget=self.token_budget, progress=running)

    @torch.inference_mode()
    def log_likelihood(self, prompts: Sequence[str], answers: Sequence[str], *, progress: bool = True) -> TextScores:
        """Log-likelihood of an answer to each prompt; see :meth:`scc2s.models.Reads.log_likelihood`."""
        prompts, answers = as_list(prompts), as_list(answers)
        with bar(len(prompts), "read", show=progress) as running:
            return log_likelihood(
                self._decoder, self.tokenizer, prompts, answers, budget=self.token_budget, progress=running
            )

    @torch.inference_mode()
    def attention(
        self,
        prompts: Sequence[str],
        words: Sequence[list[tuple[int, int]]],
        *,
        layer: int = -1,
        progress: bool = True,
    ) -> list[np.ndarray]:
        """Attention of one layer between the words of each prompt, mean over the heads.

        Parameters
        ----------
        prompts
            Texts; each is read alone.
        words
            First and last + 1 character of the words of each prompt.
        layer
            Number of the layer, -1 for the last.
        progress
            Show a bar after one second.

        Returns
        -------
        Words x words for each prompt, float64; rows attend to columns. Tokens of a word are summed where they are
        attended to, and averaged where they attend.
        """
        prompts = as_list(prompts)
        with bar(len(prompts), "attention", show=progress) as running:
            return attention(self._decoder, self.tokenizer, prompts, words, layer=layer, progress=running)

    def with_random_weights(self, random_state: int = 0) -> TorchModel:
        """The same architecture and tokenizer with weights that were never trained: a control for explanations."""
        with torch.random.fork_rng():
            torch.manual_seed(random_state)
            made: Any = type(self._decoder.lm)
            lm = made(self._decoder.lm.config)
        lm = lm.to(device=self._decoder.device, dtype=self._decoder.lm.dtype)
        return TorchModel(lm, self.tokenizer, id=f"{self.id}, random weights", family=self.family)

    @torch.inference_mode()
    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int | None = None,
        genes: GeneVocabulary | None = None,
        sampling: Sampling | None = None,
        seeds: Sequence[int] | None = None,
        progress: bool = True,
    ) -> list[str]:
        """Answers; see :meth:`scc2s.models.Generates.generate`."""
        prompts = as_list(prompts)
        with bar(len(prompts), "generate", show=progress) as running:
            return generate(
                self._decoder,
                self.tokenizer,
                self._tries,
                prompts,
                max_new_tokens=max_new_tokens,
                genes=genes,
                sampling=sampling,
                seeds=seeds,
                budget=self._at_once * self.token_budget,
                reading=self.token_budget,
                progress=running,
            )

    @torch.inference_mode()
    def reply(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        seed: int | None = None,
    ) -> str:
        """The next answer in a conversation; see :meth:`scc2s.models.Talks.reply`.

        What the last conversations began with is kept in memory (up to 1 GiB, or the last one), so that another
        question about the same cells does not read them again.
        """
        return self._talker.reply(messages, max_new_tokens=max_new_tokens, sampling=sampling, seed=seed)

    def count_message_tokens(self, messages: Sequence[Mapping[str, str]]) -> int:
        """Tokens of a conversation; see :meth:`scc2s.models.Talks.count_message_tokens`."""
        return len(self._talker.tokens(messages))


def context(lm: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Tokens that a model reads at most; ``None`` where nothing says."""
    # The tokenizer's own limit comes second: it is often that of the base model. Where it has none, it says 1e30.
    declared = getattr(lm.config.get_text_config(), "max_position_embeddings", None) or tokenizer.model_max_length
    return int(declared) if declared < 1e9 else None


def _batches_at_once(config: Any, budget_bytes: int) -> int:
    """How many batches of prompts to write answers to together: 4 to 16.

    Each step reads all weights for one token a prompt, so that more prompts at once cost little, as long as their keys
    and values stay small (512 MB here).
    """
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    numbers = 2 * config.num_hidden_layers * heads * width
    return int(min(16, max(4, 2**29 // (numbers * budget_bytes))))
