"""What the rest of the house may ask of the two stores; `storage.documents` and `storage.ledger` answer.

    DocumentStore   texts, search, counts               SQLite + FTS5, or Elasticsearch
    Ledger          everything that needs a transaction SQLite, or PostgreSQL

    with ledger.begin() as tx:          # one transaction: all of it, or nothing
        tx.intake.done(ids)
        tx.events.save(events)
        tx.outbox.add(deliveries)
        tx.audit.append(entry)

Only `app` and `dashboards` hold these; `crawlers` gets the small protocol `Frontier` handed in.
Every method that needs the time takes `now`.
"""

from storage.ports.documents import (
    Bucket,
    DocumentPage,
    DocumentQuery,
    DocumentStore,
    FacetField,
    PutResult,
    SortOrder,
)
from storage.ports.errors import AlreadyRunning, StaleVersion, StoreError
from storage.ports.frontier import Frontier
from storage.ports.ledger import Ledger, Transaction
from storage.ports.people import Audit, Notes, Users
from storage.ports.work import Events, Intake, IntakeRow, Outbox, ParkedRow, Tasks

__all__ = [
    "AlreadyRunning",
    "Audit",
    "Bucket",
    "DocumentPage",
    "DocumentQuery",
    "DocumentStore",
    "Events",
    "FacetField",
    "Frontier",
    "Intake",
    "IntakeRow",
    "Ledger",
    "Notes",
    "Outbox",
    "ParkedRow",
    "PutResult",
    "SortOrder",
    "StaleVersion",
    "StoreError",
    "Tasks",
    "Transaction",
    "Users",
]
