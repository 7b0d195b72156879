"""静默与归并: what is held back, why, by whose word, until when; wider events that speak for others."""

from dataclasses import replace
from datetime import timedelta

from fastapi import HTTPException
from starlette.responses import Response

from alerts.silences import Silence
from dashboards.silences import (
    SilenceRefused,
    all_silences,
    all_umbrellas,
    approve_silence,
    cover,
    covered,
    load_umbrellas,
    propose_silence,
    withdraw_silence,
)
from dashboards.web.overview import ALIVE
from dashboards.web.visit import Here, Visit
from storage.ports import Transaction
from storage.types import Event

#: events looked through for the preview
LOOKED = 2000


def page(visit: Here) -> Response:
    """Everything that is proposed, that holds, and that ended lately."""
    return show(visit)


def show(visit: Visit, status: int = 200, problem: str = "") -> Response:
    """The page, with what was wrong and what the person had typed."""
    with visit.site.ledger.read() as tx:
        rows = all_silences(tx)
        alive, _ = tx.events.find(status=ALIVE, historic=False, size=LOOKED)
        people = {user.name: user.display for user in tx.users.all()}
        wide = all_umbrellas(tx)
        events = tx.events.get(sorted({i for u in wide for i in (u[0], *u[1])} | {r.silence.event or "" for r in rows}))
        speaking = {(u.event, u.department) for u in load_umbrellas(tx)}
    open_rows = [r for r in rows if r.ended_at is None and r.silence.end > visit.now]
    calm = [(rank, rule) for rank, rule in enumerate(visit.office.levels, 1) if not rule.urgent]
    return visit.page(
        "silences.html",
        status,
        open_rows=[(row, covered(row.silence, alive, visit.office)) for row in open_rows],
        past=[row for row in rows if row not in open_rows][:50],
        umbrellas=wide,
        speaking=speaking,
        events=events,
        people=people,
        calm=[pair for pair in calm if pair[0] < len(visit.office.levels)],
        problem=problem,
    )


def propose(visit: Here) -> Response:
    """POST: a proposal; it holds only after a second person's approval."""
    hours = visit.text("hours", 4)
    level = visit.text("level", 4)
    if not hours.isdigit() or not level.isdigit():
        return show(visit, 422, "请选择时长和等级。")
    wanted = Silence(
        id="",
        author="",
        approver="",
        reason=visit.text("reason", 500),
        start=visit.now,
        end=visit.now + timedelta(hours=int(hours)),
        event=visit.text("event", 300).rsplit("/", 1)[-1] or None,
        topics=known(visit, "topic", tuple(visit.office.topics)),
        areas=known(visit, "area", tuple(visit.office.places)),
        departments=known(visit, "department", tuple(visit.office.departments)),
        level_to=int(level),
    )
    try:
        with visit.site.ledger.begin() as tx:
            if wanted.event:
                wanted = replace(wanted, event=living(tx, wanted.event).id)
            propose_silence(tx, wanted, visit.user, visit.office, visit.now)
    except SilenceRefused as refusal:
        return show(visit, 422, f"{refusal}。")
    return visit.go("/duty/silences", "silence_proposed")


def known(visit: Visit, field: str, ids: tuple[str, ...]) -> tuple[str, ...]:
    """The chosen id, none, or 422 for one that does not exist."""
    value = visit.text(field, 64)
    if value and value not in ids:
        raise HTTPException(422, "没有这个专题、地点或部门。")
    return (value,) if value else ()


def living(tx: Transaction, event_id: str) -> Event:
    """The event, if it is not over; SilenceRefused otherwise."""
    event = tx.events.get([event_id]).get(event_id)
    if event is None or event.status not in ALIVE:
        raise SilenceRefused(f"没有编号为“{event_id[:40]}”的事件，或事件已经关闭")
    return event


def act(visit: Here, silence_id: str, action: str) -> Response:
    """POST: approve or end one."""
    try:
        with visit.site.ledger.begin() as tx:
            if action == "approve":
                approve_silence(tx, silence_id, visit.user, visit.office, visit.now)
            elif action == "withdraw":
                withdraw_silence(tx, silence_id, visit.user, visit.now)
            else:
                raise HTTPException(404, "没有这一操作。")
    except SilenceRefused as refusal:
        return show(visit, 422, f"{refusal}。")
    return visit.go("/duty/silences", f"silence_{action}")


def gather(visit: Here) -> Response:
    """POST: put events under a wider one, or (none given) take them out again."""
    top = visit.text("event", 300).rsplit("/", 1)[-1]
    below = [line.strip().rsplit("/", 1)[-1] for line in visit.text("children", 4000).splitlines() if line.strip()]
    try:
        with visit.site.ledger.begin() as tx:
            wide = living(tx, top) if below else tx.events.get([top]).get(top)
            if wide is None:
                raise SilenceRefused(f"没有编号为“{top[:40]}”的事件")
            children = [living(tx, name) for name in below]
            higher = next((e for e in children if e.level > wide.level), None)
            if higher is not None:
                raise SilenceRefused(f"“{higher.title[:24]}”等级高于上级事件，不能归并")
            cover(tx, wide.id, [e.id for e in children], visit.user, visit.now)
    except SilenceRefused as refusal:
        return show(visit, 422, f"{refusal}。")
    return visit.go("/duty/silences", "gathered")
