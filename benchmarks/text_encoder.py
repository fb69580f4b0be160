"""Does a general encoder of sentences tell right descriptions of cells from wrong ones? On captions of PBMC types.

Run: python benchmarks/text_encoder.py --data DATA --encoder FOLDER (e.g. all-MiniLM-L6-v2)

Captions (planted: "A B cell, marked by ..." and the three highest genes of the type; and those that scc2s-mini writes
of one cell of each type) are compared with a plain description of their own type, and of every other type. The plain
descriptions hold no gene. Beside it: a text that has nothing to do with cells.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
from caption_grounding import article

import scc2s
from scc2s._cells.groups import top_genes
from scc2s.metrics import bertscore, encoder_from

if TYPE_CHECKING:
    from collections.abc import Callable

DESCRIPTIONS = {
    "B cell": "These are B lymphocytes, which make antibodies and present antigen to T cells.",
    "CD14+ monocyte": "These are classical monocytes, phagocytes that circulate in blood and react to bacteria.",
    "FCGR3A+ monocyte": "These are non-classical monocytes, which patrol the walls of blood vessels.",
    "NK cell": "These are natural killer cells, innate lymphocytes that kill infected cells and tumour cells.",
    "CD8 T cell": "These are cytotoxic T lymphocytes, which recognise infected cells by their receptor.",
    "naive CD4 T cell": "These are helper T lymphocytes that have not met their antigen yet.",
    "memory CD4 T cell": "These are helper T lymphocytes that have met their antigen before.",
    "dendritic cell": "These are dendritic cells, which take up antigen and show it to T lymphocytes.",
    "platelet": "These are platelets, fragments of megakaryocytes that stop bleeding.",
}
OTHER = "The train to the airport leaves at nine from platform four."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with pbmc3k.h5ad")
    parser.add_argument("--encoder", required=True, help="folder of a transformers model")
    args = parser.parse_args()
    encoder = encoder_from(args.encoder)
    adata = ad.read_h5ad(args.data / "pbmc3k.h5ad")
    scc2s.pp.sentences(adata)
    genes = top_genes(adata, "cell_type", 3, key=None, sentence_key="c2s_sentence")
    planted = {name: f"{article(name)} {name}, marked by {', '.join(genes[name])}." for name in DESCRIPTIONS}
    scc2s.tl.caption(adata, groupby="cell_type", n_cells=1, controls=False)
    table = adata.uns["c2s"]["captions"].set_index("group")
    written = {name: str(table.loc[name, "text"]) for name in DESCRIPTIONS}
    for source, captions in (("planted", planted), ("scc2s-mini", written)):
        for name, text in captions.items():
            print(f"{source}: {name}: {text}")
        print(json.dumps({"captions": source, **scores(captions, encoder)}))


def scores(captions: dict[str, str], encoder: Callable[[str], object]) -> dict[str, float]:
    """Means over captions: beside the description of their own type, of others, and a text about something else."""
    texts, described = list(captions.values()), [DESCRIPTIONS[name] for name in captions]
    n = len(texts)
    pairs = [(text, other) for text in texts for other in [*described, OTHER]]
    f1 = bertscore([a for a, _ in pairs], [b for _, b in pairs], encoder).f1.reshape(n, n + 1)
    vectors = np.stack([np.asarray(encoder(text).vectors).mean(axis=0) for text in [*texts, *described, OTHER]])  # type: ignore[attr-defined]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = vectors[:n] @ vectors[n:].T
    out = {}
    for name, found in (("bertscore_f1", f1), ("cosine", cosine)):
        square, own = found[:, :n], np.eye(n, dtype=bool)
        out |= {
            f"{name}_right": round(float(square[own].mean()), 3),
            f"{name}_wrong": round(float(square[~own].mean()), 3),
            f"{name}_other_text": round(float(found[:, n].mean()), 3),
            f"{name}_right_is_best": round(float((square.argmax(axis=1) == np.arange(n)).mean()), 3),
        }
    return out


if __name__ == "__main__":
    main()
