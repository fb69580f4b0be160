from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s._io import write_text
from scc2s._logging import logger

from ._base import Base, open_base
from ._divide import divide
from ._encode import encode
from ._held_out import answer_hash, held_out_loss
from ._lora import lora as train_lora
from ._ranks import barrier, is_first_rank
from ._scaling_result import Scaling
from ._settings import folder_of
from ._sft import require_trl, sft
from ._subsets import nested
from ._tables import COLUMNS, check_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from ._trained import Trained

    Maker = Callable[[int], tuple[PreTrainedModel, PreTrainedTokenizerFast]]

REGIMES = ("full", "lora")
_RESULT = "result.json"
_SETTINGS = "settings.json"
_TRAINING = "training"


@dataclass(frozen=True)
class _Run:
    size: str
    regime: str
    fraction: float
    seed: int

    @property
    def folder(self) -> str:
        return f"{re.sub(r'[^A-Za-z0-9.-]', '_', self.size)}-{self.regime}-{self.fraction:g}-{self.seed}"


def scaling(
    models: Mapping[str, str | Path | Maker],
    samples: pd.DataFrame,
    validation: pd.DataFrame,
    output_dir: str | Path,
    *,
    fractions: Sequence[float] = (0.1, 0.3, 1.0),
    regimes: Sequence[str] = REGIMES,
    seeds: Sequence[int] = (0,),
    groupby: str | None = None,
    score: Callable[[PreTrainedModel, PreTrainedTokenizerFast], Mapping[str, float]] | None = None,
    learning_rate: float | Mapping[str, float] = 1e-3,
    batch_size: int = 32,
    epochs: float = 1.0,
    max_length: int | None = None,
    lora: Mapping[str, Any] | None = None,
    keep_models: bool = False,
    **arguments: Any,
) -> Scaling:
    """Train models of several sizes on parts of the samples, in several ways, and hold their losses side by side.

    Each run is one call of :func:`sft`, followed by the loss of the same held-out samples. The samples of a smaller
    fraction are among those of a larger one. With equal `epochs` more data also means more steps; ``max_steps=`` gives
    all runs the same number. Losses of different runs say what *these* models gain from *these* data: small sizes and
    few points do not tell what larger ones would do, and no text or curve here reaches beyond the points.

    A finished run is kept in `output_dir`; called again, only the others are done, and one that was stopped goes on
    from its last checkpoint. Sizes, fractions, regimes and seeds may be added; samples and settings may not change.

    Parameters
    ----------
    models
        By name: the folder or hub id of a model that each run starts from, or a function that makes one from a seed,
        ``make(seed) -> (model, tokenizer)``, e.g. with :func:`new_model`. All have to cut the completions into the same
        tokens, as losses are by token.
    samples
        Columns ``prompt``, ``completion``, ``task``, from :func:`scc2s.pp.samples`. With a column ``split`` only
        ``"train"`` is trained on.
    validation
        Held-out samples with the same columns, of other cells than `samples`.
    output_dir
        Folder of the runs.
    fractions
        Shares of the samples of each task, or of the groups: over 0, at most 1.
    regimes
        ``"full"``: all weights are trained. ``"lora"``: adapters on the weights that `models` gives, which stay as they
        are (Hu et al. 2021, arXiv:2106.09685); of use where these have been trained before.
    seeds
        Each draws its own fractions, order of samples, weights (where a function makes them), and adapters.
    groupby
        Column of `samples`, e.g. of donors, whose groups are in a fraction with all their samples, or not at all.
    score
        Further figures of each finished model by name, ``score(model, tokenizer) -> {"accuracy": 0.9}``.
    learning_rate
        One number, or one for each regime: ``{"full": 1e-3, "lora": 1e-2}``.
    batch_size, epochs, max_length, **arguments
        As in :func:`sft`.
    lora
        Shape of the adapters, as :func:`scc2s.train.lora` takes it: ``{"rank": 16, "alpha": 32}``.
    keep_models
        Whether weights (or adapters) of each run are kept, in the ``model`` folder of the run.

    Returns
    -------
    The table of all runs, with :meth:`Scaling.fit` and :meth:`Scaling.text`; :func:`scc2s.pl.scaling` draws it.

    Raises
    ------
    ImportError
        If TRL or PEFT are not installed.
    ValueError
        If an argument is not one of those above, a held-out sample is trained on, tokenizers differ, or `output_dir`
        has runs of other samples or settings.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from scc2s import train
    >>> genes = [f"G{i}" for i in range(8)]
    >>> texts = [(f"Genes: G{i % 8} G{i // 8}. Type:", [" B cell", " T cell"][i % 2]) for i in range(40)]
    >>> table = pd.DataFrame(texts, columns=["prompt", "completion"]).assign(task="cell_type")
    >>> tokenizer = train.gene_tokenizer(genes, ["Genes: Type: B cell T cell"], n_pieces=300)
    >>> def tiny(seed):
    ...     return train.new_model(tokenizer, n_layers=1, width=32, seed=seed), tokenizer
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     found = train.scaling({"tiny": tiny}, table[:32], table[32:], folder, regimes=["full"])
    >>> found.table["n_samples"].tolist()  # doctest: +SKIP
    [4, 10, 32]
    """
    require_trl()
    runs = _planned(models, fractions, regimes, seeds)
    rates = _rates(learning_rate, regimes)
    check_samples(validation, "validation")
    samples, _ = divide(samples, validation)
    _check_groups(samples, validation, groupby)
    folder = folder_of(output_dir)
    settings = {
        "samples": _hash(samples, groupby),
        "validation": _hash(validation, None),
        "groupby": groupby,
        "batch_size": batch_size,
        "epochs": epochs,
        "max_length": max_length,
        "lora": dict(lora or {}),
        **arguments,
    }
    _same_settings(folder, settings)
    left = [run for run in runs if not _finished(folder, run, rates[run.regime])]
    logger.info("%d of %d runs are done in %s", len(runs) - len(left), len(runs), folder)
    tasks = validation["task"].astype(str).to_numpy()
    for number, run in enumerate(left, 1):
        rows = nested(samples, run.fraction, groupby=groupby, seed=run.seed)
        part = samples.iloc[rows][[*COLUMNS, "task"]].reset_index(drop=True)
        base = _start(models[run.size], run.seed)
        lm, tokenizer = base.lm, base.tokenizer
        tokens = encode(tokenizer, validation, max_length=max_length, window=base.window, what="validation")
        _same_tokens(folder, answer_hash(tokenizer, tokens), run.size)
        loss_of = partial(
            held_out_loss, tokens=tokens, tasks=tasks, batch_size=batch_size, pad_token=tokenizer.pad_token_id or 0
        )
        n_parameters, before = int(lm.num_parameters()), loss_of(lm)["loss"]
        began = time.time()
        how: dict[str, Any] = {
            "learning_rate": rates[run.regime],
            "batch_size": batch_size,
            "epochs": epochs,
            "max_length": max_length,
        }
        trained, done = _train(
            run.regime, lm, tokenizer, part, folder / run.folder, lora or {}, seed=run.seed, **how, **arguments
        )
        row: dict[str, Any] = {
            "size": run.size,
            "regime": run.regime,
            "fraction": run.fraction,
            "seed": run.seed,
            "n_parameters": n_parameters,
            "n_trained": n_parameters if run.regime == "full" else _n_of(trained) - n_parameters,
            "n_samples": len(part),
            "learning_rate": rates[run.regime],
            "n_steps": int(done.metrics["step"]),
            "seconds": round(time.time() - began, 2),
            "loss_before": before,
            **loss_of(trained),
        }
        row |= _scored(score, trained, tokenizer, taken=set(row))
        if is_first_rank():
            if keep_models:
                shutil.move(str(done.folder), folder / run.folder / done.folder.name)
            write_text(json.dumps(row, indent=1), folder / run.folder / _RESULT)
            shutil.rmtree(folder / run.folder / _TRAINING)
        barrier()
        logger.info(
            "run %d of %d, %s: held-out loss %.4g, before %.4g", number, len(left), run.folder, row["loss"], before
        )
    found = [json.loads((folder / run.folder / _RESULT).read_text(encoding="utf-8")) for run in runs]
    return Scaling(table=pd.DataFrame(found), folder=str(folder))


def _planned(
    models: Mapping[str, Any], fractions: Sequence[float], regimes: Sequence[str], seeds: Sequence[int]
) -> list[_Run]:
    """Runs in the order that they are done: small parts first, so that a first curve is soon there."""
    for name, given in (("models", models), ("fractions", fractions), ("regimes", regimes), ("seeds", seeds)):
        if isinstance(given, str) or not len(given) or len(set(given)) < len(list(given)):
            msg = f"{name}={given!r}: pass {name}= one or more of them, none twice"
            raise ValueError(msg)
    if wrong := [one for one in fractions if not 0 < one <= 1]:
        msg = f"{wrong[0]} is not a share of the samples; pass fractions= over 0, and at most 1"
        raise ValueError(msg)
    if unknown := [one for one in regimes if one not in REGIMES]:
        msg = f"regime {unknown[0]!r} is not known; pass regimes= of {list(REGIMES)}"
        raise ValueError(msg)
    order = product(sorted(fractions), seeds, models, regimes)
    runs = [_Run(str(size), str(regime), float(fraction), int(seed)) for fraction, seed, size, regime in order]
    if len({run.folder for run in runs}) < len(runs):
        msg = f"names of models={list(models)} are the same as names of folders; pass names of letters and digits"
        raise ValueError(msg)
    return runs


def _finished(folder: Path, run: _Run, rate: float) -> bool:
    path = folder / run.folder / _RESULT
    if not path.is_file():
        return False
    was = json.loads(path.read_text(encoding="utf-8"))["learning_rate"]
    if was != rate:
        msg = f"{path.parent} was run with learning_rate={was}, not {rate}; pass that one, or another output_dir="
        raise ValueError(msg)
    return True


def _rates(learning_rate: float | Mapping[str, float], regimes: Sequence[str]) -> dict[str, float]:
    if isinstance(learning_rate, (int, float)):
        return dict.fromkeys(REGIMES, float(learning_rate))
    if missing := [name for name in regimes if name not in learning_rate]:
        msg = f"learning_rate= has none for {missing[0]!r}; pass {{{missing[0]!r}: 1e-3, ...}} or one number"
        raise ValueError(msg)
    return {name: float(rate) for name, rate in learning_rate.items()}


def _check_groups(samples: pd.DataFrame, validation: pd.DataFrame, groupby: str | None) -> None:
    if groupby is None:
        return
    if groupby not in samples:
        msg = f"samples have no column {groupby!r}; pass groupby= one of {[str(c) for c in samples.columns]}"
        raise ValueError(msg)
    if n_without := int(samples[groupby].isna().sum()):
        msg = f"{n_without} samples have no {groupby}; give them one, or leave them out"
        raise ValueError(msg)
    if groupby in validation:
        shared = sorted(set(samples[groupby].astype(str)) & set(validation[groupby].dropna().astype(str)))
        if shared:
            msg = f"{groupby} {shared[0]!r} is in samples and in validation=; hold out whole groups: pp.split(adata)"
            raise ValueError(msg)


def _start(given: str | Path | Maker, seed: int) -> Base:
    return Base(*given(seed)) if callable(given) else open_base(given)


def _train(
    regime: str, lm: Any, tokenizer: Any, samples: pd.DataFrame, folder: Path, shape: Mapping[str, Any], **how: Any
) -> tuple[Any, Trained]:
    """The trained model, or the adapter around it, and its run."""
    where = folder / _TRAINING
    usual: dict[str, Any] = {"save_total_limit": 2, "logging_strategy": "epoch"}
    if regime == "full":
        done = sft(lm, samples, where, tokenizer=tokenizer, **usual | how)
        return lm, done
    from peft import PeftModel

    done = train_lora(lm, samples, where, tokenizer=tokenizer, **shape, **usual | how)
    return PeftModel.from_pretrained(lm, str(done.folder)), done


def _n_of(model: Any) -> int:
    return sum(int(p.numel()) for p in model.parameters())


def _same_tokens(folder: Path, own: str, size: str) -> None:
    path = folder / "tokens.json"
    if not path.is_file():
        if is_first_rank():
            write_text(json.dumps({"size": size, "hash": own}), path)
        return
    first = json.loads(path.read_text(encoding="utf-8"))
    if first["hash"] != own:
        msg = (
            f"models {first['size']!r} and {size!r} cut the completions into different tokens, so their losses by "
            "token do not compare; pass models= of one tokenizer"
        )
        raise ValueError(msg)


def _same_settings(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / _SETTINGS
    settings = json.loads(json.dumps(settings, default=str))
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        if changed := sorted(name for name in settings | before if before.get(name) != settings.get(name)):
            msg = f"{folder} has runs of other {', '.join(changed)}; pass output_dir= a new folder"
            raise ValueError(msg)
    elif is_first_rank():
        folder.mkdir(parents=True, exist_ok=True)
        write_text(json.dumps(settings, indent=1), path)


def _scored(
    score: Callable[..., Mapping[str, float]] | None, model: Any, tokenizer: Any, *, taken: set[str]
) -> dict[str, float]:
    if score is None:
        return {}
    was_training = model.training
    model.eval()
    try:
        found = {str(name): float(value) for name, value in score(model, tokenizer).items()}
    finally:
        model.train(was_training)
    if clash := sorted(taken & set(found)):
        msg = f"score= returns {clash[0]!r}, which the table has already; give it another name"
        raise ValueError(msg)
    return found


def _hash(samples: pd.DataFrame, groupby: str | None) -> str:
    """Of the texts, whatever their order."""
    columns = [*COLUMNS, "task", *([groupby] if groupby is not None else [])]
    rows = ["\t".join(map(str, row)) for row in samples[columns].itertuples(index=False)]
    return hashlib.blake2b("\n".join(sorted(rows)).encode(), digest_size=16).hexdigest()
