"""Texts and cells of studies, checked before a teacher is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scc2s._logging import logger

from ._read_qa import PARTS
from ._split import split

_MEND = "pass texts={'study': 'abstract, results, discussion', ...}"
_SHOWN = 5


@dataclass(frozen=True)
class Study:
    """A study: what is written of it, and the sentences of its cells."""

    name: str
    text: str
    cells: Sequence[str]
    """Sorted, each once, so that draws do not depend on the order of the data."""
    part: str

    def draw(self, item: int, n: int, seed: int) -> list[str]:
        """Cells of one item: other ones for another item, the same whatever other studies there are."""
        digest = hashlib.blake2b(f"{seed}:{item}:{self.name}".encode(), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "little"))
        return [self.cells[i] for i in rng.choice(len(self.cells), min(n, len(self.cells)), replace=False).tolist()]


def studies_of(texts: Any, cells: Any, splits: Any, *, val: float, test: float, seed: int) -> list[Study]:
    """Studies in the order of `texts`.

    Raises
    ------
    TypeError
        Not texts, or not sentences, by study.
    KeyError
        A study has no cells, or none is given for it in `splits`.
    ValueError
        A text is blank, a study has no sentence, two have the same text, or a part is unknown.
    """
    joined = _texts(texts)
    sentences = _cells(cells, joined)
    parts = _parts(list(joined), splits, val, test, seed)
    return [Study(name, text, sentences[name], parts[name]) for name, text in joined.items()]


def _texts(texts: Any) -> dict[str, str]:
    if not isinstance(texts, Mapping):
        msg = f"texts is {type(texts).__name__}, not texts by study; {_MEND}"
        raise TypeError(msg)
    if not texts:
        msg = f"there is no text to ask about; {_MEND}"
        raise ValueError(msg)
    out: dict[str, str] = {}
    seen: dict[str, str] = {}
    for study, given in texts.items():
        if not isinstance(study, str) or not study.strip():
            msg = f"{study!r} is no name of a study; {_MEND}"
            raise TypeError(msg)
        sections = list(given.values()) if isinstance(given, Mapping) else [given]
        if not all(isinstance(one, str) for one in sections):
            msg = f"the text of study {study!r} is {type(given).__name__}; pass a text, or texts by section"
            raise TypeError(msg)
        text = "\n\n".join(one.strip() for one in sections if one.strip())
        if not text:
            msg = f"study {study!r} has no text; leave it out of texts=, or give it one"
            raise ValueError(msg)
        if (same := seen.setdefault(" ".join(text.split()).casefold(), study)) != study:
            msg = (
                f"studies {same!r} and {study!r} have the same text, so that one could be learned from and the other "
                "tested on; make them one study"
            )
            raise ValueError(msg)
        out[study] = text
    return out


def _cells(cells: Any, studies: Mapping[str, str]) -> dict[str, list[str]]:
    mend = 'pass cells=adata.obs.groupby("study", observed=True)["c2s_sentence"].agg(list).to_dict()'
    if not isinstance(cells, Mapping):
        msg = f"cells is {type(cells).__name__}, not cell sentences by study; {mend}"
        raise TypeError(msg)
    if missing := [name for name in studies if name not in cells]:
        msg = f"study {missing[0]!r} has a text and no cells; {mend}, or leave it out of texts="
        raise KeyError(msg)
    if more := [str(name) for name in cells if name not in studies]:
        logger.warning("studies without a text are left out: %s", ", ".join(more[:_SHOWN]))
    out = {}
    for name in studies:
        given = cells[name]
        if isinstance(given, str) or not all(isinstance(one, str) for one in given):
            msg = f"the cells of study {name!r} are not a list of sentences; {mend}"
            raise TypeError(msg)
        out[name] = sorted({one.strip() for one in given} - {""})
        if not out[name]:
            msg = f"study {name!r} has no cell with a sentence; {mend}, or leave it out of texts="
            raise ValueError(msg)
    return out


def _parts(studies: list[str], splits: Any, val: float, test: float, seed: int) -> dict[str, str]:
    if splits is None:
        return {
            name: str(part) for name, part in zip(studies, split(studies, val=val, test=test, seed=seed), strict=True)
        }
    if not isinstance(splits, Mapping):
        msg = f"splits is {type(splits).__name__}; pass splits={{'study': 'train', ...}}, or leave it out"
        raise TypeError(msg)
    if missing := [name for name in studies if name not in splits]:
        msg = f"splits does not tell the part of study {missing[0]!r}; pass one for each study, or leave it out"
        raise KeyError(msg)
    if wrong := [name for name in studies if splits[name] not in PARTS]:
        msg = f"splits puts study {wrong[0]!r} into {splits[wrong[0]]!r}; pass one of {', '.join(PARTS)}"
        raise ValueError(msg)
    return {name: str(splits[name]) for name in studies}
