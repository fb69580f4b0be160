"""What makes samples takes the same tasks and variations everywhere."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s
from scc2s import prompts
from scc2s._cells.sample_arguments import check_augment, task_of
from scc2s.train import Augment


def test_a_task_is_named_or_given() -> None:
    own = prompts.custom("Genes: {cell_sentence}\nType:", response=" {cell_type}")
    assert task_of(own) is own
    assert task_of("caption").name == "caption"
    check_augment(None)
    check_augment(Augment())


@pytest.mark.parametrize("tool", ["samples", "caption_samples"])
def test_both_tools_refuse_other_things_in_the_same_words(tool: str) -> None:
    adata = ad.AnnData(np.ones((2, 2)), obs=pd.DataFrame({"leiden": ["a", "b"]}, index=["x", "y"]))
    captions = pd.DataFrame({"cluster": ["a"], "caption": ["Cells."]})

    def call(**arguments: object) -> None:
        if tool == "samples":
            scc2s.pp.samples(adata, **{"task": "caption"} | arguments)
        else:
            scc2s.pp.caption_samples(adata, captions, groupby="leiden", **arguments)

    with pytest.raises(TypeError, match="task is of type int; pass the name of a task"):
        call(task=3)
    with pytest.raises(TypeError, match="augment is of type bool; pass augment=scc2s.train.Augment"):
        call(augment=True)
    with pytest.raises(ValueError, match="random_state=-1 is too small"):
        call(random_state=-1)
    with pytest.raises(TypeError, match="n_genes=1.5 is not a whole number"):
        call(n_genes=1.5)
