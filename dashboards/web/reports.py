"""报告: what was made, making one now, the preview, the four files, approval, sending."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import get_args

from fastapi import HTTPException
from starlette.responses import FileResponse, Response

from dashboards import access
from dashboards.reports.issues import Issue, NotAllowed, decide, find, issues, key_of
from dashboards.reports.orders import SYSTEM, Order, orders, place
from dashboards.reports.press import OF_EVENT, readers, send
from dashboards.reports.tree import KIND_NAMES, ReportKind
from dashboards.web.guards import POLICY
from dashboards.web.visit import Here
from storage.ports import Transaction

SIZE = 30
#: how long a finished order is still named above the register, where its report stands
JUST = timedelta(minutes=3)
TYPES = {
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
STATES = {"making": "编制中", "draft": "待审定", "approved": "已审定", "sent": "已发送"}
#: the kept page has its style inside and no script at all; it lies in a sandbox, whatever it contains
PREVIEW = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
    "x-frame-options": "SAMEORIGIN",
}
FRAMING = {"content-security-policy": f"{POLICY}; frame-src 'self'"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One row of the register."""

    issue: Issue
    by: str
    approved_by: str


def index(visit: Here, kind: str = "", state: str = "", event: str = "", page: int = 1) -> Response:
    """The register, the newest first, and the form for a new one."""
    chosen = {"kind": kind if kind in KIND_NAMES else "", "state": state if state in STATES else "", "event": event}
    yesterday = (visit.now.astimezone(visit.names.zone) - timedelta(days=1)).date()
    return visit.page(
        "reports.html", yesterday=yesterday, kinds=KIND_NAMES, states=STATES, **listed(visit, chosen, page)
    )


def live(visit: Here, kind: str = "", state: str = "", event: str = "", page: int = 1) -> Response:
    """What is being made, and the register: asked for again and again."""
    chosen = {"kind": kind, "state": state, "event": event}
    return visit.page("reports_live.html", states=STATES, kinds=KIND_NAMES, **listed(visit, chosen, page))


def listed(visit: Here, chosen: dict[str, str], page: int) -> dict[str, object]:
    """The rows of one page of the register and the orders of the last hours."""
    with visit.site.ledger.read() as tx:
        people = names_of(tx)
        found = filtered(issues(tx), chosen)
        placed = orders(tx)
        events = tx.events.get([o.subject for o in placed if o.kind in OF_EVENT])
    page = min(max(page, 1), 1 + max(0, len(found) - 1) // SIZE)
    rows = [show(issue, people) for issue in found[(page - 1) * SIZE : page * SIZE]]
    about = {o.key: events[o.subject].title if o.subject in events else o.subject for o in placed}
    told = [o for o in placed[::-1] if o.state != "done" or visit.now - o.at < JUST]
    return {"rows": rows, "orders": told, "about": about, "people": people, "total": len(found), "page": page,
            "size": SIZE, "chosen": chosen, "busy": any(o.open for o in placed)}  # fmt: skip


def filtered(found: list[Issue], chosen: dict[str, str]) -> list[Issue]:
    """The issues of a kind, in a state, about an event; the newest first."""
    kept = [
        issue
        for issue in found
        if chosen["kind"] in ("", issue.kind)
        and chosen["state"] in ("", issue.state)
        and chosen["event"] in ("", issue.subject)
    ]
    return sorted(kept, key=lambda issue: (issue.made_at, issue.key), reverse=True)


def names_of(tx: Transaction) -> dict[str, str]:
    """User → how the pages call them."""
    return {SYSTEM: "系统", **{user.name: user.display for user in tx.users.all()}}


def show(issue: Issue, people: dict[str, str]) -> Shown:
    approved = people.get(issue.approved_by, issue.approved_by) if issue.approved_by else ""
    return Shown(issue=issue, by=people.get(issue.by, issue.by), approved_by=approved)


def make(visit: Here) -> Response:
    """POST: order a report. It is made beside the pages; the list shows how far it is."""
    kind = next((k for k in get_args(ReportKind) if k == visit.text("kind", 20)), None)
    if kind is None:
        raise HTTPException(422, "请选择报告种类。")
    subject = visit.text("event", 200).rsplit("/", 1)[-1] if kind in OF_EVENT else visit.text("day", 10)
    wish = Order(kind=kind, subject=subject, by=visit.user.name, at=visit.now)
    return order(visit, wish)


def order(visit: Here, wish: Order) -> Response:
    """Keep the order, unless it can be seen to be none."""
    if visit.site.data is None:
        raise HTTPException(503, "本机没有报告文件夹，不能编制报告，请联系系统管理员。")
    with visit.site.ledger.begin() as tx:
        refuse_nonsense(visit, tx, wish)
        kept = place(tx, wish)
        visit.record(tx, "report.order", f"report:{kept.kind}:{kept.subject}")
    if visit.site.wake is not None:
        visit.site.wake()
    return visit.go("/reports", "ordered")


def refuse_nonsense(visit: Here, tx: Transaction, wish: Order) -> None:
    """Raise 422 for an event that is not there and for a day that lies ahead or is none."""
    if wish.kind in OF_EVENT:
        if wish.subject not in tx.events.get([wish.subject]):
            raise HTTPException(422, "没有这个事件，请在事件页核对编号。")
        return
    try:
        day = date.fromisoformat(wish.subject)
    except ValueError:
        raise HTTPException(422, "请填写日期，如 2026-11-23。") from None
    if day > visit.now.astimezone(visit.names.zone).date():
        raise HTTPException(422, f"{day.isoformat()} 还没有到，请换一个日期。")


def the_issue(visit: Here, tx: Transaction, name: str) -> Issue:
    """The issue in the address; 404 otherwise."""
    try:
        return find(tx, key_of(name))
    except NotAllowed as error:
        raise HTTPException(404, str(error)) from None


def one(visit: Here, name: str, status: int = 200, problem: str = "") -> Response:
    """One issue: what it is, its files, the preview, and what may be done now."""
    with visit.site.ledger.read() as tx:
        issue = the_issue(visit, tx, name)
        people = names_of(tx)
        entries = tx.audit.find(object_id=issue.key, size=50)
        deliveries = tx.outbox.find(task=issue.key, size=200)
        offered = readers(visit.office, tx.users.all())
    page = visit.page(
        "report.html", status, issue=issue, shown=show(issue, people), entries=entries, people=people, states=STATES,
        kinds=KIND_NAMES, deliveries=deliveries, offered=offered, problem=problem, of_event=issue.kind in OF_EVENT,
        forms=[form for form, _, _ in issue.files], fingerprint=fingerprint,
    )  # fmt: skip
    page.headers.update(FRAMING)
    return page


def file(visit: Here, name: str, format: str, preview: int = 0) -> Response:
    """One file as it was registered; a file that was changed since is not handed out."""
    with visit.site.ledger.read() as tx:
        issue = the_issue(visit, tx, name)
    path = next((path for form, path, _ in issue.files if form == format), None)
    digest = next((digest for form, _, digest in issue.files if form == format), "")
    if path is None or visit.site.data is None:
        raise HTTPException(404, "这一期没有此格式的文件。")
    found = visit.site.data / path
    if not same(found, digest):
        raise HTTPException(409, "文件已丢失或与登记时不一致，不能提供；请由系统管理员从备份恢复，或重新编制。")
    if format == "html" and preview:
        return Response(found.read_bytes(), 200, PREVIEW, TYPES[format])
    with visit.site.ledger.begin() as tx:
        visit.record(tx, "report.download", issue.key, after=format)
    return FileResponse(found, filename=found.name, media_type=TYPES.get(format), headers=dict(PREVIEW))


def same(path: Path, digest: str) -> bool:
    """Whether the file is the one that was registered."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def act(visit: Here, name: str, action: str) -> Response:
    """POST: approve, send or make again."""
    with visit.site.ledger.read() as tx:
        issue = the_issue(visit, tx, name)
    try:
        if action == "approve" and visit.may("admin", "reviewer"):
            check_seen(visit, issue)
            decide(visit.site.ledger, issue.key, "approve", visit.user.name, visit.now)
            return visit.go(f"/reports/{issue.address}", "report.approve")
        if action == "send" and visit.may("admin", "reviewer", "officer"):
            send(visit.site.ledger, issue.key, visit.texts("to"), visit.office, visit.user.name, visit.now)
            return visit.go(f"/reports/{issue.address}", "report.sent")
        if action == "again" and visit.may("admin", "officer"):
            return again(visit, issue)
    except NotAllowed as refusal:
        return one(visit, name, 422, str(refusal))
    raise HTTPException(404 if visit.may("admin") else 403, "没有这一操作，或您没有使用它的权限。")


def check_seen(visit: Here, issue: Issue) -> None:
    """What is approved is what was looked at: the page carries the hash of the files that it showed."""
    if visit.text("seen", 64) != fingerprint(issue):
        raise NotAllowed(f"{issue.name}在您打开页面后重新编制过，请核对最新内容后再审定。")


def fingerprint(issue: Issue) -> str:
    """One hash for all files of an issue."""
    return access.digest("|".join(digest for _, _, digest in issue.files))


def again(visit: Here, issue: Issue) -> Response:
    """Order the same issue again, under its number."""
    if issue.approved_at is not None:
        raise NotAllowed(f"{issue.name}已审定，不能重新编制。")
    wish = Order(kind=issue.kind, subject=issue.subject, by=visit.user.name, at=visit.now, over=issue.key)
    return order(visit, wish)
