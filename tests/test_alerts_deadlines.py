"""The clocks: what starts them, what stops them (nothing stops the law's), and what is said of them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from scenario import moment
from small_office import small_office

from alerts.deadlines import deadlines, next_due, spell, state
from storage.types import Deadline, Event, Task, TaskState

OFFICE = small_office()
START = moment("2025-10-01 03:00")
EVENT = Event(id="e", title="x", first_at=START, last_at=START, detected_at=START + timedelta(hours=1), level=4)


def task(level: int = 4, state: TaskState = "dispatched", **more: object) -> Task:
    made = Task(
        id="t",
        event="e",
        alert="a",
        department="scjg",
        role="lead",
        title="x",
        level=level,
        state=state,
        rule="R2",
        reasons=(),
        created_at=START + timedelta(hours=1),
        dispatched_at=START + timedelta(hours=2),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def clocks(t: Task, event: Event = EVENT, **more: object) -> dict[tuple[str, str], Deadline]:
    return {(d.step, d.kind): d for d in deadlines(t, event, OFFICE, START, **more)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("grade", "hours", "document"),
    [
        (None, 48, "国办发〔2016〕61号"),
        ("较大", 48, "国办发〔2016〕61号"),
        ("重大", 5, "国办发〔2016〕80号"),
        ("特别重大", 5, "国办发〔2016〕80号"),
    ],
)
def test_statutory_reply(grade: str | None, hours: float, document: str) -> None:
    clock = clocks(task(), replace(EVENT, incident_grade=grade))[("reply", "statutory")]
    assert (clock.due_at, clock.basis) == (START + timedelta(hours=hours), document)


def test_press_conference_only_for_grave_incidents() -> None:
    assert ("press", "statutory") not in clocks(task())
    press = clocks(task(), replace(EVENT, incident_grade="重大"))[("press", "statutory")]
    assert (press.due_at, press.basis) == (START + timedelta(hours=24), "国办发〔2016〕61号")


def test_the_city_reports_on_national_policy_and_owes_no_answer() -> None:
    assert {kind for step, kind in clocks(task(rule="R1")) if step in ("reply", "press")} == {"internal"}


def test_the_law_counts_from_the_earliest_known_moment() -> None:
    happened = replace(EVENT, occurred_at=START - timedelta(hours=6))
    assert clocks(task(), happened)[("reply", "statutory")].start_at == START - timedelta(hours=6)
    entered_late = replace(EVENT, occurred_at=START + timedelta(hours=9))
    assert clocks(task(), entered_late)[("reply", "statutory")].start_at == START


def test_the_law_does_not_wait_for_dispatch_or_signature() -> None:
    waiting = clocks(task(state="confirm", dispatched_at=None))
    assert waiting[("reply", "statutory")].due_at == START + timedelta(hours=48)
    assert ("sign", "internal") not in waiting
    assert waiting[("adjudicate", "internal")].due_at == START + timedelta(hours=1, minutes=15)


def test_internal_clocks_count_from_dispatch() -> None:
    found = clocks(task(level=2))
    assert found[("sign", "internal")].due_at == START + timedelta(hours=4)
    assert found[("reply", "internal")].due_at == START + timedelta(hours=26)


def test_signing_in_working_time() -> None:
    assert clocks(task(level=1))[("sign", "internal")].due_at == moment("2025-10-09 14:00")


def test_local_limits_in_working_days_by_kind() -> None:
    assert ("resolve", "local") not in clocks(task())
    local = clocks(task(), kinds=("hotline",))[("resolve", "local")]
    assert (local.due_at, local.workdays) == (moment("2025-10-14 17:30"), 5)


def test_support_owes_the_lead_sixty_per_cent() -> None:
    found = clocks(task(level=2, role="support"))
    assert set(found) == {("sign", "internal"), ("reply", "internal")}
    assert found[("reply", "internal")].due_at == START + timedelta(hours=2) + timedelta(hours=24) * 0.6


def test_history_has_no_clocks() -> None:
    assert clocks(task(historic=True)) == {}
    assert clocks(task(), replace(EVENT, historic=True)) == {}


def test_met_clocks_stay_met_after_a_change_of_level() -> None:
    signed = task(level=2)
    rows = tuple(replace(d, met_at=START) if d.step == "sign" else d for d in deadlines(signed, EVENT, OFFICE, START))
    again = clocks(replace(signed, level=4, deadlines=rows))
    assert again[("sign", "internal")].met_at == START
    assert again[("sign", "internal")].due_at == START + timedelta(hours=2, minutes=10)
    assert again[("reply", "internal")].met_at is None


def test_next_due() -> None:
    t = task()
    t = replace(t, deadlines=deadlines(t, EVENT, OFFICE, START))
    first = next_due(t)
    assert first is not None
    assert first.step == "sign"
    assert next_due(task()) is None


CLOCK = Deadline(
    task="t",
    step="reply",
    kind="statutory",
    basis="b",
    start_at=START,
    due_at=START + timedelta(hours=10),
    text="10小时内",
)


@pytest.mark.parametrize(
    ("hours", "met", "used", "breached", "text"),
    [
        (5, None, 0.5, False, "剩 5小时"),
        (-3, None, 0.0, False, "剩 13小时"),
        (10, None, 1.0, False, "剩 不足1分"),
        (11.5, None, 1.15, True, "已超 1小时30分"),
        (99, 4, 0.4, False, "按时完成"),
        (99, 12, 1.2, True, "逾期 2小时完成"),
    ],
)
def test_state(hours: float, met: float | None, used: float, breached: bool, text: str) -> None:
    clock = replace(CLOCK, met_at=START + timedelta(hours=met)) if met is not None else CLOCK
    found = state(clock, START + timedelta(hours=hours))
    assert (found.used, found.breached, found.text, found.met) == (pytest.approx(used), breached, text, met is not None)


def test_a_clock_without_length() -> None:
    assert state(replace(CLOCK, due_at=START), START).used == 1.0


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "不足1分"), (25, "25分"), (60, "1小时"), (200, "3小时20分"), (1440, "1天"), (3065, "2天3小时"), (-30, "30分")],
)
def test_spell(minutes: int, text: str) -> None:
    assert spell(timedelta(minutes=minutes)) == text
