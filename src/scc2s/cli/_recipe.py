"""A recipe of training: a TOML file in which every key has a name that is known and a value of its kind."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

NUMBER = (int, float)


def _key(kind: type | tuple[type, ...], default: Any = MISSING, *, choices: tuple[str, ...] = ()) -> Any:
    about = {"kind": kind, "choices": choices}
    if default is MISSING:
        return field(metadata=about)
    if isinstance(default, list | dict):
        return field(default_factory=default.copy, metadata=about)
    return field(default=default, metadata=about)


@dataclass
class Data:
    """One file of cells: a table ``[[data]]``."""

    file: str = _key(str)
    tasks: list[str] = _key(list, ["cell_type"])
    n_samples: int | None = _key(int, None)
    """Samples of each task, drawn from all; none: one of each cell (or pair)."""
    copies: int = _key(int, 1)
    n_genes: int = _key(int, 200)
    columns: dict[str, str] = _key(dict, {})
    organism: str | None = _key(str, None)
    layer: str | None = _key(str, None)
    gene_symbols: str | None = _key(str, None)
    mod: str | None = _key(str, None)
    split: str = _key(str, "cells", choices=("cells", "donor", "study"))
    key: str | None = _key(str, None)
    held_out: list[str] | None = _key(list, None)
    val: float = _key(NUMBER, 0.1)
    test: float = _key(NUMBER, 0.2)
    perturbation: str | None = _key(str, None)
    control: str | None = _key(str, None)
    match: list[str] = _key(list, [])
    varied: bool = _key(bool, True)
    share: float = _key(NUMBER, 1.0)
    """Of the steps, where samples are drawn afresh: weight of each task of this file."""


@dataclass
class New:
    """A model with random weights: the table ``[new_model]``."""

    n_layers: int = _key(int, 4)
    width: int = _key(int, 192)
    n_heads: int | None = _key(int, None)
    window: int = _key(int, 1024)
    dropout: float = _key(NUMBER, 0.05)
    n_gene_tokens: int = _key(int, 14000)
    n_pieces: int = _key(int, 1400)
    vectors: bool = _key(bool, True)


@dataclass
class Training:
    """How: the table ``[training]``."""

    method: str | None = _key(str, None, choices=("lora", "full"))
    epochs: float = _key(NUMBER, 1.0)
    steps: int | None = _key(int, None)
    """Of samples that are drawn afresh for each; none: epochs of samples that stay."""
    add_genes: bool = _key(bool, False)
    batch_size: int = _key(int, 16)
    learning_rate: float | None = _key(NUMBER, None)
    early_stopping: int | None = _key(int, 3)
    max_length: int | None = _key(int, None)
    rank: int = _key(int, 16)
    alpha: float = _key(NUMBER, 32.0)
    dropout: float = _key(NUMBER, 0.0)
    target_modules: str | list[str] = _key((str, list), "auto")
    quantization: str | None = _key(str, None, choices=("4bit", "8bit"))
    license: str | None = _key(str, None)
    trl: dict[str, Any] = _key(dict, {})
    """Further fields of ``trl.SFTConfig``."""


@dataclass
class Recipe:
    """What is trained on what, and how."""

    output: str = _key(str)
    model: str | None = _key(str, None)
    new_model: New | None = field(default=None, metadata={"kind": dict, "choices": ()})
    seed: int = _key(int, 0)
    data: list[Data] = _key(list, [])
    training: Training = field(default_factory=Training, metadata={"kind": dict, "choices": ()})


def read(path: Path) -> Recipe:
    """The recipe in a file; paths in it are relative to its folder.

    Raises
    ------
    FileNotFoundError
        If the file, or a file of cells, is not there.
    ValueError
        If it is no TOML, a key is missing or not known, or a value is not of its kind.
    """
    if not path.is_file():
        msg = f"there is no file {path}; write a recipe, or start from the one that `scc2s train --example` prints"
        raise FileNotFoundError(msg)
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not TOML: {error}; see `scc2s train --example`"
        raise ValueError(msg) from None
    recipe: Recipe = _filled(Recipe, said, str(path))
    tables: list[Any] = recipe.data
    if not tables:
        msg = f"{path} has no [[data]]; add one with file = a file of cells"
        raise ValueError(msg)
    if not all(isinstance(table, dict) for table in tables):
        msg = f"{path}: data is no list of tables; write [[data]] above the keys of each file"
        raise ValueError(msg)
    recipe.data = [_filled(Data, table, f"{path}, [[data]] {i + 1}") for i, table in enumerate(tables)]
    if isinstance(recipe.training, dict):
        recipe.training = _filled(Training, recipe.training, f"{path}, [training]")
    if isinstance(recipe.new_model, dict):
        recipe.new_model = _filled(New, recipe.new_model, f"{path}, [new_model]")
    _check(recipe, str(path))
    for data in recipe.data:
        data.file = str(path.parent / Path(data.file).expanduser())
        if not Path(data.file).exists():
            msg = f"there is no file of cells {data.file}; paths in a recipe are relative to its folder"
            raise FileNotFoundError(msg)
    recipe.output = str(path.parent / Path(recipe.output).expanduser())
    if recipe.model is not None and (path.parent / Path(recipe.model).expanduser()).is_dir():
        recipe.model = str(path.parent / Path(recipe.model).expanduser())
    return recipe


def _check(recipe: Recipe, where: str) -> None:
    """Refuse keys that do not go together, and settle what depends on others."""
    how = recipe.training
    if (recipe.model is None) == (recipe.new_model is None):
        msg = (
            f"{where}: a model to begin with is named by the key model, or made by a table [new_model]; give one of "
            f"them, not {'both' if recipe.model else 'neither'}"
        )
        raise ValueError(msg)
    whole = recipe.new_model is not None or how.add_genes
    if whole and how.method == "lora":
        what = "[new_model] begins with random weights" if recipe.new_model else "add_genes changes the model itself"
        msg = f'{where}, [training]: {what}, so an adapter is not enough; write method = "full"'
        raise ValueError(msg)
    how.method = how.method or ("full" if whole else "lora")
    if how.steps is not None and how.steps < 1:
        msg = f"{where}, [training]: steps = {how.steps} trains on nothing; write a whole number from 1"
        raise ValueError(msg)
    for data in recipe.data:
        if not data.share > 0:
            msg = f"{where}: share = {data.share} of {data.file} is not above 0; leave the [[data]] out"
            raise ValueError(msg)
        if how.steps is not None and (data.copies != 1 or data.n_samples is not None):
            msg = f"{where}: with steps each sample is drawn afresh; leave copies and n_samples of {data.file} out"
            raise ValueError(msg)


def _filled(kind: type[Any], said: dict[str, Any], where: str) -> Any:
    known = {one.name: one for one in fields(kind)}
    for name, value in said.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            mend = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            msg = f"{where}: there is no key {name!r}; {mend}"
            raise ValueError(msg)
        about = known[name].metadata
        kinds = about["kind"] if isinstance(about["kind"], tuple) else (about["kind"],)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            names = " or ".join(_TOML.get(one, one.__name__) for one in kinds)
            msg = f"{where}: {name} = {value!r} is not {names}"
            raise ValueError(msg)
        if about["choices"] and value not in about["choices"]:
            msg = f"{where}: {name} = {value!r} is not known; one of {', '.join(map(repr, about['choices']))}"
            raise ValueError(msg)
    for name, one in known.items():
        if one.default is MISSING and one.default_factory is MISSING and name not in said:
            msg = f"{where}: the key {name!r} is missing"
            raise ValueError(msg)
    return kind(**said)


_TOML = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
    bool: "true or false",
}
EXAMPLE = """\
# scc2s train recipe.toml --dry-run     shows samples, tokens, memory and time
# scc2s train recipe.toml               trains; a stopped run goes on
model = "scc2s-mini"          # catalogue name, hub id or folder of the model to begin with
output = "runs/mine"          # checkpoints, and the finished model or adapter in its folder "model"
seed = 0

[[data]]                      # one for each file of cells
file = "cells.h5ad"
tasks = ["cell_type"]         # "cell_type", "generate", "generate_unconditional", "caption", "perturb"
columns = { cell_type = "louvain" }   # columns of obs, where they have another name
n_genes = 200                 # genes of a sentence
# n_samples = 2000            # of each task; without it one of each cell
# copies = 1                  # of each cell, varied anew
# varied = true               # prompts: fewer molecules, and some genes left out
# organism = "Homo sapiens"
# layer = "counts"            # where expression is; also gene_symbols, mod
split = "cells"               # what is held out: "cells", or whole donors or studies: "donor", "study"
# key = "patient"             # column of donors or studies
# held_out = ["p7", "p9"]     # donors of the test
val = 0.1                     # share for the validation, that training stops by
test = 0.2                    # share that is left for you to measure on
# perturbation = "condition"  # for "perturb": column, its control, and what pairs share
# control = "ctrl"
# match = ["cell_type", "donor"]

[training]
method = "lora"               # an adapter beside the model; "full": all weights
epochs = 1                    # or steps, of samples that are drawn afresh: see `scc2s train --example-new`
# add_genes = false           # true: tokens for genes of the cells that the model has none for (with "full")
batch_size = 16
# learning_rate = 1e-4        # without it 5e-4 for an adapter, 1e-4 for all weights
early_stopping = 3
rank = 16                     # of the adapter; also alpha, dropout, target_modules, quantization = "4bit"
# max_length = 1024           # tokens of the longest sample
# license = "cc-by-4.0"       # of the result
# trl = { warmup_steps = 20 } # further fields of trl.SFTConfig
"""
EXAMPLE_NEW = """\
# scc2s train recipe.toml --dry-run     shows samples, tokens, memory and time
# scc2s train recipe.toml               trains; a stopped run goes on
output = "runs/new"           # checkpoints, and the finished model in its folder "model"

[new_model]                   # random weights, of the shape of scc2s-mini: it knows nothing until it is trained
n_layers = 4
width = 192
n_heads = 3
window = 1024                 # tokens of the longest prompt and answer together
dropout = 0.05                # share of hidden values that are left out in training
n_gene_tokens = 14000         # genes with a token of their own: those found in most training cells
n_pieces = 1400               # tokens of all other text
vectors = true                # genes of like use begin alike (scc2s.train.gene_vectors)

[[data]]                      # one for each file of cells, with the keys of `scc2s train --example`
file = "cells.h5ad"
tasks = ["cell_type"]
columns = { cell_type = "louvain" }
share = 3                     # weight of each task of this file among the steps

[[data]]
file = "cells.h5ad"
tasks = ["generate"]
columns = { cell_type = "louvain" }
share = 1

[training]
steps = 20000                 # samples are drawn afresh for each: other cells, fewer molecules, ties in a new order
batch_size = 24
learning_rate = 1e-3
# up over 300 steps, level, and down over the last quarter, as scc2s-mini
trl = { lr_scheduler_type = "warmup_stable_decay", warmup_steps = 300, lr_scheduler_kwargs = { num_decay_steps = 5000, \
decay_type = "linear" }, weight_decay = 0.05, adam_beta2 = 0.98, save_steps = 500, logging_steps = 50, \
dataloader_num_workers = 1 }
"""
