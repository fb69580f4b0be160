from __future__ import annotations

import numpy as np
import pytest

from scc2s.metrics import Encoded, bertscore, encoder_from

LETTERS = np.eye(26)


def encode(text: str) -> Encoded:
    """One direction a word, by its first letter."""
    words = text.lower().split()
    return Encoded(np.array([LETTERS[ord(word[0]) - 97] for word in words]), words)


def test_the_vector_of_the_definition():
    found = bertscore([np.array([[1, 0], [0.6, 0.8], [0, 1]])], [np.array([[1, 0], [0, 1]])])
    assert found.precision[0] == pytest.approx(0.933333, abs=1e-6)
    assert found.recall[0] == 1
    assert found.f1[0] == pytest.approx(0.965517, abs=1e-6)


def test_an_encoder_of_ones_own_and_the_floor_of_unrelated_texts():
    found = bertscore(["a b", "c d", "e f"], ["a b", "c x", "e f"], encode)
    assert found.f1.tolist() == [1, 0.5, 1]
    assert found.floor == 0  # no word in common across items


def test_vectors_of_any_length_count_by_direction():
    a, b = np.array([[3.0, 4.0]]), np.array([[30.0, 40.0]])
    assert bertscore([a], [b]).f1[0] == pytest.approx(1)


def test_an_empty_text_scores_0():
    found = bertscore(["", "a"], ["a", ""], encode)
    assert found.f1.tolist() == [0, 0]


def test_rare_words_weigh_more_with_idf():
    references = ["the a", "the b", "the c"]
    plain = bertscore(["the", "the b", "the c"], references, encode)
    weighted = bertscore(["the", "the b", "the c"], references, encode, idf=True)
    assert weighted.recall[0] < plain.recall[0]
    assert weighted.f1[1] == pytest.approx(1)
    with pytest.raises(ValueError, match="idf=False"):
        bertscore([np.ones((1, 2))], [np.ones((1, 2))], idf=True)


def test_a_baseline_rescales():
    found = bertscore(["a b"], ["a c"], encode, baseline=0.4)
    assert found.f1[0] == pytest.approx((0.5 - 0.4) / 0.6)


def test_bad_input_names_the_mend():
    with pytest.raises(ValueError, match="encoder_from"):
        bertscore(["a"], ["a"])
    with pytest.raises(ValueError, match="pair by pair"):
        bertscore(["a"], [])
    with pytest.raises(ValueError, match="tokens x dimensions"):
        bertscore(["a"], ["a"], lambda text: np.ones(3))
    with pytest.raises(ValueError, match="under 1"):
        bertscore(["a"], ["a"], encode, baseline=1.0)


def test_a_transformers_encoder_leaves_special_tokens_out_and_says_when_it_cuts(tmp_path, caplog):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "b": 4, "cell": 5, "t": 6}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=8,
    ).save_pretrained(tmp_path)  # fmt: skip
    BertModel(
        BertConfig(vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
                   max_position_embeddings=8)
    ).save_pretrained(tmp_path)  # fmt: skip
    encoder = encoder_from(str(tmp_path))
    found = encoder("b cell")
    assert found.tokens == ["b", "cell"]
    assert found.vectors.shape == (2, 8)
    assert bertscore(["b cell"], ["b cell"], encoder).f1[0] == pytest.approx(1, abs=1e-6)
    with caplog.at_level("WARNING", logger="scc2s"):
        assert encoder("b " * 20).vectors.shape == (6, 8)
