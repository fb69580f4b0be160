"""A report of cells on which every tool has run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anndata as ad
import pytest
from report_cells import everything
from report_page import Page, untraced
from report_speed import many_cells

import scc2s
from scc2s.report._build import CHAPTERS, html, sections
from scc2s.report._records import records

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def full() -> ad.AnnData:
    return everything()


@pytest.fixture(scope="module")
def text(full: ad.AnnData) -> str:
    return html(full, title="Everything")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_no_chapter_is_missing_and_none_failed(full: ad.AnnData, page: Page) -> None:
    made, absent = sections(full)
    assert absent == []
    assert len(made) == len(CHAPTERS) - 1  # these cells were not written by a model
    assert "could not be" not in page.text
    assert page.wrong == page.open == []


def test_every_result_is_named(full: ad.AnnData, page: Page) -> None:
    for one in records(full):
        assert one.source in page.text or one.source.replace("adata.", "") in page.text, one.path
        assert f"Parameters of {' / '.join(one.path)}" in page.text or not one.params


def test_every_number_is_what_its_source_gives(full: ad.AnnData, page: Page) -> None:
    assert len(page.numbers) > 800
    assert untraced(page, full) == []


def test_controls_floors_and_verdicts_stand_with_the_results(full: ad.AnnData, page: Page) -> None:
    held = full.uns["c2s"]
    assert held["perturb"]["perturbed"]["verdict"] in page.text
    for predictor in set(held["perturb"]["perturbed"]["controls"]["predictor"]):
        assert predictor in page.text
    assert held["screen_record"]["params"]["notice"] in page.text
    assert held["donors"]["notice"] in page.text
    assert "scrambled name" in page.text
    assert "Hypothesis, not a finding" in page.text
    for why in held["captions"]["why"]:
        assert why in page.text
    for prompt in {one.params["prompt"] for one in records(full) if isinstance(one.params.get("prompt"), str)}:
        assert " ".join(prompt.split()) in page.text


def test_a_fate_without_controls_says_so(page: Page) -> None:
    assert "No control questions were asked, so that nothing here says what the prediction is worth." in page.text


def test_a_file_that_is_read_again_has_the_same_numbers(full: ad.AnnData, page: Page, tmp_path: Path) -> None:
    full.write_h5ad(tmp_path / "a.h5ad")
    again = Page(html(ad.read_h5ad(tmp_path / "a.h5ad"), title="Everything"))
    assert sorted(again.numbers) == sorted(page.numbers)
    assert "could not be" not in again.text


def test_written_cells_have_a_chapter(full: ad.AnnData) -> None:
    new = scc2s.tl.generate(
        full, 6, obs={"lineage": ["B"]}, model=_writes(), constrain=False, n_genes=10, prompt="{lineage}"
    )
    page = Page(html(new, title="x"))
    assert "All 6 cells of this file were written by writes; none of them was measured." in page.text
    assert untraced(page, new) == []


def _writes() -> scc2s.models.CallableModel:
    words = " CD79A CD74 FTL LYZ CST3 B2M CD3D NKG7 TYROBP S100A4"
    return scc2s.models.CallableModel(generate=lambda prompts: [words for _ in prompts], id="writes")


def test_fifty_thousand_cells_take_less_than_twenty_seconds_and_eight_megabytes(tmp_path: Path) -> None:
    adata = many_cells(50_000)
    start = time.process_time()  # of this process: what runs beside it does not count
    scc2s.tl.report(adata, tmp_path / "r.html")
    assert time.process_time() - start < 20
    assert (tmp_path / "r.html").stat().st_size < 8e6
