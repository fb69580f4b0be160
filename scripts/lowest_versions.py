"""Print the lowest versions that pyproject.toml declares, as constraints for pip: ``name==version`` a line.

    python scripts/lowest_versions.py > lowest.txt && pip install -c lowest.txt ".[test]" torch==2.13.0

Packages named as arguments are left out (torch in CI: old builds of it come with CUDA).
"""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
wanted = project["dependencies"] + [
    line for name in ("metrics", "onnx", "quant", "train", "test") for line in extras[name]
]
lowest = {}
for line in wanted:
    if found := re.match(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?>=([0-9.]+)", line):
        lowest.setdefault(found[1], found[2])
print("\n".join(f"{name}=={version}" for name, version in sorted(lowest.items()) if name not in sys.argv[1:]))
