"""Two versions of scc2s side by side: what this checkout gains over another commit, in CPU time.

Run: python benchmarks/versions.py --against COMMIT [--cells 48] [--repeats 5] [--dtypes bfloat16 float32] [--threads 1]

The other commit is checked out into a temporary folder (git worktree). Each version has a process of its own, with the
same model, prompts and threads; they take turns (A B, B A, A B, ...), so that a busy machine hits both alike. CPU time
is that of the whole process, so that a version that uses more threads gains nothing by that; wall time stands beside.
The answers of the two are compared. `--model random` takes the shape of Pythia-70m with random weights.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
WORK = ("embed", "annotate", "write freely", "write genes")


def answer(args: argparse.Namespace) -> None:
    """Do what is asked on standard input, and say how long it took; run in a process of its own."""
    from _setup import build_model, build_prompts, build_tokenizer
    from annotate import LABELS

    import scc2s
    from scc2s.models import GeneVocabulary, Sampling
    from scc2s.models._torch import TorchModel

    models = {}
    for dtype in args.dtypes:
        if args.model == "mini":
            models[dtype] = scc2s.models.load("scc2s-mini", device="cpu", dtype=dtype)
        else:
            models[dtype] = TorchModel(build_model(dtype), build_tokenizer()[0], id="benchmark")
    prompts = build_prompts(args.cells, genes=(50, 150))
    choices = [f" {label}" for label in LABELS]
    few = ["Genes of one Homo sapiens cell:"] * 8
    names = sorted({word for prompt in prompts for word in prompt.split() if word.isupper() and len(word) > 2})
    seeds = list(range(len(few)))

    def run(work: str, dtype: str) -> np.ndarray:
        model = models[dtype]
        if work == "embed":
            return model.embed(prompts, progress=False)
        if work == "annotate":
            return model.score(prompts, choices, progress=False).logprob
        genes = None if work == "write freely" else GeneVocabulary(names, 30)
        how = {"genes": genes, "sampling": Sampling(), "seeds": seeds, "progress": False}
        model.generate(few, max_new_tokens=None if genes else 96, **how)
        return np.zeros(1)

    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    for line in sys.stdin:
        asked = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        found = run(asked["work"], asked["dtype"])
        took = time.process_time() - cpu, time.perf_counter() - wall
        if asked.get("keep"):
            np.save(asked["keep"], found)
        out.write(json.dumps(took) + "\n")


def started(source: Path, args: argparse.Namespace) -> subprocess.Popen:
    """A process with one of the versions."""
    environ = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": str(args.threads), "TQDM_DISABLE": "1"}
    options = ["--model", args.model, "--cells", str(args.cells), "--dtypes", *args.dtypes, "--answer"]
    return subprocess.Popen(
        [sys.executable, __file__, *options], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def ask(process: subprocess.Popen, **asked: object) -> np.ndarray:
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    return np.array(json.loads(process.stdout.readline()))


def compare(args: argparse.Namespace, folder: Path) -> None:
    from _cores import processor

    other = folder / "other"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", str(other), args.against], check=True)
    try:
        processes = [started(source, args) for source in (other / "src", ROOT / "src")]
        print(f"{processor()}\n{args.threads} thread(s), {args.model}, {args.cells} cells, {args.repeats} repeats")
        print(
            f"{'':28}{'CPU s, other':>14}{'CPU s, this':>14}{'ratio':>8}{'least':>7}{'most':>7}{'wall':>7}"
            f"{'differ by':>12}"
        )
        for dtype in args.dtypes:
            for work in args.work:
                kept = [folder / f"{i}.npy" for i in range(2)]
                for process, path in zip(processes, kept, strict=True):
                    ask(process, work=work, dtype=dtype, keep=str(path))  # warm
                took = np.empty((args.repeats, 2, 2))
                for repeat in range(args.repeats):
                    for side in (0, 1) if repeat % 2 == 0 else (1, 0):
                        took[repeat, side] = ask(processes[side], work=work, dtype=dtype)
                ratio = took[:, 0] / took[:, 1]
                cpu = np.median(took[:, :, 0], axis=0)
                differ = np.abs(np.load(kept[0]) - np.load(kept[1])).max()
                print(
                    f"{f'{work}, {dtype}':28}{cpu[0]:14.3f}{cpu[1]:14.3f}{np.median(ratio[:, 0]):8.2f}"
                    f"{ratio[:, 0].min():7.2f}{ratio[:, 0].max():7.2f}{np.median(ratio[:, 1]):7.2f}{differ:12.1e}"
                )
        for process in processes:
            process.stdin.close()
            process.wait()
    finally:
        subprocess.run([*git, "remove", "--force", str(other)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", default="HEAD~1")
    parser.add_argument("--model", choices=("mini", "random"), default="mini")
    parser.add_argument("--cells", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16", "float32"])
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.answer:
        answer(args)
        return
    with tempfile.TemporaryDirectory() as made:
        compare(args, Path(made))


if __name__ == "__main__":
    main()
