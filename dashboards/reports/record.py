"""处置全过程台账 of one event: every step from the audit, the levels, the tasks, the replies and the messages."""

import json
from collections.abc import Iterator
from dataclasses import replace

from alerts.record import Line, record
from alerts.transitions import ACTIONS
from dashboards import words
from dashboards.reports import wording
from dashboards.reports.case import Case
from dashboards.reports.desk import Desk
from dashboards.reports.matter import clocks
from dashboards.reports.tree import Block, Evidence, Heading, Note, Table, para, say
from storage.types import AuditEntry, Delivery

MESSAGES = 100_000
#: characters of one line; the page of the task has the whole
LONGEST = 200
#: actions that `alerts.record` or a level change tells already
_TOLD = frozenset({"task.create", "event.pin", "event.unpin", *(f"task.{a}" for a in ACTIONS)})


def lines(desk: Desk, case: Case) -> list[Line]:
    """Every step in order of time; nothing is told twice."""
    event, tx = case.event, desk.tx
    alerts = [a for i in case.ids for a in tx.tasks.alerts(event=i, open_only=False)]
    audit = [e for t in case.tasks for e in desk.audit(f"task:{t.id}")]
    audit += [e for i in case.ids for e in desk.audit(f"event:{i}")]
    audit += [e for a in alerts for e in desk.audit(f"alert:{a.id}")]
    changes = [
        replace(c, before=desk.rank(c.before), after=desk.rank(c.after)) for i in case.ids for c in tx.events.changes(i)
    ]
    people = {user.name: user.display for user in tx.users.all()}
    sent: dict[str, Delivery] = {}
    for rows in (*(tx.outbox.find(task=t.id, size=MESSAGES) for t in case.tasks),
                 *(tx.outbox.find(alert=a.id, size=MESSAGES) for a in alerts)):  # fmt: skip
        sent.update({row.id: row for row in rows})
    found = record(event, changes, case.tasks, case.replies, sent.values(), audit, desk.office, people)
    units = {f"alert:{a.id}": desk.unit(a.department) for a in alerts}
    found += [_other(desk, entry, people, units) for entry in audit if entry.action not in _TOLD]
    return sorted(found, key=lambda line: (line.at, line.kind, line.object))


def _other(desk: Desk, entry: AuditEntry, people: dict[str, str], units: dict[str, str]) -> Line:
    kind, _, target = entry.object.partition(":")
    text = words.AUDIT.get(entry.action, entry.action)
    detail = units.get(entry.object) or _levels(desk, entry) or _said(entry.after)
    who = "系统" if entry.actor == "system" else people.get(entry.actor, entry.actor)
    said = f"{text}：{detail}" if detail else text
    return Line(
        at=entry.at, kind={"event": "事件", "alert": "预警"}.get(kind, "办理"), who=who, text=said, object=target
    )


def _levels(desk: Desk, entry: AuditEntry) -> str:
    """「3→4」 of a task's change of level, in words."""
    before, arrow, after = entry.after.partition("→")
    if entry.action != "task.level" or not arrow or not (before.isdigit() and after.isdigit()):
        return ""
    return f"{desk.level(int(before))}→{desk.level(int(after))}"


def _said(after: str) -> str:
    """The note or reason of an entry; an entry's plain text as it is."""
    try:
        value = json.loads(after) if after else {}
    except ValueError:
        return after[:200]
    if not isinstance(value, dict):
        return ""
    return next((str(value[key])[:200] for key in ("reason", "note", "text") if value.get(key)), "")


def book(desk: Desk, case: Case) -> Iterator[Block]:
    """The whole record as tables."""
    found = lines(desk, case)
    yield Heading(text="处置全过程")
    ids = tuple(line.object for line in found if line.object)
    said = Evidence(what="记录", count=len(found), ids=tuple(dict.fromkeys(ids))[:100])
    broken = desk.tx.audit.verify()
    chain = "审计链核对完好。" if broken is None else f"审计链在第{broken}条处断开，本台账不可作为凭证，请立即核查。"
    yield para(say(f"本台账共{len(found)}条记录，按时间先后排列。", said), chain)
    yield Table(
        caption="处置记录",
        columns=("序号", "时间", "类别", "经办", "内容"),
        rows=tuple((n, f"{desk.local(line.at):%Y-%m-%d %H:%M:%S}", line.kind, line.who or "—",
                    wording.cut(line.text, LONGEST))
                   for n, line in enumerate(found, 1)),
        widths=(0.7, 2.3, 0.9, 1.4, 6),
    )  # fmt: skip
    yield Note(text="消息类记录包括按规则未发送的消息及其原因；台账不记录发布人信息和来信原文。")
    yield Heading(text="时限情况")
    blocks = list(clocks(desk, case))
    yield from blocks or [para("本事件没有任务时限。")]
    yield from _drafts(desk, case)


def _drafts(desk: Desk, case: Case) -> Iterator[Block]:
    yield Heading(text="答复稿件")
    if not case.replies:
        yield para("本事件没有答复稿件。")
        return
    people = {user.name: user.display for user in desk.tx.users.all()}
    units = {t.id: desk.unit(t.department) for t in case.tasks}

    def who(name: str | None) -> str:
        return people.get(name, name) if name else "—"

    yield Table(
        caption="答复各稿",
        columns=("单位", "稿次", "起草", "起草时间", "保密审查", "法律审核", "口径审核", "发布时间", "渠道"),
        rows=tuple(
            (units.get(r.task, "—"), r.version, who(r.author), desk.stamp(r.created_at), who(r.secrecy_by),
             who(r.legal_by), who(r.wording_by), desk.stamp(r.published_at), r.channel or "—")
            for r in sorted(case.replies, key=lambda r: (r.created_at, r.task, r.version))
        ),
        widths=(2, 0.7, 1.2, 1.9, 1.2, 1.2, 1.2, 1.9, 1.5),
    )  # fmt: skip
