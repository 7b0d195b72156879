"""Does a replay decide like the running program? The same stream through both; levels and their times must be equal."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from live_course import live, rows
from simulated import ZONE
from small_office import small_office

from analysis.risk_tally import micros, moment
from app.replay_course import Rhythm
from app.replay_prepared import course_of, load, prepare, save
from app.replay_run import by_event, run
from app.townstream import Script, town_stream
from storage.types import Document, Office

START = datetime(2026, 3, 2, tzinfo=ZONE)


def test_a_replay_decides_like_the_running_program(tmp_path: Path) -> None:
    """In the program's usual rhythm: up by twice and at once, down again, also from the file."""
    stream = town_stream(seed=23, start=START, days=4, chatter=4, incidents={"yellow": 2})
    first = min(i.start for i in stream.incidents)
    kept = [d for d in stream.documents if abs(d.fetched_at - first) < timedelta(hours=3)]
    until = kept[-1].fetched_at + timedelta(hours=5)
    expected = live(tmp_path / "live", kept, until)
    prepared = prepare(kept, small_office())
    save(prepared, tmp_path / "prepared.jsonl")
    found = rows(run(load(tmp_path / "prepared.jsonl", small_office()), small_office()).changes)
    assert rows(run(prepared, small_office()).changes) == found
    assert len(expected) > 3
    assert any(before > after for _, _, before, after, _, _ in expected)
    assert [r for r in found if r[0] <= micros(until)] == expected


def test_what_falls_silent_closes_and_flares_up_alike(tmp_path: Path) -> None:
    """Two days of an office where a day of silence ends an event: answered, down, closed, and a flare-up naming it."""

    def post(number: int, hours: float) -> Document:
        at = START + timedelta(hours=hours)
        text = f"江湾小区北门的搅拌站夜里施工，噪声粉尘都很大，第{number}天了还在生产。"
        return Document(
            id=f"p{number}", text=text, title="江湾搅拌站噪声扰民", kind="message", source="board",
            published_at=at, fetched_at=at, author=f"a{number}",
        )  # fmt: skip

    usual = small_office()
    calm = replace(usual.topics["environment"], sensitivity=0.2)
    office = replace(
        usual,
        topics={**usual.topics, "environment": calm},
        risk=replace(usual.risk, quiet_after_hours=24, down_margin=2),
    )
    answer = replace(post(8, 3), kind="reply", reply_to="p0", author=None, title="答复", text="夜间施工已责令停止。")
    posts = [*(post(n, 1 + n / 10) for n in range(8)), answer, *(post(n, 40 + n / 10) for n in range(9, 14))]
    until = START + timedelta(hours=46)
    expected = live(tmp_path / "live", posts, until, office)
    prepared = prepare(posts, office)
    found = rows(run(prepared, office).changes)
    assert [r for r in found if r[0] <= micros(until)] == expected
    (closed,) = prepared.closed
    assert [arrival.previous for arrival in prepared.arrivals if arrival.previous] == [closed]
    assert len({event for _, event, *_ in expected}) == 2
    assert any(before > after for _, _, before, after, _, _ in expected)


def schools(days: int) -> tuple[Office, list[Document]]:
    """An office that knows a school by each of many names, and the news that speaks of another one every half hour of
    every morning: alike in nothing but their topic."""
    rng = random.Random(3)

    def name(length: int) -> str:
        return "".join(chr(rng.randrange(0x4E00, 0x9FA0)) for _ in range(length))

    names = [[name(3) for _ in range(6)] for _ in range(days)]
    office = small_office()
    topic = office.topics["education"]
    rule = " | ".join([topic.rule, *(known for day in names for known in day)])
    news = [
        Document(
            id=f"n{day:02}{n}", text=f"{name(12)}{known}{name(12)}", kind="news", source=f"s{n}", published_at=at,
            fetched_at=at + timedelta(seconds=40),
        )
        for day, row in enumerate(names)
        for n, known in enumerate(row)
        for at in [START + timedelta(days=day, hours=9 + n / 2)]
    ]  # fmt: skip
    return replace(office, topics={**office.topics, "education": replace(topic, rule=rule)}), news


def test_usual_hours_count_alike_over_a_whole_course(tmp_path: Path) -> None:
    """Sixteen days: baselines of fourteen, looked up alike, and needed."""
    office, news = schools(days=15)
    script = Script(level="yellow", topic="education", fast=True, at=15 * 24 + 9.2, reply=False)
    stream = town_stream(seed=5, start=START, days=16, chatter=0, incidents=[script])
    (incident,) = stream.incidents
    rise = [d for d in stream.documents if d.fetched_at < incident.start + timedelta(hours=2)]
    until = incident.start + timedelta(hours=3)
    expected = live(tmp_path / "live", [*news, *rise], until, office)
    prepared = prepare([*news, *rise], office)
    found = rows(run(prepared, office).changes)
    assert len(expected) > 1
    assert [r for r in found if r[0] <= micros(until)] == expected
    usual = prepared.usual(office)
    assert all((known := usual.of("education", moment(at))) and max(known.spread) > 1 for at, *_ in expected)
    rhythm, blind = Rhythm.of(office, prepared.origin), []
    for event in {c[1] for c in found}:
        course = course_of(event, by_event(prepared)[event], office, rhythm)
        course.advance(micros(until))
        blind += course.changes
    assert rows(blind) != expected, "without the usual hours the scores must be others"
