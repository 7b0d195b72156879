"""The ledger's tables. Times are microseconds since 1970 (`codec.stamp`); `body` is the value as JSON.

A change here needs a step in `storage/migrations/versions`; a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()
_Key = BigInteger().with_variant(Integer, "sqlite")  #: only INTEGER PRIMARY KEY counts up in SQLite


def _time(name: str, *, nullable: bool = True) -> "Column[int]":
    return Column(name, BigInteger, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> "Column[str]":
    return Column(name, Text, nullable=nullable)


def _counter(name: str = "seq") -> "Column[int]":
    return Column(name, _Key, primary_key=True, autoincrement=True)


def _id(name: str = "id") -> "Column[str]":
    return Column(name, Text, primary_key=True)


intake = Table(
    "intake", metadata,
    _counter(), _text("document"), _text("digest"), _text("body"), _time("received_at", nullable=False),
    Column("attempts", Integer, nullable=False), _text("owner", nullable=True), _time("lease_until"),
    _time("parked_at"), _text("reason", nullable=True),
    UniqueConstraint("document", "digest"),
    Index("intake_waiting", "seq", sqlite_where=text("parked_at IS NULL"), postgresql_where=text("parked_at IS NULL")),
    Index("intake_owner", "owner"),
    sqlite_autoincrement=True,
)  # fmt: skip

events = Table(
    "events", metadata,
    _id(), Column("level", Integer, nullable=False), Column("score", Float, nullable=False),
    _text("topic", nullable=True), _text("area", nullable=True), _text("status"),
    Column("historic", Boolean, nullable=False), _time("last_at", nullable=False), _time("detected_at", nullable=False),
    Column("documents", Integer, nullable=False), Column("version", Integer, nullable=False), _text("body"),
    Index("events_level", "level", "last_at"), Index("events_last", "last_at"), Index("events_detected", "detected_at"),
    Index("events_listed", "historic", "status", "level", "score", "last_at", "detected_at", "documents", "topic",
          "area", "id"),
)  # fmt: skip

event_departments = Table(
    "event_departments", metadata,
    _id("department"), _id("event"),
    Index("event_departments_event", "event"),
)  # fmt: skip

event_aliases = Table("event_aliases", metadata, _id("old"), _text("into"), Index("event_aliases_into", "into"))

members = Table(
    "members", metadata,
    _id("document"), _text("event"), _time("at", nullable=False), _time("seen_at", nullable=False), _text("body"),
    Index("members_event", "event", "at", "document"), Index("members_seen", "seen_at", "document"),
)  # fmt: skip

level_changes = Table(
    "level_changes", metadata,
    _counter(), _text("event"), _time("at", nullable=False), _text("body"),
    Index("level_changes_event", "event", "seq"),
    sqlite_autoincrement=True,
)  # fmt: skip

alerts = Table(
    "alerts", metadata,
    _id(), _text("event"), _text("department"), _time("opened_at", nullable=False), _time("closed_at"),
    _time("next_action_at"), _text("body"),
    Index(
        "alerts_one_open", "event", "department", unique=True,
        sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL"),
    ),
    Index("alerts_event", "event"),
)  # fmt: skip

tasks = Table(
    "tasks", metadata,
    _id(), _text("event"), _text("alert"), _text("department"), _text("state"),
    Column("level", Integer, nullable=False),
    _text("assignee", nullable=True), Column("historic", Boolean, nullable=False), _time("created_at", nullable=False),
    _time("due_at"), _time("signed_at"), _time("closed_at"), Column("version", Integer, nullable=False), _text("body"),
    Index("tasks_department", "department", "due_at"), Index("tasks_event", "event"), Index("tasks_due", "due_at"),
    Index("tasks_state", "state"),
    Index("tasks_listed", "historic", "state", "department", "due_at", "level", "created_at", "assignee", "event",
          "signed_at", "id"),
)  # fmt: skip

replies = Table(
    "replies", metadata,
    _id(), Column("version", Integer, primary_key=True, autoincrement=False), _text("task"),
    _time("created_at", nullable=False), _text("body"),
    Index("replies_task", "task"),
)  # fmt: skip

outbox = Table(
    "outbox", metadata,
    _id(), _text("idem_key"), _text("alert", nullable=True), _text("task", nullable=True), _text("recipient"),
    _text("status"), Column("urgent", Boolean, nullable=False), _time("created_at", nullable=False),
    _time("not_before", nullable=False), _time("next_at"), _time("lease_until"), _text("lease_owner", nullable=True),
    _time("sent_at"), _text("body"),
    UniqueConstraint("idem_key"),
    Index("outbox_due", "status", "not_before"), Index("outbox_task", "task"), Index("outbox_alert", "alert"),
    Index("outbox_recipient", "recipient", "sent_at"),
)  # fmt: skip

frontier = Table(
    "frontier", metadata,
    _counter(), _text("source"), _text("url"), _text("host"), _text("what"), Column("depth", Integer, nullable=False),
    Column("active", Boolean, nullable=False), Column("attempts", Integer, nullable=False), _time("due_at"),
    _text("owner", nullable=True), _time("lease_until"), _text("etag", nullable=True), _text("modified", nullable=True),
    _text("fingerprint", nullable=True), _text("hint"), _text("reason", nullable=True), _time("changed_at"),
    UniqueConstraint("source", "url"),
    Index("frontier_due", "active", "due_at"),
    sqlite_autoincrement=True,
)  # fmt: skip

hosts = Table(
    "hosts", metadata, _id("host"), _text("owner"), _text("url"), _time("lease_until", nullable=False),
)  # fmt: skip

source_hours = Table(
    "source_hours", metadata,
    _id("source"), Column("hour", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, Integer, nullable=False)
      for name in ("polled", "unchanged", "new", "updated", "duplicate", "rejected", "errors")),
    Column("delay_seconds", Float, nullable=False), _text("last_error", nullable=True),
    Index("source_hours_hour", "hour"),
)  # fmt: skip

source_reasons = Table(
    "source_reasons", metadata,
    _id("source"), Column("hour", BigInteger, primary_key=True, autoincrement=False), _id("reason"),
    Column("count", Integer, nullable=False),
    Index("source_reasons_hour", "hour"),
)  # fmt: skip

raw_pages = Table(
    "raw_pages", metadata,
    _id("hash"), _text("url"), _text("source"), _time("fetched_at", nullable=False),
    Column("status", Integer, nullable=False), _text("content_type"), Column("body", LargeBinary, nullable=False),
    Index("raw_pages_fetched", "fetched_at"),
)  # fmt: skip

ranks = Table(
    "ranks", metadata,
    _id("source"), Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("rank", Integer, primary_key=True, autoincrement=False), _text("title"), _text("url"),
    Column("heat", Float, nullable=True),
)  # fmt: skip

users = Table(
    "users", metadata,
    _id("name"), Column("active", Boolean, nullable=False), Column("session_epoch", Integer, nullable=False),
    _text("body"),
)  # fmt: skip

login_links = Table(
    "login_links", metadata, _id("hash"), _text("user"), _time("expires_at", nullable=False), _time("used_at"),
)  # fmt: skip

sessions = Table(
    "sessions", metadata,
    _id("hash"), _text("user"), Column("epoch", Integer, nullable=False), _time("expires_at", nullable=False),
    _text("about"),
    Index("sessions_user", "user"),
)  # fmt: skip

attempts = Table(
    "attempts", metadata,
    _counter(), _text("key"), _time("at", nullable=False),
    Index("attempts_key", "key", "at"),
)  # fmt: skip

tokens = Table("tokens", metadata, _id("hash"), _text("name"), _text("scopes"), _time("expires_at"))

audit = Table(
    "audit", metadata,
    Column("seq", _Key, primary_key=True, autoincrement=False), _time("at", nullable=False), _text("actor"),
    _text("object"), _text("body"), _text("previous_hash"), _text("hash"),
    Index("audit_object", "object", "seq"), Index("audit_actor", "actor", "seq"),
)  # fmt: skip

audit_head = Table(
    "audit_head", metadata,
    Column("one", Integer, primary_key=True, autoincrement=False), Column("seq", BigInteger, nullable=False),
    _text("hash"),
)  # fmt: skip

corrections = Table(
    "corrections", metadata,
    _id(), _text("document"), _time("at", nullable=False), _time("undone_at"), _text("body"),
    Index("corrections_document", "document"),
)  # fmt: skip

notes = Table("notes", metadata, _id("key"), _text("value"))

locks = Table("locks", metadata, _id("name"), _text("owner"), _time("until", nullable=False))
