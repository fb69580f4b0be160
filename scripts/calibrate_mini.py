"""Fit the temperature of scc2s-mini's label probabilities on a study that it was not trained on, and measure it there.

    python scripts/calibrate_mini.py --data DATA --model FOLDER   # prints; --write puts the temperature into scc2s.json

Study: pbmc_citeseq (10x Genomics, two donors; labels gated on surface proteins, cells that no gate claims left out). The
temperature is fitted on the donor of 5,000 cells, and calibration and the finding of types that are not on the list are
measured on both. Labels offered: the five that the study has.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import mudata
import numpy as np

import scc2s
from scc2s.metrics import auroc, calibration
from scc2s.models import Taught

FITTED_ON = "pbmc_5k_protein_v3"
CACHE = Path(tempfile.mkdtemp()) / "scores"
"""Questions are the same at every temperature."""


def probabilities(adata, model, labels: list[str], temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Of the labels and of none of them, cells x (labels + 1)."""
    model.taught = replace(model.taught, temperature=temperature)
    scc2s.tl.annotate(adata, labels=labels, model=model, controls=False, cache=CACHE)
    none = adata.obs["c2s_cell_type_none"].to_numpy()
    return np.column_stack([adata.obsm["c2s_cell_type_probs"].to_numpy() * (1 - none)[:, None], none]), none


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    adata = mudata.read_h5mu(args.data / "pbmc_citeseq.h5mu")["rna"]
    adata = adata[(adata.obs["cell_type"] != "unassigned").to_numpy()].copy()
    scc2s.pp.sentences(adata)
    true = adata.obs["cell_type"].astype(str).to_numpy()
    labels = sorted(set(true))
    fitted = (adata.obs["donor"].astype(str) == FITTED_ON).to_numpy()
    model = scc2s.models.load(str(args.model), device="cpu", dtype="float32")
    before = model.taught if isinstance(model.taught, Taught) else Taught()
    column = np.array([labels.index(t) for t in true])

    def loss(temperature: float) -> float:
        probs, _ = probabilities(adata[fitted].copy(), model, labels, temperature)
        return float(-np.log(np.maximum(probs[np.arange(fitted.sum()), column[fitted]], 1e-12)).mean())

    tried = np.round(np.exp(np.linspace(np.log(0.7), np.log(3.5), 12)), 2)
    best = float(min(tried, key=loss))
    print(f"temperature {best}, fitted on {fitted.sum()} cells of {FITTED_ON}")
    for temperature in (1.0, best):
        probs, _ = probabilities(adata, model, labels, temperature)
        for name, rows in (("fitted on", fitted), ("held out", ~fitted)):
            found = calibration(probs[rows], true[rows], labels=[*labels, "none"], bins="mass")
            print(
                f"T={temperature}, {name}, {found.n} cells: accuracy {found.accuracy:.3f}, confidence {found.confidence:.3f}, "
                f"ECE {found.ece:.3f} ({found.ece_if_calibrated:.3f} if calibrated), Brier {found.brier:.3f}"
            )
    for left_out in labels:
        _, none = probabilities(adata, model, [label for label in labels if label != left_out], best)
        print(f"{left_out} not on the list: AUROC of 'none' {auroc(none, true == left_out):.3f}")
    if args.write:
        path = args.model / "scc2s.json"
        about = json.loads(path.read_text()) | {"temperature": best}
        path.write_text(json.dumps(about, indent=1) + "\n")
    model.taught = before


if __name__ == "__main__":
    main()
