"""All sections of a report, and the page that they make."""

from __future__ import annotations

import datetime
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scc2s._cells.provenance import versions
from scc2s._logging import logger

from ._parts import Note, Section, say
from ._sections import (
    benchmarks,
    captions,
    caveats,
    comparisons,
    data,
    embedding,
    fit,
    generated,
    labels,
    models,
    others,
    predictions,
    screen,
    sentences,
    space,
    talks,
)
from ._sections import versions as versions_used
from ._values import without_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anndata import AnnData


class Chapter(NamedTuple):
    """A section that a report may have."""

    title: str
    make: Callable[[AnnData], Section | None]
    call: str
    """What makes it, where it is missing; empty where a file need not have it."""


CHAPTERS = (
    Chapter("The data", data.section, ""),
    Chapter("Cell sentences", sentences.section, "sc.pp.c2s_sentences(adata)"),
    Chapter("From rank to expression", fit.section, "sc.pp.c2s_rank_fit(adata)"),
    Chapter("Embedding", embedding.section, "sc.tl.c2s_embed(adata)"),
    Chapter("Labels of the cells", labels.section, "sc.tl.c2s_annotate(adata, labels=[...])"),
    Chapter("Labels compared", comparisons.section, "sc.tl.c2s_compare_labels(adata, a, b)"),
    Chapter("Captions", captions.section, "sc.tl.c2s_caption(adata, groupby=...)"),
    Chapter("Predicted perturbations and fates", predictions.section, "sc.tl.c2s_perturb(adata, perturbation)"),
    Chapter("Screens", screen.section, "sc.tl.c2s_screen(adata, perturbations, program=...)"),
    Chapter("Generated cells", generated.section, ""),
    Chapter("Answers in words", talks.section, "sc.tl.c2s_ask(adata, question, groupby=..., model=...)"),
    Chapter("Several cells at once", space.section, "sc.pp.c2s_contexts(adata, groupby=...)"),
    Chapter("Models compared", benchmarks.section, "sc.tl.c2s_benchmark(adata, task, models=[...])"),
    Chapter("Other results", others.section, ""),
    Chapter("Models and prompts", models.section, ""),
    Chapter("Versions and parameters", versions_used.section, ""),
    Chapter("What to keep in mind", caveats.section, ""),
)
"""In the order of the report."""

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_SLOT = re.compile(
    r"(?:adata\.|scc2s\.)(?:n_obs|n_vars|(?:raw|obsm|obs|uns|layers|pp\.check\(adata\)|models\.catalogue\(\))"
    r"(?:\.n_vars)?(?:\['(?:[^'\\]|\\.)*'\]|\[\"(?:[^\"\\]|\\.)*\"\])*)"
)


def html(adata: AnnData, *, title: str, modality: str | None = None) -> str:
    """The report as a page.

    Parameters
    ----------
    adata
        Cells with results.
    title
        Its title.
    modality
        Name of the modality that `adata` is, where it comes from a MuData.
    """
    made, absent = sections(adata)
    return str(
        _page().render(
            title=title,
            sections=made,
            absent=absent,
            modality=modality,
            research=caveats.RESEARCH,
            version=versions()["scc2s"],
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
            style=_style(),
        )
    )


def sections(adata: AnnData) -> tuple[list[Section], list[Chapter]]:
    """The chapters that the data have, and those that they lack.

    A record that cannot be read, as one of another version may be, is a line in its chapter, and in the log.
    """
    made, absent = [], []
    for chapter in CHAPTERS:
        try:
            section = chapter.make(adata)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
            words = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            logger.warning("report: %s could not be read: %s", chapter.title, words)
            name = re.sub(r"\W+", "-", chapter.title.lower())
            note = Note("caution", say("This part could not be read ({}); make its results again.", words))
            section = Section(name, chapter.title, [note])
        if section is not None:
            made.append(section)
        elif chapter.call:
            absent.append(chapter)
    return made, absent


@cache
def _page() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    here = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    here.filters |= {"exact": _exact, "slots": slots, "bare": _bare, "repr": repr}
    return here.get_template("page.html.j2")


def _shown(value: Any) -> Any:
    """Every text of a report passes here: no paths of a machine, nothing that a page cannot hold."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    if value.startswith("data:image/png;base64,"):
        return value
    text = value.encode("utf-8", "replace").decode("utf-8")
    return without_paths(_UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text))


def _bare(source: str) -> str:
    """An expression as it stands beside a figure."""
    return source.replace("adata.", "")


def _exact(value: float | int) -> str:
    return repr(value)


def slots(sources: Iterable[str]) -> list[str]:
    """The slots that expressions read, each once.

    Examples
    --------
    >>> slots(["(adata.obs['a'] == 'x').mean()", "adata.uns['c2s']['rank_fit']['r2']", "adata.obs['a'].median()"])
    ["obs['a']", "uns['c2s']['rank_fit']['r2']"]
    """
    found = []
    for source in sources:
        there = [one.group().removeprefix("adata.") for one in _SLOT.finditer(source)]
        found += there or [source]
    return list(dict.fromkeys(found))


@cache
def _style() -> Any:
    from markupsafe import Markup

    return Markup((Path(__file__).parent / "style.css").read_text(encoding="utf-8"))
