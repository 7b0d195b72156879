"""The document port on one SQLite file."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from storage.documents import counts, read, write
from storage.documents.buckets import Step, buckets
from storage.documents.check import mend, recount
from storage.documents.columns import Board
from storage.documents.plan import Find, Plan, compile_fts, plan
from storage.documents.pool import Pool, connect, translated
from storage.documents.rows import FIELDS, HISTORIC, Row, describe, milliseconds, moment_of
from storage.documents.schema import upgrade
from storage.documents.values import Values
from storage.ledger.codec import key
from storage.ports import Bucket, DocumentPage, DocumentQuery, FacetField, PutResult, StoreError
from storage.query import Not
from storage.types import StoredDocument

_PURGE = 500  #: documents per transaction of a purge, so that nobody waits long


class SqliteDocuments:
    """Texts, index and rollups in one file; any number of threads and processes.

    `segment` cuts the words of a query (blank-separated, lower case, NFKC, search mode); documents bring their own
    tokens along. Where a document has none, `segment` cuts its title and text.
    """

    def __init__(self, path: Path, *, segment: Callable[[str], str], timezone: str = "Asia/Shanghai") -> None:
        self.path = path
        self.timezone = ZoneInfo(timezone)
        self._segment = segment
        self._values = Values()
        self._board = Board()
        with translated(path):
            db = connect(path)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                upgrade(db, str(path))
            finally:
                db.close()
        self._pool = Pool(path)

    def put(self, rows: Sequence[StoredDocument]) -> PutResult:
        """Write documents. The moment a document first came in is kept; an event or an original that is not named
        stays as it was; what differs only in when it was fetched counts as unchanged."""
        ready, refused = self._describe(rows)
        new = updated = unchanged = 0
        for batch in _distinct(ready):
            with self._pool.writer() as db:
                tally, fresh = write.put_rows(db, self._values, batch)
            self._values.keep(fresh)
            new, updated = new + tally["new"], updated + tally["updated"]
            unchanged += tally["unchanged"]
        return PutResult(new=new, updated=updated, unchanged=unchanged, refused=tuple(refused))

    def get(self, ids: Sequence[str]) -> list[StoredDocument]:
        with self._pool.reader() as db:
            known = write.find_known(db, [key(i) for i in ids])
            return read.fetch(db, [known[key(i)].n for i in ids if key(i) in known])

    def by_url(self, url: str) -> StoredDocument | None:
        """The newest document of an address."""
        with self._pool.reader() as db:
            row = db.execute("SELECT max(n) FROM doc WHERE url = ?", (key(url),)).fetchone()
            return read.fetch(db, [row[0]])[0] if row[0] is not None else None

    def search(self, query: DocumentQuery, *, size: int = 20, after: str | None = None) -> DocumentPage:
        position = read.parse_position(after) if after else None
        with self._pool.reader() as db:
            asked = self._plan(db, query)
            hits, more = read.page(db, asked, sort=query.sort, size=max(size, 0), after=position)
            return DocumentPage(
                rows=tuple(read.fetch(db, [hit[3] for hit in hits])),
                total=self._count(db, query),
                after=read.position(hits[-1]) if more and hits else None,
            )

    def count(self, query: DocumentQuery) -> int:
        with self._pool.reader() as db:
            return self._count(db, query)

    def histogram(self, query: DocumentQuery, *, step: Step, timezone: str) -> list[Bucket]:
        with self._pool.reader() as db:
            rolls = counts.rolled(query, self._finder(db)) if _whole_hours(timezone) else None
            negative = self._finder(db)(FIELDS["sentiment"], ["negative"])
            return buckets(counts.cells(db, self._plan(db, query), rolls, negative, self._board), step, timezone)

    def facets(self, query: DocumentQuery, by: FacetField, *, size: int = 10) -> list[tuple[str, int]]:
        with self._pool.reader() as db:
            found = counts.facets(db, self._plan(db, query), counts.rolled(query, self._finder(db)), by, self._board)
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))[: max(size, 0)]

    def scan(self, query: DocumentQuery, *, batch: int = 1000) -> Iterator[StoredDocument]:
        """Oldest first, page by page: no transaction stays open between two pages, so the log can be folded in."""
        after: read.Position | None = None
        more = True
        while more:
            with self._pool.reader() as db:
                hits, more = read.page(db, self._plan(db, query), sort="oldest", size=batch, after=after)
                rows = read.fetch(db, [hit[3] for hit in hits])
            yield from rows
            after = hits[-1][:3] if hits else None

    def versions(self, document: str) -> list[tuple[int, datetime, str, str]]:
        with self._pool.reader() as db:
            rows = db.execute(
                "SELECT version, seen, title, text FROM earlier WHERE id = ? ORDER BY version", (key(document),)
            )
            return [(version, moment_of(seen), title, text) for version, seen, title, text in rows]

    def set_event(self, links: Mapping[str, str | None]) -> None:
        """Join documents to events; ids that are not there are passed over."""
        rows = [(event if event is None else key(event), key(document)) for document, event in links.items()]
        with self._pool.writer() as db:
            db.executemany("UPDATE doc SET event = ? WHERE id = ?", rows)

    def delete(self, ids: Sequence[str]) -> int:
        """Take documents out, with their earlier versions. Returns how many were there."""
        with self._pool.writer() as db:
            return write.delete(db, self._values, [key(i) for i in ids])

    def purge(self, before: datetime) -> int:
        gone = 0
        while True:
            with self._pool.writer() as db:
                rows = db.execute(
                    "SELECT id FROM doc WHERE came < ? ORDER BY came LIMIT ?", (milliseconds(before), _PURGE)
                ).fetchall()
                gone += write.delete(db, self._values, [row[0] for row in rows])
            if len(rows) < _PURGE:
                return gone

    def latest(self) -> datetime | None:
        with self._pool.reader() as db:
            newest = db.execute(f"SELECT max(came) FROM doc WHERE class < {HISTORIC}").fetchone()[0]
        return None if newest is None else moment_of(newest)

    def recount(self) -> list[str]:
        """Rollups that differ from a recount, as sentences for the log; empty = all right."""
        with self._pool.reader() as db:
            return recount(db)

    def mend(self) -> None:
        """Set the rollups right after `recount` found them wrong."""
        with self._pool.writer() as db:
            mend(db)

    def health(self) -> Mapping[str, object]:
        with self._pool.reader() as db:
            documents = db.execute("SELECT coalesce(sum(docs), 0) FROM roll WHERE field = 0").fetchone()[0]
        return {"engine": "sqlite", "ok": True, "documents": documents, "bytes": self.path.stat().st_size}

    def backup(self, target: str) -> None:
        """A copy that is whole by itself, taken while others read and write."""
        with self._pool.reader() as db, translated(self.path):
            copy = connect(Path(target))
            try:
                db.execute("ROLLBACK")
                db.backup(copy)
            finally:
                copy.close()
                db.execute("BEGIN")

    def close(self) -> None:
        self._pool.close()

    def _count(self, db: sqlite3.Connection, query: DocumentQuery) -> int:
        """A query of only exclusions is counted as all less the rest: the rollups know all."""
        if query.words is not None and compile_fts(query.words, self._segment)[0]:
            rest = replace(query, words=Not(query.words))
            return self._count(db, replace(query, words=None)) - self._count(db, rest)
        return counts.count(db, self._plan(db, query), counts.rolled(query, self._finder(db)), self._board)

    def _plan(self, db: sqlite3.Connection, query: DocumentQuery) -> Plan:
        return plan(query, self._segment, self._finder(db))

    def _finder(self, db: sqlite3.Connection) -> Find:
        return lambda field, texts: self._values.find(db, field, [key(text) for text in texts])

    def _describe(self, rows: Sequence[StoredDocument]) -> tuple[list[Row], list[tuple[str, str]]]:
        ready: list[Row] = []
        refused: list[tuple[str, str]] = []
        for stored in rows:
            try:
                ready.append(describe(stored, self._tokens(stored)))
            except ValueError as error:
                refused.append((stored.document.id, str(error)))
        return ready, refused

    def _tokens(self, stored: StoredDocument) -> str:
        document = stored.document
        return stored.assessment.tokens or self._segment(f"{document.title}\n{document.text}")


def _distinct(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Batches in which no id stands twice; the later of two comes in a later batch."""
    batch: dict[str, Row] = {}
    for row in rows:
        if row.id in batch:
            yield list(batch.values())
            batch = {}
        batch[row.id] = row
    if batch:
        yield list(batch.values())


def _whole_hours(timezone: str) -> bool:
    """Whether local hours are UTC hours, as rollups need; not so in India or Nepal."""
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError) as error:
        raise StoreError(f"没有时区 {timezone!r}：请写成 Asia/Shanghai 这样的名称") from error
    offsets = [zone.utcoffset(datetime(year, month, 1)) for year in (1990, 2025) for month in (1, 7)]  # noqa: DTZ001
    return all(offset is not None and offset.total_seconds() % 3600 == 0 for offset in offsets)
