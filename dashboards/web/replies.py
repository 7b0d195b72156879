"""答复登记: what was published, where, by whom, after which review, and whether it is seen where people talk."""

from collections.abc import Sequence

from starlette.responses import FileResponse, Response

from dashboards import exporting
from dashboards.exporting import safe
from dashboards.visibility import Reach, reach
from dashboards.web.effect import Period, period
from dashboards.web.visit import Here, Visit
from storage.types import Reply, Task

SIZE = 20
COLUMNS = (
    "发布时间",
    "单位",
    "事项",
    "答复方式",
    "版本",
    "渠道",
    "链接",
    "发布人",
    "保密审查",
    "法核",
    "口径审核",
    "链接是否已采集到",
    "传播平台回应情况",
    "正文",
)
WIDTHS = {"A": 20, "B": 20, "C": 40, "G": 40, "L": 20, "M": 26, "N": 60}


def page(visit: Here, since: str = "", until: str = "", department: str = "", page: int = 1) -> Response:
    """The register of a period, the newest first."""
    span = period(visit, since, until)
    found, people = read(visit, span, department)
    page = min(max(page, 1), 10_000)
    shown = found[(page - 1) * SIZE : page * SIZE]
    return visit.page(
        "replies.html",
        rows=[(task, reply, look(visit, task, reply)) for task, reply in shown],
        total=len(found),
        page=page,
        size=SIZE,
        span=span,
        department=department,
        people=people,
    )


def read(visit: Visit, span: Period, department: str) -> tuple[list[tuple[Task, Reply]], dict[str, str]]:
    """(task, reply) of the period, within the user's scope; and what people are called."""
    with visit.site.ledger.read() as tx:
        found = tx.tasks.answers(span.since, span.until, department=visit.scope or department or None)
        people = {user.name: user.display for user in tx.users.all()}
    return found, people


def look(visit: Visit, task: Task, reply: Reply) -> Reach:
    """Where the reply was seen."""
    return reach(visit.site.documents, visit.office, task.event, reply)


def export(visit: Here, since: str = "", until: str = "", department: str = "") -> Response:
    """The register of a period as a workbook."""
    span = period(visit, since, until)
    found, people = read(visit, span, department)
    with visit.site.ledger.begin() as tx:
        visit.record(tx, "replies.export", "replies", after=f"{span.first} {span.last}")
    said = f"{span.first} 至 {span.last} 发布的答复"
    top = exporting.head(visit.names, said, len(found), visit.user.display, COLUMNS)
    lines = (cells(visit, task, reply, people) for task, reply in found)
    path = exporting.xlsx_file(top, lines, WIDTHS)
    name = f"minsheng-replies-{span.first}-{span.last}.xlsx"
    return FileResponse(path, filename=name, media_type=exporting.XLSX_TYPE, background=exporting.removal(path))


def cells(visit: Visit, task: Task, reply: Reply, people: dict[str, str]) -> Sequence[str | int]:
    """One line of the file."""
    names, where = visit.names, look(visit, task, reply)

    def who(name: str | None) -> str:
        return safe(people.get(name or "", name or ""))

    return (
        names.exact(reply.published_at),
        safe(names.department(task.department)),
        safe(task.title),
        reply.treatment or "",
        reply.version,
        safe(reply.channel or ""),
        safe(reply.link or ""),
        who(reply.published_by),
        who(reply.secrecy_by),
        who(reply.legal_by),
        who(reply.wording_by),
        names.exact(where.seen_at) or "未采集到",
        where.text,
        safe(reply.text),
    )
