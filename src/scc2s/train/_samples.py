from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s.prompts._task import SENTENCE, SENTENCES

from ._sentences import varied_sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scipy import sparse

    from scc2s.prompts import Task

    from ._augment import Augment

_BLANK = {"", "nan", "NaN", "<NA>", "NaT"}


def task_samples(
    task: Task,
    X: sparse.csr_matrix,
    names: Sequence[str],
    fields: Mapping[str, Sequence[str]],
    *,
    pairs: np.ndarray | None = None,
    n_genes: int = 200,
    copies: int = 1,
    augment: Augment | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Prompts and completions of one task, from plain arrays. :func:`scc2s.pp.samples` is its face for AnnData.

    Parameters
    ----------
    task
        What is asked.
    X, names
        Expression (cells x genes) and the words of the genes.
    fields
        Text of each cell for the other fields of template and response.
    pairs
        Rows of control and perturbed cells: the prompt shows the first, the completion the second. ``None``: every
        cell with itself.
    n_genes, augment, seed
        As in :func:`varied_sentences`; sentences of completions are never varied, only as long as drawn.
    copies
        Samples a cell or pair, each varied anew.

    Returns
    -------
    Columns ``prompt``, ``completion``, ``task``, ``row`` (of the cell in the completion).

    Raises
    ------
    ValueError
        If the answer for a cell is missing or blank.
    """
    if pairs is None:
        pairs = np.repeat(np.arange(X.shape[0])[:, None], 2, axis=1)
    shown, answered = pairs[:, 0], pairs[:, 1]
    wanted = task.response_fields
    refuse_blank(fields, answered, wanted)
    writes_cell = any(f in SENTENCES for f in wanted)
    shows_cell = SENTENCE in task.fields
    plain = varied_sentences(X[answered], names, n_genes=n_genes) if writes_cell else []
    texts = {f: np.asarray(v, dtype=object)[answered].tolist() for f, v in fields.items()}
    # cells of one answer may be mixed, unless the answer is a cell itself
    groups = None if writes_cell else np.array(["\t".join(texts[f][i] for f in wanted) for i in range(len(pairs))])
    frames = []
    for copy in range(copies):
        rng = np.random.default_rng([seed, copy])
        targets = plain
        if writes_cell and augment is not None and not shows_cell:  # the prompt says how many genes to write
            lengths = augment.lengths(len(plain), n_genes, rng)
            targets = [" ".join(s.split()[:n]) for s, n in zip(plain, lengths, strict=True)]
        prompts = (
            varied_sentences(
                X[shown], names, n_genes=n_genes, augment=augment, groups=groups, seed=int(rng.integers(2**31))
            )
            if shows_cell
            else targets
        )
        answers = [
            task.complete(**{f: targets[i] if f in SENTENCES else texts[f][i] for f in wanted})
            for i in range(len(pairs))
        ]
        frames.append(
            pd.DataFrame(
                {"prompt": task.render(prompts, texts).texts, "completion": answers, "task": task.name, "row": answered}
            )
        )
    return pd.concat(frames, ignore_index=True)


def refuse_blank(
    fields: Mapping[str, Sequence[str]], rows: np.ndarray, wanted: Sequence[str], *, what: str = "cells"
) -> None:
    """Raise where a cell has no answer to learn: missing values, blanks, and the words that these become as text."""
    for name in wanted:
        if name not in fields:
            continue
        values = fields[name]
        blank = [i for i in rows.tolist() if not isinstance(values[i], str) or values[i].strip() in _BLANK]
        if blank:
            n, first = len(set(blank)), blank[0]
            msg = (
                f"{n} {what} have no {name} to learn (the one in row {first}: {values[first]!r}); leave them out, e.g. "
                f"adata[adata.obs[{name!r}].notna()].copy(), or give them one"
            )
            raise ValueError(msg)
