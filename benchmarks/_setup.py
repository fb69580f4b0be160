"""What benchmarks share: a random model of Pythia-70m's shape, real prompts, how time and memory are taken."""

from __future__ import annotations

import json
import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def build_model(dtype: str = "float32"):
    """GPT-NeoX with 6 layers of 512 and 50304 tokens: the shape of Pythia-70m, random weights."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=50304,
        hidden_size=512,
        num_hidden_layers=6,
        num_attention_heads=8,
        intermediate_size=2048,
        max_position_embeddings=2048,
        rotary_pct=0.25,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPTNeoXForCausalLM(config).eval().to(getattr(torch, dtype))


def build_tokenizer():
    """The tokenizer of Pythia where the example data is, else a stand-in of the same kind trained on gene names."""
    from transformers import PreTrainedTokenizerFast

    folder = Path(os.environ.get("SCC2S_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    path = folder / "gpt_neox_20b_tokenizer.json"
    if path.is_file():
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(path))
        name = "GPT-NeoX-20B"
    else:
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=_stand_in())
        name = "stand-in, byte-level BPE"
    tokenizer.eos_token = tokenizer.pad_token = "<|endoftext|>"
    return tokenizer, name


def _stand_in():
    import scanpy as sc
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=800,  # about 3.5 tokens a gene, as with the real one
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join(sc.datasets.pbmc68k_reduced().var_names)], trainer)
    return tokenizer


def build_prompts(n: int, *, genes: tuple[int, int]) -> list[str]:
    """Cell-type prompts of real cells, each with a number of genes drawn from a range."""
    import scanpy as sc

    import scc2s

    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata, n_genes=genes[1])
    rng = np.random.default_rng(0)
    cells = rng.choice(adata.n_obs, n, replace=False)
    words = [adata.obs["c2s_sentence"].iloc[cell].split()[: rng.integers(*genes, endpoint=True)] for cell in cells]
    fields = {"organism": "Homo sapiens"}
    return scc2s.prompts.get("cell_type").render([" ".join(row) for row in words], fields).texts


def seconds(*functions: Callable[[], object], repeats: int) -> np.ndarray:
    """Wall time of each function, functions x repeats, taken in turns so that other load hits all alike."""
    for function in functions:
        function()
    taken = np.empty((len(functions), repeats))
    for repeat in range(repeats):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            taken[i, repeat] = time.perf_counter() - start
    return taken


def peak_added(function: Callable[[], object]) -> float:
    """Megabytes of resident memory at the highest point above those before the call (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    function()
    return (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def header() -> str:
    """Machine and versions."""
    import torch

    from scc2s.models._torch._device import cpu_features

    fast = sorted({"avx512_bf16", "amx_bf16", "avx512_vnni"} & cpu_features())
    names = ("scc2s", "torch", "transformers", "numpy")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return (
        f"{cpu}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {' '.join(fast) or 'no bf16'}\n"
        f"Python {platform.python_version()}, {packages}"
    )


def note(task: str, side: str, unit: str, values: np.ndarray, *, beside: np.ndarray | None = None) -> None:
    """Keep a row for `run.py`: what was measured of one side and, as a ratio in turns, of the side it stands beside.

    Parameters
    ----------
    task, side
        What was done, by whom. Sides of one task stand together.
    unit
        Of the values.
    values
        One for each repeat.
    beside
        Values of the side that others are compared with; higher is faster in `values` and here.
    """
    if path := os.environ.get("SCC2S_BENCH"):
        row = {"task": task, "side": side, "unit": unit, **_three("", values)}
        row |= {} if beside is None else _three("ratio_", values / beside)
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def _three(prefix: str, values: np.ndarray) -> dict[str, float]:
    numbers = {"median": np.median(values), "least": values.min(), "most": values.max()}
    return {f"{prefix}{name}": float(f"{value:.4g}") for name, value in numbers.items()}


def spread(values: np.ndarray) -> str:
    """Median and range."""
    return f"{np.median(values):.2f} ({values.min():.2f}-{values.max():.2f})"
