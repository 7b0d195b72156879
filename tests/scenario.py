"""A scenario language on a simulated clock; whatever is sent and was not expected fails the test.

    with Scenario("2025-10-01 03:00") as s:
        s.event("e1", level=4, topic="food-drug")
        s.expect("FIRST", "scjg", channel="mail")
        s.at("03:10").expect("REPEAT_UNSIGNED", "scjg")
        s.act("sign", "scjg")

Every minute between two moments runs as the application does: sweep, write the outbox (keys drop repeats), send what
is due, decide what follows. `send` may be replaced to let a provider fail.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from small_office import small_office

from alerts.channels import DeliveryError, SendResult
from alerts.delivery import after, capped, prepared
from alerts.escalation import sweep
from alerts.plan import Plan, plan
from alerts.routing import Facts, route
from alerts.silences import Silence, Umbrella
from alerts.tasks import Step, apply
from storage.types import Alert, Delivery, Event, LevelChange, Office, Reply, Role, Task, User

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that a provider accepted."""

    at: datetime
    reason: str
    recipient: str
    channel: str
    subject: str
    task: str | None
    urgent: bool = False

    def __str__(self) -> str:
        return f"{self.at:%m-%d %H:%M} {self.reason} → {self.recipient} ({self.channel}) {self.subject}"


def moment(text: str, base: datetime | None = None) -> datetime:
    """ "2025-10-01 03:00", or "03:10" on the day of `base`, or "10-02 03:10" in its year."""
    if base is not None and len(text) == 5:
        text = f"{base:%Y-%m-%d} {text}"
    elif base is not None and len(text) == 11:
        text = f"{base:%Y}-{text}"
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


class Scenario:
    """The world of one test: events, tasks, alerts, outbox, and a clock that only moves when told."""

    def __init__(self, start: str, office: Office | None = None, step: timedelta = timedelta(minutes=1)) -> None:
        self.office = office or small_office()
        self.now = moment(start)
        self.step = step
        self.events: dict[str, Event] = {}
        self.facts: dict[str, Facts] = {}
        self.alerts: dict[str, Alert] = {}
        self.tasks: dict[str, Task] = {}
        self.replies: dict[str, Reply] = {}
        self.outbox: dict[str, Delivery] = {}
        self.sent: list[Sent] = []
        self.unexpected: list[Sent] = []
        self.silences: list[Silence] = []
        self.umbrellas: list[Umbrella] = []
        self.send: Callable[[Delivery], SendResult | DeliveryError] = lambda row: SendResult()
        self.audited: list[str] = []
        self.swept: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.nothing_else()

    # ── what happens ──────────────────────────────────────────────────────────────────────────────────────────────

    def event(self, name: str, level: int, **facts: object) -> Self:
        """The event is evaluated at this level now; a known one keeps its facts."""
        known = self.events.get(name)
        change = None
        if known is None:
            event_facts = {k: facts.pop(k) for k in list(facts) if k in _EVENT_FIELDS}
            base = Event(
                id=name, title=f"事件{name}", first_at=self.now, last_at=self.now, detected_at=self.now, level=level
            )
            self.events[name] = replace(base, **event_facts)  # type: ignore[arg-type]
            fresh = Facts(level=level, topic="food-drug", event=name, incident_grade=self.events[name].incident_grade)
            self.facts[name] = replace(fresh, **facts)  # type: ignore[arg-type]
            self.events[name] = replace(self.events[name], topic=self.facts[name].topic, area=self.facts[name].area)
        elif known.level != level:
            self.events[name] = replace(known, level=level)
            change = LevelChange(
                event=name,
                before=known.level,
                after=level,
                cause="score",
                score=0,
                reasons=(),
                who="system",
                at=self.now,
            )
        self.evaluate(name, change)
        return self

    def close_event(self, name: str) -> Self:
        self.events[name] = replace(self.events[name], status="closed")
        self.evaluate(name, None)
        return self

    def evaluate(self, name: str, change: LevelChange | None = None) -> Plan:
        event = self.events[name]
        routing = route(replace(self.facts[name], level=event.level), self.office)
        made = plan(
            event,
            change,
            routing,
            [a for a in self.alerts.values() if a.event == name],
            [t for t in self.tasks.values() if t.event == name],
            self.office,
            self.now,
            silences=self.silences,
            umbrellas=self.umbrellas,
        )
        for alert in (*made.alerts, *made.closed_alerts):
            self.alerts[alert.id] = alert
        for task in made.tasks:
            self.tasks[task.id] = task
        for old in made.supersede:
            self.supersede(old)
        self.write(made.deliveries)
        self.deliver()
        return made

    def supersede(self, alert: str) -> None:
        for key, row in self.outbox.items():
            if row.alert == alert and row.status in ("pending", "temp_fail"):
                self.outbox[key] = replace(row, status="superseded")

    def act(self, action: str, unit: str, /, role: Role = "lead", **details: object) -> Step:
        """Somebody of the role acts on a task: of this id, or the department's newest open one."""
        task = self.tasks[unit] if unit in self.tasks else self.task(unit)
        user = User(name=f"{role}-{task.department}", display=role, roles=(role,), department=task.department)
        context: dict[str, object] = {"event": self.events[task.event], "reply": self.replies.get(task.id), **details}
        step = apply(task, action, user=user, office=self.office, now=self.now, **context)
        for changed in (step.task, *step.others):
            self.tasks[changed.id] = replace(changed, version=changed.version + 1)
        for alert in step.alerts:
            self.alerts[alert.id] = alert
        if step.close_alert in self.alerts and step.close_alert is not None:
            self.alerts[step.close_alert] = replace(self.alerts[step.close_alert], closed_at=self.now)
        if step.reply is not None:
            self.replies[task.id] = step.reply
        if step.supersede:
            self.supersede(step.supersede)
        self.audited.append(step.audit.action)
        self.write(step.deliveries)
        self.deliver()
        return step

    def task(self, department: str) -> Task:
        found = [t for t in self.tasks.values() if t.department == department and t.state not in ("closed", "merged")]
        assert found, f"{department} has no open task"
        return max(found, key=lambda t: t.created_at)

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def at(self, text: str) -> Self:
        """Run every step up to this moment."""
        target = moment(text, self.now)
        assert target >= self.now, "time runs forwards; use jump for a broken clock"
        while self.now < target:
            self.now = min(self.now + self.step, target)
            self.tick()
        return self

    def jump(self, delta: timedelta) -> Self:
        """The clock jumps; nothing ran in between."""
        self.now += delta
        self.tick()
        return self

    def tick(self) -> None:
        rows = sweep(
            self.tasks.values(),
            self.alerts,
            self.events,
            self.office,
            self.now,
            since=self.swept - timedelta(minutes=10) if self.swept is not None else None,
            silences=self.silences,
            umbrellas=self.umbrellas,
        )
        self.swept = self.now
        self.write(rows)
        self.deliver()

    def write(self, rows: Sequence[Delivery]) -> None:
        """As the ledger does it: a row whose key exists is left out."""
        for row in rows:
            self.outbox.setdefault(row.idem_key, row)

    def deliver(self) -> None:
        for key in list(self.outbox):
            row = self.outbox[key]
            due = max(row.not_before, row.next_at) if row.next_at else row.not_before
            if row.status not in ("pending", "temp_fail") or due > self.now:
                continue
            row = replace(row, attempts=row.attempts + 1)
            outgoing = prepared(row)
            hour = self.now - timedelta(hours=1)
            sent = sum(m.recipient == row.recipient and not m.urgent and m.at > hour for m in self.sent)
            done = capped(row, sent, self.office, self.now) or after(row, self.send(outgoing), self.now, self.office)
            self.outbox[key] = replace(row, status=done.status, next_at=done.next_at, provider_code=done.code)
            if done.status == "ok":
                message = Sent(self.now, row.reason, row.recipient, row.channel, outgoing.subject, row.task, row.urgent)
                self.sent.append(message)
                self.unexpected.append(message)
            for follow in done.follow:
                self.outbox.setdefault(follow.idem_key, follow)

    # ── what is expected ──────────────────────────────────────────────────────────────────────────────────────────

    def expect(self, reason: str, recipient: str, *, channel: str | None = None, at: str | None = None) -> Self:
        """One message that was sent and not expected yet; `at` = its minute."""
        for message in self.unexpected:
            if (
                message.reason == reason
                and message.recipient == recipient
                and (channel is None or message.channel == channel)
                and (at is None or message.at == moment(at, self.now))
            ):
                self.unexpected.remove(message)
                return self
        raise AssertionError(f"not sent: {reason} → {recipient}; sent: {[str(m) for m in self.unexpected]}")

    def nothing_else(self) -> Self:
        assert not self.unexpected, "unexpected messages:\n" + "\n".join(map(str, self.unexpected))
        return self

    def suppressions(self) -> list[tuple[str, str]]:
        rows = [r for r in self.outbox.values() if r.status == "suppressed"]
        return [(r.provider_code or r.reason, r.recipient) for r in rows]


_EVENT_FIELDS = frozenset({"incident_grade", "historic", "title", "first_at", "occurred_at", "previous", "flags"})
