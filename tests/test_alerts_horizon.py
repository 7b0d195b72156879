"""The bound on when a task needs a look is never later than what the sweep would say."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from scenario import Scenario, moment

from alerts.escalation import next_repeat, triggers
from alerts.horizon import next_moment
from storage.types import Office, Task

START = moment("2025-09-30 16:00")  # the evening before the holidays
STATES = ("confirm", "dispatched", "signed", "verifying", "drafted", "review", "published", "return_pending")


def made(level: int, state: str, signed: int, moved: int) -> tuple[Task, Office]:
    s = Scenario("2025-09-30 16:00")
    top = replace(s.office.levels[3], acknowledge=("deputy-mayor", "mayor"))
    office = replace(s.office, levels=(*s.office.levels[:3], top))
    s.event("e", level=level)
    task = s.task("scjg")
    if state in ("signed", "verifying", "drafted", "review", "published"):
        at = START + timedelta(minutes=signed)
        task = replace(task, signed_at=at, progress_at=at + timedelta(minutes=moved))
    return replace(task, state=state), office  # type: ignore[arg-type]


def said(task: Task, office: Office, since: datetime, until: datetime) -> list[datetime]:
    return [t.at for t in triggers(task, office, until) if since < t.at <= until]


@settings(max_examples=150, deadline=None)
@given(
    level=st.integers(1, 4),
    state=st.sampled_from(STATES),
    signed=st.integers(0, 600),
    moved=st.integers(0, 600),
    looked=st.integers(0, 4 * 1440),
    ahead=st.integers(1, 3 * 1440),
)
def test_nothing_becomes_due_before_the_next_moment(
    level: int, state: str, signed: int, moved: int, looked: int, ahead: int
) -> None:
    task, office = made(level, state, signed, moved)
    now = START + timedelta(minutes=looked)
    until = now + timedelta(minutes=ahead)
    due = next_moment(task, office, now)
    early = [at for at in said(task, office, now, until) if due is None or at < due]
    assert not early, (early, due)


@settings(max_examples=200, deadline=None)
@given(minutes=st.sampled_from([10, 30, 120, 1440, 2880]), ahead=st.integers(0, 40_000))
def test_the_next_repeat_lies_ahead(minutes: int, ahead: int) -> None:
    now, step = START + timedelta(minutes=ahead), timedelta(minutes=minutes)
    found = next_repeat(START, step, now)
    assert now < found <= now + max(step, timedelta(days=1))
    assert next_repeat(START, step, found - timedelta(seconds=1)) == found


def test_what_is_over_needs_no_look() -> None:
    task, office = made(2, "dispatched", 0, 0)
    assert next_moment(replace(task, state="closed"), office, START) is None
    assert next_moment(replace(task, historic=True), office, START) is None
    assert next_moment(replace(task, level=0), office, START) is None
