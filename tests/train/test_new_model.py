from __future__ import annotations

import pytest
import torch

import scc2s
from scc2s import train

GENES = [f"G{i}" for i in range(12)]


@pytest.fixture(scope="module")
def tokenizer():
    return train.gene_tokenizer(GENES, ["Cell type: B cell T cell"], n_pieces=300)


def test_it_has_the_shape_of_the_model_in_the_package(tokenizer) -> None:
    config = train.new_model(tokenizer, n_layers=3, width=64, max_length=77).config
    assert (config.model_type, config.num_hidden_layers, config.hidden_size) == ("gpt_neox", 3, 64)
    assert (config.num_attention_heads, config.intermediate_size, config.max_position_embeddings) == (2, 256, 77)
    assert config.tie_word_embeddings
    assert (config.eos_token_id, config.pad_token_id) == (tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert config.vocab_size == len(tokenizer)


def test_weights_follow_the_seed_and_not_the_global_state(tokenizer) -> None:
    before = torch.get_rng_state()
    one, same, other = (train.new_model(tokenizer, n_layers=1, width=32, seed=s) for s in (5, 5, 6))
    torch.testing.assert_close(torch.get_rng_state(), before)
    first = [m.get_input_embeddings().weight for m in (one, same, other)]
    assert torch.equal(first[0], first[1])
    assert not torch.equal(first[0], first[2])


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"n_layers": 0}, "whole numbers from 1"),
        ({"width": 50, "n_heads": 4}, "multiple of 8"),
        ({"width": 36, "n_heads": 4}, "even"),
    ],
)
def test_shapes_that_cannot_be_are_refused(tokenizer, kwargs: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        train.new_model(tokenizer, **kwargs)


def test_it_is_saved_and_loaded_as_any_other(tokenizer, tmp_path) -> None:
    train.save_portable(train.new_model(tokenizer, n_layers=1, width=32), tokenizer, tmp_path / "new")
    vectors = scc2s.models.load(tmp_path / "new").embed(["Cell type: G1 G2"])
    assert vectors.shape == (1, 32)
