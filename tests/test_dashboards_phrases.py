"""New phrases on the page of a topic: counts, the line to add, the empty state, and who sees them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from board_example import NOW, open_site, serve, stored
from browser import as_user, browser, tab
from playwright.sync_api import expect
from test_dashboards_access import log_in

from analysis.phrases import proposed
from analysis.words import segment
from dashboards.site import Site
from storage.types import StoredDocument


def cut(row: StoredDocument) -> StoredDocument:
    return replace(row, assessment=replace(row.assessment, tokens=segment(row.document.text)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("phrases")) as made:
        old = [stored(f"o{n}", f"河边排污第{n}次看到黑水", NOW - timedelta(days=14)) for n in range(30)]
        new = [stored(f"n{n}", f"养殖尾水直排第{n}回看到黑水", NOW - timedelta(days=2)) for n in range(9)]
        made.documents.put([cut(row) for row in [*old, *new]])
        yield made


@pytest.fixture(scope="module")
def base(site: Site) -> Iterator[str]:
    with serve(site) as address:
        yield address


def test_what_rises_is_shown_with_its_counts_and_the_line_to_add(base: str) -> None:
    with log_in(base, "officer") as officer:
        page = officer.get("/live/topics/environment/phrases").text
        assert ">养殖尾水</a>" in page
        assert "9 条" in page
        assert "| 养殖尾水" in page
        assert "黑水" not in page
        assert "编号 environment" in page


def test_where_there_are_too_many_the_newest_are_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.phrases._PAGE", 2)
    topic, week = site.office().topics["environment"], timedelta(days=7)
    late = [stored(f"l{n}", f"垃圾焚烧厂冒烟第{n}回", NOW - timedelta(seconds=30)) for n in range(5)]
    site.documents.put([cut(row) for row in late])
    found = [each.phrase for each in proposed(site.documents, topic, NOW, week, most=5)]
    site.documents.delete([row.document.id for row in late])
    assert any("焚烧" in phrase for phrase in found), found
    assert not any("尾水" in phrase for phrase in found)


def test_nothing_new_is_said(base: str) -> None:
    with log_in(base, "officer") as officer:
        assert "近7天没有明显增多的新词。" in officer.get("/live/topics/tax/phrases").text
        assert officer.get("/live/topics/none/phrases").status_code == 404


def test_a_department_neither_sees_nor_opens_them(base: str) -> None:
    with log_in(base, "lead-scjg") as lead:
        assert "新词提示" not in lead.get("/topics/environment").text
        answer: httpx.Response = lead.get("/live/topics/environment/phrases")
        assert answer.status_code == 403


@pytest.mark.browser
def test_they_stand_on_the_page(base: str, tmp_path: Path) -> None:
    with browser() as opened, tab(opened) as page:
        as_user(page, base, "officer")
        page.goto(f"{base}/topics/environment")
        expect(page.locator("main")).to_contain_text("| 养殖尾水")
        page.screenshot(path=tmp_path / "phrases.png", full_page=True)
        page.get_by_role("row", name="养殖尾水").get_by_role("link", name="试算").click()
        expect(page.locator("textarea[name=rule]")).to_have_value("养殖尾水")
