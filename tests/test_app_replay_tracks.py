"""The replay by tracks passes over what cannot matter; followed step by step, every event must come to the same."""

import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from small_office import small_office

from analysis.risk_tally import micros
from app.replay_course import Rhythm
from app.replay_prepared import Arrival, Prepared, course_of
from app.replay_run import by_event, run, weighted
from app.replay_tracks import Tracks
from storage.types import Kind, Member

OFFICE = small_office()
START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))
KINDS: tuple[Kind, ...] = ("social", "forum", "message", "news", "reply", "government")
FLAGS = ("rumour", "casualty", "crowd", "must.vital", "must.moral", "advertisement", "must.emergency", "kind.other")


def stream(seed: int, days: float, events: int) -> Prepared:
    """Events of any size and speed: late, old, repeated, answered, diluted, from one source or many."""
    rng = random.Random(seed)
    made: list[Arrival] = []
    for e in range(events):
        begin, wide = rng.uniform(0, days * 24), rng.choice((0.5, 6, 40))
        topic, heat = rng.choice((None, "education", "food-drug", "tax")), rng.choice((0, 5, 2000))
        flags = rng.sample(FLAGS, 2)
        for n in range(rng.choice((1, 2, 5, 30, 90))):
            at = START + timedelta(hours=begin + rng.expovariate(1 / wide))
            came = at + timedelta(minutes=rng.choice((1, 4, 200, 2000)) if n % 9 == 0 else 2)
            about = topic if rng.random() < (0.9 if n < 9 else 0.05 if e % 5 == 0 else 0.8) else None
            kind = rng.choice(KINDS[: 1 + e % 6])
            member = Member(
                event=f"e{e}", document=f"d{e}-{n if n % 40 or e % 4 else 0}", at=at, seen_at=at, kind=kind,
                source=f"s{n % (1 + e % 3)}", sentiment=rng.random(), negative=rng.random() < 0.6,
                author=f"a{n % 25}" if n % 6 else None,
                topic=about, likes=rng.randint(0, heat), reposts=rng.choice((None, heat)), ours=e % 7 != 0,
                flags=tuple(f for f in flags if rng.random() < 0.3), authority=rng.choice((0.0, 0.3, 0.9)),
                duplicate_of="x" if rng.random() < 0.2 else None, historic=e % 11 == 10 and n < 4,
            )  # fmt: skip
            made.append(Arrival(micros(came), member, about is not None, None, topics=(about,) if about else ()))
    made.sort(key=lambda a: (a.at, a.member.document))
    first = {a.member.event: n for n, a in reversed(list(enumerate(made)))}
    for number in sorted(first.values())[::4]:
        made[number] = replace(made[number], previous="before")
    return Prepared(arrivals=made)


@pytest.mark.parametrize(("seed", "days"), [(1, 4), (2, 4), (3, 4), (4, 20), (5, 20)])
def test_passing_over_changes_nothing(seed: int, days: float) -> None:
    prepared = stream(seed, days, 33)
    weights = OFFICE.risk.weights
    rhythm = Rhythm.of(OFFICE, prepared.origin)
    end = prepared.arrivals[-1].at + rhythm.active + rhythm.usual
    for office in (OFFICE, weighted(OFFICE, {**weights, "V": 0.0}), weighted(OFFICE, {**weights, "R": 0.4})):
        found = run(prepared, office)
        usual = prepared.usual(office) if days > 14 else None
        for event, arrivals in by_event(prepared).items():
            course = course_of(event, arrivals, office, rhythm, usual)
            course.advance(end)
            assert found.courses[event].changes == course.changes, (office.risk.weights, event)
            assert found.courses[event].points == course.points
            assert found.courses[event].event == course.event
    assert len(found.changes) > 20
    assert isinstance(prepared.tracks, Tracks)
    assert len(prepared.tracks.spans) > 2 * len(prepared.tracks.odd), "most events must go by tracks"
