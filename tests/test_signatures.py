"""One name, one meaning: parameters of public functions have one type, one default and one wording."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from scc2s import pl, pp, tl

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTIONS: dict[str, Callable[..., object]] = {
    f"{part.__name__.removeprefix('scc2s.')}.{name}": getattr(part, name)
    for part in (pp, tl, pl)
    for name in part.__all__
}
OTHER_FIRST = {
    "tl.evaluate": ["pred", "true"],
    "tl.evaluate_perturbations": ["pred", "true"],
    "tl.name_genes": ["genes"],
    "pp.corpus": ["adatas", "tasks", "folder"],
    "pl.scaling": ["table"],
}
"""Functions that are not about one data set."""
MORE_POSITIONAL = {
    "tl.importance": ["adata", "target", "cells"],
    "tl.compare_labels": ["adata", "a", "b"],
    "tl.compare": ["adata", "groupby", "a", "b"],
    "tl.hypothesize": ["adata", "groupby", "a", "b"],
}

OWN_DEFAULT = {
    "augment": "a corpus is varied from epoch to epoch, a table of samples where it is asked for",
    "base": "recipe takes the base of the data",
    "by": "groups of a question, or what is added up",
    "cell_type_key": "needed where types are the question; None: that of the contexts",
    "cmap": "each plot has its own",
    "color": "each plot has its own",
    "contexts": "those that the tool's own question is about",
    "control": "needed where effects begin at it",
    "donor_key": "needed where donors are the question",
    "features": "columns of obs, or what a classifier learns from",
    "groupby": "needed where the result is by group",
    "key": "name of the result that the plot shows, as its tool names it",
    "key_added": "name of the tool's own result",
    "kind": "kinds of the plot",
    "label_key": "needed where labels are the question",
    "max_neutral": "shortlist takes the screen's own",
    "min_cells": "with a gene, or in a group",
    "min_validity": "shortlist takes the screen's own",
    "max_new_tokens": "None: room for the genes of a cell; a number where the answer is prose",
    "method": "of a score, or of a classifier",
    "n": "cells, or rows",
    "n_cells": "shown for a caption, asked in a screen, or learned from",
    "n_contexts": "of each group, or in all",
    "n_genes": "words of a sentence, genes to write, genes to draw",
    "n_samples": "answers of a model, or drawn profiles",
    "n_top": "listed, or named",
    "name": "of a gene set, or of a cell",
    "path": "needed where a file is all that comes out",
    "program": "needed where it is the question",
    "reference": "cells with labels, or what genes are compared with",
    "source": "files of interactions, or what a text is cited by",
    "target": "a task, or an answer",
    "task": "of the model, or that models are compared in",
    "temperature": "1 where cells are drawn, 0 where text is written",
}
"""Parameters whose default differs between functions, and why."""
OWN_WORDING = {
    **OWN_DEFAULT,
    "a": "columns, or groups",
    "adata": "what it has to hold",
    "b": "columns, or groups",
    "contexts": "several cells of a prompt, or groups that are scored one by one",
    "controls": "questions to the model, or cells that no model wrote",
    "layer": "whose expression, for what",
    "n_boot": "of which intervals",
    "model_layer": "of hidden states, or of attention",
    "obs": "columns of batches, or what cells are to be",
    "organism": "said once, with the sentences; used in prompts",
    "prompt": "the fields that it may have",
    "random_state": "what is drawn",
    "split": "groups of cells, or blocks of space",
    "target_sum": "what is brought to it",
    "targets": "asked for at once, or genes that perturbations act on",
    "truth": "what really happened to the cells",
    "val": "a share of all units, or of those that are not the test",
    "use_raw": "whose expression, for what",
}
"""Parameters that are described in the words of each function, and why."""


def parameters() -> dict[str, dict[str, inspect.Parameter]]:
    """Parameters by name, and in that by function."""
    found: dict[str, dict[str, inspect.Parameter]] = defaultdict(dict)
    for function, value in FUNCTIONS.items():
        for name, parameter in inspect.signature(value).parameters.items():
            found[name][function] = parameter
    return found


def wordings() -> dict[str, dict[str, str]]:
    """Descriptions of parameters by name, and in that by function."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for function, value in FUNCTIONS.items():
        lines = (inspect.getdoc(value) or "").partition("Parameters\n----------\n")[2].partition("\n\n")[0].splitlines()
        names: list[str] = []
        for line in lines:
            if line.startswith(" "):
                for name in names:
                    found[name][function] = f"{found[name].get(function, '')} {line.strip()}".strip()
            else:
                names = [name.strip(" *") for name in line.split(",")]
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_adata_is_first_then_at_most_the_one_thing_asked_about(name: str) -> None:
    signature = inspect.signature(FUNCTIONS[name]).parameters.values()
    given = [p.name for p in signature if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    if name in OTHER_FIRST or name in MORE_POSITIONAL:
        assert given == {**OTHER_FIRST, **MORE_POSITIONAL}[name]
    else:
        assert given[0] == "adata"
        assert len(given) <= 2


@pytest.mark.parametrize("name", sorted(parameters()))
def test_a_parameter_has_one_default(name: str) -> None:
    defaults = {repr(p.default) for p in parameters()[name].values()}
    if name in OWN_DEFAULT:
        return
    assert len(defaults) == 1, parameters()[name]


@pytest.mark.parametrize("name", sorted(wordings()))
def test_a_parameter_has_one_wording(name: str) -> None:
    if name in OWN_WORDING:
        return
    said = wordings()[name]
    # What it is, up to the first stop, is said in one way; what it means here may follow. Or the text points elsewhere.
    whats = {re.split(r"[.;,](?:\s|$)|: ", text)[0] for text in said.values() if "s in :func:" not in text}
    assert len(whats) <= 1, "\n".join(f"{function}: {text}" for function, text in said.items())


def test_every_parameter_is_described() -> None:
    described = wordings()
    missing = [(f, name) for name, found in parameters().items() for f in found if f not in described.get(name, {})]
    assert not missing


def test_no_exception_is_left_that_is_not_needed() -> None:
    found = parameters()
    assert not [n for n in OWN_DEFAULT if n in found and len({repr(p.default) for p in found[n].values()}) == 1]
