"""Warn of every public name that no API page lists; with ``-W`` the build fails."""

from importlib import import_module
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

API = Path(__file__).parents[1] / "api"
MODULES = ("pp", "tl", "pl", "models", "prompts", "programs", "sentences", "train", "metrics", "io")


def _check(_app: Sphinx) -> None:
    listed = {line.strip() for page in API.glob("*.md") for line in page.read_text(encoding="utf-8").splitlines()}
    for module in MODULES:
        for name in import_module(f"scc2s.{module}").__all__:
            if f"{module}.{name}" not in listed:
                logging.getLogger(__name__).warning("scc2s.%s.%s is public and on no page of docs/api", module, name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Check before anything is read."""
    app.connect("builder-inited", _check)
    return {"parallel_read_safe": True}
