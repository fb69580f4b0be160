"""What is wrong with the data or the arguments is said before a model is loaded, and nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable

    import anndata as ad

NOWHERE = "/no/such/folder/of/a/model"
TOOLS: dict[str, Callable[..., None]] = {
    "embed": lambda adata, **kwargs: scc2s.tl.embed(adata, **kwargs),
    "annotate": lambda adata, **kwargs: scc2s.tl.annotate(adata, **{"labels": ["B cell", "T cell"]} | kwargs),
    "annotate, written": lambda adata, **kwargs: scc2s.tl.annotate(adata, mode="generate", **kwargs),
    "perplexity": lambda adata, **kwargs: scc2s.tl.perplexity(adata, **kwargs),
    "importance": lambda adata, **kwargs: scc2s.tl.importance(adata, **{"target": "B cell"} | kwargs),
    "attention": lambda adata, **kwargs: scc2s.tl.attention(adata, **kwargs),
    "caption": lambda adata, **kwargs: scc2s.tl.caption(adata, **{"groupby": "bulk_labels"} | kwargs),
    "name_genes": lambda adata, **kwargs: scc2s.tl.name_genes(adata, **{"groupby": "bulk_labels"} | kwargs),
}
READ_SENTENCES = [name for name in TOOLS if name != "name_genes"]
NEED_CELLS = [name for name in READ_SENTENCES if not name.startswith("annotate")]
GROUPED = ["annotate", "annotate, written", "attention", "caption", "name_genes"]


def refused(tool: str, adata: ad.AnnData, said: str, kind: type[Exception] | tuple = Exception, **kwargs) -> None:
    before = adata.copy()
    with pytest.raises(kind, match=said) as error:
        TOOLS[tool](adata, model=NOWHERE, **kwargs)
    assert NOWHERE not in str(error.value)
    assert "scc2s" in str(error.traceback[-1].path)
    assert list(adata.obs) == list(before.obs)
    assert list(adata.obsm) == list(before.obsm)
    assert list(adata.layers) == list(before.layers)
    assert list(adata.uns["c2s"]) == list(before.uns["c2s"])


@pytest.mark.parametrize("tool", TOOLS)
def test_the_model_is_what_is_missing_where_all_else_is_well(blood, tool):
    with pytest.raises(FileNotFoundError, match=NOWHERE):
        TOOLS[tool](blood, model=NOWHERE)


@pytest.mark.parametrize("tool", READ_SENTENCES)
def test_no_sentences(blood, tool):
    del blood.obs["c2s_sentence"]
    refused(tool, blood, "sc.pp.c2s_sentences", KeyError)
    refused(tool, blood, "sc.pp.c2s_sentences", KeyError, sentence_key="mine")


@pytest.mark.parametrize("tool", NEED_CELLS)
def test_no_cells_or_none_with_a_sentence(blood, tool):
    refused(tool, blood[:0].copy(), "no cells|no group|holds no", ValueError)
    blood.obs["c2s_sentence"] = ""
    refused(tool, blood, "cells has a gene|cells have an empty sentence", ValueError)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("cache", [5, "", "/no/such/folder/c.sqlite"])
def test_a_cache_that_cannot_be(blood, tool, cache):
    refused(tool, blood, "cache", (TypeError, FileNotFoundError), cache=cache)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_cache_that_is_another_file_and_stays_as_it_is(blood, tool, tmp_path):
    (tmp_path / "c.sqlite").write_text("my notes " * 100)
    refused(tool, blood, "pass another cache=", ValueError, cache=tmp_path / "c.sqlite")
    refused(tool, blood, "see to rights", OSError, cache=tmp_path)
    assert (tmp_path / "c.sqlite").read_text() == "my notes " * 100


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("key", ["a/b", "", " a", "_index", "a\0", "\ud800"])
def test_names_of_results_that_no_file_can_hold(blood, tool, key):
    refused(tool, blood, "key_added", ValueError, key_added=key)


@pytest.mark.parametrize("tool", ["embed", "perplexity", "caption", "name_genes"])
def test_names_of_results_that_are_none(blood, tool):
    refused(tool, blood, "key_added=None", (TypeError, ValueError), key_added=None)


@pytest.mark.parametrize("tool", TOOLS)
def test_prompts_that_cannot_be_filled(blood, tool):
    shown = "" if tool == "perplexity" else "{cell_sentence} "
    refused(tool, blood, "nope", (KeyError, ValueError), prompt=shown + "{nope}")
    refused(tool, blood, "prompt is int", TypeError, prompt=3)
    if tool != "perplexity":
        refused(tool, blood, "cell_sentence", ValueError, prompt="What is it?")


@pytest.mark.parametrize("tool", GROUPED)
def test_groups_that_are_not_there(blood, tool):
    blood.obs["none"] = pd.Series([None] * blood.n_obs, index=blood.obs_names, dtype=object)
    blood.obs["mixed"] = pd.Series([1, "1"] * (blood.n_obs // 2), index=blood.obs_names, dtype=object)
    refused(tool, blood, "no column 'nope'", KeyError, groupby="nope")
    refused(tool, blood, "none", ValueError, groupby="none")
    if tool != "attention":
        refused(tool, blood, "several values that read '1'", ValueError, groupby="mixed")


@pytest.mark.parametrize("tool", ["importance", "attention"])
def test_cells_that_are_not_there(blood, tool):
    refused(tool, blood, "no cell 'nope'", KeyError, cells=["nope"])
    refused(tool, blood, "no cells", ValueError, cells=[])


@pytest.mark.parametrize("tool", ["embed", "attention"])
def test_a_layer_of_the_data_is_no_layer_of_the_model(blood, tool):
    refused(tool, blood, r"sc.pp.c2s_sentences\(adata, layer='counts'\)", TypeError, layer="counts")
    refused(tool, blood, "model_layer", TypeError, model_layer="counts")


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["B cell", np.nan], ValueError),
        (["B cell", None], ValueError),
        (["B cell", pd.NA], ValueError),
        (["B cell", pd.NaT], ValueError),
        (["B cell", "nan"], ValueError),
        (["B cell", "  "], ValueError),
        (["B cell", "B cell"], ValueError),
        (["B cell", " B  cell "], ValueError),
        (["B cell", "b Cell"], ValueError),
        (["B cell", "a\0b"], ValueError),
        (["B cell", "a\nb"], ValueError),
        (["B cell", "\ud800"], ValueError),
        (["B cell", "unmapped"], ValueError),
        (["B cell", "unassigned"], ValueError),
        (["B cell", 1.5], TypeError),
        (["B cell", True], TypeError),
        (["B cell", b"T cell"], TypeError),
        ([], ValueError),
        ("B cell", TypeError),
        ({"B cell": 1}, TypeError),
        (3, TypeError),
        (np.array([["a", "b"]]), TypeError),
        (pd.Series(["B cell", None]), ValueError),
        (pd.Categorical(["B cell", None]), ValueError),
        (pd.Index(["B cell", "B cell"]), ValueError),
    ],
    ids=repr,
)
def test_labels_that_are_none(blood, labels, kind):
    refused("annotate", blood, "label", kind, labels=labels)
    if repr(labels) not in ("[]", "['B cell', 'b Cell']"):  # what may be written back
        refused("annotate, written", blood, "label", kind, labels=labels)


def test_labels_nobody_declares_and_synonyms_of_none(blood):
    refused("annotate", blood, "labels", ValueError, labels=None, target="tissue", prompt="{cell_sentence}: tissue")
    refused("annotate, written", blood, "add it to labels", ValueError, labels=["B cell"], synonyms={"b": "lymphocyte"})
    refused("annotate, written", blood, "temperature", ValueError, temperature=-1)
    refused("annotate", blood, "mode='generate'", ValueError, temperature=1.0)
    refused("annotate", blood, "min_prob", ValueError, min_prob=2)


@pytest.mark.parametrize(
    "genes", [[], ["CD79A", None], ["CD79A", 5], ["CD79A", " "], "CD79A", 5, {}, {"a": []}], ids=repr
)
def test_lists_of_genes_that_are_none(genes):
    with pytest.raises((TypeError, ValueError)) as error:
        scc2s.tl.name_genes(genes, model=NOWHERE)
    assert NOWHERE not in str(error.value)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("organism", [5, ["Homo sapiens", "Mus musculus"], " ", np.nan], ids=repr)
def test_an_organism_that_is_no_name(blood, tool, organism):
    refused(tool, blood, "organism", (TypeError, ValueError), organism=organism)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("embed", {"pooling": "x"}),
        ("embed", {"scope": "x"}),
        ("annotate", {"target": 5}),
        ("annotate", {"min_prob": np.nan}),
        ("annotate, written", {"synonyms": {"a": 5}, "labels": ["b"]}),
        ("annotate, written", {"synonyms": "x"}),
        ("annotate, written", {"top_k": 1.5}),
        ("annotate, written", {"max_new_tokens": 0}),
        ("importance", {"target": "a\0b"}),
        ("importance", {"target": " "}),
        ("importance", {"n_genes": 2.5}),
        ("importance", {"n_sanity": 0}),
        ("caption", {"min_share": 2}),
        ("caption", {"n_cells": 2.5}),
        ("caption", {"temperature": "x"}),
        ("caption", {"layer": "nope"}),
        ("caption", {"rank_genes_key": "nope"}),
        ("name_genes", {"n_top": "x"}),
        ("perplexity", {"random_state": 2.5}),
    ],
    ids=str,
)
def test_arguments_that_mean_nothing(blood, tool, arguments):
    refused(tool, blood, next(iter(arguments)).split("_")[0], (KeyError, TypeError, ValueError), **arguments)
