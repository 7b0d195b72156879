"""Working time with 调休, year ends and years that nobody has published yet."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_office import small_office

from alerts.calendar import (
    NoWorkingTime,
    add_workdays,
    add_workhours,
    calendar_warnings,
    is_quiet,
    is_workday,
    is_working,
    next_working_moment,
    quiet_until,
)
from storage.types import CalendarDay

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = small_office()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2025-10-01", False),  # 国庆
        ("2025-10-08", False),  # last day of 国庆 and 中秋
        ("2025-10-09", True),
        ("2025-09-28", True),  # Sunday, worked for 国庆
        ("2025-10-11", True),  # Saturday, worked for 国庆
        ("2025-01-28", False),  # 春节
        ("2025-02-04", False),
        ("2025-01-26", True),  # Sunday, worked for 春节
        ("2025-02-08", True),  # Saturday, worked for 春节
        ("2026-02-17", False),  # 春节
        ("2026-01-01", False),
        ("2025-12-31", True),
        ("2027-10-01", True),  # not published yet: a Friday like any other, with a warning
        ("2027-10-02", False),
    ],
)
def test_workday_table(day: str, working: bool) -> None:
    assert is_workday(date.fromisoformat(day), OFFICE) is working


def test_own_calendar_wins() -> None:
    office = replace(OFFICE, calendar=(CalendarDay(day=date(2027, 10, 1), working=False, note="国庆"),))
    assert not is_workday(date(2027, 10, 1), office)


def test_unpublished_year_warns_until_it_is_entered() -> None:
    assert calendar_warnings(OFFICE, at("2026-06-01T09:00")) == ()
    (warning,) = calendar_warnings(OFFICE, at("2026-12-01T09:00"))
    assert "2027" in warning
    assert calendar_warnings(OFFICE, at("2027-03-01T09:00"))[0].startswith("2027")
    entered = replace(OFFICE, calendar=(CalendarDay(day=date(2027, 1, 1), working=False),))
    assert calendar_warnings(entered, at("2027-03-01T09:00")) == ()


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2025-09-25T09:00", 4, "2025-09-25T14:30"),  # over lunch
        ("2025-09-25T16:30", 4, "2025-09-26T11:30"),
        ("2025-09-30T16:30", 4, "2025-10-09T11:30"),  # over 国庆
        ("2025-09-27T10:00", 1, "2025-09-28T09:30"),  # Saturday off, Sunday worked
        ("2025-12-31T17:00", 1, "2026-01-04T09:00"),  # over the year end; 4 January 2026 is worked
        ("2025-09-25T12:30", 0.5, "2025-09-25T14:00"),
        ("2025-09-25T03:00", 0, "2025-09-25T03:00"),
        ("2025-09-25T08:30", 7.5, "2025-09-25T17:30"),
    ],
)
def test_workhours(start: str, hours: float, due: str) -> None:
    assert add_workhours(at(start), hours, OFFICE) == at(due)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2025-09-25T09:00", 1, "2025-09-26T17:30"),
        ("2025-09-25T23:59", 1, "2025-09-26T17:30"),
        ("2025-09-26T09:00", 1, "2025-09-28T17:30"),  # the worked Sunday
        ("2025-09-30T09:00", 5, "2025-10-14T17:30"),  # 9, 10, 11 (worked), 13, 14 October
        ("2025-12-30T09:00", 3, "2026-01-05T17:30"),
        ("2025-09-25T09:00", 0.5, "2025-09-25T14:15"),
        ("2025-09-25T09:00", 1.5, "2025-09-28T13:45"),
    ],
)
def test_workdays(start: str, days: float, due: str) -> None:
    assert add_workdays(at(start), days, OFFICE) == at(due)


def test_utc_input_means_the_same_moment() -> None:
    assert add_workhours(at("2025-09-25T09:00").astimezone(UTC), 4, OFFICE) == at("2025-09-25T14:30")


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2025-09-25T10:00", "2025-09-25T10:00"),
        ("2025-09-25T22:00", "2025-09-26T07:00"),
        ("2025-09-25T06:59", "2025-09-25T07:00"),
        ("2025-09-26T23:00", "2025-09-28T07:00"),  # Friday night to the worked Sunday
        ("2025-09-30T22:30", "2025-10-09T07:00"),
    ],
)
def test_quiet_hours(moment: str, until: str) -> None:
    assert quiet_until(at(moment), OFFICE) == at(until)
    assert is_quiet(at(moment), OFFICE) is (moment != until)


def test_quiet_hours_within_one_day() -> None:
    office = replace(OFFICE, quiet_hours=(12, 14))
    assert quiet_until(at("2025-09-25T12:30"), office) == at("2025-09-25T14:00")
    assert not is_quiet(at("2025-09-25T23:00"), office)


def test_edges_of_working_hours() -> None:
    assert is_working(at("2025-09-25T08:30"), OFFICE)
    assert not is_working(at("2025-09-25T12:00"), OFFICE)
    assert not is_working(at("2025-10-01T10:00"), OFFICE)
    assert next_working_moment(at("2025-10-01T10:00"), OFFICE) == at("2025-10-09T08:30")


def test_a_calendar_without_working_days_is_refused() -> None:
    days = tuple(CalendarDay(day=date(2025, 1, 1) + timedelta(days=n), working=False) for n in range(900))
    with pytest.raises(NoWorkingTime, match="工作日历"):
        next_working_moment(at("2025-02-01T10:00"), replace(OFFICE, calendar=days))
    with pytest.raises(NoWorkingTime, match="work_hours"):
        add_workhours(at("2025-02-01T10:00"), 1, replace(OFFICE, work_hours=()))


@given(
    st.integers(0, 2_800 * 360),  # minutes since the start of 2024
    st.floats(0, 60, allow_nan=False),
    st.floats(0, 60, allow_nan=False),
)
def test_workhours_add_up(start: int, first: float, second: float) -> None:
    begin = at("2024-01-01T00:00") + timedelta(minutes=start)
    stepwise = add_workhours(add_workhours(begin, first, OFFICE), second, OFFICE)
    whole = add_workhours(begin, first + second, OFFICE)
    # a closing moment and the next opening are the same working moment
    assert abs(next_working_moment(stepwise, OFFICE) - next_working_moment(whole, OFFICE)) < timedelta(seconds=1)
