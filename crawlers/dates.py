"""Times as Chinese pages print them, read against a given `now`.

Nothing is guessed: a text without a date gives None, and a date that lies in the future is refused, since a page
cannot have been published tomorrow (a clock may be a day off, hence the margin).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
FUTURE = timedelta(days=1)
_EARLIEST = 1990

_CLOCK = r"(?:[ T　,，\xa0]{0,6}(?P<hour>[0-2]?\d)\s*[:：时点]\s*(?P<minute>[0-5]\d)"
_CLOCK += r"(?:\s*[:：分]\s*(?P<second>[0-5]\d))?)?"
_CLOCK += r"(?:\.\d{1,9})?(?:\s*(?P<zone>Z\b|[+-]\d{2}:?\d{2}))?"
#: day and hour stand side by side where a page sets them apart by style alone: 2026-02-2417:32
_FULL = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)\s*(?P<sep>[-/.年])\s*(?P<month>1[0-2]|0?[1-9])\s*(?:(?P=sep)|月)\s*"
    r"(?P<day>3[01]|[12]\d|0?[1-9])(?!\d(?!\d[:：]))\s*日?\s*(?:[（(]?(?:星期|周)[一二三四五六日天][)）]?)?" + _CLOCK
)
_COMPACT = re.compile(r"(?<!\d)(?P<year>20\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])(?!\d)")
_SHORT = re.compile(
    r"(?<![\d./年-])(?P<month>1[0-2]|0?[1-9])\s*(?:[-/]|月)\s*(?P<day>3[01]|[12]\d|0?[1-9])(?![\d/.-])\s*日?" + _CLOCK
)
_AGO = re.compile(
    r"(?P<number>\d{1,4}|几|半|[一二两三四五六七八九十])\s*个?(?P<unit>秒钟?|分钟?|小时|天|周|星期|月|年)\s*(?:之?前|以前)"
)
_DAY_WORD = re.compile(r"(?P<word>今天|今日|昨天|昨日|前天)" + _CLOCK)
_YEAR_LAST = re.compile(
    r"\s*(?P<one>\d{1,2})/(?P<two>\d{1,2})/(?P<year>(?:19|20)\d\d)(?:\s+(?P<hour>\d{1,2}):(?P<minute>\d\d))?"
)
_ONLY_CLOCK = re.compile(r"^\s*(?P<hour>[01]?\d|2[0-3])[:：](?P<minute>[0-5]\d)(?:[:：](?P<second>[0-5]\d))?\s*$")
_MONTH_ONLY = re.compile(r"^\s*(?P<year>20\d\d)[-/年](?P<month>1[0-2]|0?[1-9])月?\s*$")
_DIGITS = {
    "半": 0,
    "几": 3,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
}
_UNITS = {"秒": 1, "分": 60, "小": 3600, "天": 86400, "周": 604800, "星": 604800, "月": 2592000, "年": 31536000}
_DAYS_BACK = {"今": 0, "昨": 1, "前": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time found in a text: `exact` says that hour and minute were printed; `start` and `end` are its place."""

    at: datetime
    exact: bool
    start: int
    end: int


def parse_date(text: str, now: datetime) -> datetime | None:
    """The first time in a short text that is a date and little else; aware, Asia/Shanghai. None if there is none."""
    stamp = parse_stamp(text, now)
    return stamp.at if stamp else None


def parse_stamp(text: str, now: datetime) -> Stamp | None:
    """Like `parse_date`, with the precision."""
    text = text.strip()[:200]
    if not text:
        return None
    for reader in (_first_full, _year_last, _relative, _clock_today, _month, _short, _epoch, _mail):
        stamp = reader(text, now)
        if stamp is not None:
            return stamp if _plausible(stamp.at, now) else None
    return None


def find_stamps(text: str, now: datetime) -> Iterator[Stamp]:
    """Every full date with a year inside a longer text, in order."""
    for match in _FULL.finditer(text):
        stamp = _from_match(match, now)
        if stamp and _plausible(stamp.at, now):
            yield stamp


def from_url(url: str, now: datetime) -> datetime | None:
    """Day that the address itself carries (/2024/05/06/ or t20240506_): a last resort, without a time of day."""
    path = url.split("?", 1)[0].split("://", 1)[-1].partition("/")[2]
    match = re.search(
        r"(?<!\d)(?P<year>20\d\d)[-/_]?(?P<month>0[1-9]|1[0-2])[-/_]?(?P<day>0[1-9]|[12]\d|3[01])(?!\d)", path
    )
    stamp = _from_match(match, now) if match else None
    return stamp.at if stamp and _plausible(stamp.at, now) else None


def aware(at: datetime) -> datetime:
    """A naive time is Chinese time; every time is given in it."""
    return at.replace(tzinfo=CHINA) if at.tzinfo is None else at.astimezone(CHINA)


def _plausible(at: datetime, now: datetime) -> bool:
    return at.year >= _EARLIEST and at <= now + FUTURE


def _first_full(text: str, now: datetime) -> Stamp | None:
    match = _FULL.search(text) or _COMPACT.search(text)
    return _from_match(match, now) if match else None


def _from_match(match: re.Match[str], now: datetime, year: int | None = None) -> Stamp | None:
    part = match.groupdict()
    hour = part.get("hour")
    exact = hour is not None and int(hour) < 24
    try:
        at = datetime(
            year or int(part["year"]),
            int(part["month"]),
            int(part["day"]),
            int(hour or 0) if exact else 0,
            int(part.get("minute") or 0) if exact else 0,
            int(part.get("second") or 0) if exact else 0,
            tzinfo=_zone(part.get("zone")) if exact else CHINA,
        )
        return Stamp(at=at.astimezone(CHINA), exact=exact, start=match.start(), end=match.end())
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> ZoneInfo:
    if not text:
        return CHINA
    if text == "Z":
        return ZoneInfo("UTC")
    return datetime.strptime(text.replace(":", ""), "%z").tzinfo  # type: ignore[return-value]


def _year_last(text: str, now: datetime) -> Stamp | None:
    """12/31/2016 as American sheets write it, only where day and month cannot be mistaken for each other."""
    match = _YEAR_LAST.match(text)
    if match is None:
        return None
    one, two = int(match["one"]), int(match["two"])
    if one <= 12 and two <= 12 and one != two:
        return None
    month, day = (one, two) if one <= 12 else (two, one)
    try:
        at = datetime(int(match["year"]), month, day, int(match["hour"] or 0), int(match["minute"] or 0), tzinfo=CHINA)
    except ValueError:
        return None
    return Stamp(at=at, exact=match["hour"] is not None, start=0, end=match.end())


def _short(text: str, now: datetime) -> Stamp | None:
    """09-07 13:43: the youngest such day that is not in the future, so December read in January is last year's."""
    match = _SHORT.search(text)
    if match is None:
        return None
    local = now.astimezone(CHINA)
    for year in (local.year, local.year - 1, local.year - 2, local.year - 3, local.year - 4):
        stamp = _from_match(match, now, year)
        if stamp and stamp.at <= now + timedelta(hours=12):  # older years only for 29 February
            return stamp
    return None


def _relative(text: str, now: datetime) -> Stamp | None:
    if re.match(r"\s*(刚刚|刚才)", text):
        return Stamp(at=_minute(now), exact=True, start=0, end=2)
    match = _AGO.search(text)
    if match:
        return _ago(match, now)
    match = _DAY_WORD.search(text)
    if match is None:
        return None
    day = now.astimezone(CHINA) - timedelta(days=_DAYS_BACK[match["word"][0]])
    return _with_clock(match, day)


def _ago(match: re.Match[str], now: datetime) -> Stamp | None:
    number = match["number"]
    count = int(number) if number.isdigit() else _DIGITS[number]
    unit = _UNITS[match["unit"][0]]
    seconds = unit / 2 if number == "半" else count * unit
    try:
        at = _minute(now - timedelta(seconds=seconds))
    except OverflowError:
        return None
    exact = unit <= 3600
    return Stamp(at=at if exact else at.replace(hour=0, minute=0), exact=exact, start=match.start(), end=match.end())


def _minute(at: datetime) -> datetime:
    return at.astimezone(CHINA).replace(second=0, microsecond=0)


def _with_clock(match: re.Match[str], day: datetime) -> Stamp | None:
    part = match.groupdict()
    exact = part.get("hour") is not None
    hour = int(part.get("hour") or 0)
    if hour > 23:
        return None
    at = day.replace(hour=hour, minute=int(part.get("minute") or 0), second=int(part.get("second") or 0), microsecond=0)
    return Stamp(at=at, exact=exact, start=match.start(), end=match.end())


def _clock_today(text: str, now: datetime) -> Stamp | None:
    """13:43 alone is today's, or yesterday's where that is still to come."""
    match = _ONLY_CLOCK.match(text)
    if match is None:
        return None
    stamp = _with_clock(match, now.astimezone(CHINA))
    if stamp and stamp.at > now + timedelta(minutes=10):
        return _with_clock(match, now.astimezone(CHINA) - timedelta(days=1))
    return stamp


def _month(text: str, now: datetime) -> Stamp | None:
    match = _MONTH_ONLY.match(text)
    if match is None:
        return None
    at = datetime(int(match["year"]), int(match["month"]), 1, tzinfo=CHINA)
    return Stamp(at=at, exact=False, start=0, end=match.end())


def _epoch(text: str, now: datetime) -> Stamp | None:
    """Seconds or milliseconds since 1970, as JSON endpoints give them."""
    if not re.fullmatch(r"1\d{9}(\d{3})?(\.\d+)?", text):
        return None
    value = float(text)
    at = datetime.fromtimestamp(value / 1000 if value > 1e11 else value, CHINA)
    return Stamp(at=at, exact=True, start=0, end=len(text))


def _mail(text: str, now: datetime) -> Stamp | None:
    """RFC 2822, and the form of the Weibo API ("Tue May 31 17:46:55 +0800 2011")."""
    at: datetime | None = None
    if re.match(r"[A-Z][a-z]{2}", text):
        try:
            at = datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y")
        except ValueError:
            try:
                at = parsedate_to_datetime(text)
            except (ValueError, TypeError, IndexError):
                return None
    return Stamp(at=aware(at), exact=True, start=0, end=len(text)) if at else None
