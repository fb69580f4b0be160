"""What the engines print while they train: one bar of ours in place of it."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quiet() -> Iterator[None]:
    """No bars of transformers, and no word of the names that it deprecates: TRL and PEFT use them, not the user."""
    from scc2s.models._torch._read import bars

    with bars(shown=False), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="`(is_)?gradient_checkpointing` is deprecated", category=FutureWarning
        )
        yield


def silence(trainer: Any) -> None:
    """Take away what prints a line, or a table in a notebook, each time that something is logged."""
    from transformers import PrinterCallback, ProgressCallback
    from transformers.trainer import DEFAULT_PROGRESS_CALLBACK

    for callback in dict.fromkeys((PrinterCallback, ProgressCallback, DEFAULT_PROGRESS_CALLBACK)):
        trainer.remove_callback(callback)


@contextmanager
def progress(trainer: Any) -> Iterator[None]:
    """One bar of steps, with the last losses; what was logged is in the history."""
    from transformers import TrainerCallback

    from scc2s.models._progress import bar

    class Steps(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            shown.reset(total=state.max_steps)
            shown.update(state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            shown.update(1)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
            said.update({name: f"{logs[name]:.4g}" for name in ("loss", "eval_loss") if name in (logs or {})})
            shown.set_postfix(said, refresh=False)

    said: dict[str, str] = {}
    silence(trainer)
    with bar(0, "training", show=trainer.is_world_process_zero() and not trainer.args.disable_tqdm) as shown:
        shown.unit = "step"
        trainer.add_callback(Steps())
        yield
