"""Kinds of words that stand where gene symbols should: how each is known, and what it is called."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Role = Literal["id", "spelling", "copy", "feature", "missing"]


class Kind(NamedTuple):
    """One kind of words that are not gene symbols."""

    role: Role
    """``"id"`` and ``"spelling"`` are genes under another name, ``"copy"`` a symbol with a number after it,
    ``"feature"`` is not a gene, ``"missing"`` is not a name."""
    what: str
    """Plural, for messages: "67% of the gene names are <what>"."""
    detail: str
    """More of it, after the example."""
    pattern: str = ""
    """Whole word; none where one word alone does not tell."""


_PREFIX = r"(?:(?i:gene|transcript|protein|ensembl(?:_?gene)?(?:_?id)?|ens|gene_?id)[:|_-])?"
_SEP = r"[-_.]"  # Seurat writes "-" for "_", and R "." for both
_ENSEMBL = r"(?i:ENS[A-Z]*)"
_GENE = rf"(?:{_ENSEMBL}(?i:G)|(?i:MGP_[A-Z0-9]+_G))\d{{6,}}"
_VERSION = rf"(?:{_SEP}\d+)*(?:{_SEP}PAR{_SEP}Y)?"
_MONTHS = (
    "jan|feb|fev|fév|mar|mär|mrz|apr|avr|abr|may|mai|mag|jun|juin|giu|jul|juil|lug|aug|aou|aoû|ago|sep|set|oct|okt|ott|"
    "nov|dec|dez|dic|déc|ene"
)
_FULL_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|March|September|October|December"
_GENOMES = (
    r"GRCh3[5-8]|GRCm3[7-9]|GRCz1[0-2]|GRCg\w+|hg(?:18|19|38)|mm(?:8|9|10|39)|rn[4-8]|dm[36]|danRer\d+|ce1[01]|sacCer3|"
    r"BDGP6|WBcel235|Rnor_?[56](?:\.0)?|mRatBN7(?:\.2)?|T2T\w*|CHM13\w*|galGal\d|susScr\d+|canFam\d|bosTau\d+|rheMac\d+|"
    r"panTro\d|Mmul_?\d+|R64(?:-1-1)?|TAIR10|"
    r"(?i:human|mouse|homo_?sapiens|mus_?musculus|hsapiens|mmusculus)|RAT|Hsap|Mmus"
)
_CHROMOSOME = r"(?:X?\d{1,2}[A-Za-z]?|[XYMWZ]|MT|[IVX]+|[23][LR]|(?:GL|KI|JH|KN|KZ|KQ|KV|ML)\d{6}[.v]\d)"
_GENOME = rf"(?:{_GENOMES})(?:[-_.](?i:pre_?mrna|\d{{4}}-[A-Z]|p\d+))?(?:[-_.]+|[:|])"
_MARKS = r"(?i:totalseq|antibody|abseq|isotype)"

KINDS = {
    "ensembl": Kind("id", "database ids", "of Ensembl", rf"{_PREFIX}{_GENE}{_VERSION}"),
    "transcripts": Kind(
        "id", "database ids", "of Ensembl, for transcripts or proteins",
        rf"{_PREFIX}{_ENSEMBL}(?i:[TPER])\d{{6,}}{_VERSION}",
    ),
    "refseq": Kind(
        "id", "database ids", "of RefSeq", r"(?:[A-Za-z]+[:|-])?(?i:[NX][MRPCGTW]|WP|YP|AP)[-_.]\d{6,}(?:[-.]\d+)*"
    ),
    "entrez": Kind(
        "id", "database ids", "of NCBI Gene (Entrez numbers)",
        r"\d+(?:\.0*)?|\d(?:\.\d+)?[eE]\+\d+|(?i:entrez(?:_?(?:gene|id))?|gene_?id|ncbi_?gene(?:id)?|ncbi|geneid)[:_.|-]\d+"
        r"|X\d{3,}(?:\.0)?",
    ),
    "organism_database": Kind(
        "id", "database ids", "of HGNC, MGI or the database of another organism",
        r"(?:[A-Za-z]+:)?WBGene\d+(?:\.\d+)?|(?:[A-Za-z]+:)?FB(?:gn|tr|pp)\d+(?:\.\d+)?"
        r"|(?i:hgnc|mgi|rgd|vgnc|omim|mim|sgd|pombase|xenbase|zfin|wormbase|flybase|tair|dictybase|ecogene|uniprot(?:kb)?"
        r"|locus|kegg|ccds|vega|hsa|mmu|rno|dre|cel|dme|sce|ath):\S+"
        r"|(?i:hgnc|mgi|rgd|vgnc)[-_.]\d+|ZDB[-_.][A-Z]+[-_.]\d{6}[-_.]\d+|XB[-_.]GENE[-_.]\d+|S00000\d{4}|GO:\d+"
        r"|OTT[A-Z]{3}[GTP]\d{11}(?:\.\d+)?|uc\d{3}[a-z]{3}\.\d+|CCDS\d+(?:\.\d+)?|(?:Hs|Mm|Rn|Dr|Dm)\.\d{3,}",
    ),
    "joined": Kind(
        "spelling", "symbols joined to an id", "",
        rf"{_GENE}(?:\.\d+)?[_|:;/,. -]+\S*[A-Za-z]\S*|\S+?[_|:;/,. -]+\(?{_GENE}(?:\.\d+)?\)?\S*"
        rf"|{_ENSEMBL}(?i:T)\d{{6,}}(?:\.\d+)?\|\S*|[A-Za-z?]\S*\|\d{{1,6}}|\?\|\d+|[A-Za-z]\S*\|\d{{8,}}",
    ),
    "probes": Kind(
        "id", "probes of an array or a panel", "",
        r"(?!AFFX)\S*\d\S*[-_.]at|ILMN[-_.]\d+|A[-_.]\d\d[-_.]P\d+|DEPRECATED[-_.]\S*|\S+\|[0-9a-f]{7}|\S*\|\S*\|\S*|cg\d{8}"
        r"|TC\d{6,}\S*|X?\d{6,}[-_.]PM[-_.]\S+|rs\d{4,}|CUST[-_.]\d+[-_.]PI\d+|GI[-_.]\d{5,}\S*|PH[-_.][a-z]+[-_.]\d+"
        r"|ASHG\d\S+|(?i:probe|probeset)[-_.]\d+",
    ),
    "spike_ins": Kind(
        "feature", "spike-ins", "", r"(?:\w+[-_.]+)?ERCC[-_.]\d{5}\S*|SIRV(?:ome)?\d*\S*"
        r"|(?i:\w*?spike[-_.]?ins?)(?:[-_. ]?\S+)?",
    ),
    "peaks": Kind(
        "feature", "regions of a genome (peaks)", "",
        rf"(?:(?i:chr)[\w.]+?[:_.-]\d+[-_.:]+\d+|{_CHROMOSOME}[:_.-]\d+[-_.:]+\d{{3,}})(?:[:_.]?[-+*.])?|[\w.]+:\d+(?:-|\.\.)\d+(?::[-+*.])?"
        r"|(?i:peak|region|tile)s?[-_.]\d+|(?i:\w+_peak)_\d+[a-z]?",
    ),
    "antibodies": Kind(
        "feature", "antibodies or hashtags", "",
        rf"\S+[-_. ]{_MARKS}\S*|{_MARKS}[-_. ]\S+|(?i:\S+[-_.](?:totala|totalb|totalc|adt|pabo|prot|protein|hto))"
        r"|\S+\|pAbO|(?i:adt|hto|anti|prot|protein|antibody|abseq|ab_)[-_:.]+(?=[A-Z])\S+|(?i:hash[-_. ]?tag)s?\S*"
        r"|HTO[-_. ]?[A-Z0-9]{0,3}|CMO3\d\d|(?i:sample[-_. ]?tag)\S+|(?i:(?:mouse|rat|hamster|armenian_hamster)[-_. ])?"
        r"Ig[GMA]\w*[-_. ](?i:control|isotype|ctrl|iso)\S*|\S+[-_.](?i:isotype|isotype[-_.]?(?:control|ctrl))\S*",
    ),
    "guides": Kind(
        "feature", "CRISPR guides", "",
        r"sg[A-Z]\S+|(?i:[sg]grna|grna)[-_.]?\S+|\S+[-_.](?:sg|sgRNA|gRNA)[-_.]?\d+|(?i:non[-_.]?targeting|safe[-_.]?targeting)\S*",
    ),
    "controls": Kind(
        "feature", "control probes", "",
        r"(?:Neg(?:ative)?(?:_?(?:Ctrl|Control|Prb|Probe))\w*|NegControl\w*|SystemControl\w*|FalseCode|Unassigned|UnassignedCodeword"
        r"|DeprecatedCodeword|GenomicControl\w*|(?i:blank)(?:Codeword)?|Negative)[-_. ]?\(?[A-Z]?\)?[-_. ]?\d+\S*"
        r"|(?:NEG|POS|NegProbe)_\S+|(?i:Intergenic_Region)_\d+|AFFX\S+|(?i:blank)[-_. ]\S+|NegProbe\S*",
    ),
    "genome_prefix": Kind(
        "spelling", "symbols after the name of a genome", "",
        rf"{_GENOME}\S*[A-Za-z]\S*",
    ),
    "gene_prefix": Kind(
        "spelling", "symbols after a prefix", "", r"(?i:gene|rna|symbol|gene_?name)[:|-](?=\S*[A-Za-z])\S+"
    ),
    "dates": Kind(
        "spelling", "what a spreadsheet made of symbols (dates, numbers)", "",
        rf"X?\d{{1,2}}[-/. ](?i:{_MONTHS})(?i:[a-zäéû]*)\.?(?:[-/. ]\d{{1,4}})*"
        rf"|(?:{_FULL_MONTHS})[-/. ]\d{{1,4}}(?:[-/. ]\d+)?"
        r"|(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?(?:[ T_]\d\d:\d\d\S*)?|\d\d?[/.]\d\d?[/.](?:\d\d){1,2}(?:[ _]\d\d:\S*)?"
        r"|\d[.,]\d+[eE]\+?\d\d",
    ),
    "r_names": Kind(
        "spelling", "symbols with other punctuation (R writes HLA.DRA for HLA-DRA)", "",
        r"(?:HLA|H2|MT|mt)[._][A-Za-z]\S*|(?:RP|CT[ABCD]|GS|LA|KB|CH|LL|XXbac)\d*[a-z]?[._]\w+[._]\d+|\w+\.(?:AS|IT|OT|DT)\d+"
        r"|X\d[0-9A-Z]+Rik|X7SK\S*|(?:NKX|Nkx)\d\.\d|(?:KRTAP|Krtap)\d+\.\d+",
    ),
    "copies": Kind("copy", "numbered copies of a symbol", ""),
    "missing": Kind("missing", "missing values written as text", ""),
    "uniprot": Kind("id", "database ids", "of UniProt"),
    "transcript_names": Kind("spelling", "names of transcripts", ""),
}  # fmt: skip
"""In the order in which they are tried."""

_GAPS = """
nan none na n/a n.a. null nil <na> missing unknown unnamed - -- --- . ? _ * /
#n/a #na #ref! #name? #value! #div/0! #null! #num!
"""
MISSING = frozenset(_GAPS.split()) | {""}
"""In small letters."""

# What stands for most of a list, and for symbols where it stands alone (P2RY12, TP53-201).
OF_MOST = {
    "uniprot": re.compile(r"(?:[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d(?:[A-Z][A-Z0-9]{2}\d){1,2})(?:-\d+)?(?:_HUMAN|_MOUSE)?"),
    "transcript_names": re.compile(r"[A-Za-z]\S*-[02]\d\d"),
}

ANY_KIND = re.compile("|".join(f"(?P<{name}>{kind.pattern})" for name, kind in KINDS.items() if kind.pattern))
GENOME = re.compile(_GENOME)
"""What stands before a symbol in a reference of two genomes."""
COPY = re.compile(r"(.+)([-._])([1-9]\d{0,3})")
