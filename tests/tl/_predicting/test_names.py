"""Names that a model was taught, those near to one, and those that only look like it."""

from __future__ import annotations

import pytest
from cell_writers import RESPONSE, cells, identity, stimulated

import scc2s
from scc2s.tl._predicting.names import near, refuse_twice, told

TAUGHT = {"IFN-beta": ["interferon beta", "IFNB1"], "panobinostat": ["LBH589"], "IL-12": []}


@pytest.mark.parametrize(
    ("name", "asked"), [("IFN-beta", "IFN-beta"), ("IFNB1", "IFN-beta"), ("interferon beta", "IFN-beta")]
)
def test_a_known_spelling_is_asked_under_the_name_that_was_taught(name: str, asked: str) -> None:
    assert told(name, TAUGHT) == (asked, True, None)


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("ifn-BETA", "IFN-beta"),
        ("IFN beta", "IFN-beta"),
        ("IFN-β", "IFN-beta"),
        ("Interferon-Beta", "IFN-beta"),
        ("interferon betta", "IFN-beta"),
        ("recombinant human IFN-beta", "IFN-beta"),
        ("IFN-beta, 10 ng/ml", "IFN-beta"),
        ("Panobinostate", "panobinostat"),
        ("LBH-589", "panobinostat"),
    ],
)
def test_a_name_near_to_a_known_one_is_told_as_it_is_and_the_known_one_offered(name: str, offered: str) -> None:
    assert told(name, TAUGHT) == (name, False, offered)


@pytest.mark.parametrize(
    "name",
    [
        *("no IFN-beta", "without IFN-beta", "anti-IFN-beta", "noIFN-beta", "IFN-beta knockout", "IFN-beta inhibitor"),
        *("not interferon beta", "IFN-beta receptor", "IFN-gamma", "IL-2", "IL-1", "IL-13", "TNF", "", "-", "-/-"),
        *("vorinostat", "neutralized IFN-beta", "IFN-alpha"),
    ],
)
def test_a_name_that_takes_it_back_or_is_another_is_near_to_none(name: str) -> None:
    assert near(name, TAUGHT) is None


def test_a_combination_is_known_by_its_parts() -> None:
    assert told("IFNB1 + LBH589", TAUGHT) == ("IFN-beta + panobinostat", True, None)
    assert told("IFN beta + panobinostat", TAUGHT) == ("IFN beta + panobinostat", False, "IFN-beta + panobinostat")
    assert told("IFNB1 + TNF", TAUGHT) == ("IFN-beta + TNF", False, None)


def test_two_spellings_of_one_perturbation_are_refused() -> None:
    with pytest.raises(ValueError, match="both put to the model as 'IFN-beta'"):
        refuse_twice({"IFN-beta": "IFN-beta", "IFNB1": "IFN-beta"})


def test_perturb_records_what_was_given_and_what_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    adata = cells()
    truth = stimulated(adata)
    adata.obs["drug"] = ["IFNB1"] * 6 + ["no IFN-beta"] * 6
    truth.obs["drug"] = adata.obs["drug"].to_numpy()
    model = identity(taught=scc2s.models.Taught(perturbations=TAUGHT))
    scc2s.tl.perturb(adata, perturbation_key="drug", truth=truth, model=model, constrain=False, n_boot=0)
    entry = adata.uns["c2s"]["perturb"]["perturbed"]
    assert set(entry["controls"]["condition"]) == {"IFNB1", "no IFN-beta"}
    assert list(entry["params"]["perturbation"]) == ["IFNB1", "no IFN-beta"]
    assert list(entry["params"]["perturbation_asked"]) == ["IFN-beta", "no IFN-beta"]
    assert {"IFN-beta", "no IFN-beta"} < {name for _, name in model.asked}
    assert "IFNB1" not in {name for _, name in model.asked}
    lines = [record.message for record in caplog.records if "was not taught" in record.message]
    assert lines == [
        "callable was not taught 'no IFN-beta': what it says of a name that it never read is a guess by the letters; "
        "it was taught 'IFN-beta', 'panobinostat', 'IL-12'"
    ]


def test_the_name_that_was_meant_is_offered_before_the_run(caplog: pytest.LogCaptureFixture) -> None:
    def broken(prompts: list[str]) -> list[str]:
        msg = "the service is down"
        raise ConnectionError(msg)

    model = scc2s.models.CallableModel(generate=broken, taught=scc2s.models.Taught(perturbations=TAUGHT))
    with pytest.raises(ConnectionError):
        scc2s.tl.perturb(cells(), "IFN beta", model=model, constrain=False)
    assert "'IFN beta' (it was taught 'IFN-beta')" in caplog.text
    with pytest.raises(ConnectionError):
        scc2s.tl.screen(cells(), ["IFN-β", "x"], program=RESPONSE, model=model, constrain=False, n_null=0)
    assert "'IFN-β' (it was taught 'IFN-beta'), 'x'" in caplog.text


def test_a_model_that_declares_none_is_told_all_names_and_nothing_is_warned(caplog: pytest.LogCaptureFixture) -> None:
    adata, model = cells(), identity()
    scc2s.tl.perturb(adata, "TNF", model=model, constrain=False, controls=False)
    assert {name for _, name in model.asked} == {"TNF"}
    assert "was not taught" not in caplog.text
