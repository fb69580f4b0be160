"""Gene names as a grammar, for engines elsewhere that hold a model to one: vLLM, SGLang, llama.cpp."""

from __future__ import annotations

from itertools import groupby
from os.path import commonprefix
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_META = frozenset("\\.+*?()[]{}^$|")


def ebnf(names: Sequence[str], least: int, most: int, *, first: Sequence[str] | None = None) -> str:
    r"""Cell sentences of these genes in the EBNF of xgrammar, the engine of vLLM and SGLang.

    A rule for each first letter, and the rest of the names beside each other. xgrammar joins them to a tree itself; the
    whole tree as rules is slower there, and takes gigabytes in versions before 0.2 (``benchmarks/grammar.py``). Nothing
    keeps a gene from coming twice, since no grammar of a reasonable size can.

    Parameters
    ----------
    names
        Words of the genes.
    least, most
        How many a sentence has.
    first
        Those that it may begin with; ``None``: any.

    Returns
    -------
    Rules, ``root`` first. Each word has the space before it that parts it from the prompt or from the word before; the
    sentence ends after the last word, without a space.

    Raises
    ------
    ValueError
        No names, an empty one, one with a space or with half of a surrogate pair, or numbers that are not a range.

    Examples
    --------
    >>> print(ebnf(["CD3D", "CD3E", "CD4", "LYZ"], 2, 2))
    root ::= word{2}
    word ::= " " gene
    gene ::= "C" gene0 | "LYZ"
    gene0 ::= "D3D" | "D3E" | "D4"
    <BLANKLINE>
    >>> print(ebnf(["CD3D", "LYZ"], 2, 5, first=["LYZ"]))
    root ::= opening word{1,4}
    opening ::= " " begin
    begin ::= "LYZ"
    word ::= " " gene
    gene ::= "CD3D" | "LYZ"
    <BLANKLINE>
    """
    return _sentence(names, least, most, first, _by_letter)


def gbnf(names: Sequence[str], least: int, most: int, *, first: Sequence[str] | None = None) -> str:
    r"""The same in the GBNF of llama.cpp, which follows all ways that are open at once.

    So the names are a prefix tree: what begins alike stands once, and few ways are open at any place.

    Examples
    --------
    >>> print(gbnf(["CD3D", "CD3E", "CD4", "LYZ"], 2, 2))
    root ::= word{2}
    word ::= " " gene
    gene ::= "CD" ("3" ("D" | "E") | "4") | "LYZ"
    <BLANKLINE>
    """
    return _sentence(names, least, most, first, _whole_tree)


def regex(names: Sequence[str], least: int, most: int, *, first: Sequence[str] | None = None) -> str:
    r"""The same as a regular expression, in what all engines have: groups, ``|``, ``?``, ``{m,n}``.

    Examples
    --------
    >>> regex(["CD3D", "CD3", "HLA.A"], 1, 5)
    '( (CD3(D)?|HLA\\.A)){1,5}'
    >>> import re
    >>> bool(re.fullmatch(regex(["CD3D", "LYZ"], 2, 2), " LYZ CD3D"))
    True
    """
    word = f"( ({_tree(_checked(names), 0, '', '|', _escaped)}))"
    if first is None:
        return f"{word}{_times(least, most)}"
    opening = f"( ({_tree(_checked(first), 0, '', '|', _escaped)}))"
    if most > 1:
        opening += f"{word}{_times(max(least, 1) - 1, most - 1)}"
    return f"({opening})?" if least == 0 else opening


def _sentence(
    names: Sequence[str], least: int, most: int, first: Sequence[str] | None, rules: Callable[[str, list[str]], str]
) -> str:
    """Rules of a sentence; `rules` makes those of a word."""
    word = f'word ::= " " gene\n{rules("gene", _checked(names))}'
    if first is None:
        return f"root ::= word{_times(least, most)}\n{word}"
    more = "" if most == 1 else f" word{_times(max(least, 1) - 1, most - 1)}"
    root = f"(opening{more})?" if least == 0 else f"opening{more}"
    opening = f'opening ::= " " begin\n{rules("begin", _checked(first))}'
    return f"root ::= {root}\n{opening}{word if more else ''}"


def _by_letter(rule: str, names: list[str]) -> str:
    ways: list[str] = []
    rules: list[str] = []
    for letter, group in groupby(names, key=lambda name: name[0]):
        some = list(group)
        if len(some) == 1:
            ways.append(_quoted(some[0]))
            continue
        rest = [name[1:] for name in some if name != letter]
        ways.append(f"{_quoted(letter)} {rule}{len(rules)}{'?' if len(rest) < len(some) else ''}")
        rules.append(f"{rule}{len(rules)} ::= {' | '.join(map(_quoted, rest))}\n")
    return f"{rule} ::= {' | '.join(ways)}\n{''.join(rules)}"


def _whole_tree(rule: str, names: list[str]) -> str:
    return f"{rule} ::= {_tree(names, 0, ' ', ' | ', _quoted)}\n"


def _checked(names: Sequence[str]) -> list[str]:
    if not names:
        msg = "a grammar needs at least one gene name; pass names=scc2s.sentences.words(names)"
        raise ValueError(msg)
    if wrong := [name for name in names if not name or name.split() != [name]]:
        msg = f"gene name {wrong[0]!r} is empty or holds white space; pass names=scc2s.sentences.words(names)"
        raise ValueError(msg)
    if broken := [name for name in names if not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name)]:
        msg = (
            f"gene name {broken[0]!r} is not text that a server can be sent; leave it out: "
            "sc.pp.c2s_sentences(adata, exclude=[...])"
        )
        raise ValueError(msg)
    return sorted(set(names))


def _times(least: int, most: int) -> str:
    if not 0 <= least <= most or not most:
        msg = f"from {least} to {most} genes is not a range; pass numbers with 0 <= least <= most and most from 1"
        raise ValueError(msg)
    return f"{{{most}}}" if least == most else f"{{{least},{most}}}"


def _tree(names: list[str], at: int, gap: str, bar: str, spell: Callable[[str], str]) -> str:
    """Alternatives among sorted names, which are the same before place `at` and have something after it."""
    parts = []
    for _, group in groupby(names, key=lambda name: name[at]):
        some = list(group)
        end = len(commonprefix([some[0], some[-1]]))
        longer = some[1:] if len(some[0]) == end else some
        part = spell(some[0][at:end])
        if longer:
            below = _tree(longer, end, gap, bar, spell)
            part = f"{part}{gap}({below}){'?' if len(longer) < len(some) else ''}"
        parts.append(part)
    return bar.join(parts)


def _quoted(text: str) -> str:
    """A literal of EBNF. Control characters are written as numbers, all others as they are."""
    inside = "".join(
        f"\\{c}" if c in '"\\' else f"\\x{ord(c):02X}" if ord(c) < 32 or ord(c) == 127 else c for c in text
    )
    return f'"{inside}"'


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in _META else f"\\x{ord(c):02x}" if ord(c) < 32 or ord(c) == 127 else c for c in text)
