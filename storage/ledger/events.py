"""Events, their members, their changes of level."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Select, delete, func, select, update

from storage.ledger.codec import dump, key, load, optional_key, stamp
from storage.ledger.dialect import upsert
from storage.ledger.tables import event_aliases, event_departments, events, level_changes, members
from storage.ports import StaleVersion
from storage.types import Event, LevelChange, Member

_ORDER = {
    "level": (events.c.level.desc(), events.c.score.desc(), events.c.last_at.desc()),
    "newest": (events.c.detected_at.desc(),),
    "documents": (events.c.documents.desc(), events.c.last_at.desc()),
    "changed": (events.c.last_at.desc(),),
}
Sort = Literal["level", "newest", "documents", "changed"]
#: what only people write; the machine's `save` does not put an older state of it back
_PEOPLES = ("occurred_at", "incident_grade", "warning_colour", "confirmed_by", "pinned_level")


class SqlEvents:
    """See `storage.ports.Events`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def save(self, changed: Iterable[Event]) -> None:
        """The machine's write. An event that was merged away meanwhile stays merged, and where a person wrote in
        between (stored version above the given one), that person's fields stand."""
        given = {event.id: event for event in changed}
        stored = self._stored(list(given))
        gone = self._aliases(list(given))
        self._write([_kept(event, stored.get(event.id)) for event in given.values() if key(event.id) not in gone])

    def change(self, event: Event) -> Event:
        raised = replace(event, version=event.version + 1)
        result = self._db.execute(
            update(events).where(events.c.id == key(event.id), events.c.version == event.version).values(_row(raised))
        )
        if result.rowcount != 1:
            raise StaleVersion("这件事刚刚被别人改过：请刷新页面后再操作")
        self._link_departments([raised])
        return raised

    def get(self, ids: Sequence[str]) -> dict[str, Event]:
        """One step through the aliases is enough: `merge` keeps them short."""
        alias = self._aliases(ids)
        stored = self._stored([alias.get(key(i), i) for i in ids])
        return {i: stored[name] for i in ids if (name := alias.get(key(i), key(i))) in stored}

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
        sort: Sort = "level",
        size: int = 50,
        offset: int = 0,
    ) -> tuple[list[Event], int]:
        """`since` looks at `last_at`; sort "newest" at when the system saw it first, "changed" at its last document."""
        chosen = select(events.c.id).where(events.c.level >= level_from)
        for column, value in ((events.c.topic, topic), (events.c.area, area), (events.c.historic, historic)):
            if value is not None:
                chosen = chosen.where(column == value)
        if status:
            chosen = chosen.where(events.c.status.in_(status))
        if since is not None:
            chosen = chosen.where(events.c.last_at >= stamp(since))
        if department is not None:
            link = event_departments
            chosen = chosen.where(events.c.id.in_(select(link.c.event).where(link.c.department == department)))
        total = self._db.execute(select(func.count()).select_from(chosen.subquery())).scalar_one()
        page = chosen.order_by(*_ORDER[sort], events.c.id).limit(size).offset(offset)
        ids = list(self._db.execute(page).scalars())
        stored = self._stored(ids)
        return [stored[i] for i in ids], total

    def add_members(self, rows: Iterable[Member]) -> None:
        """A member of an event that was merged away joins the one it was merged into."""
        found = {row.document: row for row in rows}
        alias = self._aliases({row.event for row in found.values()})
        joined = [replace(row, event=alias.get(key(row.event), row.event)) for row in found.values()]
        upsert(self._db, members, [_member_row(row) for row in joined])

    def members(self, event: str) -> list[Member]:
        event = self._aliases([event]).get(key(event), key(event))
        wanted = select(members.c.body).where(members.c.event == event).order_by(members.c.at, members.c.document)
        return [load(Member, body) for body in self._db.execute(wanted).scalars()]

    def members_of(self, events: Sequence[str]) -> dict[str, list[Member]]:
        alias = self._aliases(events)
        kept = {asked: alias.get(key(asked), key(asked)) for asked in events}
        wanted = select(members.c.body).order_by(members.c.at, members.c.document)
        found: dict[str, list[Member]] = {}
        for row in self._chunked(wanted, members.c.event, sorted(set(kept.values()))):
            member = load(Member, row[0])
            found.setdefault(key(member.event), []).append(member)
        return {asked: found[event] for asked, event in kept.items() if event in found}

    def known(self, documents: Sequence[str]) -> dict[str, Member]:
        rows = self._chunked(select(members.c.document, members.c.body), members.c.document, documents)
        found = {row[0]: load(Member, row[1]) for row in rows}
        return {i: found[key(i)] for i in documents if key(i) in found}

    def members_since(self, since: datetime) -> Iterator[Member]:
        """By when they came in (`seen_at`), so that an index is rebuilt in the order it was built; flat memory."""
        wanted = (
            select(members.c.body)
            .where(members.c.seen_at >= stamp(since))
            .order_by(members.c.seen_at, members.c.document)
        )
        with self._db.execute(wanted, execution_options={"yield_per": 1000}) as rows:
            for body in rows.scalars():
                yield load(Member, body)

    def add_changes(self, changes: Iterable[LevelChange]) -> None:
        rows = [{"event": key(c.event), "at": stamp(c.at), "body": dump(c)} for c in changes]
        if rows:
            self._db.execute(level_changes.insert(), rows)

    def changes(self, event: str) -> list[LevelChange]:
        wanted = select(level_changes.c.body).where(level_changes.c.event == key(event))
        bodies = self._db.execute(wanted.order_by(level_changes.c.seq)).scalars()
        return [load(LevelChange, body) for body in bodies]

    def merge(self, old: str, into: str) -> None:
        """Aliases that led to `old` lead to `into` now, so a chain never grows; merging into itself does nothing."""
        old, into = key(old), self._aliases([into]).get(key(into), key(into))
        if old == into or old in self._aliases([old]):
            return
        self._db.execute(update(event_aliases).where(event_aliases.c.into == old).values(into=into))
        upsert(self._db, event_aliases, [{"old": old, "into": into}])
        moved = self._db.execute(select(members.c.body).where(members.c.event == old)).scalars().all()
        upsert(self._db, members, [_member_row(replace(load(Member, body), event=into)) for body in moved])
        stored = self._stored([old])
        self._write([replace(e, status="merged", merged_into=into, version=e.version + 1) for e in stored.values()])

    def counts(self) -> Mapping[str, int]:
        """Open events by level, and events by status; history and merged ones left out."""
        rows = self._db.execute(
            select(events.c.status, events.c.level, func.count())
            .where(events.c.historic.is_(False), events.c.status != "merged")
            .group_by(events.c.status, events.c.level)
        )
        result: dict[str, int] = {"open": 0}
        for status, level, number in rows:
            result[status] = result.get(status, 0) + number
            if status == "open":
                result[f"level:{level}"] = result.get(f"level:{level}", 0) + number
        return result

    def _stored(self, ids: Sequence[str]) -> dict[str, Event]:
        rows = self._chunked(select(events.c.id, events.c.body), events.c.id, ids)
        return {row[0]: load(Event, row[1]) for row in rows}

    def _aliases(self, ids: Iterable[str]) -> dict[str, str]:
        rows = self._chunked(select(event_aliases.c.old, event_aliases.c.into), event_aliases.c.old, list(ids))
        return {row[0]: row[1] for row in rows}

    def _chunked(self, wanted: Select[Any], column: Any, ids: Sequence[str]) -> list[Any]:
        rows: list[Any] = []
        for start in range(0, len(ids), 500):
            part = [key(i) for i in ids[start : start + 500]]
            rows.extend(self._db.execute(wanted.where(column.in_(part))))
        return rows

    def _write(self, changed: Sequence[Event]) -> None:
        upsert(self._db, events, [_row(event) for event in changed])
        self._link_departments(changed)

    def _link_departments(self, changed: Sequence[Event]) -> None:
        for start in range(0, len(changed), 500):
            part = [key(event.id) for event in changed[start : start + 500]]
            self._db.execute(delete(event_departments).where(event_departments.c.event.in_(part)))
        rows = [{"department": d, "event": key(e.id)} for e in changed for d in dict.fromkeys(e.departments)]
        if rows:
            self._db.execute(event_departments.insert(), rows)


def _kept(event: Event, stored: Event | None) -> Event:
    if stored is None:
        return event
    if stored.version > event.version:
        event = replace(event, **{name: getattr(stored, name) for name in _PEOPLES})
    return replace(event, version=stored.version + 1)


def _row(event: Event) -> dict[str, object]:
    return {
        "id": key(event.id),
        "level": event.level,
        "score": event.score,
        "topic": optional_key(event.topic),
        "area": optional_key(event.area),
        "status": event.status,
        "historic": event.historic,
        "last_at": stamp(event.last_at),
        "detected_at": stamp(event.detected_at),
        "documents": event.documents,
        "version": event.version,
        "body": dump(event),
    }


def _member_row(member: Member) -> dict[str, object]:
    return {
        "document": key(member.document),
        "event": key(member.event),
        "at": stamp(member.at),
        "seen_at": stamp(member.seen_at),
        "body": dump(member),
    }
