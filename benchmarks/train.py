"""Fine-tuning scc2s-mini: completions learned a second beside TRL alone and cell2sentence; runs that are killed.

Run on a quiet machine, with one thread or as many as there are cores:

    OMP_NUM_THREADS=1 python benchmarks/train.py [--samples 192] [--repeats 5]       # speed, sides in turns
    python benchmarks/train.py --kills 20                                           # killed, and called again
    python benchmarks/train.py --peer PYTHON                                        # cell2sentence, in its environment

All sides learn the same samples once, in batches of the same size: cell types and cells of pbmc68k_reduced, in equal
numbers. Counted are tokens of completions (with end tokens) a second of the training loop; setting up is left out. TRL
stands there with its defaults and, so that the difference is not one of settings, in float32 without gradient
checkpointing, as scc2s trains on a CPU. Both have TRL's own loss, order and padding.

With ``--kills`` as many runs are stopped by SIGKILL at a random moment of their training, called again, and have to end
with the weights of a run that nobody stopped, to the last bit.

With ``--peer`` the interpreter of an environment with cell2sentence (which needs transformers 4) fine-tunes the same
model on the same cells and task by ``CSModel.fine_tune``: cells a second of the whole call, and memory at its highest
(``--samples 680`` takes nearly all of them).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
from _setup import header, note, spread

BATCH, N_GENES = 16, 100
MINI = "scc2s-mini"


def samples(n: int, n_genes: int = N_GENES):
    """Half cell types, half cells."""
    import pandas as pd
    import scanpy as sc

    import scc2s

    adata = sc.datasets.pbmc68k_reduced()
    adata.obs["cell_type"] = adata.obs["bulk_labels"].astype(str)
    adata = adata[np.random.default_rng(0).permutation(adata.n_obs)[: n // 2]].copy()
    tasks = [
        scc2s.pp.samples(adata, name, n_genes=n_genes, organism="Homo sapiens") for name in ("cell_type", "generate")
    ]
    return pd.concat(tasks, ignore_index=True)


def useful_tokens(table) -> int:
    from transformers import AutoTokenizer

    from scc2s.train._encode import encode

    tokenizer = AutoTokenizer.from_pretrained(mini())
    return int(encode(tokenizer, table, max_length=None, window=1024).n_learned.sum())


def mini() -> Path:
    import scc2s

    return Path(scc2s.__file__).parent / "models" / "mini"


def by_scc2s(table, folder: Path) -> float:
    """Seconds of the training loop."""
    from scc2s import train

    quiet = {"save_strategy": "no", "disable_tqdm": True, "logging_steps": 10**6}
    return train.sft(MINI, table, folder, batch_size=BATCH, **quiet).metrics["train_runtime"]


def by_trl(table, folder: Path, **settings: object) -> float:
    """Seconds of the training loop."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=BATCH,
        learning_rate=1e-3,
        num_train_epochs=1,
        max_length=1024,
        completion_only_loss=True,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=10**6,
        **settings,
    )
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(mini()),
        args=config,
        train_dataset=Dataset.from_pandas(table[["prompt", "completion"]], preserve_index=False),
        processing_class=AutoTokenizer.from_pretrained(mini()),
    )
    return trainer.train().metrics["train_runtime"]


def speed(n: int, repeats: int) -> None:
    table = samples(n)
    useful = useful_tokens(table)
    plain = {"bf16": False, "gradient_checkpointing": False}
    sides = {
        "scc2s.train.sft": by_scc2s,
        "TRL, float32, no checkpointing": lambda rows, folder: by_trl(rows, folder, **plain),
        "TRL, its defaults": by_trl,
    }
    rates = {name: np.empty(repeats) for name in sides}
    for repeat in range(-1, repeats):  # the first round warms up
        for name, side in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds = side(table if repeat >= 0 else table.iloc[:: max(1, n // (2 * BATCH))], Path(folder))
            if repeat >= 0:
                rates[name][repeat] = useful / seconds
    print(f"{len(table)} samples, {useful} tokens of completions, batches of {BATCH}, {repeats} rounds in turns")
    beside = rates["TRL, its defaults"]
    for name, values in rates.items():
        other = (
            ""
            if name.startswith("TRL")
            else "".join(f"  {spread(values / rates[peer])} x {peer}" for peer in sides if peer.startswith("TRL"))
        )
        print(f"{name:32}{spread(values)} tokens of completions / s{other}", flush=True)
        note("fine-tune scc2s-mini", name, "completion tokens/s", values, beside=None if values is beside else beside)


def train_once(table, held, folder: Path) -> None:
    from scc2s import train

    done = train.sft(
        MINI,
        table,
        folder,
        validation=held,
        batch_size=4,
        learning_rate=1e-3,
        epochs=2,
        save_steps=2,
        eval_steps=2,
        disable_tqdm=True,
        logging_steps=1,
    )
    digest = hashlib.sha256((done.folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "end.txt").write_text(f"{digest} {done.metrics['eval_loss']!r} {done.metrics['loss']!r}")


def in_child(table, held, folder: Path, *, kill_after: float | None) -> tuple[float, bool]:
    """Run in a process of its own; seconds of training, and whether it was killed before its end."""
    said = folder.with_suffix(".log")
    pid = os.fork()
    if pid == 0:
        log = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = 1
        try:
            train_once(table, held, folder)
            code = 0
        except BaseException:  # noqa: BLE001  # whatever it is, the process must not go on as its parent
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    ended, status = 0, 0
    # The record is written when training begins.
    while not ended and not (folder / "scc2s_run.json").is_file():
        ended, status = os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)
    start = time.monotonic()
    if kill_after is not None and not ended:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    if not ended:
        _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status)
    if not killed and os.waitstatus_to_exitcode(status):
        msg = f"training failed: {said.read_text()[-2000:]}"
        raise RuntimeError(msg)
    return time.monotonic() - start, killed


def kills(n: int) -> None:
    """Each run is killed once at a random moment, and called again."""
    from scc2s.train import _run, _trainer  # noqa: F401  # imported once, before processes part

    rows = samples(48, 30).sample(frac=1, random_state=0)
    held = rows.groupby("task").head(4)
    table = rows.drop(index=held.index)
    held = held[~held["prompt"].isin(table["prompt"])]
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        seconds, _ = in_child(table, held, Path(name) / "whole", kill_after=None)
        want = (Path(name) / "whole" / "end.txt").read_text()
        same, stopped = 0, 0
        for run in range(n):
            folder = Path(name) / str(run)
            _, killed = in_child(table, held, folder, kill_after=rng.uniform(0, 0.9 * seconds))
            stopped += killed
            in_child(table, held, folder, kill_after=None)
            found = (folder / "end.txt").read_text()
            same += found == want
            print(
                f"run {run}: {'killed' if killed else 'not killed'}, {'same' if found == want else found}", flush=True
            )
    print(f"{same} of {n} runs end with the weights and losses of the unbroken one; {stopped} were killed: {want}")
    if same < n:
        sys.exit(1)


def peer(python: str, n: int) -> None:
    """Both sides in processes of their own, whole calls."""
    script = Path(__file__).parent / "train_peer.py"
    for side, interpreter in (("scc2s", sys.executable), ("cell2sentence", python)):
        with tempfile.TemporaryDirectory() as folder:
            command = [interpreter, str(script), side, str(mini()), folder, str(n)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(done.stdout.strip().splitlines()[-1] if done.returncode == 0 else done.stderr[-2000:], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--peer", metavar="PYTHON")
    args = parser.parse_args()
    print(header())
    if args.kills:
        kills(args.kills)
    elif args.peer:
        peer(args.peer, args.samples)
    else:
        speed(args.samples, args.repeats)


if __name__ == "__main__":
    main()
