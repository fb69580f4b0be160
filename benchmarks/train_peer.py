"""One whole call of fine-tuning on cells, by scc2s or by cell2sentence: for `train.py --peer`.

    python benchmarks/train_peer.py scc2s|cell2sentence MODEL FOLDER CELLS

The peer runs in an environment with transformers 4 (its trainer takes a tokenizer by a name that transformers 5
dropped) and without scc2s. Both read the same cells of pbmc68k_reduced, write sentences of 100 genes, and learn cell
types of all of them three times, in batches of 16, in float32; the peer also wants cells to validate with, and gets
one. A cell counts as often as it is read.
"""

from __future__ import annotations

import os
import resource
import sys
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

BATCH, N_GENES, EPOCHS = 16, 100, 3


def cells(n: int):
    import numpy as np
    import scanpy as sc

    adata = sc.datasets.pbmc68k_reduced().raw.to_adata()
    adata.obs["cell_type"] = adata.obs["bulk_labels"].astype(str)
    adata.obs["organism"] = "Homo sapiens"
    adata.var_names = adata.var_names.astype(str)
    return adata[np.random.default_rng(0).permutation(adata.n_obs)[:n]].copy()


def by_scc2s(model: str, folder: str, n: int) -> float:
    import scc2s

    adata = cells(n)
    start = time.perf_counter()
    samples = scc2s.pp.samples(adata, "cell_type", n_genes=N_GENES)
    quiet = {"save_strategy": "no", "disable_tqdm": True, "logging_steps": 10**6}
    scc2s.train.sft(model, samples, folder, batch_size=BATCH, epochs=EPOCHS, learning_rate=1e-4, **quiet)
    return time.perf_counter() - start


def by_cell2sentence(model: str, folder: str, n: int) -> float:
    import cell2sentence as cs
    from transformers import TrainingArguments

    adata = cells(n)
    start = time.perf_counter()
    arrow, vocabulary = cs.CSData.adata_to_arrow(adata, label_col_names=["cell_type", "organism"])
    data = cs.CSData.csdata_from_arrow(arrow, vocabulary, save_dir=folder, save_name="data")
    out = f"{folder}/out"
    os.makedirs(out, exist_ok=True)  # noqa: PTH103  # this environment has nothing of ours
    arguments = TrainingArguments(
        output_dir=out,
        per_device_train_batch_size=BATCH,
        learning_rate=1e-4,
        num_train_epochs=EPOCHS,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_steps=10**6,
    )
    cs.CSModel(model_name_or_path=model, save_dir=folder, save_name="model").fine_tune(
        data,
        "cell_type_prediction",
        arguments,
        top_k_genes=N_GENES,
        data_split_indices_dict={"train": list(range(n)), "val": [0]},
        num_proc=1,
    )
    return time.perf_counter() - start


def main() -> None:
    side, model, folder, n = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    seconds = {"scc2s": by_scc2s, "cell2sentence": by_cell2sentence}[side](model, folder, n)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = f"{EPOCHS * n / seconds:8.2f} cells/s of the whole call"
    print(f"{side:16}{rate}, {peak:6.0f} MB at the highest ({n} cells, {EPOCHS} times)")


if __name__ == "__main__":
    main()
