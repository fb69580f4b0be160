"""Mean of the weights of two stretches of training of scc2s-mini, with what the second folder says of itself.

    python scripts/average_mini.py FIRST SECOND TARGET

The second stretch has to begin from the weights of the first (``train_mini.py --start FIRST``): means of unrelated weights
mean nothing.
"""

import shutil
import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file


def main(first: Path, second: Path, target: Path) -> None:
    a, b = (load_file(folder / "model.safetensors") for folder in (first, second))
    if {k: v.shape for k, v in a.items()} != {k: v.shape for k, v in b.items()}:
        sys.exit(f"{first} and {second} hold weights of different names or shapes")
    with safe_open(second / "model.safetensors", "pt") as file:
        metadata = file.metadata()
    shutil.copytree(second, target)
    mean = {name: ((a[name].float() + b[name].float()) / 2).to(b[name].dtype) for name in b}
    save_file(mean, target / "model.safetensors", metadata=metadata)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
