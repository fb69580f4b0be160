"""All benchmarks, one area after the other, into one file that the documentation shows.

Run: python benchmarks/run.py [sentences embed annotate generate metrics train scaling]

Peers stand beside where they are installed (the scripts say which and how). Each area keeps the machine, the versions
and the date that it was measured with in `benchmarks/results.json`; areas that are not named keep their rows. Nothing
else should run meanwhile: sides take turns, but a busy machine still widens the ranges.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from _setup import header

HERE = Path(__file__).parent
LARGE_TOKENS = "--model random --cells 16 --words 50 --repeats 3 --steps 48"
AREAS = {
    "sentences": ["sentences.py", "parse.py"],
    "embed": ["embed.py", "backends.py"],
    "annotate": ["annotate.py"],
    "generate": ["generate.py", f"generate.py {LARGE_TOKENS}"],
    "metrics": ["metrics.py"],
    "train": ["train.py"],
    "scaling": ["scaling.py"],
}
PACKAGES = ("numba", "scipy", "scikit-learn", "POT", "onnxruntime", "cell2sentence", "helical", "pertpy", "trl", "peft")


def versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def measure(area: str) -> dict[str, object]:
    """Rows of an area; a script that fails ends the run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.touch()
        for line in AREAS[area]:
            print(f"== {line}", flush=True)
            script, *arguments = line.split()
            command = [sys.executable, str(HERE / script), *arguments]
            subprocess.run(command, check=True, env={**os.environ, "SCC2S_BENCH": str(path), "TQDM_DISABLE": "1"})
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    machine, software = header().splitlines()
    return {
        "machine": machine,
        "software": software,
        "packages": versions(),
        "date": datetime.now(UTC).date().isoformat(),
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", choices=[*AREAS, []], help="areas to measure; default: all")
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    args = parser.parse_args()
    for area in args.areas or AREAS:
        found = measure(area)
        results = json.loads(args.out.read_text(encoding="utf-8")) if args.out.is_file() else {}
        results[area] = found
        text = json.dumps({name: results[name] for name in AREAS if name in results}, indent=1, ensure_ascii=False)
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
