"""How well we answered: process figures with explicit denominators (RESPONSE_RULES 4.1).

Every figure says of how many it is one, late and never are different numbers, what is not due yet is in neither, and
nobody is ranked on fewer than ten events (国办函〔2025〕66号: 不片面追求排名). Times are medians and p90, never means.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.transitions import FINAL
from storage.types import AuditEntry, Deadline, Event, Task

MIN_EVENTS_FOR_RANKING = 10
_REROUTED = frozenset({"task.uphold", "task.reassign"})
_MOVES = _REROUTED | {"task.return", "task.reject_return"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """`numerator` of `denominator`; `value` is None where there is nothing to count."""

    code: str
    name: str
    numerator: int
    denominator: int
    late: int = 0  #: done, after the limit
    never: int = 0  #: not done, limit passed
    pending: int = 0  #: not done, limit not passed: not counted
    excluded: int = 0  #: closed by the office with a reason (误报, 无需答复) or merged: not counted
    basis: str = ""

    @property
    def value(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None

    @property
    def text(self) -> str:
        """「92.3%（12/13）」; 「—（无应计事项）」."""
        if self.value is None:
            return "—（无应计事项）"
        return f"{self.value:.1%}（{self.numerator}/{self.denominator}）"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstResponse:
    """Hours from first public to the first authoritative answer, over answered events; the others are counted."""

    answered: int
    unanswered: int
    median_hours: float | None
    p90_hours: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The figures of one department, or of all."""

    events: int
    tasks: int
    ratios: tuple[Ratio, ...]
    first_response: FirstResponse

    def ratio(self, code: str) -> Ratio:
        """By code; KeyError for an unknown one."""
        for row in self.ratios:
            if row.code == code:
                return row
        raise KeyError(code)


def process(
    tasks: Iterable[Task],
    events: Mapping[str, Event],
    audit: Iterable[AuditEntry],
    now: datetime,
    *,
    department: str | None = None,
) -> Process:
    """Figures over tasks that are not history; `department` restricts to its tasks. `audit`: the entries of tasks."""
    kept = [t for t in tasks if not t.historic]
    mine = [t for t in kept if department in (None, t.department)]
    dispatched = [t for t in mine if t.dispatched_at is not None]
    entries: dict[str, list[AuditEntry]] = {}
    for entry in audit:
        entries.setdefault(entry.object.removeprefix("task:"), []).append(entry)
    held = [holdings(t, entries.get(t.id, ())) for t in kept if t.dispatched_at is not None]
    leads = {t.event for t in mine if t.role == "lead" and t.event in events}
    return Process(
        events=len({t.event for t in mine}),
        tasks=len(mine),
        ratios=(
            _timely("sign", "签收及时率", _clocks(dispatched, "sign", None), now),
            _timely("reply.5", "5小时发布权威信息", _clocks(mine, "reply", 5.0), now),
            _timely("press.24", "24小时新闻发布会", _clocks(mine, "press", 24.0), now),
            _timely("reply.48", "48小时回应", _clocks(mine, "reply", 48.0), now),
            *_returns(held, department),
        ),
        first_response=first_response([events[e] for e in sorted(leads)]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One stretch in which one department had a task."""

    department: str
    asked: int = 0  #: 退件 asked for
    upheld: int = 0
    refused: int = 0
    moved: bool = False  #: handed to another department at the end


def holdings(task: Task, entries: Iterable[AuditEntry]) -> tuple[Holding, ...]:
    """Who had a task, one after the other, from its audit. A return belongs to the department that asked for it, not
    to the one that the task went to. Before a lead is confirmed nobody has it."""
    acts = sorted((e for e in entries if e.action in _MOVES), key=lambda e: (e.at, e.seq))
    first = next((d for e in acts if e.action in _REROUTED and (d := _department(e.before))), task.department)
    found = [Holding(department=first)]
    for entry in acts:
        now = found[-1]
        if entry.action == "task.return":
            found[-1] = replace(now, asked=now.asked + 1)
        elif entry.action == "task.reject_return":
            found[-1] = replace(now, refused=now.refused + 1)
        else:
            found[-1] = replace(now, upheld=now.upheld + (entry.action == "task.uphold"), moved=True)
            found.append(Holding(department=_department(entry.after) or task.department))
    return tuple(found)


def _department(text: str) -> str:
    """The department in the JSON of an audit entry, or ""."""
    try:
        tree = json.loads(text or "{}")
    except ValueError:
        return ""
    return str(tree.get("department") or "") if isinstance(tree, dict) else ""


def _clocks(tasks: Sequence[Task], step: str, hours: float | None) -> list[tuple[Deadline, bool]]:
    """The clocks of one step and whether their task is over; with `hours` only the statutory ones of that length."""
    return [
        (d, t.state in FINAL)
        for t in tasks
        for d in t.deadlines
        if d.step == step and (hours is None or _statutory(d, hours))
    ]


def _statutory(clock: Deadline, hours: float) -> bool:
    return clock.kind == "statutory" and clock.hours == hours


def _timely(code: str, name: str, rows: Sequence[tuple[Deadline, bool]], now: datetime) -> Ratio:
    clocks = [d for d, over in rows if d.met_at is not None or not over]
    met = sum(d.met_at is not None and d.met_at <= d.due_at for d in clocks)
    late = sum(d.met_at is not None and d.met_at > d.due_at for d in clocks)
    never = sum(d.met_at is None and now > d.due_at for d in clocks)
    return Ratio(
        code=code,
        name=name,
        numerator=met,
        denominator=met + late + never,
        late=late,
        never=never,
        pending=len(clocks) - met - late - never,
        excluded=len(rows) - len(clocks),
        basis=clocks[0].basis if clocks else "",
    )


def _returns(held: Sequence[tuple[Holding, ...]], department: str | None) -> tuple[Ratio, Ratio, Ratio]:
    """退件率 (of dispatches), 退件成立率 (of decided ones), 一次派准率 (of tasks, by whom they went to first)."""
    mine = [h for task in held for h in task if department in (None, h.department)]
    first = [task[0] for task in held if department in (None, task[0].department)]
    asked, upheld, refused = (sum(getattr(h, name) for h in mine) for name in ("asked", "upheld", "refused"))
    return (
        Ratio(code="returns", name="退件率", numerator=asked, denominator=len(mine)),
        Ratio(
            code="upheld",
            name="退件成立率",
            numerator=upheld,
            denominator=upheld + refused,
            pending=max(0, asked - upheld - refused),
        ),
        Ratio(code="first_time", name="一次派准率", numerator=sum(not h.moved for h in first), denominator=len(first)),
    )


def first_response(events: Iterable[Event]) -> FirstResponse:
    """Median and p90 (nearest rank) over events that were answered. A reply dated before the event counts as 0 h."""
    known = [e for e in events if not e.historic]
    spans = sorted(
        max(timedelta(), e.answered_at - e.first_at).total_seconds() / 3600 for e in known if e.answered_at is not None
    )
    return FirstResponse(
        answered=len(spans),
        unanswered=len(known) - len(spans),
        median_hours=_rank(spans, 0.5),
        p90_hours=_rank(spans, 0.9),
    )


def _rank(ordered: Sequence[float], share: float) -> float | None:
    """Nearest-rank percentile; None of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One department in a comparison; `place` is None where it must not be ranked."""

    department: str
    ratio: Ratio
    events: int
    place: int | None
    note: str = ""


def ranking(figures: Mapping[str, Process], code: str) -> list[Ranked]:
    """Departments by one ratio, best first; those with fewer than ten events stand below, unranked, with the reason."""
    rows = [(name, p.ratio(code), p.events) for name, p in figures.items()]
    fit = [r for r in rows if r[2] >= MIN_EVENTS_FOR_RANKING and r[1].value is not None]
    fit.sort(key=lambda r: (-(r[1].value or 0.0), r[0]))
    values = [r[1].value for r in fit]
    ranked = [Ranked(department=n, ratio=ratio, events=k, place=values.index(ratio.value) + 1) for n, ratio, k in fit]
    placed = {r.department for r in ranked}
    note = f"事件少于 {MIN_EVENTS_FOR_RANKING} 起或无应计事项，不参与排序"
    rest = sorted((r for r in rows if r[0] not in placed), key=lambda r: r[0])
    return ranked + [Ranked(department=n, ratio=ratio, events=k, place=None, note=note) for n, ratio, k in rest]
