"""Sentences that meet the end of the context: refused before, or cut at a gene, in any company the same."""

from __future__ import annotations

import pytest
from tiny_models import GENES, prompts

from scc2s import models
from scc2s.models import GeneVocabulary, Sampling

LONG = [f"{'CD3-' * 12}{i}" for i in range(8)]


def test_more_genes_than_fit_are_refused_with_the_number_that_fits(tiny):
    model = tiny("gpt_neox", max_position_embeddings=160)
    text = prompts(1, 1)
    with pytest.raises(ValueError, match=r"do not fit the context of 160 tokens .* n_genes=\d+") as error:
        model.generate(text, genes=GeneVocabulary(GENES, 150))
    fits = int(str(error.value).rsplit("=", 1)[1])
    assert len(model.generate(text, genes=GeneVocabulary(GENES, fits))[0].split()) <= fits
    with pytest.raises(ValueError, match="do not fit"):
        model.generate(text, genes=GeneVocabulary(GENES, fits + 1))


def test_a_prompt_that_leaves_no_room_is_told_to_show_fewer_genes(tiny):
    model = tiny("gpt_neox", max_position_embeddings=160)
    with pytest.raises(ValueError, match="show fewer genes"):
        model.generate([" ".join(["CD1"] * 78)], genes=GeneVocabulary(LONG, 1))


def test_a_sentence_of_longer_names_than_expected_is_cut_at_a_gene(tiny):
    model = tiny("gpt_neox")
    (text,) = model.generate([" ".join(GENES[:2])], genes=GeneVocabulary([*GENES, *LONG], 40), max_new_tokens=30)
    words = text.split()
    assert 0 < len(words) < 40
    assert set(words) <= {*GENES, *LONG}


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2", "gpt2"])
@pytest.mark.slow
def test_neighbours_near_the_end_of_the_context_do_not_shorten_a_sentence(tiny, kind):
    """The batch is wider than any of its rows: rows end where their own context does."""
    name = "n_positions" if kind == "gpt2" else "max_position_embeddings"
    model = tiny(kind, **{name: 200})
    room = 200 - int(model.count_tokens([" ".join(GENES[:40])])[0])
    texts = [" ".join(GENES[:40]), "CD1", " ".join(GENES[:20]), "CD2 CD3"]
    asked = [max(1, room // 6), 30, 15, 29]
    how = {"sampling": Sampling(), "random_state": 2}
    alone = [
        models.answers(model, [text], genes=GeneVocabulary([*GENES, *LONG], n), **how)[0]
        for text, n in zip(texts, asked, strict=True)
    ]
    assert models.answers(model, texts, genes=GeneVocabulary([*GENES, *LONG], asked), **how) == alone
    totals = model.count_tokens([text + answer for text, answer in zip(texts, alone, strict=True)])
    assert totals.max() <= 200
