"""Events that may be one matter: who is shown, who is not, and one click that joins them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from board_example import NOW, member, open_site, serve, stored
from browser import as_user, browser, tab
from playwright.sync_api import expect
from test_dashboards_access import log_in
from test_dashboards_pages import post

from dashboards.site import Site
from dashboards.web.voices import voices
from storage.types import Event, StoredDocument

FIRE = ("厂房着火了，消防车来了", "厂房还在烧，消防车又来两辆", "着火的厂房冒黑烟，消防车进不去")


def fire(name: str, text: str, event: str, *, area: str = "beiyuan", days: float = 0.0) -> StoredDocument:
    row = stored(name, text, NOW - timedelta(days=days), event=event, area=area, topic="food-drug")
    return replace(
        row,
        assessment=replace(
            row.assessment, keywords=tuple(w for w in ("厂房", "着火", "消防车", "工资", "停车位") if w in text)
        ),
    )


def event_of(name: str, rows: list[StoredDocument], **fields: object) -> Event:
    at = rows[0].document.at
    area = rows[0].assessment.places[0].id
    made = Event(
        id=name, title=f"{name}的标题", first_at=at, last_at=at, detected_at=at, topic="food-drug", area=area,
        departments=("scjg",), documents=len(rows), level=2,
    )  # fmt: skip
    return replace(made, **fields)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    told = {
        "first": [fire(f"a{n}", text, "first") for n, text in enumerate(FIRE)],
        "again": [fire(f"b{n}", f"{text}，孩子都吓哭", "again") for n, text in enumerate(FIRE)],
        "town": [fire(f"c{n}", text, "town", area="fotang") for n, text in enumerate(FIRE)],
        "old": [fire(f"d{n}", text, "old", days=9) for n, text in enumerate(FIRE)],
        "other": [fire(f"e{n}", f"工资没有发，第{n}个月了", "other") for n in range(3)],
        "mostly": [
            fire("f0", FIRE[0], "mostly"), *(fire(f"f{n}", f"停车位太少了，转了{n}圈", "mostly") for n in range(1, 9))
        ],
    }  # fmt: skip
    with open_site(tmp_path) as made:
        rows = [row for each in told.values() for row in each]
        made.documents.put(rows)
        with made.ledger.begin() as tx:
            tx.events.save([event_of(name, rows) for name, rows in told.items()])
            tx.events.add_members([member(row, row.event or "") for row in rows])
        yield made


def test_near_in_time_and_place_and_of_the_same_words(site: Site) -> None:
    with serve(site) as base, log_in(base, "officer") as officer:
        page = officer.get("/live/events/first/alike").text
        assert "可能是同一件事" in page
        assert "again的标题" in page
        assert "3 条中 3 条相近" in page
        for name in ("first", "town", "old", "other", "mostly"):
            assert f"{name}的标题" not in page
        assert officer.get("/live/events/other/alike").text.strip() == ""
        assert officer.get("/live/events/none/alike").status_code == 404


def test_the_people_are_quoted_by_what_most_of_them_say(site: Site) -> None:
    stray = fire("a9", "今天去江边看桂花，人真多", "first")
    site.documents.put([stray])
    assert quoted(site)
    assert "a9" not in {row.document.id for row in quoted(site)}, "the stray one says nothing that others say"
    site.documents.put([replace(stray, document=replace(stray.document, reposts=90))])
    assert quoted(site)[0].document.id == "a9", "what most passed on comes first"


def quoted(site: Site) -> tuple[StoredDocument, ...]:
    with site.ledger.read() as tx:
        return voices(site.documents, tx.events.get(["first"])["first"])[0].quoted


def test_several_are_joined_at_once_and_none_is_refused(site: Site) -> None:
    with serve(site) as base, log_in(base, "officer") as officer:
        assert post(officer, "/events/first/merge").status_code == 422
        assert post(officer, "/events/first/merge", into=["again", "mostly", "again"]).status_code == 303
        record = officer.get("/events/again/ledger", follow_redirects=True).text
    with site.ledger.read() as tx:
        known = tx.events.get(["first", "again", "mostly"])
        (kept,) = {e.id: e for e in known.values()}.values()
        assert kept.documents == 3 + 3 + 9 == len(tx.events.members(kept.id))
        assert {tx.events.get([name])[name].id for name in ("first", "again", "mostly")} == {kept.id}
    assert record.count("并入") == 2


def test_closed_events_are_not_offered_and_a_department_is_not_asked(site: Site) -> None:
    with site.ledger.begin() as tx:
        tx.events.change(replace(tx.events.get(["again"])["again"], status="closed"))
    with serve(site) as base:
        with log_in(base, "officer") as officer:
            assert officer.get("/live/events/first/alike").text.strip() == ""
            assert "/alike" not in officer.get("/events/again").text
        with log_in(base, "lead-scjg") as lead:
            assert "/alike" not in lead.get("/events/first").text
            assert lead.get("/live/events/first/alike").status_code == 403


def test_an_event_without_words_asks_nothing(site: Site) -> None:
    row = fire("g0", "……", "mute")
    site.documents.put([replace(row, assessment=replace(row.assessment, keywords=()))])
    with site.ledger.begin() as tx:
        tx.events.save([event_of("mute", [row])])
    with serve(site) as base, log_in(base, "officer") as officer:
        assert officer.get("/live/events/mute/alike").text.strip() == ""


@pytest.mark.browser
def test_one_click_shows_what_happens_and_the_second_joins_them(site: Site, tmp_path: Path) -> None:
    with serve(site) as base, browser() as opened, tab(opened) as page:
        as_user(page, base, "officer")
        page.goto(f"{base}/events/first")
        card = page.locator("section", has_text="可能是同一件事")
        expect(card).to_contain_text("again的标题")
        card.get_by_text("合并所选……").click()
        page.screenshot(path=tmp_path / "alike.png", full_page=True)
        card.get_by_role("button", name="确认合并所选").click()
        expect(page.locator("main")).to_contain_text("again")
        with site.ledger.read() as tx:
            joined = tx.events.get(["again"])["again"]
        assert joined.documents == 6
        assert joined.id in page.url
