"""Genes as tokens: with any kind of tokenizer they come back as they were, or are refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import GENES, build_tokenizer, prompts

from scc2s import models
from scc2s.models import GeneVocabulary, Sampling
from scc2s.models._torch import TorchModel
from scc2s.models._torch._vocabulary import Tries, gene_tokens

stems = st.from_regex(r"[A-Z]{1,5}[0-9]{0,2}([.-][A-Z0-9]{1,3})?", fullmatch=True)
vocabularies = st.lists(stems, min_size=2, max_size=12, unique=True).flatmap(
    lambda some: st.lists(st.tuples(st.sampled_from(some), st.sampled_from(["D", "8", "-AS1", ".2"])), max_size=8).map(
        lambda more: list(dict.fromkeys([*some, *(stem + end for stem, end in more)]))
    )
)


def gemma_tokenizer():
    """Byte-pair encoding over text whose spaces are marked, and bytes for what it does not know, as Gemma has it."""
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    special = ["<eos>", "<pad>", "<bos>", "<unk>", *(f"<0x{i:02X}>" for i in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(prompts(50, 0), trainer)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>", bos_token="<bos>", unk_token="<unk>"
    )


def word_tokenizer(words):
    """One token a word, and one for all others."""
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    vocab = {word: i for i, word in enumerate(["<eos>", "<pad>", "<bos>", "<unk>", "Genes:", *words])}
    tokenizer = Tokenizer(WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>", unk_token="<unk>")


@pytest.fixture(scope="module")
def writers(tiny):
    """Models whose tokenizers cut words in different ways."""
    byte_level, marked = tiny("gpt_neox"), tiny("gemma2")
    return {"bytes": byte_level, "marked spaces": TorchModel(marked._decoder.lm, gemma_tokenizer(), id="marked")}


@pytest.mark.parametrize("kind", ["bytes", "marked spaces"])
@settings(deadline=None, max_examples=25)
@given(names=vocabularies, data=st.data())
@pytest.mark.slow
def test_any_vocabulary_is_written_whole_unique_and_in_number(writers, kind, names, data):
    model = writers[kind]
    asked = data.draw(st.lists(st.integers(1, len(names)), min_size=3, max_size=3))
    sampling = data.draw(st.sampled_from([None, Sampling(), Sampling(2.0, 0.9)]))
    out = models.answers(
        model, prompts(3, 4, genes=(1, 9)), genes=GeneVocabulary(names, asked), sampling=sampling, progress=False
    )
    written = [text.split() for text in out]
    assert [len(row) for row in written] == asked
    assert all(len(set(row)) == len(row) and set(row) <= set(names) for row in written)


def test_the_tokenizer_of_published_models_writes_real_genes(shared_data):
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(shared_data / "gpt_neox_20b_tokenizer.json"))
    tokenizer.eos_token = tokenizer.pad_token = "<|endoftext|>"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        lm = GPTNeoXForCausalLM(
            GPTNeoXConfig(
                vocab_size=50304,
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=16,
                initializer_range=0.5,
            )
        )
    names = ["CD3", "CD3D", "CD38", "HLA-DRA", "HLA-DRB1", "MT-CO1", "RP11-34P13.7", "7SK", "C1orf112", "IFNA1", *GENES]
    names = list(dict.fromkeys(names))
    model = TorchModel(lm, tokenizer, id="pythia shape")
    out = models.answers(
        model,
        ["Genes:", "A longer prompt. Genes:"],
        genes=GeneVocabulary(names, [len(names), 40]),
        sampling=Sampling(temperature=2.0),
    )
    assert sorted(out[0].split()) == sorted(names)
    assert len(set(out[1].split()) & set(names)) == 40 == len(out[1].split())


def test_genes_that_the_tokenizer_cannot_write_are_named():
    tokenizer = word_tokenizer(["CD3", "LYZ"])
    assert [row.tolist() for row in gene_tokens(tokenizer, ["LYZ", "CD3"])] == [[6], [5]]
    with pytest.raises(ValueError, match="cannot write 2 of 3 genes, e.g. 'CD4', 'NKG7'; leave them out"):
        gene_tokens(tokenizer, ["CD4", "CD3", "NKG7"])


def test_letters_that_only_bytes_can_say_are_written():
    for tokenizer in (build_tokenizer(bos=False), gemma_tokenizer()):
        assert tokenizer.decode(gene_tokens(tokenizer, ["Tβ4-µ"])[0]).strip() == "Tβ4-µ"


def test_a_vocabulary_is_cut_into_tokens_once():
    asked = []

    class Counting:
        def __init__(self, inner):
            self.inner = inner

        def __call__(self, texts, **how):
            asked.append(len(texts))
            return self.inner(texts, **how)

        def __getattr__(self, name):
            return getattr(self.inner, name)

    tries = Tries(Counting(build_tokenizer(bos=False)))
    trie, sizes = tries.get(GENES)
    n = len(asked)
    assert tries.get(list(GENES))[0] is trie
    assert len(asked) == n
    assert np.array_equal(sizes, [len(row) for row in gene_tokens(build_tokenizer(bos=False), GENES)])
