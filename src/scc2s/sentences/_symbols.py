"""Are these gene symbols? A verdict on a list of words, by how the symbols of many organisms are written."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scc2s.sentences._word_kinds import KINDS
from scc2s.sentences._word_patterns import ANY_KIND, COPY, GENOME, GENOME_END, MISSING, OF_MOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Most symbols of most data sets, in the syntax of RE2, which reads a whole list at once: of one part, of several ...
_ONE_PART = r"^(?:[A-Z](?:\d{0,6}[A-Z])*\d{0,6}|[A-Z][a-z](?:\d{0,6}[a-z])*\d{0,6}|[a-z]{2,8}\d{0,3}[a-z]{0,2})$"
_CLONE = (
    r"^(?:(?:RP|CT[ABCD]|CH|LL|GS|KB|XXbac|ABC)\d*-\d+[A-Z]+\d+\.\d+|[A-Z]{2}\d{6}\.\d+|[A-Z0-9]\d{6}[A-Z]\d\dRik"
    r"|LOC\d{5,9}|C[\dX]\d?orf\d+[A-Z]?)$"  # RP11-34P13.7: no copies are among them
)
_PARTS = (
    r"^(?:[A-Z][A-Z0-9]{1,9}[-.]\d{1,2}|[A-Z][A-Z0-9]{1,9}-(?:AS|IT|OT|DT)\d?"  # NKX2-1, GAS5-AS1
    r"|(?:HLA|MT|H2|mt)-[A-Za-z][A-Za-z0-9]{0,6}|[a-z]{3,4}-\d{1,3}(?:\.\d{1,2})?"  # HLA-DRA, unc-119
    r"|(?:[A-Z]{1,2}\d{1,3}[A-Z]\d{1,2}[A-Z]{0,3}|Z[CK]\d+)\.\d+)$"  # F29D10.1
)
# ... and beginnings of words among them that are looked at one by one.
_UNSURE = (
    r"^(?i:hto|cmo\d|sirv|affx|ccds|pos\d|neg|tc\d|ashg|hash|sample|blank|non?.?targ|safe|s?.?rna|grna|ens|hgnc|mgi|rgd|vgnc"
    r"|peak|region|tile|gene|symbol|probe|spike|adt|anti|prot|chr|human|mouse|x\d|mt[._]|hla[._]|h2[._]|nkx|krtap"
    r"|rp\d*\.|ct[abcd]\.|[xymwziv]+\.|(?:nan?|none|null|nil|missing|unknown|unnamed)(?:[-.]\d+)?$)"
)

# Words of symbols: letters and digits, no run of digits as long as those of accessions ...
_PART = r"(?:[^\W\d_]|\d(?!\d{6}))++"
_STYLES = re.compile(
    rf"(?=.*[^\W\d_])(?:Dmel\\|Dmel_|CELE_)?{_PART}(?:(?:--?|__|[./:@,'+]|\\){_PART})*@?"
    # ... with brackets in fly, yeast and mouse: E(spl)m8-HLH, tA(UGC)A, Gt(ROSA)26Sor
    rf"|(?=.*[^\W\d_]){_PART}(?:[-.,:]?\([^\W_]+\)|[-.,:]?\[[^\W_]+\])(?:[-.,:]?{_PART})*(?:[-:.]{_PART}|\(\w+\))*"
    # ... or longer numbers, where these are names: unnamed genes, clones, zebrafish and Xenopus models, plant loci
    r"|LOC\d+(?:[.-][\w.]+)?|\d{7}[A-Z]\d\dRik\S*|ABC\d+-\d+[A-Z]\d+\.\d+|[A-Z]{1,6}\d{5,9}\.\d+|[A-Za-z]{2,4}:\d{3,10}|(?:Xelaev|Xetrov)\d+m|RGD\d+|\d{6,10}Rik|PGSC\d+DMG\d+|(?:Gm|LINC|FLJ|KIAA|MGC|DKFZ\w)\d+\w*"
    r"|(?:LOC_)?[A-Za-z][A-Za-z.]{0,9}\d{0,3}[A-Za-z]{0,3}\d{0,3}[gG]\d{5,9}(?:[._-]?[A-Za-z]?\d+)*"
    # ... and RNAs and locus tags, which have underscores: Y_RNA, 5S_rRNA, Os01g0100100, PF3D7_0100100
    r"|[\w-]{1,14}_(?:r|t|sn|sno|sca|mi|nc|lnc)?RNA[\w.-]*|Metazoa_SRP|(?:uc|snoZ|snoU|snoR|snoMe|ceN|sR|Afr)_?\d+\w*|U\d+_?\w*"
    r"|(?!(?i:gene|feature|region|transcript|tx|id|var|item|bin|tile|cluster|contig|scaffold|sample|cell|trinity|tcons|xloc|otu|asv)_)"
    r"(?:LOC_)?[A-Za-z][A-Za-z0-9]{1,11}(?:_[A-Za-z]{1,3})?_[A-Za-z]{0,4}\d[A-Za-z0-9]*\d{2,}\w*(?:\.\d+)*|C[1-7R]_\d{5}[WC]_[AB]"
    r"|MGG_\d+|[A-Z]+\d+_FG\d+|[A-Z]+\d+\.\d_FG[TP]?\d+"
)
_BEFORE = re.compile(r"^\w+[:|-]")
_LONGEST = 200
"""Letters of a name, several ids joined included; what is longer is a text."""
_NUMBERED = re.compile(r"(\D*)[-._]\d+")
_FLY = re.compile(r"(?:Dmel\\|Dmel_)?CG\d{3,5}")
_FLY_SYMBOLS = frozenset({"nan", "na", "nil"})
"""Genes of *Drosophila*: nanchung, narrow abdomen, and an unmapped one; elsewhere these words are gaps."""
_SERIAL_DAYS = range(36526, 58500)
"""Days that spreadsheets write for 1 January 2000 to 2060."""


@dataclass(frozen=True)
class Verdict:
    """What the words of a list are."""

    n_words: int
    found: dict[str, list[int]] = field(default_factory=dict)
    """Position of the words of each kind of :data:`~scc2s.sentences._word_kinds.KINDS` that are there, most first."""
    unknown: list[int] = field(default_factory=list)
    """Position of words that look like no symbol, and like no kind that is known."""

    @property
    def n_symbols(self) -> int:
        """Words that look like gene symbols."""
        return self.n_words - len(self.unknown) - sum(map(len, self.found.values()))

    def share(self, *roles: str) -> float:
        """Share of the words whose kind has one of these roles."""
        n = sum(len(at) for kind, at in self.found.items() if KINDS[kind].role in roles)
        return n / max(1, self.n_words)


def judge(names: Iterable[str]) -> Verdict:
    """Tell gene symbols from other words (scc2s definition: by how the symbols of many organisms are written).

    Parameters
    ----------
    names
        Words; a list that was judged a moment ago costs nothing.

    Returns
    -------
    How many are symbols, and which are of another kind.

    Examples
    --------
    >>> judge(["CD3D", "ENSG00000167286.9", "1-Mar", "HLA-DRA", "TBCE", "TBCE-1"]).found
    {'ensembl': [1], 'dates': [2], 'copies': [5]}
    """
    return _judge(tuple(names))


def kind_of(name: str) -> str | None:
    """Kind of one word by itself, ``"unknown"``, or ``None`` for a symbol.

    Examples
    --------
    >>> kind_of("chr1:1000-2000"), kind_of("HLA-DRB1"), kind_of("a gene")
    ('peaks', None, 'unknown')
    """
    name = name.strip()  # as words of sentences are
    if len(name) > _LONGEST:
        return "unknown"
    if is_missing(name):
        return "missing"
    if found := ANY_KIND.fullmatch(name):
        kind = found.lastgroup
        return (_without_prefix(name) or kind) if kind in ("genome_prefix", "gene_prefix") else kind
    return None if _STYLES.fullmatch(name) else "unknown"


def is_missing(name: str) -> bool:
    """Whether a word stands for no name; also those that were numbered to make them unique.

    Examples
    --------
    >>> [is_missing(name) for name in ("nan", "None", "-", "NA.12", "nan-1", "NANOG")]
    [True, True, True, True, True, False]
    """
    if len(name) > 12:
        return False
    word = name.strip().lower()
    return word in MISSING or ((parts := _NUMBERED.fullmatch(word)) is not None and parts[1] in MISSING)


def _without_prefix(name: str) -> str | None:
    """Kind of what stands after a prefix, where that is not a symbol either."""
    rest = GENOME_END.sub("", GENOME.sub("", name, count=1) if GENOME.match(name) else _BEFORE.sub("", name, count=1))
    kind = kind_of(rest) if rest != name else None
    return kind if kind in KINDS and KINDS[kind].role in ("id", "feature") and kind != "peaks" else None


@lru_cache(maxsize=8)  # data that is looked at again has the same names
def _judge(names: tuple[str, ...]) -> Verdict:
    found: dict[str, list[int]] = {}
    unknown: list[int] = []
    odd, numbered = _to_look_at(names)
    for i in odd:
        if (kind := kind_of(names[i])) == "unknown":
            unknown.append(i)
        elif kind is not None:
            found.setdefault(kind, []).append(i)
    if numbered:
        every, other = frozenset(names), {i for at in found.values() for i in at}
        if copies := [i for i in numbered if i not in other and _is_copy(names[i], every)]:
            found["copies"] = copies
            unknown = sorted(set(unknown).difference(copies))
    _settle_fly(names, found)
    _settle_numbers(names, found)
    for kind, rule in OF_MOST.items():
        if not found and _most(rule, names):
            found[kind] = [i for i, name in enumerate(names) if rule.fullmatch(name)]
    return Verdict(len(names), dict(sorted(found.items(), key=lambda item: -len(item[1]))), unknown)


def _to_look_at(names: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """Positions of words that are not common symbols, and of those that end with a number after a mark."""
    try:
        words = pa.array(names, pa.large_string())
    except UnicodeEncodeError:  # a lone surrogate
        return list(range(len(names))), list(range(len(names)))
    rest = np.flatnonzero(~_are(words, _ONE_PART) | (unsure := _are(words, _UNSURE)))
    words, unsure = words.take(pa.array(rest)), unsure[rest]
    clone = _are(words, _CLONE) & ~unsure
    odd = ~clone & (unsure | ~_are(words, _PARTS))
    numbered = ~clone & _are(words, r"[-._]\d{1,4}$")
    return rest[odd].tolist(), rest[numbered].tolist()


def _are(words: pa.Array, rule: str) -> np.ndarray:
    """Which words a rule holds for."""
    held: np.ndarray = pc.match_substring_regex(words, rule).to_numpy(zero_copy_only=False)
    return held


def _is_copy(name: str, every: frozenset[str]) -> bool:
    """Whether a name is another one with a number, as ``var_names_make_unique`` and R count: from 1, without a gap."""
    parts = COPY.fullmatch(name)
    if parts is None or parts[1] not in every:
        return False
    number, counted = int(parts[3]), f"{parts[1]}{parts[2]}"
    return number == 1 or (f"{counted}1" in every and f"{counted}{number - 1}" in every)


def _settle_fly(names: tuple[str, ...], found: dict[str, list[int]]) -> None:
    """Words that are gaps elsewhere are genes where the genes of *Drosophila* stand around them."""
    if "missing" in found and sum(_FLY.fullmatch(n) is not None for n in names) > len(names) / 50:
        times = Counter(names[i] for i in found["missing"])
        if left := [i for i in found["missing"] if names[i] not in _FLY_SYMBOLS or times[names[i]] > 1]:
            found["missing"] = left
        else:
            del found["missing"]


def _settle_numbers(names: tuple[str, ...], found: dict[str, list[int]]) -> None:
    """A few numbers among symbols that are days of our time are dates; many are ids."""
    numbers = found.get("entrez", [])
    if not numbers or 2 * len(numbers) >= len(names):
        return
    days = [i for i in numbers if names[i].split(".")[0].isdigit() and int(names[i].split(".")[0]) in _SERIAL_DAYS]
    if 2 * len(days) > len(numbers):
        found["dates"] = sorted(found.get("dates", []) + days)
        if rest := sorted(set(numbers) - set(days)):
            found["entrez"] = rest
        else:
            del found["entrez"]


def _most(rule: re.Pattern[str], names: Sequence[str]) -> bool:
    """Whether a rule holds for most of the names; a few of them are looked at first."""
    some = names[:: max(1, len(names) // 50)]
    return len(names) > 2 and all(
        2 * sum(rule.fullmatch(n) is not None for n in part) > len(part) for part in (some, names)
    )
