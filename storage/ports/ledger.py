"""The ledger as a whole: one transaction over all its tables."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from storage.ports.frontier import Frontier
from storage.ports.people import Audit, Notes, Users
from storage.ports.work import Events, Intake, Outbox, Tasks


class Transaction(Protocol):
    intake: Intake
    events: Events
    tasks: Tasks
    outbox: Outbox
    frontier: Frontier
    users: Users
    audit: Audit
    notes: Notes


class Ledger(Protocol):
    def begin(self) -> AbstractContextManager[Transaction]:
        """A write transaction: committed at the end of the block, rolled back on an exception."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent read; writing through it is an error."""
        ...

    def health(self) -> Mapping[str, object]: ...
    def backup(self, target: str) -> None: ...
    def close(self) -> None: ...
