"""Counts on pages are what one would count: after what staff do, and where a rollup or an event went wrong."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from board_example import Clock, make_site, serve
from simulated import Town
from test_app_again import note
from test_dashboards_access import log_in
from test_dashboards_pages import post

from app.checkup import checkup
from app.jobs import nightly
from dashboards.counted import Counted, last_count, remember
from dashboards.decisions import pending
from dashboards.site import Site
from storage.ports import DocumentQuery
from storage.types import Event


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town.open(tmp_path, "2026-03-02T09:00")
    made.post(*(note(n, made.now) for n in range(4)))
    yield made
    made.close()


def spoil(folder: Path) -> None:
    """What a failing disk or a hand in the file might do."""
    db = sqlite3.connect(folder / "documents.db")
    db.execute("UPDATE roll SET docs = docs + 5 WHERE field = 0")
    db.execute("DELETE FROM roll WHERE field = (SELECT max(field) FROM roll)")
    db.commit()
    db.close()


def found(town: Town, what: str) -> tuple[bool, str]:
    rows = checkup(town.office, town.documents, town.ledger, town.now)
    return next((f.ok, f.text) for f in rows if f.what == what)


def test_a_wrong_rollup_is_found_said_and_set_right(town: Town, tmp_path: Path) -> None:
    assert town.documents.count(DocumentQuery()) == 4
    assert found(town, "计数核对") == (True, "汇总与明细一致")
    spoil(tmp_path)
    (event,) = town.events()
    with town.ledger.begin() as tx:
        tx.events.save([replace(event, documents=9, negative=7)])
    assert town.documents.count(DocumentQuery()) > 4
    ok, text = found(town, "计数核对")
    assert not ok
    assert "夜间会按明细更正" in text
    town.now += timedelta(hours=18)
    nightly(town.turn.pipeline, town.now)
    assert town.documents.count(DocumentQuery()) == 4
    assert town.documents.recount() == []
    assert (town.events()[0].documents, town.events()[0].negative) == (4, event.negative)
    with town.ledger.read() as tx:
        counted = last_count(tx)
        assert [e.after for e in tx.audit.find(object_id="counts")] == [counted.words if counted else ""]
    assert counted is not None
    assert (counted.left, counted.events, counted.rollups > 1) == (0, (event.id,), True)
    ok, text = found(town, "计数核对")
    assert ok
    assert "1 个事件的条数与所含信息不符，已按明细更正" in text
    town.now += timedelta(days=1)
    nightly(town.turn.pipeline, town.now)
    with town.ledger.read() as tx:
        again = last_count(tx)
    assert again is not None
    assert again.well


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path, Clock())
    with made.ledger.begin() as tx:  # the example's figures are written by hand
        events = tx.events.find(size=100)[0]
        tx.events.save([replace(e, negative=sum(m.negative for m in tx.events.members(e.id))) for e in events])
    yield made
    made.documents.close()
    made.ledger.close()


def counted(site: Site, name: str) -> Event:
    """The event, whose counts must be those of its members and of the documents that its page lists."""
    with site.ledger.read() as tx:
        event = tx.events.get([name])[name]
        members = tx.events.members(name)
    assert event.documents == len(members) == site.documents.count(DocumentQuery(filters={"event": [name]}))
    assert event.negative == sum(m.negative for m in members)
    assert event.negative == site.documents.count(DocumentQuery(filters={"event": [name], "sentiment": ["negative"]}))
    assert site.documents.recount() == []
    return event


def test_counts_are_exact_after_split_merge_correction_and_taking_back(site: Site) -> None:
    with serve(site) as base, log_in(base, "officer") as officer:
        before = counted(site, "river")
        answer = post(officer, "/events/river/split", title="另一处排污口", document=["river-1"])
        fresh = answer.headers["location"].split("?")[0].rsplit("/", 1)[1]
        parts = counted(site, "river"), counted(site, fresh)
        assert sum(p.documents for p in parts) == before.documents
        post(officer, f"/events/{fresh}/merge", into="/events/river")
        after = counted(site, "river")
        assert (after.documents, after.negative) == (before.documents, before.negative)
        corrected(site, officer, "canteen")


def corrected(site: Site, officer: httpx.Client, name: str) -> None:
    """One negative document is called positive, and taken back; what is foreign counts as such."""
    before = counted(site, name)
    post(officer, f"/document/{name}-1/correct", field="sentiment", value="positive")
    assert counted(site, name).negative == before.negative - 1
    with site.ledger.read() as tx:
        assert [d.kind for _, d in pending(tx) if d.event == name] == ["regrade"], "the level is looked at again"
        (live,) = tx.notes.corrections(document=f"{name}-1")
    post(officer, f"/document/{name}-1/undo", correction=live.id)
    assert counted(site, name).negative == before.negative
    post(officer, f"/document/{name}-1/correct", field="ours", value="no")
    with site.ledger.read() as tx:
        assert not tx.events.known([f"{name}-1"])[f"{name}-1"].ours


def test_the_page_says_what_the_night_found(site: Site, tmp_path: Path) -> None:
    with serve(site) as base, log_in(base, "admin") as admin:
        assert "夜间核对" not in admin.get("/audit").text
        with site.ledger.begin() as tx:
            remember(tx, Counted(at=site.clock(), rollups=2, left=0, events=("river",), first="汇总与明细不符：示例"))
        said = admin.get("/audit").text
        assert "汇总有 2 处与明细不符，1 个事件的条数与所含信息不符，已按明细更正" in said
        assert "汇总与明细不符：示例" in said
