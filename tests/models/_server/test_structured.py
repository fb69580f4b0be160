"""Which field a server follows is found out by what it answers; under it a server's cells are those of torch."""

from __future__ import annotations

import re

import pytest

xgr = pytest.importorskip("xgrammar", reason="the engine of the servers; .ci/run installs it")

import anndata as ad  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import scanpy as sc  # noqa: E402
from grammar_server import GrammarServer  # noqa: E402
from server_script import Script, serving  # noqa: E402
from tiny_models import GENES, build_model, prompts  # noqa: E402

import scc2s  # noqa: E402
from scc2s.models import GeneVocabulary, Sampling  # noqa: E402

FAST = {"backend": "server", "n_retries": 0, "timeout": 60.0}
# None begins with another: see HeldWriter.
NAMES = [name for name in GENES if re.search(r"\d\d", name)]
FIELDS = {
    "vLLM": "structured_outputs.grammar",
    "SGLang": "ebnf",
    "llama.cpp": "grammar",
    "old vLLM": "guided_grammar",
    "regex alone": "structured_outputs.regex",
}


@pytest.fixture(scope="module")
def spelling(tmp_path_factory):
    """A tiny model whose tokens are bytes: each name is spelled in one way, so letters and tokens hold to the same."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    def make(kind):
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        vocabulary = {token: i for i, token in enumerate(["<eos>", "<pad>", "<bos>", *alphabet])}
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        folder = tmp_path_factory.mktemp(kind)
        build_model(kind, max_position_embeddings=1024).save_pretrained(folder)
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>").save_pretrained(
            folder
        )
        return scc2s.models.load(folder, device="cpu", dtype="float32")

    return make


@pytest.mark.parametrize(("kind", "strict"), [(kind, strict) for kind in FIELDS for strict in (False, True)])
def test_greedy_cells_are_those_of_torch_under_its_constraint(spelling, kind, strict):
    model = spelling("gpt_neox")
    genes = GeneVocabulary(NAMES, [12, 5, 1])
    asked = prompts(3, seed=1, genes=(3, 10))
    script = Script(GrammarServer(model, kind, strict=strict))
    with serving(script) as url:
        server = scc2s.models.load(url, **FAST)
        assert server.structured_output == FIELDS[kind]
        n_probes = len(script.requests)
        found = server.generate(asked, genes=genes, progress=False)
        assert server.structured_output == FIELDS[kind]
    assert found == model.generate(asked, genes=genes, progress=False)
    assert all(body["prompt"].startswith(tuple(asked)) for _, body, _ in script.requests[n_probes:])
    assert len(script.requests) - n_probes > len(asked)  # some genes came twice


@pytest.mark.parametrize("kind", ["gemma2", "llama"])
def test_families_of_models_give_the_cells_of_torch(spelling, kind):
    model, genes = spelling(kind), GeneVocabulary(NAMES, 8)
    asked = prompts(2, seed=2, genes=(3, 10))
    with serving(Script(GrammarServer(model, "vLLM"))) as url:
        found = scc2s.models.load(url, **FAST).generate(asked, genes=genes, progress=False)
    assert found == model.generate(asked, genes=genes, progress=False)


@pytest.mark.slow
def test_the_model_of_the_package_writes_behind_a_server_what_it_writes_here():
    """Cells part from torch where a name is spelled by other tokens; the figures of docs/server.md."""
    mini = scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")
    data = sc.datasets.pbmc68k_reduced()
    genes = GeneVocabulary(scc2s.sentences.words(data.raw.var_names), 40)
    kinds = ["B cell", "NK cell", "CD14+ monocyte", "CD4 T cell"]
    task = scc2s.prompts.get("generate", family=mini.family)
    fields = {"n_genes": ["40"] * 4, "organism": ["human"] * 4, "cell_type": kinds}
    asked = task.render([""] * 4, fields).texts
    here = mini.generate(asked, genes=genes, progress=False)
    script = Script(GrammarServer(mini, "vLLM"))
    with serving(script) as url:
        server = scc2s.models.load(url, **FAST | {"timeout": 300.0})
        there = server.generate(asked, genes=genes, progress=False)
        n = len(script.requests)
        drawn = server.generate(asked[:2], genes=genes, sampling=Sampling(), seeds=range(2), progress=False)
    same = [next((i for i, (x, y) in enumerate(zip(a.split(), b.split(), strict=True)) if x != y), 40)
            for a, b in zip(here, there, strict=True)]  # fmt: skip
    assert min(same) >= 30
    assert {len(set(text.split())) for text in [*there, *drawn]} == {40}
    assert (len(script.requests) - n) / 2 < 20  # each repeated gene ends an answer


def test_a_server_that_ignores_grammars_is_refused_with_what_to_do_and_asked_once(tiny):
    script = Script(GrammarServer(tiny("gpt_neox"), "none"))
    with serving(script) as url:
        server = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match=r"follows no grammar .*backend='torch'.* constrain=False"):
            server.generate(["a"], genes=GeneVocabulary(GENES, 2), progress=False)
        n = len(script.requests)
        with pytest.raises(ValueError, match="follows no grammar"):
            server.generate(["a"], genes=GeneVocabulary(GENES, 2), progress=False)
        assert server.structured_output is None
        assert len(script.requests) == n


@pytest.mark.slow
def test_drawn_cells_hold_to_genes_and_are_the_same_again(tiny):
    genes, how = GeneVocabulary(GENES, 15), {"sampling": Sampling(temperature=1.0), "seeds": [1, 2, 3, 4]}
    asked = [*prompts(3, seed=3), prompts(1, seed=3)[0]]
    with serving(Script(GrammarServer(tiny("gpt_neox"), "vLLM"))) as url:
        server = scc2s.models.load(url, **FAST)
        found = server.generate(asked, genes=genes, progress=False, **how)
        again = server.generate(asked[::-1], genes=genes, progress=False, **how | {"seeds": [4, 3, 2, 1]})
    assert found == again[::-1]
    assert found[0] != found[3]
    for text in found:
        assert len(set(text.split())) == len(text.split()) == 15
        assert set(text.split()) <= set(GENES)


def test_a_model_may_end_early_where_the_length_is_not_exact(spelling):
    model, genes = spelling("gpt_neox"), GeneVocabulary(NAMES, 20, exact=False)
    asked = prompts(6, seed=4, genes=(3, 10))
    with serving(Script(GrammarServer(model, "vLLM"))) as url:
        found = scc2s.models.load(url, **FAST).generate(asked, genes=genes, progress=False)
    assert found == model.generate(asked, genes=genes, progress=False)


def _cells() -> ad.AnnData:
    rng = np.random.default_rng(0)
    data = ad.AnnData(
        rng.poisson(1.0, (4, len(GENES))).astype(np.float32),
        var=pd.DataFrame(index=GENES),
        obs=pd.DataFrame(index=list("abcd")),
    )
    scc2s.pp.sentences(data, n_genes=10)
    scc2s.pp.rank_fit(data)
    return data


@pytest.mark.parametrize("kind", ["vLLM", "SGLang", "llama.cpp"])
@pytest.mark.slow
def test_tools_write_cells_of_the_data_set_through_a_server(tiny, kind):
    data = _cells()
    with serving(Script(GrammarServer(tiny("gpt_neox", max_position_embeddings=1024), kind))) as url:
        server = scc2s.models.load(url, **FAST)
        new = scc2s.tl.generate(data, 2, model=server, n_genes=10, prompt="Genes:")
        scc2s.tl.perturb(
            data,
            "IFNB1",
            model=server,
            n_genes=6,
            prompt="Cell: {cell_sentence}\nAfter {perturbation}:",
            key_added="ifn",
        )
    for sentences, n in ((new.obs["c2s_sentence"], 10), (data.obs["c2s_ifn_sentence"], 6)):
        for text in sentences:
            assert len(set(text.split())) == len(text.split()) == n
            assert set(text.split()) <= set(GENES)
    assert new.obs["c2s_complete"].all()
    assert (new.obs["c2s_valid"] == 1).all()
    assert (new.obs["c2s_unique"] == 1).all()
    assert data.obs["c2s_ifn_complete"].all()


def test_tools_change_nothing_where_a_server_ignores_grammars(tiny):
    data = _cells()
    before = data.copy()
    with serving(Script(GrammarServer(tiny("gpt_neox"), "none"))) as url:
        server = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match="constrain=False"):
            scc2s.tl.perturb(data, "IFNB1", model=server, prompt="{cell_sentence} {perturbation}:")
    assert data.obs.equals(before.obs)
    assert set(data.uns["c2s"]) == set(before.uns["c2s"])
    assert not set(data.layers) - set(before.layers)
