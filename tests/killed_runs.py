"""A training run that kills itself at a step, and is called again until it is finished.

As a script: python tests/killed_runs.py FOLDER sft|lora STEP  (0: it is not killed)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

GENES = [f"G{i}" for i in range(12)]
STEPS = 12


def final_loss(folder: Path, kind: str, *, kills: list[int]) -> float:
    """Loss of the validation at the end of a run that was killed at these steps."""
    for step in [*sorted(kills), 0]:
        command = [sys.executable, __file__, str(folder), kind, str(step)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != (-signal.SIGKILL if step else 0):
            raise RuntimeError(done.stderr[-2000:])
    return float((folder / "loss.txt").read_text())


def main(folder: Path, kind: str, step: int) -> None:
    import pandas as pd
    import transformers.trainer
    from tiny_gene_model import write_tiny_model
    from transformers import TrainerCallback

    from scc2s import train

    class Killed(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if step and state.global_step >= step:
                os.kill(os.getpid(), signal.SIGKILL)

    transformers.trainer.DEFAULT_CALLBACKS.append(Killed)
    base = folder / "tiny"
    if not base.is_dir():
        write_tiny_model(base, GENES, labels=["B cell", "T cell"])
        config = json.loads((base / "config.json").read_text())
        (base / "config.json").write_text(json.dumps(config | {"hidden_dropout": 0.1, "attention_dropout": 0.1}))
    rows = [
        (f"Genes: {GENES[i % 12]} {GENES[i % 7]} {i}\nType:", [" B cell", " T cell"][i % 2], "cell_type")
        for i in range(64)
    ]
    samples = pd.DataFrame(rows, columns=["prompt", "completion", "task"])
    call = {"sft": train.sft, "lora": train.lora}[kind]
    done = call(
        base,
        samples.head(48),
        folder / "run",
        validation=samples.tail(16),
        batch_size=8,
        epochs=2,
        save_steps=3,
        eval_steps=3,
        early_stopping=None,
        disable_tqdm=True,
    )
    assert done.history["step"].iloc[-1] == STEPS
    (folder / "loss.txt").write_text(repr(done.metrics["eval_loss"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
