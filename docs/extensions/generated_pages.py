"""Make the pages whose source is elsewhere: tutorials, catalogue, the command line's reference, the model card."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MINI = ROOT / "src" / "scc2s" / "models" / "mini"


def _code(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells]


def _tutorials() -> None:
    """Copy each tutorial, from its executed copy where that was made from the same source."""
    target = DOCS / "tutorials"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for source in sorted((ROOT / "tutorials").glob("*.ipynb")):
        executed = source.parent / "executed" / source.name
        if executed.is_file() and _code(executed) == _code(source):
            shutil.copyfile(executed, target / source.name)
        else:
            _copy_without_outputs(source, target / source.name)


def _copy_without_outputs(source: Path, target: Path) -> None:
    """The tutorial as it is, with a word on its page and in the log that its outputs are missing."""
    notebook = json.loads(source.read_text(encoding="utf-8"))
    how = f"`python scripts/execute_tutorials.py {source.stem}`"
    note = f":::{{note}}\nThis copy was not executed, so it has no outputs and no figures. To make them: {how}.\n:::"
    notebook["cells"].insert(1, {"cell_type": "markdown", "id": "not-executed", "metadata": {}, "source": [note]})
    target.write_text(json.dumps(notebook), encoding="utf-8")
    logging.getLogger(__name__).info("%s was not executed and is shown without outputs; run %s", source.name, how)


def _command_line(target: Path) -> None:
    command = [sys.executable, "-m", "typer", "scc2s.cli", "utils", "docs", "--name", "scc2s"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    target.write_text(text.partition("\n")[2], encoding="utf-8")  # the page has its own title


def _table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, ["---"] * len(header), *rows])


def _catalogue(target: Path) -> None:
    from scc2s.models import catalogue

    models = catalogue().astype(object)
    models = models.where(models.notna(), "-")
    sizes, terms = [], []
    for m in models.to_dict("records"):
        genes = m["genes_max"] if m["genes_min"] in ("-", m["genes_max"]) else f"{m['genes_min']} to {m['genes_max']}"
        memory = "-" if m["memory_bfloat16_gb"] == "-" else f"{m['memory_bfloat16_gb']} GB"
        sizes.append([f"`{m['id']}`", str(m["size"]), m["base"], str(m["context"]), str(genes), memory])
        terms.append([f"`{m['id']}`", m["tasks"].replace("_", " "), m["licence"], m["licence_seen"]])
    first = _table(
        ["model", "parameters", "base", "context, tokens", "genes in training", "weights in bfloat16"], sizes
    )
    second = _table(["model", "trained for", "licence as seen", "seen"], terms)
    target.write_text(f"{first}\n\n{second}\n", encoding="utf-8")


def _model_card(target: Path) -> None:
    """The card without its YAML head, which is for model hubs, and without its title."""
    text = (MINI / "README.md").read_text(encoding="utf-8")
    if text.startswith("---\n"):
        text = text.split("---\n", 2)[2]
    target.write_text(text.lstrip().partition("\n")[2], encoding="utf-8")


def _number(row: dict[str, float], prefix: str = "") -> str:
    middle, low, high = (f"{row[prefix + name]:,.4g}" for name in ("median", "least", "most"))
    return f"{middle} ({low} to {high})"


def _benchmarks(target: Path) -> None:
    """A section for each area of the results, and in it a table for each task."""
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    parts = []
    for area, found in results.items():
        packages = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
        parts.append(f"## {area.capitalize()}\n\n{found['date']}. {found['machine']}. {found['software']}; {packages}.")
        for task in dict.fromkeys(row["task"] for row in found["rows"]):
            rows = [row for row in found["rows"] if row["task"] == task]
            lines = [
                [row["side"], _number(row), _number(row, "ratio_") if "ratio_median" in row else "-"] for row in rows
            ]
            parts.append(f"**{task}**\n\n" + _table(["side", rows[0]["unit"], "ratio"], lines))
    target.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def setup(_app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for them."""
    generated = DOCS / "_generated"
    generated.mkdir(exist_ok=True)
    _tutorials()
    _catalogue(generated / "catalogue.md")
    _command_line(generated / "cli.md")
    _model_card(generated / "scc2s-mini.md")
    _benchmarks(generated / "benchmarks.md")
    return {"parallel_read_safe": True}
