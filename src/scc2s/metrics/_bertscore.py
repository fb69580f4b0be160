from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Encoded(NamedTuple):
    """A text as an encoder sees it."""

    vectors: np.ndarray
    """Tokens x dimensions, special tokens left out."""
    tokens: list[str] | None = None
    """The tokens, for idf weights."""


@dataclass(frozen=True)
class BertScore:
    """Precision, recall and F1 of each pair, and F1 of texts that do not belong together."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    floor: float
    """Mean F1 of each candidate against the references of the other items: what any two texts of this kind get."""


def bertscore(
    candidates: Sequence[Any],
    references: Sequence[Any],
    encoder: Callable[[str], Any] | None = None,
    *,
    idf: bool = False,
    baseline: float | None = None,
    random_state: int = 0,
) -> BertScore:
    """BERTScore: greedy matching of token vectors by cosine (Zhang et al. 2020, arXiv:1904.09675).

    Precision is the mean over the candidate's tokens of the largest cosine to a reference token, recall the converse,
    F1 their harmonic mean. With a BioBERT encoder this is what C2S-Scale calls BioBERTScore; it names neither
    checkpoint nor layer, so values do not compare with its.

    A high score says that two texts are worded alike, not that either is right of any cells. A general encoder
    (all-MiniLM-L6-v2) gave captions of nine blood types beside a plain description of their own type 0.40 to 0.45 on
    average, beside that of another type 0.33 to 0.38, beside a text about trains 0.17 to 0.18; the right description
    was the best of nine for 4 or 5 of them (``benchmarks/text_encoder.py``). Whether a caption is right is a question
    to the cells: the grounding of :func:`scc2s.tl.caption` (``type_supported``, ``flagged``).

    Parameters
    ----------
    candidates, references
        Texts, pair by pair; or their token vectors (tokens x dimensions), without `encoder`.
    encoder
        Text to token vectors (tokens x dimensions), or to an :class:`Encoded`; :func:`encoder_from` makes one.
    idf
        Weigh tokens by ``-log((1 + number of references with it) / (1 + number of references))``; needs tokens.
    baseline
        Rescale scores to ``(score - baseline) / (1 - baseline)``.
    random_state
        Seed of the floor's pairs.

    Returns
    -------
    Scores of each pair, 0 where a text is empty; and the floor. Values of any two texts lie close together (near 0.8 to
    0.9 with encoders of the BERT kind), so a score says something only beside the floor.

    Examples
    --------
    >>> found = bertscore([np.array([[1, 0], [0.6, 0.8], [0, 1]])], [np.array([[1, 0], [0, 1]])])
    >>> found.precision.round(6).tolist(), found.recall.tolist(), found.f1.round(6).tolist()
    ([0.933333], [1.0], [0.965517])
    """
    if isinstance(candidates, str) or isinstance(references, str) or len(candidates) != len(references):
        msg = "candidates and references are to be lists of one length; pass them pair by pair"
        raise ValueError(msg)
    if baseline is not None and not baseline < 1:
        msg = f"baseline={baseline} leaves no room above it; pass a value under 1"
        raise ValueError(msg)
    cand, ref = ([_encode(text, encoder) for text in texts] for texts in (candidates, references))
    weight = _idf(ref) if idf else None
    scores = np.array([_score(c, r, weight) for c, r in zip(cand, ref, strict=True)]).reshape(-1, 3)
    n = len(cand)
    floor = float("nan")
    if n > 1:
        # Every candidate against another item's reference: a shift by 1 to n - 1 places.
        shift = np.random.default_rng(random_state).integers(1, n, n)
        floor = float(np.mean([_score(c, ref[(i + s) % n], weight)[2] for i, (c, s) in enumerate(zip(cand, shift))]))  # noqa: B905
    if baseline is not None:
        scores, floor = (scores - baseline) / (1 - baseline), (floor - baseline) / (1 - baseline)
    return BertScore(scores[:, 0], scores[:, 1], scores[:, 2], floor)


def encoder_from(folder: str, *, layer: int = -1) -> Callable[[str], Encoded]:
    """An encoder from a folder of a transformers model, e.g. a BioBERT that you have; nothing is downloaded.

    Parameters
    ----------
    folder
        Folder with config, safetensors weights and tokenizer.
    layer
        Layer of the hidden states.

    Returns
    -------
    A function from text to its tokens and their vectors, special tokens left out. Text beyond the encoder's limit is
    cut off, with a warning.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    from scc2s._logging import logger

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    limit = min(tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", 10**9))

    @torch.inference_mode()
    def encode(text: str) -> Encoded:
        if not isinstance(text, str):
            msg = (
                f"this encoder takes one text, not {type(text).__name__}; for one vector of each text of a list pass "
                "lambda texts: np.stack([encoder(text).vectors.mean(axis=0) for text in texts])"
            )
            raise TypeError(msg)
        whole = tokenizer(text, return_special_tokens_mask=True, verbose=False)
        if (n := len(whole["input_ids"])) > limit:
            logger.warning("a text of %d tokens is cut to the %d of the encoder", n, limit)
            whole = tokenizer(text, return_special_tokens_mask=True, truncation=True, max_length=limit)
        ids = torch.tensor([whole["input_ids"]])
        hidden = model(input_ids=ids, output_hidden_states=True).hidden_states[layer][0]
        kept = np.flatnonzero(np.array(whole["special_tokens_mask"]) == 0)
        tokens = tokenizer.convert_ids_to_tokens(whole["input_ids"])
        return Encoded(hidden[torch.from_numpy(kept)].float().numpy(), [tokens[i] for i in kept])

    return encode


def _encode(text: Any, encoder: Callable[[str], Any] | None) -> Encoded:
    if encoder is None:
        if isinstance(text, str):
            msg = "texts need an encoder; pass encoder= a function from text to vectors, e.g. encoder_from(folder)"
            raise ValueError(msg)
        found: Any = text
    elif not text.strip():
        return Encoded(np.empty((0, 1)), [])
    else:
        found = encoder(text)
    out = found if isinstance(found, Encoded) else Encoded(np.asarray(found, dtype=np.float64))
    vectors = np.asarray(out.vectors, dtype=np.float64)
    if vectors.ndim != 2:
        msg = f"an encoded text has shape {vectors.shape}; return tokens x dimensions"
        raise ValueError(msg)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return Encoded(vectors / np.where(norms > 0, norms, 1), out.tokens)


def _idf(references: list[Encoded]) -> Callable[[str], float]:
    if any(reference.tokens is None for reference in references):
        msg = "idf weights need the tokens; let the encoder return Encoded(vectors, tokens), or pass idf=False"
        raise ValueError(msg)
    n = len(references)
    having = Counter(token for reference in references for token in set(reference.tokens or []))
    return lambda token: float(-np.log((1 + having[token]) / (1 + n)))


def _score(candidate: Encoded, reference: Encoded, weight: Callable[[str], float] | None) -> tuple[float, float, float]:
    if not len(candidate.vectors) or not len(reference.vectors):
        return 0.0, 0.0, 0.0
    similarity = candidate.vectors @ reference.vectors.T
    precision = _mean(similarity.max(axis=1), candidate.tokens, weight)
    recall = _mean(similarity.max(axis=0), reference.tokens, weight)
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def _mean(values: np.ndarray, tokens: list[str] | None, weight: Callable[[str], float] | None) -> float:
    weights = None if weight is None else np.array([weight(token) for token in tokens or []])
    if weights is None or not weights.sum():
        return float(values.mean())
    return float(np.average(values, weights=weights))
