"""Training on plain (prompt, completion) tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import rewards as rewards
    from ._add_genes import add_genes
    from ._augment import Augment
    from ._build_captions import build_captions
    from ._build_qa import build_qa
    from ._build_result import Built
    from ._corpus import corpus
    from ._corpus_batch import CellBatch
    from ._corpus_folder import Corpus
    from ._estimate import TrainingEstimate, estimate
    from ._gene_vectors import gene_vectors
    from ._grpo import grpo
    from ._grpo_result import GRPOResult
    from ._lora import lora
    from ._merge import merge
    from ._mixture import Mixture, Source
    from ._new_model import new_model
    from ._order import batches_by_task
    from ._pairs import match_pairs
    from ._portable import save_portable
    from ._presets import Preset, presets
    from ._qa_samples import qa_samples
    from ._read_qa import read_qa
    from ._samples import task_samples
    from ._scaling import scaling
    from ._scaling_fit import ScalingFit
    from ._scaling_result import Scaling
    from ._sentences import varied_sentences
    from ._sft import sft
    from ._split import split
    from ._tokenizer import gene_tokenizer
    from ._trained import Trained

__all__ = [
    "Augment",
    "Built",
    "CellBatch",
    "Corpus",
    "GRPOResult",
    "Mixture",
    "Preset",
    "Scaling",
    "ScalingFit",
    "Source",
    "Trained",
    "TrainingEstimate",
    "add_genes",
    "batches_by_task",
    "build_captions",
    "build_qa",
    "corpus",
    "estimate",
    "gene_tokenizer",
    "gene_vectors",
    "grpo",
    "lora",
    "match_pairs",
    "merge",
    "new_model",
    "presets",
    "qa_samples",
    "read_qa",
    "save_portable",
    "scaling",
    "sft",
    "split",
    "task_samples",
    "varied_sentences",
]

_WHERE = {
    "Augment": "_augment",
    "Built": "_build_result",
    "CellBatch": "_corpus_batch",
    "Corpus": "_corpus_folder",
    "GRPOResult": "_grpo_result",
    "Mixture": "_mixture",
    "Preset": "_presets",
    "Scaling": "_scaling_result",
    "ScalingFit": "_scaling_fit",
    "Source": "_mixture",
    "Trained": "_trained",
    "TrainingEstimate": "_estimate",
    "add_genes": "_add_genes",
    "batches_by_task": "_order",
    "build_captions": "_build_captions",
    "build_qa": "_build_qa",
    "corpus": "_corpus",
    "estimate": "_estimate",
    "gene_tokenizer": "_tokenizer",
    "gene_vectors": "_gene_vectors",
    "grpo": "_grpo",
    "lora": "_lora",
    "match_pairs": "_pairs",
    "merge": "_merge",
    "new_model": "_new_model",
    "presets": "_presets",
    "qa_samples": "_qa_samples",
    "read_qa": "_read_qa",
    "save_portable": "_portable",
    "scaling": "_scaling",
    "sft": "_sft",
    "split": "_split",
    "task_samples": "_samples",
    "varied_sentences": "_sentences",
    "rewards": "rewards",
}


def __getattr__(name: str) -> Any:
    """Parts are imported when they are first asked for: cells are prepared (``scc2s.pp``) without what trains."""
    if name not in _WHERE:
        msg = f"module 'scc2s.train' has no attribute {name!r}; it has {', '.join(__all__)}"
        raise AttributeError(msg)
    from importlib import import_module

    module = import_module(f"scc2s.train.{_WHERE[name]}")
    value = module if name == "rewards" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_WHERE)
