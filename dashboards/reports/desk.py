"""What a report is written from: the office, the two stores, a stretch of time, the moment of writing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dashboards import words
from dashboards.reports import wording
from dashboards.reports.tree import MAX_IDS, Evidence
from storage.ports import DocumentQuery, DocumentStore, FacetField, Transaction
from storage.types import AuditEntry, Event, LevelChange, Office, Task

PAGE = 500


class UnknownSubject(LookupError):
    """No such event, or a day that lies ahead; the message is for an official."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of local time, [since, until), and the stretch before it to compare with."""

    name: str  #: 本日 本周 本月
    before_name: str  #: 前一日 上周 上月
    since: datetime
    until: datetime
    before: datetime  #: start of the stretch before; it is as long as the part of this one that has passed
    whole: bool  #: False where the stretch is not over yet
    first: date
    last: date

    @property
    def before_until(self) -> datetime:
        return min(self.since, self.before + (self.until - self.since)) if not self.whole else self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One report's view: everything is read in one transaction of the ledger."""

    office: Office
    documents: DocumentStore
    tx: Transaction
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.office.timezone)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def hour(self, at: datetime | None) -> str:
        return "—" if at is None else wording.hour(self.local(at))

    def stamp(self, at: datetime | None) -> str:
        """「2026-11-23 14:05」 for tables."""
        return "—" if at is None else f"{self.local(at):%Y-%m-%d %H:%M}"

    def rank(self, level: int) -> int:
        """A level within the office's own: the number of levels is configuration and may have shrunk."""
        return min(level, len(self.office.levels))

    def level(self, level: int) -> str:
        """「Ⅱ级（橙色）」."""
        return self.office.level_name(self.rank(level))

    def word(self, level: int) -> str:
        """「橙色」."""
        rule = self.office.rule(self.rank(level))
        return rule.word if rule else "未定级"

    def unit(self, department: str | None) -> str:
        row = self.office.departments.get(department or "")
        return row.name if row else department or "未定"

    def said(self, query: DocumentQuery, where: str) -> Evidence:
        """The documents of a query as evidence."""
        page = self.documents.search(query, size=MAX_IDS)
        return Evidence(what="信息", count=page.total, ids=tuple(row.document.id for row in page.rows), where=where)

    def named(self, query: DocumentQuery, by: FacetField, size: int = 8) -> list[tuple[str, int]]:
        """Values of a field under their Chinese names."""
        return [(self.name(by, value), count) for value, count in self.documents.facets(query, by, size=size)]

    def name(self, by: FacetField, value: str) -> str:
        """What a value of a field is called."""
        if by == "kind":
            return words.KIND.get(value, value)
        if by == "text_kind":
            return words.TEXT_KIND.get(value, value)
        if by == "topic":
            return words.topic_name(self.office, value)
        return words.place_name(self.office, value) if by == "area" else value

    def tasks(self, event: str | None = None) -> list[Task]:
        """Every task of an event, or of all; history left out where all are asked."""
        found: list[Task] = []
        while True:
            rows, total = self.tx.tasks.find(
                event=event, historic=None if event else False, size=PAGE, offset=len(found)
            )
            found += rows
            if not rows or len(found) >= total:
                return sorted(found, key=lambda t: (t.created_at, t.id))

    def audit(self, object_id: str) -> Iterator[AuditEntry]:
        """Every entry of one object, the newest first."""
        before: int | None = None
        while rows := self.tx.audit.find(object_id=object_id, before=before, size=PAGE):
            yield from rows
            before = rows[-1].seq


def of_events(events: list[Event], where: str = "") -> Evidence:
    return Evidence(what="事件", count=len(events), ids=tuple(e.id for e in events[:MAX_IDS]), where=where)


def of_tasks(tasks: list[Task], where: str = "") -> Evidence:
    return Evidence(what="任务", count=len(tasks), ids=tuple(t.id for t in tasks[:MAX_IDS]), where=where)


def level_at(event: Event, changes: list[LevelChange], at: datetime) -> int:
    """The level an event stood at just before a moment, from its recorded changes."""
    past = [c for c in changes if c.at < at]
    if past:
        return past[-1].after
    return changes[0].before if changes else event.level


def day_window(day: date | None, now: datetime, zone: ZoneInfo) -> Window:
    """That day, by default yesterday."""
    first = day or now.astimezone(zone).date() - timedelta(days=1)
    return _window(("本日", "前一日"), first, first + timedelta(days=1), first - timedelta(days=1), now, zone)


def week_window(day: date | None, now: datetime, zone: ZoneInfo) -> Window:
    """Monday to Sunday around that day, by default the last whole week."""
    at = day or now.astimezone(zone).date() - timedelta(days=7)
    first = at - timedelta(days=at.weekday())
    return _window(("本周", "上周"), first, first + timedelta(days=7), first - timedelta(days=7), now, zone)


def month_window(day: date | None, now: datetime, zone: ZoneInfo) -> Window:
    """The calendar month of that day, by default the last whole month."""
    at = day or now.astimezone(zone).date().replace(day=1) - timedelta(days=1)
    first = at.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    return _window(("本月", "上月"), first, after, (first - timedelta(days=1)).replace(day=1), now, zone)


def _window(names: tuple[str, str], first: date, after: date, before: date, now: datetime, zone: ZoneInfo) -> Window:
    def start(day: date) -> datetime:
        return datetime.combine(day, time(), zone)

    if start(first) > now:
        raise UnknownSubject(f"{first.isoformat()} 还没有到，不能编制报告；请换一个日期。")
    return Window(
        name=names[0], before_name=names[1], since=start(first), until=min(start(after), now),
        before=start(before), whole=start(after) <= now, first=first, last=after - timedelta(days=1),
    )  # fmt: skip
