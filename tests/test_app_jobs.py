"""The timed jobs over a real ledger: once a day, after a stop, when the database is away, when the program is wrong."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from scenario import moment
from small_office import small_office

import app.rota
from alerts.plan import plan
from alerts.routing import Facts, route
from app.grading import write_plans
from app.heartbeats import beat, last_beat
from app.jobs import JOBS, NAMES, close_quiet, evaluate, gathering, morning, nightly, schedule
from app.pipeline import Pipeline
from app.rota import Due
from app.sweeping import sweep
from app.work import make_pipeline
from dashboards.silences import cover
from storage.open import open_stores
from storage.ports import StoreError
from storage.types import Delivery, Event, Member, RawPage, Source, SourceHour, Task, User

NOW = moment("2025-09-25 10:00")
MINUTE = timedelta(minutes=1)
OFFICER = User(name="li", display="李", roles=("officer",))
SOURCE = Source(
    id="s1", name="市政府网站", url="http://example.invalid/", kind="government", type="list", interval_minutes=10
)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    documents, ledger = open_stores(tmp_path, segment=str)
    office = replace(small_office(), sources={"s1": SOURCE})
    yield make_pipeline(office, documents, ledger)
    documents.close()
    ledger.close()


def rows(pipeline: Pipeline, *reasons: str) -> list[Delivery]:
    with pipeline.ledger.read() as tx:
        return [d for d in tx.outbox.find(size=1000) if d.reason in reasons]


def event(pipeline: Pipeline, name: str, level: int, now: datetime = NOW) -> Task:
    made = Event(
        id=name, title=name, first_at=now, last_at=now, detected_at=now, level=level, topic="education"
    )  # fmt: skip
    office = pipeline.office
    planned = plan(made, None, route(Facts(level=level, topic="education", event=name), office), (), (), office, now)
    with pipeline.ledger.begin() as tx:
        tx.events.save([made])
        write_plans(tx, [planned], now)
    return planned.tasks[0]


def change(pipeline: Pipeline, task: Task, **fields: object) -> None:
    with pipeline.ledger.begin() as tx:
        fresh = tx.tasks.get(task.id)
        assert fresh is not None
        tx.tasks.change(replace(fresh, **fields))  # type: ignore[arg-type]


def polled(pipeline: Pipeline, hour: datetime, **fields: object) -> None:
    with pipeline.ledger.begin() as tx:
        tx.frontier.record(SourceHour(source="s1", hour=hour, polled=1, **fields))  # type: ignore[arg-type]


# ── the daily word ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("first", ["08:30", "08:31", "15:10", "23:59"])
def test_the_morning_word_comes_once_also_when_the_process_starts_late(pipeline: Pipeline, first: str) -> None:
    morning(pipeline, moment("2025-09-25 08:29"))
    assert rows(pipeline, "HEARTBEAT") == []
    for _ in range(3):
        morning(pipeline, moment(f"2025-09-25 {first}"))
    assert [r.epoch for r in rows(pipeline, "HEARTBEAT")] == ["2025-09-25"]
    morning(pipeline, moment("2025-09-26 08:30"))
    assert len(rows(pipeline, "HEARTBEAT")) == 2


def test_the_morning_names_sources_that_lag_and_not_those_that_rarely_speak(pipeline: Pipeline) -> None:
    for hour in range(1, 200):
        polled(pipeline, NOW - timedelta(hours=hour), unchanged=1, new=5 if hour > 60 else 0)
    morning(pipeline, NOW)
    (lag,) = rows(pipeline, "WATCHDOG")
    assert "市政府网站" in lag.body
    assert "没有新信息" in lag.body
    (word,) = rows(pipeline, "HEARTBEAT")
    assert "信息来源 0/1 正常" in word.body


def raw_page(name: str, at: datetime) -> RawPage:
    return RawPage(hash=name, url="", source="s", fetched_at=at, status=200, content_type="", body=b"<p>x</p>")


def test_the_night_work_is_done_once_and_says_what_it_found(pipeline: Pipeline) -> None:
    nightly(pipeline, moment("2025-09-25 02:29"))
    with pipeline.ledger.read() as tx:
        assert tx.notes.get("audit:verified") is None
    with pipeline.ledger.begin() as tx:
        for name, at in (("old", "2025-03-01 08:00"), ("young", "2025-09-01 08:00")):
            tx.frontier.keep_raw(raw_page(name, moment(at)))
        tx.notes.put("push:old", json.dumps({"at": moment("2025-09-20 09:00").isoformat()}))
        tx.notes.put("push:new", json.dumps({"at": moment("2025-09-24 09:00").isoformat()}))
    nightly(pipeline, moment("2025-09-25 09:00"))
    nightly(pipeline, moment("2025-09-25 10:00"))
    with pipeline.ledger.read() as tx:
        assert [tx.frontier.raw(name) is None for name in ("old", "young")] == [True, False]
        assert tx.notes.keys("push:") == ["push:new"], "keys of pushes that nobody can repeat any more"
        note = json.loads(tx.notes.get("audit:verified") or "")
    assert note == {"at": moment("2025-09-25 09:00").isoformat(), "broken": None}


# ── nobody stands still unseen ────────────────────────────────────────────────────────────────────────────────────────


def test_a_sender_that_stands_still_is_told_by_the_sweep(pipeline: Pipeline) -> None:
    with pipeline.ledger.begin() as tx:
        beat(tx, "send", NOW - timedelta(minutes=30))
        beat(tx, "evaluate", NOW - timedelta(minutes=14))
    sweep(pipeline, NOW)
    (told,) = rows(pipeline, "WATCHDOG")
    assert "“发送”已 30分没有运行" in told.body
    sweep(pipeline, NOW + 2 * MINUTE)
    assert len(rows(pipeline, "WATCHDOG")) == 2, "grading is meant to run every ten minutes, and is late now too"


def test_after_a_stop_the_sweep_says_what_was_missed_and_catches_up(pipeline: Pipeline) -> None:
    event(pipeline, "e1", 3)
    sweep(pipeline, NOW + MINUTE)
    with pipeline.ledger.begin() as tx:
        beat(tx, "send", NOW)
    sweep(pipeline, NOW + timedelta(hours=3))
    (told,) = rows(pipeline, "WATCHDOG")
    assert "“时限巡检”已恢复，此前 2小时59分没有运行" in told.body
    assert {r.recipient for r in rows(pipeline, "UNSIGNED")} == {"department-head", "deputy-mayor"}


def test_a_clock_that_went_back_is_told_once_and_nothing_is_sent_again(pipeline: Pipeline) -> None:
    event(pipeline, "e1", 3)
    sweep(pipeline, NOW + timedelta(hours=2))
    before = len(rows(pipeline, "UNSIGNED", "REPEAT_UNSIGNED"))
    sweep(pipeline, NOW + timedelta(hours=2) - timedelta(hours=1))
    sweep(pipeline, NOW + timedelta(hours=2) - timedelta(minutes=59))
    assert ["请校准服务器时间" in r.body for r in rows(pipeline, "WATCHDOG")].count(True) == 1
    after = rows(pipeline, "UNSIGNED", "REPEAT_UNSIGNED")
    assert len(after) - before <= 1, "only a repeat whose turn had been skipped"


def test_the_crawlers_heartbeat_is_read_off_its_records(pipeline: Pipeline) -> None:
    gathering(pipeline, NOW)
    with pipeline.ledger.read() as tx:
        assert last_beat(tx, "crawl") is None, "nothing polled yet is no standstill"
    polled(pipeline, NOW.replace(minute=0), unchanged=6)
    gathering(pipeline, NOW)
    with pipeline.ledger.read() as tx:
        assert last_beat(tx, "crawl") == NOW
    gathering(pipeline, NOW + timedelta(hours=20))
    with pipeline.ledger.read() as tx:
        assert last_beat(tx, "crawl") == NOW + timedelta(hours=1)
    sweep(pipeline, NOW + timedelta(hours=20))
    assert ["“采集”已 19小时没有运行" in r.body for r in rows(pipeline, "WATCHDOG")] == [True]


# ── events that are over, silences, umbrellas ─────────────────────────────────────────────────────────────────────────


def test_a_closed_event_closes_its_alert_once_nothing_is_owed(pipeline: Pipeline) -> None:
    task = event(pipeline, "e1", 2)
    with pipeline.ledger.begin() as tx:
        tx.events.save([replace(tx.events.get(["e1"])["e1"], status="closed")])
    sweep(pipeline, NOW + MINUTE)
    with pipeline.ledger.read() as tx:
        assert tx.tasks.resting() == {task.id}
        assert len(tx.tasks.alerts()) == 1, "the department still owes"
    change(pipeline, task, state="closed", closed_at=NOW)
    sweep(pipeline, NOW + 2 * MINUTE)
    with pipeline.ledger.read() as tx:
        assert tx.tasks.alerts() == []
        assert tx.tasks.settled() == []
    assert [r.recipient for r in rows(pipeline, "RESOLVED")] == ["jyj"]


@pytest.mark.parametrize(("level", "task", "ends"), [(1, "", "closed"), (1, "new", "quiet"), (3, "closed", "quiet")])
def test_a_still_event_closes_once_nothing_is_owed_and_nothing_is_urgent(
    pipeline: Pipeline, level: int, task: str, ends: str
) -> None:
    owed = event(pipeline, "e1", max(level, 2), NOW - timedelta(days=5))
    with pipeline.ledger.begin() as tx:
        tx.events.save([replace(tx.events.get(["e1"])["e1"], level=level)])
    if task != "new":
        change(pipeline, owed, state="closed", closed_at=NOW)
    close_quiet(pipeline, NOW)
    close_quiet(pipeline, NOW + timedelta(hours=1))
    with pipeline.ledger.read() as tx:
        assert tx.events.get(["e1"])["e1"].status == ends


def test_what_has_a_level_is_graded_however_long_it_is_still(pipeline: Pipeline) -> None:
    long_ago = NOW - timedelta(days=30)
    made = Event(
        id="e1", title="e1", first_at=long_ago, last_at=long_ago, detected_at=long_ago, level=1, status="quiet",
        documents=1,
    )  # fmt: skip
    member = Member(
        event="e1", document="d1", at=long_ago, seen_at=long_ago, kind="forum", source="s1", sentiment=0.2,
        negative=False,
    )  # fmt: skip
    with pipeline.ledger.begin() as tx:
        tx.events.save([made])
        tx.events.add_members([member])
    evaluate(pipeline, NOW)
    with pipeline.ledger.read() as tx:
        graded = tx.events.get(["e1"])["e1"]
    assert graded.risk is not None
    assert graded.status == "quiet", "a grading is no news"


def test_a_task_that_rests_is_reminded_of_the_law_only(pipeline: Pipeline) -> None:
    event(pipeline, "e1", 2)
    with pipeline.ledger.begin() as tx:
        tx.events.save([replace(tx.events.get(["e1"])["e1"], status="closed")])
    for hour in range(1, 60):
        sweep(pipeline, NOW + timedelta(hours=hour))
    told = [r for r in rows(pipeline, "REPEAT_UNSIGNED", "UNSIGNED", "BREACH") if r.recipient == "jyj"]
    assert [r.reason for r in told] == ["BREACH"]
    assert told[0].created_at == NOW + timedelta(hours=49)


def test_an_umbrella_mutes_its_children_and_its_end_reminds_of_them(pipeline: Pipeline) -> None:
    over, child, other = (event(pipeline, name, level) for name, level in (("big", 2), ("small", 2), ("other", 2)))
    change(pipeline, over, state="signed", signed_at=NOW, signed_by="w")
    with pipeline.ledger.begin() as tx:
        cover(tx, "big", ["small", "big"], OFFICER, NOW)
    for minutes in range(0, 140, 5):
        sweep(pipeline, NOW + timedelta(minutes=minutes))
    assert {r.task for r in rows(pipeline, "REPEAT_UNSIGNED")} == {other.id}
    (muted,) = rows(pipeline, "INHIBITED:big")
    assert muted.task == child.id
    assert muted.status == "suppressed"
    change(pipeline, over, state="closed", closed_at=NOW)
    for minutes in (140, 141, 142):
        sweep(pipeline, NOW + timedelta(minutes=minutes))
    (told,) = (r for r in rows(pipeline, "REPEAT_UNSIGNED") if r.task == child.id)
    assert told.epoch.startswith("unmuted|umbrella|big")


def test_what_somebody_signs_while_the_sweep_decides_is_not_nagged(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = event(pipeline, "e1", 3)
    watch = app.sweeping._watch

    def sign(*given: object) -> list[Delivery]:
        change(pipeline, task, state="signed", signed_at=NOW, signed_by="w")
        return watch(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(app.sweeping, "_watch", sign)
    sweep(pipeline, NOW + timedelta(minutes=31))
    assert rows(pipeline, "REPEAT_UNSIGNED") == []


# ── a job that fails ──────────────────────────────────────────────────────────────────────────────────────────────────


class Calls:
    """Counts the runs of a job that fails in a given way."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.at: list[datetime] = []

    def __call__(self, pipeline: Pipeline, now: datetime) -> None:
        self.at.append(now)
        if self.error is not None:
            raise self.error


def test_a_job_without_its_database_is_tried_again_after_a_minute(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, fine = Calls(StoreError("账本正忙")), Calls(None)
    monkeypatch.setattr(app.rota, "JOBS", {"evaluate": broken, "nightly": fine})
    due, clock = Due(), NOW
    due.call("evaluate")
    due.call("nightly")
    due.run(pipeline, lambda at=clock: at)
    assert len(fine.at) == 1, "the next job runs"
    assert "“等级复核”没有完成，一分钟后再试：账本正忙" in caplog.text
    for seconds in (10, 59, 60, 70):
        clock = NOW + timedelta(seconds=seconds)
        due.run(pipeline, lambda at=clock: at)
    assert broken.at == [NOW, NOW + MINUTE]
    broken.error = None
    clock = NOW - timedelta(hours=2)
    due.run(pipeline, lambda at=clock: at)
    assert len(broken.at) == 3, "a clock that went back does not put it off"
    clock = NOW + timedelta(hours=1)
    due.run(pipeline, lambda at=clock: at)
    assert len(broken.at) == 3


def test_an_error_of_the_program_is_told_ends_the_process_and_lets_the_others_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = Calls(ZeroDivisionError("x")), Calls(None)
    monkeypatch.setattr(app.rota, "JOBS", {"evaluate": broken, "nightly": fine})
    clock = NOW
    for minute in range(0, 16):  # the supervisor starts the process again every minute
        clock = NOW + timedelta(minutes=minute)
        due = Due()
        for name in ("nightly", "evaluate"):
            due.call(name)
        try:
            due.run(pipeline, lambda at=clock: at)
        except ZeroDivisionError:
            continue
    assert [(at - NOW) // MINUTE for at in broken.at] == [0, 1, 3, 7, 15]
    assert len(fine.at) == 11, "in every life but those that it broke"
    (told,) = rows(pipeline, "WATCHDOG")
    assert "“等级复核”出错停止" in told.body
    assert "ZeroDivisionError" in told.body
    broken.error = None
    clock = NOW + timedelta(minutes=40)
    due = Due()
    due.call("evaluate")
    due.run(pipeline, lambda at=clock: at)
    with pipeline.ledger.read() as tx:
        assert tx.notes.keys("fault:") == []


def test_a_worker_that_stood_by_for_a_week_runs_each_job_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = {name: Calls(None) for name in JOBS}
    monkeypatch.setattr(app.rota, "JOBS", counted)
    due = Due()
    for _ in range(10_000):
        due.call("sweep")
        due.call("evaluate")
    due.run(pipeline, lambda: NOW)
    assert {name: len(calls.at) for name, calls in counted.items() if calls.at} == {"sweep": 1, "evaluate": 1}


def test_every_job_is_scheduled_and_has_a_name(pipeline: Pipeline) -> None:
    class Scheduler:
        def __init__(self) -> None:
            self.jobs: dict[str, dict[str, object]] = {}

        def add_job(self, call: object, trigger: str, *, id: str, **when: object) -> None:
            assert trigger == "interval"
            self.jobs[id] = when

    scheduler, at_once = Scheduler(), list[str]()
    schedule(scheduler, at_once.append, pipeline)  # type: ignore[arg-type]
    assert set(scheduler.jobs) == set(JOBS) == set(NAMES)
    assert set(at_once) == set(JOBS) - {"gathering"}
    assert all(job["misfire_grace_time"] is None and job["coalesce"] is True for job in scheduler.jobs.values())
