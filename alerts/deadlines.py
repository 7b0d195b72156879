"""The clocks of a task: statutory ones that nothing stops, local and internal ones from the moment of dispatch.

    occurred_at, first_at ──earliest known──→ statutory   国办发〔2016〕80号 (5 h), 61号 (24 h, 48 h), natural hours
    dispatched_at ────────────────────────→ sign, internal reply, local   natural hours, or working time with 调休
    created_at ──────────────────────────→ adjudicate: the office's own time to confirm a lead or to rule on a return

Everything is computed from these original moments, so a change of level re-computes and never restarts a clock; what
is then already breached is breached at once. Unsigned does not mean that the clock stands still.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.calendar import add_workdays, add_workhours
from storage.types import Deadline, Event, LevelRule, LimitRule, Office, Task

#: 协办 answers the lead in this share of the lead's own time (RESPONSE_RULES 2.7)
SUPPORT_SHARE = 0.6
#: ends the text of a clock that was moved with approval, and so marks it as moved
EXTENDED = "（经批准延期）"
#: 本系统内部规定: what the office itself has set in `office.toml [[levels]]`
INTERNAL_BASIS = "本单位内部规定"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """How one clock stands at a moment."""

    left: timedelta  #: negative when breached
    used: float  #: share of the time that has passed; above 1 when breached; of met clocks: at the time it was met
    breached: bool  #: passed and not met, or met too late
    met: bool
    text: str  #: Chinese: 「剩 3小时20分」「已超 1天2小时」「按时完成」「逾期 25分完成」


def deadlines(
    task: Task, event: Event, office: Office, now: datetime, *, kinds: Sequence[str] = ()
) -> tuple[Deadline, ...]:
    """All clocks of one task, soonest first; met ones keep when they were met.

    `kinds`: kinds of the event's documents. History has no clocks. `now` only stands in for a moment that the task
    does not have yet (a task that is not dispatched counts its dispatch clocks from when it is).
    """
    if task.historic or event.historic:
        return ()
    rule = office.rule(task.level)
    rows = list(_catalogue(task, event, office, kinds))
    if task.state in ("confirm", "return_pending") and rule is not None:
        rows.append(adjudicate(task, rule, now))
    if task.dispatched_at is not None and rule is not None:
        rows.append(_sign(task, rule, task.dispatched_at, office))
        rows.append(_internal_reply(task, rule, task.dispatched_at))
    if task.role == "support":
        rows = [
            _shared(row) if row.step == "reply" else row for row in rows if row.step in ("sign", "reply", "adjudicate")
        ]
    met = {d.step: d.met_at for d in task.deadlines if d.met_at is not None}
    extended = {d.step: d for d in task.deadlines if d.kind != "statutory" and d.text.endswith(EXTENDED)}
    done = (replace(row, met_at=met.get(row.step)) for row in _shortest(rows))
    kept = (_keep_extension(row, extended.get(row.step)) for row in done)
    return tuple(sorted(kept, key=lambda d: (d.due_at, d.step, d.kind)))


def _catalogue(task: Task, event: Event, office: Office, kinds: Sequence[str]) -> Iterator[Deadline]:
    for limit in office.limits:
        if applies(limit, task, event, office, kinds):
            start = statutory_start(event) if limit.kind == "statutory" else task.dispatched_at
            if start is not None:
                yield _from_limit(task, limit, start, office)


def applies(limit: LimitRule, task: Task, event: Event, office: Office, kinds: Sequence[str]) -> bool:
    """Whether a row of the time-limit catalogue is about this task; every given condition must hold.

    R1: on national policy the city reports and passes on, it does not answer, so no limit for an answer binds it.
    """
    return (
        not (task.rule == "R1" and limit.step in ("reply", "press"))
        and (limit.level_from is None or task.level >= office.level(limit.level_from))
        and (not limit.flags or not set(limit.flags).isdisjoint(event.flags))
        and (not limit.kinds or not set(limit.kinds).isdisjoint(kinds))
        and (not limit.incident_grades or event.incident_grade in limit.incident_grades)
    )


def statutory_start(event: Event) -> datetime:
    """The earliest known of: when it happened, when it was public. Never when we noticed or dispatched it."""
    return min(filter(None, (event.occurred_at, event.first_at)))


def _from_limit(task: Task, limit: LimitRule, start: datetime, office: Office) -> Deadline:
    if limit.hours is not None:
        due = start + timedelta(hours=limit.hours)
    else:
        due = add_workdays(start, limit.workdays or 0.0, office)
    return Deadline(
        task=task.id,
        step=limit.step,
        kind=limit.kind,
        basis=limit.basis,
        start_at=start,
        due_at=due,
        hours=limit.hours,
        workdays=limit.workdays,
        text=limit.text,
    )


def _sign(task: Task, rule: LevelRule, start: datetime, office: Office) -> Deadline:
    hours = rule.sign_minutes / 60
    due = add_workhours(start, hours, office) if rule.sign_workhours else start + timedelta(hours=hours)
    unit = "工作时间内" if rule.sign_workhours else ""
    return _internal(task, "sign", start, due, f"{unit}{spell(timedelta(hours=hours))}内签收")


def _internal_reply(task: Task, rule: LevelRule, start: datetime) -> Deadline:
    due = start + timedelta(hours=rule.reply_hours)
    return _internal(task, "reply", start, due, f"{rule.reply_hours:g}小时内首次回应")


def adjudicate(task: Task, rule: LevelRule, now: datetime) -> Deadline:
    """The office's own clock: to rule on a return (from when it was asked), or to confirm a lead (from creation)."""
    start = (task.progress_at or now) if task.state == "return_pending" else task.created_at
    due = start + timedelta(minutes=rule.adjudicate_minutes)
    what = "裁定退件" if task.state == "return_pending" else "确认责任单位"
    return _internal(task, "adjudicate", start, due, f"{spell(due - start)}内{what}")


def _internal(task: Task, step: str, start: datetime, due: datetime, text: str) -> Deadline:
    hours = (due - start).total_seconds() / 3600
    return Deadline(
        task=task.id,
        step=step,
        kind="internal",
        basis=INTERNAL_BASIS,
        start_at=start,
        due_at=due,
        hours=hours,
        text=text,
    )


def _shared(row: Deadline) -> Deadline:
    """协办: the reply clock of the lead, shortened, owed to the lead and so internal."""
    share = (row.due_at - row.start_at) * SUPPORT_SHARE
    text = f"向牵头单位报送（{row.text}的{SUPPORT_SHARE:.0%}）"
    return replace(row, kind="internal", due_at=row.start_at + share, hours=share.total_seconds() / 3600, text=text)


def _shortest(rows: Sequence[Deadline]) -> list[Deadline]:
    """Of several rows for the same step and kind the shortest binds: 5 h for 重大突发 replaces 48 h for the rest."""
    best: dict[tuple[str, str], Deadline] = {}
    for row in rows:
        key = (row.step, row.kind)
        if key not in best or row.due_at < best[key].due_at:
            best[key] = row
    return list(best.values())


def _keep_extension(row: Deadline, approved: Deadline | None) -> Deadline:
    """An approved 延期 survives a re-computation, unless the clock is statutory."""
    if approved is None or row.kind == "statutory" or approved.due_at <= row.due_at:
        return row
    return replace(row, due_at=approved.due_at, text=approved.text)


def extend(rows: Sequence[Deadline], until: datetime, office: Office) -> tuple[Deadline, ...]:
    """Move the unmet internal and local clocks (not 签收) to `until`; statutory ones never move."""
    return tuple(
        replace(row, due_at=until, text=row.text + EXTENDED)
        if row.kind != "statutory" and row.step in ("reply", "resolve") and row.met_at is None and row.due_at < until
        else row
        for row in rows
    )


def meet(rows: Sequence[Deadline], step: str, now: datetime) -> tuple[Deadline, ...]:
    """The same clocks with every unmet one of `step` met at `now`."""
    return tuple(replace(r, met_at=now) if r.step == step and r.met_at is None else r for r in rows)


def next_due(task: Task) -> Deadline | None:
    """The unmet clock that runs out first; None when there is none."""
    return min((d for d in task.deadlines if d.met_at is None), key=lambda d: d.due_at, default=None)


def state(deadline: Deadline, now: datetime) -> ClockState:
    """How the clock stands. A clock jump backwards never gives a negative share."""
    at = deadline.met_at or now
    used = used_share(deadline, at)
    left = deadline.due_at - at
    late = left < timedelta()
    if deadline.met_at is not None:
        text = f"逾期 {spell(-left)}完成" if late else "按时完成"
    else:
        text = f"已超 {spell(-left)}" if late else f"剩 {spell(left)}"
    return ClockState(left=left, used=used, breached=late, met=deadline.met_at is not None, text=text)


def used_share(deadline: Deadline, at: datetime) -> float:
    """The share of the clock's time that has passed at a moment; above 1 when it has run out, never below 0."""
    total = (deadline.due_at - deadline.start_at).total_seconds()
    return max(0.0, (at - deadline.start_at).total_seconds()) / total if total > 0 else float(at >= deadline.due_at)


def spell(span: timedelta) -> str:
    """「2天3小时」「3小时20分」「25分」「不足1分」: the two largest units."""
    minutes = int(abs(span).total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [f"{n}{unit}" for n, unit in ((days, "天"), (hours, "小时"), (minutes, "分")) if n]
    return "".join(parts[:2]) or "不足1分"
