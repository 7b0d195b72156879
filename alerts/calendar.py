"""Working time of the office: weekends, public holidays with 调休, the office's own overrides, quiet hours.

    office.calendar  >  chinesecalendar  >  Monday to Friday (with a visible warning)

The package knows the years for which the State Council has published the holiday notice (2004 to 2026 in release
1.11) and raises for any other; there the weekday rule is used and `calendar_warnings` says so in Chinese.
All results carry the office's own time zone.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar

from storage.types import CalendarDay, Office

#: nobody waits longer than this for a working day; a calendar without any is a mistake of the configuration
_HORIZON_DAYS = 400
#: the notice for the next year appears in November; from then on its absence is worth a word
_LOOK_AHEAD_DAYS = 45


class NoWorkingTime(ValueError):
    """The calendar or the working hours leave no working moment within a year; the message names the setting."""


@lru_cache(maxsize=64)
def _overrides(calendar: tuple[CalendarDay, ...]) -> dict[date, bool]:
    return {row.day: row.working for row in calendar}


@lru_cache(maxsize=4096)
def _published(day: date) -> bool | None:
    """What the package says of one day; None for a year it does not know."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(at: datetime, office: Office) -> datetime:
    """The same moment in the office's own time zone."""
    return at.astimezone(_zone(office.timezone))


def is_workday(day: date, office: Office) -> bool:
    """Whether the office works on this day; its own overrides win over the published calendar."""
    override = _overrides(office.calendar).get(day)
    if override is not None:
        return override
    published = _published(day)
    return day.weekday() < 5 if published is None else published


def calendar_warnings(office: Office, now: datetime) -> tuple[str, ...]:
    """Chinese sentences for every year in sight that neither the package nor the office's own file covers."""
    today = local(now, office).date()
    years = sorted({today.year, (today + timedelta(days=_LOOK_AHEAD_DAYS)).year})
    covered = {row.day.year for row in office.calendar}
    return tuple(
        f"{year} 年的放假和调休安排尚未录入，工作日暂按周一至周五计算；请在工作日历文件中补录该年安排。"
        for year in years
        if year not in covered and _published(date(year, 1, 1)) is None
    )


def _spans(office: Office) -> list[tuple[timedelta, timedelta]]:
    """Working spans of a day, as offsets from midnight."""
    hours = office.work_hours
    pairs = [(timedelta(hours=a), timedelta(hours=b)) for a, b in zip(hours[::2], hours[1::2], strict=True)]
    if not pairs or any(start >= end for start, end in pairs):
        raise NoWorkingTime("work_hours 应成对给出每天上班、下班的钟点，例如 [8.5, 12, 13.5, 17.5]")
    return pairs


def hours_per_day(office: Office) -> float:
    """Length of one working day in hours."""
    return sum((end - start).total_seconds() for start, end in _spans(office)) / 3600


def _midnight(day: date, office: Office) -> datetime:
    return datetime.combine(day, time(), _zone(office.timezone))


def _working_spans(start: datetime, office: Office) -> Iterator[tuple[datetime, datetime]]:
    """Working spans that end after `start`, in order, over at most `_HORIZON_DAYS` days."""
    day = local(start, office).date()
    spans = _spans(office)
    for _ in range(_HORIZON_DAYS):
        if is_workday(day, office):
            midnight = _midnight(day, office)
            for begin, end in spans:
                if midnight + end > start:
                    yield midnight + begin, midnight + end
        day += timedelta(days=1)


def is_working(at: datetime, office: Office) -> bool:
    """Whether `at` lies in working hours of a working day (the first minute counts, the closing moment does not)."""
    here = local(at, office)
    offset = timedelta(hours=here.hour, minutes=here.minute, seconds=here.second, microseconds=here.microsecond)
    return is_workday(here.date(), office) and any(start <= offset < end for start, end in _spans(office))


def next_working_moment(at: datetime, office: Office) -> datetime:
    """`at` itself when the office works then, else the next opening.

    Raises NoWorkingTime when there is none within a year.
    """
    for begin, _ in _working_spans(at, office):
        return max(begin, local(at, office))
    raise NoWorkingTime(f"从 {local(at, office):%Y-%m-%d} 起一年内没有工作日，请检查工作日历")


def add_workhours(start: datetime, hours: float, office: Office) -> datetime:
    """The moment at which `hours` of working time have passed since `start`; nights and holidays do not count."""
    left = timedelta(hours=hours)
    if left <= timedelta():
        return local(start, office)
    for begin, end in _working_spans(start, office):
        begin = max(begin, local(start, office))
        if begin + left <= end:
            return begin + left
        left -= end - begin
    # more than a year of working time: walk on from where the horizon ended
    return add_workhours(_beyond(start, office), left.total_seconds() / 3600, office)


def _beyond(start: datetime, office: Office) -> datetime:
    """The day after the horizon; refuses a calendar that has no working day at all."""
    next_working_moment(start, office)
    return _midnight(local(start, office).date() + timedelta(days=_HORIZON_DAYS), office)


def add_workdays(start: datetime, days: float, office: Office) -> datetime:
    """The end of the last of `days` working days; the day of `start` itself does not count (民法典第二百零一条).

    A fraction of a day is working time: 0.5 is half a working day after the end of the whole ones.
    """
    whole = int(days)
    if whole == 0:
        return add_workhours(start, days * hours_per_day(office), office)
    day, counted, idle = local(start, office).date(), 0, 0
    while counted < whole:
        day += timedelta(days=1)
        working = is_workday(day, office)
        counted, idle = counted + working, 0 if working else idle + 1
        if idle > _HORIZON_DAYS:
            raise NoWorkingTime(f"从 {day} 起往前一年没有工作日，请检查工作日历")
    close = _midnight(day, office) + _spans(office)[-1][1]
    return add_workhours(close, (days - whole) * hours_per_day(office), office) if days > whole else close


def is_quiet(at: datetime, office: Office) -> bool:
    """Whether messages that can wait should wait: quiet hours of the night, and days off."""
    return quiet_until(at, office) > at


def quiet_until(at: datetime, office: Office) -> datetime:
    """The end of the quiet time that `at` lies in; `at` itself when it is not quiet.

    Quiet are the hours of `office.quiet_hours` (start, end; they may cross midnight) and every non-working day.
    """
    here = local(at, office)
    night, morning = office.quiet_hours
    for _ in range(_HORIZON_DAYS):
        day = here.date()
        if not is_workday(day, office) or (night > morning and here.hour >= night):
            here = _midnight(day + timedelta(days=1), office)
        elif (here.hour < morning) if night > morning else (night <= here.hour < morning):
            here = _midnight(day, office) + timedelta(hours=morning)
        else:
            return here
    raise NoWorkingTime(f"从 {local(at, office):%Y-%m-%d} 起一年内没有工作日，请检查工作日历")
