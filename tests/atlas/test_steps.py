from __future__ import annotations

import inspect

import numpy as np
import pytest

from scc2s import atlas
from scc2s.atlas._need import need
from scc2s.atlas._steps import KINDS, given_steps, public


@pytest.mark.parametrize(
    ("steps", "error", "said"),
    [
        ([], ValueError, "nothing to do"),
        (["sentenses"], ValueError, "there is no step 'sentenses'; pass one of sentences"),
        ([7], TypeError, "is not a step"),
        ([("embed", {"contexts": "x"})], ValueError, "contexts= of embed"),
        ([("annotate", {"groupby": "leiden"})], ValueError, "label groups from the probabilities"),
        ([("perturb", {"truth": {"a": 1}})], ValueError, "a part of the cells in memory"),
        ([("perturb", {"perturbation": ["A", "B"]})], ValueError, "perturbation_key="),
        ([("embed", {"model": object()})], TypeError, "a model by its name or folder"),
        ([("sentences", {"n_genes": None})], ValueError, "pass n_genes="),
        ([("sentences", {"reference": "mean"})], ValueError, "mean over all cells"),
        ([("sentences", {"on_duplicate": "sum"})], ValueError, "on_duplicate='max'"),
        ([("rank_fit", {"key_added": "a/b"})], ValueError, "cannot be written"),
        (["embed", ("embed", {"pooling": "last"})], ValueError, "another key_added="),
    ],
)
def test_what_makes_no_sense_block_by_block_is_refused_with_what_mends_it(steps, error, said):
    with pytest.raises(error, match=said):
        given_steps(steps)


def test_steps_are_kept_as_a_file_gives_them_back():
    (step,) = given_steps([("rank_fit", {"fit_range": (1, np.int64(500)), "exclude": ("MALAT1",)})])
    assert step.params == {"fit_range": [1, 500], "exclude": ["MALAT1"]}


def test_results_of_other_names_are_other_steps():
    steps = given_steps(["embed", ("embed", {"key_added": "X_last", "pooling": "last"}), "rank_fit"])
    assert [step.key for step in steps] == ["embed", "embed_X_last", "rank_fit"]
    other = given_steps(["annotate", ("annotate", {"target": "tissue"}), ("annotate", {"targets": ["sex", "age"]})])
    assert [step.key for step in other] == ["annotate", "annotate_c2s_tissue", "annotate_c2s_sex_age"]
    (score,) = given_steps([("program_score", {"program": "ifn"})])
    assert score.key == "program_score_c2s_score_ifn"


@pytest.mark.parametrize("name", public())
def test_each_step_has_a_function_of_its_name_that_takes_the_same_options(name):
    options = (
        "out",
        "client",
        "n_workers",
        "memory_limit",
        "block_size",
        "index_unique",
        "retries",
        "restart",
        "progress",
    )
    of_run = inspect.signature(atlas.run).parameters
    face = inspect.signature(getattr(atlas, name)).parameters
    for option in options:
        assert face[option] == of_run[option]
    assert (given_steps([(name, {"program": "ifn"} if name == "program_score" else {})])[0].function()).__name__ == name


def test_parameters_that_are_refused_are_those_of_the_function():
    for name in public():
        kind = KINDS[name]
        known = inspect.signature(
            given_steps([(name, {"program": "ifn"} if name == "program_score" else {})])[0].function()
        )
        assert set(kind.refused) <= set(known.parameters), name


def test_a_package_that_is_not_there_names_the_extra():
    with pytest.raises(ImportError, match=r"pip install 'scc2s\[atlas\]'"):
        need("no_such_package.inner")
