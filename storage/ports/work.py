"""The ledger's working tables: intake, events, tasks, outbox."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from storage.types import Alert, Delivery, DeliveryStatus, Document, Event, LevelChange, Member, Reply, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRow:
    """A document that was acknowledged and waits to be understood."""

    seq: int
    document: Document
    received_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedRow:
    """A document that could not be processed; nothing is lost, and a person sees why."""

    seq: int
    document: Document
    reason: str
    at: datetime


class Intake(Protocol):
    """Hop 1: durable before anything else, and a queue for hop 2."""

    def add(self, documents: Sequence[Document], now: datetime) -> int:
        """Write rows; a row with the same id and content that still waits is not doubled. Returns rows added."""
        ...

    def claim(self, owner: str, size: int, lease_seconds: float, now: datetime) -> list[IntakeRow]: ...
    def done(self, seqs: Sequence[int]) -> None: ...
    def release(self, owner: str, *, excused: bool = False) -> None: ...

    def excuse(self, owner: str, seqs: Sequence[int]) -> None:
        """Rows that `owner` claimed and that are not to blame for not being done: the attempt does not count."""
        ...

    def park(self, seq: int, reason: str, now: datetime) -> None: ...
    def parked(self, limit: int = 100) -> list[ParkedRow]: ...
    def unpark(self, seqs: Sequence[int]) -> int: ...
    def waiting(self) -> int: ...
    def oldest(self) -> datetime | None: ...


class Events(Protocol):
    def save(self, events: Iterable[Event]) -> None:
        """Insert or replace by id, raising `version` by one; for the machine's own writes."""
        ...

    def change(self, event: Event) -> Event:
        """A person's write: StaleVersion unless the stored version equals event.version; returns it raised."""
        ...

    def get(self, ids: Sequence[str]) -> dict[str, Event]:
        """By id; a merged id answers with the event it was merged into (key = the id asked)."""
        ...

    def find(
        self,
        *,
        level_from: int = 0,
        topic: str | None = None,
        area: str | None = None,
        department: str | None = None,
        status: Sequence[str] = (),
        historic: bool | None = None,
        since: datetime | None = None,
        sort: Literal["level", "newest", "documents", "changed"] = "level",
        size: int = 50,
        offset: int = 0,
    ) -> tuple[list[Event], int]:
        """One page and the exact total."""
        ...

    def add_members(self, members: Iterable[Member]) -> None:
        """Insert or replace by (document); a document is in one event."""
        ...

    def members(self, event: str) -> list[Member]:
        """In order of `at`, then document id."""
        ...

    def members_of(self, events: Sequence[str]) -> dict[str, list[Member]]:
        """`members` of many events in one go, by the id asked; events without any are left out."""
        ...

    def known(self, documents: Sequence[str]) -> dict[str, Member]:
        """The members that these documents are, by document id; those that are in no event are left out."""
        ...

    def members_since(self, since: datetime) -> Iterator[Member]: ...
    def add_changes(self, changes: Iterable[LevelChange]) -> None: ...
    def changes(self, event: str) -> list[LevelChange]: ...
    def merge(self, old: str, into: str) -> None:
        """Move members, leave an alias row, mark `old` as merged."""
        ...

    def counts(self) -> Mapping[str, int]:
        """{"open": n, "level:4": n, …} over events that are not historic."""
        ...


class Tasks(Protocol):
    def open_alert(self, alert: Alert) -> bool:
        """Insert; False when an open alert of the same event and department stands already (database constraint)."""
        ...

    def save_alert(self, alert: Alert) -> None: ...
    def alerts(self, *, event: str | None = None, open_only: bool = True) -> list[Alert]: ...
    def create(self, tasks: Sequence[Task]) -> None: ...
    def change(self, task: Task) -> Task:
        """Optimistic: StaleVersion unless the stored version equals task.version; returns it raised by one."""
        ...

    def get(self, task_id: str) -> Task | None: ...
    def find(
        self,
        *,
        department: str | None = None,
        states: Sequence[str] = (),
        event: str | None = None,
        assignee: str | None = None,
        historic: bool | None = None,
        due_before: datetime | None = None,
        size: int = 50,
        offset: int = 0,
    ) -> tuple[list[Task], int]:
        """By next due deadline, then level; one page and the exact total."""
        ...

    def open(self) -> Iterator[Task]:
        """Every task that is not closed or merged and not historic: for the minute's sweep."""
        ...

    def some(self, ids: Sequence[str]) -> Iterator[Task]:
        """The tasks of these ids that exist, by id."""
        ...

    def versions(self) -> dict[str, int]:
        """Id → version of every open task, as `open` gives them."""
        ...

    def resting(self) -> frozenset[str]:
        """Ids of open tasks whose alert is closed or whose event was closed: reminded of statutory clocks only."""
        ...

    def settled(self) -> list[str]:
        """Ids of closed and merged events with an open alert of a department that owes nothing more; at most 500."""
        ...

    def created(self, since: datetime, until: datetime) -> Iterator[Task]:
        """Every task made in [since, until), history left out, the oldest first: for figures."""
        ...

    def add_reply(self, reply: Reply) -> None: ...
    def save_reply(self, reply: Reply) -> None: ...
    def replies(self, task: str) -> list[Reply]: ...
    def answers(self, since: datetime, until: datetime, *, department: str | None = None) -> list[tuple[Task, Reply]]:
        """The replies published in [since, until) with their tasks, the newest first: the register."""
        ...

    def counts(self, department: str | None = None, now: datetime | None = None) -> Mapping[str, int]:
        """{"open": n, "overdue": n, "unsigned": n, "returns": n, "<state>": n}; "overdue" only where `now` is given."""
        ...


class Outbox(Protocol):
    def add(self, rows: Iterable[Delivery]) -> int:
        """Insert; a row whose idem_key exists already is left out. Returns rows added."""
        ...

    def claim(self, owner: str, size: int, lease_seconds: float, now: datetime) -> list[Delivery]:
        """Due rows (pending or temp_fail, not_before and next_at passed, no live lease), urgent first."""
        ...

    def finish(
        self,
        delivery: str,
        status: DeliveryStatus,
        now: datetime,
        *,
        code: str | None = None,
        text: str | None = None,
        provider_id: str | None = None,
        next_at: datetime | None = None,
        within: str | None = None,
    ) -> None:
        """`within`: the row whose message carried this one; such a row counts as no message of its own."""
        ...

    def supersede(self, alert: str, before: datetime) -> int: ...
    def find(
        self, *, task: str | None = None, alert: str | None = None, status: Sequence[str] = (), size: int = 100
    ) -> list[Delivery]: ...
    def waiting(self) -> int: ...
    def sent_since(self, recipient: str, since: datetime, *, urgent: bool | None = None) -> int: ...
