"""Names of perturbations that a model was taught, and those that are near to one."""

from __future__ import annotations

import unicodedata
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, NamedTuple

from scc2s._logging import logger
from scc2s.models._taught import taught
from scc2s.tl._predicting.perturbations import JOINT, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NEAR = 0.85
"""Least ratio of matching letters (difflib) of two names that a slip of the pen may part."""
_SHORT = 5
"""Names with fewer letters and digits than this have to be the same: one letter makes another cytokine of them."""
_SHOWN = 5
_NEGATIONS = frozenset((
    "no", "not", "non", "none", "without", "anti", "minus", "lacking", "lack", "absence", "absent", "free",
    "blocked", "blockade", "blocker", "blocking", "inhibitor", "inhibitors", "inhibition", "inhibited",
    "antagonist", "antagonists", "neutralizing", "neutralising", "neutralized", "neutralised", "neutralization",
    "antibody", "antibodies", "mab", "ko", "knockout", "knockdown", "kd", "sirna", "shrna", "sgrna", "crispr",
    "crispri", "deficient", "deficiency", "null", "depleted", "depletion", "removal", "removed", "withdrawal",
    "washout", "receptor", "resistant",
))  # fmt: skip
"""Words with which a name says that the perturbation is not there, or another one."""
_BENIGN = frozenset((
    "recombinant", "human", "mouse", "murine", "rh", "rhu", "rm", "treated", "treatment", "stimulated",
    "stimulation", "stim", "exposed", "exposure", "addition", "added", "with", "the", "of",
))  # fmt: skip
"""Words that leave a perturbation what it is."""


class Told(NamedTuple):
    """What a model is told about a name."""

    name: str
    """What the user wrote, or, where that is a known spelling, the name that the model was taught."""
    known: bool
    near: str | None
    """Where it is not known: a name that the model was taught and that this may stand for."""


def told(name: str, taught: Mapping[str, Iterable[str]]) -> Told:
    """What a model is told: a combination by its parts, each known spelling by the name that it was taught.

    Examples
    --------
    >>> taught = {"IFN-beta": ["interferon beta", "IFNB1"]}
    >>> [tuple(told(name, taught)) for name in ("IFN-beta", "IFNB1", "ifn beta", "no IFN-beta")]
    [('IFN-beta', True, None), ('IFN-beta', True, None), ('ifn beta', False, 'IFN-beta'), ('no IFN-beta', False, None)]
    """
    whole = _one(name, taught)
    parts = name.split(JOINT)
    if whole.known or len(parts) == 1:
        return whole
    found = [_one(part, taught) for part in parts]
    offered = [one.near or (one.name if one.known else None) for one in found]
    near = name_of([part for part in offered if part]) if all(offered) else None
    joined = name_of([one.name for one in found]) or name
    known = all(one.known for one in found)
    return Told(joined, known, None if known else near)


def _one(name: str, taught: Mapping[str, Iterable[str]]) -> Told:
    for canonical, spellings in taught.items():
        if name == canonical or name in set(spellings):
            return Told(canonical, True, None)
    return Told(name, False, near(name, taught))


def near(name: str, taught: Mapping[str, Iterable[str]]) -> str | None:
    """The taught name that another one may stand for: the same letters but for case, hyphens, blanks and Greek ones.

    Words such as "recombinant" do not count; a slip of the pen does not, in names of five letters or more, as long as
    digits and the first letter are the same. A name that takes the perturbation back ("no IFN-beta") is near to none.

    Examples
    --------
    >>> taught = {"IFN-beta": ["interferon beta"]}
    >>> [near(name, taught) for name in ("IFN-β", "recombinant human IFN beta", "interferon betta", "anti-IFN-beta")]
    ['IFN-beta', 'IFN-beta', 'IFN-beta', None]
    """
    words = _words(name.partition(",")[0])
    if not words or _NEGATIONS & set(words):
        return None
    key = "".join(word for word in words if word not in _BENIGN)
    best, most = None, 0.0
    for canonical, spellings in taught.items():
        for spelling in (canonical, *spellings):
            known = "".join(_words(spelling))
            alike = 1.0 if key == known else _alike(key, known)
            if alike > most:
                best, most = canonical, alike
    return best if most >= NEAR else None


def _alike(key: str, known: str) -> float:
    """Share of matching letters; 0 for names that a slip of the pen does not part."""
    short = min(len(key), len(known)) < _SHORT
    if short or key[0] != known[0] or _digits(key) != _digits(known):
        return 0.0
    return SequenceMatcher(None, key, known, autojunk=False).ratio()


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _words(name: str) -> list[str]:
    """Words in small letters, Greek letters by their names."""
    spelt = []
    for character in unicodedata.normalize("NFKC", name):
        said = unicodedata.name(character, "")
        greek = said.startswith(("GREEK SMALL LETTER ", "GREEK CAPITAL LETTER "))
        spelt.append(said.split()[3].lower() if greek else character.casefold() if character.isalnum() else " ")
    return "".join(spelt).split()


def taught_names(model: Any) -> list[str]:
    """All names that a model says it was taught, in every spelling."""
    said = taught(model).perturbations or {}
    return [name for canonical, spellings in said.items() for name in (canonical, *spellings)]


def refuse_twice(asked: Mapping[str, str]) -> None:
    """Raise where two names are put to the model as one.

    Raises
    ------
    ValueError
        Two spellings of one perturbation.
    """
    first: dict[str, str] = {}
    for name, said in asked.items():
        if said in first:
            msg = f"{first[said]!r} and {name!r} are both put to the model as {said!r}; pass one of them"
            raise ValueError(msg)
        first[said] = name


def tell(model: Any, names: Iterable[str], *, control_name: str) -> dict[str, str]:
    """What the model is told for each name; names that it was not taught are logged in one line, before it is asked.

    Parameters
    ----------
    model
        It may declare perturbations; else names are told as they are.
    names
        As the user wrote them.
    control_name
        What it is told where there is no perturbation.
    """
    each = list(dict.fromkeys(names))
    declared = taught(model).perturbations
    if declared is None:
        logger.info("%s does not say which perturbations it was taught", model.id)
        return {name: name for name in each}
    found = {name: told(name, declared) for name in each}
    unknown = {name: one for name, one in found.items() if not one.known and name != control_name}
    if unknown:
        said = [f"{name!r}" + (f" (it was taught {one.near!r})" if one.near else "") for name, one in unknown.items()]
        more = f", and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        offered = [one.near for one in unknown.values() if one.near]
        mend = f"write {offered[0]!r}" if offered else f"it was taught {', '.join(map(repr, declared)) or 'none'}"
        logger.warning(
            "%s was not taught %s%s: what it says of a name that it never read is a guess by the letters; %s",
            model.id,
            ", ".join(said[:_SHOWN]),
            more,
            mend,
        )
    if together := [name for name in each if JOINT in found[name].name and found[name].known and name not in declared]:
        logger.warning("%s was taught the parts of %r alone, not together", model.id, together[0])
    return {name: one.name for name, one in found.items()}
