from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from scc2s._io import clear_leftovers, replacing_folder
from scc2s._logging import logger
from scc2s.models._adapter import CONFIG, RECORD

from ._base import check_model, open_base
from ._card import card
from ._divide import divide
from ._kept import forward_kept, states_kept
from ._mixture import Mixture, shown
from ._quiet import quiet
from ._resume import finished, record
from ._run import train
from ._settings import Settings, folder_of
from ._sft import require_trl
from ._teaches import declaration
from ._trained import Trained
from ._whole import whole_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike
    from pathlib import Path

    import pandas as pd
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from scc2s.models import Model

    from ._base import Base

_AROUND = "base_model.model."
"""Before the names of weights with an adapter around them."""


def lora(
    model: str | PathLike[str] | Model | PreTrainedModel,
    samples: pd.DataFrame | Mixture,
    output_dir: str | Path,
    *,
    rank: int = 8,
    alpha: float = 16,
    dropout: float = 0.0,
    target_modules: str | Sequence[str] = "auto",
    quantization: Literal["4bit", "8bit"] | None = None,
    validation: pd.DataFrame | None = None,
    tokenizer: PreTrainedTokenizerFast | None = None,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    epochs: float = 1.0,
    max_length: int | None = None,
    early_stopping: int | None = 3,
    seed: int = 0,
    license: str | None = None,
    **arguments: Any,
) -> Trained:
    """Train a LoRA adapter on prompts and completions; the model itself is not changed.

    Beside each linear layer ``W`` stands a product of two small matrices, ``alpha / rank * B A``, and only these are
    learned (Hu et al. 2021, arXiv 2106.09685; PEFT). In all else as :func:`sft`: order of samples, loss of completions
    alone, validation, early stopping, going on after a stop, several processes.

    Parameters
    ----------
    model
        Folder or hub id of a causal language model, a model of :func:`scc2s.models.load`, or one of transformers. All
        of them give the same answers afterwards as before.
    samples
        As in :func:`sft`.
    output_dir
        Folder of checkpoints; the finished adapter goes to its folder ``adapter``.
    rank
        Rows of ``A`` and columns of ``B``.
    alpha
        The product is weighted by ``alpha / rank``.
    dropout
        Share of the inputs of ``A`` that are left out at each step.
    target_modules
        ``"auto"``: all linear layers of the blocks, whatever they are called, not the head. Or names of layers, e.g.
        ``["q_proj", "v_proj"]``, or a regular expression, as in PEFT.
    quantization
        ``"4bit"`` (NF4, as in QLoRA; Dettmers et al. 2023, arXiv 2305.14314) or ``"8bit"`` weights of the frozen model
        by bitsandbytes, for a model by name.
    validation, tokenizer, batch_size, epochs, max_length, early_stopping, seed
        As in :func:`sft`.
    learning_rate
        As in TRL; adapters take a larger one than whole models.
    license
        Licence of the adapter, for its card. ``None``: that of the base, where it is known.
    **arguments
        As in :func:`sft`.

    Returns
    -------
    Folder of the finished adapter, for ``scc2s.models.load(model, adapter=folder)`` and :func:`merge`, with its card
    and a hash of the weights it belongs to; metrics; history.

    Raises
    ------
    ImportError
        If TRL or PEFT, or (for `quantization`) bitsandbytes, is not installed.
    ValueError
        As :func:`sft`; a rank, alpha or dropout that cannot be; layers that the model does not have.
    TypeError, FileNotFoundError, ConnectionError, NotADirectoryError, OSError
        As :func:`sft`.
    """
    require_trl()
    targets = _targets(rank, alpha, dropout, target_modules)
    shape = {"rank": rank, "alpha": alpha, "dropout": dropout, "target_modules": targets, "quantization": quantization}
    settings = Settings(batch_size, learning_rate, epochs, max_length, early_stopping, seed, arguments, shape)
    settings.check(samples)
    check_model(model, tokenizer)
    _check_quantization(quantization, by_name=isinstance(model, str) or hasattr(model, "__fspath__"))
    own, held = divide(samples, validation)
    folder = folder_of(output_dir)
    base = open_base(model, tokenizer, frozen=True, quantization=quantization)
    if not base.pretrained:
        logger.warning("the model has no trained weights, and an adapter can only bend what is there; use sft for it")
    whole = folder / "adapter"
    clear_leftovers(whole)
    if (done := finished(whole, base, own, held, settings)) is not None:
        logger.info("%s is finished already; remove it, or pass another output_dir=, to train anew", whole)
        return done
    with states_kept(), forward_kept(base.lm), quiet(), _adapted(base, settings) as both:
        trainer, metrics, history = train(base, both, own, held, folder, settings)
        weights = whole_weights(trainer)
        if trainer.is_world_process_zero():
            with replacing_folder(whole) as new:
                _write(new, both, base, weights, own, held, metrics, settings, license, folder.name)
                record(new, base, own, held, settings, metrics, history)
        trainer.accelerator.wait_for_everyone()
    return Trained(whole, metrics, history)


def _targets(rank: int, alpha: float, dropout: float, target_modules: Any) -> str | list[str]:
    """Layers as PEFT takes them; refuses what cannot be, before a model is loaded."""
    if not isinstance(rank, int) or isinstance(rank, bool) or rank < 1:
        msg = f"rank={rank!r} is not a whole number from 1; pass e.g. rank=8"
        raise ValueError(msg)
    if not isinstance(alpha, int | float) or not 0 < alpha < float("inf"):
        msg = f"alpha={alpha!r} is not a number above 0; pass e.g. alpha={2 * rank}"
        raise ValueError(msg)
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        msg = f"dropout={dropout!r} is no share; pass a number from 0 to less than 1"
        raise ValueError(msg)
    if isinstance(target_modules, str):
        return "all-linear" if target_modules == "auto" else target_modules
    if not isinstance(target_modules, Iterable) or not (names := [str(name) for name in target_modules]):
        msg = f'target_modules={target_modules!r} names no layer; pass "auto", or names as ["q_proj", "v_proj"]'
        raise ValueError(msg)
    return sorted(names)


def _check_quantization(quantization: Any, *, by_name: bool) -> None:
    from scc2s.models._torch._placement import Placement

    Placement.of(quantization, None, "auto", "auto")  # an unknown value, or no bitsandbytes
    if quantization is not None and not by_name:
        msg = "quantization= is for weights that are still to be loaded; pass the folder or hub id of the model"
        raise ValueError(msg)


@contextmanager
def _adapted(base: Base, settings: Settings) -> Iterator[Any]:
    """The model with an adapter around it; without one again, and as free to be trained as before, after the block."""
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    shape = settings.more
    lm: Any = base.lm
    trained = {name: parameter.requires_grad for name, parameter in lm.named_parameters()}
    if shape["quantization"] is not None:
        prepare: Any = prepare_model_for_kbit_training  # which PEFT does not type
        lm = prepare(lm, use_gradient_checkpointing=False)
    config = LoraConfig(
        r=shape["rank"],
        lora_alpha=shape["alpha"],
        lora_dropout=shape["dropout"],
        target_modules=shape["target_modules"],
        # Layers of GPT-2 have their weights the other way round, which PEFT would find out with a warning.
        fan_in_fan_out=any(type(module).__name__ == "Conv1D" for module in lm.modules()),
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(settings.seed)
    try:
        both: Any = get_peft_model(lm, config)
    except ValueError as error:
        msg = (
            f"no adapter fits {type(lm).__name__} with target_modules={shape['target_modules']!r} ({error}); pass "
            'target_modules="auto"'
        )
        raise ValueError(msg) from error
    try:
        yield both
    finally:
        both.unload()
        for name in ("peft_config", "_hf_peft_config_loaded"):
            lm.__dict__.pop(name, None)
        for name, parameter in lm.named_parameters():
            parameter.requires_grad_(trained.get(name, False))


def _write(
    folder: Path,
    both: Any,
    base: Base,
    weights: dict[str, Any] | None,
    samples: pd.DataFrame | Mixture,
    validation: pd.DataFrame | None,
    metrics: dict[str, float],
    settings: Settings,
    license: str | None,
    name: str,
) -> None:
    from scc2s.models._torch._fingerprint import fingerprint

    both.save_pretrained(str(folder), save_embedding_layers=False, state_dict=weights)
    path = folder / CONFIG
    config = json.loads(path.read_text(encoding="utf-8")) | {"base_model_name_or_path": base.id}
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    whole = settings.more["quantization"] is None and base.lm.dtype.itemsize == 4
    every = both.state_dict() if weights is None else weights
    own = ((n.removeprefix(_AROUND), p) for n, p in every.items() if ".lora_" not in n)
    found = {
        "id": base.id,
        "revision": base.revision,
        "weights_hash": base.weights_hash,
        "fingerprint": fingerprint(own) if whole else None,
    }
    (folder / RECORD).write_text(json.dumps({"base": found}, indent=1) + "\n", encoding="utf-8")
    said = declaration(shown(samples), base.family, base.declared)
    (folder / "scc2s.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    of = base.id or "the base"
    use = f'A LoRA adapter: `scc2s.models.load({of!r}, adapter="folder")`, or `scc2s.train.merge`.'
    n = sum(p.numel() for p in both.parameters() if p.requires_grad)
    text = card(
        base,
        samples,
        validation,
        metrics,
        settings.to_dict() | {"parameters trained": f"{n:,}"},
        title=f"{name}: an adapter of {base.id or base.lm.config.model_type}",
        license=license,
        use=use,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
