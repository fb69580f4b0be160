"""A model behind an endpoint gives what the model itself gives, and says what the endpoint cannot do."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import scanpy as sc
from server_script import Script, like_vllm, serving

import scc2s
from scc2s.models import GeneVocabulary, PartialAnswersError, Sampling, answers

PROMPTS = [f"Below are genes of a cell.\nGenes: {genes}\nCell type:" for genes in ("CD3D CD3E", "LYZ CST3 B2M", "NKG7")]
CHOICES = [" B cell", " CD4 T cell", " NK cell"]
FAST = {"backend": "server", "n_retries": 2, "timeout": 5.0}


@pytest.fixture(scope="module")
def mini():
    return scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")


@pytest.fixture
def no_waiting(monkeypatch):
    monkeypatch.setattr("scc2s.models._server._client._FIRST_WAIT", 0.01)


def shout(body):
    prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
    return {"choices": [{"text": prompt.upper(), "finish_reason": "stop"} for prompt in prompts]}


def test_scores_likelihoods_and_text_are_those_of_torch(mini):
    with serving(Script(like_vllm(mini))) as url:
        model = scc2s.models.load(url, end_token=mini.tokenizer.eos_token, **FAST)
        a, b = (one.score(PROMPTS, CHOICES, progress=False) for one in (model, mini))
        assert np.abs(a.logprob - b.logprob).max() < 1e-4
        assert a.n_tokens.tolist() == b.n_tokens.tolist()
        texts = [" B2M LYZ CD3D", " CD3D", " NKG7 GNLY"]
        a, b = (one.log_likelihood(PROMPTS, texts, progress=False) for one in (model, mini))
        assert np.abs(a.logprob - b.logprob).max() < 1e-4
        assert a.n_tokens.tolist() == b.n_tokens.tolist()
        a, b = (one.generate(PROMPTS, max_new_tokens=6, progress=False) for one in (model, mini))
        assert a == b
        assert (model.id, model.max_tokens) == ("mini", 1024)
        assert model.capabilities == {"logprobs": True, "echo": True, "lists": True, "embeddings": False}


@pytest.mark.slow
def test_annotation_of_cells_is_that_of_torch(mini):
    adata = sc.datasets.pbmc68k_reduced()[:6].copy()
    scc2s.pp.sentences(adata, n_genes=30)
    here = scc2s.tl.annotate(adata, labels=["B cell", "NK cell"], model=mini, copy=True)
    with serving(Script(like_vllm(mini))) as url:
        model = scc2s.models.load(url, end_token=mini.tokenizer.eos_token, **FAST)
        model.labels, model.taught = mini.labels, mini.taught  # a server says nothing of this
        scc2s.tl.annotate(adata, labels=["B cell", "NK cell"], model=model)
    assert adata.obs["c2s_cell_type"].tolist() == here.obs["c2s_cell_type"].tolist()
    a, b = (one.obsm["c2s_cell_type_probs"].to_numpy(float) for one in (adata, here))
    assert np.abs(a - b).max() < 1e-4


def test_answers_keep_their_order_however_late_they_come():
    faults = [0.3, 0.0, 0.2, 0.0, 0.1, 0.0]
    script = Script(shout, faults)
    with serving(script) as url:
        model = scc2s.models.load(url, n_concurrent=3, **FAST)
        texts = [f"cell {i}" for i in range(12)]
        assert model.generate(texts, max_new_tokens=3, progress=False) == [text.upper() for text in texts]
    assert 2 <= script.most_running <= 3


@pytest.mark.parametrize("fault", [429, 500, 503, "drop", "cut"])
def test_faults_that_pass_are_waited_for(fault, no_waiting):
    script = Script(shout, [fault, fault])
    with serving(script) as url:
        model = scc2s.models.load(url, n_concurrent=1, **FAST)
        assert model.generate(["a", "b"], max_new_tokens=3, progress=False) == ["A", "B"]
    assert len([1 for kind, *_ in script.requests if kind.startswith("POST")]) == 4


def test_the_server_says_how_long_to_wait(monkeypatch):
    waited = []
    monkeypatch.setattr("scc2s.models._server._client.time.sleep", waited.append)
    script = Script(shout, [429])
    script.headers["Retry-After"] = "7"
    with serving(script) as url:
        scc2s.models.load(url, **FAST).generate(["a"], max_new_tokens=1, progress=False)
    assert waited == [7.0]


def test_a_slow_answer_is_given_up_after_the_timeout(no_waiting):
    with serving(Script(shout, [3.0, 3.0, 3.0])) as url:
        model = scc2s.models.load(url, **FAST | {"timeout": 0.2, "n_retries": 1})
        with pytest.raises(ConnectionError, match=r"no answer in 2 tries .*timeout="):
            model.generate(["a"], max_new_tokens=1, progress=False)


def test_what_came_before_a_failure_is_kept_and_a_rerun_asks_for_the_rest(tmp_path, no_waiting):
    def complete(body):
        return 500 if body["prompt"] == "bad" and broken else shout(body)

    broken = True
    script = Script(complete)
    texts = ["one", "two", "bad", "four"]
    with serving(script) as url:
        model = scc2s.models.load(url, n_concurrent=2, **FAST | {"n_retries": 0})
        with pytest.raises(PartialAnswersError, match=r"1 of 4 prompts got no answer \(numbers \d\)") as caught:
            answers(model, texts, max_new_tokens=3, cache=tmp_path / "a.sqlite", progress=False)
        assert len(caught.value.failed) == 1
        assert sorted(filter(None, caught.value.answers)) == ["FOUR", "ONE", "TWO"]
        broken = False
        script.requests.clear()
        found = answers(model, texts, max_new_tokens=3, cache=tmp_path / "a.sqlite", progress=False)
    assert found == ["ONE", "TWO", "BAD", "FOUR"]
    assert [body["prompt"] for _, body, _ in script.requests] == ["bad"]


def test_a_server_that_is_down_is_not_asked_a_thousand_times(no_waiting):
    script = Script(lambda _: 500)
    with serving(script) as url:
        model = scc2s.models.load(url, n_concurrent=2, **FAST | {"n_retries": 0})
        with pytest.raises(ConnectionError, match="see whether the server runs"):
            model.generate(["a"] * 1000, max_new_tokens=3, progress=False)
    assert len(script.requests) < 20


def test_an_endpoint_that_is_not_there_is_named(no_waiting):
    with serving(Script(shout)) as url:
        pass
    with pytest.raises(ConnectionError, match=r"127.0.0.1.*see whether the server runs"):
        scc2s.models.load(url, **FAST)


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ({"hello": 1}, "not a completion"),
        ({"choices": []}, "not a completion"),
        ({"choices": [{"message": {}}]}, "not a completion"),
        ([1, 2], "not a completion"),
    ],
)
def test_nonsense_is_told_from_an_answer(answer, match):
    with serving(Script(lambda _: answer)) as url, pytest.raises(ValueError, match=match):
        scc2s.models.load(url, **FAST).generate(["a"], max_new_tokens=1, progress=False)


def test_a_page_that_is_no_api_is_told(no_waiting):
    script = Script(shout, ["html"])
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match=r"does not answer in JSON .*<html>.*/v1"):
            model.generate(["a"], max_new_tokens=1, progress=False)
        script.models = {"welcome": 1}
        with pytest.raises(ValueError, match="lists no models"):
            scc2s.models.load(url, **FAST)


def test_models_are_chosen_by_name():
    script = Script(shout)
    script.models = {"data": [{"id": "small"}, {"id": "large"}]}
    with serving(script) as url:
        with pytest.raises(ValueError, match=r"serves 2 models \(large, small\); name one: model="):
            scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match="serves no 'huge' but large, small"):
            scc2s.models.load(url, model="huge", **FAST)
        assert scc2s.models.load(url, model="small", **FAST).id == "small"


def test_scores_are_refused_where_logprobs_are_ignored():
    with serving(Script(shout)) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match=r"no log-probabilities of a text .* mode='generate'"):
            model.score(PROMPTS, CHOICES, progress=False)
        with pytest.raises(ValueError, match="embeds nothing"):
            model.embed(PROMPTS, progress=False)


def test_embeddings_come_in_order_and_nonsense_is_refused():
    script = Script(shout)
    script.embed = lambda texts: {"data": [{"index": i, "embedding": [len(t), i]} for i, t in enumerate(texts)][::-1]}
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        texts = ["a" * i for i in range(1, 40)]
        assert model.embed(texts, progress=False)[:, 0].tolist() == list(range(1, 40))
        with pytest.raises(ValueError, match="layer=-1"):
            model.embed(texts, layer=2)
        script.embed = lambda texts: {"data": []}
        with pytest.raises(ValueError, match="no vector for each"):
            model.embed(texts, progress=False)


def test_genes_are_refused_with_what_to_pass():
    with serving(Script(shout)) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match="constrain=False"):
            model.generate(["a"], genes=GeneVocabulary(["CD3D"], 1))


def test_sampling_is_passed_on_with_one_seed_a_prompt():
    script = Script(shout)
    with serving(script) as url:
        model = scc2s.models.load(url, n_concurrent=1, **FAST)
        how = {"max_new_tokens": 4, "sampling": Sampling(temperature=0.7, top_p=0.9, top_k=5), "seeds": [3, 2**40 + 1]}
        model.generate(["a", "b"], progress=False, **how)
    bodies = [body for kind, body, _ in script.requests if kind.startswith("POST")]
    assert [body["seed"] for body in bodies] == [3, (2**40 + 1) % 2**31]
    assert {(body["temperature"], body["top_p"], body["top_k"], body["max_tokens"]) for body in bodies} == {
        (0.7, 0.9, 5, 4)
    }


def test_the_key_goes_to_the_server_and_nowhere_else(monkeypatch, tmp_path, caplog, no_waiting):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SCC2S_API_KEY", "sk-very-secret")
    script = Script(shout, [500, 401])
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(PermissionError, match="export SCC2S_API_KEY=") as caught:
            model.generate(["a"], max_new_tokens=1, progress=False)
        answers(model, ["a", "b"], max_new_tokens=1, cache=tmp_path / "a.sqlite", progress=False)
        adata = sc.datasets.pbmc68k_reduced()[:3].copy()
        scc2s.pp.sentences(adata, n_genes=10)
        scc2s.tl.annotate(adata, labels=["B cell"], mode="generate", model=model, max_new_tokens=3)
    assert {headers.get("Authorization") for *_, headers in script.requests} == {"Bearer sk-very-secret"}
    places = [repr(model), str(model.info()), str(caught.value), caplog.text, str(adata.uns["c2s"])]
    places.append((tmp_path / "a.sqlite").read_bytes().decode("latin-1"))
    assert not any("very-secret" in place for place in places)
    assert adata.uns["c2s"]["annotate"]["model"]["backend"] == "server"


def test_addresses_and_options_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match='use load\\(..., backend="server"\\)'):
        scc2s.models.load("http://localhost:1/v1")
    with pytest.raises(ValueError, match='is an option of backend="server"'):
        scc2s.models.load("scc2s-mini", timeout=3.0)
    with pytest.raises(ValueError, match="settled where the server runs"):
        scc2s.models.load("http://localhost:1/v1", backend="server", dtype="float32")
    with pytest.raises(ValueError, match="is not an address of a server"):
        scc2s.models.load("scc2s-mini", backend="server")
    with pytest.raises(ValueError, match=r"put the key into \$SCC2S_API_KEY"):
        scc2s.models.load("http://me:secret@localhost:1/v1", backend="server")
    with pytest.raises(ValueError, match="make no request"):
        scc2s.models.load("http://localhost:1/v1", backend="server", n_concurrent=0)
