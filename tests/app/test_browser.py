"""The page in a real browser: what people see and do."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pytest
from page_server import page, until
from talking_cells import saying

from scc2s.models._listening import Stopped, listener, stop_if_gone

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ANSWER = "A B cell: CD79A is higher, QXZ1 too."
WAIT = 90_000
"""Milliseconds; machines that test are slow."""


def browser_path() -> str | None:
    given = os.environ.get("SCC2S_BROWSER")
    return given or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    path = browser_path()
    if path is None:
        pytest.skip("needs a browser: apt-get install chromium, or SCC2S_BROWSER=its path")
    with api.sync_playwright() as p:
        args = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        found = p.chromium.launch(executable_path=path, args=args)
        yield found
        found.close()


class Talker:
    """Writes an answer word by word, as slowly as it is told to."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.stopped, self.begun = seconds, 0, 0

    def __call__(self, messages: list[dict[str, str]]) -> str:
        if "1. " not in messages[0]["content"]:
            return "Cells of an unknown kind."
        self.begun += 1
        words = ANSWER.split()
        for n in range(len(words)):
            if (who := listener()) is not None:
                who.written(" ".join(words[: n + 1]))
            end = time.monotonic() + self.seconds / len(words)
            while time.monotonic() < end:
                try:
                    stop_if_gone()
                except Stopped:
                    self.stopped += 1
                    raise
                time.sleep(0.01)
        return ANSWER


@contextmanager
def opened(browser: Any, served: Any, *, size: tuple[int, int] = (1280, 800), **more: Any) -> Iterator[Any]:
    """The page of a server, once its map is drawn; errors of its scripts are errors of the test."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, accept_downloads=True, **more)
    tab = context.new_page()
    tab.set_default_timeout(WAIT)
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(served.address)
    tab.wait_for_selector("body[data-ready]")
    yield tab
    context.close()
    assert errors == []


@pytest.fixture
def talker() -> Talker:
    return Talker()


@pytest.fixture
def served(cells: ad.AnnData, talker: Talker) -> Iterator[Any]:
    with page(cells, model=saying(talker, generate=lambda prompts: ["CD79A ACTB" for _ in prompts])) as running:
        until(lambda: running.service.asker.state == "ready")
        yield running


def lasso(tab: Any, left: float, right: float) -> None:
    """Draw around a part of the map, in shares of its width."""
    box = tab.locator("#points").bounding_box()
    x0, x1 = box["x"] + left * box["width"], box["x"] + right * box["width"]
    y0, y1 = box["y"] + 4, box["y"] + box["height"] - 4
    tab.click("#choose")
    tab.mouse.move(x0, y0)
    tab.mouse.down()
    for x, y in ((x1, y0), (x1, y1), (x0, y1), (x0, y0)):
        tab.mouse.move(x, y, steps=6)
    tab.mouse.up()


def drawn(tab: Any) -> set[tuple[int, int, int]]:
    """Colours on the map."""
    until(lambda: tab.evaluate("scc2s.points.n > 0 && scc2s.points.drawn >= scc2s.points.n"))
    script = """() => { const gl = scc2s.points.gl, c = gl.canvas, out = new Uint8Array(4 * c.width * c.height);
        gl.readPixels(0, 0, c.width, c.height, gl.RGBA, gl.UNSIGNED_BYTE, out);
        const found = new Set();
        for (let i = 0; i < out.length; i += 4) found.add((out[i] << 16) | (out[i+1] << 8) | out[i+2]);
        return [...found]; }"""
    return {(one >> 16, one >> 8 & 255, one & 255) for one in tab.evaluate(script)}


def test_the_map_is_drawn_in_the_colors_of_the_file(browser, served):
    with opened(browser, served) as tab:
        assert tab.input_value("#colour") == "type"
        assert {(255, 0, 0), (0, 0, 128), (255, 255, 255)} <= drawn(tab)
        assert tab.inner_text("#about") == "96 cells, 9 genes"
        tab.fill("#colour", "CD79A")
        tab.press("#colour", "Enter")
        tab.wait_for_selector("#legend canvas")
        assert (255, 0, 0) not in drawn(tab)
        tab.fill("#colour", "nothing")
        tab.press("#colour", "Enter")
        tab.wait_for_selector("#colour-error:not([hidden])")
        assert "there is no gene 'nothing'" in tab.inner_text("#colour-error")


def test_chosen_cells_are_asked_about_and_the_answer_is_held_against_them(browser, served, cells, talker):
    talker.seconds = 3.0
    with opened(browser, served) as tab:
        lasso(tab, 0.5, 0.99)
        assert tab.inner_text("#chosen") == "48 of 96 cells: B 48"
        tab.fill("#field-question", "Which cells are these?")
        tab.click("#form button[type=submit]")
        tab.wait_for_selector(".answer .text:has-text('A B')")
        early = tab.inner_text(".answer .text")
        assert ANSWER.startswith(early)
        assert early != ANSWER, "it is read while it is written"
        tab.wait_for_selector(".answer .said.bad")
        assert tab.inner_text(".answer .text") == ANSWER
        assert "QXZ1" in tab.inner_text(".answer .said.bad")
        said = tab.inner_text(".answer")
        assert "Cells of an unknown kind." in said
        assert "kept as ask_1" in said
        rows = tab.locator(".answer tbody").first.inner_text()
        assert "CD79A" in rows
    assert cells.obs["selection_1"].notna().tolist() == (cells.obs["type"] == "B").tolist()


def test_an_error_is_shown_in_the_words_that_mend_it(browser, served):
    with opened(browser, served) as tab:
        tab.click("#tab-search")
        assert "The model cannot: it gives no likelihood of a text" in tab.inner_text("#form-note")
        assert tab.is_disabled("#form button[type=submit]")
        lasso(tab, 0.5, 0.99)
        tab.evaluate("scc2s.state.rep = () => 'X_gone'")
        tab.click("#form button[type=submit]")
        tab.wait_for_selector(".answer .said.bad")
        assert "X_gone" in tab.inner_text(".answer .said.bad")


def test_a_client_that_leaves_in_the_middle_stops_the_model(browser, served, talker, cells):
    talker.seconds = 60.0
    with opened(browser, served) as tab:
        tab.click("#form button[type=submit]")
        tab.wait_for_selector(".answer .text:has-text('A')")
        tab.click(".answer button:has-text('Stop')")
        until(lambda: talker.stopped == 1)
        assert "Stopped" in tab.inner_text(".answer")
        tab.click("#form button[type=submit]")
        until(lambda: talker.begun == 2)
    until(lambda: talker.stopped == 2)
    assert "ask_1" not in cells.uns["c2s"]


def test_two_groups_and_the_legend_without_a_mouse(browser, served):
    with opened(browser, served) as tab:
        tab.focus("#legend li:first-child button")
        tab.keyboard.press("Enter")
        assert tab.inner_text("#chosen") == "48 of 96 cells: B 48"
        tab.focus("#keep")
        tab.keyboard.press("Enter")
        tab.focus("#legend li:first-child button")
        tab.keyboard.press("Enter")
        tab.focus("#legend li:nth-child(2) button")
        tab.keyboard.press("Enter")
        assert "T 48" in tab.inner_text("#chosen")
        assert "with group B (48 cells)" in tab.inner_text("#form-note")
        tab.focus("#form button[type=submit]")
        tab.keyboard.press("Enter")
        tab.wait_for_selector(".answer details")
        assert "group A" in tab.inner_text(".answer")
        tab.focus("#points")
        before = tab.evaluate("scc2s.points.center[0]")
        tab.keyboard.press("ArrowRight")
        assert tab.evaluate("scc2s.points.center[0]") > before
        tab.keyboard.press("Escape")
        assert tab.inner_text("#chosen").startswith("None:")


def test_a_cell_shows_its_sentence(browser, served, cells):
    with opened(browser, served) as tab:
        x, y = tab.evaluate("scc2s.points.pixelOf(95)")
        box = tab.locator("#points").bounding_box()
        tab.mouse.move(box["x"] + x - 1, box["y"] + y)
        tab.mouse.move(box["x"] + x, box["y"] + y)
        tab.wait_for_selector("#cell:not([hidden])")
        said = tab.inner_text("#cell")
        row = cells.obs_names.get_loc(said.splitlines()[0])
        assert cells.obs["c2s_sentence"].iloc[row].split()[0] in said


def test_the_file_is_downloaded_with_its_results(browser, served, tmp_path):
    with opened(browser, served) as tab:
        tab.click("#form button[type=submit]")
        tab.wait_for_selector("#download:has-text('with results')")
        with tab.expect_download() as waiting:
            tab.click("#download")
        waiting.value.save_as(tmp_path / "back.h5ad")
    assert "ask_1" in ad.read_h5ad(tmp_path / "back.h5ad").uns["c2s"]


def test_a_token_stands_in_the_address_and_is_sent_to_nobody_else(browser, cells, talker):
    with page(cells, model=saying(talker), token="s3cret") as served:
        context = browser.new_context()
        tab = context.new_page()
        tab.set_default_timeout(WAIT)
        tab.goto(served.address)
        tab.wait_for_selector("#banner:not([hidden])")
        assert "this server wants its token" in tab.inner_text("#banner")
        tab.goto("about:blank")
        tab.goto(f"{served.address}#token=s3cret")
        tab.wait_for_selector("body[data-ready]")
        assert "s3cret" not in tab.url
        context.close()


@pytest.mark.parametrize("look", [{"size": (390, 844), "has_touch": True}, {"color_scheme": "dark"}, {}])
def test_all_text_can_be_read_and_nothing_is_wider_than_the_screen(browser, served, look):
    with opened(browser, served, **look) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        names = """() => [...document.querySelectorAll('button, input, select, textarea')]
            .filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length)).map((one) => one.id)"""
        assert tab.evaluate(names) == [], "everything that can be used has a name"
        assert min(contrasts(tab)) >= 4.5


def contrasts(tab: Any) -> list[float]:
    """Contrast of text to its background (WCAG 2.2), by the colours that the page is made of."""

    def luminance(color: str) -> float:
        parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def color(name: str) -> float:
        script = f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()"
        return luminance(tab.evaluate(script))

    pairs = [(ink, back) for ink in ("ink", "quiet", "accent", "bad", "good", "doubt") for back in ("back", "panel")]
    found = []
    for one, other in [*pairs, ("on-accent", "accent")]:
        a, b = sorted((color(one), color(other)), reverse=True)
        found.append((a + 0.05) / (b + 0.05))
    return found


def test_pictures(browser, served):
    """Kept for people to look at, where a folder for them is named."""
    folder = os.environ.get("SCC2S_SCREENSHOTS")
    if not folder:
        pytest.skip("names no folder: SCC2S_SCREENSHOTS")
    for name, look in {"desktop": {}, "dark": {"color_scheme": "dark"}, "phone": {"size": (390, 844)}}.items():
        with opened(browser, served, **look) as tab:
            lasso(tab, 0.5, 0.99)
            tab.click("#form button[type=submit]")
            tab.wait_for_selector(".answer .said.bad")
            tab.screenshot(path=Path(folder) / f"{name}.png", full_page=name == "phone")
