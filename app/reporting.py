"""When reports are due.

    minute job in `work` ─ place_due ─→ orders in the ledger ←─ the page 报告
                                             └─ app.press in `serve` (where the files are handed out) ─→ draft

What is due is kept as an order in the same transaction as the mark that it was: a restart neither doubles nor skips it.
"""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from alerts.calendar import local
from app.pipeline import Pipeline
from dashboards.reports.orders import SYSTEM, Order, place
from dashboards.reports.tree import ReportKind
from storage.ports import Ledger
from storage.types import Office, ReportSettings

MARK = "report:schedule"
#: missed days that are made up for; what lies further back is made by hand
MADE_UP = 7
#: a mark this far ahead comes from a clock that was wrong
AHEAD = timedelta(days=1)


def moments(settings: ReportSettings, kind: ReportKind, today: date) -> Iterator[tuple[datetime, date]]:
    """(local moment without zone, a day of the stretch to report on), the newest first; none where switched off.

    The stretch is the one that ended before the moment: yesterday, the last whole week, the last whole month.
    """
    at = {"daily": settings.daily, "weekly": settings.weekly, "monthly": settings.monthly}[kind]
    if not at:
        return
    clock = time.fromisoformat(at)
    for back in range(MADE_UP if kind == "daily" else 31):
        day = today - timedelta(days=back)
        if kind == "daily":
            yield datetime.combine(day, clock), day - timedelta(days=1)
        elif kind == "weekly" and day.isoweekday() == settings.weekday:
            yield datetime.combine(day, clock), day - timedelta(days=7)
        elif kind == "monthly" and day.day == settings.monthday:
            yield datetime.combine(day, clock), day.replace(day=1) - timedelta(days=1)


def due(office: Office, marks: dict[str, str], now: datetime) -> tuple[list[Order], dict[str, str]]:
    """The orders whose moment has come since the marks, the oldest first, and the new marks. Pure.

    Without a mark (the first start), or with one that lies far ahead, nothing is due: the next moment is the first.
    A clock that is set back a little makes nothing twice, since marks only grow.
    """
    here = local(now, office).replace(tzinfo=None)
    found: list[Order] = []
    far = (here + AHEAD).isoformat()
    marks = {kind: at for kind, at in marks.items() if at <= far}
    after = dict(marks)
    kinds: tuple[ReportKind, ...] = ("daily", "weekly", "monthly")
    for kind in kinds:
        past = [(at, day) for at, day in moments(office.reports, kind, here.date()) if at <= here]
        fresh = [(at, day) for at, day in past if at.isoformat() > marks.get(kind, "9")]
        found += [Order(kind=kind, subject=day.isoformat(), by=SYSTEM, at=now) for _, day in reversed(fresh)]
        after[kind] = max(marks.get(kind, ""), past[0][0].isoformat() if past else here.isoformat())
    return found, after


def place_due(pipeline: Pipeline, now: datetime) -> None:
    """The job: order what is due."""
    place_scheduled(pipeline.office, pipeline.ledger, now)


def place_scheduled(office: Office, ledger: Ledger, now: datetime) -> list[Order]:
    """Orders and marks in one transaction; writes only when there is something to write."""
    with ledger.read() as tx:
        text = tx.notes.get(MARK)
    found, after = due(office, json.loads(text or "{}"), now)
    if not found and text and after == json.loads(text):
        return []
    with ledger.begin() as tx:
        marks = json.loads(tx.notes.get(MARK) or "{}")
        found, after = due(office, marks, now)
        kept = [place(tx, order) for order in found]
        tx.notes.put(MARK, json.dumps(after))
    return kept
