"""One simulated month with 国庆 over the real SQLite ledger, through the jobs and the sender of `minsheng work`.

2025-09-15 to 2025-10-15, a red event at 03:00 on the holiday itself, an outage of the provider, a machine that is off,
a clock that is two hours wrong in both directions, two workers, senders killed at random. `world.true` is the time that
passes, `world.now` what the machine's clock shows. 200 events a day on the day of BUSY, five on the others;
MINSHENG_MONTH_BUSY=all has 200 on every day, which takes some minutes.
"""

import itertools
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy.event
from scenario import moment
from small_office import small_office

from alerts import watchdog
from alerts.channels import Channel, DeliveryError, SendResult, SettingsError
from alerts.plan import plan
from alerts.routing import Facts, route
from alerts.tasks import Refused, apply
from app.grading import write_plans
from app.pipeline import Pipeline
from app.rota import Due
from app.sender import LEASE_SECONDS, Sender
from app.work import make_pipeline
from storage.ledger import SqlLedger
from storage.open import open_stores
from storage.ports import Ledger
from storage.types import Delivery, Event, Role, Task, User

OFFICE = replace(small_office(), messages_per_hour=4)
STEP, FINE = timedelta(minutes=30), timedelta(minutes=1)
START, END = moment("2025-09-15 00:00"), moment("2025-10-15 00:00")
RED = moment("2025-10-01 03:00")
DANGER = 0.02
#: the holiday of the red event
BUSY = (moment("2025-10-01 00:00"), moment("2025-10-02 00:00"))
USUAL, FULL = 5, 200


class Killed(BaseException):
    """kill -9 of the sender, for all that the code can do about it."""


@dataclass(frozen=True)
class Arrived:
    at: datetime  #: true time
    row: Delivery


@dataclass
class World:
    """What outlives a process: time, chance, the provider's side."""

    chance: random.Random
    true: datetime
    offset: timedelta = timedelta()
    arrived: list[Arrived] = field(default_factory=list)
    kills: int = 0
    outage: bool = False
    dangerous: bool = True
    swept: list[datetime] = field(default_factory=list)  #: what the clock showed, in the order of time

    @property
    def now(self) -> datetime:
        return self.true + self.offset

    def maybe_kill(self) -> None:
        if self.dangerous and self.chance.random() < DANGER:
            self.kills += 1
            raise Killed


class Line:
    """A channel of this world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, delivery: Delivery) -> SendResult:
        self._world.maybe_kill()
        if self._world.outage:
            raise DeliveryError("忙", permanent=False, code="500")
        self._world.arrived.append(Arrived(self._world.true, delivery))
        self._world.maybe_kill()
        return SendResult()


@dataclass
class Machine:
    """One `minsheng work`: jobs and sender over the shared ledger; its memory goes with it."""

    world: World
    pipeline: Pipeline
    name: str
    due: Due = field(default_factory=Due)

    def __post_init__(self) -> None:
        channels: dict[str, Channel | SettingsError] = {c: Line(self.world) for c in OFFICE.channels}  # type: ignore[misc]
        ledger = self.pipeline.ledger
        self.sender = Sender(
            office=OFFICE, ledger=ledger, clock=lambda: self.world.now, owner=self.name, channels=channels
        )

    def tick(self, *names: str) -> None:
        for name in names:
            self.due.call(name)
        self.due.run(self.pipeline, lambda: self.world.now)
        try:
            while self.sender.send_due():
                pass
        except Killed:
            self.__post_init__()


# ── what happens in the town ──────────────────────────────────────────────────────────────────────────────────────────


def arrive(ledger: Ledger, world: World, name: str, level: int, topic: str) -> Event:
    event = Event(
        id=name,
        title=f"事项{name}",
        first_at=world.true - timedelta(minutes=world.chance.randrange(0, 90), seconds=world.chance.randrange(60)),
        last_at=world.now,
        detected_at=world.now,
        level=level,
        topic=topic,
    )
    made = plan(event, None, route(Facts(level=level, topic=topic, event=name), OFFICE), (), (), OFFICE, world.now)
    with ledger.begin() as tx:
        tx.events.save([event])
        write_plans(tx, [made], world.now)
    return event


def act(ledger: Ledger, task: Task, action: str, role: Role, now: datetime, **details: object) -> None:
    """As a page does it: the whole step in one transaction."""
    user = User(name=f"{role}-1", display=role, roles=(role,), department=task.department)
    with ledger.begin() as tx:
        fresh = tx.tasks.get(task.id)
        assert fresh is not None
        try:
            step = apply(fresh, action, user=user, office=OFFICE, now=now, **details)
        except Refused:
            return
        tx.tasks.change(step.task)
        if step.supersede:
            tx.outbox.supersede(step.supersede, now)
        tx.outbox.add(step.deliveries)
        tx.audit.append(step.audit)


def people(ledger: Ledger, world: World) -> None:
    """Units sign in working hours, the office closes what is done; every fifth unit sleeps until the fourth day."""
    if not 8 <= world.true.hour < 18:
        return
    with ledger.read() as tx:
        tasks = list(tx.tasks.open())
    for task in tasks:
        lazy = int(task.id[2:6], 16) % 5 == 0
        age = world.now - task.created_at
        if task.state == "dispatched" and not lazy and world.chance.random() < 0.2:
            act(ledger, task, "sign", "staff", world.now)
        elif age > timedelta(days=4 if lazy else 1) and world.chance.random() < 0.2:
            act(ledger, task, "close", "officer", world.now, reason="已办理")
            with ledger.begin() as tx:
                event = tx.events.get([task.event])[task.event]
                tx.events.save([replace(event, status="closed")])


def calm_night(ledger: Ledger, world: World) -> None:
    """Two blue matters begin and end in one night."""
    for name in ("n1", "n2"):
        arrive(ledger, world, name, 1, "education")
        with ledger.read() as tx:
            (task,) = tx.tasks.find(event=name)[0]
        act(ledger, task, "close", "officer", world.now + timedelta(minutes=30), reason="系误传")
        with ledger.begin() as tx:
            tx.events.save([replace(tx.events.get([name])[name], status="closed")])


def trouble(world: World) -> bool:
    """Outage, clock jumps; False while the machine is off."""
    at = world.true
    world.outage = moment("2025-09-18 09:00") <= at < moment("2025-09-18 14:00")
    world.offset = timedelta()
    if moment("2025-09-22 01:00") <= at < moment("2025-09-22 01:45"):
        world.offset = timedelta(hours=2)
    if moment("2025-10-10 14:00") <= at < moment("2025-10-10 15:00"):
        world.offset = -timedelta(hours=2)
    return not moment("2025-10-11 08:00") <= at < moment("2025-10-11 11:00")


def times() -> Iterator[datetime]:
    at = START
    while at < END:
        yield at
        at += FINE if RED - FINE <= at < RED + timedelta(hours=1) else STEP


def arrivals(world: World) -> int:
    """How many events come in this step: on the whole 200 a day, or five."""
    full = os.environ.get("MINSHENG_MONTH_BUSY") == "all" or BUSY[0] <= world.true < BUSY[1]
    step = FINE if RED - FINE <= world.true < RED + timedelta(hours=1) else STEP
    share = (FULL if full else USUAL) * (step / timedelta(days=1))
    return int(share) + (world.chance.random() < share % 1)


@dataclass
class Month:
    world: World
    ledger: Ledger
    events: dict[str, Event]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    folder = tmp_path_factory.mktemp("month")
    patch = pytest.MonkeyPatch()
    patch.setattr(watchdog, "UNSEEN", STEP + FINE)  # half a simulated hour is no standstill
    world = World(chance=random.Random(20251001), true=START)
    documents, ledger = open_stores(folder, segment=str)
    assert isinstance(ledger, SqlLedger)
    sqlalchemy.event.listen(ledger.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF"))
    ledger.engine.dispose()  # kills are simulated, so nothing here needs to reach the disk
    pipeline = make_pipeline(OFFICE, documents, ledger)
    pair = [Machine(world, pipeline, "a"), Machine(world, pipeline, "b")]
    events: dict[str, Event] = {}
    for n, at in enumerate(times()):
        world.true = at
        running = trouble(world)
        for k in range(arrivals(world)):
            level, topic = world.chance.choice((1, 1, 2, 2, 3)), world.chance.choice(sorted(OFFICE.topics))
            events[f"e{n}-{k}"] = arrive(ledger, world, f"e{n}-{k}", level, topic)
        if at == RED:
            events["red"] = arrive(ledger, world, "red", 4, "food-drug")
        if at == moment("2025-09-24 23:30"):
            calm_night(ledger, world)
        people(ledger, world)
        if running:
            world.swept.append(world.now)
            pair[n % 2].tick("sweep", "morning", *(["close_quiet", "nightly", "gathering"] if n % 4 == 0 else []))
            if n % 16 == 0:
                pair[(n + 1) % 2].tick("sweep")  # both at once
        if n % 300 == 299:
            pair[0] = Machine(world, pipeline, f"again-{n}")
    world.dangerous = False
    for _ in range(50):
        world.true += timedelta(seconds=LEASE_SECONDS + 600)
        if not sum(machine.sender.send_due() for machine in pair):
            break
    yield Month(world, ledger, events)
    documents.close()
    ledger.close()
    patch.undo()


pytestmark = pytest.mark.slow


def all_tasks(ledger: Ledger) -> list[Task]:
    with ledger.read() as tx:
        return tx.tasks.find(size=10_000)[0]


def all_rows(ledger: Ledger) -> list[Delivery]:
    with ledger.read() as tx:
        return tx.outbox.find(size=1_000_000)


def test_the_month_had_everything_in_it(month: Month) -> None:
    assert len(month.events) > 280
    days = Counter(e.detected_at.date() for e in month.events.values())
    assert max(days.values()) >= 180, "200 on the busy day"
    assert month.world.kills > 10
    rows = all_rows(month.ledger)
    reasons = {row.reason for row in rows}
    assert reasons >= {"FIRST", "BREACH", "UNSIGNED", "REPEAT_UNSIGNED", "DEADLINE_90", "DIGEST", "CALMED", "HEARTBEAT"}
    assert any(row.within for row in rows), "lists were sent"


def test_every_statutory_deadline_is_right_to_the_second_and_every_breach_is_told_at_once(month: Month) -> None:
    breaches = {(r.task, r.epoch.rsplit("|", 1)[1]): r for r in all_rows(month.ledger) if r.reason == "BREACH"}
    told = 0
    for task in all_tasks(month.ledger):
        if task.event not in month.events:
            continue
        for law in (d for d in task.deadlines if d.kind == "statutory"):
            assert law.start_at == month.events[task.event].first_at
            assert law.due_at - law.start_at == timedelta(hours=48)
            after = [s for s in month.world.swept if s > law.due_at]
            if not after or (task.closed_at is not None and task.closed_at <= after[0]):
                continue
            row = breaches[task.id, law.due_at.isoformat()]
            assert row.created_at == after[0], f"{task.id} breached at {law.due_at}"
            told += 1
    assert told > 20


def workdays() -> set[str]:
    """The days of this stretch on which offices work, written down by hand: 国庆 and 中秋 together, two 调休 days."""
    off = {f"2025-10-{n:02}" for n in range(1, 9)}
    days = [START + timedelta(days=n) for n in range(40)]
    plain = {f"{d:%Y-%m-%d}" for d in days if d.weekday() < 5}
    return (plain - off) | {"2025-09-28", "2025-10-11"}


def after_work(start: datetime, minutes: float) -> datetime:
    """`minutes` of working time after a moment, worked out apart from the program."""
    working, left, day = workdays(), timedelta(minutes=minutes), start.replace(hour=0, minute=0, second=0)
    while True:
        for begin, end in ((8.5, 12), (13.5, 17.5)):
            first, last = max(start, day + timedelta(hours=begin)), day + timedelta(hours=end)
            if f"{day:%Y-%m-%d}" in working and first < last:
                if first + left <= last:
                    return first + left
                left -= last - first
        day += timedelta(days=1)


def test_every_internal_deadline_is_right_to_the_second(month: Month) -> None:
    checked = Counter[tuple[int, str]]()
    for task in all_tasks(month.ledger):
        rule = OFFICE.rule(task.level)
        assert rule is not None
        start = task.dispatched_at
        for clock in (d for d in task.deadlines if d.kind == "internal" and start is not None):
            assert start is not None
            if clock.step == "sign":
                plain = start + timedelta(minutes=rule.sign_minutes)
                due = after_work(start, rule.sign_minutes) if rule.sign_workhours else plain
                assert clock.due_at == due, (task.level, start, clock.due_at, due)
                checked[task.level, "sign"] += 1
            elif clock.step == "reply" and clock.hours is not None and task.role == "lead":
                assert clock.due_at == start + timedelta(hours=clock.hours), (task.level, start, clock.due_at)
                checked[task.level, "reply"] += 1
    assert {level for level, step in checked if step == "sign"} == {1, 2, 3, 4}
    assert sum(checked.values()) > 500


#: what may be said to whom about a task; anything else is an unexpected message
UNIT = {"FIRST", "NEW_DEPT", "UPDATED", "LEVEL_UP", "REPEAT_UNSIGNED", "REARM", "CALMED", "BREACH", "DIGEST"}
POSTS = {"INFORMED", "UNSIGNED", "BREACH", "REARM"}
#: what the clock of 10-10 shows twice
TWICE = (moment("2025-10-10 12:00"), moment("2025-10-10 14:00"))


def unexpected(row: Delivery, task: Task | None) -> str:
    """What is wrong with a message; "" for one that had its cause."""
    if task is None:
        known = ("HEARTBEAT", "WATCHDOG", "DIGEST", "COPY", "RESOLVED", "CALMED")
        return "" if row.reason in known else "no task and no cause"
    own = row.recipient in OFFICE.departments
    if own and row.recipient != task.department:
        return "another department's task"
    if row.reason not in (UNIT if own else POSTS) and not row.reason.startswith("DEADLINE_"):
        return "not for this recipient"
    if row.reason in ("REPEAT_UNSIGNED", "UNSIGNED") and task.signed_at and task.signed_at < row.created_at:
        return "asked to sign what was signed"
    if row.reason != "CALMED" and task.closed_at and task.closed_at < row.created_at:
        # said at 13:30, then the clock goes back to 12:00 and the task is closed: the order of the two is not known
        return "" if TWICE[0] <= task.closed_at and row.created_at < TWICE[1] else "the task was over"
    return ""


def test_no_message_is_unexpected(month: Month) -> None:
    tasks = {task.id: task for task in all_tasks(month.ledger)}
    wrong = Counter(
        (row.reason, row.recipient, why)
        for row in all_rows(month.ledger)
        if (why := unexpected(row, tasks.get(row.task or "")))
    )
    assert not wrong


def test_nothing_is_lost_and_a_kill_costs_one_duplicate_at_most(month: Month) -> None:
    count = Counter(message.row.id for message in month.world.arrived)
    rows = [r for r in all_rows(month.ledger) if r.not_before <= month.world.now]
    assert {r.status for r in rows} == {"ok", "suppressed", "superseded"}
    assert [r for r in rows if r.status == "ok" and not count[r.within or r.id]] == []
    assert sum(n - 1 for n in count.values()) <= month.world.kills
    assert all(r.subject or r.provider_text for r in rows if r.status == "suppressed"), "each with its reason"


def test_what_was_superseded_had_become_pointless(month: Month) -> None:
    """Only a signature, a closing or a newer message takes a waiting message back."""
    tasks = {task.id: task for task in all_tasks(month.ledger)}
    for row in all_rows(month.ledger):
        if row.status == "superseded" and row.task is not None:
            task = tasks[row.task]
            assert task.signed_at is not None or task.closed_at is not None
            assert row.reason not in ("BREACH", "HEARTBEAT", "WATCHDOG")


def test_no_department_is_flooded(month: Month) -> None:
    got: dict[str, list[datetime]] = defaultdict(list)
    for message in month.world.arrived:
        if not message.row.urgent and message.row.recipient in OFFICE.departments:
            got[message.row.recipient].append(message.at)
    assert any(len(moments) > 50 for moments in got.values())
    for unit, moments in got.items():
        for first, last in zip(moments, moments[OFFICE.messages_per_hour :], strict=False):
            assert last - first >= timedelta(hours=1), f"{unit} got too many from {first}"


def test_the_red_event_of_the_holiday_night(month: Month) -> None:
    red = [m for m in month.world.arrived if m.row.task and m.row.subject.endswith("事项red")]
    seen = [(m.row.reason, m.row.recipient, m.row.channel, m.at - RED) for m in red]
    for reason, who, channel, minutes in (
        ("FIRST", "scjg", "mail", 0),
        ("FIRST", "scjg", "hook", 0),
        ("INFORMED", "duty-officer", "mail", 0),
        ("REPEAT_UNSIGNED", "scjg", "mail", 10),
        ("UNSIGNED", "deputy-mayor", "mail", 15),
        ("UNSIGNED", "mayor", "mail", 30),
    ):
        # a sender killed in that very minute sends when its lease has run out
        delay = timedelta(minutes=minutes)
        assert any(
            (r, w, c) == (reason, who, channel) and delay <= d <= delay + timedelta(seconds=LEASE_SECONDS + 60)
            for r, w, c, d in seen
        ), (reason, who)


def test_a_calm_night_is_one_line_in_the_morning(month: Month) -> None:
    calmed = [r for r in all_rows(month.ledger) if r.reason == "CALMED"]
    ours = [r for r in calmed if "事项n" in r.subject]
    assert {r.not_before for r in ours} == {moment("2025-09-25 07:00")}
    assert len({r.within or r.id for r in ours}) == 1
    told = [r for r in all_rows(month.ledger) if r.reason == "FIRST" and "事项n" in r.subject]
    assert {r.status for r in told} == {"superseded"}
    with month.ledger.read() as tx:
        assert tx.tasks.alerts(event="n1") == [], "its alert is closed"


def test_every_day_has_its_one_word(month: Month) -> None:
    days = Counter(r.epoch for r in all_rows(month.ledger) if r.reason == "HEARTBEAT")
    wanted = [(START + timedelta(days=n)).date().isoformat() for n in range(30)]
    assert days == Counter(dict.fromkeys(wanted, 1))
    late = next(r for r in all_rows(month.ledger) if r.reason == "HEARTBEAT" and r.epoch == "2025-10-11")
    assert late.created_at == moment("2025-10-11 11:00"), "the machine was off at 08:30"


def test_the_gap_and_the_wrong_clock_were_told(month: Month) -> None:
    words = [r.body for r in all_rows(month.ledger) if r.reason == "WATCHDOG"]
    assert any("已恢复，此前 3小时" in text for text in words)
    assert any("系统时钟比" in text for text in words)


def test_the_audit_holds_and_the_books_close(month: Month) -> None:
    with month.ledger.read() as tx:
        assert tx.audit.verify() is None
        note = json.loads(tx.notes.get("audit:verified") or "{}")
        assert note["broken"] is None
        closed = {e.id for e in itertools.chain(*(tx.events.find(status=("closed",), size=10_000)[:1]))}
        owing = {t.event for t in tx.tasks.open()}
        still = {a.event for a in tx.tasks.alerts()}
    assert still.isdisjoint(closed - owing)
