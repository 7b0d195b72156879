"""What an event stands out from: the usual hours of its topic, the same in the running program and in a replay."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from simulated import ZONE
from small_office import small_office

from analysis.risk import score
from analysis.risk_tally import micros
from app.usual import ArrivedHours, Usual, stored_hours
from storage.open import open_stores
from storage.ports import DocumentStore
from storage.types import Assessment, Document, Event, Member, Sentiment, StoredDocument, TopicHit

OFFICE = small_office()
NOW = datetime(2026, 3, 18, 10, 20, tzinfo=ZONE)  # a Wednesday
HOUR = timedelta(hours=1)


def history(days: int) -> list[StoredDocument]:
    """Ten or so documents on education at nine o'clock of every day, on days off twice as many; nothing else."""
    rows = []
    for ago in range(1, days + 1):
        day = (NOW - ago * 24 * HOUR).replace(hour=9, minute=0)
        for n in range((8 + ago % 5) * (2 if day.weekday() > 4 else 1)):
            at = day + n * timedelta(minutes=1)
            document = Document(id=f"{ago}-{n}", text="学校", kind="social", source="s", published_at=at, fetched_at=at)
            topic = TopicHit(id="education", words=())
            mood = Sentiment(label="neutral", negative=0.2, neutral=0.7, positive=0.1)
            rows.append(
                StoredDocument(
                    document=document, assessment=Assessment(id=document.id, sentiment=mood, topics=(topic,))
                )
            )
    return rows


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    documents, ledger = open_stores(tmp_path, segment=str)
    yield documents
    documents.close()
    ledger.close()


def arrived(rows: list[StoredDocument]) -> Usual:
    hours = ArrivedHours(OFFICE)
    for row in sorted(rows, key=lambda r: r.document.fetched_at):
        for _ in range(2):  # the second delivery is the same document
            hours.add(row.document.id, ("education",), row.document.at, micros(row.document.fetched_at))
    return Usual(OFFICE, hours)


def test_the_store_and_the_replay_know_the_same_usual_hours(store: DocumentStore) -> None:
    rows = history(16)
    store.put(rows)
    live, replayed = Usual(OFFICE, stored_hours(store, OFFICE)), arrived(rows)
    working, off = live.of("education", NOW), live.of("education", NOW + 3 * 24 * HOUR)
    assert working is not None
    assert off is not None
    assert working.spread[9] > 3
    assert set(working.spread[:9]) == {1.0}
    assert off.spread[9] > 1.2 * working.spread[9], "a day off is compared with days off"
    assert (replayed.of("education", NOW), replayed.of("education", NOW + 3 * 24 * HOUR)) == (working, off)
    assert live.of("food-drug", NOW) is None


def test_a_history_of_less_than_fourteen_days_says_nothing(store: DocumentStore) -> None:
    rows = history(12)
    store.put(rows)
    assert Usual(OFFICE, stored_hours(store, OFFICE)).of("education", NOW) is None
    assert arrived(rows).of("education", NOW) is None


def test_a_replay_does_not_count_what_came_in_later() -> None:
    day = (NOW - 48 * HOUR).date()
    rows = [
        replace(row, document=replace(row.document, fetched_at=NOW)) if row.document.at.date() == day else row
        for row in history(16)
    ]
    counting = arrived(rows).counting
    assert all(when != day for when, _ in counting("education", NOW - 72 * HOUR, NOW - 24 * HOUR))
    assert any(when == day for when, _ in counting("education", NOW - 72 * HOUR, NOW + HOUR))


def test_an_event_in_the_noise_of_its_topic_is_slower_than_one_that_stands_out() -> None:
    usual = arrived(history(16)).of("education", NOW)
    seen = {}
    for hour in (9, 20):
        at = NOW.replace(hour=hour, minute=30)
        members = [
            Member(
                event="e", document=str(n), at=at, seen_at=at, kind="social", source="s", sentiment=0.5, negative=True,
                topic="education",
            )
            for n in range(5)
        ]  # fmt: skip
        event = Event(id="e", title="", first_at=at, last_at=at, detected_at=at, topic="education")
        seen[hour] = score(event, members, OFFICE, at).score, score(event, members, OFFICE, at, baseline=usual).score
    assert seen[9][1] < seen[9][0] - 2
    assert seen[20][1] == seen[20][0], "nobody speaks of schools at this hour"
