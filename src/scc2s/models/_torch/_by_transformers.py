"""Writing with transformers' own `generate`, which any architecture offers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from scc2s.models._finite import in_torch
from scc2s.models._listening import stop_if_gone
from scc2s.models.decoding._sampling import uniforms

from ._draw import draw
from ._pad import pad_left
from ._write import NOT_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from ._decoder import Decoder
    from ._write import Rules


def write_by_transformers(decoder: Decoder, ids: list[np.ndarray], rules: Rules) -> list[list[int]]:
    """Tokens of the answers; a constraint knows the genes. As :func:`scc2s.models._torch._write.write`."""
    inputs = pad_left(ids, decoder.pad_id)
    lengths = torch.tensor([len(row) for row in ids])
    width = inputs.shape[1]
    config = GenerationConfig(
        max_new_tokens=int(rules.room.max()),
        do_sample=False,
        num_beams=1,
        pad_token_id=decoder.pad_id,
        eos_token_id=rules.ends or None,
    )
    generate: Any = decoder.lm.generate
    chooser = _Chooser(rules)
    with _only(config, decoder.lm):
        out = generate(
            input_ids=inputs.to(decoder.device),
            attention_mask=(torch.arange(width) >= width - lengths[:, None]).long().to(decoder.device),
            generation_config=config,
            logits_processor=LogitsProcessorList([chooser]),
        )
    if bool(chooser.broken):
        raise ValueError(NOT_NUMBERS + in_torch(str(decoder.lm.dtype)))
    if rules.constraint is not None:
        rules.constraint.advance(out[:, -1].contiguous())  # the last token was chosen, and not seen yet
    # By position, never by text: a model that repeats its prompt must not lose its answer.
    written: list[list[int]] = out[:, width:].tolist()
    return written


class _Chooser(LogitsProcessor):
    """Chooses the next token inside transformers' `generate`: holds it to genes, draws it."""

    def __init__(self, rules: Rules) -> None:
        self._constraint = rules.constraint
        self._room = torch.from_numpy(rules.room)
        self._shortest = int(rules.room.min())
        self._sampling, self._seeds, self._step = rules.sampling, rules.seeds, 0
        self.broken: torch.Tensor | None = None  # whether scores were not numbers

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        stop_if_gone()
        broken = scores.isnan().any()
        self.broken = broken if self.broken is None else self.broken | broken
        if self._constraint is not None:
            if self._step:
                self._constraint.advance(input_ids[:, -1].contiguous())
            if self._step >= self._shortest:
                self._constraint.stop(self._room <= self._step)
            scores = self._constraint.hold(scores)
        self.broken |= ~scores.amax(dim=1).isfinite().all()
        if self._sampling is not None and self._seeds is not None:
            uniform = torch.from_numpy(uniforms(self._seeds, self._step))
            chosen = draw(scores.float(), uniform, self._sampling)
            # Greedy search then takes the token that was drawn.
            scores = torch.full_like(scores, float("-inf")).scatter_(1, chosen[:, None], 0.0)
        self._step += 1
        return scores


@contextmanager
def _only(config: GenerationConfig, lm: Any) -> Iterator[None]:
    """Rules of writing that come with a checkpoint (penalties, tokens never written, sampling) do not count."""
    said = lm.generation_config
    lm.generation_config = config
    try:
        yield
    finally:
        lm.generation_config = said
