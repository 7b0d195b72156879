"""Saved searches: kept for their owner alone, and told once when enough new hits came."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from board_example import PASSWORD, Clock, open_site, serve, stored

from dashboards import saved
from dashboards.searching import BadForm
from dashboards.site import Site
from storage.query import QuerySyntaxError
from storage.types import Delivery


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    with open_site(tmp_path, clock) as made:
        yield made


def keep(site: Site, owner: str = "officer", q: str = "停车", threshold: int = 3, hours: int = 6) -> saved.Saved:
    row = saved.new(owner, "停车难", f"q={q}", threshold, hours, site.clock())
    with site.ledger.begin() as tx:
        saved.put(tx, row)
    return row


def arrive(site: Site, clock: Clock, number: int, *, text: str = "小区停车没有位置", department: str = "sthj") -> None:
    clock.at += timedelta(minutes=1)
    name = f"new-{clock.at.timestamp():.0f}"
    site.documents.put([stored(f"{name}-{n}", f"{text}{n}", clock.at, department=department) for n in range(number)])
    clock.at += timedelta(minutes=1)


def told(site: Site) -> list[Delivery]:
    with site.ledger.read() as tx:
        return [row for row in tx.outbox.find() if row.reason == saved.REASON]


def tell(site: Site) -> int:
    return saved.tell(site.documents, site.ledger, site.office(), site.clock())


def test_a_wave_is_told_once_and_the_next_one_again(site: Site, clock: Clock) -> None:
    row = keep(site)
    arrive(site, clock, 2)
    assert tell(site) == 0
    arrive(site, clock, 1)
    assert tell(site) == 1
    (message,) = told(site)
    assert message.recipient == "officer"
    assert message.subject == "【检索提醒】停车难：近 6 小时新增 3 条"
    assert "/documents?q=%E5%81%9C%E8%BD%A6" in message.body
    assert "小区停车没有位置" not in message.body, "no citizen's words leave"
    assert tell(site) == 0
    arrive(site, clock, 2)
    assert tell(site) == 0
    arrive(site, clock, 1)
    assert tell(site) == 1
    assert len(told(site)) == 2
    with site.ledger.read() as tx:
        assert len(tx.audit.find(object_id=f"search:{row.id}")) == 2


def test_old_hits_and_other_departments_and_locked_owners_are_not_told(site: Site, clock: Clock) -> None:
    keep(site)
    arrive(site, clock, 5)
    clock.at += timedelta(hours=6)
    assert tell(site) == 0
    keep(site, owner="lead-jyj")
    arrive(site, clock, 2, department="sthj")
    assert tell(site) == 0, "the lead sees only the department's own"
    arrive(site, clock, 3, department="jyj")
    assert {row.recipient for row in told(site)} == set()
    assert tell(site) == 2
    with site.ledger.begin() as tx:
        user = tx.users.get("officer")
        assert user is not None
        tx.users.save(replace(user, active=False))
    arrive(site, clock, 9)
    assert tell(site) == 0


@pytest.mark.parametrize(
    ("name", "address", "threshold", "hours"),
    [
        ("", "q=停车", 1, 1),
        ("x" * 61, "q=停车", 1, 1),
        ("x", "q=(停车", 1, 1),
        ("x", "since=昨天", 1, 1),
        ("x", "q=停车", -1, 1),
        ("x", "q=停车", 1, 0),
        ("x", "q=停车", 1, 100_000),
    ],
)
def test_what_cannot_be_used_is_refused(site: Site, name: str, address: str, threshold: int, hours: int) -> None:
    with pytest.raises((BadForm, QuerySyntaxError)):
        saved.new("officer", name, address, threshold, hours, site.clock())


def test_the_page_keeps_edits_stops_and_deletes_ones_own(site: Site) -> None:
    with serve(site) as base, log_in(base, "officer") as mine, log_in(base, "leader") as other:
        page = mine.get("/documents?q=%E9%A3%9F%E5%A0%82&kind=forum")
        csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
        form = {"csrf": csrf, "q": "食堂", "kind": "forum", "name": "<i>食堂</i>", "threshold": "2", "hours": "12"}
        assert mine.post("/documents/saved", data=form).status_code == 303
        listed = mine.get("/documents/saved").text
        assert "&lt;i&gt;食堂" in listed
        assert "满 2 条提醒" in listed
        assert "食堂" not in other.get("/documents/saved").text
        assert mine.post("/documents/saved", data=form | {"q": "(食堂"}).status_code == 422
        assert mine.post("/documents/saved", data=form | {"threshold": "many"}).status_code == 422
        (row,) = kept(site)
        assert row.address == "q=%E9%A3%9F%E5%A0%82&kind=forum"
        at = f"/documents/saved/{row.id}"
        theirs = {"csrf": re.findall(r'name="csrf" value="([^"]+)"', other.get("/password").text)[0]}
        assert other.post(f"{at}/delete", data=theirs).status_code == 404
        assert mine.post(f"{at}/edit", data={"csrf": csrf, "name": "学校食堂", "threshold": "5"}).status_code == 303
        assert (kept(site)[0].name, kept(site)[0].threshold, kept(site)[0].hours) == ("学校食堂", 5, 12)
        assert mine.post(f"{at}/edit", data={"csrf": csrf, "hours": "0"}).status_code == 422
        assert mine.post(f"{at}/stop", data={"csrf": csrf}).status_code == 303
        assert kept(site)[0].threshold == 0
        assert mine.post(f"{at}/delete", data={"csrf": csrf}).status_code == 303
        assert kept(site) == []


def test_there_is_an_end_to_how_many(site: Site) -> None:
    for _ in range(saved.MOST):
        keep(site)
    with pytest.raises(BadForm, match="最多保存"):
        keep(site)


def kept(site: Site) -> list[saved.Saved]:
    with site.ledger.read() as tx:
        return saved.of(tx, "officer")


@contextmanager
def log_in(base: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base, trust_env=False, timeout=30) as opened:
        csrf = re.findall(r'name="csrf" value="([^"]+)"', opened.get("/login").text)[0]
        opened.post("/login", data={"csrf": csrf, "name": name, "password": PASSWORD})
        yield opened
