"""A whole stream bursts: seen on the counts of the store, said once to the officer on duty, shown on the pages."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from simulated import ZONE, Town

from app.jobs import JOBS
from dashboards.bursts import current, find
from storage.types import Assessment, Delivery, Document, Sentiment, StoredDocument, TopicHit

NOW = datetime(2026, 3, 18, 10, 5, tzinfo=ZONE)
HOUR = timedelta(hours=1)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town.open(tmp_path, NOW.replace(tzinfo=None).isoformat())
    yield made
    made.close()


def talk(
    town: Town, hour: datetime, count: int, *, topic: str = "education", events: int = 1000, first: int = 0
) -> None:
    """So many documents of this hour on a topic, spread over so many events."""
    rows = []
    for n in range(first, first + count):
        at = hour + n * timedelta(seconds=30)
        document = Document(
            id=f"{topic}{at:%d%H}-{n}", text="学校", kind="social", source="s", published_at=at, fetched_at=at
        )
        mood = Sentiment(label="neutral", negative=0.2, neutral=0.7, positive=0.1)
        seen = Assessment(id=document.id, sentiment=mood, topics=(TopicHit(id=topic, words=()),))
        rows.append(StoredDocument(document=document, assessment=seen, event=f"e{topic}{n % events}"))
    town.documents.put(rows)


def usual_weeks(town: Town, days: int = 27) -> None:
    for ago in range(1, days + 1):
        for hour in (8, 9, 10, 11):
            talk(town, (NOW - ago * 24 * HOUR).replace(hour=hour, minute=0), 3 + (ago + hour) % 3)


def messages(town: Town) -> list[Delivery]:
    with town.ledger.read() as tx:
        return [d for d in tx.outbox.find(size=1000) if d.reason == "BURST"]


def shown(town: Town, now: datetime = NOW) -> list[tuple[str, str, int]]:
    with town.ledger.read() as tx:
        return [(b.field, b.id, b.count) for b in current(tx, now)]


def test_a_topic_of_many_small_matters_bursts_and_is_said_once(town: Town) -> None:
    usual_weeks(town)
    talk(town, NOW.replace(hour=9, minute=0), 30)
    for minutes in (0, 10, 20):
        JOBS["bursts"](town.turn.pipeline, NOW + timedelta(minutes=minutes))
    assert ("topic", "education", 30) in shown(town)
    said = [d for d in messages(town) if "教育" in d.body]
    assert len({d.epoch for d in said}) == 1
    assert "9时至10时共 30 条，平日同一时段约 4 条，未集中于单一事件" in said[0].body
    assert not said[0].urgent
    talk(town, NOW.replace(hour=10, minute=0), 30)
    JOBS["bursts"](town.turn.pipeline, NOW + HOUR)
    assert len(messages(town)) == len({d.epoch for d in messages(town)}), "once a stream and day"
    assert shown(town, NOW + 8 * HOUR) == []


def test_a_thin_topic_bursts_by_the_day(town: Town) -> None:
    for ago in range(4, 28, 4):
        talk(town, (NOW - ago * 24 * HOUR).replace(hour=9, minute=0), 1)
    for ago in (20, 12, 5, 1):
        talk(town, NOW.replace(minute=0) - ago * HOUR, 2, first=ago)
    JOBS["bursts"](town.turn.pipeline, NOW)
    assert ("topic", "education", 8) in shown(town)
    (said,) = {d.body for d in messages(town) if "教育" in d.body}
    assert "截至10时的24小时共 8 条，此前平均每天不足 1 条，未集中于单一事件" in said


def test_one_event_alone_is_no_burst_of_its_topic(town: Town) -> None:
    usual_weeks(town)
    talk(town, NOW.replace(hour=9, minute=0), 30, events=1)
    JOBS["bursts"](town.turn.pipeline, NOW)
    assert shown(town) == []
    assert messages(town) == []


def test_a_usual_hour_is_no_burst(town: Town) -> None:
    usual_weeks(town)
    talk(town, NOW.replace(hour=9, minute=0), 6)
    JOBS["bursts"](town.turn.pipeline, NOW)
    assert shown(town) == []


def test_in_the_first_days_the_citys_own_rate_decides(town: Town) -> None:
    usual_weeks(town, days=3)
    talk(town, NOW.replace(hour=9, minute=0), 6)
    JOBS["bursts"](town.turn.pipeline, NOW)
    assert shown(town) == []
    talk(town, NOW.replace(hour=10, minute=0), 25)
    JOBS["bursts"](town.turn.pipeline, NOW + HOUR)
    assert ("topic", "education", 25) in shown(town, NOW + HOUR)
    assert any("全市各类信息每小时平均" in d.body for d in messages(town))


def test_an_empty_store_is_calm(town: Town) -> None:
    JOBS["bursts"](town.turn.pipeline, NOW)
    assert shown(town) == []


def test_an_office_that_allows_more_false_alarms_hears_of_weaker_bursts(town: Town) -> None:
    usual_weeks(town)
    hour = NOW.replace(hour=9, minute=0)
    talk(town, hour, 15)
    office = town.turn.pipeline.office
    strict, loose = (
        {(b.field, b.id) for b in find(town.documents, replace(office, risk=replace(office.risk, burst_false_alarms=n)),
                                       hour)}
        for n in (0.1, 10.0)
    )  # fmt: skip
    assert strict < loose
