"""Moving an office from one pair of stores to another: copy what is missing, then count and hash both sides.

Any engine to any engine. Every step can be repeated: a second run finds everything there and only compares.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import Connection, Table, delete, func, insert, literal_column, select, text

from storage.ledger import SqlLedger
from storage.ledger.codec import dump_bytes
from storage.ledger.tables import metadata
from storage.ports import DocumentQuery, DocumentStore, StoreError
from storage.types import StoredDocument

Advance = Callable[[int], None]
_BATCH = 500
_ROWS = 1000
_STREAM = {"yield_per": _ROWS}
#: leases of processes that ran on the old stores; they would only keep the new ones waiting
_PASSING = frozenset({"locks", "hosts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side holds: how many, and a hash of all of them that does not depend on their order."""

    count: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One thing that was moved, and what both sides hold now."""

    what: str
    source: Side
    target: Side

    @property
    def same(self) -> bool:
        return self.source == self.target


def move_documents(source: DocumentStore, target: DocumentStore, advance: Advance) -> Moved:
    """Copy documents with their earlier versions; what the target already holds is passed over.

    Earlier versions are put one after the other, so that the target counts them as the source did. The moment at which
    the *present* text was first seen is not among what a store tells; it becomes the moment the document came in.
    """
    rows = source.scan(DocumentQuery())
    while batch := list(islice(rows, _BATCH)):
        there = {row.document.id: row for row in target.get([row.document.id for row in batch])}
        missing = [row for row in batch if there.get(row.document.id) != row]
        for part in _states(source, missing, there):
            refused = target.put(part).refused
            if refused:
                raise StoreError(f"文档 {refused[0][0]} 写不进新的文档库：{refused[0][1]}")
        advance(len(batch))
    return Moved(what="documents", source=document_side(source), target=document_side(target))


def document_side(store: DocumentStore) -> Side:
    """Count and hash of all documents with event, original and version."""
    return _side(dump_bytes(row) for row in store.scan(DocumentQuery()))


def move_ledger(source: SqlLedger, target: SqlLedger, advance: Advance) -> list[Moved]:
    """Copy every table in one transaction: all of it arrives, or nothing.

    StoreError when the target holds rows that the source does not know: it belongs to a running office.
    """
    with source.engine.connect() as old, target.engine.connect() as new:
        new.execution_options(minsheng_write=True)
        with old.begin(), new.begin():
            _wait_for_each_other(old, new)
            return [_move_table(old, new, table, advance) for table in tables()]


def _wait_for_each_other(*sides: Connection) -> None:
    """While one side is read the other one is idle, for minutes with millions of rows."""
    for connection in sides:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def tables() -> list[Table]:
    """The tables that are moved."""
    return [table for table in metadata.sorted_tables if table.name not in _PASSING]


def _states(
    source: DocumentStore, rows: Sequence[StoredDocument], there: dict[str, StoredDocument]
) -> Iterator[list[StoredDocument]]:
    """Puts that bring the target to the present state: earlier texts first, portion by portion."""
    for row in rows:
        document = row.document
        reached = there[document.id].version if document.id in there else 0
        for version, seen, title, words in source.versions(document.id):
            if version > reached:
                then = replace(document, title=title, text=words, fetched_at=seen)
                yield [replace(row, document=then, assessment=replace(row.assessment, tokens=""))]
    if rows:
        yield list(rows)


def _move_table(old: Connection, new: Connection, table: Table, advance: Advance) -> Moved:
    before, after = _table_side(old, table), _table_side(new, table)
    if before != after:
        if not _keys(new, table) <= _keys(old, table):
            raise StoreError(f"新台账的表 {table.name} 里已有别的数据：请换一个空的数据库")
        new.execute(delete(table))
        rows = old.execute(select(table), execution_options=_STREAM).mappings()
        while part := [dict(row) for row in islice(rows, _ROWS)]:
            new.execute(insert(table), part)
        _count_on(new, table)
        after = _table_side(new, table)
    advance(1)
    return Moved(what=table.name, source=before, target=after)


def _table_side(connection: Connection, table: Table) -> Side:
    rows = connection.execute(select(table), execution_options=_STREAM)
    return _side(repr([_plain(value) for value in row]).encode() for row in rows)


def _keys(connection: Connection, table: Table) -> set[tuple[object, ...]]:
    rows = connection.execute(select(*table.primary_key.columns), execution_options=_STREAM)
    return {tuple(row) for row in rows}


def _count_on(connection: Connection, table: Table) -> None:
    """PostgreSQL's counters know nothing of rows that came with a number."""
    column = table.autoincrement_column
    if connection.dialect.name != "postgresql" or column is None:
        return
    sequence = connection.execute(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
    ).scalar_one()
    if sequence is not None:
        highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
        connection.execute(select(func.setval(sequence, highest, literal_column("false"))))


def _side(rows: Iterable[bytes]) -> Side:
    """The sum of the rows' hashes: two engines need not agree on an order."""
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.blake2b(row, digest_size=16).digest(), "big")
    return Side(count=count, digest=f"{total % 2**128:032x}")


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, bytearray | memoryview) else value
