"""What must not matter, and what must, through the whole way: texts, grouping, risk and levels of made-up towns."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import ZONE, Town
from small_office import small_office

from analysis.assess import Assessor
from analysis.risk import score
from app.facts import summarise
from app.replay_prepared import Prepared, prepare
from app.replay_run import by_event, run
from app.townstream import Script, TownStream, town_stream
from storage.types import Assessment, Document, Event, Risk

OFFICE = small_office()
START = datetime(2026, 3, 2, tzinfo=ZONE)
SEEDS = st.integers(0, 400)
ASSESSOR = Assessor(OFFICE)
Step = tuple[datetime, str, int]


@cache
def town(seed: int) -> TownStream:
    """A day with everyday talk and three incidents of any topic that the office knows."""
    rng = random.Random(seed)
    scripts = [
        Script(level=level, fast=rng.random() < 0.7, at=rng.uniform(1, 8), size=size, reposts=rng.choice((0.0, 0.4)))
        for level, size in (("blue", 6), ("yellow", 18), ("orange", 40))
    ]
    return town_stream(seed=seed, start=START, days=1, chatter=20, incidents=scripts)


def read(documents: Sequence[Document]) -> Prepared:
    return prepare(documents, OFFICE, ASSESSOR)


def steps(prepared: Prepared) -> list[Step]:
    return [(c.at, c.event, c.after) for c in run(prepared, OFFICE).changes]


def events(prepared: Prepared) -> dict[str, frozenset[str]]:
    return {event: frozenset(a.member.document for a in rows) for event, rows in by_event(prepared).items()}


def risks(prepared: Prepared, now: datetime) -> dict[str, Risk]:
    """Event → its risk at that moment."""
    found = {}
    for event, rows in by_event(prepared).items():
        members = list({a.member.document: a.member for a in rows}.values())
        found[event] = score(summarise(None, members, title="", sample=False, now=now), members, OFFICE, now)
    return found


def x(risk: Risk, code: str) -> float:
    value = next(f.x for f in risk.factors if f.code == code)
    return -1.0 if value is None else value


def copied(documents: Sequence[Document]) -> list[Document]:
    """Each once more, as reposts are: the same words by somebody else, a few minutes later."""
    copies = [
        replace(d, id=f"{d.id}-copy", author=f"{d.author}-copy" if d.author else None, published_at=d.at + LATER,
                fetched_at=d.fetched_at + LATER, reply_to=None, thread=None)
        for d in documents
        if d.kind != "reply"
    ]  # fmt: skip
    return [*documents, *copies]


LATER = timedelta(minutes=3)


@settings(max_examples=12, deadline=None)
@given(SEEDS)
def test_all_posts_twice_as_reposts(seed: int) -> None:
    once, twice = read(town(seed).documents), read(copied(town(seed).documents))
    now = START + timedelta(hours=30)
    before, after = risks(once, now), risks(twice, now)
    for event, documents in events(once).items():
        assert events(twice).get(event, frozenset()) >= documents, "nobody leaves an event because it is repeated"
        assert x(before[event], "A") == x(after[event], "A")
        assert x(before[event], "N") == pytest.approx(x(after[event], "N"))
        if events(twice)[event] > documents:  # no reply alone, which nobody repeats
            assert x(after[event], "H") > x(before[event], "H") or x(before[event], "H") in (0.0, 1.0)


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.integers(1, 6))
def test_an_hour_later_everything_is_the_same(seed: int, hours: int) -> None:
    by = timedelta(hours=hours)
    first = read(town(seed).documents)
    moved = [replace(d, published_at=d.at + by, fetched_at=d.fetched_at + by) for d in town(seed).documents]
    later = read(moved)
    assert events(later) == events(first)
    assert [(at + by, event, level) for at, event, level in steps(first)] == steps(later)
    assert steps(first)


@cache
def talk() -> list[str]:
    """Everyday sentences, each another one, that nobody takes for negative."""
    documents = town_stream(seed=9, start=START, days=3, chatter=60, incidents={}).documents
    read = zip(documents, ASSESSOR.assess(documents), strict=True)
    return [d.text for d, a in read if isinstance(a, Assessment) and a.sentiment.label != "negative"]


def calm(documents: Sequence[Document], many: int, at: datetime) -> list[Document]:
    """Such sentences of as many other people in the threads of these documents."""
    words = iter(talk())
    return [
        replace(d, id=f"{d.id}-calm{n}", author=f"{d.author}-calm{n}", kind="forum", title="", thread=d.id,
                text=next(words), published_at=at, fetched_at=at)
        for d in documents
        for n in range(many)
    ]  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.integers(1, 3))
def test_neutral_posts_lower_the_negative_share(seed: int, many: int) -> None:
    documents = list(town(seed).documents)
    end = documents[-1].fetched_at + LATER  # what comes later moves nobody: grouping does not look ahead
    last = {a.member.event: a.member.document for a in read(documents).arrivals}
    floors = calm([d for d in documents if d.id in last.values()], many, end)
    before, after = risks(read(documents), end + LATER), risks(read([*documents, *floors]), end + LATER)
    assert before.keys() == after.keys()
    for event, risk in before.items():
        assert x(after[event], "N") < x(risk, "N") or x(risk, "N") <= 0
    assert any(x(risk, "N") > 0 for risk in before.values())


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.randoms(use_true_random=False))
def test_neither_order_nor_second_delivery_changes_a_level(seed: int, rng: random.Random) -> None:
    documents = list(town(seed).documents)
    again = [
        replace(d, fetched_at=d.fetched_at + timedelta(hours=rng.uniform(0, 400)))
        for d in rng.sample(documents, len(documents) // 3)
    ]
    mixed = [*documents, *again]
    rng.shuffle(mixed)
    first, second = read(documents), read(mixed)
    assert second.arrivals == first.arrivals
    assert second.repeated == len(again)
    assert steps(second) == steps(first)


def graded(documents: Sequence[Document], batches: int, rng: random.Random, again: int = 0) -> list[Event]:
    """Events of a running office into which these come in batches, each in any order, some of it twice."""
    with TemporaryDirectory() as folder:
        office = Town.open(Path(folder), "2026-03-02T00:00", OFFICE)
        for n in range(batches):
            batch = [d for i, d in enumerate(documents) if i * batches // len(documents) == n]
            office.now = max(d.fetched_at for d in batch)
            batch += rng.sample(batch, min(again, len(batch)))
            rng.shuffle(batch)
            office.post(*batch)
            if again:
                office.post(*rng.sample(documents[: len(documents) * n // batches], again if n else 0))
        found = sorted(office.events(), key=lambda e: e.id)
        office.close()
    return found


def shown(event: Event) -> Event:
    """What people see of it."""
    return replace(event, version=0)


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 30), st.randoms(use_true_random=False))
def test_any_order_within_a_batch_gives_the_same_running_office(seed: int, rng: random.Random) -> None:
    documents = [d for d in town(seed).documents if d.fetched_at < START + timedelta(hours=11)]
    first = graded(documents, 3, random.Random(0))
    assert any(e.level for e in first)
    assert list(map(shown, graded(documents, 3, rng))) == list(map(shown, first))
    assert list(map(shown, graded(documents, 3, rng, again=5))) == list(map(shown, first))
