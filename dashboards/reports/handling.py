"""处置情况 of a period: tasks, published answers, what is overdue, figures by department (never a ranking)."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from alerts.effect import MIN_EVENTS_FOR_RANKING, Process, process
from alerts.transitions import FINAL
from dashboards import words
from dashboards.reports import wording
from dashboards.reports.desk import Desk, Window, of_tasks
from dashboards.reports.tree import (
    MAX_IDS,
    Block,
    Evidence,
    Heading,
    Note,
    Paragraph,
    Statement,
    Table,
    para,
    say,
)
from storage.types import Deadline, Reply, Task

SOON = timedelta(hours=24)
LISTED = 20


def handling(desk: Desk, window: Window) -> Iterator[Block]:
    """四、处置情况 and 五、需要关注的事项; the state of tasks is that of the moment of writing."""
    tasks = desk.tasks()
    fresh = [t for t in tasks if window.since <= t.created_at < window.until]
    yield Heading(text="处置情况")
    yield Paragraph(statements=tuple(_counts(desk, window, tasks, fresh)))
    yield Note(text=f"任务状态和时限以成稿时（{desk.hour(desk.now)}）为准。")
    if fresh:
        yield from _departments(desk, window, fresh)
    yield Heading(text="需要关注的事项")
    yield from _attention(desk, tasks)


def _counts(desk: Desk, window: Window, tasks: Sequence[Task], fresh: list[Task]) -> Iterator[Statement]:
    if fresh:
        signed = [t for t in fresh if t.signed_at is not None]
        text = f"{window.name}交办任务{len(fresh)}件，截至成稿已签收{len(signed)}件。"
        yield say(text, of_tasks(fresh, f"{window.name}生成"))
    else:
        yield say(f"{window.name}没有新交办的任务。", of_tasks([]))
    replies = _published(desk, window, tasks)
    if replies:
        ids = tuple(r.id for r in replies[:MAX_IDS])
        said = Evidence(what="答复", count=len(replies), ids=ids)
        yield say(f"{window.name}发布答复{len(replies)}件。", said)
    else:
        yield say(f"{window.name}没有发布答复。", Evidence(what="答复", count=0))
    closed = [t for t in tasks if t.closed_at is not None and window.since <= t.closed_at < window.until]
    if closed:
        yield say(f"{window.name}办结任务{len(closed)}件。", of_tasks(closed))


def _published(desk: Desk, window: Window, tasks: Sequence[Task]) -> list[Reply]:
    alive = [t for t in tasks if t.created_at < window.until and (t.closed_at is None or t.closed_at >= window.since)]
    found = [r for t in alive for r in desk.tx.tasks.replies(t.id) if r.published_at is not None]
    return [r for r in found if r.published_at is not None and window.since <= r.published_at < window.until]


def _departments(desk: Desk, window: Window, fresh: Sequence[Task]) -> Iterator[Block]:
    audit = [entry for t in fresh for entry in desk.audit(f"task:{t.id}")]
    events = desk.tx.events.get(sorted({t.event for t in fresh}))
    units = [d for d in desk.office.departments if any(t.department == d for t in fresh)]
    strange = sorted({t.department for t in fresh} - set(units))
    rows = [(d, process(fresh, events, audit, desk.now, department=d)) for d in (*units, *strange)]
    whole = process(fresh, events, audit, desk.now)
    yield Table(
        caption="各单位处置情况（按机构目录排列，不作排名）",
        columns=("单位", "事件（起）", "任务（件）", "签收及时率", "48小时回应", "一次派准率"),
        rows=(*(_unit(desk.unit(d), p) for d, p in rows), _unit("合计", whole)),
        widths=(2.2, 1.0, 1.0, 2.5, 2.5, 2.5),
    )
    yield Note(
        text=f"比率后括号内为达标数和应计数，时限未到的不计入；事件少于{MIN_EVENTS_FOR_RANKING}起的单位比率波动大，"
        "不宜比较。同一事件由几个单位办理的，合计按一起计。"
    )
    first = whole.first_response
    if first.answered:
        text = f"首次回应用时中位数{wording.hours(first.median_hours)}，第90百分位{wording.hours(first.p90_hours)}"
        yield para(f"{text}（已回应{first.answered}起，未回应{first.unanswered}起）。")


def _unit(name: str, figures: Process) -> tuple[str | int, ...]:
    codes = ("sign", "reply.48", "first_time")
    return (name, figures.events, figures.tasks, *(_ratio(figures, code) for code in codes))


def _ratio(figures: Process, code: str) -> str:
    ratio = figures.ratio(code)
    return "—" if ratio.value is None else f"{ratio.value:.0%}（{ratio.numerator}/{ratio.denominator}）"


def _attention(desk: Desk, tasks: Sequence[Task]) -> Iterator[Block]:
    alive = [t for t in tasks if t.state not in FINAL]
    clocks = [(t, d) for t in alive for d in t.deadlines if d.met_at is None]
    over = [(t, d) for t, d in clocks if d.due_at < desk.now]
    soon = [(t, d) for t, d in clocks if desk.now <= d.due_at < desk.now + SOON]
    unsigned = [t for t in alive if t.state == "dispatched"]
    returns = [t for t in alive if t.state == "return_pending"]
    statements = [
        say(text.format(len(found)), of_tasks(found))
        for text, found in (
            ("已超过时限尚未完成的任务{}件。", _tasks(over)),
            ("24小时内将到时限的任务{}件。", _tasks(soon)),
            ("待签收任务{}件。", unsigned),
            ("退件待裁定{}件。", returns),
        )
        if found
    ]
    if not statements:
        yield para(say(f"截至{desk.hour(desk.now)}，没有超期、临期、待签收或待裁定的任务。", of_tasks([])))
        return
    yield para(say(f"截至{desk.hour(desk.now)}："), *statements)
    rows = sorted([*over, *soon], key=lambda row: (row[1].due_at, row[0].id))
    if rows:
        yield _due(desk, rows[:LISTED])
    if len(rows) > LISTED:
        yield Note(text=f"另有{len(rows) - LISTED}项时限未列出，可在系统“任务”页查看。")


def _tasks(rows: Sequence[tuple[Task, Deadline]]) -> list[Task]:
    return list({t.id: t for t, _ in rows}.values())


def _due(desk: Desk, rows: Sequence[tuple[Task, Deadline]]) -> Table:
    return Table(
        caption="超期和临期任务",
        columns=("任务", "单位", "环节", "性质", "时限", "情况"),
        rows=tuple(
            (
                wording.cut(t.title, 30),
                words.department_name(desk.office, t.department),
                words.STEP.get(d.step, d.step),
                words.DEADLINE_KIND[d.kind],
                desk.stamp(d.due_at),
                words.remaining(d.due_at, desk.now),
            )
            for t, d in rows
        ),
        widths=(3.2, 1.6, 1, 1.6, 2.6, 2.2),
    )
