"""Captions of a teacher: how they are read, and why one is not kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from scc2s.prompts._answers import prose

from ._build_claims import Reader, content, jaccard, stands_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._build_facts import Cluster

_OPENING = re.compile(r"^\s*(?:sure|certainly|of course|here(?:'s| is| are))\b[^\n:]*[:!]\s*", re.IGNORECASE)
_TITLE = re.compile(r"^[\s#*>\-]*(?:caption|answer)[\s*]*:[\s*]*", re.IGNORECASE)
_FIRST_PART = re.compile(r"\n\s*\n")
_END = re.compile(r"""[.!?]["')\]]*(?=\s|$)""")
_MARKS = re.compile(r"\*\*|__|`")

_SHARED = ("tissue", "disease")
_DISEASE = re.compile(
    r"(?<!\w)(?:\w*(?:carcinoma|sarcoma|lymphoma|leuka?emia|melanoma|glioma|myeloma|blastoma)s?|cancers?|tumou?rs?|"
    r"infect(?:ions?|ed)|virus(?:es)?|HIV|AIDS|COVID|SARS|diabetes|lupus|arthritis|sclerosis|fibrosis|asthma|sepsis|"
    r"malaria|tuberculosis|dementia)(?!\w)",
    re.IGNORECASE,
)
"""Common words for diseases; the tables know no others."""


class Verdict(NamedTuple):
    """Why a text is not kept; empty where it is."""

    reason: str = ""
    detail: str = ""

    @property
    def words(self) -> str:
        """For the teacher."""
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def read_caption(reply: str) -> str:
    r"""The caption in a reply: its first paragraph, without opening, title, marks of Markdown and quotes, up to the
    last whole sentence.

    Examples
    --------
    >>> read_caption('Sure! Here is one:\n\n**Caption:** "B cells with CD79A. They are from bl')
    'B cells with CD79A.'
    """  # noqa: D205
    text = _OPENING.sub("", _OPENING.sub("", _MARKS.sub("", reply)))
    text = prose(_FIRST_PART.split(_TITLE.sub("", text).strip())[0])
    ends = [match.end() for match in _END.finditer(text)]
    text = text[: ends[-1]] if ends else ""
    return text.strip("\"'“” ")


class CaptionJudge:
    """Holds captions against the facts of their clusters.

    Parameters
    ----------
    clusters
        All of them: a caption must not name the tissue or disease of another one.
    gene_names
        Genes of the data.
    max_alike
        Jaccard index of the words from which on two captions of a cluster are one.
    """

    def __init__(self, clusters: Sequence[Cluster], gene_names: Iterable[str], max_alike: float) -> None:
        names = dict.fromkeys(gene_names)
        for one in clusters:
            names |= dict.fromkeys(gene.strip() for gene in one.fact("genes").split(",") if gene.strip())
        self._reader = Reader([one.fact("cell_type") for one in clusters if one.fact("cell_type")], list(names))
        self._values: Mapping[str, list[str]] = {
            name: sorted({one.fact(name) for one in clusters} - {""}) for name in _SHARED
        }
        self._max_alike = max_alike

    def __call__(self, caption: str, cluster: Cluster, others: Sequence[str]) -> Verdict:
        """Why a caption of a cluster, which has these `others` already, is not kept."""
        if not caption:
            return Verdict("no whole sentence")
        for check in (self._genes, self._types, self._organisms, self._elsewhere, self._empty):
            if (found := check(caption, cluster)).reason:
                return found
        words = content(caption)
        if same := [one for one in others if jaccard(words, content(one)) >= self._max_alike]:
            return Verdict("repeats another caption", same[0])
        return Verdict()

    def _genes(self, caption: str, cluster: Cluster) -> Verdict:
        ignore = [cluster.fact(name) for name in ("cell_type", "tissue", "organism", "disease")]
        named = self._reader.genes(caption, ignore=filter(None, ignore))
        wrong = [gene for gene in named if not stands_in(gene, cluster.evidence)]
        return Verdict("gene not in the facts", ", ".join(wrong)) if wrong else Verdict()

    def _types(self, caption: str, cluster: Cluster) -> Verdict:
        own = self._reader.types_of_label(cluster.fact("cell_type"))
        about = self._reader.about(caption)
        if about is not None and own and not self._reader.related(about, own):
            return Verdict("another cell type", about)
        told = {*own, *self._reader.types(cluster.evidence)}
        wrong = [one for one in self._reader.types(caption) if not self._reader.related(one, told)]
        return Verdict("cell type not in the facts", ", ".join(dict.fromkeys(wrong))) if wrong else Verdict()

    def _organisms(self, caption: str, cluster: Cluster) -> Verdict:
        told = {cluster.fact("organism"), *self._reader.organisms(cluster.evidence).values()}
        wrong = [word for word, name in self._reader.organisms(caption).items() if name not in told]
        return Verdict("organism not in the facts", ", ".join(wrong)) if wrong else Verdict()

    def _elsewhere(self, caption: str, cluster: Cluster) -> Verdict:
        for name, values in self._values.items():
            for value in values:
                if stands_in(value, caption) and not stands_in(value, cluster.evidence):
                    return Verdict(f"{name} of another cluster", value)
        wrong = [word for word in _DISEASE.findall(caption) if not stands_in(word, cluster.evidence)]
        return Verdict("disease not in the facts", ", ".join(dict.fromkeys(wrong))) if wrong else Verdict()

    def _empty(self, caption: str, cluster: Cluster) -> Verdict:
        """Whether it names neither the type nor a gene of the cluster."""
        label = cluster.fact("cell_type")
        about = self._reader.about(caption)
        own = self._reader.types_of_label(label)
        says_type = bool(label) and (
            stands_in(label, caption) or (about is not None and self._reader.related(about, own))
        )
        genes = [gene.strip() for gene in cluster.fact("genes").split(",")]
        if says_type or any(stands_in(gene, caption) for gene in genes if gene):
            return Verdict()
        return Verdict("names neither the type nor a gene")
