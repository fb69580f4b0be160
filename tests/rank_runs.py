"""Training runs for one process or several.

``torchrun --nproc-per-node 2 tests/rank_runs.py FOLDER NAME [KEY=VALUE ...] [-- NAME ...]`` trains the tiny model of
FOLDER/tiny; FOLDER/NAME gets its checkpoints, and then its weights, what each rank was shown, and the steps that it
wrote. ``die=RANK:STEP`` ends a rank by SIGKILL at the end of a step, ``shards=1`` gives each rank a part of the weights
and ``rank=2`` trains an adapter.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from tiny_gene_model import write_tiny_model

GENES = [f"G{i}" for i in range(12)]
LABELS = ["B cell", "T cell", "natural killer cell"]


def samples(n: int = 49) -> pd.DataFrame:
    """Two tasks, completions of one to five words, prompts that differ: a number that two ranks do not share evenly."""
    rows = []
    for i in range(n):
        genes = [GENES[(i * 5 + j * (1 + i % 3)) % 12] for j in range(3 + i % 7)]
        ask = f"{' '.join(GENES[(i >> bit & 1) + 2 * bit] for bit in range(6))} {' '.join(genes)}"
        if i % 4:
            rows.append((f"Genes: {ask}\nCell type:", f" {LABELS[i % 3]}", "cell_type"))
        else:
            rows.append((f"Next to {ask}:", " " + " ".join(genes[:5]), "generate"))
    return pd.DataFrame(rows, columns=["prompt", "completion", "task"])


def write_model(folder: Path) -> Path:
    """The model that each run starts from."""
    return write_tiny_model(folder / "tiny", GENES, labels=LABELS)


def share_out_weights() -> None:
    """FSDP2, as ``accelerate launch --config_file docs/training/fsdp.yaml`` asks for it, on a CPU.

    accelerate takes heed of it on GPUs and the like alone (the list in ``AcceleratorState.__init__`` has no CPU), so
    that its state is told here; all that follows is its own.
    """
    from accelerate.state import AcceleratorState
    from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

    os.environ |= {
        "ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
        "FSDP_RESHARD_AFTER_FORWARD": "true", "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
        "FSDP_CPU_RAM_EFFICIENT_LOADING": "false",
    }  # fmt: skip
    init = AcceleratorState.__init__

    def told(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        self.distributed_type = DistributedType.FSDP
        self.fsdp_plugin = (
            kwargs.get("fsdp_plugin") or self.__dict__.get("fsdp_plugin") or FullyShardedDataParallelPlugin()
        )

    AcceleratorState.__init__ = told  # type: ignore[method-assign]


def run(folder: Path, name: str, **arguments: Any) -> dict[str, float]:
    """One call of ``sft``, as a user writes it; what it was shown is noted."""
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from transformers.utils import logging

    from scc2s import train
    from scc2s.train._trainer import CompletionTrainer

    logging.set_verbosity_error()
    rank = int(os.environ.get("RANK", "0"))
    dying, _, at = str(arguments.pop("die", "")).partition(":")
    if arguments.pop("shards", 0):
        share_out_weights()
    model = AutoModelForCausalLM.from_pretrained(folder / "tiny")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tiny")
    shown: list[list[str]] = []
    written: list[int] = []

    class Noted(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if args.should_save:
                written.append(state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if dying == str(rank) and state.global_step == int(at):
                os.kill(os.getpid(), signal.SIGKILL)

    of_class, init = CompletionTrainer.compute_loss, CompletionTrainer.__init__

    def noting(self: Any, module: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        real = (inputs["labels"] != -100).any(dim=1)
        shown.append([tokenizer.decode(row, skip_special_tokens=True) for row in inputs["input_ids"][real]])
        return of_class(self, module, inputs, *args, **kwargs)

    def with_callback(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        self.add_callback(Noted())

    CompletionTrainer.compute_loss, CompletionTrainer.__init__ = noting, with_callback  # type: ignore[method-assign]
    out = folder / name
    try:
        teach: Any = train.lora if "rank" in arguments else train.sft
        done = teach(
            model,
            samples(),
            out,
            tokenizer=tokenizer,
            disable_tqdm=True,
            logging_steps=1,
            max_grad_norm=0.5,
            lr_scheduler_type="cosine",
            **{"epochs": 2, "learning_rate": 3e-3, "save_steps": 4} | arguments,
        )
    finally:
        CompletionTrainer.compute_loss, CompletionTrainer.__init__ = of_class, init  # type: ignore[method-assign]
    (out / f"shown-{rank}.json").write_text(json.dumps({"shown": shown, "written": written, "metrics": done.metrics}))
    parts = {k: getattr(v, "_local_tensor", v).detach().clone() for k, v in model.named_parameters()}
    save_file(parts, out / f"weights-{rank}.safetensors")
    return done.metrics


if __name__ == "__main__":
    for part in " ".join(sys.argv[2:]).split(" -- "):
        name, *given = part.split()
        settings = {}
        for key, value in (one.split("=", 1) for one in given):
            with contextlib.suppress(ValueError):
                value = json.loads(value)  # a number
            settings[key] = value
        run(Path(sys.argv[1]), name, **settings)
