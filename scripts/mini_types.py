"""Cell types that scc2s-mini is taught: one hierarchy, and the wordings of each type.

Names and synonyms are those of common use and of the Cell Ontology (CL, release 2026-03).
"""

from __future__ import annotations

from dataclasses import dataclass

NONE = "none of these"


@dataclass(frozen=True)
class Type:
    """A cell type: its parent, and other wordings; the plural of each follows by itself."""

    parent: str | None
    wordings: tuple[str, ...] = ()


TYPES: dict[str, Type] = {
    "immune cell": Type(None, ("leukocyte", "white blood cell", "immune")),
    "lymphocyte": Type("immune cell", ("lymphoid cell", "lymphoid")),
    "T cell": Type("lymphocyte", ("T lymphocyte", "T-cell", "T", "mature T cell")),
    "CD4 T cell": Type("T cell", (
        "CD4+ T cell", "CD4-positive, alpha-beta T cell", "helper T cell", "CD4+ T", "CD4 T", "T CD4", "CD4 T lymphocyte",
    )),
    "naive CD4 T cell": Type("CD4 T cell", (
        "naive thymus-derived CD4-positive, alpha-beta T cell", "Naive CD4 T", "CD4 naive", "T CD4 naive", "CD4+ naive T cell",
        "CD4+ naive T", "naive CD4+ T cell", "CD4+/CD45RA+/CD25- Naive T", "naive helper T cell",
    )),
    "memory CD4 T cell": Type("CD4 T cell", (
        "CD4-positive, alpha-beta memory T cell", "Memory CD4 T", "CD4 memory", "T CD4 memory", "CD4+ memory T cell",
        "memory CD4+ T cell", "CD4+/CD45RO+ Memory", "memory helper T cell",
    )),
    "regulatory T cell": Type("CD4 T cell", (
        "Treg", "T reg", "regulatory T", "CD4+/CD25 T Reg", "T regulatory cell", "CD4-positive, CD25-positive, alpha-beta regulatory T cell",
    )),
    "CD8 T cell": Type("T cell", (
        "CD8+ T cell", "CD8-positive, alpha-beta T cell", "CD8+ T", "CD8 T", "T CD8", "CD8 T lymphocyte", "killer T cell",
    )),
    "naive CD8 T cell": Type("CD8 T cell", (
        "naive thymus-derived CD8-positive, alpha-beta T cell", "Naive CD8 T", "CD8 naive", "T CD8 naive", "CD8+ naive T cell",
        "naive CD8+ T cell", "CD8+/CD45RA+ Naive Cytotoxic", "naive cytotoxic T cell",
    )),
    "cytotoxic CD8 T cell": Type("CD8 T cell", (
        "cytotoxic T cell", "CD8+ Cytotoxic T", "effector CD8 T cell", "CD8 effector", "CTL", "memory CD8 T cell", "T CD8 memory",
        "CD8+ effector memory T cell", "effector memory CD8-positive, alpha-beta T cell",
    )),
    "gamma-delta T cell": Type("T cell", ("gdT", "gamma delta T cell", "gd T cell")),
    "MAIT cell": Type("T cell", ("mucosal invariant T cell", "MAIT")),
    "NK cell": Type("lymphocyte", (
        "natural killer cell", "NK", "CD56+ NK", "mature natural killer cell", "natural killer", "natural killer lymphocyte",
    )),
    "innate lymphoid cell": Type("lymphocyte", ("ILC",)),
    "B cell": Type("lymphocyte", ("B lymphocyte", "B-cell", "B", "CD19+ B", "mature B cell", "CD19+ B cell", "CD20+ B cell")),
    "naive B cell": Type("B cell", ("B naive", "Naive B")),
    "memory B cell": Type("B cell", ("B memory", "Memory B")),
    "plasma cell": Type("immune cell", (
        "plasmablast", "plasma", "antibody-secreting cell", "antibody secreting cell", "plasma B cell", "Plasmablasts",
    )),
    "myeloid cell": Type("immune cell", ("myeloid", "myeloid leukocyte")),
    "monocyte": Type("myeloid cell", ("Mono", "mono", "blood monocyte", "monocytic cell")),
    "CD14+ monocyte": Type("monocyte", (
        "classical monocyte", "CD14 monocyte", "CD14+ Mono", "CD14 Mono", "CD14-positive monocyte", "CD14+ Monocytes",
    )),
    "FCGR3A+ monocyte": Type("monocyte", (
        "CD16+ monocyte", "non-classical monocyte", "FCGR3A+ Mono", "CD16 Mono", "CD16+ Mono", "nonclassical monocyte", "FCGR3A monocyte",
    )),
    "macrophage": Type("myeloid cell", ("Mac", "tissue macrophage", "Mph")),
    "dendritic cell": Type("immune cell", ("DC", "Dendritic", "dendritic")),
    "myeloid dendritic cell": Type("dendritic cell", ("conventional dendritic cell", "cDC", "mDC", "myeloid DC", "classical dendritic cell")),
    "plasmacytoid dendritic cell": Type("dendritic cell", ("pDC", "plasmacytoid DC")),
    "neutrophil": Type("immune cell", ("neutrophilic granulocyte", "PMN")),
    "basophil": Type("immune cell", ("basophilic granulocyte",)),
    "eosinophil": Type("immune cell", ("eosinophilic granulocyte",)),
    "megakaryocyte": Type(None, ("platelet", "Mk", "thrombocyte", "platelets and megakaryocytes", "Mega")),
    "erythrocyte": Type(None, ("red blood cell", "RBC", "erythroid cell", "erythroblast", "Ery")),
    "CD34+ progenitor": Type(None, (
        "hematopoietic stem cell", "HSC", "HSPC", "CD34+", "CD34+ cell", "hematopoietic progenitor", "hematopoietic precursor cell",
        "progenitor", "CD34-positive progenitor", "hematopoietic stem and progenitor cell",
    )),
    "stromal cell": Type(None, ("stroma", "mesenchymal cell")),
    "fibroblast": Type("stromal cell", ("Fib", "CAF", "cancer-associated fibroblast", "CAFs")),
    "smooth muscle cell": Type("stromal cell", ("SMC", "vascular smooth muscle cell")),
    "endothelial cell": Type(None, ("endothelial", "Endo", "Vascular", "vascular endothelial cell", "EC")),
    "epithelial cell": Type(None, ("epithelial", "Epi", "epithelium", "tumor cell", "cancer epithelial cell", "malignant epithelial cell", "carcinoma cell")),
}  # fmt: skip

UNSEEN = ("mast cell", "pericyte")
"""Types that are never trained on: they measure how well the model says that it does not know one."""


def ancestors(name: str) -> list[str]:
    """Parents of a type up to the root, nearest first."""
    out = []
    while (parent := TYPES[name].parent) is not None:
        out.append(parent)
        name = parent
    return out


def descendants(name: str) -> set[str]:
    """All types below one."""
    return {other for other in TYPES if name in ancestors(other)}


def plural(wording: str) -> str:
    """The plural of a wording, where it has one of its own."""
    if wording.endswith(
        (
            "cell",
            "cyte",
            "blast",
            "phage",
            "phil",
            "cytes",
            "platelet",
            "killer",
            "progenitor",
            "fibroblast",
            "NK",
            "Treg",
            "DC",
        )
    ):
        return wording if wording.endswith("s") else wording + "s"
    return wording


def wordings(name: str) -> list[str]:
    """All wordings of a type: its name, synonyms, and their plurals."""
    base = [name, *TYPES[name].wordings]
    return list(dict.fromkeys([*base, *(plural(w) for w in base)]))


ALSO: dict[str, tuple[str, ...]] = {
    "CD4 T cell": ("T helper cell", "Th cell", "T helper", "CD4 lymphocyte", "CD4+ lymphocyte", "CD4+ helper T cell", "T4 cell"),
    "naive CD4 T cell": ("CD4 Tn", "naive T helper cell", "CD4 TN", "resting CD4 T cell"),
    "memory CD4 T cell": (
        "CD4 TCM", "CD4 TEM", "CD4 Tcm", "CD4 Tem", "memory T helper cell", "central memory CD4 T cell", "effector memory CD4 T cell",
        "CD4 Tm", "activated CD4 T cell",
    ),
    "regulatory T cell": ("Tregs", "CD4 Treg", "regulatory CD4 T cell", "Treg cell", "regulatory CD4+ T cell", "FOXP3+ regulatory T cell"),
    "CD8 T cell": ("CD8 lymphocyte", "CD8+ lymphocyte", "T8 cell"),
    "naive CD8 T cell": ("CD8 Tn", "CD8 TN", "resting CD8 T cell"),
    "cytotoxic CD8 T cell": (
        "CD8 TEM", "CD8 TCM", "CD8 Tem", "CD8 Tcm", "CD8 CTL", "central memory CD8 T cell", "effector memory CD8 T cell",
        "memory CD8+ T cell", "effector CD8+ T cell", "cytotoxic CD8+ T cell", "CD8+ cytotoxic T cell", "CD8 cytotoxic",
    ),
    "gamma-delta T cell": ("γδ T cell", "Tgd", "γδT"),
    "MAIT cell": ("mucosal-associated invariant T cell",),
    "NK cell": ("CD16+ NK cell", "CD56dim NK cell", "NK lymphocyte", "NK CD56dim"),
    "B cell": ("CD19+ B lymphocyte", "CD20 B cell", "CD19 B cell"),
    "naive B cell": ("B cell naive",),
    "memory B cell": ("B cell memory",),
    "plasma cell": ("plasmacyte",),
    "CD14+ monocyte": ("CD14+ classical monocyte", "classical CD14+ monocyte", "CD14hi monocyte", "CD14+CD16- monocyte"),
    "FCGR3A+ monocyte": ("CD16 monocyte", "CD16+ non-classical monocyte", "CD14lowCD16+ monocyte", "CD16-positive monocyte", "patrolling monocyte"),
    "dendritic cell": ("DCs", "dendritic cells"),
    "myeloid dendritic cell": ("cDC1", "cDC2", "DC1", "DC2", "CD1C+ dendritic cell"),
    "plasmacytoid dendritic cell": ("PDC",),
    "megakaryocyte": ("megakaryoblast", "platelets", "PLT", "megakaryocytes/platelets", "MK"),
    "erythrocyte": ("red cell", "Eryth", "red blood corpuscle", "erythroid"),
    "CD34+ progenitor": ("haematopoietic stem cell", "hematopoietic stem/progenitor cell", "stem cell", "blood stem cell"),
    "endothelial cell": ("endothelium", "vascular endothelium", "endothelia"),
    "epithelial cell": ("epithelia",),
    "smooth muscle cell": ("smooth muscle",),
}  # fmt: skip
"""Wordings that are read as a type, beside those that the model is taught: spellings of annotation tools and textbooks."""
SAME = (("T cell", "T lymphocyte"), ("B cell", "B lymphocyte"), ("helper T", "T helper"))


def readings(name: str) -> list[str]:
    """All that is read as a type: its wordings, further spellings, and both ways to say the same in each."""
    found = [*wordings(name), *ALSO.get(name, ())]
    for one, other in SAME:
        found += [w.replace(a, b) for w in found for a, b in ((one, other), (other, one)) if a in w]
    found = list(dict.fromkeys(found))
    return list(dict.fromkeys([*found, *(plural(w) for w in found)]))
