from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import scc2s


@pytest.fixture
def adata():
    out = sc.datasets.pbmc68k_reduced()[:6].copy()
    scc2s.pp.sentences(out, n_genes=15)
    return out


def likes(weights):
    """A model whose answer rests on given genes."""

    def log_likelihood(prompts, answers):
        return [sum(weights.get(word, 0.0) for word in prompt.split()) for prompt in prompts]

    return scc2s.models.CallableModel(log_likelihood=log_likelihood)


def test_planted_genes_get_their_weight_and_others_none(adata):
    words = adata.obs["c2s_sentence"].iloc[0].split()
    weights = {words[2]: 2.0, words[5]: -1.0}
    scc2s.tl.importance(adata, "B cell", model=likes(weights), sanity=False)
    layer = adata.layers["c2s_importance"]
    assert layer.format == "csr"
    assert layer.dtype == np.float32
    row = layer[0].toarray().ravel()
    column = adata.var_names.get_loc
    assert row[column(words[2])] == 2
    assert row[column(words[5])] == -1
    assert np.count_nonzero(row) == 2
    for i, sentence in enumerate(adata.obs["c2s_sentence"]):
        for word, weight in weights.items():
            assert layer[i, column(word)] == (weight if word in sentence.split() else 0)


def test_each_question_lacks_one_gene_and_nothing_else(adata):
    asked = []

    def log_likelihood(prompts, answers):
        asked.extend(zip(prompts, answers, strict=True))
        return [0.0] * len(prompts)

    model = scc2s.models.CallableModel(log_likelihood=log_likelihood)
    adata.obs["type"] = ["B cell", "NK cell"] * 3
    scc2s.tl.importance(adata, "type", cells=adata.obs_names[:2], n_genes=4, model=model, sanity=False)
    assert len(asked) == 2 * 5
    whole = asked[0][0]
    words = adata.obs["c2s_sentence"].iloc[0].split()
    for i, (prompt, answer) in enumerate(asked[1:5]):
        assert answer == " B cell"
        assert prompt == whole.replace(f"{words[i]} ", "", 1)
    assert asked[5][1] == " NK cell"


@pytest.mark.slow
def test_markers_speak_for_their_cell_type_and_random_weights_do_not_agree():
    adata = sc.datasets.pbmc68k_reduced()
    adata = adata[adata.obs["bulk_labels"] == "CD19+ B"][:8].copy()
    scc2s.pp.sentences(adata, n_genes=60)
    model = scc2s.models.load("scc2s-mini", device="cpu", dtype="float32")
    scc2s.tl.importance(adata, "B cell", model=model, n_sanity=8)
    found = adata.uns["c2s"]["importance"]
    assert abs(found["random_weights_correlation"]) < 0.3
    assert found["n_sanity"] == 8
    mean = np.asarray(adata.layers["c2s_importance"].mean(axis=0)).ravel()
    best = set(adata.var_names[np.argsort(-mean)[:10]])
    assert best & {"CD79A", "CD79B", "CD74", "MS4A1", "HLA-DRA", "CD37"}


def test_a_sentence_at_its_last_gene_keeps_its_full_stop(adata):
    model = likes({})
    scc2s.tl.importance(
        adata, "x", cells=adata.obs_names[:1], prompt="Genes: {cell_sentence}.", model=model, sanity=False
    )
    assert np.isfinite(adata.layers["c2s_importance"].data).all()


def test_results_survive_files(adata, tmp_path):
    scc2s.tl.importance(adata, "B cell", cells=adata.obs_names[:2], n_sanity=1)
    adata.write_h5ad(tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    assert np.allclose(back.layers["c2s_importance"].toarray(), adata.layers["c2s_importance"].toarray())
    assert back.uns["c2s"]["importance"]["n_sanity"] == 1


def test_bad_input_names_the_mend(adata, monkeypatch):
    with pytest.raises(TypeError, match="pass sanity=False"):
        scc2s.tl.importance(adata, "B cell", model=likes({}))
    adata.obs["type"] = [None] + ["B cell"] * 5
    with pytest.raises(ValueError, match="leave them out: cells="):
        scc2s.tl.importance(adata, "type", model=likes({}), sanity=False)
    monkeypatch.setattr("scc2s.tl._importance._MOST", 10)
    with pytest.raises(ValueError, match=r"n_genes=50"):
        scc2s.tl.importance(adata, "B cell", model=likes({}), sanity=False)
    assert "c2s_importance" not in adata.layers


def test_genes_of_raw_that_the_cells_lack_are_said_and_get_no_column(caplog):
    adata = sc.datasets.pbmc68k_reduced()[:3].raw.to_adata()
    adata.raw = adata
    few = adata[:, ::8].copy()
    scc2s.pp.sentences(few, n_genes=12)
    model = scc2s.models.CallableModel(log_likelihood=lambda prompts, answers: [float(len(p)) for p in prompts])
    scc2s.tl.importance(few, target="B cell", model=model, prompt="{cell_sentence}", sanity=False)
    assert few.layers["c2s_importance"].shape == few.shape
    assert "none of adata.var" in caplog.text
    assert "use_raw=False" in caplog.text
