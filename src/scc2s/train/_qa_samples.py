from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from scc2s.models._chat import plain_text
from scc2s.prompts._organism import organism_name
from scc2s.prompts._talks import shown

from ._build_teacher import least
from ._read_qa import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

TASK = "qa"
_GROUP = "all cells"
"""What :func:`scc2s.tl.ask` calls cells that are one group."""


def qa_samples(
    items: pd.DataFrame, *, organism: str | Mapping[str, str] = "Homo sapiens", n_genes: int = 50
) -> pd.DataFrame:
    """Prompts and completions for training a language model to answer questions about cells.

    A prompt shows the cells and asks, in the words in which ``scc2s.tl.ask(adata, question, plain=True)`` does; the
    text of the study is not in it.

    Parameters
    ----------
    items
        Of :func:`read_qa`, or ``kept`` of :func:`build_qa`.
    organism
        Organism of the cells; or organisms by study.
    n_genes
        Genes of each cell, the strongest.

    Returns
    -------
    Columns ``prompt``, ``completion`` (starts with a space), ``task`` (``"qa"``), ``study``, ``split``, ``keywords``;
    one row an item.

    Raises
    ------
    KeyError
        If a column is missing, or there is no organism for a study.
    ValueError
        If there are no items, or `n_genes` is too small.

    Examples
    --------
    >>> items = pd.DataFrame({"context": "", "cells": [["CD3D CD3E"]], "question": "Which cells?", "answer": "T cells.",
    ...                       "keywords": [["T cell"]], "study": "a", "split": "train"})
    >>> sample = qa_samples(items).loc[0]
    >>> print(sample["prompt"].partition("All cells:")[2], sample["completion"], sep="")
    <BLANKLINE>
    1. CD3D CD3E
    <BLANKLINE>
    Question: Which cells?
    Answer: T cells.
    """
    least("n_genes", n_genes, 1)
    if missing := [name for name in FIELDS if name not in items]:
        msg = f"items have no column {missing[0]!r}; pass those of scc2s.train.read_qa(path)"
        raise KeyError(msg)
    if not len(items):
        msg = "there are no items; pass those of scc2s.train.read_qa(path)"
        raise ValueError(msg)
    studies = items["study"].unique().tolist()
    if isinstance(organism, str):
        organisms = dict.fromkeys(studies, organism_name(organism))
    elif missing := [study for study in studies if study not in organism]:
        msg = f"there is no organism for study {missing[0]!r}; pass organism={{{missing[0]!r}: 'Homo sapiens', ...}}"
        raise KeyError(msg)
    else:
        organisms = {study: organism_name(organism[study]) for study in studies}
    prompts = [
        plain_text(
            [
                {"role": "system", "content": shown({_GROUP: cells}, organism=organisms[study], n_genes=n_genes)},
                {"role": "user", "content": question},
            ]
        )
        for cells, study, question in zip(items["cells"], items["study"], items["question"], strict=True)
    ]
    return pd.DataFrame(
        {
            "prompt": prompts,
            "completion": [f" {answer.strip()}" for answer in items["answer"]],
            "task": TASK,
            "study": items["study"].to_numpy(),
            "split": items["split"].to_numpy(),
            "keywords": items["keywords"].to_numpy(),
        }
    )
