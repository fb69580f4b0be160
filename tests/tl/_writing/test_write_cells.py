from __future__ import annotations

import numpy as np
from cell_writers import GENES, cells

from scc2s._cells.gene_words import words_of
from scc2s.models import CallableModel
from scc2s.prompts import Task, custom
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._writing.write_cells import Written, read_cells, write_texts

FREE = Decoding(constrain=False)


def written(model: CallableModel, prompts: list[str], lengths: list[int], task: Task, decoding: Decoding) -> Written:
    adata = cells()
    genes, n = words_of(adata), np.array(lengths)
    return read_cells(adata, genes, write_texts(model, prompts, n, genes, decoding, None, task), n)


def test_an_answer_is_read_without_what_stands_around_it_and_cut_at_the_length_asked_for() -> None:
    task = custom("{cell_sentence} {perturbation}", response=" The cell: {perturbed_sentence}. End")
    model = CallableModel(generate=lambda prompts: [" The cell: G1 G2 G3. End"] * len(prompts))
    got = written(model, ["a"], [5], task, FREE)
    assert got.texts == ["G1 G2 G3"]
    assert got.complete.tolist() == [False]
    assert written(model, ["a"], [2], task, FREE).texts == ["G1 G2"]


def test_a_constrained_answer_begins_after_the_words_in_front_of_it() -> None:
    seen = []

    def generate(prompts: list[str], genes: object) -> list[str]:
        seen.extend([prompts, genes])
        return [" G1 G2"] * len(prompts)

    task = custom("{cell_sentence}", response=" The cell: {perturbed_sentence}")
    got = written(CallableModel(generate=generate), ["a", "b"], [2, 1], task, Decoding())
    assert seen[0] == ["a The cell:", "b The cell:"]
    assert list(seen[1].names) == GENES
    assert list(seen[1].n_genes) == [2, 1]
    assert got.texts == ["G1 G2", "G1"]


def test_validity_of_a_text_without_words_is_missing() -> None:
    table = written(
        CallableModel(generate=lambda prompts: [""]), ["a"], [3], custom("{cell_sentence}"), FREE
    ).validity()
    assert table["n_words"].tolist() == [0]
    assert table[["valid", "unique"]].isna().all(axis=None)
    assert not table["complete"].any()
