"""成效: figures of each department with their denominators, and the register of published replies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from fastapi import HTTPException
from starlette.responses import FileResponse, Response

from alerts.effect import MIN_EVENTS_FOR_RANKING, Process, holdings, process, ranking
from dashboards import exporting
from dashboards.exporting import safe
from dashboards.web.rendering import Names
from dashboards.web.visit import Here, Visit
from storage.ports import Transaction
from storage.types import AuditEntry, Task

#: the figures of the table, by code of `alerts.effect`
CODES = ("sign", "reply.5", "press.24", "reply.48", "returns", "upheld", "first_time")
LONGEST = timedelta(days=400)
HEADS = ("单位", "事件（起）", "任务（件）")
TAILS = ("首响中位数（小时）", "首响第90百分位（小时）", "已回应（起）", "未回应（起）", "排序", "说明")
#: of each figure, in the file
PARTS = ("", "：达标数", "：应计数", "：逾期完成", "：逾期未完成", "：未到时限", "：不计入")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days of the office's own time, the last one included."""

    since: datetime
    until: datetime

    @property
    def first(self) -> str:
        return f"{self.since:%Y-%m-%d}"

    @property
    def last(self) -> str:
        return f"{self.until - timedelta(seconds=1):%Y-%m-%d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One line: a department's figures, and its place where it may be ranked."""

    department: str
    figures: Process
    place: int | None = None
    note: str = ""


def period(visit: Visit, since: str, until: str) -> Period:
    """The days asked for, by default this month up to today. 422 for what is no date, backwards or too long."""
    zone = visit.names.zone
    today = visit.now.astimezone(zone).date()
    try:
        first = datetime.fromisoformat(since).date() if since else today.replace(day=1)
        last = datetime.fromisoformat(until).date() if until else max(first, today)
    except ValueError:
        raise HTTPException(422, "日期应写作 2026-11-01 的样子。") from None
    start, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    if not start < end <= start + LONGEST:
        raise HTTPException(422, "截止日期应不早于开始日期，且一次最多统计 400 天。")
    return Period(since=start, until=end)


def page(visit: Here, since: str = "", until: str = "", sort: str = "") -> Response:
    """The figures of tasks made within the period; a department sees its own beside the whole."""
    span = period(visit, since, until)
    with visit.site.ledger.read() as tx:
        units, whole = figures(tx, visit, span, sort if sort in CODES else "")
    return visit.page(
        "effect.html",
        units=units,
        whole=whole,
        span=span,
        sort=sort if sort in CODES else "",
        least=MIN_EVENTS_FOR_RANKING,
    )


def figures(tx: Transaction, visit: Visit, span: Period, sort: str) -> tuple[list[Unit], Process]:
    """(departments in the order of the directory, or by one figure; all together)."""
    tasks = list(tx.tasks.created(span.since, span.until))
    about = tx.audit.about([f"task:{task.id}" for task in tasks])
    audit = [entry for entries in about.values() for entry in entries]
    events = tx.events.get(sorted({task.event for task in tasks}))
    known = {name: process(tasks, events, audit, visit.now, department=name) for name in names_of(tasks, about, visit)}
    whole = process(tasks, events, audit, visit.now)
    if not sort:
        return [Unit(department=name, figures=figures) for name, figures in known.items()], whole
    if visit.scope is not None:
        return [Unit(department=name, figures=known[name]) for name in known], whole
    ranked = ranking(known, sort)
    return [
        Unit(department=r.department, figures=known[r.department], place=r.place, note=r.note) for r in ranked
    ], whole


def names_of(tasks: Sequence[Task], audit: Mapping[str, Sequence[AuditEntry]], visit: Visit) -> Iterator[str]:
    """The departments that held one of the tasks: in the order of the directory, then strange ones."""
    held = {row.department for task in tasks for row in holdings(task, audit.get(f"task:{task.id}", ()))}
    mine = [name for name in held if visit.scope in (None, name)]
    order = {name: number for number, name in enumerate(visit.office.departments)}
    yield from sorted(mine, key=lambda name: (order.get(name, len(order)), name))


def export(visit: Here, since: str = "", until: str = "", sort: str = "") -> Response:
    """The table as a workbook: every figure with what it is a figure of."""
    span = period(visit, since, until)
    with visit.site.ledger.begin() as tx:
        units, whole = figures(tx, visit, span, sort if sort in CODES else "")
        visit.record(tx, "effect.export", "effect", after=f"{span.first} {span.last}")
    said = f"{span.first} 至 {span.last} 生成的任务；比率的分母为应计数，时限未到、误报和并入的不计入"
    columns = [*HEADS, *(f"{ratio.name}{part}" for ratio in whole.ratios for part in PARTS), *TAILS]
    top = exporting.head(visit.names, said, len(units), visit.user.display, columns)
    everybody = [*units, Unit(department="", figures=whole)]
    widths = {"A": 26}
    path = exporting.xlsx_file(top, (cells(unit, visit.names) for unit in everybody), widths)
    name = f"minsheng-effect-{span.first}-{span.last}.xlsx"
    return FileResponse(path, filename=name, media_type=exporting.XLSX_TYPE, background=exporting.removal(path))


def cells(unit: Unit, names: Names) -> list[str | int | float | None]:
    """One line of the file; numbers stay numbers."""
    done = unit.figures
    first = done.first_response
    name = names.department(unit.department) if unit.department else "合计（同一事件由几个单位办理的只计一起）"
    row: list[str | int | float | None] = [safe(name), done.events, done.tasks]
    for r in done.ratios:
        share = None if r.value is None else round(r.value, 4)
        row += [share, r.numerator, r.denominator, r.late, r.never, r.pending, r.excluded]
    return [*row, first.median_hours, first.p90_hours, first.answered, first.unanswered, unit.place, safe(unit.note)]
