"""What people do to an event: pin its level, grade it, name it, merge, split, close, call it a false alarm."""

import json
from dataclasses import replace
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import HTTPException
from starlette.responses import Response

from analysis.risk_limits import GRADES
from dashboards.decisions import Decision, decide
from dashboards.web.events import mark, visible
from dashboards.web.overview import OPEN_STATES
from dashboards.web.visit import Here
from storage.ports import DocumentQuery, StaleVersion, Transaction
from storage.types import Correction, Event, LevelChange, Member, Reason


def current(visit: Here, tx: Transaction, event_id: str) -> Event:
    """The event as the person saw it; StaleVersion when its level, its state or a person's word on it changed since."""
    event = visible(visit, tx, event_id)
    if visit.text("seen", 20) != mark(event):
        raise StaleVersion("此事件刚刚被更新，您的操作没有保存。请核对最新内容后重试。")
    return event


def because(visit: Here, *, needed: bool = True) -> str:
    """The reason that the person gave."""
    reason = visit.text("reason", 500)
    if needed and not reason:
        raise HTTPException(422, "请填写理由。")
    return reason


def pin(visit: Here, event_id: str) -> Response:
    """POST: a person's level wins until it is withdrawn (an empty level withdraws it)."""
    choice, reason = visit.text("level", 4), because(visit)
    if choice and (not choice.isdigit() or int(choice) > len(visit.office.levels)):
        raise HTTPException(422, "没有这个等级。")
    with visit.site.ledger.begin() as tx:
        event = current(visit, tx, event_id)
        level = int(choice) if choice else event.level
        tx.events.change(replace(event, pinned_level=int(choice) if choice else None, level=level))
        if level != event.level:
            tx.events.add_changes([level_change(visit, event, level, reason)])
        after = json.dumps({"level": level, "reason": reason}, ensure_ascii=False)
        visit.record(tx, "event.pin" if choice else "event.unpin", f"event:{event.id}", after=after)
    return visit.go(f"/events/{event.id}", "pinned" if choice else "unpinned")


def level_change(visit: Here, event: Event, level: int, reason: str) -> LevelChange:
    """The row for a person's decision."""
    return LevelChange(
        event=event.id,
        before=event.level,
        after=level,
        cause="human",
        score=event.score,
        reasons=(Reason(code="human", text=reason),),
        who=visit.user.name,
        at=visit.now,
    )


def grade(visit: Here, event_id: str) -> Response:
    """POST: 事件等级, 预警级别 and the moment it happened; three things that only people know."""
    grade_word, colour = visit.text("grade", 10), visit.text("colour", 10)
    if grade_word not in ("", *GRADES):
        raise HTTPException(422, "没有这个事件等级。")
    if colour not in ("", *(rule.word for rule in visit.office.levels)):
        raise HTTPException(422, "没有这个预警级别。")
    occurred = moment(visit.text("occurred", 30), visit.office.timezone)
    if occurred is not None and occurred > visit.now:
        raise HTTPException(422, "发生时间不能晚于现在。")
    with visit.site.ledger.begin() as tx:
        event = current(visit, tx, event_id)
        tx.events.change(
            replace(
                event,
                incident_grade=grade_word or None,
                warning_colour=colour or None,
                occurred_at=occurred,
                confirmed_by=visit.user.name,
            )
        )
        after = json.dumps({"grade": grade_word, "colour": colour, "note": grade_word}, ensure_ascii=False)
        visit.record(tx, "event.grade", f"event:{event.id}", after=after)
        decide(tx, Decision(kind="regrade", event=event.id))
    return visit.go(f"/events/{event.id}", "graded")


def moment(text: str, timezone: str) -> datetime | None:
    """A `datetime-local` field in the office's time; None for ""."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))
    except ValueError:
        raise HTTPException(422, f"时间“{text}”无法识别。") from None


def rename(visit: Here, event_id: str) -> Response:
    """POST: a person's title stays; an empty one leaves the naming to the program again."""
    title = visit.text("title", 200)
    with visit.site.ledger.begin() as tx:
        event = current(visit, tx, event_id)
        named = replace(event, title=title or event.title, named_by=visit.user.name if title else None)
        tx.events.change(named)
        before, after = (json.dumps({"title": t}, ensure_ascii=False) for t in (event.title, title))
        visit.record(tx, "event.rename", f"event:{event.id}", before=before, after=after)
        decide(tx, Decision(kind="regrade", event=event.id))
    return visit.go(f"/events/{event.id}", "renamed" if title else "unnamed")


def merge(visit: Here, event_id: str) -> Response:
    """POST: this event and those of `into` (ids or addresses) become one; the oldest id is kept."""
    asked = [text.strip()[:300].rsplit("/", 1)[-1] for text in visit.texts("into")]
    moved: list[str] = []
    with visit.site.ledger.begin() as tx:
        event = current(visit, tx, event_id)
        together = {other.id: other for other in (event, *(visible(visit, tx, id_) for id_ in asked))}
        if len(together) < 2:
            raise HTTPException(422, "请选择要合并的另一事件；不能与自身合并。")
        kept, *others = sorted(together.values(), key=lambda e: (e.detected_at, e.id))
        whole = kept
        for gone in others:
            moved += [member.document for member in tx.events.members(gone.id)]
            tx.events.merge(gone.id, kept.id)
            whole = joined(whole, gone)
            after = json.dumps({"into": kept.id, "note": f"{gone.title} 并入 {kept.title}"}, ensure_ascii=False)
            visit.record(tx, "event.merge", f"event:{kept.id}", before=json.dumps({"id": gone.id}), after=after)
            decide(tx, Decision(kind="merge", event=kept.id, other=gone.id))
        tx.events.change(whole)
    move_documents(visit, moved, kept.id)
    return visit.go(f"/events/{kept.id}", "merged")


def joined(kept: Event, gone: Event) -> Event:
    """The figures of both; the risk is computed anew by the next evaluation."""
    return replace(
        kept,
        first_at=min(kept.first_at, gone.first_at),
        last_at=max(kept.last_at, gone.last_at),
        documents=kept.documents + gone.documents,
        negative=kept.negative + gone.negative,
        departments=tuple(dict.fromkeys((*kept.departments, *gone.departments))),
        level=max(kept.level, gone.level),
    )


def split(visit: Here, event_id: str) -> Response:
    """POST: the chosen documents become an event of their own."""
    chosen, title = set(visit.texts("document")), visit.text("title", 200)
    if not chosen or not title:
        raise HTTPException(422, "请勾选要拆出的信息，并填写新事件名称。")
    with visit.site.ledger.begin() as tx:
        event = current(visit, tx, event_id)
        members = tx.events.members(event.id)
        moved = with_copies(members, chosen)
        if not moved or len(moved) == len(members):
            raise HTTPException(422, "拆分须留下至少一条信息在原事件中。")
        fresh = replace(split_off(event, moved, title, visit.now), named_by=visit.user.name)
        tx.events.save([fresh])
        tx.events.add_members([replace(member, event=fresh.id) for member in moved])
        negative = sum(member.negative for member in moved)
        tx.events.change(replace(event, documents=event.documents - len(moved), negative=event.negative - negative))
        after = json.dumps({"new": fresh.id, "note": f"拆出 {len(moved)} 条：{title}"}, ensure_ascii=False)
        visit.record(tx, "event.split", f"event:{event.id}", after=after)
        moved_ids = tuple(member.document for member in moved)
        decide(tx, Decision(kind="split", event=event.id, other=fresh.id, documents=moved_ids))
    move_documents(visit, [member.document for member in moved], fresh.id)
    return visit.go(f"/events/{fresh.id}", "split")


def with_copies(members: list[Member], chosen: set[str]) -> list[Member]:
    """The chosen members and their near-duplicates, which are folded on the page and go along."""
    return [member for member in members if member.document in chosen or member.duplicate_of in chosen]


def split_off(event: Event, moved: list[Member], title: str, now: datetime) -> Event:
    """A new event of these members; its level is left to the next evaluation."""
    return Event(
        id=f"ev-{uuid4().hex[:16]}",
        title=title,
        first_at=min(member.at for member in moved),
        last_at=max(member.at for member in moved),
        detected_at=now,
        topic=event.topic,
        area=event.area,
        departments=event.departments,
        documents=len(moved),
        negative=sum(member.negative for member in moved),
        representative=moved[0].document,
        historic=event.historic,
        sample=event.sample,
    )


def move_documents(visit: Here, documents: list[str], event: str) -> None:
    """Join the documents to their event in the document store, in portions."""
    for start in range(0, len(documents), 500):
        visit.site.documents.set_event(dict.fromkeys(documents[start : start + 500], event))


def false_alarm(visit: Here, event_id: str) -> Response:
    """POST: no matter for the office. The event closes; the word is kept as a labelled row."""
    reason = because(visit)
    with visit.site.ledger.begin() as tx:
        event = current(visit, tx, event_id)
        tx.events.change(replace(event, status="closed", closed_at=visit.now, pinned_level=0, level=0))
        if event.level:
            tx.events.add_changes([level_change(visit, event, 0, f"误报：{reason}")])
        tx.notes.add_correction(
            Correction(
                id=uuid4().hex,
                document=event.representative or first_document(visit, event),
                field="false_alarm",
                machine=visit.office.level_name(event.level),
                person="误报",
                who=visit.user.name,
                at=visit.now,
            )
        )
        visit.record(
            tx, "event.false_alarm", f"event:{event.id}", after=json.dumps({"reason": reason}, ensure_ascii=False)
        )
        decide(tx, Decision(kind="close", event=event.id))
    return visit.go(f"/events/{event.id}", "false_alarm")


def close(visit: Here, event_id: str) -> Response:
    """POST: the matter is over. Refused while a task is open; a flare-up becomes an event of its own."""
    reason = because(visit)
    with visit.site.ledger.begin() as tx:
        event = current(visit, tx, event_id)
        if event.status == "closed":
            raise HTTPException(422, "此事件已经关闭。")
        if tx.tasks.find(event=event.id, states=OPEN_STATES, size=1)[1]:
            raise HTTPException(422, "还有未办结的任务，不能关闭事件。")
        tx.events.change(replace(event, status="closed", closed_at=visit.now))
        after = json.dumps({"reason": reason}, ensure_ascii=False)
        visit.record(tx, "event.close", f"event:{event.id}", after=after)
        decide(tx, Decision(kind="close", event=event.id))
    return visit.go(f"/events/{event.id}", "closed")


def first_document(visit: Here, event: Event) -> str:
    """Any document of the event, for the labelled row of an event without a representative."""
    found = visit.site.documents.search(DocumentQuery(filters={"event": [event.id]}, sort="oldest"), size=1).rows
    return found[0].document.id if found else event.id


def reopen(visit: Here, event_id: str) -> Response:
    """POST: a closed event or a false alarm is taken up again; the machine decides the level anew."""
    reason = because(visit)
    with visit.site.ledger.begin() as tx:
        event = current(visit, tx, event_id)
        if event.status != "closed":
            raise HTTPException(422, "此事件没有关闭。")
        tx.events.change(replace(event, status="open", closed_at=None, pinned_level=None))
        visit.record(tx, "event.reopen", f"event:{event.id}", after=json.dumps({"reason": reason}, ensure_ascii=False))
        decide(tx, Decision(kind="regrade", event=event.id))
    return visit.go(f"/events/{event.id}", "reopened")
