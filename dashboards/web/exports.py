"""Any list as CSV or XLSX: what the page shows under the same filter, all of it, with the filter in the head.

events.find · tasks.find · audit.find · health · issues ─ pages of 500 ─→ rows of cells ─→ dashboards.exporting
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from fastapi import HTTPException
from starlette.responses import FileResponse, Response, StreamingResponse

from dashboards import exporting, words
from dashboards.coverage import HISTORY, health
from dashboards.reports.issues import issues
from dashboards.reports.tree import KIND_NAMES
from dashboards.web import reports
from dashboards.web.events import order
from dashboards.web.overview import ALIVE, OPEN_STATES
from dashboards.web.tasks import VIEWS, views
from dashboards.web.visit import Here, Visit
from storage.types import AuditEntry, Event, Task

BATCH = 500
T = TypeVar("T")
#: list of tasks → the states that it shows; the others show what is open
STATES_OF = {"returns": ("return_pending",), "confirm": ("confirm",), "review": ("review",), "closed": ("closed",)}


def answer(visit: Visit, name: str, title: str, described: str, columns: Sequence[str], total: int | None,
           rows: Iterable[Sequence[object]], form: str) -> Response:  # fmt: skip
    """The file, with a line in the audit; 404 for another format, 422 for more rows than a sheet holds."""
    if form not in exporting.FORMATS:
        raise HTTPException(404, "只能导出 csv 或 xlsx。")
    if form == "xlsx" and (total or 0) > exporting.XLSX_ROWS:
        raise HTTPException(422, f"共 {total} 条，超过一张工作表的上限，请缩小范围或导出 CSV。")
    with visit.site.ledger.begin() as tx:
        visit.record(tx, "lists.export", name, after=described[:500])
    names = visit.names
    many = f"共 {total} 条；" if total is not None else ""
    head = [
        [exporting.safe(f"{names.office.name} 民声系统导出：{title}")],
        [exporting.safe(f"筛选条件：{described or '无'}")],
        [exporting.safe(f"{many}导出人：{visit.user.display}；导出时间：{names.exact(names.now)}")],
        list(columns),
    ]
    body = ([exporting.safe(str(cell)) for cell in row] for row in rows)
    file = f"minsheng-{name}-{names.exact(visit.now)[:10]}.{form}"
    if form == "csv":
        disposition = {"content-disposition": f'attachment; filename="{file}"'}
        return StreamingResponse(exporting.csv_lines(head, body), 200, disposition, "text/csv; charset=utf-8")
    path = exporting.xlsx_file(head, body)
    return FileResponse(path, filename=file, media_type=exporting.XLSX_TYPE, background=exporting.removal(path))


def events(
    visit: Here, format: str, level: int = 0, topic: str = "", area: str = "", department: str = "",
    status: str = "alive", sort: str = "level", historic: str = "0",
) -> Response:  # fmt: skip
    """The list of events."""
    names, level = visit.names, min(max(level, 0), len(visit.office.levels))
    states = {"alive": ALIVE, "closed": ("closed",), "all": ("open", "quiet", "closed")}.get(status, ALIVE)

    def page(offset: int) -> tuple[list[Event], int]:
        with visit.site.ledger.read() as tx:
            return tx.events.find(
                level_from=level, topic=topic or None, area=area or None, department=visit.scope or department or None,
                status=states, historic={"0": False, "1": True}.get(historic), sort=order(sort), size=BATCH,
                offset=offset,
            )  # fmt: skip

    def cells(e: Event) -> Sequence[object]:
        units = "、".join(names.department(d) for d in e.departments)
        return (e.id, e.title, names.level_name(e.level), f"{e.score:.1f}", names.topic(e.topic), names.place(e.area),
                e.documents, e.negative, units, words.EVENT_STATUS[e.status], names.exact(e.first_at),
                names.exact(e.last_at), names.exact(e.answered_at), e.incident_grade or "",
                "示例" if e.sample else "")  # fmt: skip

    columns = ("编号", "事件", "舆情等级", "风险分", "专题", "地点", "信息量", "负面", "责任单位", "状态", "首次公开",
               "最近", "首次回应", "事件等级", "备注")  # fmt: skip
    said = said_of(
        {
            "等级": f"{names.level_name(level)}及以上" if level else "",
            "专题": names.topic(topic) if topic else "",
            "地点": names.place(area) if area else "",
            "责任单位": names.department(visit.scope or department) if visit.scope or department else "",
            "状态": {"closed": "已关闭", "all": "全部"}.get(status, "进行中"),
            "范围": {"0": "当前", "1": "历史"}.get(historic, "全部"),
        }
    )
    return answer(visit, "events", "事件", said, columns, page(0)[1], paged(page, cells), format)


def tasks(visit: Here, format: str, view: str = "", department: str = "") -> Response:
    """One list of tasks."""
    offered = views(visit)
    view = view if view in offered else offered[0 if visit.scope is None else 1]
    names = visit.names

    def page(offset: int) -> tuple[list[Task], int]:
        with visit.site.ledger.read() as tx:
            return tx.tasks.find(
                department=visit.scope or department or None, states=STATES_OF.get(view, OPEN_STATES),
                assignee=visit.user.name if view == "mine" else None, historic=False if view != "closed" else None,
                due_before=visit.now + timedelta(hours=24) if view == "due" else None, size=BATCH, offset=offset,
            )  # fmt: skip

    def cells(t: Task) -> Sequence[object]:
        clocks = sorted(d.due_at for d in t.deadlines if d.met_at is None)
        return (t.id, t.title, names.level_name(t.level), names.department(t.department), words.TASK_ROLE[t.role],
                words.STATE[t.state], t.rule, names.exact(t.dispatched_at), names.exact(t.signed_at), t.signed_by or "",
                t.assignee or "", names.exact(clocks[0]) if clocks else "", names.exact(t.closed_at))  # fmt: skip

    columns = ("编号", "任务", "等级", "单位", "职责", "状态", "派单规则", "交办时间", "签收时间", "签收人", "承办人",
               "最近时限", "办结时间")  # fmt: skip
    unit = visit.scope or department
    said = said_of({"列表": VIEWS[view], "单位": names.department(unit) if unit else ""})
    return answer(visit, "tasks", "任务", said, columns, page(0)[1], paged(page, cells), format)


def sources(visit: Here, format: str) -> Response:
    """Every source with its state."""
    names = visit.names
    with visit.site.ledger.read() as tx:
        found = health(visit.office, tx.frontier.hours(None, visit.now - HISTORY), visit.now)
    columns = ("编号", "信源", "类型", "状态", "启用", "说明", "访问", "其中未变", "新增", "更新", "重复", "未收",
               "失败", "未收和失败的原因", "平均延迟（分钟）", "此前日均新增", "最近新增", "最近错误")  # fmt: skip
    rows = [
        (r.source.id, r.source.name, words.KIND[r.source.kind], words.SOURCE_STATE[r.state],
         "是" if r.source.enabled else "否", r.reason, r.polled, r.unchanged, r.new, r.updated, r.duplicate, r.rejected,
         r.errors, "；".join(f"{reason} {count}" for reason, count in r.reasons),
         "" if r.delay_minutes is None else f"{r.delay_minutes:.0f}", f"{r.before:.1f}", names.exact(r.last_new),
         r.last_error or "")
        for r in found
    ]  # fmt: skip
    return answer(visit, "sources", "信源", "全部信源，近24小时", columns, len(rows), rows, format)


def audit(visit: Here, format: str, actor: str = "", object: str = "") -> Response:
    """The audit, newest first."""

    def entries() -> Iterator[AuditEntry]:
        before: int | None = None
        while True:
            with visit.site.ledger.read() as tx:
                rows = tx.audit.find(object_id=object or None, actor=actor or None, before=before, size=BATCH)
            yield from rows
            if len(rows) < BATCH:
                return
            before = rows[-1].seq

    columns = ("序号", "时间", "人员", "角色", "操作", "对象", "变更前", "变更后", "哈希")
    exact = visit.names.exact
    cells = ((e.seq, exact(e.at), e.actor, words.ROLE.get(e.role, e.role), words.AUDIT.get(e.action, e.action),  # type: ignore[call-overload]
              e.object, e.before, e.after, e.hash) for e in entries())  # fmt: skip
    said = said_of({"人员": actor, "对象": object})
    return answer(visit, "audit", "审计", said, columns, None, cells, format)


def register(visit: Here, format: str, kind: str = "", state: str = "", event: str = "") -> Response:
    """The register of reports."""
    with visit.site.ledger.read() as tx:
        people = reports.names_of(tx)
        found = reports.filtered(issues(tx), {"kind": kind, "state": state, "event": event})
    exact = visit.names.exact
    rows = [
        (KIND_NAMES[i.kind], i.name, i.title, reports.STATES[i.state], people.get(i.by, i.by), exact(i.made_at),
         people.get(i.approved_by or "", i.approved_by or ""), exact(i.approved_at), exact(i.sent_at),
         "、".join(people.get(to, to) for to in i.sent_to), " ".join(f"{form}:{digest}" for form, _, digest in i.files))
        for i in found
    ]  # fmt: skip
    columns = ("种类", "编号", "报告", "状态", "编制", "编制时间", "审定", "审定时间", "发送时间", "接收", "文件校验")
    said = said_of({"种类": KIND_NAMES.get(kind, ""), "状态": reports.STATES.get(state, ""), "事件": event})  # type: ignore[call-overload]
    return answer(visit, "reports", "报告登记簿", said, columns, len(rows), rows, format)


def said_of(chosen: Mapping[str, str]) -> str:
    """「等级：橙色及以上；状态：进行中」."""
    return "；".join(f"{name}：{value}" for name, value in chosen.items() if value)


def paged(
    page: Callable[[int], tuple[list[T], int]], cells: Callable[[T], Sequence[object]]
) -> Iterator[Sequence[object]]:
    """Page after page, so that memory stays flat; what changes meanwhile may move a row to another page."""
    offset = 0
    while rows := page(offset)[0]:
        yield from map(cells, rows)
        offset += len(rows)
