"""事件: the list, and one event with the reasons of its level, its trend, its tasks and its time line."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, get_args

from fastapi import HTTPException
from starlette.responses import RedirectResponse, Response

from alerts.levels import target
from dashboards import words
from dashboards.charts import shares, trend_chart
from dashboards.searching import BadForm, page_of, step_for
from dashboards.web.overview import ALIVE
from dashboards.web.visit import Here
from dashboards.web.voices import questions
from dashboards.web.voices import voices as three_voices
from storage.ports import Bucket, DocumentQuery, Transaction
from storage.types import AuditEntry, Event, LevelChange, Office, Reply, Task

EventSort = Literal["level", "newest", "documents", "changed"]
SIZE = 30
#: above this many documents the distinct voices are not counted on the page
COUNT_VOICES = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of an event's time line."""

    at: datetime
    who: str
    text: str
    detail: str = ""
    kind: str = ""  #: level | task | reply | event


def index(
    visit: Here,
    level: int = 0,
    topic: str = "",
    area: str = "",
    department: str = "",
    status: str = "alive",
    sort: str = "level",
    historic: str = "0",
    page: int = 1,
) -> Response:
    """The list, filtered and sorted."""
    page = min(max(page, 1), 10_000)
    states = {"alive": ALIVE, "closed": ("closed",), "all": ("open", "quiet", "closed")}.get(status, ALIVE)
    with visit.site.ledger.read() as tx:
        events, total = tx.events.find(
            level_from=min(max(level, 0), len(visit.office.levels)),
            topic=topic or None,
            area=area or None,
            department=visit.scope or department or None,
            status=states,
            historic={"0": False, "1": True}.get(historic),
            sort=order(sort),
            size=SIZE,
            offset=(page - 1) * SIZE,
        )
    chosen = {"level": level or "", "topic": topic, "area": area, "department": department}
    chosen |= {"status": status, "sort": order(sort), "historic": historic}
    return visit.page("events.html", events=events, total=total, page=page, size=SIZE, chosen=chosen)


def order(sort: str) -> EventSort:
    """A known order, else by level."""
    known: tuple[EventSort, ...] = get_args(EventSort)
    return next((name for name in known if name == sort), "level")


def visible(visit: Here, tx: Transaction, event_id: str) -> Event:
    """The event if this user may see it: city-wide roles, or the department has a part in it. 404 otherwise."""
    event = tx.events.get([event_id]).get(event_id)
    if event is None:
        raise HTTPException(404, "没有这个事件，或它不属于您的部门。")
    if visit.scope is None or visit.scope in event.departments:
        return event
    if tx.tasks.find(event=event.id, department=visit.scope, size=1)[1]:
        return event
    raise HTTPException(404, "没有这个事件，或它不属于您的部门。")


def mark(event: Event) -> str:
    """What a person's decision rests on, as one short word: the level, the state, and what people have said of it.

    Not the row's version: documents of a busy event come in by the second and must not send every decision back.
    """
    said = (
        event.pinned_level,
        event.incident_grade,
        event.warning_colour,
        event.confirmed_by,
        event.occurred_at,
        event.named_by,
    )
    return sha256(repr((event.level, event.status, *said)).encode()).hexdigest()[:16]


def one(visit: Here, event_id: str, all: int = 0, after: str = "") -> Response:
    """The page of one event; a merged event leads to the one it went into."""
    with visit.site.ledger.read() as tx:
        event = visible(visit, tx, event_id)
        if event.id != event_id:
            return RedirectResponse(f"/events/{event.id}", 303)
        tasks, _ = tx.tasks.find(event=event.id, size=100)
        replies = [reply for task in tasks for reply in tx.tasks.replies(task.id)]
        changes = tx.events.changes(event.id)
        moments = timeline(visit, tx, event, tasks, changes, replies)
    documents = rows(visit, event, fold=not all, after=after)
    return visit.page(
        "event.html",
        event=event,
        tasks=tasks,
        replies=[reply for reply in replies if reply.published_at],
        moments=moments,
        chart=trend(visit, event, changes, replies),
        apart=apart(event, visit.office),
        mark=mark(event),
        fold=not all,
        **documents,
    )


def apart(event: Event, office: Office) -> str:
    """Why the level is not the one that the score stands for; "" where it is."""
    if event.risk is None or event.historic or (wanted := target(event.risk, office)) == event.level:
        return ""
    now = f"当前得分对应{office.level_name(wanted)}"
    if event.pinned_level is not None:
        return f"{now}，等级由人工确定，不随得分调整。"
    if wanted > event.level:
        times, margin = office.risk.up_evaluations, office.risk.fast_margin
        return f"{now}，连续{times}次评估达到后升级，得分超出标准{margin:g}分的即时升级。"
    times, margin = office.risk.down_evaluations, office.risk.down_margin
    return f"{now}，连续{times}次评估低于本级标准{margin:g}分以上后降级，以免反复。"


def live(visit: Here, event_id: str) -> Response:
    """The head and the tasks of an event, asked for again and again."""
    with visit.site.ledger.read() as tx:
        event = visible(visit, tx, event_id)
        tasks, _ = tx.tasks.find(event=event.id, size=100)
    return visit.page("event_live.html", event=event, tasks=tasks)


def spread(visit: Here, event_id: str) -> Response:
    """By platform, place and kind of text, and how many voices: they look at every document of the event."""
    with visit.site.ledger.read() as tx:
        event = visible(visit, tx, event_id)
        voices = voices_of(tx, event)
    query, store = DocumentQuery(filters={"event": [event.id]}), visit.site.documents
    return visit.page(
        "event_spread.html",
        voices=voices,
        three=three_voices(store, event),
        kinds=shares(store.facets(query, "kind", size=8)),
        sources=shares(store.facets(query, "source", size=8)),
        areas=shares(store.facets(query, "area", size=8)),
        text_kinds=shares(store.facets(query, "text_kind", size=8)),
        questions=questions(store, event),
        event=event,
    )


def rows(visit: Here, event: Event, *, fold: bool, after: str) -> dict[str, object]:
    """Documents of the event, near-duplicates folded unless asked otherwise."""
    store = visit.site.documents
    everything = DocumentQuery(filters={"event": [event.id]})
    shown = DocumentQuery(filters={"event": [event.id]}, duplicates=not fold)
    try:
        found = page_of(store, shown, 20, after)
    except BadForm as mistake:
        raise HTTPException(422, str(mistake)) from None
    return {
        "documents": found.rows,
        "shown": found.total,
        "folded": store.count(everything) - found.total if fold else 0,
        "after": found.after,
    }


def voices_of(tx: Transaction, event: Event) -> int | None:
    """Distinct authors by keyed hash; None where the event is too large to count on a page."""
    if event.documents > COUNT_VOICES:
        return None
    return len({member.author or member.document for member in tx.events.members(event.id)})


def trend(visit: Here, event: Event, changes: list[LevelChange], replies: list[Reply]) -> dict[str, object]:
    """The trend chart over the event's life."""
    step = step_for(event.first_at, event.last_at + timedelta(hours=1))
    store, office = visit.site.documents, visit.office
    query = DocumentQuery(filters={"event": [event.id]})
    buckets: list[Bucket] = store.histogram(query, step="hour" if step == "hour" else "day", timezone=office.timezone)
    return trend_chart(buckets, changes, replies, office, visit.names.zone, days=step != "hour")


def timeline(
    visit: Here,
    tx: Transaction,
    event: Event,
    tasks: list[Task],
    changes: list[LevelChange],
    replies: list[Reply],
) -> list[Moment]:
    """Everything that happened, the latest first."""
    names = visit.names
    moments = [Moment(at=event.first_at, who="", text="最早公开", kind="event")]
    moments.append(Moment(at=event.detected_at, who="系统", text="首次发现", kind="event"))
    for change in changes:
        text = f"{names.level_name(change.before)} → {names.level_name(change.after)}"
        detail = "；".join(
            (f"{words.CAUSE[change.cause]}，{change.score:.0f} 分", *(r.text for r in change.reasons[:3]))
        )
        who = "系统" if change.who == "system" else change.who
        moments.append(Moment(at=change.at, who=who, text=text, detail=detail, kind="level"))
    for task in tasks:
        for entry in tx.audit.find(object_id=f"task:{task.id}"):
            moments.append(from_audit(entry, names.department(task.department)))
    moments += [
        from_audit(entry, "") for entry in tx.audit.find(object_id=f"event:{event.id}") if entry.action != "event.pin"
    ]
    moments += [
        Moment(at=r.published_at, who=r.published_by or "", text="发布回应", detail=r.text[:120], kind="reply")
        for r in replies
        if r.published_at
    ]
    return folded(sorted(moments, key=lambda moment: moment.at, reverse=True))


def folded(moments: list[Moment]) -> list[Moment]:
    """Neighbours that say the same of several units within a minute, as one line that names them all."""
    kept: list[Moment] = []
    for moment in moments:
        last = kept[-1] if kept else None
        same = last is not None and (last.text, last.detail, last.kind) == (moment.text, moment.detail, moment.kind)
        if last is None or not same or moment.kind != "task" or last.at - moment.at > timedelta(minutes=1):
            kept.append(moment)
        elif moment.who not in last.who.split("、"):
            kept[-1] = replace(last, who=f"{last.who}、{moment.who}")
    return kept


def from_audit(entry: AuditEntry, unit: str) -> Moment:
    """A line of the audit as a line of the time line."""
    return Moment(
        at=entry.at,
        who=" ".join(part for part in (unit, "系统" if entry.actor == "system" else entry.actor) if part),
        text=words.AUDIT.get(entry.action, entry.action),
        detail=said(entry.after),
        kind=entry.object.partition(":")[0],
    )


def said(after: str) -> str:
    """The note or reason inside an entry's JSON, for people."""
    try:
        value = json.loads(after) if after else {}
    except ValueError:
        return ""
    found = [value.get(key) for key in ("reason", "note", "text")] if isinstance(value, dict) else []
    return next((str(text)[:200] for text in found if text), "")
