from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scc2s

if TYPE_CHECKING:
    from pathlib import Path

PANEL = [
    "IL15",
    "IL2RB",
    "IL2RG",
    "IL15RA",
    "CD40LG",
    "CD40",
    "CCL3L1",
    "CCL3L3",
    "CCR5",
    "TPH1",
    "HTR1A",
    "TP53",
    "MDM2",
]


def cells(genes: list[str] = PANEL) -> ad.AnnData:
    return ad.AnnData(np.ones((3, len(genes)), dtype=np.float32), var=pd.DataFrame(index=genes))


def cellphonedb(folder: Path) -> Path:
    """The four files, in the columns of version 5."""
    folder.mkdir(exist_ok=True)
    proteins = {  # name: gene, flags
        "P40933": ("IL15", "FALSE,FALSE,TRUE"), "P14784": ("IL2RB", "TRUE,FALSE,FALSE"),
        "P31785": ("IL2RG", "TRUE,FALSE,FALSE"), "Q13261": ("IL15RA", "TRUE,FALSE,FALSE"),
        "P29965": ("CD40LG", "TRUE,FALSE,TRUE"), "P25942": ("CD40", "TRUE,FALSE,FALSE"),
        "P51681": ("CCR5", "TRUE,FALSE,FALSE"), "P17752": ("TPH1", "FALSE,FALSE,FALSE"),
        "P08908": ("HTR1A", "TRUE,FALSE,FALSE"), "P99999": ("NOTHERE", "FALSE,FALSE,TRUE"),
    }  # fmt: skip
    lines = ['"gene_name","uniprot","hgnc_symbol","ensembl"']
    lines += [f'"{gene}","{uniprot}","{gene}","ENSG0"' for uniprot, (gene, _) in proteins.items()]
    lines += [
        '"CCL3L1","P16619","CCL3L1","ENSG1"',
        '"CCL3L3","P16619","CCL3L3","ENSG2"',
        '"CCL3L3","P16619","CCL3L3","ENSG3"',
    ]
    (folder / "gene_input.csv").write_text("\n".join(lines))
    lines = ["uniprot,protein_name,transmembrane,peripheral,secreted,receptor"]
    lines += [f"{uniprot},{gene}_HUMAN,{flags},FALSE" for uniprot, (gene, flags) in proteins.items()]
    (folder / "protein_input.csv").write_text("\n".join([*lines, "P16619,CL3L1_HUMAN,FALSE,FALSE,TRUE,FALSE"]))
    (folder / "complex_input.csv").write_text(
        "complex_name,uniprot_1,uniprot_2,uniprot_3,uniprot_4,transmembrane,peripheral,secreted,comments_complex\n"
        'IL15 receptor,P14784,Q13261,P31785,,True,False,False,"a trimer, of course"\n'
        "Serotonin_byTPH1,P17752,,,,False,False,False,\n"
        "lost receptor,P25942,P00000,,,True,False,False,\n"
    )
    (folder / "interaction_input.csv").write_text(
        "id_cp_interaction,partner_a,partner_b,protein_name_a,protein_name_b,annotation_strategy,source,directionality\n"
        ",P40933,IL15 receptor,,,curated,uniprot,Ligand-Receptor\n"
        ",P29965,P25942,,,curated,uniprot,Ligand-Receptor\n"
        ",P25942,P29965,,,curated,uniprot,\n"
        ",P16619,P51681,,,curated,uniprot,Ligand-Receptor\n"
        ",Serotonin_byTPH1,P08908,,,curated,uniprot,Ligand-Receptor\n"
        ",P99999,P25942,,,curated,uniprot,Ligand-Receptor\n"
        ",P29965,lost receptor,,,curated,uniprot,Ligand-Receptor\n"
    )
    return folder


def biogrid(path: Path) -> Path:
    """TAB 3.0 with the columns that tell."""
    columns = ["#BioGRID Interaction ID", "Official Symbol Interactor A", "Official Symbol Interactor B",
               "Experimental System", "Experimental System Type", "Publication Source", "Organism ID Interactor A",
               "Organism ID Interactor B", "Throughput"]  # fmt: skip
    rows = [
        ["1", "TP53", "MDM2", "Affinity Capture-MS", "physical", "PUBMED:1", "9606", "9606", "Low Throughput"],
        ["2", "MDM2", "TP53", "Two-hybrid", "physical", "PUBMED:2", "9606", "9606", "Low Throughput"],
        ["3", "TP53", "CD40", "Synthetic Lethality", "genetic", "PUBMED:3", "9606", "9606", "High Throughput"],
        ["4", "TP53", "Cd40", "Two-hybrid", "physical", "PUBMED:3", "9606", "10090", "High Throughput"],
        ["5", "CD40", "CD40LG", "Reconstituted Complex", "physical", "PUBMED:4", "9606", "9606", "Low Throughput"],
    ]
    path.write_text("\n".join("\t".join(row) for row in [columns, *rows]) + "\n")
    return path


def found(adata: ad.AnnData, key: str = "interactions") -> pd.DataFrame:
    return adata.uns["c2s"][key]["table"]


def test_cellphonedb_gives_pairs_of_genes_with_every_subunit(tmp_path: Path) -> None:
    adata = cells()
    scc2s.pp.interactions(adata, cellphonedb(tmp_path / "v5"))
    texts = set(found(adata)["text"])
    assert texts == {
        "IL15 signals to IL2RB+IL15RA+IL2RG",
        "CD40LG signals to CD40",
        "CD40 binds CD40LG",
        "CCL3L1 signals to CCR5",
        "CCL3L3 signals to CCR5",
    }
    assert set(found(adata)["source"]) == {"cellphonedb"}
    without = cells([gene for gene in PANEL if gene != "IL2RG"])
    scc2s.pp.interactions(without, tmp_path / "v5")
    assert texts - set(found(without)["text"]) == {"IL15 signals to IL2RB+IL15RA+IL2RG"}


def test_enzymes_are_taken_only_without_the_filter(tmp_path: Path) -> None:
    adata = cells()
    scc2s.pp.interactions(adata, cellphonedb(tmp_path), extracellular=False)
    assert "TPH1 signals to HTR1A" in set(found(adata)["text"])
    scc2s.pp.interactions(adata, tmp_path, extracellular=["CD40LG", "CD40"])
    assert set(found(adata)["a"]) | set(found(adata)["b"]) == {"CD40LG", "CD40"}


def test_biogrid_is_physical_within_an_organism_and_counted_without_direction(tmp_path: Path) -> None:
    adata = cells()
    scc2s.pp.interactions(adata, biogrid(tmp_path / "x.tab3.txt"))
    assert found(adata)["text"].tolist() == ["MDM2 binds TP53", "CD40 binds CD40LG"]
    assert found(adata)["n_records"].tolist() == [2, 1]
    assert found(adata)["evidence"].iloc[0] == "Affinity Capture-MS; Two-hybrid"
    with pytest.raises(ValueError, match="does not say what is extracellular"):
        scc2s.pp.interactions(adata, tmp_path / "x.tab3.txt", extracellular=True)


def test_what_cellphonedb_calls_extracellular_holds_for_biogrid_beside_it(tmp_path: Path) -> None:
    adata = cells()
    both = {"cellphonedb": cellphonedb(tmp_path / "v5"), "biogrid": biogrid(tmp_path / "x.tab3.txt")}
    scc2s.pp.interactions(adata, both, extracellular=True)
    by_biogrid = found(adata)[found(adata)["source"] == "biogrid"]
    assert by_biogrid["text"].tolist() == ["CD40 binds CD40LG"]  # TP53 and MDM2 are inside


def test_own_tables_and_templates(tmp_path: Path) -> None:
    adata = cells()
    own = pd.DataFrame(
        {"a": ["IL2RB_IL2RG", "TP53", None], "b": ["IL15", "MDM2", "CD40"], "relation": ["responds to", None, "x"],
         "evidence": ["lab book 7", np.nan, "y"]}
    )  # fmt: skip
    scc2s.pp.interactions(adata, own, template="{a} {relation} {b} ({evidence}, {source})", key_added="ours")
    assert found(adata, "ours")["text"].tolist() == [
        "IL2RB+IL2RG responds to IL15 (lab book 7, table)",
        "MDM2 binds TP53 (, table)",
    ]
    assert adata.uns["c2s"]["ours"]["text"].endswith("(, table).")
    scc2s.pp.interactions(adata, own, max_pairs=1)
    assert len(found(adata)) == 1


def test_symbols_of_other_capitals_are_written_as_the_data_do() -> None:
    adata = cells(["Cd40lg", "Cd40"])
    scc2s.pp.interactions(adata, pd.DataFrame({"ligand": ["CD40LG"], "receptor": ["CD40"]}))
    assert found(adata)["text"].tolist() == ["Cd40lg signals to Cd40"]


def test_a_panel_is_taken_in_place_of_the_genes() -> None:
    adata = cells()
    pairs = pd.DataFrame({"ligand": ["CD40LG", "IL15"], "receptor": ["CD40", "IL15RA"]})
    scc2s.pp.interactions(adata, pairs, panel=["CD40LG", "CD40", "IL15"])
    assert found(adata)["text"].tolist() == ["CD40LG signals to CD40"]


def test_no_overlap_is_an_error_that_shows_both_sides() -> None:
    adata = cells(["ENSG00000000003", "ENSG00000000005"])
    with pytest.raises(ValueError, match=r"none of 1 interactions .*CD40LG.*gene_symbols="):
        scc2s.pp.interactions(adata, pd.DataFrame({"a": ["CD40LG"], "b": ["CD40"]}), panel=["FOO", "BAR"])
    with pytest.raises(ValueError, match="none of 1 interactions"):
        scc2s.pp.interactions(adata, pd.DataFrame({"a": ["CD40LG"], "b": ["CD40"]}))


def test_what_is_no_source_is_refused(tmp_path: Path) -> None:
    adata = cells()
    pairs = pd.DataFrame({"a": ["CD40LG"], "b": ["CD40"]})
    with pytest.raises(ValueError, match="none of a known kind"):
        scc2s.pp.interactions(adata, pd.DataFrame({"x": [1]}))
    with pytest.raises(FileNotFoundError, match="there is no"):
        scc2s.pp.interactions(adata, tmp_path / "no.csv")
    with pytest.raises(FileNotFoundError, match="interaction_input.csv"):
        scc2s.pp.interactions(adata, tmp_path)
    with pytest.raises(TypeError, match="source is int"):
        scc2s.pp.interactions(adata, 3)
    with pytest.raises(ValueError, match="template="):
        scc2s.pp.interactions(adata, pairs, template="{a} {c}")
    with pytest.raises(ValueError, match="unpaired brace"):
        scc2s.pp.interactions(adata, pairs, template="{a} {b")
    with pytest.raises(TypeError, match="extracellular="):
        scc2s.pp.interactions(adata, pairs, extracellular="CD40")
    with pytest.raises(ValueError, match="belongs to another tool"):
        scc2s.pp.interactions(adata, pairs, key_added="sentences")
    assert "c2s" not in adata.uns


@pytest.mark.parametrize("kind", ["h5ad", pytest.param("zarr", marks=pytest.mark.slow)])
def test_interactions_survive_files(kind: str, tmp_path: Path) -> None:
    adata = cells()
    scc2s.pp.interactions(adata, {"a/b": cellphonedb(tmp_path / "v5")})
    getattr(adata, f"write_{kind}")(tmp_path / f"x.{kind}")
    back = (ad.read_h5ad if kind == "h5ad" else ad.read_zarr)(tmp_path / f"x.{kind}")
    assert back.uns["c2s"]["interactions"]["text"] == adata.uns["c2s"]["interactions"]["text"]
    assert found(back)["text"].tolist() == found(adata)["text"].tolist()


def test_the_table_of_liana_on_real_cells(shared_data: Path) -> None:
    adata = ad.read_h5ad(shared_data / "lung_cosmx.h5ad")
    scc2s.pp.interactions(adata, shared_data / "ligand_receptor.csv")
    table, genes = found(adata), set(adata.var_names)
    assert 100 < len(table) < 4624
    assert all(set(side.split("+")) <= genes for side in (*table["a"], *table["b"]))
    raw = pd.read_csv(shared_data / "ligand_receptor.csv")
    inside = [set(f"{a}_{b}".split("_")) <= genes for a, b in zip(raw["ligand"], raw["receptor"], strict=True)]
    assert len(table) == len(raw.loc[inside, ["ligand", "receptor"]].drop_duplicates())
    assert table.loc[(table["a"] == "LGALS9") & (table["b"] == "CD44"), "evidence"].tolist() == [
        "cellphonedb; cellchatdb"
    ]
