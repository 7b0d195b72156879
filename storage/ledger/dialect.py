"""The few statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


def insert(connection: Connection, table: Table) -> Insert:
    """An INSERT that knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Insert or replace whole rows by primary key."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert(connection, table)
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    changed = (
        statement.on_conflict_do_update(index_elements=keys, set_=others)
        if others
        else statement.on_conflict_do_nothing(index_elements=keys)
    )
    connection.execute(changed, list(rows))
