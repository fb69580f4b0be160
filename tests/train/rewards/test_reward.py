from __future__ import annotations

import numpy as np
import pytest

from scc2s.train.rewards import Reward, bertscore, grounding, program_tau, validity
from scc2s.train.rewards._reward import as_rewards

ASKED = (["p", "p"], ["A B", "B A"])


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ([1.0, float("nan")], ValueError, "'mine' gives nan for answer 1, 'B A'"),
        ([float("inf"), 1.0], ValueError, "'mine' gives inf for answer 0"),
        ([1.0], ValueError, r"shape \(1,\) for 2 answers"),
        (1.0, ValueError, r"shape \(\) for 2 answers"),
        (np.ones((2, 2)), ValueError, r"shape \(2, 2\) for 2 answers"),
        (None, ValueError, "for 2 answers"),
        ([1.0, None], ValueError, "gives nan for answer 1"),
        (["good", "bad"], TypeError, "'mine' gives list, not numbers"),
    ],
)
def test_what_is_no_reward_is_refused_by_name(given: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Reward("mine", lambda prompts, completions: given)(*ASKED)


def test_a_function_that_fails_is_named_and_its_error_kept() -> None:
    def broken(prompts: list[str], completions: list[str]) -> list[float]:
        raise KeyError("ISG15")

    with pytest.raises(RuntimeError, match="'broken' failed: KeyError: 'ISG15'") as caught:
        as_rewards(broken, [])[0](*ASKED)
    assert isinstance(caught.value.__cause__, KeyError)


def test_functions_are_given_the_columns_that_they_take() -> None:
    seen: dict[str, object] = {}

    def two(prompts: list[str], completions: list[str], label: list[str], weight: float = 2.0) -> list[float]:
        seen.update(label=label, weight=weight)
        return [0.0, 1.0]

    def all_of_them(prompts: list[str], completions: list[str], **columns: list[str]) -> list[float]:
        seen.update(columns)
        return [0.0, 1.0]

    first, second = as_rewards([two, all_of_them], ["label", "donor"])
    assert (first.columns, second.columns) == (("label",), ("donor", "label"))
    first(*ASKED, label=["x", "y"], donor=[1, 2], trainer_state=object())
    assert seen == {"label": ["x", "y"], "weight": 2.0}
    second(*ASKED, label=["x", "y"], donor=[1, 2], trainer_state=object())
    assert "trainer_state" not in seen
    with pytest.raises(ValueError, match="needs the column 'label' of prompts, which has"):
        as_rewards(two, ["donor"])
    with pytest.raises(ValueError, match="needs the column 'label'; pass label="):
        first(*ASKED)


def test_names_and_kinds() -> None:
    tau = program_tau(["A", "B"])
    assert [one.name for one in as_rewards({"ifn": tau, "own": len_of}, ["truth"])] == ["ifn", "own"]
    for given, error, said in (
        ([], ValueError, "there is no reward"),
        ([tau, tau], ValueError, "two rewards are called 'program_tau'"),
        (3, TypeError, "reward is int"),
        (lambda completions: [0.0], TypeError, r"does not take \(prompts, completions"),
        (later, TypeError, "'later' is async"),
        ([tau], ValueError, "needs the column 'truth'"),
    ):
        with pytest.raises(error, match=said):
            as_rewards(given, [])


def test_bertscore_needs_grounding_beside_it() -> None:
    words = bertscore(lambda text: np.ones((max(1, len(text.split())), 2)))
    with pytest.raises(ValueError, match="'bertscore' is only used together with 'grounding'"):
        as_rewards([words, validity(["A"])], ["truth", "shown"])
    with pytest.raises(ValueError, match="only used together with 'grounding'"):
        as_rewards({"wording": words}, ["truth", "shown"])
    held = grounding(["A"])
    assert len(as_rewards([words, held], ["truth", "shown"])) == 2
    assert len(as_rewards({"wording": words, "genes": held}, ["truth", "shown"])) == 2


def len_of(prompts: list[str], completions: list[str]) -> list[float]:
    return [float(len(text)) for text in completions]


async def later(prompts: list[str], completions: list[str]) -> list[float]:
    return [0.0 for _ in completions]
