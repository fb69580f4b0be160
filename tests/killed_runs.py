"""A training run that kills itself at steps, and is called again until it is finished.

As a script: python tests/killed_runs.py FOLDER sft|lora [STEP ...]
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path

GENES = [f"G{i}" for i in range(12)]
STEPS = 12


def final_loss(folder: Path, kind: str, *, kills: list[int]) -> float:
    """Loss of the validation at the end of a run that was killed at these steps."""
    command = [sys.executable, __file__, str(folder), kind, *map(str, kills)]
    subprocess.run(command, capture_output=True, text=True, check=True)
    return float((folder / "loss.txt").read_text())


def main(folder: Path, kind: str, kills: list[int]) -> None:
    # Imported once, before processes part.
    import pandas as pd
    import transformers.trainer
    from tiny_gene_model import write_tiny_model
    from transformers import TrainerCallback

    from scc2s import train
    from scc2s.train import _run, _trainer  # noqa: F401

    base = folder / "tiny"
    write_tiny_model(base, GENES, labels=["B cell", "T cell"])
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"hidden_dropout": 0.1, "attention_dropout": 0.1}))
    rows = [
        (f"Genes: {GENES[i % 12]} {GENES[i % 7]} {i}\nType:", [" B cell", " T cell"][i % 2], "cell_type")
        for i in range(64)
    ]
    samples = pd.DataFrame(rows, columns=["prompt", "completion", "task"])

    def run(step: int) -> None:
        class Killed(TrainerCallback):
            def on_step_end(self, args, state, control, **_):
                if step and state.global_step >= step:
                    os.kill(os.getpid(), signal.SIGKILL)

        transformers.trainer.DEFAULT_CALLBACKS.append(Killed)
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

    for step in [*sorted(kills), 0]:
        if (pid := os.fork()) == 0:
            try:
                run(step)
            except BaseException:  # noqa: BLE001  # whatever it is, the process must not go on as its parent
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status) != (-signal.SIGKILL if step else 0):
            sys.exit(f"the run to be killed at step {step} ended with {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [int(step) for step in sys.argv[3:]])
