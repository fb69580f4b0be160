"""Completions of a real model that follow a grammar as servers do: xgrammar, vLLM's engine, masks the scores."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch

xgr = pytest.importorskip("xgrammar", reason="the engine of the servers; .ci/run installs it")

SPEAKS = {
    "vLLM": ("structured_outputs", ("grammar", "regex", "choice", "json", "structural_tag")),
    "SGLang": (None, ("ebnf", "regex")),
    "llama.cpp": (None, ("grammar",)),
    "old vLLM": (None, ("guided_grammar", "guided_regex")),
    "regex alone": ("structured_outputs", ("regex",)),
    "none": (None, ()),
}


class GrammarServer:
    """What a server does with a request: ``Script(GrammarServer(model, "vLLM"))``. Fields it does not know are ignored.

    Parameters
    ----------
    model
        A loaded model of the torch backend.
    kind
        One of `SPEAKS`.
    strict
        Refuse a request with fields that are not known.
    """

    def __init__(self, model: Any, kind: str, *, strict: bool = False) -> None:
        self.lm, self.tokenizer, self.strict = model._decoder.lm, model.tokenizer, strict
        self.outer, self.inner = SPEAKS[kind]
        size = self.lm.config.vocab_size
        info = xgr.TokenizerInfo.from_huggingface(self.tokenizer, vocab_size=size)
        self.compiler = xgr.GrammarCompiler(info, max_threads=1)
        self.lock = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> Any:
        usual = {"model", "prompt", "max_tokens", "temperature", "top_p", "top_k", "seed"}
        if self.strict and set(body) - usual - {self.outer or self.inner[0]}:
            return 400
        with self.lock:
            try:
                grammar = self.grammar(body)
            except (RuntimeError, ValueError):
                return 400
            return {"choices": [self.write(body, grammar)]}

    def grammar(self, body: dict[str, Any]) -> Any:
        given = body if self.outer is None else body.get(self.outer, {})
        asked = [name for name in given if name in self.inner]
        if self.outer is not None and len(asked) > 1:
            raise ValueError
        for name in asked:
            compiled = self.compiler.compile_regex if "regex" in name else self.compiler.compile_grammar
            return compiled(given[name])
        return None

    @torch.inference_mode()
    def write(self, body: dict[str, Any], grammar: Any) -> dict[str, Any]:
        matcher = None if grammar is None else xgr.GrammarMatcher(grammar)
        mask = xgr.allocate_token_bitmask(1, self.lm.config.vocab_size)
        ids = torch.tensor([self.tokenizer(body["prompt"]).input_ids])
        generator = torch.Generator().manual_seed(body.get("seed", 0))
        written: list[int] = []
        cache, ending = None, "length"
        while len(written) < body["max_tokens"]:
            found = self.lm(input_ids=ids, past_key_values=cache, use_cache=True)
            scores, cache = found.logits[:, -1].float(), found.past_key_values
            if matcher is not None:
                matcher.fill_next_token_bitmask(mask)
                xgr.apply_token_bitmask_inplace(scores, mask)
            if temperature := body.get("temperature", 1.0):
                token = int(torch.multinomial((scores / temperature).softmax(-1), 1, generator=generator))
            else:
                token = int(scores.argmax())
            if token == self.tokenizer.eos_token_id:
                ending = "stop"
                break
            if matcher is not None and not matcher.accept_token(token):
                raise AssertionError(token)
            written.append(token)
            ids = torch.tensor([[token]])
        return {"text": self.tokenizer.decode(written), "finish_reason": ending}
