"""Training on plain (prompt, completion) tables."""

from . import rewards as rewards
from ._augment import Augment
from ._grpo import GRPOResult, grpo
from ._pairs import match_pairs
from ._portable import save_portable
from ._presets import Preset, presets
from ._samples import task_samples
from ._sentences import varied_sentences
from ._sft import batches_by_task, sft
from ._split import split
from ._tokenizer import gene_tokenizer

__all__ = [
    "Augment",
    "GRPOResult",
    "Preset",
    "batches_by_task",
    "gene_tokenizer",
    "grpo",
    "match_pairs",
    "presets",
    "save_portable",
    "sft",
    "split",
    "task_samples",
    "varied_sentences",
]
