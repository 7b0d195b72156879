"""The replay: same figures from the same seed, no look-ahead, truth as a file, hostile truth."""

from datetime import datetime, timedelta, timezone

import pytest
from small_office import small_office

from app.replay import replay, truth_of
from app.replay_page import page
from app.townstream import TownStream, town_stream
from storage.types import Document

START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))


def town(seed: int = 3) -> TownStream:
    return town_stream(seed=seed, start=START, days=5, chatter=10, incidents={"blue": 1, "orange": 1})


def test_same_seed_same_town() -> None:
    assert town() == town()
    assert town(3) != town(4)
    ids = [d.id for d in town().documents]
    assert len(ids) == len(set(ids))
    known = set(ids)
    assert all(known >= set(i.documents) for i in town().incidents)


def test_outage_delays_arrival_and_nothing_else() -> None:
    plain = town_stream(seed=5, start=START, days=3, chatter=40, incidents={})
    late = town_stream(seed=5, start=START, days=3, chatter=40, incidents={}, outage=(10, 20))
    assert {d.id: d.published_at for d in plain.documents} == {d.id: d.published_at for d in late.documents}
    end = START + timedelta(hours=20)
    assert any(d.fetched_at == end for d in late.documents)
    assert not any(START + timedelta(hours=10) <= d.fetched_at < end for d in late.documents)


def test_a_replay_catches_the_orange_one_and_says_so() -> None:
    stream = town()
    found = replay(stream.documents, small_office(), stream.incidents)
    assert found.documents == len(stream.documents)
    assert len(found.levels) == 4
    assert found.levels[1].recall == 1.0
    assert "漏报" in page(found)
    assert '"levels"' in found.to_json()


def test_the_future_changes_nothing_before_it() -> None:
    stream = town()
    cut = stream.documents[len(stream.documents) // 2].fetched_at
    whole = replay(stream.documents, small_office()).changes
    part = replay([d for d in stream.documents if d.fetched_at <= cut], small_office()).changes
    assert [c for c in whole if c.at <= cut] == [c for c in part if c.at <= cut]


def test_everything_an_hour_later_gives_the_same_levels() -> None:
    later = town_stream(
        seed=3, start=START + timedelta(hours=1), days=5, chatter=10, incidents={"blue": 1, "orange": 1}
    )
    by = timedelta(hours=1)
    first, second = replay(town().documents, small_office()), replay(later.documents, small_office())
    assert [(c.event, c.after, c.at + by) for c in first.changes] == [(c.event, c.after, c.at) for c in second.changes]


def test_nothing_to_replay() -> None:
    assert replay([], small_office(), []).documents == 0


def test_a_stream_of_talk_alone_gives_no_alert() -> None:
    talk = Document(id="d", text="公交车又坐反了，无力吐槽", kind="social", source="s", fetched_at=START)
    found = replay([talk], small_office(), [])
    assert (found.documents, found.alerts_per_day) == (1, 0)


@pytest.mark.parametrize(
    "bad", [{}, {"incidents": [{}]}, {"incidents": [{"id": "x", "level": "red", "documents": "d", "start": "?"}]}]
)
def test_truth_says_what_is_wrong(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"incidents|第 1 个事件"):
        truth_of(bad)
