"""The loop of our own writes what transformers' `generate` writes with the same rules."""

from __future__ import annotations

import pytest
import torch
from tiny_models import CONFIGS, GENES, prompts

from scc2s import models
from scc2s.models import GeneVocabulary, Sampling
from scc2s.models._torch import _decoder, _generate, _write
from scc2s.models._torch._constrain import GeneConstraint
from scc2s.models.decoding._trie import build

LONG = [f"{stem}{end}" for stem in ("RP11-34P13", "LINC0123", "HLA-DRB") for end in ("", ".7", ".9-AS1", "5")]
NAMES = [*GENES, *LONG]
KINDS = [kind if kind in ("gpt_neox", "gemma2") else pytest.param(kind, marks=pytest.mark.slow) for kind in CONFIGS]


def both(model, monkeypatch, **how):
    """Answers of our loop and of `generate`."""
    texts = [*prompts(6, 1), prompts(6, 1)[2], "CD1"]
    ours = models.answers(model, texts, draws=range(8), progress=False, **how)
    with monkeypatch.context() as patch:
        patch.setattr(_decoder, "TESTED", frozenset())
        theirs = models.answers(model, texts, draws=range(8), progress=False, **how)
    return ours, theirs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampling", [None, Sampling(temperature=1.3)], ids=["greedy", "sampled"])
@pytest.mark.parametrize("held", [True, False], ids=["held", "free"])
def test_it_writes_what_generate_writes(tiny, monkeypatch, kind, sampling, held):
    lengths = [3, 30, 11, 1, 12, 25, 7, 9]
    how = {"genes": GeneVocabulary(NAMES, lengths)} if held else {"max_new_tokens": 30}
    ours, theirs = both(tiny(kind), monkeypatch, sampling=sampling, **how)
    assert ours == theirs
    assert len(set(ours)) > 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "gemma2"])  # whose mask has no numbers in float64
@pytest.mark.parametrize("held", [True, False], ids=["held", "free"])
def test_it_draws_from_the_nucleus_as_generate_does(tiny, monkeypatch, kind, held):
    how = {"genes": GeneVocabulary(NAMES, 20)} if held else {"max_new_tokens": 30}
    model = tiny(kind)
    model._decoder.lm.double()  # in float32 a draw at the edge of the nucleus falls as the processor rounds
    ours, theirs = both(model, monkeypatch, sampling=Sampling(temperature=1.3, top_p=0.95), **how)
    assert ours == theirs
    assert len(set(ours)) > 1


def fed_to(monkeypatch) -> list[tuple[int, int]]:
    """Rows and tokens of each forward pass from now on."""
    shapes: list[tuple[int, int]] = []
    hidden = _decoder.Decoder.hidden

    def recorded(self, ids, **how):
        shapes.append(tuple(ids.shape))
        return hidden(self, ids, **how)

    monkeypatch.setattr(_decoder.Decoder, "hidden", recorded)
    return shapes


@pytest.mark.parametrize("few", [0, 1000], ids=["one by one", "together"])
def test_tokens_that_can_only_come_next_make_no_difference(tiny, monkeypatch, few):
    monkeypatch.setattr(_write, "FEW", few)
    model, texts = tiny("gemma2"), [prompts(1, 1)[0]] * 5
    how = {"genes": GeneVocabulary(LONG, len(LONG) - 1), "sampling": Sampling(), "draws": range(5), "progress": False}
    with monkeypatch.context() as patch:
        patch.setattr(_decoder, "TESTED", frozenset())
        expected = models.answers(model, texts, **how)
    shapes = fed_to(monkeypatch)
    assert models.answers(model, texts, **how) == expected
    steps = [tokens for rows, tokens in shapes if rows > 1]  # the prompt is one row
    assert (max(steps) > 1) == bool(few)


def test_an_answer_that_may_end_early_or_runs_out_of_room_ends_where_generate_ends(tiny, monkeypatch):
    for exact, room in ((False, None), (True, 17), (False, 9)):
        genes = GeneVocabulary(NAMES, 20, exact=exact)
        ours, theirs = both(tiny("gpt_neox"), monkeypatch, genes=genes, max_new_tokens=room, sampling=Sampling())
        assert ours == theirs


def test_many_rows_with_names_that_begin_others(tiny, monkeypatch):
    """More rows than are fed several tokens: until few are left."""
    monkeypatch.setattr(_write, "FEW", 3)
    for exact in (True, False):
        genes = GeneVocabulary([*LONG, "HLA", "RP11"], [1 + n for n in range(8)], exact=exact)
        ours, theirs = both(tiny("mistral"), monkeypatch, genes=genes, sampling=Sampling())
        assert ours == theirs


@pytest.mark.parametrize("kind", ["gpt_neox", "gpt2"])
def test_scores_that_stop_being_numbers_are_refused(tiny, monkeypatch, kind):
    model = tiny(kind)
    calls = []

    def break_later(_module, _args, output):
        calls.append(1)
        if len(calls) > 4:
            output.last_hidden_state.fill_(torch.nan)

    hook = model._decoder.base.register_forward_hook(break_later)
    try:
        for how in ({"genes": GeneVocabulary(GENES, 8)}, {"max_new_tokens": 12}):
            for sampling in (None, Sampling(top_p=0.9)):
                calls.clear()
                with pytest.raises(ValueError, match='dtype="bfloat16"'):
                    models.answers(model, prompts(2, 1), sampling=sampling, **how)
    finally:
        hook.remove()


def test_equal_prompts_are_read_once(tiny, monkeypatch):
    read = fed_to(monkeypatch)
    model, text = tiny("gpt_neox"), prompts(1, 1)[0]
    out = models.answers(model, [text] * 5, max_new_tokens=4, sampling=Sampling(), draws=range(5))
    assert len(set(out)) > 1
    n_tokens = int(model.count_tokens([text])[0])
    assert sum(rows * width for rows, width in read) == n_tokens + 5 * 3


def test_prompts_are_read_in_parts_within_the_budget(tiny, monkeypatch):
    model, texts = tiny("llama"), prompts(6, 1)
    expected = model.generate(texts, max_new_tokens=4)
    monkeypatch.setattr(model, "token_budget", 200)
    monkeypatch.setattr(model, "_at_once", 1000)
    shapes = fed_to(monkeypatch)
    assert model.generate(texts, max_new_tokens=4) == expected
    assert max(rows * width for rows, width in shapes if rows > 1) <= 200
    assert shapes[-1] == (6, 1)


def test_a_step_of_many_rows_is_split_where_it_has_too_many_scores(tiny, monkeypatch):
    model, texts = tiny("gpt_neox"), prompts(7, 1)
    expected = model.generate(texts, max_new_tokens=4)
    monkeypatch.setattr(_generate, "_SCORES", 2 * 400)
    shapes = fed_to(monkeypatch)
    assert model.generate(texts, max_new_tokens=4) == expected
    assert max(rows for rows, tokens in shapes if tokens == 1) == 2


def test_scores_beside_the_genes_are_not_computed(tiny):
    decoder = tiny("gemma2")._decoder
    states, tokens = torch.randn(3, 32), torch.tensor([5, 9, 300])
    with torch.inference_mode():
        assert torch.allclose(decoder.head(tokens)(states), decoder.head()(states)[:, tokens], atol=1e-6)


def test_a_constraint_takes_in_what_can_only_come_next():
    trie = build([[5, 6, 7], [5, 6, 8, 9], [4]])
    constraint = GeneConstraint(
        trie, torch.tensor([2, 1, 1]).numpy(), vocab_size=10, ends=[0], exact=True, device=torch.device("cpu")
    )
    constraint.advance(torch.tensor([5, 4, 5]))
    room = torch.tensor([9, 9, 0])
    assert constraint.skip(room).tolist() == [[6], [-1], [-1]]
    assert constraint.done.tolist() == [False, True, True]  # written, and no room for the only way on
    constraint.advance(torch.tensor([8, 0, 0]))
    assert constraint.skip(room).tolist() == [[9], [-1], [-1]]
    assert constraint.written() == [[1], [2], []]
