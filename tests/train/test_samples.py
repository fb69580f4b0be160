from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scc2s import prompts
from scc2s.train import Augment, task_samples, varied_sentences

NAMES = [f"G{i}" for i in range(60)]
AUGMENT = Augment(n_genes=(5, 20))


@pytest.fixture
def counts() -> sparse.csr_matrix:
    return sparse.csr_matrix(np.random.default_rng(0).poisson(1.0, (6, 60)).astype(np.float32))


@pytest.fixture
def fields() -> dict[str, list[str]]:
    kinds = ["B cell", "T cell"] * 3
    return {"organism": ["Homo sapiens"] * 6, "cell_type": kinds, "perturbation": ["IFN-beta"] * 6}


def genes(text: str) -> list[str]:
    return [w for w in text.split() if w in NAMES]


def test_every_copy_has_its_own_prompt_and_the_same_answer(counts: sparse.csr_matrix, fields: dict) -> None:
    table = task_samples(prompts.get("cell_type"), counts, NAMES, fields, copies=3, augment=AUGMENT)
    assert len(table) == 18
    assert table["prompt"].nunique() == 18
    assert table["completion"].tolist() == [" B cell", " T cell"] * 9
    assert (table["row"].to_numpy() == np.tile(np.arange(6), 3)).all()


def test_prompts_state_the_number_of_genes_they_hold(counts: sparse.csr_matrix, fields: dict) -> None:
    table = task_samples(prompts.get("cell_type"), counts, NAMES, fields, copies=2, augment=AUGMENT)
    for prompt in table["prompt"]:
        assert f" {len(genes(prompt))} most expressed" in prompt


def test_sentences_of_answers_are_never_varied_only_shortened(counts: sparse.csr_matrix, fields: dict) -> None:
    table = task_samples(prompts.get("generate"), counts, NAMES, fields, copies=4, augment=AUGMENT)
    plain = varied_sentences(counts, NAMES)
    for _, sample in table.iterrows():
        answer = genes(sample["completion"])
        assert answer == plain[sample["row"]].split()[: len(answer)]
        assert f" {len(answer)} most expressed" in sample["prompt"]
        assert 5 <= len(answer) <= 20


def test_pairs_show_the_control_and_answer_with_the_whole_perturbed_cell(
    counts: sparse.csr_matrix, fields: dict
) -> None:
    pairs = np.array([[0, 3], [1, 4]])
    table = task_samples(prompts.get("perturb"), counts, NAMES, fields, pairs=pairs, augment=AUGMENT)
    plain = varied_sentences(counts, NAMES)
    assert [c.strip() for c in table["completion"]] == [plain[3], plain[4]]
    expressed = set(np.flatnonzero(counts[0].toarray()))
    shown = table["prompt"][0].split("Genes: ")[1].split("\n")[0]
    assert {NAMES.index(w) for w in shown.split()} <= expressed


def test_same_seed_same_samples(counts: sparse.csr_matrix, fields: dict) -> None:
    def draw(seed: int) -> list[str]:
        return task_samples(prompts.get("cell_type"), counts, NAMES, fields, augment=AUGMENT, seed=seed)[
            "prompt"
        ].tolist()

    assert draw(0) == draw(0) != draw(1)


@pytest.mark.parametrize("value", ["", "  ", "nan", None, float("nan")])
def test_a_cell_without_an_answer_is_refused(counts: sparse.csr_matrix, fields: dict, value: object) -> None:
    fields["cell_type"] = ["B cell", value, "none", "T cell", "B cell", value]
    with pytest.raises(ValueError, match=r"2 cells have no cell_type .*row 1.*notna"):
        task_samples(prompts.get("cell_type"), counts, NAMES, fields)
    known = np.array([[0, 0], [2, 2], [3, 3]])
    assert len(task_samples(prompts.get("cell_type"), counts, NAMES, fields, pairs=known)) == 3
