from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s.models import CallableModel, Taught
from scc2s.tl._asking.offer import as_taught, offer

TYPES = ["naive CD4 T cell", "CD4 T cell", "CD8 T cell", "B cell", "CD14+ monocyte"]
TAUGHT = Taught(
    wordings={
        "T cell": ["T lymphocyte"],
        "B cell": ["B lymphocyte"],
        "CD4 T cell": ["helper T cell"],
        "monocyte": ["mono"],
    },
    parents={
        "naive CD4 T cell": "CD4 T cell",
        "CD4 T cell": "T cell",
        "CD8 T cell": "T cell",
        "CD14+ monocyte": "monocyte",
    },
)


def model(shares: list[float] | None = None, taught: Taught = TAUGHT) -> CallableModel:
    """Gives its types the same shares for every cell; any other text gets next to nothing."""
    given = dict(zip(TYPES, shares or [0.2] * 5, strict=True))

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        return np.log([[given.get(choice.strip(), 1e-9) for choice in choices]] * len(prompts))

    return CallableModel(score=score, labels=TYPES, taught=taught)


def gathered(labels: list[str], shares: list[float]) -> list[float]:
    found = offer(model(), labels, "cell_type")
    probs = np.array([[*shares, *([0.0] * (len(found.choices) - len(shares)))]])
    return found.gathered(probs)[0].round(9).tolist()


def test_a_type_has_what_all_types_below_it_have_and_the_rest_is_none_of_the_labels() -> None:
    assert gathered(["T cell", "monocyte"], [0.1, 0.2, 0.3, 0.15, 0.25]) == [0.6, 0.25, 0.15]


def test_a_type_counts_for_the_nearest_label_above_it() -> None:
    assert gathered(["T cell", "CD4 T cell", "B cell", "monocyte"], [0.1, 0.2, 0.3, 0.15, 0.25]) == [
        0.3,
        0.3,
        0.15,
        0.25,
    ]


def test_what_says_less_than_was_asked_is_shared_by_the_types_below_it() -> None:
    """The mass of CD4 T cells in general goes to the naive ones, the only type below them."""
    labels = ["naive CD4 T cell", "CD8 T cell", "B cell", "monocyte"]
    assert gathered(labels, [0.1, 0.2, 0.3, 0.15, 0.25]) == [0.3, 0.3, 0.15, 0.25]
    assert gathered(labels, [0.0, 0.3, 0.3, 0.15, 0.25]) == [0.3, 0.3, 0.15, 0.25]


def test_probabilities_add_up_to_one_whatever_is_offered() -> None:
    rng = np.random.default_rng(0)
    nodes = [*TYPES, "T cell", "monocyte", "never heard of"]
    for _ in range(100):
        labels = rng.choice(nodes, rng.integers(1, len(nodes)), replace=False).tolist()
        found = offer(model(), labels, "cell_type")
        probs = rng.dirichlet(np.ones(len(found.choices)), size=3)
        np.testing.assert_allclose(found.gathered(probs).sum(axis=1), 1)


def test_the_declared_types_themselves_are_asked_as_they_are() -> None:
    found = offer(model(), TYPES, "cell_type")
    probs = np.array([[0.1, 0.2, 0.3, 0.15, 0.25]])
    assert found.choices == TYPES
    assert not found.says_none
    assert found.gathered(probs).tolist() == probs.tolist()


def test_other_wordings_cases_and_plurals_mean_the_same_and_the_record_says_so() -> None:
    found = offer(model(), ["T lymphocytes", "helper T-cells", "Mono", "B cell"], "cell_type")
    assert found.meant == ["T cell", "CD4 T cell", "monocyte", "B cell"]
    assert found.params() == {
        "read_as": ["T lymphocytes -> T cell", "helper T-cells -> CD4 T cell", "Mono -> monocyte"]
    }
    assert offer(model(), TYPES, "cell_type").params() == {}


def test_labels_that_would_become_one_stay_two() -> None:
    assert as_taught(["T lymphocyte", "T cells"], TAUGHT.wordings) == ["T lymphocyte", "T cells"]


def test_a_label_that_was_not_taught_is_asked_for_beside_the_types() -> None:
    found = offer(model(), ["neuron", "B cell"], "cell_type")
    assert found.choices == [*TYPES, "neuron"]
    assert found.column.tolist() == [2, 2, 2, 1, 2, 0]


@pytest.mark.parametrize(
    ("other", "options"),
    [(Taught(), {}), (TAUGHT, {"own_prompt": True})],
)
def test_labels_stay_as_they_are_without_a_declaration_or_with_a_prompt_of_ones_own(other, options) -> None:
    found = offer(model(taught=other), ["T lymphocyte", "B cell"], "cell_type", **options)
    assert found.choices == ["T lymphocyte", "B cell"]
    assert not found.says_none


def test_other_targets_are_not_cell_types() -> None:
    assert offer(model(), ["blood", "lung"], "tissue").choices == ["blood", "lung"]


def test_the_answer_of_a_model_that_knows_no_better_is_none_of_the_labels() -> None:
    known = Taught(wordings=TAUGHT.wordings, parents=TAUGHT.parents, none_label="none of these")
    found = offer(model(taught=known), TYPES, "cell_type")
    assert found.choices == [*TYPES, "none of these"]
    assert found.column.tolist() == [0, 1, 2, 3, 4, 5]


def cells() -> ad.AnnData:
    obs = pd.DataFrame({"c2s_sentence": ["CD3D LYZ", "CD79A LYZ"]}, index=["a", "b"])
    return ad.AnnData(np.ones((2, 1), dtype="float32"), obs=obs)


def test_annotate_writes_the_probability_that_none_is_right_and_min_prob_goes_by_it() -> None:
    adata = cells()
    scc2s.tl.annotate(adata, labels=["B lymphocytes", "mono"], model=model([0.2, 0.2, 0.3, 0.2, 0.1]), min_prob=0.5)
    assert adata.obs["c2s_cell_type"].tolist() == ["unassigned"] * 2
    np.testing.assert_allclose(adata.obs["c2s_cell_type_none"], 0.7, rtol=1e-6)
    np.testing.assert_allclose(adata.obs["c2s_cell_type_prob"], 0.2, rtol=1e-6)
    table = adata.obsm["c2s_cell_type_probs"]
    assert list(table) == ["B lymphocytes", "mono"]
    np.testing.assert_allclose(table, [[2 / 3, 1 / 3]] * 2, rtol=1e-6)
    assert list(adata.uns["c2s"]["annotate"]["params"]["read_as"]) == ["B lymphocytes -> B cell", "mono -> monocyte"]


def test_a_temperature_makes_probabilities_less_sure_and_changes_no_label() -> None:
    adata, cooler = cells(), cells()
    warm = Taught(wordings=TAUGHT.wordings, parents=TAUGHT.parents, temperature=2.0)
    shares = [0.05, 0.05, 0.1, 0.7, 0.1]
    scc2s.tl.annotate(adata, model=model(shares))
    scc2s.tl.annotate(cooler, model=model(shares, warm))
    assert adata.obs["c2s_cell_type"].tolist() == cooler.obs["c2s_cell_type"].tolist() == ["B cell"] * 2
    expected = np.sqrt(shares) / np.sqrt(shares).sum()
    np.testing.assert_allclose(cooler.obsm["c2s_cell_type_probs"].iloc[0], expected, rtol=1e-5)


def test_genes_that_are_not_read_are_left_out_of_prompts_about_a_cell() -> None:
    asked: list[str] = []

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        asked.extend(prompts)
        return np.zeros((len(prompts), len(choices)))

    reader = CallableModel(score=score, labels=["B cell"], taught=Taught(unread_genes=["LYZ"]))
    adata = cells()
    scc2s.tl.annotate(adata, model=reader, controls=False)
    assert not any("LYZ" in prompt for prompt in asked)
    assert all("the 1 most expressed" in prompt for prompt in asked)
    assert adata.obs["c2s_sentence"].tolist() == ["CD3D LYZ", "CD79A LYZ"]
    assert adata.uns["c2s"]["annotate"]["params"]["n_unread_words"] == 2


def test_a_type_that_was_taught_and_is_not_declared_takes_its_cells_from_those_that_are() -> None:
    more = {**TAUGHT.wordings, "mast cell": ["mastocyte"], "naive CD8 T cell": ["CD8 naive"]}
    known = Taught(wordings=more, parents=TAUGHT.parents | {"naive CD8 T cell": "CD8 T cell"})
    found = offer(model(taught=known), ["CD8 T cell", "B cell"], "cell_type")
    assert found.choices == [*TYPES, "mast cell", "naive CD8 T cell"]
    probs = np.array([[0.0, 0.0, 0.1, 0.2, 0.0, 0.3, 0.4]])
    assert found.gathered(probs)[0].round(9).tolist() == [0.5, 0.2, 0.3]
