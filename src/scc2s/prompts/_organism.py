from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPECIES = {
    9606: ("Homo sapiens", "human", "humans", "hsa", "man", "grch38", "grch37", "hg38", "hg19"),
    10090: ("Mus musculus", "mouse", "mice", "house mouse", "mmu", "grcm39", "grcm38", "mm39", "mm10"),
    10116: ("Rattus norvegicus", "rat", "rats", "norway rat", "brown rat", "rno"),
    7955: ("Danio rerio", "zebrafish", "dre"),
    7227: ("Drosophila melanogaster", "fruit fly", "fruitfly", "fly", "dme"),
    6239: ("Caenorhabditis elegans", "worm", "roundworm", "nematode", "cel"),
    9823: ("Sus scrofa", "pig", "ssc"),
    9913: ("Bos taurus", "cow", "cattle", "bta"),
    9031: ("Gallus gallus", "chicken", "gga"),
    9544: ("Macaca mulatta", "rhesus macaque", "rhesus monkey", "rhesus", "mcc"),
    9541: ("Macaca fascicularis", "crab-eating macaque", "cynomolgus macaque", "cynomolgus monkey", "cynomolgus"),
    9483: ("Callithrix jacchus", "marmoset", "common marmoset", "white-tufted-ear marmoset"),
    9598: ("Pan troglodytes", "chimpanzee", "chimp"),
    9615: ("Canis lupus familiaris", "dog", "canis familiaris"),
    9685: ("Felis catus", "cat"),
    9940: ("Ovis aries", "sheep"),
    9796: ("Equus caballus", "horse"),
    9986: ("Oryctolagus cuniculus", "rabbit"),
    8355: ("Xenopus laevis", "african clawed frog"),
    8364: ("Xenopus tropicalis", "western clawed frog"),
    4932: ("Saccharomyces cerevisiae", "yeast", "baker's yeast", "brewer's yeast"),
    3702: ("Arabidopsis thaliana", "thale cress", "arabidopsis"),
}
"""Taxon, scientific name and common names of NCBI Taxonomy; three letters as KEGG writes them; names of genomes."""

ALIASES = {name.lower(): names[0] for names in _SPECIES.values() for name in names}
"""Names in small letters, and the name that published C2S prompts use."""
_SHORT = {f"{name[0]}{name.split()[-1]}".lower(): name for name, *_ in _SPECIES.values()}
"""As Ensembl and others shorten them, e.g. hsapiens."""

_TAXON = re.compile(
    r"(?:.*/)?(?:(?:ncbi[ _:-]?)?(?:taxon(?:omy)?|tx|tax)?[ :_=-]*(?:id)?[ :_=-]*)?(\d+)", re.IGNORECASE
)
_MISSING = {"", "nan", "none", "<na>", "nat", "na", "n/a", "null"}
_MEND = "pass organism='Homo sapiens', or set adata.uns['organism'] = 'Homo sapiens'"

_RULES = {
    "Homo sapiens": re.compile(r"ENSG\d|(?!ENS[A-Z]+\d{6})[A-Z][A-Z0-9]*[A-Z0-9.\-]*$|C\d+orf"),
    "Mus musculus": re.compile(r"ENSMUSG\d|[A-Z][a-z0-9\-]*[a-z][a-z0-9.\-]*$|mt-[A-Z][a-z]"),
}


def organism_name(value: Any) -> str:
    """One name for an organism, however data sets and tools write it.

    Common names, scientific names with ``_``, ``.`` or in other capitals, ``hsapiens``, ``H. sapiens`` and numbers of
    NCBI Taxonomy (``"NCBITaxon:9606"``, ``9606``) become the scientific name. A name that is not known is taken as it
    stands, with blanks for ``_`` in a name of two words. Texts in bytes, and arrays and lists that hold one name, are
    opened.

    Parameters
    ----------
    value
        Text, or what holds one.

    Returns
    -------
    The name as prompts write it.

    Raises
    ------
    TypeError
        If there is no text and no taxon in it.
    ValueError
        If it is empty, names several organisms, or is a taxon that is not known here.

    Examples
    --------
    >>> organism_name("NCBITaxon:9606"), organism_name("mus_musculus"), organism_name(np.array(["D. rerio"]))
    ('Homo sapiens', 'Mus musculus', 'Danio rerio')
    """
    if isinstance(value, bytes | bytearray | np.bytes_):
        value = bytes(value).decode("utf-8", "replace")
    if isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_):
        value = str(int(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = str(int(value))
    if not isinstance(value, str):
        return _only(value)
    text = str(value).strip()
    if text.lower() in _MISSING or not text.isprintable():
        msg = f"organism={value!r} does not name an organism; {_MEND}"
        raise ValueError(msg)
    if taxon := _TAXON.fullmatch(text):
        return _of_taxon(int(taxon[1]), value)
    return _known(text) or _as_it_stands(text)


def _of_taxon(taxon: int, value: str) -> str:
    if taxon not in _SPECIES:
        msg = f"organism={value!r} is not a taxon that scc2s knows by number; {_MEND}, with its scientific name"
        raise ValueError(msg)
    return _SPECIES[taxon][0]


def _only(value: Any) -> str:
    """The name in a container of one, or of several that are the same."""
    if isinstance(value, list | tuple | set | frozenset) or (hasattr(value, "tolist") and not np.isscalar(value)):
        inner = value.tolist() if hasattr(value, "tolist") else list(value)
        names = sorted({organism_name(one) for one in (inner if isinstance(inner, list) else [inner])})
        if len(names) == 1:
            return names[0]
        msg = (
            f"organism={value!r} names {len(names)} organisms; pass organism= one of them, or set "
            "adata.obs['organism'] cell by cell"
        )
        raise ValueError(msg)
    msg = f"organism={value!r} is of type {type(value).__name__} and does not name an organism; {_MEND}"
    raise TypeError(msg)


def _known(text: str) -> str | None:
    plain = " ".join(re.sub(r"[_.+\s]+", " ", text.lower()).split())
    found = ALIASES.get(plain) or _SHORT.get(plain.replace(" ", "")) or _SHORT.get(plain)
    if found is None and (parts := re.fullmatch(r"(.+?) ?[(\[](.+)[)\]]", plain)):
        found = ALIASES.get(parts[1]) or ALIASES.get(parts[2])
    return found


def _as_it_stands(text: str) -> str:
    if re.fullmatch(r"[A-Za-z]+_[a-z]+(_[a-z]+)?", text):
        text = text.replace("_", " ")
        return text[0].upper() + text[1:]
    return text


def guess_organism(names: Iterable[str]) -> str | None:
    """Organism by how its gene symbols are written: ``CD3E`` in human, ``Cd3e`` in mouse (scc2s definition).

    Parameters
    ----------
    names
        Gene symbols, or Ensembl ids.

    Returns
    -------
    ``"Homo sapiens"`` or ``"Mus musculus"``, whichever more than half of the names look like; else ``None``.

    Examples
    --------
    >>> guess_organism(["Cd3e", "Lyz2", "mt-Nd1", "0610005C13Rik"])
    'Mus musculus'
    """
    names = [str(n) for n in names]
    for organism, rule in _RULES.items():
        if 2 * sum(rule.match(n) is not None for n in names) > len(names):
            return organism
    return None
