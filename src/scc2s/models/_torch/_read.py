from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging

from scc2s.models._folder import saved_tokenizer_class
from scc2s.models._foreign import reading
from scc2s.models._shards import BUFFERS
from scc2s.models._tokens import tokenize
from scc2s.models._weights import weights_hash

from ._join import join
from ._model import TorchModel
from ._trial import check_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import numpy as np
    import torch

    from scc2s.models._adapter import Adapter
    from scc2s.models._sources import Source
    from scc2s.models._taught import Taught

    from ._placement import Placement

# Bytes of weights that take about a second to read.
_SLOW = 5e8


def read(
    source: Source,
    *,
    device: torch.device,
    dtype: torch.dtype,
    placement: Placement,
    family: str,
    labels: list[str] | None,
    tasks: list[str] | None,
    taught: Taught,
    adapter: Adapter | None = None,
) -> TorchModel:
    """A model from its folder, which was checked before, joined with an adapter where one is given.

    Raises
    ------
    ValueError
        Some weights are missing.
    """
    lm, tokenizer = parts(source, dtype=dtype, where=lambda config: placement.arguments(config, device, dtype))
    weights = weights_hash(source.folder)
    if adapter is not None:
        lm = join(lm, adapter)
        weights = hashlib.sha256((weights + adapter.weights_hash).encode()).hexdigest()
    model = TorchModel(
        lm,
        tokenizer,
        id=source.id if adapter is None else f"{source.id} with {adapter.name}",
        revision=source.revision,
        family=family,
        labels=labels,
        tasks=tasks,
        taught=taught,
        weights_hash=weights,
        adapter=None if adapter is None else adapter.name,
        quantization=placement.quantization,
    )
    check_runs(model._decoder, source.id)
    return model


def parts(source: Source, *, dtype: torch.dtype, where: Callable[[Any], dict[str, Any]]) -> tuple[Any, Any]:
    """Model and tokenizer of transformers from a folder, which was checked before.

    Parameters
    ----------
    source
        The folder.
    dtype
        Number format of the weights.
    where
        Gives the arguments of ``from_pretrained`` that say where the weights go, for a config.

    Raises
    ------
    ValueError
        Some weights are missing.
    """
    with reading(source.folder / "config.json", "read"):
        config = AutoConfig.from_pretrained(source.folder, local_files_only=True)
    with reading(source.folder / "tokenizer.json", "read"):
        tokenizer = read_tokenizer(source.folder)
        (first,) = tokenize(tokenizer, ["Genes: CD3D LYZ"]).ids
    _check_special(tokenizer, first, config.get_text_config().vocab_size, source.folder)
    with bars(shown=_size(source.folder) > _SLOW), reading(source.folder, "make a model of"):
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            source.folder,
            config=config,
            dtype=dtype,
            **where(config),
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    lm, report = loaded
    if missing := sorted(report["missing_keys"]):
        msg = (
            f"{source.id} lacks {len(missing)} of its weights ({', '.join(missing[:3])}), which would be random; save "
            "all of it: AutoModelForCausalLM.from_pretrained(...).save_pretrained(folder)"
        )
        raise ValueError(msg)
    if left := _left_out(report["unexpected_keys"]):
        msg = (
            f"{source.folder} holds {len(left)} weights that the model of its config.json has no place for "
            f"({', '.join(left[:3])}), and without them it would give other numbers; copy or download config.json again"
        )
        raise ValueError(msg)
    return lm, tokenizer


def _left_out(names: Iterable[str]) -> list[str]:
    """Weights of layers, of the embedding or of the head; not what else may stand beside them, e.g. a second head."""
    ours = re.compile(r"\.\d+\.|embed|lm_head|wte|norm")
    return sorted(name for name in names if ours.search(name) and not name.endswith(BUFFERS) and "mtp" not in name)


def _check_special(tokenizer: Any, first: np.ndarray, rows: int, folder: Path) -> None:
    """Refuse special tokens that the model has no vectors for, and an end token that is not one token."""
    end, known = tokenizer.eos_token, tokenizer.get_vocab()
    number = tokenizer.eos_token_id
    if end is not None and (end not in known or number is None or number >= rows):
        msg = (
            f"tokenizer_config.json of {folder} says that the end token is {str(end)!r}, which the tokenizer or the "
            "model does not have; save the tokenizer again: tokenizer.save_pretrained(folder)"
        )
        raise ValueError(msg)
    if first.max(initial=0) >= rows:
        msg = (
            f"the tokenizer of {folder} begins a text with token {first.max()}, and the model has vectors for {rows}; "
            "save the tokenizer again: tokenizer.save_pretrained(folder)"
        )
        raise ValueError(msg)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


@contextmanager
def bars(*, shown: bool) -> Iterator[None]:
    """Hide transformers' own progress bars, which also come where there is nothing to wait for."""
    before = logging.is_progress_bar_enabled()
    if not shown:
        logging.disable_progress_bar()
    try:
        yield
    finally:
        if before:
            logging.enable_progress_bar()


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer in a model folder."""
    # AutoTokenizer goes by the architecture: for some, transformers 5 then cuts words by rules of its own, not by those
    # of the file. Transformers 4 does not know the name that transformers 5 gives to a tokenizer in general.
    plain = saved_tokenizer_class(folder) in {"PreTrainedTokenizerFast", "TokenizersBackend"}
    tokenizer = (PreTrainedTokenizerFast if plain else AutoTokenizer).from_pretrained(folder, local_files_only=True)
    if not tokenizer.is_fast:
        msg = f"{folder} has no tokenizer.json; write it: AutoTokenizer.from_pretrained(...).save_pretrained(folder)"
        raise ValueError(msg)
    return tokenizer
