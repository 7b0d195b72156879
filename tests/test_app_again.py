"""What is delivered twice counts once: in the running program, in a replay, and in both alike."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from live_course import live, rows, slower
from simulated import ZONE, Town
from small_office import small_office

from analysis.risk_tally import micros
from app.replay_prepared import load, prepare, save
from app.replay_run import run
from app.townstream import Script, town_stream
from storage.types import Correction, Document

START = datetime(2026, 3, 2, tzinfo=ZONE)


def stream() -> list[Document]:
    """A fast yellow incident of some hours, a few of whose posts bear no time."""
    script = Script(level="yellow", topic="food-drug", fast=True, at=8.0, reply=False, reposts=0.4)
    posts = town_stream(seed=8, start=START, days=1, chatter=2, incidents=[script]).documents
    return [replace(d, published_at=None) if n % 7 == 3 else d for n, d in enumerate(posts)]


def repeated(documents: list[Document], share: float, rng: random.Random) -> list[Document]:
    """With this share of them delivered again, up to six hours later."""
    again = [
        replace(d, fetched_at=d.fetched_at + timedelta(minutes=rng.uniform(1, 360)))
        for d in rng.sample(documents, max(3, int(share * len(documents))))
    ]
    return [*documents, *again]


def test_a_stream_with_repeated_lines_gives_the_same_live_and_in_a_replay(tmp_path: Path) -> None:
    once, office = stream(), slower(small_office())
    twice = repeated(once, 0.05, random.Random(2))
    until = max(d.fetched_at for d in twice) + timedelta(hours=1)
    prepared, plain = prepare(twice, office), prepare(once, office)
    assert prepared.repeated == len(twice) - len(once)
    assert prepared.arrivals == plain.arrivals
    save(prepared, tmp_path / "p.jsonl")
    assert load(tmp_path / "p.jsonl", office).repeated == prepared.repeated
    expected = live(tmp_path / "live", twice, until, office)
    assert len(expected) > 2
    assert [r for r in rows(run(prepared, office).changes) if r[0] <= micros(until)] == expected


def note(n: int, at: datetime, **more: object) -> Document:
    """One of several posts about a matter."""
    base = Document(
        id=f"p{n}", title="江湾搅拌站噪声扰民", text=f"江湾小区北门的搅拌站夜里施工，噪声很大，第{n}天了还在生产。",
        kind="forum", source="board", author=f"a{n}", published_at=at, fetched_at=at,
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def test_a_second_delivery_sets_no_clock_back_and_grades_nothing(tmp_path: Path) -> None:
    town = Town.open(tmp_path, "2026-03-02T09:00")
    posts = [note(n, town.now, published_at=None if n == 0 else town.now) for n in range(3)]
    town.post(*posts)
    (event,) = town.events()
    with town.ledger.read() as tx:
        members = tx.events.members(event.id)
    town.now += timedelta(hours=5)
    town.post(*(replace(p, fetched_at=town.now) for p in posts))
    with town.ledger.read() as tx:
        assert tx.events.members(event.id) == members
    assert town.events() == [event], "nothing new is no reason to look at the event again"
    town.post(replace(posts[0], fetched_at=town.now, likes=90))
    (again,) = town.events()
    assert again.risk != event.risk
    assert (again.first_at, again.documents) == (event.first_at, 3)
    town.close()


def test_what_comes_again_after_weeks_stays_in_its_event_and_is_no_history(tmp_path: Path) -> None:
    town = Town.open(tmp_path, "2026-03-02T09:00")
    posts = [note(n, town.now) for n in range(4)]
    town.post(*posts)
    (event,) = town.events()
    town.now += timedelta(days=20)
    town.post(note(9, town.now, text="龙泉街的路灯坏了三盏，晚上太黑。", title="路灯不亮", author="b"))
    town.post(*(replace(p, fetched_at=town.now, likes=5) for p in posts))
    with town.ledger.read() as tx:
        assert {m.document for m in tx.events.members(event.id)} == {p.id for p in posts}
        assert not any(m.historic for m in tx.events.members(event.id))
    kept = next(e for e in town.events() if e.id == event.id)
    assert (kept.documents, kept.historic) == (4, False)
    stored = town.documents.get([p.id for p in posts])
    assert {row.event for row in stored} == {event.id}
    assert not any(row.document.historic for row in stored)
    town.close()
    prepared = prepare([*posts, *(replace(p, fetched_at=town.now, likes=5) for p in posts)], small_office())
    assert {a.member.event for a in prepared.arrivals} == {event.id}
    assert not any(a.member.historic for a in prepared.arrivals)
    assert len(prepared.arrivals) == 8


def test_a_replay_takes_what_was_old_when_it_came_in_as_history() -> None:
    old = [note(n, START, fetched_at=START + timedelta(days=30, minutes=n)) for n in range(4)]
    prepared = prepare(old, small_office())
    assert all(a.member.historic for a in prepared.arrivals)
    assert not run(prepared, small_office()).changes
    ahead = note(5, START, published_at=START + timedelta(days=400))
    assert prepare([ahead], small_office()).arrivals[0].member.at == START


def test_what_people_corrected_outlives_a_second_delivery(tmp_path: Path) -> None:
    town = Town.open(tmp_path, "2026-03-02T09:00")
    posts = [note(n, town.now) for n in range(3)]
    town.post(*posts)
    said = [("sentiment", "positive"), ("department", "scjg"), ("ours", "no"), ("department", "gone")]
    with town.ledger.begin() as tx:
        for number, (field, value) in enumerate(said):
            at = town.now + timedelta(seconds=number)
            tx.notes.add_correction(
                Correction(id=f"c{number}", document="p1", field=field, machine="", person=value, who="u", at=at)
            )
    town.now += timedelta(hours=1)
    town.post(*(replace(p, fetched_at=town.now, likes=3) for p in posts))
    (row,) = town.documents.get(["p1"])
    assert row.assessment.sentiment.positive == 1
    assert row.assessment.departments[0].id == "scjg"
    assert not any(hit.ours for hit in row.assessment.places)
    with town.ledger.read() as tx:
        right, other = (tx.events.known(["p1", "p2"])[i] for i in ("p1", "p2"))
    assert (right.negative, right.sentiment, right.ours, other.ours) == (False, 0.0, False, True)
    (event,) = town.events()
    with town.ledger.read() as tx:
        assert event.negative == sum(m.negative for m in tx.events.members(event.id))
    town.close()
