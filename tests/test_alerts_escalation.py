"""The minute's sweep and the watchdog, over time: nights, holidays, outages, a whole month."""

import random
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from scenario import Scenario, moment
from small_office import small_office

from alerts.channels import DeliveryError, SendResult
from alerts.deadlines import state
from alerts.escalation import kept_rule, snapshot, sweep, triggers
from alerts.watchdog import Counts, lagging, morning, stuck
from storage.types import Delivery, LevelRule, Task

OFFICE = small_office()
QUARTER = timedelta(minutes=15)


def a_task(level: int = 2, start: str = "2025-09-25 10:00") -> Task:
    s = Scenario(start)
    s.event("e1", level=level)
    return s.task("scjg")


def due(task: Task, text: str) -> list[tuple[str, str]]:
    now = moment(text)
    return [(t.reason, t.epoch.rsplit("|", 1)[-1]) for t in triggers(task, OFFICE, now) if t.at <= now]


def test_repeats_back_off_after_the_third() -> None:
    task = a_task(level=4)  # every 10 minutes
    when = []
    seen: set[str] = set()
    for minute in range(0, 400):
        now = moment("2025-09-25 10:00") + timedelta(minutes=minute)
        for trigger in triggers(task, OFFICE, now):
            if trigger.reason == "REPEAT_UNSIGNED" and trigger.epoch not in seen:
                seen.add(trigger.epoch)
                when.append(minute)
    assert when == [10, 20, 30, 50, 90, 170, 330]


def test_repeats_over_years_do_not_loop_long() -> None:
    task = a_task(level=4)
    start = time.process_time()
    assert ("REPEAT_UNSIGNED",) in [(r,) for r, _ in due(task, "2045-09-25 10:00")]
    assert time.process_time() - start < 0.05


def test_lowest_level_is_breached_to_the_office_in_working_time() -> None:
    task = a_task(level=1, start="2025-09-26 16:30")  # Friday; Sunday is worked
    assert ("BREACH", "2025-09-28T11:30:00+08:00") not in due(task, "2025-09-28 11:30")
    assert ("BREACH", "2025-09-28T11:30:00+08:00") in due(task, "2025-09-28 11:31")


def test_escalation_counts_working_time_where_signing_does() -> None:
    blue: LevelRule = replace(OFFICE.levels[0], escalation=((60, "department-head"),))
    office = replace(OFFICE, levels=(blue, *OFFICE.levels[1:]))
    task = snapshot(a_task(level=1, start="2025-09-30 17:00"), office)
    times = [t.at for t in triggers(task, office, moment("2025-10-20 10:00")) if t.reason == "UNSIGNED"]
    assert times == [moment("2025-10-09 09:00")]


def test_what_somebody_edits_later_does_not_move_the_steps_of_a_running_task() -> None:
    steps = {
        level: replace(rule, escalation=((5, "mayor"),), reminders=(10,)) for level, rule in enumerate(OFFICE.levels, 1)
    }
    edited = replace(OFFICE, levels=tuple(steps.values()))
    running = a_task(level=2)
    assert running.steps_level == 2
    due = list(triggers(running, edited, running.created_at + timedelta(hours=5)))
    assert [t.recipients for t in due if t.reason == "UNSIGNED"] == [("department-head",)]
    assert not [t for t in due if t.reason == "DEADLINE_10"]
    assert kept_rule(replace(running, level=3), edited) == edited.rule(3), "a rise takes the new level's steps"
    assert kept_rule(replace(running, steps_level=0), edited) == edited.rule(2), "a row of an older version"
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2)
        s.office = edited
        s.event("e1", level=4)
        assert (s.task("scjg").steps_level, s.task("scjg").escalation) == (4, ((5, "mayor"),))
        s.unexpected.clear()


def test_signed_without_progress_is_rearmed_and_then_told_upwards() -> None:
    with Scenario("2025-09-25 10:00", step=QUARTER) as s:
        s.event("e1", level=2).at("10:15").expect("FIRST", "scjg")
        s.act("sign", "scjg")
        s.at("18:00").nothing_else()
        s.at("18:15").expect("REARM", "scjg").nothing_else()
        s.at("09-26 02:15").expect("REARM", "scjg").expect("REARM", "duty-officer").nothing_else()
        s.act("verify", "scjg")
        s.at("04:00").expect("DEADLINE_75", "scjg", at="04:00").nothing_else()
        s.at("07:45").expect("DEADLINE_90", "scjg").nothing_else()
        s.at("10:15").expect("BREACH", "scjg").expect("BREACH", "duty-officer").nothing_else()
        s.at("22:00").expect("DEADLINE_75", "scjg", at="22:00").nothing_else()  # the 48 h of the law


def test_leaders_hear_once_of_a_joint_matter() -> None:
    with Scenario("2025-09-25 10:00", step=QUARTER) as s:
        s.event("e1", level=3, area="wuai-road")
        assert {t.department for t in s.tasks.values()} == {"scjg", "beiyuan"}
        s.at("12:00")
        assert [m.recipient for m in s.sent if m.reason == "UNSIGNED"] == ["department-head", "deputy-mayor"]
        s.unexpected.clear()


def test_closed_events_rest_except_for_the_law() -> None:
    task = a_task(level=3)
    resting = {t.reason for t in triggers(task, OFFICE, moment("2025-09-27 11:00"), resting=True)}
    assert resting == {"BREACH"}
    law = [t.epoch for t in triggers(task, OFFICE, moment("2025-09-27 11:00"), resting=True)]
    assert all("statutory" in epoch for epoch in law)


def test_final_and_historic_tasks_are_left_alone() -> None:
    now = moment("2025-10-20 10:00")
    task = a_task(level=4)
    for quiet in (replace(task, state="closed"), replace(task, state="merged"), replace(task, historic=True)):
        assert sweep([quiet], {}, {}, OFFICE, now) == []
    assert sweep([replace(task, level=0)], {}, {}, OFFICE, now) == []


def test_since_leaves_out_what_was_due_before_and_survives_a_clock_jump() -> None:
    task, now = a_task(level=4), moment("2025-09-25 10:10")
    assert sweep([task], {}, {}, OFFICE, now, since=now - timedelta(minutes=1))
    assert sweep([task], {}, {}, OFFICE, now + timedelta(minutes=1), since=now) == []
    back = now - timedelta(minutes=5)
    assert sweep([task], {}, {}, OFFICE, back, since=now) == sweep([task], {}, {}, OFFICE, back)


def test_ten_thousand_open_tasks_in_a_second() -> None:
    base = [a_task(level=n) for n in (1, 2, 3, 4)]
    tasks = [replace(base[n % 4], id=f"t{n}", alert=f"a{n}") for n in range(10_000)]
    now = moment("2025-09-25 10:35")
    start = time.process_time()
    sweep(tasks, {}, {}, OFFICE, now, since=now - timedelta(minutes=1))
    assert time.process_time() - start < 1.0


def test_a_whole_month_with_holidays_outages_and_restarts() -> None:
    """15 September to 15 October: every clock right, nothing lost, nothing twice, no flood."""
    chance = random.Random(7)
    s = Scenario("2025-09-15 00:00", step=timedelta(minutes=60))
    for day in range(30):
        for n in range(2):
            s.at(f"{s.now + timedelta(hours=chance.randrange(3, 9)):%m-%d %H:%M}")
            s.event(f"e{day}-{n}", level=chance.choice((1, 1, 2, 2, 3, 4)))
            if chance.random() < 0.3:
                s.jump(timedelta(hours=chance.choice((1, 2))))  # the machine was off
            s.send = _outage if chance.random() < 0.2 else _fine
            for task in [t for t in s.tasks.values() if t.state == "dispatched" and chance.random() < 0.6]:
                s.act("sign", task.id)
    s.send = _fine
    s.at(f"{s.now + timedelta(days=1):%m-%d %H:%M}")
    for task in s.tasks.values():
        law = next(d for d in task.deadlines if d.kind == "statutory")
        assert law.due_at - s.events[task.event].first_at == timedelta(hours=48)
        assert state(law, s.now).breached == (s.now > law.due_at)
    told = {(m.task, m.recipient) for m in s.sent if m.reason in ("FIRST", "REFLARE")}
    superseded = {r.task for r in s.outbox.values() if r.status == "superseded"}
    assert all((t.id, t.department) in told or t.id in superseded for t in s.tasks.values())
    assert {r.status for r in s.outbox.values()} <= {"ok", "suppressed", "superseded", "pending"}
    assert sum(r.status == "ok" for r in s.outbox.values()) == len(s.sent)
    for hour in {m.at.replace(minute=0) for m in s.sent}:
        calm = [m for m in s.sent if m.recipient == "scjg" and m.at.replace(minute=0) == hour and "蓝" in m.subject]
        assert len(calm) <= OFFICE.messages_per_hour


def _fine(row: Delivery) -> SendResult | DeliveryError:
    return SendResult()


def _outage(row: Delivery) -> SendResult | DeliveryError:
    return DeliveryError("忙", permanent=False, code="500") if row.channel == "mail" else SendResult()


NOW = moment("2025-09-25 10:00")


def waiting(**more: object) -> Delivery:
    row = Delivery(
        id="d",
        idem_key="k",
        alert="a",
        task=None,
        reason="FIRST",
        epoch="e",
        recipient="scjg",
        channel="mail",
        subject="x",
        body="x",
        created_at=NOW - timedelta(minutes=20),
        not_before=NOW - timedelta(minutes=20),
    )
    return replace(row, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "alarm"),
    [
        (waiting(), True),
        (waiting(not_before=NOW - timedelta(minutes=4)), False),
        (waiting(next_at=NOW + timedelta(minutes=1)), False),
        (waiting(status="ok"), False),
        (waiting(status="leased", lease_until=NOW + timedelta(seconds=30)), False),
        (waiting(status="leased", lease_until=NOW - timedelta(seconds=30)), True),
        (waiting(reason="WATCHDOG"), False),
    ],
)
def test_nothing_is_due_for_five_minutes_unseen(row: Delivery, alarm: bool) -> None:
    rows = stuck([row], {}, OFFICE, NOW)
    assert [(d.reason, d.recipient, d.urgent) for d in rows] == ([("WATCHDOG", "duty-officer", True)] if alarm else [])


def test_loops_that_stopped_and_clocks_that_jumped() -> None:
    beats = {"发送": NOW - timedelta(minutes=1), "巡检": NOW - timedelta(minutes=9), "采集": NOW + timedelta(hours=1)}
    bodies = [d.body for d in stuck([], beats, OFFICE, NOW)]
    assert len(bodies) == 2
    assert any("巡检" in b and "9分" in b for b in bodies)
    assert any("时钟" in b and "1小时" in b for b in bodies)


COUNTS = Counts(
    gathered=1234, alerts=5, open_tasks=7, overdue_tasks=0, channels_ok=4, channels=4, sources_ok=9, sources=9
)


@pytest.mark.parametrize(("clock", "rows"), [("08:29", 0), ("08:30", 1), ("23:00", 1)])
def test_the_morning_word(clock: str, rows: int) -> None:
    found = morning(COUNTS, OFFICE, moment(f"2025-09-25 {clock}"))
    assert len(found) == rows
    if rows:
        assert "系统正常" in found[0].body
        assert "1234" in found[0].body
        assert found == morning(COUNTS, OFFICE, found[0].created_at)
        assert found[0].idem_key == morning(COUNTS, OFFICE, moment("2025-09-25 09:00"))[0].idem_key


def test_the_morning_word_does_not_call_trouble_normal() -> None:
    body = morning(replace(COUNTS, channels_ok=3, parked=2), OFFICE, moment("2025-09-25 08:30"))[0].body
    assert "系统正常" not in body
    assert "3/4" in body
    assert "搁置的信息 2 条" in body
    assert "2027" in morning(COUNTS, OFFICE, moment("2026-12-25 08:30"))[0].body


def test_sources_that_lag() -> None:
    seen: dict[str, datetime | None] = {"a": NOW, "b": NOW - timedelta(days=2), "c": None}
    (row,) = lagging(seen, OFFICE, NOW)
    assert "b、c" in row.body
    assert lagging({"a": NOW}, OFFICE, NOW) == []
    assert lagging(seen, OFFICE, NOW + timedelta(minutes=1))[0].idem_key == row.idem_key
