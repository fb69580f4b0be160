"""Whether an exported graph gives what torch gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._model import OnnxModel
from ._record import GRAPH, TOKENIZER
from ._session import open_session
from ._tokenizer import FileTokenizer
from ._writing import OnnxWriter

if TYPE_CHECKING:
    from pathlib import Path

    from scc2s.models._torch import TorchModel

    from ._record import Record

_LARGEST_DIFFERENCE = 1e-4
_LEAST_COSINE = 0.999
_GENES = ["CD3D", "LYZ", "MALAT1", "HLA-DRA", "RPS27A", "ISG15", "MT-CO1", "NKG7", "CST3", "B2M", "AC1.2"]


def check(source: TorchModel, folder: Path, record: Record) -> dict[str, float]:
    """Agreement of the graph with torch, on prompts of several lengths.

    Raises
    ------
    ValueError
        There is too little of it.
    """
    precision = record.precision
    model = OnnxModel(record, *_opened(folder, source))
    prompts, choices = _prompts(source), [" B cell", " CD4 T cell", " natural killer cell"]
    ends = source.tokenizer.eos_token_id is not None
    expected, found = (one.embed(prompts, progress=False) for one in (source, model))
    said, heard = (_likelihoods(one, prompts, choices, ends) for one in (source, model))
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    agreement = {
        "embedding_max_difference": float(np.abs(expected - found).max()),
        "embedding_cosine": float(((expected * found).sum(axis=1) / norms).min()),
        "score_max_difference": float(np.abs(said - heard).max()),
        "score_correlation": float(np.corrcoef(said, heard)[0, 1]),
    }
    exact = max(agreement["embedding_max_difference"], agreement["score_max_difference"]) <= _LARGEST_DIFFERENCE
    if not (exact if precision == "fp32" else agreement["embedding_cosine"] >= _LEAST_COSINE):
        limit = f"{_LARGEST_DIFFERENCE:g} at most" if precision == "fp32" else f"a cosine of {_LEAST_COSINE}"
        told = ", ".join(f"{name} {value:.2g}" for name, value in agreement.items())
        mend = "use backend='torch'" if precision == "fp32" else 'export with precision="fp32"'
        msg = (
            f"the graph differs from torch ({told}), where {precision} has to reach {limit}; nothing was saved; {mend}"
        )
        raise ValueError(msg)
    return agreement


def check_writing(source: TorchModel, folder: Path, record: Record) -> None:
    """Refuse a graph in fp32 that writes other genes than torch."""
    from scc2s.models.decoding import GeneVocabulary

    model = OnnxWriter(record, *_opened(folder, source), folder)
    genes = GeneVocabulary(_GENES, 5)
    prompts = _prompts(source)[:4]
    expected, found = (one.generate(prompts, genes=genes, progress=False) for one in (source, model))
    if record.precision == "fp32" and expected != found:
        msg = f"the graph writes {found[0]!r} where torch writes {expected[0]!r}; nothing was saved; pass writes=False"
        raise ValueError(msg)


def _opened(folder: Path, source: TorchModel) -> tuple[FileTokenizer, Any, str]:
    tokenizer = FileTokenizer(folder / TOKENIZER, source.tokenizer.eos_token_id)
    return tokenizer, *open_session(folder / GRAPH, "cpu")


def _likelihoods(model: Any, prompts: list[str], choices: list[str], ends: bool) -> np.ndarray:
    if ends:
        found: np.ndarray = model.score(prompts, choices, progress=False).logprob.ravel()
    else:
        found = model.log_likelihood(prompts, [choices[0]] * len(prompts), progress=False).logprob
    return found


def _prompts(source: TorchModel) -> list[str]:
    """Prompts of 1 to 120 gene-like words, as far as they fit."""
    rng = np.random.default_rng(0)
    words = np.array(_GENES)
    made = []
    for n in (1, 3, 10, 30, 60, 120):
        prompt = f"Genes of a cell: {' '.join(rng.choice(words, n))}. Cell type:"
        if source.max_tokens is None or source.count_tokens([prompt])[0] + 40 <= source.max_tokens:
            made.append(prompt)
    return made or ["CD3D:"]
