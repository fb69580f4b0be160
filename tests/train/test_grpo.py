from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_gene_model import write_tiny_model
from tiny_models import build_model, build_tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

import scc2s
from scc2s.models import GeneVocabulary
from scc2s.train import grpo, rewards
from scc2s.train._grpo_held import Held
from scc2s.train.rewards import Reward

if TYPE_CHECKING:
    from pathlib import Path

GENES = ["G0", "G1", "G2", "G3"]
PROMPT = "Genes:"
ASK = pd.DataFrame({"prompt": [PROMPT] * 4})


def first_is_g2(prompts: list[str], completions: list[str]) -> list[float]:
    return [float(text.split()[0] == "G2") for text in completions]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "model", GENES, labels=["B cell"])


def run(model: Any, out: Path, reward: Any = first_is_g2, prompts: pd.DataFrame = ASK, **changes: Any):
    settings = {"genes": GENES, "n_genes": 1, "beta": 0.0, "learning_rate": 1e-2, "max_steps": 6,
                "lr_scheduler_type": "constant"} | changes  # fmt: skip
    return grpo(model, prompts, reward, out, **settings)


def held_of(folder: Path, *, n_genes: int = 1, temperature: float = 1.0) -> Held:
    lm, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    return Held(lm.eval(), tokenizer, GeneVocabulary(GENES, n_genes), temperature)


def logp_of(held: Held, answers: list[list[int]], n_genes: int, prompt: str = PROMPT) -> np.ndarray:
    """Log-probability of answers (tokens with the end) by the function that the loss uses."""
    lm = held.model._decoder.lm
    if not hasattr(lm, "_taught"):
        held.teach(lm)
        lm._taught = True
    asked = held.tokenizer(prompt)["input_ids"]
    width = max(map(len, answers))
    ids = torch.tensor([asked + row + [0] * (width - len(row)) for row in answers])
    mask = torch.tensor([[1] * (len(asked) + len(row)) + [0] * (width - len(row)) for row in answers])
    with torch.no_grad():
        logp, _ = lm(input_ids=ids, attention_mask=mask, held=(torch.full((len(ids),), n_genes), width))
    return logp.double().sum(dim=1).numpy()


def gene_probs(folder: Path) -> np.ndarray:
    """Probability of each gene as the first, among the genes."""
    held = held_of(folder)
    return np.exp(logp_of(held, [[*held._ids[gene], held._ends[0]] for gene in GENES], 1))


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return AutoModelForCausalLM.from_pretrained(folder).state_dict()


class TestPolicy:
    def test_probabilities_of_all_answers_sum_to_one(self, tiny: Path) -> None:
        held = held_of(tiny, n_genes=2)
        answers = [
            [*held._ids[a], *held._ids[b], held._ends[0]] for a, b in itertools.permutations(GENES, 2)
        ]  # none twice
        assert np.exp(logp_of(held, answers, 2)).sum() == pytest.approx(1, abs=1e-5)

    @pytest.mark.parametrize("kind", ["gpt_neox", "gemma2", "gpt2"])
    def test_also_for_names_of_several_tokens_that_begin_each_other(self, kind: str) -> None:
        names = ["CD1", "CD11", "CD12", "IL1", "HLA-D2"]
        held = Held(build_model(kind), build_tokenizer(bos=False), GeneVocabulary(names, 2), 1.0)
        assert max(map(len, held._ids.values())) > 1
        answers = [[*held._ids[a], *held._ids[b], held._ends[0]] for a, b in itertools.permutations(names, 2)]
        total = np.exp(logp_of(held, answers, 2)).sum()
        # "CD1" then a token that goes on to "CD11" is read as that name: no way to write both in this order is lost
        assert total == pytest.approx(1, abs=1e-4)

    def test_answers_are_drawn_by_these_probabilities(self, tiny: Path) -> None:
        for temperature in (1.0, 2.0):
            held = held_of(tiny, n_genes=2, temperature=temperature)
            pairs = list(itertools.permutations(GENES, 2))
            expected = np.exp(logp_of(held, [[*held._ids[a], *held._ids[b], held._ends[0]] for a, b in pairs], 2))
            n = 1500
            asked, written = held.write([PROMPT] * n, [2] * n, random_state=0)
            drawn = [tuple(held.tokenizer.decode(row, skip_special_tokens=True).split()) for row in written]
            seen = np.array([drawn.count(pair) for pair in pairs])
            assert seen.sum() == n
            assert ((seen - n * expected) ** 2 / (n * expected)).sum() < 31.3  # chi-squared of 11, p = 0.001
            assert asked[0] == held.tokenizer(PROMPT)["input_ids"]

    def test_padding_on_the_left_and_other_rows_do_not_matter(self, tiny: Path) -> None:
        held = held_of(tiny)
        lm = held.model._decoder.lm
        held.teach(lm)
        answer = [*held._ids["G1"], held._ends[0]]
        short, long = (held.tokenizer(text)["input_ids"] for text in (PROMPT, "Genes: G0 G3 G1\nGenes:"))
        pad = len(long) - len(short)
        ids = torch.tensor([[1] * pad + short + answer, long + answer])
        mask = torch.tensor([[0] * pad + [1] * (len(short) + 2), [1] * (len(long) + 2)])
        lengths = torch.ones(2, dtype=torch.int64)
        with torch.no_grad():
            both = lm(input_ids=ids, attention_mask=mask, held=(lengths, 2))[0]
            alone = lm(input_ids=ids[:1, pad:], attention_mask=mask[:1, pad:], held=(lengths[:1], 2))[0]
        assert both[0].numpy() == pytest.approx(alone[0].numpy(), abs=1e-5)

    def test_the_gradient_is_that_of_the_expected_reward(self, tiny: Path) -> None:
        """The sum of p reward grad log p over all answers is the gradient of the expected reward, by differences."""
        held = held_of(tiny)
        lm = held.model._decoder.lm
        answers = [[*held._ids[gene], held._ends[0]] for gene in GENES]
        worth = torch.tensor([0.0, 1.0, 3.0, -1.0])
        logp_of(held, answers, 1)
        asked = held.tokenizer(PROMPT)["input_ids"]
        ids = torch.tensor([asked + row for row in answers])
        logp, _ = lm(input_ids=ids, attention_mask=torch.ones_like(ids), held=(torch.ones(4, dtype=torch.int64), 2))
        logp = logp.sum(dim=1)
        (logp.exp().detach() * worth * logp).sum().backward()
        part = lm.get_input_embeddings().weight
        at = (ids[0, len(asked) - 1], 3)
        slope = part.grad[at].item()
        ends = []
        for step in (1e-2, -1e-2):
            with torch.no_grad():
                part[at] += step
            ends.append(float(np.exp(logp_of(held, answers, 1)) @ worth.double().numpy()))
            with torch.no_grad():
                part[at] -= step
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=0.02, abs=1e-4)


class TestRun:
    def test_what_is_rewarded_becomes_likely(self, tiny: Path, tmp_path: Path) -> None:
        before = gene_probs(tiny)
        done = run(str(tiny), tmp_path / "run", max_steps=12)
        after = gene_probs(done.folder)
        assert after.sum() == pytest.approx(1, abs=1e-3)
        assert after[2] > max(0.5, before[2] + 0.2)
        assert done.history["reward"].iloc[-3:].mean() > done.history["reward"].iloc[:3].mean()
        assert (done.history["valid"] == 1).all()

    @pytest.mark.slow
    def test_a_large_beta_stays_at_the_reference(self, tiny: Path, tmp_path: Path) -> None:
        before = gene_probs(tiny)
        free = run(str(tiny), tmp_path / "free", beta=1e-6, learning_rate=2e-3)
        tied = run(str(tiny), tmp_path / "tied", beta=1e5, learning_rate=2e-3)
        moved = [np.abs(gene_probs(done.folder) - before).max() for done in (free, tied)]
        assert moved[1] < 0.3 * moved[0]
        assert tied.history["kl"].max() < 0.3 * free.history["kl"].max()
        assert free.history["kl"].iloc[0] == pytest.approx(0, abs=1e-6)

    def test_groups_without_spread_leave_the_weights_alone_and_are_said_to(
        self, tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        done = run(str(tiny), tmp_path / "run", lambda prompts, completions: [0.1] * len(completions), max_steps=2)
        before, after = weights_of(tiny), weights_of(done.folder)
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert (done.history["no_spread"] == 1).all()
        assert done.collapsed
        assert "100% of the groups have rewards without spread" in caplog.text
        assert "The run collapsed" in (done.folder / "README.md").read_text()

    def test_divergence_is_k3(self, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Half the probability at the reference, as .5 and .25: k3 = 0.193147 (definitions, 2.9)."""
        from scc2s.train._grpo_trainer import GroupTrainer

        ask = GroupTrainer._get_per_token_logps_and_entropies

        def halved(self: Any, model: Any, *args: Any, **arguments: Any) -> Any:
            logp, *rest = ask(self, model, *args, **arguments)
            return (logp - np.log(2) if model is self.ref_model else logp, *rest)

        monkeypatch.setattr(GroupTrainer, "_get_per_token_logps_and_entropies", halved)
        done = run(str(tiny), tmp_path / "run", beta=0.01, max_steps=1)
        assert done.history["kl"].item() == pytest.approx(0.193147, abs=1e-5)

    def test_the_result_is_a_model_and_nothing_else_has_changed(self, tiny: Path, tmp_path: Path) -> None:
        model = scc2s.models.load(str(tiny), device="cpu", dtype="float32")
        lm = model._decoder.lm
        before = {name: part.clone() for name, part in lm.state_dict().items()}
        states = (np.random.get_state()[1].copy(), torch.get_rng_state())  # noqa: NPY002
        done = run(model, tmp_path / "run", max_steps=2)
        assert (np.random.get_state()[1] == states[0]).all()  # noqa: NPY002
        assert torch.equal(torch.get_rng_state(), states[1])
        assert all(torch.equal(before[name], part) for name, part in lm.state_dict().items())
        assert not lm.training
        made = scc2s.models.load(done.folder)
        assert (made.family, made.labels) == ("scc2s", ["B cell"])
        (text,) = made.generate([PROMPT], genes=GeneVocabulary(GENES, 3))
        assert set(text.split()) < set(GENES)
        assert pd.read_csv(tmp_path / "run" / "history.csv").columns.tolist() == done.history.columns.tolist()
        assert "`first_is_g2` x 1" in (done.folder / "README.md").read_text()

    @pytest.mark.slow
    def test_a_run_that_stops_goes_on_as_if_it_had_not(self, tiny: Path, tmp_path: Path) -> None:
        calls = []

        def stopping(prompts: list[str], completions: list[str]) -> list[float]:
            calls.append(1)
            if len(calls) == 4:
                raise OSError("stopped")
            return first_is_g2(prompts, completions)

        reward = Reward("first", stopping)
        settings = {"save_steps": 2, "lr_scheduler_type": "linear", "beta": 0.01, "learning_rate": 2e-3}
        settings["prompts"] = varied()
        whole = run(str(tiny), tmp_path / "whole", Reward("first", first_is_g2), **settings)
        with pytest.raises(RuntimeError, match="reward 'first' failed: OSError: stopped"):
            run(str(tiny), tmp_path / "cut", reward, **settings)
        assert not (tmp_path / "cut" / "model").exists()
        again = run(str(tiny), tmp_path / "cut", reward, **settings)
        with pytest.raises(ValueError, match=r"run with other settings \(learning_rate 0.002, now 0.02\)"):
            run(str(tiny), tmp_path / "cut", reward, **settings | {"learning_rate": 0.02})
        assert len(calls) == 4 + 4  # steps 3 to 6 once more, not 1 and 2
        pd.testing.assert_frame_equal(again.history, whole.history, rtol=1e-5)
        a, b = weights_of(whole.folder), weights_of(again.folder)
        assert all(torch.allclose(a[name], b[name], atol=1e-3) for name in a)

    def test_several_rewards_columns_and_lengths(self, tiny: Path, tmp_path: Path) -> None:
        prompts = varied().assign(
            truth=["G2 G1", "G1 G3", "G0 G2", "G3 G0"], donor=pd.Categorical(list("abab")), completion="x"
        )
        seen: set[str] = set()

        def by_donor(
            prompts: list[str], completions: list[str], donor: list[str], completion: list[str]
        ) -> list[float]:
            seen.update(donor, completion)
            return [1000.0 * len(text.split()) for text in completions]

        done = run(str(tiny), tmp_path / "run", {"tau": rewards.program_tau(GENES), "long": by_donor}, prompts,
                   genes=GeneVocabulary(GENES, [1, 2, 3, 4]), n_genes=None, max_steps=2, weights={"long": 0, "tau": 2},
                   batch_size=5)  # fmt: skip
        assert seen == {"a", "b", "x"}
        assert done.history["length"].tolist() == [2.5, 2.5]
        assert done.history["spread/long"].tolist() == [0, 0]
        assert {"reward/tau", "spread/tau", "reward/long"} <= set(done.history.columns)
        assert done.history["reward"].to_numpy() == pytest.approx(2 * done.history["reward/tau"].to_numpy(), abs=1e-6)

    def test_free_answers_are_read_for_genes(self, tiny: Path, tmp_path: Path) -> None:
        done = run(str(tiny), tmp_path / "run", rewards.validity(GENES), constrain=False, n_genes=None,
                   max_new_tokens=4, max_steps=1, beta=0.01)  # fmt: skip
        assert done.history["valid"].item() < 1
        assert done.history["kl"].item() == pytest.approx(0, abs=1e-6)

    def test_an_adapter_is_trained_and_merged(self, tiny: Path, tmp_path: Path) -> None:
        pytest.importorskip("peft")
        done = run(str(tiny), tmp_path / "run", rank=2, beta=0.01, learning_rate=5e-2, max_steps=3)
        before, after = weights_of(tiny), weights_of(done.folder)
        assert set(before) == set(after)
        assert torch.equal(before["gpt_neox.embed_in.weight"], after["gpt_neox.embed_in.weight"])
        assert any(not torch.equal(before[name], after[name]) for name in before if "dense" in name)
        assert done.history["kl"].iloc[0] == pytest.approx(0, abs=1e-6)
        assert done.history["kl"].iloc[-1] > 0

    def test_dropout_does_not_count_as_divergence(self, tiny: Path, tmp_path: Path) -> None:
        lm, tokenizer = AutoModelForCausalLM.from_pretrained(tiny), AutoTokenizer.from_pretrained(tiny)
        config = lm.config
        config.hidden_dropout = config.attention_dropout = 0.5
        wet = type(lm)(config)
        wet.load_state_dict(lm.state_dict())
        done = run(wet, tmp_path / "run", tokenizer=tokenizer, beta=0.01, max_steps=1)
        assert done.history["kl"].item() == pytest.approx(0, abs=1e-6)

    def test_inner_steps_clip(self, tiny: Path, tmp_path: Path) -> None:
        done = run(str(tiny), tmp_path / "run", iterations=3, learning_rate=5e-2, epsilon=0.05, max_steps=3)
        assert len(done.history) == 3
        assert done.history["reward"].notna().tolist() == [True, False, False]
        assert done.history["clipped"].iloc[0] == 0
        assert done.history["clipped"].iloc[-1] > 0

    def test_a_model_of_transformers_with_its_tokenizer(self, tiny: Path, tmp_path: Path) -> None:
        lm, tokenizer = AutoModelForCausalLM.from_pretrained(tiny), AutoTokenizer.from_pretrained(tiny)
        done = run(lm, tmp_path / "run", tokenizer=tokenizer, max_steps=1)
        assert scc2s.models.load(done.folder).family == "unknown"
        with pytest.raises(TypeError, match="pass tokenizer="):
            run(lm, tmp_path / "other")


def varied() -> pd.DataFrame:
    return pd.DataFrame({"prompt": ["Genes:", "Genes: G0\nGenes:", "Genes: G1\nGenes:", "Genes: G3\nGenes:"]})


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"group_size": 1}, ValueError, "group_size=1 is not a whole number from 2: one answer has no other"),
        ({"prompts_per_step": 5}, ValueError, "4 prompts for steps of 5; pass prompts_per_step=4"),
        ({"batch_size": 0}, ValueError, "batch_size=0"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate=0.0 is not a number above 0"),
        ({"beta": -1.0}, ValueError, "beta=-1.0 is not a number from 0"),
        ({"beta": float("inf")}, ValueError, "beta=inf"),
        ({"temperature": 0.0}, ValueError, "temperature=0.0"),
        ({"loss": "ppo"}, ValueError, "loss='ppo' is not known"),
        ({"scale_rewards": "std"}, ValueError, "scale_rewards='std'"),
        ({"preset": "qa"}, ValueError, "preset 'qa' is not known; pass one of"),
        ({"preset": "qa_sft"}, ValueError, "preset 'qa_sft' is for train.sft"),
        ({"weights": [1, 2]}, ValueError, "do not fit 1 rewards"),
        ({"weights": {"other": 1}}, ValueError, "weights are for"),
        ({"limits": {"kll": 1}}, ValueError, "no limit 'kll'"),
        ({"genes": None}, ValueError, "pass genes="),
        ({"n_genes": None}, ValueError, "n_genes= is missing"),
        ({"n_genes": 9}, ValueError, "9 genes cannot be written from 4 names"),
        ({"max_new_tokens": 9}, ValueError, "constrain=False"),
        ({"constrain": False}, ValueError, "pass max_new_tokens="),
        ({"num_generations": 4}, ValueError, "num_generations of TRL is settled"),
        ({"top_p": 0.9}, ValueError, "top_p of TRL is settled"),
        ({"reward": []}, ValueError, "there is no reward"),
        ({"reward": rewards.program_tau(GENES)}, ValueError, "needs the column 'truth'"),
        ({"reward": rewards.bertscore(lambda text: np.ones((1, 1)), truth="prompt_")}, ValueError, "column|grounding"),
        ({"prompts": ASK.rename(columns={"prompt": "text"})}, ValueError, "no column 'prompt'"),
        ({"prompts": pd.DataFrame({"prompt": ["a", None, " ", "b"]})}, ValueError, "2 prompts are missing.*row 1"),
        ({"warmup_share": 0.1}, TypeError, "warmup_share= is neither an argument of grpo nor a field"),
        ({"prompts": ["Genes:"]}, TypeError, "prompts is list; pass a DataFrame"),
        ({"model": 3}, TypeError, "is not a model to train"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_a_model_is_loaded(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    arguments = {"model": "no/such-model", "out": tmp_path / "run"} | changes
    with pytest.raises(error, match=said):
        run(**arguments)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"ACCELERATE_USE_FSDP": "true"}, "FSDP gives each process a part"),
        ({"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}, "DeepSpeed ZeRO-3 gives"),
    ],
)
def test_a_launch_that_parts_the_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, str], named: str
) -> None:
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=named):
        run("no/such-model", tmp_path / "run")


def test_prompts_that_leave_no_room_are_refused(tiny: Path, tmp_path: Path) -> None:
    long = pd.DataFrame({"prompt": ["Genes:" + " G0" * 255] * 4})
    with pytest.raises(ValueError, match="do not fit the context of 256 tokens"):
        run(str(tiny), tmp_path / "run", prompts=long)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        run(str(tiny), tmp_path / "file")


@pytest.mark.parametrize(
    ("given", "said"),
    [([float("nan")] * 32, "'odd' gives nan for answer 0"), ([1.0], r"'odd' gives an array of shape")],
)
def test_what_is_no_reward_stops_the_run(tiny: Path, tmp_path: Path, given: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        run(str(tiny), tmp_path / "run", Reward("odd", lambda prompts, completions: given))
    assert not (tmp_path / "run" / "model").exists()


def test_presets_fill_what_is_not_given(tiny: Path, tmp_path: Path) -> None:
    done = run(str(tiny), tmp_path / "run", preset="qa_grpo", prompts_per_step=1, max_steps=1, group_size=4)
    text = (done.folder / "README.md").read_text()
    assert "group_size=4" in text
    assert "learning_rate=0.01" in text  # given here
    assert "beta=0.0" in text


@pytest.mark.slow
def test_ifn_program_of_real_cells(shared_data: Path, tmp_path: Path) -> None:
    import anndata as ad

    adata = ad.read_h5ad(shared_data / "kang_ifnb.h5ad")
    kept = adata.obs["cell_type"].astype(str).str.contains("CD14").to_numpy()
    adata = adata[kept].copy()
    scc2s.pp.sentences(adata, n_genes=60, use_raw=False)
    text = adata.obs["c2s_sentence"].to_numpy(dtype=object)
    treated = (adata.obs["condition"] == "stim").to_numpy()
    control, truth = text[~treated][:8], text[treated][:8]
    asked = scc2s.prompts.get("perturb").render(
        control.tolist(), {"organism": "Homo sapiens", "n_genes": ["60"] * 8, "perturbation": ["IFN-beta"] * 8}
    )
    table = pd.DataFrame({"prompt": asked.texts, "truth": truth, "control": control})
    names = sorted({word for one in text for word in one.split()})
    done = grpo("scc2s-mini", table, [rewards.program_tau("ifn"), rewards.program_delta("ifn")], tmp_path / "run",
                genes=names, n_genes=60, group_size=4, prompts_per_step=4, max_steps=2, learning_rate=1e-5)  # fmt: skip
    assert len(done.history) == 2
    assert (done.history["valid"] == 1).all()
    assert (done.history["length"] == 60).all()
    assert done.history["reward/program_delta"].iloc[0] > 0
