"""Does a replay decide like the running program? The same stream through both; levels and their times must be equal."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from simulated import KEY, ZONE, Town
from small_office import small_office

from analysis.risk_tally import micros
from app.intake import accept
from app.jobs import JOBS
from app.replay_prepared import load, prepare, save
from app.replay_run import run
from app.townstream import town_stream
from storage.types import Document, LevelChange

START = datetime(2026, 3, 2, tzinfo=ZONE)
Row = tuple[int, str, int, int, str, float]


def rows(changes: Sequence[LevelChange]) -> list[Row]:
    found = [(micros(c.at), c.event, c.before, c.after, c.cause, round(c.score, 6)) for c in changes]
    return sorted(found)


def live(folder: Path, documents: Sequence[Document], until: datetime) -> list[Row]:
    """Everything through intake, worker, stores and jobs, each job at its time; tasks are done once a level is gone."""
    waiting = sorted(documents, key=lambda d: (d.fetched_at, d.id))
    begin = datetime.fromtimestamp(waiting[0].fetched_at.timestamp() // 600 * 600, ZONE)
    town = Town.open(folder, begin.replace(tzinfo=None).isoformat())
    tick = timedelta(minutes=2)
    town.now = begin
    while town.now < until:
        due = town.now + tick
        while waiting and waiting[0].fetched_at < due:
            at = waiting[0].fetched_at
            town.now = at
            together = [d for d in waiting if d.fetched_at == at]
            waiting = waiting[len(together) :]
            accept(together, town.ledger, KEY, at)
            while town.turn.step() is not None:
                pass
        town.now = due
        jobs(town, (due - begin) // tick)
    with town.ledger.read() as tx:
        found = [c for event in tx.events.find(size=1000)[0] for c in tx.events.changes(event.id)]
    town.close()
    return rows(found)


def jobs(town: Town, number: int) -> None:
    JOBS["evaluate_urgent"](town.turn.pipeline, town.now)
    if number % 5 == 0:
        JOBS["evaluate"](town.turn.pipeline, town.now)
    if number % 30 == 0:
        finish(town)
        JOBS["close_quiet"](town.turn.pipeline, town.now)


def finish(town: Town) -> None:
    calm = {event.id for event in town.events() if event.level == 0}
    with town.ledger.begin() as tx:
        for task in tx.tasks.find(size=1000)[0]:
            if task.event in calm and task.state != "closed":
                tx.tasks.change(replace(task, state="closed"))


def test_a_replay_decides_like_the_running_program(tmp_path: Path) -> None:
    stream = town_stream(seed=23, start=START, days=4, chatter=4, incidents={"yellow": 2})
    first = min(i.start for i in stream.incidents)
    kept = [d for d in stream.documents if abs(d.fetched_at - first) < timedelta(hours=3)]
    until = kept[-1].fetched_at + timedelta(hours=5)
    expected = live(tmp_path / "live", kept, until)
    prepared = prepare(kept, small_office())
    save(prepared, tmp_path / "prepared.jsonl")
    found = rows(run(load(tmp_path / "prepared.jsonl"), small_office()).changes)
    assert rows(run(prepared, small_office()).changes) == found
    assert len(expected) > 3
    assert any(before > after for _, _, before, after, _, _ in expected)
    assert [r for r in found if r[0] <= micros(until)] == expected


def test_what_falls_silent_closes_and_flares_up_alike(tmp_path: Path) -> None:
    def post(number: int, hours: float) -> Document:
        at = START + timedelta(hours=hours)
        text = f"江湾小区北门的搅拌站夜里施工，噪声粉尘都很大，第{number}天了还在生产。"
        return Document(
            id=f"p{number}", text=text, title="江湾搅拌站噪声扰民", kind="message", source="board",
            published_at=at, fetched_at=at, author=f"a{number}",
        )  # fmt: skip

    posts = [post(n, h) for n, h in enumerate((1.0, 1.2, 1.3, 90.0, 90.5, 91.0))]
    expected = live(tmp_path / "live", posts, START + timedelta(hours=100))
    prepared = prepare(posts, small_office())
    found = rows(run(prepared, small_office()).changes)
    assert [r for r in found if r[0] <= micros(START + timedelta(hours=100))] == expected
    assert expected
