from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True)
class Trained:
    """What a training run leaves.

    Examples
    --------
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> done = Trained(Path("runs/blood/model"), {"train_loss": 0.4}, pd.DataFrame({"step": [10], "loss": [0.4]}))
    >>> done.folder.as_posix(), done.metrics["train_loss"]
    ('runs/blood/model', 0.4)
    """

    folder: Path
    """Of the finished model or adapter, with its card: for ``scc2s.models.load(folder)`` of a model, and
    ``scc2s.models.load(base, adapter=folder)`` of an adapter."""
    metrics: dict[str, float]
    """Loss, tokens and time of the run."""
    history: pd.DataFrame
    """One row a step that was logged or evaluated: ``step``, ``epoch``, ``loss``, ``learning_rate``, ``grad_norm``,
    and, with a validation, ``eval_loss`` and one ``eval_loss_<task>`` for each task."""
