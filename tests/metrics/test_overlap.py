from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import gene_overlap, validity


def test_the_vector_of_the_definition_and_the_first_k_words():
    assert gene_overlap(["A B C D"], ["B X A Y"]).tolist() == [50]
    assert gene_overlap(["A B C D", "A"], ["A X B Y", ""], k=2).tolist()[0] == 50
    assert np.isnan(gene_overlap(["A"], [""])[0])
    assert gene_overlap(["A A A"], ["A B"]).tolist() == [50]


def test_pairs_are_wanted():
    with pytest.raises(ValueError, match="pair by pair"):
        gene_overlap(["A"], ["A", "B"])
    with pytest.raises(ValueError, match="pair by pair"):
        gene_overlap("A", "A")


@pytest.mark.slow
def test_random_pairs_of_real_cells_share_as_much_as_measured_before(shared_data):
    """Floor: 47 % of the top 100 genes within the control, 41 % between conditions (37 and 34 % of the top 200)."""
    import anndata

    import scc2s

    adata = anndata.read_h5ad(shared_data / "kang_ifnb.h5ad")
    scc2s.pp.sentences(adata, n_genes=200)
    rng = np.random.default_rng(0)
    sentences, control = adata.obs["c2s_sentence"].to_numpy(), (adata.obs["condition"] == "ctrl").to_numpy()
    c, s = rng.choice(np.flatnonzero(control), (2, 2000)), rng.choice(np.flatnonzero(~control), 2000)
    different = c[0] != c[1]
    for k, within, between in ((100, 47.1, 41.4), (200, 36.7, 33.5)):
        found = gene_overlap(sentences[c[0]][different].tolist(), sentences[c[1]][different].tolist(), k=k).mean()
        across = gene_overlap(sentences[c[0]].tolist(), sentences[s].tolist(), k=k).mean()
        assert found == pytest.approx(within, abs=3)
        assert across == pytest.approx(between, abs=3)
        assert across < found


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        ("a b", "A B", 100),
        ("A, B; C.", "A B C D", 75),
        ("A B", "A B C.", 200 / 3),
        ("C", "A B C.", 100 / 3),
        ("A", "A a", 50),  # two genes of the reference, told apart by capitals alone
        ("(A) A a.", "A B", 50),
        ("hla-dra", "HLA-DRA", 100),
    ],
)
def test_words_are_read_as_validity_reads_them(text, reference, expected):
    assert gene_overlap([text], [reference])[0] == pytest.approx(expected)
    names = [word.strip(".") for word in reference.split()]
    assert validity([text], names)["n_unique"][0] * 100 / len(names) == pytest.approx(expected)


def test_no_words_and_no_text_are_refused():
    with pytest.raises(ValueError, match="pass k="):
        gene_overlap(["A"], ["A"], k=0)
    with pytest.raises(TypeError, match="pass sentences"):
        gene_overlap([None], ["A"])
