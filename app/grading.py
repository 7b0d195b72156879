"""One round over many events: describe, score, level, route, plan; everything is written at the end, in few statements.

events, members, tasks ─read at once→ for each event: pure functions → Round ─written at once→ ledger
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts import levels
from alerts.foresight import at_least, plan_fired
from alerts.levels import LevelState, state_from_json
from alerts.notices import Reach
from alerts.plan import Plan, plan
from alerts.policies import Policy
from alerts.routing import Routing, route
from alerts.silences import Silence, Umbrella
from alerts.transitions import FINAL
from analysis.risk import score
from analysis.titles import representative, title_of
from app.facts import answered, is_matter, ours, routing_facts, summarise
from app.usual import Usual
from dashboards.duty import shifts
from dashboards.policies import policies, policy_of
from dashboards.silences import load_silences, load_umbrellas
from storage.ports import Transaction
from storage.types import Event, LevelChange, Member, Office, StoredDocument, Task

#: documents read again for an event's title, representative and departments
SHOWN = 40
Read = Callable[[Sequence[str]], list[StoredDocument]]


def outgrown(event: Event, documents: int) -> bool:
    """Whether it has come to about four times what it was named by: its first words may not be what it is about."""
    return documents.bit_length() // 2 > event.documents.bit_length() // 2


@dataclass(slots=True, kw_only=True)
class Round:
    """What one round has read and what it will write. One transaction, one thread."""

    office: Office
    tx: Transaction
    read: Read  #: documents by id
    now: datetime
    usual: Usual | None = None  #: what each topic's events stand out from; None = quiet streams
    events: list[Event] = field(default_factory=list)
    changes: list[LevelChange] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    _reach: Reach | None = None
    _policies: list[Policy] | None = None
    _quiet: tuple[tuple[Silence, ...], tuple[Umbrella, ...]] | None = None

    @property
    def reach(self) -> Reach:
        """Users and roster, read once a round."""
        if self._reach is None:
            everybody = {user.name: user for user in self.tx.users.all()}
            self._reach = Reach(users=everybody, duty=shifts(self.tx, self.office))
        return self._reach

    @property
    def quiet(self) -> tuple[tuple[Silence, ...], tuple[Umbrella, ...]]:
        """What staff have silenced, and wider events that speak for others; read once a round."""
        if self._quiet is None:
            self._quiet = (load_silences(self.tx, self.now), load_umbrellas(self.tx))
        return self._quiet

    def grade(
        self, known: Event | None, members: Sequence[Member], *, title: str, sample: bool, previous: str | None = None
    ) -> None:
        """Take one event through the stages. members: at least one, all of the event."""
        fresh = known is None or (known.level == 0 and len(members) != known.documents) or outgrown(known, len(members))
        shown = self._shown(members) if fresh else []
        title, home = known.title if known else title, self.office.home
        event = summarise(known, members, title=title, sample=sample, now=self.now, home=home)
        if event.named_by is not None:
            event = replace(event, representative=representative(shown) if shown else event.representative)
        elif shown:
            event = replace(event, title=title_of(shown), representative=representative(shown))
        event = replace(event, previous=event.previous or previous)
        policy = self._policy(event, shown)
        event, change = self._level(event, members, known is None, policy)
        # history is routed once for each topic that it takes
        settled = event.historic and bool(event.departments) and known is not None and event.topic == known.topic
        if (event.level or change) and ours(event) and not settled:
            event = self._plan(event, members, change, shown or self._shown(members), known is None, policy)
        self.events.append(event)

    def _policy(self, event: Event, shown: Sequence[StoredDocument]) -> Policy | None:
        """The registered policy that the event is about, known by its first documents or by a person's word."""
        if self._policies is None:
            self._policies = policies(self.tx)
        return policy_of(self.tx, self._policies, event, (f"{d.document.title} {d.document.text}" for d in shown))

    def _shown(self, members: Sequence[Member]) -> list[StoredDocument]:
        """Up to SHOWN documents of an event: its first ones and its latest."""
        ids = [m.document for m in members if m.duplicate_of is None] or [m.document for m in members]
        if len(ids) > SHOWN:
            ids = ids[: SHOWN // 2] + ids[-SHOWN // 2 :]
        return self.read(ids)

    def _level(
        self, event: Event, members: Sequence[Member], is_new: bool, policy: Policy | None
    ) -> tuple[Event, LevelChange | None]:
        """Score and level. History is graded as of its own time and has no level of today."""
        usual = self.usual.of(event.topic, self.now) if self.usual and not event.historic else None
        at = event.last_at if event.historic else self.now
        risk = score(event, members, self.office, at, baseline=usual)
        if policy is not None:
            risk = at_least(risk, policy, event, self.office, self.now)
        event = replace(event, risk=risk, score=risk.score)
        if event.pinned_level is None and event.level == 0 and policy is None and not is_matter(event, members):
            return event, None
        if event.historic:
            return replace(event, level=levels.target(risk, self.office)), None
        state = LevelState() if is_new else load_state(self.tx, event.id)
        change, after = levels.decide(event, risk, state, self.office, self.now)
        if after != state:
            self.states[state_key(event.id)] = json.dumps(after.as_json())
        if change is None:
            return event, None
        self.changes.append(change)
        return replace(event, level=change.after), change

    def _plan(
        self,
        event: Event,
        members: Sequence[Member],
        change: LevelChange | None,
        shown: Sequence[StoredDocument],
        is_new: bool,
        policy: Policy | None,
    ) -> Event:
        """Route and plan one event; the event with its departments."""
        drafting = policy.department if policy is not None else None
        routing = route(replace(routing_facts(event, members, shown), drafting=drafting), self.office)
        tasks = [] if is_new else self.tx.tasks.find(event=event.id, size=1000)[0]
        event = replace(event, departments=in_charge(routing, tasks))
        alerts = [] if is_new else self.tx.tasks.alerts(event=event.id, open_only=False)
        kinds = sorted({m.kind for m in members})
        silences, umbrellas = self.quiet
        made = plan(
            event, change, routing, alerts, tasks, self.office, self.now,
            kinds=kinds, silences=silences, umbrellas=umbrellas, reach=self.reach,
        )  # fmt: skip
        if policy is not None:
            made = replace(made, deliveries=(*made.deliveries, *plan_fired(policy, event, self.office, self.now)))
        self.plans.append(replace(made, tasks=tuple(answered(task, event.answered_at) for task in made.tasks)))
        return event

    def write(self) -> int:
        """Write everything; returns messages queued."""
        self.tx.events.save(self.events)
        self.tx.events.add_changes(self.changes)
        for name, text in self.states.items():
            self.tx.notes.put(name, text)
        return write_plans(self.tx, self.plans, self.now)


def in_charge(routing: Routing, tasks: Sequence[Task]) -> tuple[str, ...]:
    """The departments of an event, the one that leads first: whoever signed for it keeps it (and goes on seeing it),
    also where what is known now would send it elsewhere."""
    owing = sorted(
        (t for t in tasks if t.state not in FINAL and not t.historic),
        key=lambda t: (t.role != "lead", t.created_at, t.id),
    )
    return tuple(dict.fromkeys((*(t.department for t in owing), routing.lead, *routing.support)))


def state_key(event: str) -> str:
    """Where the ledger's notes keep an event's hysteresis."""
    return f"level:{event}"


def load_state(tx: Transaction, event: str) -> LevelState:
    """The hysteresis of an event; a fresh one where none is kept."""
    text = tx.notes.get(state_key(event))
    return state_from_json(json.loads(text)) if text else LevelState()


def write_plans(tx: Transaction, plans: Sequence[Plan], now: datetime) -> int:
    """Write plans in the running transaction; returns messages queued."""
    for made in plans:
        for alert in made.supersede:
            tx.outbox.supersede(alert, now)
        for row in made.alerts:
            if row.id not in made.created or not tx.tasks.open_alert(row):
                tx.tasks.save_alert(row)
        for row in made.closed_alerts:
            tx.tasks.save_alert(row)
        for task in made.tasks:
            if task.id not in made.created:
                tx.tasks.change(task)
    tx.tasks.create([task for made in plans for task in made.tasks if task.id in made.created])
    tx.audit.extend([entry for made in plans for entry in made.audit])
    return tx.outbox.add([row for made in plans for row in made.deliveries])


def by_id(events: Mapping[str, Event]) -> dict[str, Event]:
    """Events by their own id: `events.get` answers a merged id with the event it was merged into."""
    return {event.id: event for event in events.values()}
