"""处置全过程台账: everything that happened in one event, in order, for the page and the exports.

Built from what was stored with each decision; nothing is told twice and nothing is left out, suppressed messages
included. No citizen's words stand in it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.calendar import local
from alerts.catalogue import name
from alerts.guards import CHECKS
from alerts.messages import words
from alerts.transitions import ACTION_NAMES, ACTIONS, FIELD_NAMES
from storage.types import AuditEntry, Delivery, Event, LevelChange, Office, Reply, Task

_STATUS = {
    "ok": "已送达服务商",
    "pending": "待发送",
    "leased": "发送中",
    "temp_fail": "发送失败，将重试",
    "perm_fail": "发送失败",
    "unknown": "回执不明",
    "superseded": "已被更新的消息取代",
    "suppressed": "未发送",
    "dead": "多次发送失败",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the record."""

    at: datetime
    kind: str  #: 发现 等级 派单 办理 答复 消息
    who: str
    text: str
    object: str = ""  #: id of the task, reply or message


def record(
    event: Event,
    changes: Iterable[LevelChange],
    tasks: Iterable[Task],
    replies: Iterable[Reply],
    deliveries: Iterable[Delivery],
    audit: Iterable[AuditEntry],
    office: Office,
    users: Mapping[str, str] | None = None,
) -> list[Line]:
    """All lines in order of time. `users`: login name → display name; unknown names are shown as they are."""
    people = users or {}
    lines = [
        *_found(event),
        *(_level(c, office, people) for c in changes),
        *(line for t in tasks for line in _dispatched(t, office)),
        *(line for a in audit for line in _acted(a, office, people)),
        *(line for r in replies for line in _replied(r, people)),
        *(_sent(d, office) for d in deliveries),
    ]
    return sorted(lines, key=lambda line: (line.at, line.kind, line.object))


def _found(event: Event) -> Iterator[Line]:
    if event.occurred_at is not None:
        yield Line(at=event.occurred_at, kind="发现", who="", text="事件发生", object=event.id)
    yield Line(at=event.first_at, kind="发现", who="", text="首次公开出现", object=event.id)
    yield Line(at=event.detected_at, kind="发现", who="系统", text="系统首次发现", object=event.id)


def _level(change: LevelChange, office: Office, people: Mapping[str, str]) -> Line:
    why = "；".join(r.text for r in change.reasons)
    text = f"{office.level_name(change.before)} → {office.level_name(change.after)}（{change.score:.0f} 分）"
    who = "系统" if change.who == "system" else people.get(change.who, change.who)
    return Line(at=change.at, kind="等级", who=who, text=f"{text}：{why}" if why else text, object=change.event)


def _dispatched(task: Task, office: Office) -> Iterator[Line]:
    role = "牵头" if task.role == "lead" else "协办"
    why = "；".join(r.text for r in task.reasons)
    text = f"交办{name(task.department, office)}（{role}，{task.rule}）"
    yield Line(at=task.created_at, kind="派单", who="系统", text=f"{text}：{why}" if why else text, object=task.id)
    if task.seen_at is not None:
        yield Line(at=task.seen_at, kind="办理", who=name(task.department, office), text="已查看任务", object=task.id)


def _acted(entry: AuditEntry, office: Office, people: Mapping[str, str]) -> Iterator[Line]:
    action = next((a for a in ACTIONS if entry.action == f"task.{a}"), None)
    if action is None:
        return
    try:
        after = json.loads(entry.after or "{}")
    except ValueError:
        after = {}
    filled = after.get("filled", {}) if isinstance(after, dict) else {}
    parts = [
        f"{FIELD_NAMES.get(k, k)}：{_filled(k, str(v), office, people)}"
        for k, v in filled.items()
        if k != "text" or action != "draft"
    ]
    text = ACTION_NAMES[action] + (f"（{'；'.join(parts)}）" if parts else "")
    who = people.get(entry.actor, entry.actor)
    yield Line(at=entry.at, kind="办理", who=who, text=text, object=entry.object.removeprefix("task:"))


def _filled(field: str, value: str, office: Office, people: Mapping[str, str]) -> str:
    """What was filled in, as an official would write it: names for ids."""
    if field in ("department", "post"):
        return name(value, office)
    if field == "assignee":
        return people.get(value, value)
    if field == "check":
        return CHECKS.get(value, "全部")
    if field == "until":
        try:
            return f"{local(datetime.fromisoformat(value), office):%Y-%m-%d %H:%M}"
        except ValueError:
            return value
    return value


def _replied(reply: Reply, people: Mapping[str, str]) -> Iterator[Line]:
    author = people.get(reply.author, reply.author)
    text = f"起草答复第 {reply.version} 稿（{len(reply.text)} 字）"
    yield Line(at=reply.created_at, kind="答复", who=author, text=text, object=reply.id)
    if reply.published_at is not None:
        by = people.get(reply.published_by or "", reply.published_by or "")
        where = "，".join(filter(None, (reply.channel, reply.link)))
        yield Line(
            at=reply.published_at, kind="答复", who=by, text=f"发布第 {reply.version} 稿：{where}", object=reply.id
        )


def _sent(row: Delivery, office: Office) -> Line:
    status = _STATUS.get(row.status, row.status)
    detail = row.subject if row.status == "suppressed" else row.provider_text or ""
    text = f"{words(row.reason)} → {name(row.recipient, office)}"
    if row.channel:
        text += f"（{row.channel}）"
    text += f"：{status}" + (f"，{detail}" if detail else "")
    return Line(at=row.sent_at or row.created_at, kind="消息", who="系统", text=text, object=row.id)
