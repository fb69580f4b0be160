from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from word_tables import OTHERS, SYMBOLS

import scc2s
from scc2s._cells.gene_words import words_of
from scc2s._cells.symbols import findings, usable
from scc2s.sentences._word_kinds import KINDS

SYMBOL = ["CD3D", "LYZ", "MS4A1", "NKG7", "GNLY", "CD79A", "FTL", "B2M", "HLA-DRA", "MT-CO1"]
NO_ID = r"replace(r'(?i)[-_|:.]?ENS[A-Z]*[GT]\d+(\.\d+)?[-_|:]?', '', regex=True)"
REFUSED = [k for k in OTHERS if k not in ("missing", "unknown")]


def cells(genes, **columns) -> ad.AnnData:
    """Six cells that express all genes, the last most."""
    X = np.random.default_rng(0).poisson(2.0, (6, len(genes))).astype("f4") + np.arange(1, len(genes) + 1) * 20
    var = pd.DataFrame(columns, index=list(genes))
    return ad.AnnData(sparse.csr_matrix(X.astype("f4")), pd.DataFrame(index=[f"c{i}" for i in range(6)]), var)


def words(adata, **how) -> set[str]:
    made = scc2s.pp.sentences(adata, n_genes=None, copy=True, **how)
    return set(" ".join(made.obs["c2s_sentence"]).split())


def problems(adata, **how) -> list[str]:
    return scc2s.pp.check(adata, **how)["problems"]


def warnings(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING and r.name == "scc2s"]


@pytest.mark.parametrize("kind", REFUSED)
def test_most_names_of_another_kind_are_refused_and_the_column_that_mends_it_is_named(kind):
    other = OTHERS[kind].split()
    genes = [*dict.fromkeys(other), "CD3D", "LYZ"]
    adata = cells(genes)
    with pytest.raises(ValueError, match="of the gene names are .*such as"):
        words(adata)
    [problem] = problems(adata)
    assert problem.startswith(f"gene names are {KINDS[kind].what}")
    if KINDS[kind].role != "feature":
        adata.var["strand"] = "+"
        adata.var["Symbol"] = [f"GENE{i}A" for i in range(len(genes))]
        with pytest.raises(ValueError, match="pass gene_symbols='Symbol'"):
            words(adata)
        assert "gene_symbols='Symbol'" in problems(adata)[0]
        assert words(adata, gene_symbols="Symbol") == set(adata.var["Symbol"])


@pytest.mark.parametrize("kind", REFUSED)
def test_some_names_of_another_kind_are_said_once_with_an_example(kind, caplog):
    others = [w for w in OTHERS[kind].split() if kind != "entrez" or w in ("7157", "7157.0")][:3]
    genes = [*SYMBOL, *others]
    adata = cells(genes)
    made = words(adata)
    [said] = warnings(caplog)
    assert others[0] in said
    assert KINDS[kind].what in said
    assert len(problems(adata)) == 1
    assert others[0] in problems(adata)[0]
    if KINDS[kind].role == "feature":
        assert made == set(SYMBOL), "what is not a gene is left out"
        assert "left out" in said
    else:
        assert len(made) == len(genes)


@pytest.mark.parametrize("organism", SYMBOLS)
@pytest.mark.parametrize("stated", [True, False])
def test_symbols_of_any_organism_go_through_without_a_word(organism, stated, caplog):
    genes = list(dict.fromkeys(SYMBOLS[organism].split()))
    adata = cells(genes)
    assert len(words(adata, **({"organism": "Danio rerio"} if stated else {}))) == len(genes)
    assert problems(adata) == []
    assert warnings(caplog) == []


def test_names_of_no_known_form_are_taken_where_the_user_says_that_the_organism_has_them(caplog):
    adata = cells([f"dd_Smed_v6_{i}_0_1;x" for i in range(6)])
    assert len(words(adata, organism="Schmidtea mediterranea")) == 6
    assert warnings(caplog) == []
    adata.uns["organism"] = "Schmidtea mediterranea"
    assert problems(adata) == []
    del adata.uns["organism"]
    assert len(words(adata)) == 6
    assert "do not look like gene symbols (such as dd_Smed_v6_0_0_1;x)" in warnings(caplog)[-1]
    assert len(problems(adata)) == 1
    adata.var["gene_name"] = [f"SOX{i}" for i in range(6)]
    with pytest.raises(ValueError, match="pass gene_symbols='gene_name'"):
        words(adata)


@pytest.mark.parametrize(
    "column",
    ["gene_name", "gene_names", "gene_symbol", "gene_symbols", "feature_name", "Symbol", "SYMBOL", "GeneSymbol",
     "hgnc_symbol", "gene_short_name", "name", "Gene_Name", "external_gene_name"],
)  # fmt: skip
def test_the_column_is_chosen_by_what_it_holds_and_by_its_name(column):
    ids = [f"ENSG0000000{i:04d}" for i in range(6)]
    adata = cells(ids, gene_ids=ids, symbols=[f"NM_{i:06d}" for i in range(6)], alias=[f"AL{i}" for i in range(6)])
    adata.var[column] = pd.Categorical(SYMBOL[:6])
    with pytest.raises(ValueError, match=f"pass gene_symbols={column!r}"):
        words(adata)
    assert scc2s.pp.check(adata)["symbol_column"] == column


def test_a_column_that_was_asked_for_is_taken_with_a_warning(caplog):
    adata = cells(SYMBOL[:4], ids=[f"ENSG0000000{i:04d}" for i in range(4)])
    assert words(adata, gene_symbols="ids") == set(adata.var["ids"])
    assert "100 % of var['ids'] are database ids" in warnings(caplog)[0]
    assert len(problems(adata, gene_symbols="ids")) == 1


def test_what_is_odd_in_a_column_is_mended_there(caplog):
    adata = cells(["ENSG00000141510", "ENSG00000012048", "ENSG00000139618"])
    adata.var["name"] = ["TP53", "BRCA1_ENSG00000012048", "ERCC-00002"]
    assert words(adata, gene_symbols="name") == {"TP53", "BRCA1_ENSG00000012048"}
    joined, spike_in = sorted(warnings(caplog), key=lambda text: "ERCC" in text)
    assert "adata.var['name'] = adata.var['name'].str.replace(" in joined
    assert "~adata.var['name'].isin(['ERCC-00002'])" in spike_in


@pytest.mark.parametrize("gap", ["nan", "None", "NA", "N/A", "-", "---", "", " ", "NULL", "<NA>", None, np.nan])
@pytest.mark.parametrize("dtype", [object, "category"])
def test_gaps_of_a_column_of_symbols_never_become_words(gap, dtype, caplog):
    adata = cells([f"ENSG0000000{i:04d}" for i in range(4)])
    adata.var["symbol"] = pd.Series(["CD3D", "LYZ", gap, gap], index=adata.var_names, dtype=dtype)
    assert words(adata, gene_symbols="symbol") == {"CD3D", "LYZ"}
    assert "2 of 4 genes have no symbol and are left out" in caplog.text
    scc2s.pp.sentences(adata, gene_symbols="symbol", upper=True)
    assert words_of(adata).words == ["CD3D", "LYZ"], "nor of the words that a model may write"


def test_a_column_of_gaps_alone_is_refused():
    adata = cells(["ENSG00000141510", "ENSG00000012048"], symbol=["nan", "-"])
    with pytest.raises(ValueError, match=r"nothing in var\['symbol'\] is a gene with a symbol"):
        words(adata, gene_symbols="symbol")


@pytest.mark.parametrize(
    ("column", "gene", "other"),
    [
        ("feature_types", "Gene Expression", "Antibody Capture"),
        ("feature_types", "Gene Expression", "Peaks"),
        ("feature_types", "Gene Expression", "Custom"),
        ("feature_types", "Gene Expression", "Something New"),
        ("feature_types", "Gene Expression", "Multiplexing Capture"),
        ("feature_type", "gene", "CRISPR Guide Capture"),
        ("feature_type", "protein_coding", "antibody"),
        ("feature_biotype", "gene", "spike-in"),
        ("Feature_Types", "rna", "adt"),
    ],
)
@pytest.mark.parametrize("dtype", [object, "category"])
def test_features_that_are_not_genes_by_their_type_are_left_out_and_said(column, gene, other, dtype, caplog):
    adata = cells(["CD3D", "LYZ", "MS4A1", "CD3", "CD19"])
    adata.var[column] = pd.Series([gene] * 3 + [other] * 2, index=adata.var_names, dtype=dtype)
    assert words(adata) == {"CD3D", "LYZ", "MS4A1"}
    [said] = warnings(caplog)
    assert "2 features are not genes" in said
    assert other in said
    assert f"adata.var[{column!r}]" in said
    assert "feature" in problems(adata)[0]
    kept = adata[:, ["CD3D", "LYZ", "MS4A1"]].copy()
    assert problems(kept) == []


def test_biotypes_and_unnamed_types_are_genes(caplog):
    adata = cells(SYMBOL[:5], feature_type=["protein_coding", "lncRNA", "IG_C_gene", "misc_RNA", None])
    assert words(adata) == set(SYMBOL[:5])
    assert warnings(caplog) == []


def test_features_alone_are_refused():
    adata = cells(["CD3", "CD19", "CD4"], feature_types=["Antibody Capture"] * 3)
    with pytest.raises(ValueError, match="nothing in the gene names is a gene"):
        words(adata)


def test_one_genome_and_two_have_a_mend_that_works():
    adata = cells([f"GRCh38___{g}" for g in SYMBOL])
    with pytest.raises(ValueError, match=r"adata.var_names = adata.var_names.str.removeprefix\('GRCh38___'\)"):
        words(adata)
    adata.var_names = adata.var_names.str.removeprefix("GRCh38___")
    assert words(adata) == set(SYMBOL)
    two = cells(["GRCh38_CD3D", "GRCh38_LYZ", "mm10_Cd3d", "mm10_Lyz2"])
    with pytest.raises(ValueError, match="of one organism"):
        words(two)


@pytest.mark.parametrize(
    ("genes", "call", "mended"),
    [
        (["ENSG00000141510_TP53", "ENSG00000090382.7_LYZ"], NO_ID, None),
        (["TP53_ENSG00000141510", "LYZ-ENSG00000090382"], NO_ID, None),
        (["TP53 (ENSG00000141510)", "LYZ(ENSG00000090382.7)"], r"replace(r'\s*[(\[].*', '', regex=True)", None),
        (["ENSG00000141510 [TP53]", "ENSG00000090382(LYZ)"], r"replace(r'.*[(\[]|[)\]]$', '', regex=True)", None),
        (["TP53|7157", "LYZ|4069"], "split('|').str[0]", None),
        (["TP53|2ef1e7b", "LYZ|2ef1e7c"], "split('|').str[0]", None),
        (["gene-TP53", "gene:LYZ"], r"replace(r'^\w+[:|-]', '', regex=True)", None),
        (["TP53_GRCh38", "LYZ_GRCh38"], "removesuffix('_GRCh38')", None),
        (["b'TP53'", '"LYZ"'], r"""replace(r'''^b?['"]|['"]$''', '', regex=True)""", None),
        (["HLA.DRA", "MT.CO1"], r"replace(r'^(HLA|H2|MT|mt)[._]', r'\1-', regex=True)", ["HLA-DRA", "MT-CO1"]),
    ],
)  # fmt: skip
def test_the_call_that_is_named_mends_the_names(genes, call, mended):
    adata = cells(genes)
    with pytest.raises(ValueError, match="pass|adata") as refusal:
        words(adata)
    assert f"adata.var_names = adata.var_names.str.{call}" in str(refusal.value)
    adata.var_names = eval(f"adata.var_names.str.{call}")
    assert words(adata) == set(mended or ["TP53", "LYZ"])


def test_numbered_copies_are_said_from_one_in_a_hundred_on(caplog):
    few, many = [*(f"G{i}A" for i in range(300)), "G1A-1"], [*SYMBOL, "LYZ-1", "FTL-1"]
    assert len(words(cells(few))) == 301
    assert warnings(caplog) == []
    assert scc2s.pp.check(cells(few))["gene_names"]["copies"] == 1
    assert len(words(cells(many))) == 12
    assert "2 of the gene names are numbered copies of a symbol (such as LYZ-1, FTL-1)" in warnings(caplog)[0]
    assert "on_duplicate='max'" in problems(cells(many))[0]


def test_only_genes_that_are_used_are_judged(caplog):
    adata = cells([*SYMBOL, *OTHERS["peaks"].split()], gene=[True] * 10 + [False] * len(OTHERS["peaks"].split()))
    assert words(adata, var_mask="gene") == set(SYMBOL)
    assert words(adata, exclude=OTHERS["peaks"].split()) == set(SYMBOL)
    assert warnings(caplog) == []


def test_raw_has_names_of_its_own():
    adata = cells(SYMBOL[:4])
    raw = adata.copy()
    raw.var_names = [f"ENSG0000000{i:04d}" for i in range(4)]
    adata.raw = raw
    with pytest.raises(ValueError, match="in adata.raw, and those in adata.var are symbols: pass use_raw=False"):
        words(adata)
    assert "pass use_raw=False" in problems(adata)[0]
    assert words(adata, use_raw=False) == set(SYMBOL[:4])


def test_a_column_that_raw_lacks_is_named_with_the_call_that_reaches_it():
    adata = cells([f"ENSG0000000{i:04d}" for i in range(4)], symbol=SYMBOL[:4])
    adata.raw = adata[:, :].copy()
    with pytest.raises(ValueError, match="pass gene_symbols='symbol'$"):
        words(adata)
    raw = adata.raw.to_adata()
    del raw.var["symbol"]
    adata.raw = raw
    with pytest.raises(ValueError, match="pass use_raw=False, gene_symbols='symbol'$"):
        words(adata)
    assert words(adata, use_raw=False, gene_symbols="symbol") == set(SYMBOL[:4])


def test_names_in_raw_alone_are_mended_after_it_is_taken_out():
    adata = cells([f"GRCh38_{name}" for name in SYMBOL[:4]])
    adata.raw = adata.copy()
    adata.var_names = [f"hg38_{name}" for name in SYMBOL[:4]]
    with pytest.raises(ValueError, match=r"call adata = adata.raw.to_adata\(\) first, then adata.var_names = "):
        words(adata)
    adata = adata.raw.to_adata()
    adata.var_names = adata.var_names.str.removeprefix("GRCh38_")
    assert words(adata) == set(SYMBOL[:4])


def test_names_that_no_file_holds_are_refused_before_anything_is_written():
    for name in ("CD3\0D", "CD3\ud8ffD"):
        try:
            adata = cells([name, *SYMBOL[1:]])
        except UnicodeEncodeError:
            continue  # pandas 3 keeps text in Arrow, which takes no half of a character
        for store in ("text", "ranks"):
            with pytest.raises(ValueError, match="cannot be written to a file") as refusal:
                scc2s.pp.sentences(adata, store=store)
            assert adata.obs.empty
        adata.var_names = eval(str(refusal.value).split("e.g. adata.var_names = ")[1])
        assert "CD3_D" in words(adata)


def test_names_of_what_is_left_out_may_repeat():
    types = ["Gene Expression"] * 12 + ["Peaks"] * 2
    adata = cells([*SYMBOL, "nan", "nan", "chr1:1-900", "chr1:1-900"], feature_types=types)
    assert words(adata) == set(SYMBOL)
    assert scc2s.pp.check(adata)["duplicate_names"] == []
    assert not any("repeat" in problem for problem in problems(adata))


def test_a_column_that_is_there_twice_is_refused():
    adata = cells(SYMBOL)
    adata.var = pd.DataFrame({0: SYMBOL, 1: SYMBOL}, index=SYMBOL).set_axis(["symbol", "symbol"], axis=1)
    with pytest.raises(ValueError, match="2 columns 'symbol'"):
        words(adata, gene_symbols="symbol")


def test_spike_ins_alone_are_not_mended_by_taking_all_out():
    with pytest.raises(ValueError, match="spike-ins .*pass the gene expression"):
        words(cells([f"ERCC-000{i}" for i in range(10, 20)]))


def test_an_rna_named_like_the_genome_of_a_rat_is_a_gene(caplog):
    assert "RN5-8S1" in words(cells([*SYMBOL, "RN5-8S1"]))
    assert warnings(caplog) == []


def test_antibodies_named_after_the_animal_they_bind_are_left_out(caplog):
    assert words(cells([*SYMBOL, "anti-human CD3", "anti-mouse/human CD44"])) == set(SYMBOL)
    assert "2 of the gene names are antibodies" in warnings(caplog)[0]


@pytest.mark.parametrize(
    "call",
    [
        scc2s.pp.sentences,
        scc2s.pp.rank_fit,
        lambda a: scc2s.tl.program_score(a, ["CD3D", "CD3E", "CD2"]),
        words_of,  # of cells without sentences, for what a model may write
    ],
)
def test_every_way_from_cells_to_words_refuses_ids_and_says_what_is_odd(call, caplog):
    ids = cells([f"gene:ENSG0000000{i:04d}" for i in range(8)])
    with pytest.raises(ValueError, match="database ids"):
        call(ids)
    caplog.clear()
    dates = cells([*SYMBOL, "1-Mar", "44256"])
    try:
        call(dates)
    except (KeyError, ValueError) as other:
        assert "1-Mar" in caplog.text or "rank fit" in str(other) or "not in" in str(other)
    assert "2 of the gene names are dates" in caplog.text


def test_all_is_found_by_the_functions_below_as_well():
    adata = cells([*SYMBOL, "ERCC-00002"])
    assert usable(adata.var, None).tolist() == [True] * 10 + [False]
    assert [f.refused for f in findings(adata.var, None)] == [False]
    assert findings(adata.var.iloc[:0], None) == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("breast_her2_st", None),
        ("breast_tnbc", None),
        ("bulk_hematopoiesis_dmap", "numbered copies"),  # R's make.unique over several probes of a gene: BRF2, BRF2.1
        ("bulk_immune_signature_abis", None),
        ("bulk_pbmc_monaco", None),
        ("bulk_sorted_immune_fantom5", None),
        ("bulk_tissue_gtex", None),
        ("gbm_panobinostat", None),
        ("human_embryo_yan", "dates"),  # 40974 and 25 more, of MARCH and SEPT genes
        ("kang_ifnb", None),
        ("kang_ifnb_labelled", "joined to an id"),  # HLA-DMA_ENSG00000204257
        ("lung_cosmx", "other punctuation"),  # HLA.DRA
        ("lung_merfish", None),
        ("mouse_dc_progenitors", None),
        ("mouse_dentate_gyrus", None),
        ("mouse_kidney", None),
        ("mouse_olfactory_bulb_st", None),
        ("multi_tissue_human", None),
        ("pbmc3k", None),
        ("worm_embryo", None),
    ],
)
def test_real_data_go_through_and_only_what_is_odd_is_said(shared_data, file, said):
    backed = ad.read_h5ad(shared_data / f"{file}.h5ad", backed="r")
    found = findings(backed.var, None)
    assert usable(backed.var, None).all()
    assert not any(f.refused for f in found)
    assert said is None or said in found[0].text
    assert (said is None) == (found == [])
    assert not any("genome" in f.text for f in found)  # RN5-8S1 is a human gene
    share = sum(n for kind, n in scc2s.pp.check(backed[:5].to_memory())["gene_names"].items() if kind != "symbols")
    assert file == "bulk_hematopoiesis_dmap" or share < 0.1 * backed.n_vars
