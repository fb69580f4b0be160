"""Real cells on which every tool has run, most of them with models that are made of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scanpy as sc

import scc2s
from scc2s.models import CallableModel

if TYPE_CHECKING:
    import anndata as ad

LABELS = ["monocyte", "B cell", "natural killer cell", "T cell"]
PROGRAM = ["HLA-DRA", "HLA-DRB1", "CD74"]
KNOWN = pd.DataFrame({"ligand": ["CD74", "B2M", "LTB"], "receptor": ["HLA-DRA", "CD3D", "CD79A"]})
MARKERS = {"B cell": ["CD79A", "CD79B"], "T cell": ["CD3D", "CD3E"]}


def blood(n: int = 120) -> ad.AnnData:
    """`n` real cells of blood, with columns that tools ask for."""
    adata = sc.datasets.pbmc68k_reduced()[:n].copy()
    kinds = adata.obs["bulk_labels"].astype(str)
    adata.obs["lineage"] = pd.Categorical(
        np.where(kinds.str.contains("B"), "B", np.where(kinds.str.contains("CD4|CD8|CD56"), "T or NK", "myeloid"))
    )
    adata.obs["condition"] = pd.Categorical(np.resize(["ctrl", "stim"], n))
    adata.obs["donor"] = pd.Categorical(np.resize(["d1", "d2", "d3", "d4", "d5"], n))
    adata.obs["time"] = pd.Categorical(np.resize(["0 h", "6 h"], n))
    adata.obsm["spatial"] = np.random.default_rng(0).uniform(0, 300, (n, 2))
    return adata


def writer() -> CallableModel:
    """Writes the cell that it was shown, without its first gene; captions, names and labels by the first genes."""

    def write(prompts: list[str]) -> list[str]:
        out = []
        for prompt in prompts:
            words = prompt.split("Genes: ")[-1].split("\n")[0].split()
            if "caption" in prompt.lower() or "describe" in prompt.lower():
                kind = "B cell" if "CD79A" in words else "monocyte"
                out.append(f" A {kind} with high {words[0] if words else 'nothing'} and CD79A; QXZ9 is present.")
            else:
                out.append(" " + " ".join(words[1:21]))
        return out

    return CallableModel(generate=write, id="writer")


def scorer(right: float = 3.0) -> CallableModel:
    """Tells types by their markers."""
    marks = {
        "B": "CD79A",
        "B cell": "CD79A",
        "T or NK": "CD3D",
        "T cell": "CD3D",
        "myeloid": "LYZ",
        "monocyte": "LYZ",
    }

    def score(prompts: list[str], choices: list[str]) -> np.ndarray:
        words = [set(prompt.split()) for prompt in prompts]
        return np.array(
            [[right * (marks.get(c.strip(), c.strip()) in w) - 0.1 * i for i, c in enumerate(choices)] for w in words]
        )

    return CallableModel(score=score, id="scorer")


def vectors() -> CallableModel:
    """Embeds a cell by whether some genes are among its words."""
    genes = ("CD79A", "CD3D", "LYZ", "NKG7", "FTL", "CD74")
    return CallableModel(embed=lambda prompts: np.array([[float(g in p.split()) for g in genes] for p in prompts]))


def likely() -> CallableModel:
    """Finds short answers likely."""
    return CallableModel(log_likelihood=lambda prompts, answers: np.array([-2.0 * len(a.split()) for a in answers]))


def talker() -> CallableModel:
    """A model that talks."""
    return CallableModel(
        reply=lambda messages: "CD79A is higher in B cells, and CD3D is low. QXZ9 drives it.", id="talker"
    )


def everything(n: int = 120) -> Any:
    """The same cells with a result of every tool."""
    adata = blood(n)
    write, score, talk = writer(), scorer(), talker()
    sc.pp.c2s_sentences(adata, n_genes=40, organism="human")
    sc.pp.c2s_sentences(adata, n_genes=20, store="ranks", key_added="short_sentence")
    sc.pp.c2s_rank_fit(adata)
    sc.pp.c2s_reconstruct(adata)
    sc.pp.c2s_split(adata, "donor", key="donor")
    sc.tl.c2s_embed(adata, model=vectors())
    sc.tl.c2s_annotate(adata, labels=LABELS, model=score, groupby="louvain", min_prob=0.5)
    sc.tl.c2s_annotate(
        adata,
        labels=["B", "T or NK", "myeloid"],
        model=score,
        target="lineage",
        key_added="c2s_lineage",
        prompt="{cell_sentence}",
    )
    sc.tl.c2s_annotate(
        adata,
        labels={"lineage": ["B", "T or NK"], "state": ["on", "off"]},
        targets=["lineage", "state"],
        model=score,
        key_added="c2s_both",
    )
    sc.tl.c2s_marker_labels(adata, MARKERS, groupby="louvain")
    reference = sc.datasets.pbmc68k_reduced()[n : n + 200].copy()
    sc.tl.c2s_transfer_labels(adata, reference, label_key="bulk_labels", method="knn")
    sc.tl.c2s_compare_labels(adata, "c2s_lineage", "lineage", n_boot=50)
    sc.pp.c2s_match_labels(adata, "bulk_labels") if _has_ontology() else None
    sc.tl.c2s_caption(adata, groupby="lineage", model=write)
    sc.tl.c2s_name_genes(adata, groupby="lineage", model=write)
    sc.tl.c2s_program_score(adata, PROGRAM)
    sc.tl.c2s_perplexity(adata, model=likely())
    sc.tl.c2s_attention(adata, cells=adata.obs_names[:1])
    sc.tl.c2s_importance(adata, "B cell", cells=adata.obs_names[:1], n_genes=3)
    sc.tl.c2s_search(adata, "B cell of the blood", n_shuffled=2, model=likely())
    bulk = scc2s.pp.pseudobulk(adata, by="lineage", method="mean")
    sc.tl.c2s_match_bulk(adata, bulk, use_rep="expression", pairs_by="lineage")
    sc.tl.c2s_stratify(adata, "donor", features=["c2s_score_program"], n_boot=20)
    free: dict[str, Any] = {"model": write, "constrain": False, "n_boot": 20, "n_genes": 20}
    sc.tl.c2s_perturb(adata, "IFN-beta", truth={"condition": "stim"}, groupby="lineage", program=PROGRAM, **free)
    sc.tl.c2s_fate(
        adata,
        time_key="time",
        target_time="6 h",
        prompt="Genes: {cell_sentence} {target_time}",
        model=write,
        constrain=False,
        n_genes=20,
        controls=False,
    )
    sc.tl.c2s_screen(
        adata,
        ["IFN-beta", "TNF", "IL-2"],
        program=PROGRAM,
        context_key="condition",
        positive="stim",
        neutral="ctrl",
        n_cells=20,
        n_null=2,
        **free,
    )
    sc.tl.c2s_experiments(
        adata, ["IFN-beta", "TNF"], groupby="lineage", donor_key="donor", n_cells=4, min_cells=3, **free
    )
    sc.tl.c2s_ask(adata, "Which genes stand out?", groupby="lineage", model=talk, markers=MARKERS)
    sc.tl.c2s_compare(adata, "lineage", "B", "myeloid", model=talk, markers=MARKERS)
    sc.tl.c2s_abstract(adata, groupby="donor", model=talk, markers=MARKERS)
    scc2s.tl.chat(adata, groupby="lineage", groups=["B"], model=talk, markers=MARKERS).ask("What are these?")
    sc.pp.c2s_interactions(adata, KNOWN, extracellular=False)
    sc.tl.c2s_hypothesize(adata, "lineage", "B", "myeloid", interactions="interactions", model=talk, markers=MARKERS)
    sc.pp.c2s_contexts(adata, groupby="donor", n_cells=4, n_contexts=2)
    sc.tl.c2s_embed(adata, contexts="contexts", model=vectors(), prompt="{multi_cell_sentences}")
    sc.pp.c2s_neighborhoods(adata, radius=40, unit="um", spatial_unit="um", n_contexts=15, n_cells=4, matched="lineage")
    yes_no = CallableModel(
        score=lambda prompts, choices: np.array([[len(p) % 3, 1.0] for p in prompts], dtype=float), id="yes or no"
    )
    sc.tl.c2s_same_neighborhood(adata, model=yes_no, part="all", n_boot=20)
    sc.tl.c2s_generate_neighbor(
        adata, model=write, prompt="{multi_cell_sentences}\nOne more:", constrain=False, n_boot=20
    )
    sc.tl.c2s_benchmark(
        adata, "annotate", models={"good": scorer(), "poor": scorer(0.0)}, label_key="lineage", prompt="{cell_sentence}"
    )
    return adata


def _has_ontology() -> bool:
    from importlib.util import find_spec

    return find_spec("cellxgene_ontology_guide") is not None
