from __future__ import annotations

import gc
import weakref

import pytest
import torch
from tiny_models import CONFIGS

from scc2s.models._torch._mask import mask_to_left
from scc2s.models._torch._pad import pad_right
from scc2s.models._torch._prefix import growing
from scc2s.models._torch._slots import Slots


def feed(decoder, slots, tokens, at):
    slots.put(at)
    mask = mask_to_left(at, slots.width, config=decoder.config, dtype=torch.float32)
    return decoder.hidden(tokens, cache=slots.cache, mask=mask, positions=at)


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_rows_of_any_length_go_on_as_each_would_alone(tiny, kind):
    """Several tokens a row, fewer than fed for some, more slots than at first, and rows that leave."""
    decoder = tiny(kind)._decoder
    generator = torch.Generator().manual_seed(0)
    texts = [torch.randint(3, 400, (n,), generator=generator) for n in (30, 7, 19, 24)]
    starts = [28, 3, 12, 22]
    with torch.inference_mode():
        cache = growing(None, 4)
        decoder.hidden(pad_right([text[:n].numpy() for text, n in zip(texts, starts, strict=True)]), cache=cache)
        slots = Slots(4, 28)
        slots.fill(torch.arange(4), cache, torch.arange(4))
        first = torch.tensor(starts)
        fed = torch.stack([text[n : n + 2] for text, n in zip(texts, starts, strict=True)])
        states = [feed(decoder, slots, fed, first[:, None] + torch.arange(2))]
        order = slots.keep(torch.tensor([False, True, True, False]))
        assert order.tolist() == [2, 1]
        # Row 1 has two tokens left and row 2 five: what is fed after the two is junk, and written over.
        next_tokens = torch.stack([texts[2][14:17], torch.tensor([int(texts[1][5]), 9, 9])])
        states.append(feed(decoder, slots, next_tokens, torch.tensor([[14, 15, 16], [5, 6, 7]])))
        last = feed(decoder, slots, torch.tensor([[int(texts[2][17])], [int(texts[1][6])]]), torch.tensor([[17], [6]]))
        alone = [decoder.hidden(text[None])[0] for text in texts]
    expected = torch.stack([alone[row][n : n + 2] for row, n in enumerate(starts)])
    assert torch.allclose(states[0], expected, atol=1e-5)
    assert torch.allclose(states[1][0], alone[2][14:17], atol=1e-5)
    assert torch.allclose(states[1][1, 0], alone[1][5], atol=1e-5)
    assert torch.allclose(last[:, 0], torch.stack([alone[2][17], alone[1][6]]), atol=1e-5)


def test_blocks_are_freed_with_the_slots(tiny):
    """At once: memory on a GPU does not wait for a collection."""
    decoder = tiny("gpt_neox")._decoder
    gc.disable()
    try:
        with torch.inference_mode():
            cache = growing(None, 1)
            decoder.hidden(torch.tensor([[3, 4, 5]]), cache=cache)
            slots = Slots(1, 3)
            slots.fill(torch.tensor([0]), cache, torch.tensor([0]))
            feed(decoder, slots, torch.tensor([[6]]), torch.tensor([[3]]))
        block = weakref.ref(slots._layers[0].keys)
        assert block() is not None
        del slots
        assert block() is None
    finally:
        gc.enable()


def test_one_prompt_serves_several_rows(tiny):
    decoder = tiny("gpt_neox")._decoder
    with torch.inference_mode():
        cache = growing(None, 1)
        decoder.hidden(torch.tensor([[3, 4, 5]]), cache=cache)
        slots = Slots(3, 8)
        slots.fill(torch.tensor([2, 0, 1]), cache, torch.zeros(3, dtype=torch.int64))
        states = feed(decoder, slots, torch.tensor([[6], [7], [6]]), torch.full((3, 1), 3))
        alone = decoder.hidden(torch.tensor([[3, 4, 5, 6], [3, 4, 5, 7], [3, 4, 5, 6]]))[:, -1:]
    assert torch.allclose(states, alone, atol=1e-5)
