"""Training on plain (prompt, completion) tables."""

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
