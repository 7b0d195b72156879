"""Every kind of report, gathered from the two ports. Nothing is invented; what was not seen is said.

daily · weekly · monthly                 what was said in a stretch of time, what was done about it
event_special · event_risk · ledger_of   one event: 专报, 风险评估, 处置全过程台账

Each takes `now` and reads the ledger in one transaction. UnknownSubject: no such event, or a day that lies ahead.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboards.reports import handling, matter, matters, overall, record, risk, template, wording
from dashboards.reports.case import Case, open_case
from dashboards.reports.desk import Desk, UnknownSubject, Window, day_window, month_window, week_window
from dashboards.reports.tree import KIND_NAMES, Block, Note, Report, ReportKind, Title
from storage.ports import DocumentStore, Ledger
from storage.types import Event, Office

SAMPLE = "本报告含示例数据（示例城），不是真实情况。"
DRAFT = "本报告由系统根据采集和办理记录汇总，未经审定不得对外发送。"


def daily(
    office: Office, documents: DocumentStore, ledger: Ledger, now: datetime, *, day: date | None = None
) -> Report:
    """舆情日报 of a day of local time, by default yesterday; of today it ends at `now` and says so."""
    zone = ZoneInfo(office.timezone)
    return _periodic("daily", office, documents, ledger, now, day_window(day, now, zone))


def weekly(
    office: Office, documents: DocumentStore, ledger: Ledger, now: datetime, *, day: date | None = None
) -> Report:
    """舆情周报, Monday to Sunday around `day`, by default the last whole week."""
    return _periodic("weekly", office, documents, ledger, now, week_window(day, now, ZoneInfo(office.timezone)))


def monthly(
    office: Office, documents: DocumentStore, ledger: Ledger, now: datetime, *, day: date | None = None
) -> Report:
    """舆情月报 of the calendar month of `day`, by default the last whole one."""
    return _periodic("monthly", office, documents, ledger, now, month_window(day, now, ZoneInfo(office.timezone)))


def event_special(event_id: str, office: Office, documents: DocumentStore, ledger: Ledger, now: datetime) -> Report:
    """专报 of one event; a merged id gives the event it went into."""

    def blocks(desk: Desk, case: Case) -> Iterator[Block]:
        asked = matter.questions_of(desk, case)
        yield from matter.known(desk, case)
        yield from matter.course(desk, case)
        yield from matter.concerns(desk, case, asked)
        yield from risk.graded(desk, case)
        yield from matter.answers(desk, case)
        yield from risk.hints(desk, case, asked)
        yield from overall.seen(desk, _last_day(desk))

    return _about("special", event_id, office, documents, ledger, now, blocks)


def event_risk(event_id: str, office: Office, documents: DocumentStore, ledger: Ledger, now: datetime) -> Report:
    """风险评估 of one event."""

    def blocks(desk: Desk, case: Case) -> Iterator[Block]:
        yield from matter.known(desk, case)
        yield from risk.graded(desk, case)
        if case.event.risk is not None:
            yield from risk.terms(case.event.risk)
        yield from risk.moves(desk, case)
        yield from matter.course(desk, case)
        yield from matter.answers(desk, case)
        yield from risk.limits(desk, case)
        yield from overall.seen(desk, _last_day(desk))

    return _about("risk", event_id, office, documents, ledger, now, blocks)


def ledger_of(event_id: str, office: Office, documents: DocumentStore, ledger: Ledger, now: datetime) -> Report:
    """处置全过程台账 of one event."""

    def blocks(desk: Desk, case: Case) -> Iterator[Block]:
        yield from matter.known(desk, case)
        yield from record.book(desk, case)

    return _about("ledger", event_id, office, documents, ledger, now, blocks)


Period = Callable[..., Report]
#: kinds by what they are about
PERIODS: dict[str, Period] = {"daily": daily, "weekly": weekly, "monthly": monthly}
EVENTS: dict[str, Callable[[str, Office, DocumentStore, Ledger, datetime], Report]] = {
    "event": event_special,
    "risk": event_risk,
    "ledger": ledger_of,
}


def _periodic(
    kind: ReportKind, office: Office, documents: DocumentStore, ledger: Ledger, now: datetime, window: Window
) -> Report:
    with ledger.read() as tx:
        desk = Desk(office=office, documents=documents, tx=tx, now=now)
        found = matters.gather(desk, window)
        blocks = (
            *overall.overall(desk, window),
            *matters.matters(desk, window, found),
            *overall.subjects(desk, window),
            *handling.handling(desk, window),
            *overall.seen(desk, window),
        )
    sample = any(m.event.sample for m in found)
    title = Title(text=KIND_NAMES[kind], subtitle=f"（{_dates(kind, window, desk)}）", office=office.name)
    return _report(kind, window.first.isoformat(), title, blocks, desk, sample)


def _dates(kind: ReportKind, window: Window, desk: Desk) -> str:
    first, until = window.since, desk.local(window.until)
    if kind == "daily":
        return wording.day(first) + ("" if window.whole else f"，截至{until.hour}时{until.minute:02d}分")
    if not window.whole:
        return f"{wording.day(first)}至{desk.hour(until)}"
    if kind == "monthly":
        return f"{first.year}年{first.month}月"
    return f"{wording.day(first)}至{window.last.month}月{window.last.day}日"


def _about(
    kind: ReportKind,
    event_id: str,
    office: Office,
    documents: DocumentStore,
    ledger: Ledger,
    now: datetime,
    blocks_of: Callable[[Desk, Case], Iterator[Block]],
) -> Report:
    with ledger.read() as tx:
        event = tx.events.get([event_id]).get(event_id)
        if event is None:
            raise UnknownSubject(f"没有编号为 {event_id!r} 的事件；请在事件页核对编号。")
        desk = Desk(office=office, documents=documents, tx=tx, now=now)
        blocks = tuple(blocks_of(desk, open_case(desk, event)))
    title = Title(text=_titled(kind, event), subtitle=f"（截至{desk.hour(now)}）", office=office.name)
    return _report(kind, event.id, title, blocks, desk, event.sample)


def _titled(kind: ReportKind, event: Event) -> str:
    name = wording.cut(event.title, 40)
    return f"关于“{name}”的{KIND_NAMES[kind]}" if kind != "ledger" else f"“{name}”{KIND_NAMES[kind]}"


def _last_day(desk: Desk) -> Window:
    """The 24 hours before the moment of writing, for the coverage line."""
    since = desk.local(desk.now) - timedelta(days=1)
    return Window(
        name="近24小时", before_name="前24小时", since=since, until=desk.local(desk.now),
        before=since - timedelta(days=1), whole=True, first=since.date(), last=desk.local(desk.now).date(),
    )  # fmt: skip


def _report(
    kind: ReportKind, subject: str, title: Title, blocks: tuple[Block, ...], desk: Desk, sample: bool
) -> Report:
    notes = (*((Note(text=SAMPLE, always=True),) if sample else ()), Note(text=DRAFT, always=True))
    report = Report(
        kind=kind, subject=subject, title=title, blocks=(*blocks, *notes), made_at=desk.local(desk.now),
        base_url=desk.office.base_url.rstrip("/"),
    )  # fmt: skip
    return template.shape(report, desk.office)


__all__ = [
    "EVENTS", "PERIODS", "UnknownSubject", "daily", "event_risk", "event_special", "ledger_of", "monthly", "weekly",
]  # fmt: skip
