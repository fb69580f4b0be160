from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scc2s._io import clear_leftovers, replacing_folder
from scc2s._logging import logger

from ._base import check_model, open_base
from ._card import card
from ._divide import divide
from ._kept import forward_kept, states_kept
from ._mixture import Mixture, shown
from ._portable import write_portable
from ._quiet import quiet
from ._resume import finished, record
from ._run import train
from ._settings import Settings, folder_of
from ._teaches import declaration
from ._trained import Trained
from ._whole import whole_weights

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    import pandas as pd
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from scc2s.models import Model

    from ._base import Base


def sft(
    model: str | PathLike[str] | Model | PreTrainedModel,
    samples: pd.DataFrame | Mixture,
    output_dir: str | Path,
    *,
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
    """Supervised fine-tuning of all weights on prompts and completions; only the completions are learned.

    A face of TRL's ``SFTTrainer``. Every sample is trained on: each batch holds one task, and what does not fill a
    batch comes at the end (:func:`batches_by_task`; for all processes and accumulated steps together). Checkpoints go
    to `output_dir`; a stopped run goes on from the last one that is finished, and ends where an unbroken run does. A
    run that is finished is not run again. Under ``torchrun`` or ``accelerate launch`` the same call trains on all
    processes, and one of them writes.

    Parameters
    ----------
    model
        Folder or hub id of a causal language model, or a model of :func:`scc2s.models.load`, which stays as it is; or
        one of transformers, which is changed in place.
    samples
        Columns ``prompt``, ``completion``, ``task``, from :func:`scc2s.pp.samples`. Completions start with a space.
        With a column ``split`` only ``"train"`` is trained on, and ``"val"`` is the validation where none is given.
        Or a :class:`Mixture`, which draws samples afresh for each of ``max_steps=`` steps.
    output_dir
        Folder of checkpoints; the finished model goes to its folder ``model``.
    validation
        Samples of other cells. Their loss, of each task and in all, is taken ten times a run (or every ``eval_steps``).
    tokenizer
        Of a model of transformers.
    batch_size
        Samples a batch, in each process. Sources of a mixture have their own.
    learning_rate, epochs, seed
        As in TRL; a mixture has no epochs, and its own seed. The state of global generators of random numbers is kept.
    max_length
        Tokens of the longest sample, with its end token; ``None``: those that the model can read. Nothing is cut.
    early_stopping
        With a validation: stop after so many evaluations in a row without a lower loss, and keep the weights of the
        lowest. ``None``: train to the end, and keep the last weights.
    license
        Licence of the finished model, for its card. ``None``: that of the base, where it is known.
    **arguments
        Further fields of ``trl.SFTConfig``, e.g. ``warmup_steps``, ``save_steps`` or ``gradient_accumulation_steps``.
        ``dataloader_num_workers=1`` draws the samples of a mixture in a process of its own while the model trains.
        Numbers are float32 on a CPU and mixed with bfloat16 on a GPU that computes in it (``bf16=``); the last three
        checkpoints are kept (``save_total_limit=``), and with early stopping the best.

    Returns
    -------
    Folder of the finished model, for :func:`scc2s.models.load`, with its card (README.md) and what it declares
    (scc2s.json); metrics; history. Among the metrics: ``tokens_per_second`` without padding, and
    ``useful_tokens_per_second`` of completions alone, of this call.

    Raises
    ------
    ImportError
        If TRL is not installed.
    ValueError
        If a column is missing, a prompt, completion or task is missing or blank, there are no samples; one is longer
        than `max_length` or the model's window, or its completion does not start with a token of its own; samples of
        the validation are trained on; `output_dir` holds checkpoints of another run; the model is quantised or has an
        adapter.
    TypeError
        If `model` is nothing that can be trained, or an argument is none.
    FileNotFoundError, ConnectionError
        If there is no such model.
    NotADirectoryError
        If `output_dir` is a file.
    OSError
        If the disk is full. The last checkpoint that is finished stays, and the same call goes on from it.
    """
    require_trl()
    settings = Settings(batch_size, learning_rate, epochs, max_length, early_stopping, seed, arguments)
    settings.check(samples)
    check_model(model, tokenizer)
    own, held = divide(samples, validation)
    folder = folder_of(output_dir)
    base = open_base(model, tokenizer)
    whole = folder / "model"
    clear_leftovers(whole)
    if (done := finished(whole, base, own, held, settings)) is not None:
        _load_into(base, whole)
        return done
    with states_kept(), forward_kept(base.lm), quiet():
        trainer, metrics, history = train(base, base.lm, own, held, folder, settings)
        weights = whole_weights(trainer)
        if trainer.is_world_process_zero():
            about = {
                "title": f"{folder.name}: {base.id or base.lm.config.model_type}, fine-tuned",
                "use": 'A causal language model of cell sentences: `scc2s.models.load("folder")`.',
            }
            with replacing_folder(whole) as new:
                _write(new, base, weights, own, held, metrics, settings, license, about)
                record(new, base, own, held, settings, metrics, history)
        trainer.accelerator.wait_for_everyone()
    return Trained(whole, metrics, history)


def require_trl() -> None:
    """Say which extra is needed where it is not installed.

    Raises
    ------
    ImportError
        TRL, PEFT or datasets are not there.
    """
    try:
        import datasets  # noqa: F401
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ImportError as error:
        msg = "training needs TRL; pip install 'scc2s[train]'"
        raise ImportError(msg) from error


def _write(
    folder: Path,
    base: Base,
    weights: dict[str, Any] | None,
    samples: pd.DataFrame | Mixture,
    validation: pd.DataFrame | None,
    metrics: dict[str, float],
    settings: Settings,
    license: str | None,
    about: dict[str, str],
) -> None:
    base.lm.eval()
    write_portable(base.lm, base.tokenizer, folder, dtype="float32", weights=weights)
    said = declaration(shown(samples), base.family, base.declared)
    (folder / "scc2s.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = card(base, samples, validation, metrics, settings.to_dict(), license=license, **about)
    (folder / "README.md").write_text(text, encoding="utf-8")


def _load_into(base: Base, folder: Path) -> None:
    """Give a model in memory the weights of a run that was finished before."""
    from safetensors.torch import load_file

    logger.info("%s is finished already; remove it, or pass another output_dir=, to train anew", folder)
    base.lm.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
