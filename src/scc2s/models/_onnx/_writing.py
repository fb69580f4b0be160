"""Text from exported models, with a cache of keys and values, through the runtime of optimum."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from scc2s.models._progress import bar
from scc2s.models._tokens import as_list

from ._model import OnnxModel
from ._record import TOKENIZER, WRITING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scc2s.models._taught import Taught
    from scc2s.models._torch._decoder import Decoder
    from scc2s.models._torch._vocabulary import Tries
    from scc2s.models.decoding import GeneVocabulary, Sampling

    from ._record import Record
    from ._tokenizer import FileTokenizer

_AT_ONCE = 8
"""Batches of prompts that are answered together: a step reads all weights for one token a prompt."""
_MEND = (
    "text from an exported model needs optimum, which needs transformers 4.57; in an environment of its own run: "
    "pip install 'scc2s[optimum]', or use backend='torch'"
)


class OnnxWriter(OnnxModel):
    """An exported model that writes as well. It needs torch and transformers for that.

    Parameters
    ----------
    record, tokenizer, session, device, taught
        As for :class:`OnnxModel`.
    folder
        Of the export.
    """

    def __init__(
        self,
        record: Record,
        tokenizer: FileTokenizer,
        session: Any,
        device: str,
        folder: Path,
        taught: Taught | None = None,
    ) -> None:
        super().__init__(record, tokenizer, session, device, taught)
        self._folder = folder

    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int | None = None,
        genes: GeneVocabulary | None = None,
        sampling: Sampling | None = None,
        seeds: Sequence[int] | None = None,
        progress: bool = True,
    ) -> list[str]:
        """Answers; see :meth:`scc2s.models.Generates.generate`."""
        import_writer()
        from scc2s.models._torch._generate import generate

        prompts = as_list(prompts)
        decoder, tokenizer, tries = self._writer
        with bar(len(prompts), "generate", show=progress) as running:
            return generate(
                decoder,
                tokenizer,
                tries,
                prompts,
                max_new_tokens=max_new_tokens,
                genes=genes,
                sampling=sampling,
                seeds=seeds,
                budget=_AT_ONCE * self.token_budget,
                reading=self.token_budget,
                progress=running,
            )

    @cached_property
    def _writer(self) -> tuple[Decoder, Any, Tries]:
        from transformers import PreTrainedTokenizerFast

        from scc2s.models._torch._decoder import Decoder
        from scc2s.models._torch._vocabulary import Tries

        lm = open_writer(self._folder / WRITING, self.device)
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(self._folder / TOKENIZER))
        if (end := self.tokenizer.eos_token_id) is not None:
            tokenizer.eos_token = tokenizer.pad_token = tokenizer.convert_ids_to_tokens(end)
        pad = 0 if end is None else end
        return Decoder(lm, pad, self.max_tokens), tokenizer, Tries(tokenizer)


def import_writer() -> Any:
    """Optimum's class for text.

    Raises
    ------
    ImportError
        It is not installed.
    """
    try:
        from optimum.onnxruntime import ORTModelForCausalLM
    except ImportError as error:
        raise ImportError(_MEND) from error
    return ORTModelForCausalLM


def open_writer(folder: Path, device: str) -> Any:
    """The graph with keys and values, on the device that the other graph runs on."""
    kind, _, number = device.partition(":")
    provider = "CUDAExecutionProvider" if kind == "cuda" else "CPUExecutionProvider"
    options = {"device_id": int(number)} if number else None
    lm = import_writer().from_pretrained(folder, provider=provider, provider_options=options, use_cache=True)
    config = lm.config
    if config.model_type == "gemma2":
        # optimum-onnx 0.1.0 takes as many heads of keys as of queries, and their width from that of the model.
        lm.num_key_value_heads, lm.embed_size_per_head = config.num_key_value_heads, config.head_dim
    return lm


def export_writer(lm: Any, folder: Path, *, quantised: bool) -> None:
    """Write the graph with keys and values of a torch model, and nothing else that the export does not need."""
    import_writer()
    from optimum.exporters.onnx import onnx_export_from_model

    onnx_export_from_model(lm, output=folder, task="text-generation-with-past", do_validation=False, device="cpu")
    if quantised:
        from ._quantise import quantise

        plain = folder / "plain.onnx"
        (folder / "model.onnx").rename(plain)
        quantise(plain, folder / "model.onnx")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
