"""Training on plain (prompt, completion) tables."""

from ._augment import Augment
from ._lora import lora
from ._merge import merge
from ._new_model import new_model
from ._order import batches_by_task
from ._pairs import match_pairs
from ._portable import save_portable
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
    "Trained",
    "Scaling",
    "ScalingFit",
    "batches_by_task",
    "gene_tokenizer",
    "lora",
    "match_pairs",
    "merge",
    "new_model",
    "save_portable",
    "scaling",
    "sft",
    "split",
    "task_samples",
    "varied_sentences",
]
