"""When reports are due: once each, through restarts, outages and clocks that are set."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from board_example import open_site
from small_office import small_office

from app.reporting import MADE_UP, due, place_scheduled
from dashboards.reports.orders import orders
from dashboards.site import Site
from storage.types import ReportSettings

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = small_office()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, empty=True) as made:
        yield made


def step(site: Site, text: str) -> list[tuple[str, str]]:
    return [(o.kind, o.subject) for o in place_scheduled(OFFICE, site.ledger, at(text))]


def test_once_a_day_week_and_month_after_the_first_start(site: Site) -> None:
    assert step(site, "2026-11-25 07:00") == [], "the first start makes nothing of what was before"
    assert step(site, "2026-11-25 07:59") == []
    assert step(site, "2026-11-25 08:00") == [("daily", "2026-11-24")]
    assert step(site, "2026-11-26 08:00") == [("daily", "2026-11-25")]
    assert step(site, "2026-11-26 08:00") == [], "a restart at the moment"
    assert step(site, "2026-11-27 08:00") == [("daily", "2026-11-26")]
    assert step(site, "2026-11-30 08:01") == [
        ("daily", "2026-11-27"),
        ("daily", "2026-11-28"),
        ("daily", "2026-11-29"),
        ("weekly", "2026-11-23"),
    ], "the weekend's outage is made up for, and Monday reports the last whole week"
    assert step(site, "2026-12-01 08:00") == [("daily", "2026-11-30"), ("monthly", "2026-11-30")]
    with site.ledger.read() as tx:
        kinds = [(o.kind, o.subject) for o in orders(tx)]
    assert len(kinds) == len(set(kinds))


def test_a_long_outage_is_made_up_for_a_week(site: Site) -> None:
    step(site, "2026-06-01 09:00")
    found = step(site, "2026-11-25 09:00")
    assert sum(kind == "daily" for kind, _ in found) == MADE_UP
    assert {kind for kind, _ in found} == {"daily", "weekly", "monthly"}


def test_a_clock_that_is_set_neither_doubles_nor_blocks(site: Site) -> None:
    step(site, "2026-11-24 09:00")
    assert step(site, "2026-11-25 08:00") == [("daily", "2026-11-24")]
    assert step(site, "2026-11-25 07:00") == [], "set back by an hour"
    assert step(site, "2026-11-25 08:30") == []
    step(site, "2031-01-01 09:00")
    assert step(site, "2026-11-26 08:30") == [], "a mark from the future is forgotten"
    assert step(site, "2026-11-27 08:30") == [("daily", "2026-11-26")]


def test_switched_off_is_not_made() -> None:
    off = replace(OFFICE, reports=ReportSettings(daily="", weekly="", monthly=""))
    marks = {"daily": "2026-11-01T08:00:00", "weekly": "2026-11-01T08:00:00", "monthly": "2026-10-01T08:00:00"}
    assert due(off, marks, at("2026-11-30 09:00"))[0] == []
    assert len(due(OFFICE, marks, at("2026-11-30 09:00"))[0]) == MADE_UP + 5 + 1
