"""Answers of another shape, order or length than was asked for are told from answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from server_script import Script, serving

import scc2s
from scc2s.models._server._answers import completions, vectors

FAST = {"backend": "server", "n_retries": 0, "timeout": 5.0}


def text(value, **more):
    return {"text": value, **more}


@pytest.mark.parametrize(
    "found",
    [
        None,
        3,
        "text",
        [],
        {},
        {"choices": None},
        {"choices": {"text": "a"}},
        {"choices": []},
        {"choices": [None]},
        {"choices": [["a"]]},
        {"choices": [text(None)]},
        {"choices": [text(3)]},
        {"choices": [text(["a"])]},
        {"choices": [{"message": {"content": "a"}}]},
        {"choices": [text("a"), text("b")]},
        {"error": "out of memory"},
        {"error": {"choices": [text("a")]}},
    ],
)
def test_what_is_no_completion_is_refused(found):
    assert completions(found, 1) is None
    with serving(Script(lambda _: found if not isinstance(found, int) else [found])) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(
            ValueError, match=r"/completions answers with something that is not a completion of one prompt"
        ):
            model.generate(["a"], max_new_tokens=1, progress=False)
        assert model.capabilities["logprobs"] is False


def test_completions_of_several_prompts_are_put_in_order_by_their_index():
    rows = [text("b", index=1), text("a", index=0)]
    assert [row["text"] for row in completions({"choices": rows}, 2)] == ["a", "b"]
    assert [row["text"] for row in completions({"choices": [text("a"), text("b")]}, 2)] == ["a", "b"]


@pytest.mark.parametrize("indices", [(0, 0), (1, 2), (0, -1), ("0", "1"), (0, None), (0.0, 1.0), (True, False)])
def test_indices_that_are_not_one_for_each_prompt_are_refused(indices):
    rows = [text("a", index=index) for index in indices]
    assert completions({"choices": rows}, 2) is None


def test_halves_of_characters_become_what_files_can_hold():
    def half(_):
        return {"choices": [text("CD3D \ud83e\uddec \ud83d", finish_reason="stop")]}

    with serving(Script(half)) as url:
        found = scc2s.models.load(url, **FAST).generate(["a"], max_new_tokens=1, progress=False)
    assert found == ["CD3D 🧬 �"]


def rows(n, width=3):
    return [{"index": i, "embedding": [float(i)] * width} for i in range(n)]


def test_vectors_come_in_the_order_of_the_texts_whatever_order_they_are_sent_in():
    rng = np.random.default_rng(0)
    for n in (1, 2, 17):
        sent = [rows(n)[i] for i in rng.permutation(n)]
        assert vectors({"data": sent}, n)[:, 0].tolist() == list(range(n))


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        {"data": None},
        {"data": []},
        {"data": rows(1)},
        {"data": rows(3)},
        {"data": [*rows(1), *rows(1)]},
        {"data": [{"embedding": [1.0]}, {"embedding": [1.0]}]},
        {"data": [{"index": "0", "embedding": [1.0]}, {"index": "1", "embedding": [1.0]}]},
        {"data": [{"index": i + 1, "embedding": [1.0]} for i in range(2)]},
        {"data": [{"index": i, "embedding": [1.0] * (i + 1)} for i in range(2)]},
        {"data": [{"index": i, "embedding": []} for i in range(2)]},
        {"data": [{"index": i, "embedding": "AACAPw=="} for i in range(2)]},
        {"data": [{"index": i, "embedding": ["1.0"]} for i in range(2)]},
        {"data": [{"index": i, "embedding": [None]} for i in range(2)]},
        {"data": [{"index": i, "embedding": [True]} for i in range(2)]},
        {"data": [{"index": i, "embedding": [[1.0]]} for i in range(2)]},
        {"data": [{"index": i, "embedding": {"a": 1}} for i in range(2)]},
        {"data": [{"index": i, "embedding": [10**400]} for i in range(2)]},
        {"data": [{"index": i} for i in range(2)]},
        {"data": [1, 2]},
    ],
)
def test_what_is_not_one_vector_for_each_text_is_refused(found):
    assert vectors(found, 2) is None
    script = Script(lambda _: 404)
    script.embed = lambda texts: {"data": rows(1)}
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        assert model.capabilities["embeddings"]
        script.embed = lambda texts: found
        with pytest.raises(ValueError, match="gave no vector for each of 2 texts"):
            model.embed(["a", "b"], progress=False)


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "1e300"])
def test_vectors_that_are_not_finite_are_refused_with_the_dtype(wrong):
    script = Script(lambda _: 404)
    script.embed = lambda texts: {
        "data": [{"index": i, "embedding": [1.0, json.loads(wrong)]} for i in range(len(texts))]
    }
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match=r"NaN or infinite values; serve the model with another dtype"):
            model.embed(["a", "b"], progress=False)


def test_vectors_of_another_width_in_another_request_are_refused():
    script = Script(lambda _: 404)
    script.embed = lambda texts: {"data": rows(len(texts), width=3 if len(texts) == 16 else 4)}
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match=r"several widths \(3 to 4\)"):
            model.embed(["a"] * 20, progress=False)
        assert model.embed(["a"] * 16, progress=False).shape == (16, 3)
        assert model.embed([], progress=False).shape[0] == 0


def test_another_pooling_than_that_of_the_server_is_refused_before_anything_is_asked():
    script = Script(lambda _: 404)
    script.embed = lambda texts: {"data": rows(len(texts))}
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        script.requests.clear()
        with pytest.raises(ValueError, match=r"pools as it was started.*pooling='last'; leave pooling= out"):
            model.embed(["a"], pooling="last")
        with pytest.raises(ValueError, match="scope='all'"):
            model.embed(["a"], spans=[(0, 1)])
        assert script.requests == []
        assert model.pooling == "server"


def test_what_is_recorded_of_an_embedding_is_how_the_server_pools():
    import scanpy as sc

    adata = sc.datasets.pbmc68k_reduced()[:3].copy()
    scc2s.pp.sentences(adata, n_genes=10)
    script = Script(lambda _: 404)
    script.embed = lambda texts: {"data": rows(len(texts))}
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match="pools as it was started"):
            scc2s.tl.embed(adata, model=model, pooling="last", scope="all")
        assert "X_c2s" not in adata.obsm
        scc2s.tl.embed(adata, model=model, scope="all")
    assert adata.uns["c2s"]["embed"]["params"]["pooling"] == "server"
    assert adata.obsm["X_c2s"].shape == (3, 3)
