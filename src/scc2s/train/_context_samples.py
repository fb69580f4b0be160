from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scc2s.prompts._task import CELLS, SENTENCE
from scc2s.sentences import join_cells

from ._samples import refuse_blank
from ._sentences import varied_sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scipy import sparse

    from scc2s.prompts import Task

    from ._augment import Augment


def context_samples(
    task: Task,
    X: sparse.csr_matrix,
    names: Sequence[str],
    contexts: Sequence[np.ndarray],
    fields: Mapping[str, Sequence[str]],
    *,
    n_genes: int = 200,
    copies: int = 1,
    augment: Augment | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Prompts and completions about several cells each, from plain arrays.

    :func:`scc2s.pp.samples` with `contexts` is its face for AnnData.

    Parameters
    ----------
    task
        What is asked. Where the answer is one cell and the prompt shows several, the last of each context is the answer
        and is not shown.
    X, names
        Expression (cells x genes) and the words of the genes.
    contexts
        Rows of the cells of each, in the order of the prompt.
    fields
        Text of each context for the other fields of template and response.
    n_genes, augment, seed
        As in :func:`varied_sentences`; sentences of completions are never varied.
    copies
        Samples a context, each varied anew.

    Returns
    -------
    Columns ``prompt``, ``completion``, ``task``, ``row`` (of the context).

    Raises
    ------
    ValueError
        If the answer for a context is missing or blank, or it has too few cells to hold one out.
    """
    wanted = task.response_fields
    refuse_blank(fields, np.arange(len(contexts)), wanted, what="contexts")
    shows, one_more = CELLS in task.fields, SENTENCE in wanted
    least = 2 if shows and one_more else 1
    if small := [i for i, rows in enumerate(contexts) if len(rows) < least]:
        msg = f"{len(small)} contexts have fewer than {least} cells; leave them out, or draw larger ones"
        raise ValueError(msg)
    flat = np.concatenate([np.empty(0, dtype=np.intp), *contexts])
    ends = np.cumsum([len(rows) for rows in contexts])
    cuts = list(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True))
    plain = varied_sentences(X[flat], names, n_genes=n_genes)
    frames = []
    for copy in range(copies):
        rng = np.random.default_rng([seed, copy])
        shown = (
            varied_sentences(X[flat], names, n_genes=n_genes, augment=augment, seed=int(rng.integers(2**31)))
            if shows and augment is not None
            else plain
        )
        cells = [shown[start : stop - (shows and one_more)] for start, stop in cuts]
        answers = []
        for i, (start, stop) in enumerate(cuts):
            own = {name: fields[name][i] for name in wanted if name in fields}
            own |= {CELLS: join_cells(plain[start:stop], cell=task.cell)} if CELLS in wanted else {}
            own |= {SENTENCE: plain[stop - 1]} if one_more else {}
            answers.append(task.complete(**own))
        texts = {name: list(values) for name, values in fields.items()}
        if shows:
            prompts = task.render(cells, texts).texts
        else:  # nothing is shown: the numbers are those of the answer
            numbers = {
                "n_cells": [str(len(some)) for some in cells],
                "n_genes": [str(max(len(one.split()) for one in some)) for some in cells],
            }
            prompts = task.render([""] * len(cells), texts | numbers).texts
        frames.append(
            pd.DataFrame({"prompt": prompts, "completion": answers, "task": task.name, "row": np.arange(len(cells))})
        )
    return pd.concat(frames, ignore_index=True)
