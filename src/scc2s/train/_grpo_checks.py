"""What is refused before a model is loaded, and what is taken where nothing is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.models.decoding import GeneVocabulary

from ._collapse import DIVERSITY, KL, NO_SPREAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

DEFAULTS: dict[str, Any] = {"group_size": 8, "prompts_per_step": 4, "learning_rate": 1e-6, "beta": 0.03, "epochs": 1.0}
_OURS = ("num_generations", "per_device_train_batch_size", "gradient_accumulation_steps", "loss_type", "reward_weights",
         "num_train_epochs", "num_iterations", "data_seed", "output_dir", "top_p", "top_k", "min_p", "entropy_coef",
         "use_adaptive_entropy", "multi_objective_aggregation", "max_completion_length", "repetition_penalty",
         "steps_per_generation", "generation_batch_size")  # fmt: skip
_LIMITS = {"diversity": DIVERSITY, "no_spread": NO_SPREAD, "kl": KL}
_SCALES = ("group", "batch", "none")
_LOSSES = ("grpo", "dapo", "dr_grpo", "bnpo")


def check_settings(
    own: Mapping[str, Any], batch_size: int, epsilon: float, iterations: int, temperature: float, loss: str, scale: str,
    rank: int | None, arguments: Mapping[str, Any],
) -> None:  # fmt: skip
    """Raise for settings out of range."""
    whole = {**own, "batch_size": batch_size, "iterations": iterations, "rank": 1 if rank is None else rank}
    for name, least in (("group_size", 2), ("prompts_per_step", 1), ("batch_size", 1), ("iterations", 1), ("rank", 1)):
        if isinstance(whole[name], bool) or whole[name] != int(whole[name]) or whole[name] < least:
            what = ": one answer has no other to be compared with" if name == "group_size" else ""
            msg = f"{name}={whole[name]!r} is not a whole number from {least}{what}; pass {name}={least} or more"
            raise ValueError(msg)
    for name, value, zero in (
        ("learning_rate", own["learning_rate"], False), ("beta", own["beta"], True), ("epochs", own["epochs"], False),
        ("epsilon", epsilon, False), ("temperature", temperature, False),
    ):  # fmt: skip
        if not np.isfinite(value) or value < 0 or (value == 0 and not zero):
            msg = f"{name}={value!r} is not a number {'from' if zero else 'above'} 0; pass {name}= one that is"
            raise ValueError(msg)
    if loss not in _LOSSES:
        msg = f"loss={loss!r} is not known; pass one of {list(_LOSSES)}"
        raise ValueError(msg)
    if scale not in _SCALES:
        msg = f"scale_rewards={scale!r} is not known; pass one of {list(_SCALES)}"
        raise ValueError(msg)
    if wrong := [name for name in arguments if name in _OURS]:
        msg = f"{wrong[0]} of TRL is settled by the arguments of grpo; leave it out (see its documentation)"
        raise ValueError(msg)


def check_prompts(prompts: pd.DataFrame, per_step: int) -> None:
    """Raise for prompts that cannot be asked."""
    if not hasattr(prompts, "columns"):
        msg = f"prompts is {type(prompts).__name__}; pass a DataFrame with a column 'prompt'"
        raise TypeError(msg)
    if "prompt" not in prompts:
        msg = "prompts have no column 'prompt'; make one, e.g. scc2s.pp.samples(adata, task)[['prompt']]"
        raise ValueError(msg)
    empty = np.array([not isinstance(text, str) or not text.strip() for text in prompts["prompt"]], dtype=bool)
    if empty.any():
        msg = f"{int(empty.sum())} prompts are missing or blank, the first in row {int(empty.argmax())}; leave them out"
        raise ValueError(msg)
    if len(prompts) < per_step:
        msg = f"there are {len(prompts)} prompts for steps of {per_step}; pass prompts_per_step={max(1, len(prompts))}"
        raise ValueError(msg)


def weights_of(weights: Sequence[float] | Mapping[str, float] | None, names: list[str]) -> list[float]:
    """One weight for each reward, in their order."""
    if weights is None:
        return [1.0] * len(names)
    if hasattr(weights, "keys"):
        by_name = dict(weights)
        if set(by_name) != set(names):
            msg = f"weights are for {sorted(by_name)}, the rewards are {sorted(names)}; pass one weight for each"
            raise ValueError(msg)
        found = [float(by_name[name]) for name in names]
    else:
        found = [float(one) for one in weights]
    if len(found) != len(names) or not np.isfinite(found).all():
        msg = f"weights={weights!r} do not fit {len(names)} rewards; pass one finite number for each, in their order"
        raise ValueError(msg)
    return found


def bounds_of(limits: Mapping[str, float] | None) -> dict[str, float]:
    """When a run counts as collapsed."""
    if unknown := [name for name in limits or {} if name not in _LIMITS]:
        msg = f"there is no limit {unknown[0]!r}; pass limits= a dict with some of {list(_LIMITS)}"
        raise ValueError(msg)
    return _LIMITS | dict(limits or {})


def vocabulary_of(
    genes: GeneVocabulary | Sequence[str] | None, n_genes: int | None, *, constrain: bool, n_prompts: int,
    most: int | None,
) -> GeneVocabulary | None:  # fmt: skip
    """What answers may consist of."""
    if not constrain and most is None:
        msg = "a free answer needs a longest length; pass max_new_tokens="
        raise ValueError(msg)
    if constrain and most is not None:
        msg = "max_new_tokens= is for free answers, and these are held to genes; leave it out, or pass constrain=False"
        raise ValueError(msg)
    if genes is None:
        if constrain:
            msg = "answers are held to genes; pass genes= their names and n_genes=, or constrain=False for free answers"
            raise ValueError(msg)
        return None
    if isinstance(genes, GeneVocabulary):
        if n_genes is not None:
            msg = "the vocabulary says how many genes to write; leave n_genes= out"
            raise ValueError(msg)
        genes.lengths(n_prompts)
        return genes
    names = [str(name) for name in genes]
    if n_genes is None and constrain:
        msg = f"n_genes= is missing: how many of the {len(names)} genes an answer has; pass n_genes="
        raise ValueError(msg)
    return GeneVocabulary(names, 1 if n_genes is None else n_genes)
