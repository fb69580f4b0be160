"""What every report is as a page: whole, closed, escaped, readable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from report_page import Page, contrast, palette, untraced
from report_small import labelled_cells

import scc2s
from scc2s.report._build import CHAPTERS, html, sections, slots

if TYPE_CHECKING:
    from collections.abc import Callable

    import anndata as ad

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "</style><b>",
    "javascript:alert(1)",
    "a\x00b\u202ec",
]


@pytest.fixture(scope="module")
def cells() -> ad.AnnData:
    return labelled_cells()


@pytest.fixture(scope="module")
def page(cells: ad.AnnData) -> Page:
    return Page(html(cells, title="Blood"))


def test_every_tag_is_closed_and_every_name_is_there_once(page: Page) -> None:
    assert page.wrong == []
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [attrs["href"] for attrs in page.named("a")]
    assert links
    assert {link.removeprefix("#") for link in links if link} <= set(ids)


def test_headings_go_down_one_at_a_time(page: Page) -> None:
    levels = [level for level, _ in page.headings]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False))
    assert all(text.strip() for _, text in page.headings)


def test_tables_have_captions_and_headers_that_say_what_they_are_of(page: Page) -> None:
    assert len(page.named("table")) == len(page.named("caption")) > 3
    assert all(attrs.get("scope") in ("col", "row") for attrs in page.named("th"))
    wide = [attrs for attrs in page.named("div") if "scroll" in (attrs.get("class") or "")]
    assert len(wide) == len(page.named("table"))
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in wide)  # a keyboard can scroll them


def test_pictures_are_in_the_file_and_said_in_words(page: Page) -> None:
    pictures = page.named("img")
    assert pictures
    for attrs in pictures:
        assert (attrs["src"] or "").startswith("data:image/png;base64,")
        assert len(attrs["alt"] or "") > 20
        assert int(attrs["width"] or 0) > 50 < int(attrs["height"] or 0)
    drawn = page.named("svg")
    assert drawn
    assert all(attrs["role"] == "img" and "Histogram" in (attrs["aria-label"] or "") for attrs in drawn)


def test_nothing_outside_the_file_is_asked_for(page: Page) -> None:
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base", "form", "input"}
    for _, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")]
        assert all((attrs.get(name) or "#").startswith(("#", "data:image/png")) for name in ("href", "src", "srcset"))
    assert not re.search(r"@import|url\(|@font-face|expression\(", page.style)
    policy = next(a["content"] for a in page.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


PAIRS = [
    ("text", "page"),
    ("text", "surface"),
    ("muted", "page"),
    ("muted", "surface"),
    ("link", "page"),
    ("good-text", "good-page"),
    ("caution-text", "caution-page"),
    ("muted", "page"),
]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, mode: str) -> None:
    colors = palette(page.style)[mode]
    low = {pair: contrast(*(colors[name] for name in pair)) for pair in PAIRS}
    assert min(low.values()) >= 4.5, low
    assert min(contrast(colors[name], colors["page"]) for name in ("focus", "bar")) >= 3  # WCAG 2.2, 1.4.11


def test_notes_on_cautions_have_sources_that_can_be_read_too(page: Page) -> None:
    # sources inside a coloured note take the colour of the note
    rule = re.search(r"\.note\.caution \.from[^{]*{([^}]*)}", page.style)
    assert rule is not None
    assert "inherit" in rule.group(1)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)


def test_it_has_light_and_dark_and_a_form_for_paper_and_phones(page: Page) -> None:
    assert "prefers-color-scheme: dark" in page.style
    assert "@media print" in page.style
    assert re.search(r"@media screen and \(prefers-color-scheme", page.style)  # paper is light
    assert any(attrs.get("name") == "viewport" for attrs in page.named("meta"))
    assert page.named("html")[0]["lang"] == "en"
    assert page.named("main")[0]["id"] == "content"
    assert page.tags[[tag for tag, _ in page.tags].index("a")][1]["href"] == "#content"  # the first link


def test_every_number_is_what_its_source_gives(page: Page, cells: ad.AnnData) -> None:
    assert len(page.numbers) > 40
    assert untraced(page, cells) == []


def test_a_number_that_its_source_does_not_give_is_found(page: Page, cells: ad.AnnData) -> None:
    wrong = {source for _, source, _ in untraced(page, cells[:6].copy())}
    assert "adata.n_obs" in wrong


def test_research_use_is_said_at_both_ends(page: Page) -> None:
    assert page.text.count("Research use only") >= 3
    assert page.text.rstrip().endswith("guide anyone's care.")


@pytest.mark.parametrize("evil", EVIL)
def test_what_comes_from_the_data_is_text(make: Callable[..., ad.AnnData], evil: str) -> None:
    genes = [evil, "CD3D", "CD79A", "LYZ", "ACTB", "B2M", "NKG7", "CD3E"]
    adata = make(8, genes)
    adata.obs_names = [f"{evil} {i}" for i in range(8)]
    adata.obs["c2s_sentence"] = " ".join(genes[1:4])
    adata.obs["c2s_n_genes"] = 3
    adata.obs[evil.replace("/", "|")] = pd.Categorical([evil] * 8)
    adata.obs["label"] = pd.Categorical([evil, "other"] * 4)
    adata.uns["organism"] = evil
    adata.uns["label_colors"] = ['red"><script>', "#00ff00"]
    if evil in EVIL[1::4]:  # with a map
        adata.obsm["X_umap"] = np.zeros((8, 2))
    held = {"params": {"key_added": "label", "prompt": evil, "source": evil, evil: evil}, "versions": {evil: evil}}
    adata.uns["c2s"] = {
        "sentences": held | {"written": np.array([])},
        "annotate": held
        | {"model": {"id": evil, "backend": evil}, "verdict": evil, "taught": {"labels_not_taught": evil}},
        "captions": pd.DataFrame({"group": [evil], "caption": [0], "text": [evil], "flagged": [True], "why": [evil]}),
        "caption": {"params": {"groupby": "label"}, "model": {"id": evil}},
        "mine": {"params": {evil: evil}, "table": pd.DataFrame({evil: [evil]})},
        evil: {"params": {"a": 1}},
    }
    text = html(adata, title=evil)
    found = Page(text)
    assert found.wrong == found.open == []
    assert not found.named("script", "b")
    assert all((attrs["src"] or "").startswith("data:image/png") for attrs in found.named("img"))
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on")]
    clean = evil.replace("\x00", "\ufffd").replace("\u202e", "\ufffd")
    assert clean in " ".join(found.words)
    assert "\x00" not in text
    assert "\u202e" not in text
    assert "49" not in found.headings[0][1]


def test_folders_of_the_machine_are_not_in_it(labelled: ad.AnnData) -> None:
    record = labelled.uns["c2s"]["annotate"]
    home = "/home/zoran/models"
    record["model"] |= {"id": f"{home}/tuned", "adapter": f"{home}/added", "url": "http://zoran:word@host/v1"}
    record["params"] |= {"prompt": f"read {home}/prompt.txt", "source": "~zoran/x/y", "target": f"file://{home}/z"}
    text = html(labelled, title=f"{home}/cells")
    assert "zoran" not in text
    assert "/models" not in text
    for kept in ("tuned", "added", "http://host/v1", "read prompt.txt", ">cells<"):
        assert kept in text


def test_the_same_data_give_the_same_page(labelled: ad.AnnData) -> None:
    assert html(labelled, title="x") == html(labelled.copy(), title="x")


def test_slots_of_an_expression_are_found() -> None:
    assert slots(["adata.obsm['X_c2s'].shape[1]", "(adata.obs[\"it's\"] == 'adata').mean()"]) == [
        "obsm['X_c2s']",
        'obs["it\'s"]',
    ]
    assert slots(["scc2s.pp.check(adata)['source']"]) == ["scc2s.pp.check(adata)['source']"]


def test_a_record_that_cannot_be_read_is_said_and_the_others_stand(
    labelled: ad.AnnData, caplog: pytest.LogCaptureFixture
) -> None:
    labelled.uns["c2s"] |= {"screen": pd.DataFrame({"a": [1]}), "screen_record": {"params": {"smallest_effect": 1.0}}}
    text = Page(html(labelled, title="x")).text
    assert "This part could not be read (KeyError: 'hit')" in text
    assert "report: Screens could not be read" in caplog.text
    assert "Labels of the cells" in text


def test_parts_that_are_missing_are_named_with_the_call(make: Callable[..., ad.AnnData]) -> None:
    adata = make()
    made, absent = sections(adata)
    assert [one.name for one in made] == ["data", "versions", "caveats"]
    assert {one.title for one in absent} == {chapter.title for chapter in CHAPTERS if chapter.call}
    text = Page(html(adata, title="x")).text
    for chapter in absent:
        assert chapter.call in text
        name = re.match(r"sc\.(pp|tl)\.c2s_(\w+)", chapter.call)
        assert name is not None
        assert hasattr(getattr(scc2s, name[1]), name[2])


def test_no_chapter_is_left_out_of_the_page(page: Page, cells: ad.AnnData) -> None:
    made, _ = sections(cells)
    ids = {attrs.get("id") for attrs in page.named("section")}
    assert {one.name for one in made} <= ids
