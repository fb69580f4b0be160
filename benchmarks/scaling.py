"""What small models gain from more parameters and more cells: three sizes, three shares of the cells, full and LoRA.

Run: python benchmarks/scaling.py --data DATA [--run runs/scaling] [--figure scaling.png]

DATA is a folder with pbmc3k.h5ad and kang_ifnb.h5ad. Task: the cell type of a cell (60 genes of its sentence). Three
models of the kind of scc2s-mini first learn it on pbmc3k (training cells; what is held out there is not used). From
each of these bases, `train.scaling` goes on with 10, 30 and 100 % of the training cells of Kang's study, which the
bases have not seen: "full" trains all weights of the base, "lora" adapters on it (rank 8). No run but those of the
bases starts from random weights. The loss, and the share of types written to the letter, are those of held-out cells of
Kang's study, whose labels are derived (see the README of the data): figures say which run is better than which, not how
well cells are named. A stopped run goes on when called again. It is a test of the tool on very small models, and tells
nothing about large ones.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
from _setup import header, note

import scc2s
from scc2s import train
from scc2s.train._encode import encode

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

SIZES = {"1 layer of 32": (1, 32), "2 layers of 64": (2, 64), "4 layers of 128": (4, 128)}
FRACTIONS = (0.1, 0.3, 1.0)
SEEDS = (0,)
N_GENES = 60
RATES = {"full": 1e-3, "lora": 5e-3}
QUIET = {"disable_tqdm": True, "save_strategy": "epoch"}


def samples_of(path: Path) -> dict[str, pd.DataFrame]:
    """Cell types as prompts and completions: of training cells, and of held-out ones."""
    adata = ad.read_h5ad(path)
    adata.var_names_make_unique()
    adata = adata[adata.obs["cell_type"].notna()].copy()
    scc2s.pp.sentences(adata, n_genes=N_GENES)
    part = train.split(adata.obs_names, val=0.0, test=0.2)
    return {
        name: scc2s.pp.samples(adata[part == name].copy(), "cell_type", n_genes=N_GENES) for name in ("train", "test")
    }


def tokenizer_of(tables: list[pd.DataFrame]) -> PreTrainedTokenizerFast:
    """One token for each gene that stands in a sentence of a training cell."""
    words = sorted({word.strip(".,:;") for table in tables for text in table["prompt"] for word in text.split()})
    genes = [word for word in words if word.isupper() or "-" in word]
    return train.gene_tokenizer(genes, pd.concat(tables)["completion"].tolist() + tables[0]["prompt"].head(20).tolist())


def base(folder: Path, name: str, table: pd.DataFrame, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A model of a size that has learned the first study; made once."""
    layers, width = SIZES[name]
    model = train.new_model(tokenizer, n_layers=layers, width=width, max_length=256)
    where = folder / f"base-{layers}-{width}"
    return train.sft(
        model, table, where, tokenizer=tokenizer, epochs=4, batch_size=16, learning_rate=2e-3, **QUIET
    ).folder


def to_the_letter(table: pd.DataFrame):
    """A score: share of held-out cells whose type a model writes to the letter, word by word the likeliest."""
    import torch

    def score(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> dict[str, float]:
        tokens = encode(tokenizer, table, max_length=None, window=None)
        right = []
        with torch.no_grad():
            for ids, n_prompt in zip(tokens.ids, tokens.n_prompt, strict=True):
                row = torch.from_numpy(np.asarray(ids, dtype=np.int64))[None]
                # a text is what greedy decoding writes if each of its tokens is the likeliest after those before it
                best = model(input_ids=row).logits[0, n_prompt - 1 : -1].argmax(dim=-1)
                right.append(bool((best == row[0, n_prompt:]).all()))
        return {"right": float(np.mean(right))}

    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("SCC2S_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument(
        "--run", type=Path, default=Path("runs/scaling"), help="folder of the runs, which go on from it"
    )
    parser.add_argument("--figure", type=Path, help="also draw the losses into this file")
    args = parser.parse_args()
    print(header(), flush=True)
    first, second = samples_of(args.data / "pbmc3k.h5ad"), samples_of(args.data / "kang_ifnb.h5ad")
    tokenizer = tokenizer_of([first["train"], second["train"]])
    models = {name: base(args.run, name, first["train"], tokenizer) for name in SIZES}
    held_out = second["test"]
    held_out = held_out[~held_out["prompt"].isin(second["train"]["prompt"])]
    found = train.scaling(
        models,
        second["train"],
        held_out,
        args.run / "kang",
        fractions=FRACTIONS,
        seeds=SEEDS,
        learning_rate=RATES,
        batch_size=16,
        epochs=2,
        score=to_the_letter(held_out),
        **QUIET,
    )
    report(found)
    commonest = held_out["completion"].value_counts(normalize=True).iloc[0]
    print(f"the commonest type is {commonest:.1%} of the held-out cells")
    found.table.to_csv(args.run / "table.csv", index=False)
    if args.figure is not None:
        scc2s.pl.scaling(found, show=False).figure.savefig(args.figure, dpi=150, bbox_inches="tight")


def report(found: train.Scaling) -> None:
    """Print all runs and curves, and keep the rows."""
    columns = ["size", "regime", "fraction", "n_parameters", "n_trained", "n_samples", "loss_before", "loss", "right"]
    print(found.table[[*columns, "seconds"]].to_string(index=False), found.text(), sep="\n")
    for regime in sorted(found.table["regime"].unique()):
        fit = found.fit(regime=regime)
        print(f"{regime}: {fit.text()}", json.dumps(fit.parameters), sep="\n")
    for value, unit, what in (("loss", "nats a token", "loss of"), ("right", "share", "written to the letter:")):
        for (fraction, size, regime), runs in found.table.groupby(["fraction", "size", "regime"], sort=False):
            task = f"{what} held-out cell types of a second study, {fraction:.0%} of its training cells"
            weights = "all weights" if regime == "full" else "LoRA"
            note(
                task,
                f"{size} ({int(runs['n_parameters'].iloc[0]):,} parameters), {weights}",
                unit,
                runs[value].to_numpy(),
            )


if __name__ == "__main__":
    main()
