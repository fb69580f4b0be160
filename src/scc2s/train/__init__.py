"""Training on plain (prompt, completion) tables."""

from ._augment import Augment
from ._corpus import corpus
from ._corpus_batch import CellBatch
from ._corpus_folder import Corpus
from ._pairs import match_pairs
from ._portable import save_portable
from ._samples import task_samples
from ._sentences import varied_sentences
from ._sft import batches_by_task, sft
from ._split import split
from ._tokenizer import gene_tokenizer

__all__ = [
    "Augment",
    "CellBatch",
    "Corpus",
    "batches_by_task",
    "corpus",
    "gene_tokenizer",
    "match_pairs",
    "save_portable",
    "sft",
    "split",
    "task_samples",
    "varied_sentences",
]
