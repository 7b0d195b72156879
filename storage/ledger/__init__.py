"""Everything that needs a transaction: intake, events, alerts, tasks, outbox, frontier, users, audit, notes.

    open_ledger(url) → SqlLedger ──begin() · read()→ SqlTransaction: one attribute per port

SQLite and PostgreSQL through SQLAlchemy Core; one class per port, each over one connection. What is queried stands in
columns, the value itself as JSON beside them (`codec`).
"""

from storage.ledger.sql import SqlLedger, SqlTransaction, open_ledger

__all__ = ["SqlLedger", "SqlTransaction", "open_ledger"]
