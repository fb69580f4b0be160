"""Execute the tutorials into tutorials/executed, where the documentation looks for them.

    python scripts/execute_tutorials.py [NAME ...]

A tutorial that reads SCC2S_SHARED_DATA is left out where that folder is not there. The repository has an executed copy of
it, which the documentation shows as long as the tutorial has the same code; else it is shown without outputs, and says so.
"""

import os
import sys
import sysconfig
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "tutorials" / "executed"
DATA = "SCC2S_SHARED_DATA"


def execute(path: Path) -> str:
    """Run one tutorial and keep it with its outputs."""
    begin = time.monotonic()
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if output.output_type == "stream":  # where packages lie is the machine's own affair
            output.text = output.text.replace(f"{sysconfig.get_path('purelib')}/", "")
    nbformat.write(notebook, TARGET / path.name)
    return f"{path.name}: executed in {time.monotonic() - begin:.0f} s"


def main(names: list[str]) -> None:
    # bars of progress are no part of a page, nor is what stands in the way of them
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("PYTHONWARNINGS", "ignore:IProgress not found")
    TARGET.mkdir(exist_ok=True)
    chosen = []
    for path in sorted((ROOT / "tutorials").glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        notebook = nbformat.read(path, as_version=4)
        if any(cell.get("outputs") for cell in notebook.cells):
            sys.exit(f"{path.name} is committed with outputs; clear them")
        if any(DATA in cell.source for cell in notebook.cells) and not Path(os.environ.get(DATA, "")).is_dir():
            print(f"{path.name}: left out, its cells come with no package; set {DATA} to a folder that holds them")
            continue
        (TARGET / path.name).unlink(missing_ok=True)
        chosen.append(path)
    with ProcessPoolExecutor(2) as pool:
        for line in pool.map(execute, chosen):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
