"""The grammar of gene names allows the sentences of those genes, and nothing else; xgrammar, vLLM's engine, says so."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import GENES, build_tokenizer

from scc2s.models.decoding._grammar import ebnf, gbnf, regex

HARD = [
    "CD3", "CD3D", "CD3E", "HLA-DRA", "HLA.DRA", "H1/2", "RP11-206L10.2", "MT-CO1", "mt-Co1", "NKX2_5", "a(b)c", "[x]",
    "{2}", "x|y", "*", "+", "?", "^a$", '"', '""', "'", "\\", "\\n", "\\x41", "a\\", "#not-a-comment", "//nor-this",
    "::=", "root", "word", "β2m", "基因", "𝛼", "é", "e\u0301", "\u200b", "Gene;1", "a,b", "%x%", "&&", "~", "@", "`",
    "\x07", "\x7f", "<x>",
]  # fmt: skip
_LETTERS = st.sampled_from("AB1.-_/\\\"'()[]{}|*+?^$#:=é𝛼")
_NAMES = st.lists(st.text(_LETTERS, min_size=1, max_size=4), min_size=1, max_size=12, unique=True)


def sentences(names, n, rng):
    return [f" {' '.join(rng.choice(names, n))}" for _ in range(20)]


def is_sentence(text, names, least, most):
    """The oracle: words of the list, each with one space before it."""
    words = text.split(" ")
    return words[0] == "" and least <= len(words) - 1 <= most and set(words[1:]) <= set(names)


def damaged(text, rng):
    """The text with one letter left out, doubled or replaced."""
    at = int(rng.integers(len(text)))
    return [text[:at] + text[at + 1 :], text[:at] + 2 * text[at] + text[at + 1 :], text[:at] + "Z" + text[at + 1 :]]


@given(names=_NAMES, least=st.integers(1, 2), more=st.integers(0, 2), seed=st.integers(0, 9))
@settings(max_examples=150, deadline=None)
def test_the_expression_matches_sentences_and_nothing_else(names, least, more, seed):
    rng, pattern = np.random.default_rng(seed), re.compile(regex(names, least, least + more))
    for n in range(1, 5):
        for text in sentences(names, n, rng):
            for one in (text, text[1:], *damaged(text, rng)):
                assert bool(pattern.fullmatch(one)) == is_sentence(one, names, least, least + more), one


def test_each_way_on_stands_once():
    assert regex(["CD3D", "CD3E", "CD3", "CD4"], 2, 2) == "( (CD(3(D|E)?|4))){2}"
    assert gbnf(["CD3D", "CD3E", "CD3", "CD4"], 0, 7) == (
        'root ::= word{0,7}\nword ::= " " gene\ngene ::= "CD" ("3" ("D" | "E")? | "4")\n'
    )


def test_a_letter_may_be_a_name():
    assert ebnf(["C", "CD3", "CD4", "T"], 1, 1) == (
        'root ::= word{1}\nword ::= " " gene\ngene ::= "C" gene0? | "T"\ngene0 ::= "D3" | "D4"\n'
    )


def test_the_first_line_has_no_gene():
    """VLLM takes a grammar for another kind where the first ``::=`` comes after a ``#`` or ``//``."""
    for write in (ebnf, gbnf):
        assert write(["#x", "//y"], 2, 2).splitlines()[0] == "root ::= word{2}"


@pytest.mark.parametrize("write", [ebnf, gbnf, regex])
def test_order_and_repeats_of_names_do_not_matter(write):
    assert write(GENES, 3, 3) == write([*GENES[::-1], GENES[4]], 3, 3)


@pytest.mark.parametrize("write", [ebnf, gbnf, regex])
@pytest.mark.parametrize(
    ("names", "least", "most", "match"),
    [
        ([], 1, 1, "at least one gene name"),
        ([""], 1, 1, "is empty or holds white space"),
        (["A B"], 1, 1, "holds white space; pass names="),
        (["A\ud800"], 1, 1, "leave it out"),
        (["A"], 2, 1, "not a range"),
        (["A"], 0, 0, "not a range"),
        (["A"], -1, 2, "not a range"),
    ],
)
def test_what_makes_no_grammar_is_refused(write, names, least, most, match):
    with pytest.raises(ValueError, match=match):
        write(names, least, most)


# --- with the engine of the servers -----------------------------------------------------------------------------------


def sentencepiece_like():
    """Byte fallback and ``▁`` for a space, as Llama and Gemma have them."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<eos>", "<pad>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([f" {' '.join(GENES)}"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>", unk_token="<unk>")


TOKENIZERS = {
    "byte level": lambda: build_tokenizer(bos=False),
    "byte level, bos": lambda: build_tokenizer(bos=True),
    "sentencepiece": sentencepiece_like,
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def engine(request):
    return Engine(TOKENIZERS[request.param]())


class Engine:
    """xgrammar with a tokenizer, asked as a server asks it: token by token under its mask."""

    def __init__(self, tokenizer):
        self.xgr = pytest.importorskip("xgrammar", reason="the engine of the servers; .ci/run installs it")
        self.tokenizer = tokenizer
        self.info = self.xgr.TokenizerInfo.from_huggingface(tokenizer, vocab_size=len(tokenizer))
        self.compiler = self.xgr.GrammarCompiler(self.info, max_threads=1)

    def compile(self, write, names, least, most):
        text = write(names, least, most)
        return self.compiler.compile_regex(text) if write is regex else self.compiler.compile_grammar(text)

    def takes(self, compiled, text):
        """Whether the text may be written and the end follow."""
        matcher = self.xgr.GrammarMatcher(compiled)
        mask = self.xgr.allocate_token_bitmask(1, self.info.vocab_size)
        for token in [*self.tokenizer(text, add_special_tokens=False).input_ids, self.tokenizer.eos_token_id]:
            matcher.fill_next_token_bitmask(mask)
            allowed = bool(mask[0, token // 32] >> (token % 32) & 1)
            if matcher.accept_token(token) != allowed:
                raise AssertionError(token)
            if not allowed:
                return False
        return True


@pytest.mark.parametrize("write", [ebnf, gbnf, regex])
def test_the_engine_takes_sentences_of_hard_names_and_nothing_else(engine, write):
    rng, compiled = np.random.default_rng(0), engine.compile(write, HARD, 3, 3)
    for name in HARD:
        assert engine.takes(compiled, f" {name} CD3 {name}"), name
    for text in sentences(HARD, 3, rng):
        for one in (text, text[1:], f"{text} ", f"{text} CD3", *damaged(text, rng)):
            assert engine.takes(compiled, one) == is_sentence(one, HARD, 3, 3), one


@pytest.mark.parametrize("write", [ebnf, gbnf, regex])
@given(names=_NAMES, seed=st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_the_engine_takes_sentences_of_any_names_and_nothing_else(write, names, seed):
    rng, engine = np.random.default_rng(seed), _byte_level()
    compiled = engine.compile(write, names, 1, 2)
    for n in (1, 2, 3):
        for text in sentences(names, n, rng)[:5]:
            for one in (text, *damaged(text, rng)):
                assert engine.takes(compiled, one) == is_sentence(one, names, 1, 2), one


_engines: list[Engine] = []


def _byte_level():
    if not _engines:
        _engines.append(Engine(build_tokenizer(bos=False)))
    return _engines[0]


@pytest.mark.parametrize("write", [ebnf, gbnf, regex])
def test_the_engine_lets_a_sentence_end_where_it_may(engine, write):
    compiled = engine.compile(write, GENES, 0, 2)
    assert [engine.takes(compiled, text) for text in ("", " CD3", " CD3 IL1", " CD3 IL1 CD4")] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("write", [ebnf, gbnf, regex])
@pytest.mark.parametrize(("least", "most"), [(1, 1), (2, 2), (0, 2), (1, 3)])
def test_the_first_word_may_have_a_list_of_its_own(engine, write, least, most):
    first = ["CD3", "MT-CO12"]
    text = write(GENES, least, most, first=first)
    compiled = engine.compiler.compile_regex(text) if write is regex else engine.compiler.compile_grammar(text)
    for words in ("", "CD3", "CD4", "MT-CO12 CD4", "CD4 CD3", "CD3 CD3", "CD3 IL1 IL2", "CD3 IL1 IL2 IL3", "CD30"):
        n, begins = len(words.split()), words.split()[:1]
        allowed = least <= n <= most and set(begins) <= set(first)
        allowed &= set(words.split()) <= set(GENES)
        assert engine.takes(compiled, f" {words}" if words else "") == allowed, words


@pytest.mark.parametrize("write", [ebnf, gbnf, regex])
def test_a_random_walk_under_the_mask_writes_only_genes(engine, write):
    rng, compiled = np.random.default_rng(0), engine.compile(write, HARD + GENES, 6, 6)
    for _ in range(5):
        matcher = engine.xgr.GrammarMatcher(compiled)
        mask = engine.xgr.allocate_token_bitmask(1, engine.info.vocab_size)
        tokens = []
        while not tokens or tokens[-1] != engine.tokenizer.eos_token_id:
            matcher.fill_next_token_bitmask(mask)
            bits = np.unpackbits(mask.numpy().view(np.uint8), bitorder="little")[: engine.info.vocab_size]
            tokens.append(int(rng.choice(np.flatnonzero(bits))))
            assert matcher.accept_token(tokens[-1])
        words = engine.tokenizer.decode(tokens[:-1]).split()
        assert len(words) == 6
        assert set(words) <= set(HARD + GENES)
