"""Kinds of words that stand where gene symbols should, and what they are called."""

from __future__ import annotations

from typing import Literal, NamedTuple

Role = Literal["id", "spelling", "copy", "feature", "missing"]


class Kind(NamedTuple):
    """One kind of words that are not gene symbols."""

    role: Role
    """``"id"`` and ``"spelling"`` are genes under another name, ``"copy"`` a symbol with a number after it,
    ``"feature"`` is not a gene, ``"missing"`` is not a name."""
    what: str
    """Plural, for messages: "67% of the gene names are <what>"."""
    detail: str = ""
    """More of it, after the example."""


KINDS = {
    "ensembl": Kind("id", "database ids", "of Ensembl"),
    "transcripts": Kind("id", "database ids", "of Ensembl, for transcripts or proteins"),
    "refseq": Kind("id", "database ids", "of RefSeq"),
    "entrez": Kind("id", "database ids", "of NCBI Gene (Entrez numbers)"),
    "organism_database": Kind("id", "database ids", "of HGNC, MGI or the database of another organism"),
    "uniprot": Kind("id", "database ids", "of UniProt"),
    "probes": Kind("id", "probes of an array or a panel"),
    "transcript_names": Kind("spelling", "names of transcripts"),
    "joined": Kind("spelling", "symbols joined to an id"),
    "genome_prefix": Kind("spelling", "symbols with the name of a genome"),
    "quoted": Kind("spelling", "symbols in quotation marks"),
    "gene_prefix": Kind("spelling", "symbols after a prefix"),
    "dates": Kind("spelling", "dates or numbers that a spreadsheet made of symbols"),
    "r_names": Kind("spelling", "symbols with other punctuation", "(R writes HLA.DRA for HLA-DRA)"),
    "copies": Kind("copy", "numbered copies of a symbol"),
    "spike_ins": Kind("feature", "spike-ins"),
    "antibodies": Kind("feature", "antibodies or hashtags"),
    "guides": Kind("feature", "CRISPR guides"),
    "controls": Kind("feature", "control probes"),
    "peaks": Kind("feature", "regions of a genome (peaks)"),
    "missing": Kind("missing", "missing values written as text"),
}
