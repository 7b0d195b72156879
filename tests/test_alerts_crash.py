"""A day of 200 events over the real ledger: two senders, killed at random between any two steps, outages, clock jumps.

A kill is an exception that nothing catches, raised before a send, or after it and before its row is finished; the
sender's memory is thrown away and only the database goes on. Nothing may be lost, and no kill may cost more than the
one duplicate that nobody can avoid.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from scenario import moment
from small_office import small_office

from alerts.channels import Channel, DeliveryError, SendResult, SettingsError
from alerts.escalation import sweep
from alerts.plan import plan
from alerts.routing import Facts, route
from app.sender import LEASE_SECONDS, Sender
from storage.ledger import SqlLedger, open_ledger
from storage.types import Delivery, Event

OFFICE = replace(small_office(), messages_per_hour=10_000)


class Killed(BaseException):
    """kill -9 of the sender, for all that the code can do about it."""


@dataclass
class World:
    """What outlives a sender: the providers' side, the clock, chance."""

    chance: random.Random
    now: datetime
    arrived: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    outage: bool = False
    dangerous: bool = True

    def maybe_kill(self) -> None:
        if self.dangerous and self.chance.random() < 0.05:
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
        self._world.arrived[delivery.id] += 1
        self._world.maybe_kill()
        return SendResult()


def sender(world: World, ledger: SqlLedger, name: str) -> Sender:
    channels: dict[str, Channel | SettingsError] = {c: Line(world) for c in OFFICE.channels}  # type: ignore[misc]
    return Sender(office=OFFICE, ledger=ledger, clock=lambda: world.now, owner=name, channels=channels)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def arrive(ledger: SqlLedger, world: World, n: int) -> None:
    """One event is planned and written; half of the time the batch is replayed, as after a crash before its end."""
    level = world.chance.choice((1, 2, 2, 3, 4))
    event = Event(
        id=f"e{n}",
        title=f"事件{n}",
        first_at=world.now,
        last_at=world.now,
        detected_at=world.now,
        level=level,
        topic="food-drug",
    )
    made = plan(event, None, route(Facts(level=level, topic="food-drug"), OFFICE), (), (), OFFICE, world.now)
    with ledger.begin() as tx:
        tx.events.save([event])
        for alert in made.alerts:
            assert tx.tasks.open_alert(alert)
        tx.tasks.create(made.tasks)
        assert tx.outbox.add(made.deliveries) == len(made.deliveries)
    if world.chance.random() < 0.5:
        with ledger.begin() as tx:
            assert not any(tx.tasks.open_alert(a) for a in made.alerts)
            assert tx.outbox.add(made.deliveries) == 0


def minute(ledger: SqlLedger, world: World) -> None:
    """The sweep, sometimes by two processes at once: the keys keep one row."""
    with ledger.begin() as tx:
        tasks = list(tx.tasks.open())
        rows = sweep(tasks, {}, {}, OFFICE, world.now, since=world.now - timedelta(minutes=30))
        tx.outbox.add(rows)
        assert tx.outbox.add(rows) == 0


@pytest.mark.slow
def test_a_day_of_two_hundred_events_with_kills_outages_and_clock_jumps(ledger: SqlLedger) -> None:
    world = World(chance=random.Random(20251001), now=moment("2025-10-09 06:00"))
    pair = [sender(world, ledger, "a"), sender(world, ledger, "b")]
    for n in range(200):
        world.now += timedelta(minutes=world.chance.choice((2, 5, 9)))
        if world.chance.random() < 0.05:
            world.now += timedelta(minutes=world.chance.choice((-8, 25)))  # the clock is set
        world.outage = world.chance.random() < 0.15
        arrive(ledger, world, n)
        if n % 40 == 39:
            minute(ledger, world)
        which = n % 2
        try:
            pair[which].send_due()
        except Killed:
            pair[which] = sender(world, ledger, f"again-{n}")
    assert world.kills > 5
    world.dangerous = world.outage = False
    for _ in range(200):
        world.now += timedelta(seconds=LEASE_SECONDS + 600)
        if not sum(p.send_due() for p in pair):
            break
    check(ledger, world)


def check(ledger: SqlLedger, world: World) -> None:
    with ledger.read() as tx:
        rows = tx.outbox.find(size=100_000)
        tasks, total = tx.tasks.find(size=1_000)
    due = [r for r in rows if r.not_before <= world.now and r.status != "suppressed"]
    assert {r.status for r in due} == {"ok"}
    lost = [r for r in due if world.arrived[r.within or r.id] == 0]
    assert lost == []
    assert sum(count - 1 for count in world.arrived.values()) <= world.kills
    assert max(world.arrived.values()) <= 1 + world.kills
    assert total == 200
    for task in tasks:
        (law,) = (d for d in task.deadlines if d.kind == "statutory")
        assert law.due_at - law.start_at == timedelta(hours=48)
