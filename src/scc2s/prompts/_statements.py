"""What prose says of genes: which, in which direction, and of which group of cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from ._mentions import mentions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Said = Literal["up", "down", "expressed", "absent", "named"]
T = TypeVar("T")

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_CONTRAST = re.compile(r",?\s+(?:while|whereas|but|although|though|yet|however)\b,?\s*", re.IGNORECASE)
_WORDS: dict[Said, str] = {
    "up": r"up-?\s?regulat\w*|increas\w*|higher|elevat\w*|induced|enrich\w*|over-?express\w*|(?<!or )more|rises?|rose|"
    r"risen|gain(?:s|ed)?|up(?!\s+to\b)|stronger|greater",
    "down": r"down-?\s?regulat\w*|decreas\w*|lower|reduc\w*|suppress\w*|repress\w*|deplet\w*|diminish\w*|"
    r"under-?express\w*|less|falls?|fell|fallen|drop(?:s|ped)?|down|weaker|declin\w*",
    "expressed": r"express\w*|high|highly|highest|strong|strongly|strongest|abundant\w*",
    "absent": r"low|lowly|lowest|absent|absence|lack(?:s|ed|ing)?|loss|lost|silent|without",
}
_DIRECTION = re.compile(
    rf"(?<![\w-])(?:{'|'.join(f'(?P<{said}>{words})' for said, words in _WORDS.items())})(?![\w-])", re.IGNORECASE
)
_AND = re.compile(r",?\s+and\s+", re.IGNORECASE)
_SYMBOL = re.compile(r"\b(?=\w*[A-Z])(?=\w*\d)\w+|\b[A-Z]{3,}\b")
_NOT = re.compile(r"(?:\b(?:not|no|never|neither|nor|hardly|without|cannot)|n't)(?:\s+[\w-]+)?\s*$", re.IGNORECASE)
_THAN = re.compile(
    r"\b(?:than|versus|vs\.?|compared\s+(?:to|with)|relative\s+to|over|against|unlike|from)\s+"
    r"(?:(?:in|the|those|that|of|cells|cell|group|cluster|condition|sample)\s+)*[\"'(]*$",
    re.IGNORECASE,
)
_NAMING = r"(?:cells?\s+of|cluster|group|condition|sample|donor|stage|time(?:\s?point)?|day|hour|week)\s+[\"'(]*"
_SHORT = 3
"""Names of groups with fewer characters, and numbers, count after a word such as "cluster"; capitals as they stand."""


class Statement(NamedTuple):
    """One thing that a text says of a gene."""

    gene: str
    """As it is written among the names; as in the text where it is none of them."""
    known: bool
    """Whether it is one of the names."""
    said: Said
    """``"up"``, ``"down"``: other than elsewhere; ``"expressed"``, ``"absent"``; ``"named"``: no more than that."""
    group: str
    """Whose cells it is said of; empty where the text does not tell."""
    than: str
    """The group that these are held against, where it is named."""


def statements(
    texts: Sequence[str], names: Sequence[str], groups: Sequence[str] = (), *, ignore: Iterable[str] = ()
) -> list[list[Statement]]:
    """What texts say of genes, clause by clause (scc2s definition).

    A clause ends with its sentence, before a word such as "whereas", or at an "and" with a gene and a direction on both
    sides. Its genes are those of
    :func:`scc2s.prompts._mentions.mentions`. They take the direction that the clause names: of several, each takes the
    next one after it, or the last one before it where the clause begins with a direction. Words of difference
    (``higher``, ``reduced``) go before words of level (``high``, ``expressed``, ``lacks``). A denied difference
    (``not higher``) is none; a denied level is the other one. The group is the next after the gene, else the last
    before it, that does not stand after ``than`` or the like; a clause without one takes that of the clause before it
    in the sentence.

    Parameters
    ----------
    texts
        What was written.
    names
        Genes of the data set.
    groups
        Names of groups of cells.
    ignore
        Names that are not genes, as for :func:`mentions`; those of the groups are ignored too.

    Returns
    -------
    The statements of each text, each once, in order.

    Examples
    --------
    >>> text = "ISG15 is higher in stim than in ctrl, whereas CD3D falls."
    >>> said = statements([text], ["ISG15", "CD3D"], ["stim", "ctrl"])
    >>> [(one.gene, one.said, one.group, one.than) for one in said[0]]
    [('ISG15', 'up', 'stim', 'ctrl'), ('CD3D', 'down', 'stim', 'ctrl')]
    """
    clauses = [(i, *clause) for i, text in enumerate(texts) for clause in _clauses(text)]
    found = mentions([part for *_, part in clauses], names, ignore=[*groups, *ignore])
    pattern = _groups(groups)
    out: list[dict[Statement, None]] = [{} for _ in texts]
    before: tuple[tuple[int, int], tuple[str, str]] | None = None
    for (i, sentence, whole, part), said in zip(clauses, found, strict=True):
        hits = _named_groups(part, groups, pattern)
        if not hits:  # "A is up and B is down in stim" says both of stim
            offset = max(0, whole.find(part))
            hits = [(place - offset, name, held) for place, name, held in _named_groups(whole, groups, pattern)]
        carried = before[1] if before is not None and before[0] == (i, sentence) else ("", "")
        for gene, known in [*((gene, True) for gene in said.genes), *((word, False) for word in said.unknown)]:
            at = _place(part, gene)
            where = _where(hits, at) if hits else carried
            out[i].setdefault(Statement(gene, known, _direction(part, at), *where))
        before = (i, sentence), (_where(hits, 0) if hits else carried)
    return [list(one) for one in out]


def _clauses(text: str) -> Iterable[tuple[int, str, str]]:
    """Clauses of a text, each with the number of its sentence and what it was parted from at an "and"."""
    for number, sentence in enumerate(_SENTENCE.split(text)):
        for part in _CONTRAST.split(sentence):
            yield from ((number, part, one) for one in _statements_in(part) if one.strip())


def _statements_in(part: str) -> list[str]:
    """A clause parted at "and", where it has a gene and a direction on both sides of it."""
    pieces = _AND.split(part)
    told = _DIRECTION.search(part)
    forwards = told is not None and _begins_with_direction(part, told.start())
    out: list[str] = []
    for piece in pieces if forwards else pieces[::-1]:
        if not out or (_is_whole(out[-1]) and _is_whole(piece)):
            out.append(piece)
        else:
            out[-1] = f"{out[-1]} and {piece}" if forwards else f"{piece} and {out[-1]}"
    return out if forwards else out[::-1]


def _is_whole(piece: str) -> bool:
    return bool(_DIRECTION.search(piece) and _SYMBOL.search(piece))


def _groups(groups: Sequence[str]) -> re.Pattern[str]:
    wanted = []
    for name in sorted(set(groups), key=len, reverse=True):
        written = re.escape(name)
        if len(name) < _SHORT or name.replace(".", "").isdigit():
            stands_alone = name != name.lower() and name not in ("A", "I")
            written = f"(?-i:{written})" if stands_alone else written
            before = "" if stands_alone else _NAMING
        else:
            before = ""
        wanted.append(f"{before}(?P<g{groups.index(name)}>{written})")
    return re.compile(rf"(?<!\w)(?:{'|'.join(wanted) or '(?!)'})(?!\w)", re.IGNORECASE)


def _named_groups(part: str, groups: Sequence[str], pattern: re.Pattern[str]) -> list[tuple[int, str, bool]]:
    """Groups in a clause: place, name, and whether another one is held against it."""
    out = []
    for match in pattern.finditer(part):
        key = next(name for name, value in match.groupdict().items() if value is not None)
        out.append((match.start(key), groups[int(key[1:])], bool(_THAN.search(part[: match.start(key)]))))
    return out


def _where(hits: list[tuple[int, str, bool]], at: int) -> tuple[str, str]:
    """The group that a gene at this place is said of, and the one that it is held against."""
    about, than = ([(place, name) for place, name, held in hits if held is wanted] for wanted in (False, True))
    return _next(about, at) or "", _next(than, at) or ""


def _place(part: str, gene: str) -> int:
    found = re.search(re.escape(gene), part, re.IGNORECASE)
    return found.start() if found else 0


def _next(named: list[tuple[int, T]], at: int) -> T | None:
    """The first that is named after a place, else the last before it."""
    after = [value for place, value in named if place > at]
    return after[0] if after else (named[-1][1] if named else None)


def _direction(part: str, at: int) -> Said:
    """What a clause says of its gene at this place."""
    hits = [(match.start(), _said(part, match)) for match in _DIRECTION.finditer(part)]
    told: list[tuple[int, Said]] = [(place, said) for place, said in hits if said is not None]
    told = [(place, said) for place, said in told if said in ("up", "down")] or told
    earlier = [(place, said) for place, said in told if place < at]
    if earlier and _begins_with_direction(part, told[0][0]):
        return earlier[-1][1]
    return _next(told, at) or "named"


def _begins_with_direction(part: str, place: int) -> bool:
    """Whether no word that looks like a gene stands before the first direction."""
    return not _SYMBOL.search(part[:place])


def _said(part: str, match: re.Match[str]) -> Said | None:
    said: Said = next(key for key in _WORDS if match[key] is not None)
    if not _NOT.search(part[: match.start()]):
        return said
    opposite: dict[Said, Said] = {"expressed": "absent", "absent": "expressed"}
    return opposite.get(said)
