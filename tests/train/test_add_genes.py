"""Genes that a tokenizer lacks get a token, and nothing else changes."""

from __future__ import annotations

import pytest
import torch

from scc2s import train

GENES = [f"G{i}" for i in range(12)]
TEXTS = ["Cell type: B cell T cell"]


@pytest.fixture
def made() -> tuple:
    tokenizer = train.gene_tokenizer(GENES, TEXTS, n_pieces=300)
    return train.new_model(tokenizer, n_layers=1, width=32), tokenizer


def logits(model, tokenizer, text: str) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(**tokenizer(text, return_tensors="pt", return_token_type_ids=False)).logits[0]


def test_new_genes_are_one_token_each_and_old_words_keep_theirs(made: tuple) -> None:
    model, tokenizer = made
    before, text = len(tokenizer), "Cell type: G1 G2 B cell"
    ids, want = tokenizer(text)["input_ids"], logits(model, tokenizer, text)
    assert train.add_genes(model, tokenizer, ["XBP1", "G3", "HLA-DRA", "XBP1"]) == ["HLA-DRA", "XBP1"]
    assert len(tokenizer) == before + 2 == model.config.vocab_size
    assert tokenizer.tokenize(" XBP1 HLA-DRA G3") == ["ĠXBP1", "ĠHLA-DRA", "ĠG3"]
    assert tokenizer.decode(tokenizer("Cell: XBP1 G1.")["input_ids"]) == "Cell: XBP1 G1."
    assert tokenizer(text)["input_ids"] == ids
    torch.testing.assert_close(logits(model, tokenizer, text)[:, :before], want)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_they_begin_near_the_mean_of_the_genes_by_the_seed_alone(made: tuple) -> None:
    model, tokenizer = made
    weight = model.get_input_embeddings().weight
    with torch.no_grad():
        weight[tokenizer.convert_tokens_to_ids([f"Ġ{g}" for g in GENES])] += 5.0
    state = torch.get_rng_state()
    train.add_genes(model, tokenizer, ["XBP1"], seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    first = model.get_input_embeddings().weight[-1].detach().clone()
    assert 4.9 < float(first.mean()) < 5.1
    again_tokenizer = train.gene_tokenizer(GENES, TEXTS, n_pieces=300)
    again = train.new_model(again_tokenizer, n_layers=1, width=32)
    with torch.no_grad():
        again.get_input_embeddings().weight[again_tokenizer.convert_tokens_to_ids([f"Ġ{g}" for g in GENES])] += 5.0
    train.add_genes(again, again_tokenizer, ["XBP1"], seed=3)
    assert torch.equal(again.get_input_embeddings().weight[-1], first)


def test_nothing_changes_where_all_have_one(made: tuple) -> None:
    model, tokenizer = made
    weight = model.get_input_embeddings().weight
    assert train.add_genes(model, tokenizer, GENES) == []
    assert model.get_input_embeddings().weight is weight


def test_what_cannot_be_is_refused(made: tuple) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    with pytest.raises(ValueError, match="pass names without spaces"):
        train.add_genes(*made, ["HLA DRA"])
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))
    with pytest.raises(ValueError, match="pass one of scc2s.train.gene_tokenizer"):
        train.add_genes(made[0], words, ["XBP1"])


def test_a_model_with_more_genes_is_saved_and_trained(made: tuple, tmp_path) -> None:
    import pandas as pd

    from scc2s import models

    model, tokenizer = made
    train.add_genes(model, tokenizer, ["XBP1"])
    table = pd.DataFrame(
        {"prompt": ["Genes: XBP1 G1\nType:", "Genes: G2 G3\nType:"], "completion": [" B cell", " T cell"]}
    )
    done = train.sft(
        model, table.assign(task="cell_type"), tmp_path / "out", tokenizer=tokenizer, epochs=40, learning_rate=1e-2,
        disable_tqdm=True,
    )  # fmt: skip
    scores = models.load(done.folder).score(["Genes: XBP1 G1\nType:"], [" B cell", " T cell"]).logprob[0]
    assert scores[0] > scores[1]
