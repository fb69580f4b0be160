"""A figure for every function of pl: on its API page and in the gallery, made by the scripts in docs/figures."""

import tomllib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

DOCS = Path(__file__).parents[1]
FIGURES = DOCS / "figures"

_CARD = """:::{{grid-item-card}} pl.{name}
:link: api/generated/scc2s.pl.{name}
:link-type: doc

```{{eval-rst}}
.. plot:: figures/{name}.py
   :alt: {alt}
```

{alt}
:::
"""


def _alts() -> dict[str, str]:
    """What each figure shows, by function, in the order of the page of plots."""
    import scc2s.pl

    known = tomllib.loads((FIGURES / "alt.toml").read_text(encoding="utf-8"))
    for name in scc2s.pl.__all__:
        if name not in known or not (FIGURES / f"{name}.py").is_file():
            logging.getLogger(__name__).warning("pl.%s has no figure: write docs/figures/%s.py, alt.toml", name, name)
    return {name: alt for name, alt in known.items() if (FIGURES / f"{name}.py").is_file()}


def _tell(_app: Sphinx, config: Config) -> None:
    alts = _alts()
    config.autosummary_context = {**config.autosummary_context, "figures": alts}
    cards = "\n".join(_CARD.format(name=name, alt=alt) for name, alt in alts.items())
    page = DOCS / "_generated" / "gallery.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(f"::::{{grid}} 1 1 2 2\n:gutter: 3\n\n{cards}\n::::\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Before pages are read: tell the templates of the figures, and write the gallery."""
    app.connect("config-inited", _tell)
    return {"parallel_read_safe": True}
