"""How words that are not gene symbols are written: ids, peaks, probes, antibodies, dates (each by its source)."""

from __future__ import annotations

import re

_SEP = r"[-_.]"  # Seurat writes "-" for "_", and R "." for both
_PREFIX = r"(?:(?i:gene|transcript|protein|ensembl(?:_?gene)?(?:_?id)?|ens|gene_?id)[:|_-])?"
_ENSEMBL = r"(?i:ENS[A-Z]*)"
_GENE = rf"(?:{_ENSEMBL}(?i:G)|(?i:MGP_[A-Z0-9]+_G))\d{{6,}}"
_VERSION = rf"(?:{_SEP}\d+)*(?:{_SEP}PAR{_SEP}Y)?"
_MONTH = (
    "jan|feb|fev|fév|mar|mär|mrz|apr|avr|abr|may|mai|mag|jun|juin|giu|jul|juil|lug|aug|aou|aoû|ago|sep|set|oct|okt|ott|"
    "nov|dec|dez|dic|déc|ene"
)
_TITLE_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|March|September|October|December"
_GENOME_NAMES = (
    r"(?i:GRCh3[5-8]|GRCm3[7-9]|GRCz1[0-2]|GRCg\w+|hg(?:18|19|38)|mm(?:8|9|10|39)|rn[4-8]|dm[36]|danRer\d+|ce1[01]|sacCer3|"
    r"BDGP6|WBcel235|Rnor_?[56](?:\.0)?|mRatBN7(?:\.2)?|T2T\w*|CHM13\w*|galGal\d|susScr\d+|canFam\d|bosTau\d+|rheMac\d+|"
    r"panTro\d|Mmul_?\d+|R64(?:-1-1)?|TAIR10|human|mouse|homo_?sapiens|mus_?musculus|hsapiens|mmusculus|Hsap|Mmus)|RAT"
)
_GENOME = rf"(?!RN5-8S)(?:{_GENOME_NAMES})(?:[-_.](?i:pre_?mrna|\d{{4}}-[A-Z]|p\d+))?(?:[-_.]+|[:|])"
_GENOME_END = r"[-_.](?i:GRCh3[78]|GRCm3[89]|hg19|hg38|mm10|mm39|human|mouse)"
_CHROMOSOME = r"(?:X?\d{1,2}[A-Za-z]?|[XYMWZ]|MT|[IVX]+|[23][LR]|(?:GL|KI|JH|KN|KZ|KQ|KV|ML)\d{6}[.v]\d)"
_STRAND = r"(?:[:_.]?[-+*.])?"
_MARK = r"(?i:totalseq|antibody|abseq|isotype)"

PATTERNS: dict[str, tuple[str, ...]] = {
    "ensembl": (rf"{_PREFIX}{_GENE}{_VERSION}",),
    "transcripts": (rf"{_PREFIX}{_ENSEMBL}(?i:[TPER])\d{{6,}}{_VERSION}",),
    "refseq": (r"(?:[A-Za-z]+[:|-])?(?i:[NX][MRPCGTW]|WP|YP|AP)[-_.]\d{6,}(?:[-.]\d+)*",),
    "entrez": (
        r"\d+(?:\.0*)?",
        r"\d(?:\.\d+)?[eE]\+0?\d",
        r"(?i:entrez(?:_?(?:gene|id))?|gene_?id|ncbi(?:_?gene)?(?:id)?)[:_.|-]\d+",
        r"X\d{3,}(?:\.0)?",  # R's way with numbers
    ),
    "organism_database": (
        r"(?:[A-Za-z]+:)?(?:WBGene|FB(?:gn|tr|pp))\d+(?:\.\d+)?",
        r"(?i:hgnc|mgi|rgd|vgnc|omim|mim|sgd|pombase|xenbase|zfin|wormbase|flybase|tair|dictybase|ecogene|uniprot(?:kb)?):\S+",
        r"(?i:locus|kegg|ccds|vega|hsa|mmu|rno|dre|cel|dme|sce|ath):\S+",
        r"(?i:hgnc|mgi|rgd|vgnc)[-_.]\d+",
        r"ZDB[-_.][A-Z]+[-_.]\d{6}[-_.]\d+",
        r"XB[-_.]GENE[-_.]\d+",
        r"S00000\d{4}",
        r"GO:\d+",
        r"OTT[A-Z]{3}[GTP]\d{11}(?:\.\d+)?",
        r"uc\d{3}[a-z]{3}\.\d+",
        r"CCDS\d+(?:\.\d+)?",
        r"(?:Hs|Mm|Rn|Dr|Dm)\.\d{3,}",
    ),
    "quoted": (r"b?'[^']+'", r'b?"[^"]+"'),
    "genome_prefix": (rf"{_GENOME}\S*[A-Za-z]\S*", rf"\S*[A-Za-z]\S*{_GENOME_END}"),
    "spike_ins": (
        r"(?:\w+[-_.]+)?(?i:ERCC)[-_.]\d{5}\S*",
        r"SIRV(?:ome)?\d*\S*",
        r"(?i:\w*?spike[-_.]?ins?|RNA[-_.]SPIKE)(?:[-_. ]?\S+)?",
    ),
    "antibodies": (
        rf"\S+[-_. ]{_MARK}\S*",
        rf"{_MARK}[-_. ]\S+",
        r"(?i:\S+[-_.](?:totala|totalb|totalc|adt|pabo|prot|protein|hto))",
        r"\S+\|pAbO",
        r"(?i:adt|hto|anti|prot|protein|antibody|abseq|ab_)[-_:.]+(?=[A-Z])\S+",
        r"(?i:anti)[-_. ](?i:(?:human|mouse|rat)(?:[/_-](?:human|mouse|rat))*)[-_. ].+",
        r"(?i:hash[-_. ]?tag)s?\S*",
        r"HTO[-_. ]?[A-Z0-9]{0,3}",
        r"CMO3\d\d",
        r"(?i:sample[-_. ]?tag)\S+",
        r"(?i:(?:mouse|rat|hamster|armenian_hamster)[-_. ])?Ig[GMA]\w*[-_. ](?i:control|isotype|ctrl|iso)\S*",
    ),
    "guides": (
        r"sg[A-Z]\S+",
        r"(?i:[sg]grna|grna)[-_.]?\S+",
        r"\S+[-_.](?:sg|sgRNA|gRNA)[-_.]?\d+",
        r"(?i:non[-_.]?targeting|safe[-_.]?targeting)\S*",
    ),
    "controls": (
        r"Neg(?:ative)?(?:_?(?:Ctrl|Control|Prb|Probe))\w*[-_. ]?\S*\d+\S*",
        r"(?:SystemControl|FalseCode|Unassigned(?:Codeword)?|DeprecatedCodeword|GenomicControl)\w*[-_. ]?\d+\S*",
        r"(?:(?i:blank)(?:Codeword)?|Negative)[-_. ]?\(?[A-Z]?\)?[-_. ]?\d+\S*",
        r"(?i:blank)[-_. ]\S+",
        r"(?:NEG|POS)_\S+",
        r"NegProbe\S*",
        r"(?i:intergenic_region)_\d+",
        r"AFFX\S+",
    ),
    "probes": (
        r"(?!AFFX)\S*\d\S*[-_.]at",
        r"ILMN[-_.]\d+",
        r"A[-_.]\d\d[-_.]P\d+",
        r"DEPRECATED[-_.]\S*",
        r"\S+\|[0-9a-f]{7}",
        r"cg\d{8}",
        r"TC\d{6,}\S*",
        r"X?\d{6,}[-_.]PM[-_.]\S+",
        r"rs\d{4,}",
        r"CUST[-_.]\d+[-_.]PI\d+",
        r"GI[-_.]\d{5,}\S*",
        r"PH[-_.][a-z]+[-_.]\d+",
        r"ASHG\d\S+",
        r"(?i:probe|probeset)[-_.]\d+",
    ),
    "joined": (
        rf"{_GENE}(?:\.\d+)?[_|:;/,. -]+\S*[A-Za-z]\S*",
        rf"\S+?[_|:;/,. -]+{_GENE}(?:\.\d+)?\S*",
        rf"\S+\s*[(\[]{_GENE}(?:\.\d+)?[)\]]",
        rf"{_GENE}(?:\.\d+)?\s*[(\[]\S+[)\]]",
        rf"{_ENSEMBL}(?i:T)\d{{6,}}(?:\.\d+)?\|\S*",
        r"[A-Za-z?]\S*\|\d+",
    ),
    "peaks": (
        rf"(?i:chr)[\w.]+?[:_.-]\d+[-_.:]+\d+{_STRAND}",
        rf"{_CHROMOSOME}[:_.-]\d+[-_.:]+\d{{3,}}{_STRAND}",
        r"[\w.]+:\d+(?:-|\.\.)\d+(?::[-+*.])?",
        r"(?i:peak|region|tile)s?[-_.]\d+",
        r"(?i:\w+_peak)_\d+[a-z]?",
    ),
    "gene_prefix": (r"(?i:gene|rna|symbol|gene_?name)[:|-](?=\S*[A-Za-z])\S+",),
    "dates": (
        rf"X?\d{{1,2}}[-/. ](?i:{_MONTH})(?i:[a-zäéû]*)\.?(?:[-/. ]\d{{1,4}})*",
        rf"(?:{_TITLE_MONTH})[-/. ]\d{{1,4}}(?:[-/. ]\d+)?",
        r"(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?(?:[ T_]\d\d:\d\d\S*)?",
        r"\d\d?[/.]\d\d?[/.](?:\d\d){1,2}(?:[ _]\d\d:\S*)?",
        r"\d[.,]?\d*[eE]\+?\d\d",  # of RIKEN names such as 2310009E13
    ),
    "r_names": (
        r"(?:HLA|H2|MT|mt)[._][A-Za-z]\S*",
        r"(?:RP|CT[ABCD]|GS|LA|KB|CH|LL|XXbac)\d*[a-z]?[._]\w+[._]\d+",
        r"\w+\.(?:AS|IT|OT|DT)\d+",
        r"X\d[0-9A-Z]+Rik",
        r"X7SK\S*",
        r"(?:NKX|Nkx)\d\.\d",
        r"(?:KRTAP|Krtap)\d+\.\d+",
    ),
}
"""Whole words of each kind, in the order in which the kinds are tried."""

ANY_KIND = re.compile("|".join(f"(?P<{kind}>{'|'.join(patterns)})" for kind, patterns in PATTERNS.items()))
GENOME = re.compile(_GENOME)
"""What stands before a symbol in a reference of two genomes."""
GENOME_END = re.compile(rf"{_GENOME_END}$")
COPY = re.compile(r"(.+)([-._])([1-9]\d{0,3})")

OF_MOST = {
    "uniprot": re.compile(r"(?:[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d(?:[A-Z][A-Z0-9]{2}\d){1,2})(?:-\d+)?"),
    "transcript_names": re.compile(r"[A-Za-z]\S*-[02]\d\d"),
}
"""What is not a symbol where it stands for most of a list, and may be one alone: P2RY12."""

_GAPS = """
nan none na n/a n.a. null nil <na> missing unknown unnamed - -- --- . ? _ * /
#n/a #na #ref! #name? #value! #div/0! #null! #num!
"""
MISSING = frozenset(_GAPS.split()) | {""}
"""Words that stand for no name, in small letters."""
