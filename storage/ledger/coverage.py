"""What the crawler saw: figures by hour, raw pages as evidence, hot lists."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import zstandard
from sqlalchemy import Connection, delete, func, select

from storage.ledger.codec import key, moment, optional_key, stamp
from storage.ledger.dialect import insert, upsert
from storage.ledger.tables import ranks as rank_rows
from storage.ledger.tables import raw_pages, source_hours, source_reasons
from storage.types import RawPage, SourceHour

_SUMS = ("polled", "unchanged", "new", "updated", "duplicate", "rejected", "errors", "delay_seconds")


def record(db: Connection, hour: SourceHour) -> None:
    """Add to the row of (source, hour); the last error stays until another comes, the reasons are counted."""
    row = {name: value for name, value in asdict(hour).items() if name != "reasons"} | {
        "source": key(hour.source),
        "hour": stamp(hour.hour.replace(minute=0, second=0, microsecond=0)),
        "last_error": optional_key(hour.last_error),
    }
    statement = insert(db, source_hours).values(row)
    new = statement.excluded
    added: dict[str, object] = {name: source_hours.c[name] + new[name] for name in _SUMS}
    added["last_error"] = func.coalesce(new.last_error, source_hours.c.last_error)
    db.execute(statement.on_conflict_do_update(index_elements=["source", "hour"], set_=added))
    if hour.reasons:
        _count(db, {"source": row["source"], "hour": row["hour"]}, hour)


def _count(db: Connection, place: dict[str, object], hour: SourceHour) -> None:
    """In one order of reasons, so that two workers on the same hour never wait for each other in a ring."""
    counted: dict[str, int] = defaultdict(int)
    for reason, count in hour.reasons.items():
        counted[key(reason)] += count
    rows = [{**place, "reason": reason, "count": count} for reason, count in sorted(counted.items())]
    statement = insert(db, source_reasons).values(rows)
    added = {"count": source_reasons.c["count"] + statement.excluded["count"]}
    db.execute(statement.on_conflict_do_update(index_elements=["source", "hour", "reason"], set_=added))


def hours(db: Connection, source: str | None, since: datetime) -> list[SourceHour]:
    """In order of hour, then source; the reasons of an hour, the most frequent first."""
    wanted = select(source_hours).where(source_hours.c.hour >= stamp(since))
    why = select(source_reasons).where(source_reasons.c.hour >= stamp(since))
    if source is not None:
        wanted = wanted.where(source_hours.c.source == key(source))
        why = why.where(source_reasons.c.source == key(source))
    reasons: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    order = (source_reasons.c["count"].desc(), source_reasons.c.reason)
    for name, hour, reason, count in db.execute(why.order_by(*order)):
        reasons[name, hour][reason] = count
    rows = db.execute(wanted.order_by(source_hours.c.hour, source_hours.c.source)).mappings()
    return [
        SourceHour(**{**row, "hour": moment(row["hour"]), "reasons": reasons.get((row["source"], row["hour"]), {})})
        for row in rows
    ]


def keep_raw(db: Connection, page: RawPage) -> None:
    """The same bytes are kept once."""
    row = {
        "hash": key(page.hash),
        "url": key(page.url),
        "source": key(page.source),
        "fetched_at": stamp(page.fetched_at),
        "status": page.status,
        "content_type": key(page.content_type),
        "body": zstandard.ZstdCompressor(level=3).compress(page.body),
    }
    db.execute(insert(db, raw_pages).values(row).on_conflict_do_nothing())


def raw(db: Connection, page_hash: str) -> RawPage | None:
    row = db.execute(select(raw_pages).where(raw_pages.c.hash == key(page_hash))).mappings().first()
    if row is None:
        return None
    body = zstandard.ZstdDecompressor().decompress(row["body"])
    return RawPage(**{**row, "fetched_at": moment(row["fetched_at"]), "body": body})


def drop_raw(db: Connection, before: datetime) -> int:
    return db.execute(delete(raw_pages).where(raw_pages.c.fetched_at < stamp(before))).rowcount


def add_ranks(db: Connection, source: str, at: datetime, rows: Sequence[tuple[int, str, str, float | None]]) -> None:
    """A hot list as seen at one moment; the same moment again replaces its rows."""
    found = {rank: (key(title), key(url), heat) for rank, title, url, heat in rows}
    fixed = {"source": key(source), "at": stamp(at)}
    upsert(
        db,
        rank_rows,
        [{**fixed, "rank": rank, "title": t, "url": u, "heat": heat} for rank, (t, u, heat) in found.items()],
    )


def ranks(db: Connection, source: str, since: datetime) -> list[tuple[datetime, int, str, str, float | None]]:
    """In order of time, then rank."""
    c = rank_rows.c
    wanted = select(c.at, c.rank, c.title, c.url, c.heat).where(c.source == key(source), c.at >= stamp(since))
    return [(moment(at), r, t, u, heat) for at, r, t, u, heat in db.execute(wanted.order_by(c.at, c.rank))]
