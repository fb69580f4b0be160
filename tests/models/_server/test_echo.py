"""Scores from an echoed text are those of the model itself, however the server shows tokens and counts offsets."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from server_script import Script, serving

import scc2s

PROMPTS = [f"Genes: {genes}. The cell type corresponding to these genes is:" for genes in ("CD3 CD4 CD7", "IL2 CCL5 β")]
CHOICES = [" B cell", " CD4 T cell", " γδ T cell", " NK‑cell", " 細胞 🧬"]
FAST = {"backend": "server", "n_retries": 0, "timeout": 20.0, "n_concurrent": 2}


def echoing(model, show, offsets):
    """Completions as vLLM computes them; `show` gives the texts of tokens, `offsets` their places."""
    lm, tokenizer, lock = model._decoder.lm, model.tokenizer, threading.Lock()

    def complete(body):
        if not isinstance(body["prompt"], str):
            return 400
        with lock, torch.no_grad():
            ids = tokenizer(body["prompt"]).input_ids
            logp = lm(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        new = int(logp[-1, : len(tokenizer)].argmax())
        values = [None, *(logp[i - 1, token].item() for i, token in enumerate(ids) if i), logp[-1, new].item()]
        texts = show(tokenizer, [*ids, new])
        told = {"token_logprobs": values, "text_offset": offsets(texts)}
        if show is not hidden:
            told["tokens"] = texts
        text = body["prompt"] + tokenizer.decode([new], skip_special_tokens=True)
        return {"choices": [{"index": 0, "text": text, "finish_reason": "length", "logprobs": told}]}

    return complete


def decoded(tokenizer, ids):
    return [tokenizer.decode([token]) for token in ids]


def raw(tokenizer, ids):
    return tokenizer.convert_ids_to_tokens(ids)


def late(tokenizer, ids):
    """As vLLM decodes: nothing until a character is whole."""
    out, shown = [], 0
    for i in range(1, len(ids) + 1):
        text = tokenizer.decode(ids[:i])
        whole = "" if text.endswith("�") else text[shown:]
        shown += len(whole)
        out.append(whole)
    return out


def escaped(tokenizer, ids):
    """As OpenAI shows parts of characters."""
    of = {character: byte for byte, character in enumerate(bytes_to_unicode())}
    pieces = [
        bytes(of[c] for c in piece) if i > 2 else piece.encode()
        for i, piece in zip(ids, raw(tokenizer, ids), strict=True)
    ]
    return [
        p.decode() if "�" not in p.decode("utf-8", "replace") else "bytes:" + "".join(f"\\x{b:02x}" for b in p)
        for p in pieces
    ]


def bytes_to_unicode():
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden_bytes = iter(range(256, 512))
    return [chr(byte) if byte in shown else chr(next(hidden_bytes)) for byte in range(256)]


def hidden(tokenizer, ids):
    return decoded(tokenizer, ids)


def in_characters(texts):
    return np.cumsum([0, *map(len, texts)])[:-1].tolist()


def in_bytes(texts):
    return np.cumsum([0, *(len(text.encode()) for text in texts)])[:-1].tolist()


def none(texts):
    return None


def minus_one(texts):
    return [-1] * len(texts)


def direct(model):
    lm, tokenizer = model._decoder.lm, model.tokenizer
    out = np.zeros((len(PROMPTS), len(CHOICES)))
    for i, prompt in enumerate(PROMPTS):
        for j, choice in enumerate(CHOICES):
            ids, n = tokenizer(prompt + choice).input_ids, len(tokenizer(prompt).input_ids)
            with torch.no_grad():
                logp = lm(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
            out[i, j] = sum(logp[k - 1, ids[k]].item() for k in range(n, len(ids)))
    return out


@pytest.mark.parametrize("offsets", [in_characters, in_bytes, none, minus_one], ids=lambda f: f.__name__)
@pytest.mark.parametrize("show", [decoded, raw, late, escaped], ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", ["gemma2", "gpt_neox"])
def test_scores_are_those_of_the_model_with_and_without_a_token_that_the_text_does_not_show(tiny, kind, show, offsets):
    model = tiny(kind)
    with serving(Script(echoing(model, show, offsets))) as url:
        found = scc2s.models.load(url, **FAST).score(PROMPTS, CHOICES, progress=False)
    # a batch adds up in another order than a text alone, in float32
    np.testing.assert_allclose(found.logprob, direct(model), rtol=1e-6)


def test_offsets_alone_that_count_a_hidden_token_are_refused(tiny):
    with serving(Script(echoing(tiny("gemma2"), hidden, in_characters))) as url:
        model = scc2s.models.load(url, **FAST)
        assert model.capabilities["logprobs"]
        assert not model.capabilities["echo"]
        with pytest.raises(ValueError, match="no log-probabilities of a text"):
            model.score(PROMPTS, CHOICES, progress=False)


def test_a_server_that_reads_another_text_is_refused(tiny):
    complete = echoing(tiny("gemma2"), decoded, in_characters)

    def shortened(body):
        return complete(body | {"prompt": body["prompt"][-40:]}) if "Genes" in body["prompt"] else complete(body)

    with serving(Script(shortened)) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match="do not spell the text"):
            model.score(PROMPTS, CHOICES, progress=False)
        with pytest.raises(ValueError, match="do not spell the text"):
            model.log_likelihood(PROMPTS, CHOICES[:2], progress=False)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf"), 0.7, -9999.0, None, "x"])
def test_no_number_that_is_not_a_log_probability_comes_through(tiny, wrong):
    complete = echoing(tiny("gpt_neox"), decoded, in_characters)

    def broken(body):
        found = complete(body)
        if "Genes" in body["prompt"]:
            found["choices"][0]["logprobs"]["token_logprobs"][-2] = wrong
        return found

    with serving(Script(broken)) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ValueError, match="log-probability .*token of ' "):
            model.score(PROMPTS, CHOICES, progress=False)
