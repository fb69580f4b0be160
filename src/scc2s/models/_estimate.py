from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scc2s._settings import settings

from ._catalogue import entry, measure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

Task = Literal["embed", "annotate", "generate"]

# Measured on GPT-NeoX's tokenizer with 100- and 200-gene prompts of human blood cells: the frame of a prompt has 47
# tokens, a gene 3.4 to 3.8, a cell-type label 6.4.
_FRAME = 47
_PER_GENE = 3.6
_PER_LABEL = 6.4
_LABELS = 20
# Operations a second reached in practice: a few CPU cores in float32, one data-centre GPU in bfloat16.
SPEED = {"cpu": 1e11, "gpu": 5e13}
# One token at a time waits for the weights to be read, and reaches about a tenth of that.
DECODING = 10
_CLASSES = ((60, "seconds"), (3600, "minutes"), (86400, "hours"), (86400 * 14, "days"))
# Activations of a batch, in states of the model's width a token: queries, keys, values, MLP and its result.
_STATES = 16
_BATCH = 16384


@dataclass(frozen=True)
class Estimate:
    """What a task will take, within a factor of about three."""

    tokens: int
    """Tokens read and written."""
    flops: float
    """Floating-point operations."""
    memory_gb: float
    """Weights in bfloat16 and one batch on a GPU, in 10^9 bytes; twice as much in float32."""
    time: dict[str, str]
    """``"seconds"``, ``"minutes"``, ``"hours"``, ``"days"`` or ``"weeks"`` on a ``"cpu"`` and on a ``"gpu"``."""


def estimate(
    n_cells: int, *, n_genes: int = 200, model: str | PathLike[str] | Any = None, task: Task = "embed"
) -> Estimate:
    """What a task will take before it is run: tokens, memory, operations, and the order of the time.

    Operations of a token: two for each weight outside the token embedding, plus attention to the tokens before it
    (Kaplan et al. 2020, arXiv:2001.08361, table 1), plus the LM head where it is needed.

    Parameters
    ----------
    n_cells
        Cells.
    n_genes
        Genes of a sentence.
    model
        An id of :func:`catalogue`, a model folder, or a loaded model of one of these; ``None`` takes
        ``scc2s.settings.model``. Nothing is downloaded or loaded.
    task
        ``"embed"``, ``"annotate"`` (20 labels scored) or ``"generate"`` (a sentence of `n_genes` written).

    Raises
    ------
    ValueError
        Unknown task, negative numbers, or a model of which the size is not known here.

    Examples
    --------
    >>> small = estimate(10_000, model="vandijklab/C2S-Pythia-410m-cell-type-prediction")
    >>> large = estimate(10_000, model="vandijklab/C2S-Scale-Gemma-2-27B")
    >>> small.time["gpu"], large.time["cpu"]
    ('minutes', 'weeks')
    """
    if task not in {"embed", "annotate", "generate"}:
        msg = f'unknown task {task!r}; use task="embed", "annotate" or "generate"'
        raise ValueError(msg)
    if n_cells < 0 or n_genes < 1:
        msg = f"{n_cells} cells of {n_genes} genes; use n_cells from 0 and n_genes from 1"
        raise ValueError(msg)
    facts = _facts(model)
    genes = round(n_genes * facts.get("tokens_per_gene", _PER_GENE))
    prompt = _FRAME + (genes if task != "generate" else 0)
    answer = {"embed": 0, "annotate": round(_LABELS * _PER_LABEL), "generate": genes}[task]
    read, written = work(facts, prompt, answer)
    seconds = read + written * (DECODING if task == "generate" else 1)
    return Estimate(
        tokens=n_cells * (prompt + answer),
        flops=float(n_cells * (read + written)),
        memory_gb=memory_gb(facts),
        time={device: time_class(n_cells * seconds / speed) for device, speed in SPEED.items()},
    )


def work(facts: Mapping[str, Any], prompt: Any, answer: Any) -> tuple[Any, Any]:
    """Operations of reading prompts, and of their answers, from the numbers of tokens of both (one, or arrays)."""
    layers, width, vocabulary = facts["layers"], facts["width"], facts["vocabulary"]
    body = facts["parameters"] - vocabulary * width * (1 if facts["tied"] else 2)
    tokens = prompt + answer
    attention = 4 * layers * width * tokens * (tokens / 2)
    return 2 * body * prompt + attention, 2 * (body + vocabulary * width) * answer


def memory_gb(facts: Mapping[str, Any]) -> float:
    """Weights in bfloat16 and one batch, in 10^9 bytes."""
    return float(round((2 * facts["parameters"] + 2 * _STATES * facts["width"] * _BATCH) / 1e9, 2))


def _facts(model: Any) -> dict[str, Any]:
    name = str(getattr(model, "id", model) if model is not None else settings.model)
    facts = entry(name) or measure(Path(name).expanduser())
    if not {"parameters", "layers", "width", "vocabulary", "tied"} <= set(facts):
        msg = f"the size of {name!r} is not known here; give an id of scc2s.models.catalogue() or the folder of a model"
        raise ValueError(msg)
    return facts


def time_class(seconds: float) -> str:
    return next((name for limit, name in _CLASSES if seconds < limit), "weeks")
