"""A tokenizer that puts its end token after each text does not let the model write after that."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tiny_models import build_model, build_tokenizer, prompts
from tokenizers import processors

from scc2s import models
from scc2s.models import GeneVocabulary

PROMPTS = prompts(3, 1)
CHOICES = [" B cell", " CD4 T cell", " megakaryocyte"]


def template(single):
    def ending(tokenizer):
        ids = [(name, tokenizer.convert_tokens_to_ids(name)) for name in ("<eos>", "<bos>")]
        tokenizer._tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=ids)

    return ending


def behind_bytes(tokenizer):
    template("$A <eos>")(tokenizer)
    tokenizer._tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=True), tokenizer._tokenizer.post_processor]
    )


def as_roberta(tokenizer):
    names = ("<eos>", "<bos>")
    ends = [(name, tokenizer.convert_tokens_to_ids(name)) for name in names]
    tokenizer._tokenizer.post_processor = processors.RobertaProcessing(ends[0], ends[1], trim_offsets=False)


ENDINGS = {
    "template": (template("$A <eos>"), False),
    "twice": (template("$A <eos> <eos>"), False),
    "both": (template("<bos> $A <eos>"), True),
    "sequence": (behind_bytes, False),
    "roberta": (as_roberta, True),
}


def loaded(folder, kind, ending, bos):
    tokenizer = build_tokenizer(bos=bos)
    if ending is not None:
        ending(tokenizer)
    build_model(kind).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return models.load(folder, device="cpu", dtype="float32")


@pytest.mark.parametrize("name", list(ENDINGS))
def test_prompts_are_read_without_the_end_token(tmp_path, name):
    ending, bos = ENDINGS[name]
    plain, ended = loaded(tmp_path / "plain", "llama", None, bos), loaded(tmp_path / "ended", "llama", ending, bos)
    np.testing.assert_array_equal(ended.count_tokens(PROMPTS), plain.count_tokens(PROMPTS))
    assert ended.generate(PROMPTS, max_new_tokens=6) == plain.generate(PROMPTS, max_new_tokens=6)
    genes = GeneVocabulary(["CD1", "IL2", "RPL3", "CCL4"], 2)
    assert ended.generate(PROMPTS, genes=genes) == plain.generate(PROMPTS, genes=genes)
    spans = [(len("Genes of a human cell"), len(prompt)) for prompt in PROMPTS]
    for options in ({}, {"pooling": "last"}, {"spans": spans}):
        np.testing.assert_allclose(ended.embed(PROMPTS, **options), plain.embed(PROMPTS, **options), atol=1e-6)
    np.testing.assert_allclose(ended.score(PROMPTS, CHOICES).logprob, plain.score(PROMPTS, CHOICES).logprob, atol=1e-5)
    texts = [" CD1 IL2"] * 3
    np.testing.assert_allclose(
        ended.log_likelihood(PROMPTS, texts).logprob, plain.log_likelihood(PROMPTS, texts).logprob, atol=1e-5
    )
    for a, b in zip(ended.attention(PROMPTS, [[(0, 5)]] * 3), plain.attention(PROMPTS, [[(0, 5)]] * 3), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_prompt_that_itself_ends_with_the_end_token_keeps_it(tmp_path):
    plain = loaded(tmp_path / "plain", "llama", None, False)
    ended = loaded(tmp_path / "ended", "llama", *ENDINGS["template"])
    assert ended.count_tokens(["CD1<eos>"]).tolist() == plain.count_tokens(["CD1<eos>"]).tolist()


def test_training_on_such_a_tokenizer_is_refused(tmp_path):
    pytest.importorskip("trl")
    from scc2s.train import sft

    tokenizer = build_tokenizer(bos=False)
    template("$A <eos>")(tokenizer)
    samples = pd.DataFrame({"prompt": ["CD1 IL2"], "completion": [" B cell"], "task": ["cell_type"]})
    with pytest.raises(ValueError, match=r"end token after each text.*add_eos_token = False"):
        sft(build_model("llama"), samples, tmp_path / "out", tokenizer=tokenizer)


def of_words(folder):
    """A model whose tokenizer knows a few words; all others are <unk>."""
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers import models as kinds
    from transformers import PreTrainedTokenizerFast

    words = ["<eos>", "<unk>", *("Genes", ":", "is", "B", "T", "NK", "cell", "CD3", "LYZ")]
    tokenizer = Tokenizer(kinds.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    build_model("llama").save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", unk_token="<unk>").save_pretrained(folder)
    return models.load(folder, device="cpu", dtype="float32")


def test_labels_that_the_tokenizer_cannot_tell_apart_or_write_are_named(tmp_path):
    model = of_words(tmp_path)
    assert np.isfinite(model.score(["Genes: CD3 is"], [" B cell", " T cell"]).logprob).all()
    with pytest.raises(ValueError, match=r"'gamma cell' and 'delta cell' the same tokens.*labels="):
        model.score(["Genes: CD3 is"], [" gamma cell", " delta cell"])
    with pytest.raises(
        ValueError, match=r"cannot write 1 of 2 choices, e.g. 'plasma cell', which becomes '<unk> cell'"
    ):
        model.score(["Genes: CD3 is"], [" plasma cell", " T cell"])
    with pytest.raises(ValueError, match=r"cannot write 1 of 2 genes, e.g. 'NKG7'"):
        model.generate(["Genes:"], genes=GeneVocabulary(["CD3", "NKG7"], 1))


def test_settings_that_ask_for_an_end_token_do_not_count_either(tmp_path):
    plain = loaded(tmp_path / "plain", "llama", None, False)
    ended = loaded(tmp_path / "ended", "llama", *ENDINGS["template"])
    path = tmp_path / "ended" / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"add_eos_token": True, "add_bos_token": False}))
    ended = models.load(tmp_path / "ended", device="cpu", dtype="float32")
    assert ended.generate(PROMPTS, max_new_tokens=4) == plain.generate(PROMPTS, max_new_tokens=4)
