"""Burst detectors on a replayed stream: what is counted, what may ring, and what the page says where nothing can."""

from datetime import datetime, timedelta, timezone

from small_office import small_office

from analysis.risk_tally import micros
from app.replay import grade
from app.replay_detectors import compare, streams_of
from app.replay_page import page
from app.replay_prepared import Arrival, Prepared
from app.townstream import Incident
from storage.types import Member

START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))


def arrival(n: int, hour: float, *, area: str | None = None, ours: bool = True) -> Arrival:
    at = START + timedelta(hours=hour)
    member = Member(
        event=f"e{n}", document=f"d{n}", at=at, seen_at=at, kind="forum", source="s", sentiment=0.9, negative=True,
        topic="tax", area=area, ours=ours,
    )  # fmt: skip
    return Arrival(micros(at), member, True, topics=("tax", "education"))


def usual() -> list[Arrival]:
    return [arrival(day, 24 * day + 9.5) for day in range(6)]


def incident(first: int, end: int) -> Incident:
    start = START + timedelta(days=4, hours=15)
    return Incident(
        id="i", topic="tax", level="blue", fast=True, start=start, due_at=start, peak_at=start + timedelta(hours=1),
        documents=tuple(f"d{n}" for n in range(first, end)),
    )  # fmt: skip


def test_a_document_is_counted_in_its_topics_its_place_of_ours_and_its_kind() -> None:
    rows = [arrival(0, 0.1, area="beiyuan"), arrival(1, 0.2, area="hangzhou", ours=False), arrival(2, 2.5)]
    found = streams_of(Prepared(arrivals=rows))
    assert {key: counts.tolist() for key, counts in found.items()} == {
        ("topic", "tax"): [2, 0, 1],
        ("topic", "education"): [2, 0, 1],
        ("area", "beiyuan"): [1, 0, 0],
        ("kind", "forum"): [2, 0, 1],
    }
    assert streams_of(Prepared()) == {}


def test_an_incident_is_caught_where_one_of_its_streams_rings() -> None:
    rush = [arrival(100 + n, 4 * 24 + 15 + n / 10, area="beiyuan") for n in range(8)]
    prepared = Prepared(arrivals=sorted([*usual(), *rush], key=lambda a: a.at))
    figures = compare(prepared, [incident(100, 108)])
    assert {(f.caught, f.due, f.streams) for f in figures} == {(1, 1, 4)}
    assert all(f.able == 4 and f.delay_hours == 1 for f in figures)


def test_the_page_says_when_nothing_can_ring() -> None:
    few = [arrival(100 + n, 4 * 24 + 15 + n / 10) for n in range(3)]
    prepared = Prepared(arrivals=sorted([*usual(), *few], key=lambda a: a.at))
    found = grade(prepared, small_office(), [incident(100, 103)])
    assert all(f.caught == f.able == 0 for f in found.detectors)
    assert "达到过的有0条流，都不够，各方法均不会报警" in page(found)
