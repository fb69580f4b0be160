from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scc2s._logging import logger

from ._base import declaration_of
from ._checkpoints import last_whole
from ._collapse import collapse
from ._disk import check_space, full_disk_named
from ._grpo_card import card
from ._grpo_checks import DEFAULTS, bounds_of, check_prompts, check_settings, vocabulary_of, weights_of
from ._grpo_config import config_of, refuse_unknown
from ._grpo_history import history_of
from ._grpo_result import GRPOResult
from ._grpo_run import check_same, digest_of, write_settings
from ._grpo_start import name_of, refuse_parts, start_of
from ._kept import states_kept
from ._portable import save_portable
from ._presets import settings_of
from ._quiet import quiet
from .rewards._reward import as_rewards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from scc2s.models.decoding import GeneVocabulary

    from .rewards import Reward

Loss = Literal["grpo", "dapo", "dr_grpo", "bnpo"]


def grpo(
    model: Any,
    prompts: pd.DataFrame,
    reward: Reward | Any | Sequence[Any] | Mapping[str, Any],
    output_dir: str | Path,
    *,
    tokenizer: Any = None,
    genes: GeneVocabulary | Sequence[str] | None = None,
    n_genes: int | None = None,
    constrain: bool = True,
    max_new_tokens: int | None = None,
    weights: Sequence[float] | Mapping[str, float] | None = None,
    preset: str | None = None,
    group_size: int | None = None,
    prompts_per_step: int | None = None,
    batch_size: int = 16,
    learning_rate: float | None = None,
    beta: float | None = None,
    epochs: float | None = None,
    loss: Loss = "grpo",
    scale_rewards: Literal["group", "batch", "none"] = "group",
    epsilon: float = 0.2,
    iterations: int = 1,
    temperature: float = 1.0,
    rank: int | None = None,
    limits: Mapping[str, float] | None = None,
    save_steps: int = 50,
    seed: int = 0,
    **arguments: Any,
) -> GRPOResult:
    """Teach a model by rewards: group relative policy optimisation (DeepSeekMath, arXiv:2402.03300), on TRL.

    For each prompt the model writes a group of answers. Those that earn more than the mean of their group become
    likelier, the others less likely, and the model is kept near the one that it started from. Per token the loss is
    ``-(min(rho A, clip(rho, 1 - epsilon, 1 + epsilon) A) - beta KL)`` with rho the probability of the token over that
    at the time of writing, A the advantage of the answer, and KL the estimate ``k - log k - 1``, k the probability by
    the reference over that by the model.

    With `genes`, answers are drawn from the probabilities of what may come next, rescaled to sum to 1, and the loss is
    that of these rescaled probabilities, for the model and its reference alike: only then is it the gradient of the
    reward of what is written.

    A model is easily taught the reward and nothing else. The history says how the run went, and a run that lost its
    diversity, its spread of rewards or its reference is said to have ``collapsed``. Whether the model is better has to
    be asked of other cells and of measures that are not the reward.

    Parameters
    ----------
    model
        Folder or hub id, a model of :func:`scc2s.models.load`, or one of transformers (with `tokenizer`). It is left as
        it is: a copy in float32 is trained.
    prompts
        A row a prompt: ``prompt``, and the columns that rewards ask for.
    reward
        A reward of :mod:`scc2s.train.rewards`, a function ``(prompts, completions, **columns)`` that gives one number
        for each completion, a list of them, or a dict by name. Each of several is brought to mean 0 and standard
        deviation 1 in its group, then they are summed.
    output_dir
        Folder of checkpoints, of ``history.csv`` and of the finished ``model``. A stopped run goes on from its last
        whole checkpoint, and gives what an unbroken one would; a folder of a run with other settings is refused.
    tokenizer
        Of a model of transformers.
    genes
        Names of the genes that answers are held to, with `n_genes`; or a :class:`scc2s.models.GeneVocabulary`.
    n_genes
        Genes of an answer, where `genes` are names.
    constrain
        Whether answers are held to `genes`. ``False``: the model writes freely, by TRL's own generation (where TRL's
        arguments go, such as ``use_vllm=True``), and `genes` only say what is valid.
    max_new_tokens
        Most tokens of a free answer.
    weights
        Weight of each reward, in order or by name; ``None``: 1 each.
    preset
        Name of :data:`scc2s.train.presets` for what is not given here.
    group_size
        Answers to a prompt (``None``: that of the preset, else 8).
    prompts_per_step
        Prompts of one step of the optimiser, over all processes (4). Those that do not fill a step are left out of the
        epoch.
    batch_size
        Most answers in memory at once; the gradient is that of the whole step.
    learning_rate
        (1e-6) Falls to 0 over the run; ``lr_scheduler_type="constant"`` keeps it.
    beta
        Weight of the divergence from the reference (0.03). 0: none, and no copy of the model for it.
    epochs
        Times that each prompt is asked (1); ``max_steps=`` sets steps instead.
    loss
        How the tokens of answers are averaged: ``"grpo"``, over each answer, then over answers (DeepSeekMath);
        ``"dapo"``, over all tokens of a step, so that long answers count more (TRL's default); ``"bnpo"``, over those
        of a batch in memory; ``"dr_grpo"``, by a constant.
    scale_rewards
        What advantages are divided by: the standard deviation of the ``"group"``, that of the ``"batch"``, or nothing
        (``"none"``).
    epsilon
        Clipping range of rho; it only matters with `iterations` over 1.
    iterations
        Steps on the same answers.
    temperature
        Of the draws; the loss is that of the probabilities at this temperature.
    rank
        Rank of a LoRA adapter that is trained instead of all weights; the finished model has it merged. The reference
        is the model without it, so no copy is needed.
    limits
        When a run counts as collapsed: ``diversity`` (0.5, share of its start), ``no_spread`` (0.5, share of groups),
        ``kl`` (0.5 nats a token).
    save_steps
        Steps between checkpoints.
    seed
        Of the order of prompts and of all draws. The global generators are left as they were.
    **arguments
        Further fields of ``trl.GRPOConfig``, e.g. ``max_steps``, ``warmup_steps``, ``bf16``.

    Returns
    -------
    The folder of the model, the history and whether the run collapsed. Columns of the history: ``step``; ``reward``,
    the weighted sum; ``reward/<name>``, mean over the answers, and ``spread/<name>``, mean of the standard deviation
    within groups; ``no_spread``, share of groups from which nothing is learned; ``kl`` and ``entropy``, nats a token
    under the constraint; ``distinct_answers`` (share of a group), ``distinct_genes`` (of a group, by those of one
    answer), ``valid`` (share of words that are genes, each once; with `genes`), ``length`` (words); ``loss``,
    ``grad_norm``, ``learning_rate``.

    Raises
    ------
    ImportError
        If TRL, or for `rank` PEFT, is not installed.
    TypeError
        A reward that cannot be called or does not give numbers; a model without weights.
    ValueError
        A reward that gives NaN, infinity or another number of values, lacks its column, or is refused without another
        (``bertscore`` without ``grounding``); prompts without text, or too long for the context; settings out of range;
        a folder that holds a run with other settings.
    RuntimeError
        A reward that fails, by its name. The last checkpoint stands.
    FloatingPointError
        A loss that is not a number.

    Examples
    --------
    >>> import pandas as pd
    >>> from scc2s.train import grpo, rewards
    >>> table = pd.DataFrame({"prompt": ["Genes:"] * 8, "truth": ["ISG15 MX1 LYZ"] * 8})
    >>> tau = rewards.program_tau(["ISG15", "MX1", "IFI6"])
    >>> run = grpo("scc2s-mini", table, tau, "runs/ifn", genes=["LYZ", "ISG15", "MX1"], n_genes=3)  # doctest: +SKIP
    >>> scc2s.models.load(run.folder)  # doctest: +SKIP
    """
    given = {
        "group_size": group_size, "prompts_per_step": prompts_per_step, "learning_rate": learning_rate, "beta": beta,
        "epochs": epochs,
    }  # fmt: skip
    from_preset = settings_of(preset, "grpo")
    own = DEFAULTS | from_preset | {name: value for name, value in given.items() if value is not None}
    arguments = {name: value for name, value in own.items() if name not in DEFAULTS} | arguments
    own = {name: own[name] for name in DEFAULTS}
    check_settings(own, batch_size, epsilon, iterations, temperature, loss, scale_rewards, rank, arguments)
    check_prompts(prompts, own["prompts_per_step"])
    rewards = as_rewards(reward, [str(name) for name in prompts.columns if name != "prompt"])
    names = [one.name for one in rewards]
    shares = weights_of(weights, names)
    vocabulary = vocabulary_of(genes, n_genes, constrain=constrain, n_prompts=len(prompts), most=max_new_tokens)
    bounds = bounds_of(limits)
    folder = Path(output_dir)
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; pass output_dir= a folder, or a path where none is yet"
        raise NotADirectoryError(msg)
    try:
        from datasets import Dataset

        from ._grpo_trainer import COLUMN, N_GENES, GroupTrainer, Watch

        if rank is not None:
            import peft
    except ImportError as error:
        msg = "training by rewards needs TRL and PEFT; pip install 'scc2s[train]'"
        raise ImportError(msg) from error
    refuse_unknown(arguments)
    refuse_parts()
    import copy

    import pandas as pd

    from scc2s.models._progress import bar

    from ._grpo_held import Held

    settings = own | {
        "loss": loss, "scale_rewards": scale_rewards, "epsilon": epsilon, "iterations": iterations,
        "temperature": temperature, "constrain": constrain, "rank": rank, "seed": seed, **arguments,
    }  # fmt: skip
    lengths = np.full(len(prompts), -1) if vocabulary is None else vocabulary.lengths(len(prompts))
    start = start_of(model, tokenizer)
    identity = settings | {
        "model": name_of(start), "prompts": digest_of(prompts), "rewards": dict(zip(names, shares, strict=True)),
        "genes": None if vocabulary is None else vocabulary.digest, "n_genes": sorted(set(lengths.tolist())),
        "max_new_tokens": max_new_tokens,
    }  # fmt: skip
    check_same(folder, identity)
    held = None
    if vocabulary is not None and constrain:
        held = Held(start.lm, start.tokenizer, vocabulary, temperature)
        held.check(prompts["prompt"].tolist(), lengths)
    columns = list(dict.fromkeys(name for one in rewards for name in one.columns))
    table = prompts[["prompt", *columns]].rename(columns={name: COLUMN + name for name in columns})
    table = table.astype({name: object for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)})
    table = table.assign(**{N_GENES: lengths})
    answers = own["group_size"] * own["prompts_per_step"]
    n_processes = int(os.environ.get("WORLD_SIZE", "1"))
    if answers % n_processes:
        msg = f"{answers} answers a step do not share out over {n_processes} processes; pass another prompts_per_step="
        raise ValueError(msg)
    with states_kept(), quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="You are using 'rollout_func'")
        config = config_of(
            folder, own, arguments, n_here=answers // n_processes, batch_size=batch_size, shares=shares, loss=loss,
            epsilon=epsilon, iterations=iterations, temperature=temperature, save_steps=save_steps, seed=seed,
            max_completion_length=max_new_tokens if held is None else held.most_tokens(int(lengths.max())),
        )  # fmt: skip
        trainer = GroupTrainer(
            rewards=rewards,
            weights=shares,
            scale=scale_rewards,
            held=held,
            names=None if vocabulary is None else vocabulary.names,
            reference=copy.deepcopy(start.lm).eval().requires_grad_(requires_grad=False)
            if own["beta"] > 0 and rank is None
            else None,
            beta=own["beta"],
            model=start.lm,
            args=config,
            train_dataset=Dataset.from_pandas(table, preserve_index=False),
            processing_class=start.tokenizer,
            peft_config=None
            if rank is None
            else peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"),
        )
        main = trainer.accelerator.is_main_process

        def written(log: list[dict[str, Any]]) -> pd.DataFrame:
            found = history_of(log, names)
            if main:
                folder.mkdir(parents=True, exist_ok=True)
                found.to_csv(folder / "history.csv", index=False)
            return found

        if main:
            write_settings(folder, identity)
        with bar(0, "steps", show=main) as progress:
            progress.unit = "step"
            trainer.add_callback(Watch(progress, written))
            last = last_whole(folder, with_optimizer=not config.save_only_model)
            folder.mkdir(parents=True, exist_ok=True)
            check_space(folder, trainer.model, config)
            with full_disk_named(folder):
                out = trainer.train(resume_from_checkpoint=None if last is None else str(last))
        history = written(trainer.state.log_history)
        why = collapse(history, **bounds)
        finished = trainer.accelerator.unwrap_model(trainer.model)
        if rank is not None:
            finished = finished.merge_and_unload()
        if main:
            text = card(name_of(start), dict(zip(names, shares, strict=True)), len(prompts), settings, history, why)
            _save(folder / "model", finished, start.tokenizer, declaration_of(start.declared, start.family), text)
        trainer.accelerator.wait_for_everyone()
    if why:
        reasons = "; ".join(why)
        logger.warning("the run collapsed: %s. Try a larger beta=, a smaller learning_rate=, or fewer steps", reasons)
    return GRPOResult(folder / "model", history, bool(why), tuple(why), dict(out.metrics))


def _save(folder: Path, lm: Any, tokenizer: Any, declared: Mapping[str, Any], text: str) -> None:
    save_portable(lm, tokenizer, folder, dtype="float32")
    if declared:
        (folder / "scc2s.json").write_text(json.dumps(declared, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(text, encoding="utf-8")
