"""The first schema of the ledger.

Revision ID: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REFUSE_SQLITE = """
CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END
"""
_REFUSE_POSTGRESQL = (
    """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is append-only';
END $$
""",
    """
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_append_only()
""",
    """
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()
""",
)


def upgrade() -> None:
    _work()
    _tasks()
    _sources()
    _people()
    _records()
    if op.get_bind().dialect.name == "postgresql":
        for statement in _REFUSE_POSTGRESQL:
            op.execute(statement)
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(_REFUSE_SQLITE.format(verb=verb))


def _work() -> None:
    op.create_table(
        "intake",
        _counter("seq", key=True), _text("document"), _text("digest"), _text("body"), _big("received_at"),
        _int("attempts"), _text("owner", null=True), _big("lease_until", null=True), _big("parked_at", null=True),
        _text("reason", null=True), sa.UniqueConstraint("document", "digest"), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("intake_owner", "intake", ["owner"])
    op.create_index("intake_waiting", "intake", ["seq"], **_where("parked_at IS NULL"))
    op.create_table(
        "events",
        _text("id", key=True), _int("level"), _real("score"), _text("topic", null=True), _text("area", null=True),
        _text("status"), _flag("historic"), _big("last_at"), _big("detected_at"), _int("documents"), _int("version"),
        _text("body"),
    )  # fmt: skip
    op.create_index("events_detected", "events", ["detected_at"])
    op.create_index("events_last", "events", ["last_at"])
    op.create_index("events_level", "events", ["level", "last_at"])
    op.create_table(
        "event_departments",
        _text("department", key=True), _text("event", key=True),
    )  # fmt: skip
    op.create_index("event_departments_event", "event_departments", ["event"])
    op.create_table(
        "event_aliases",
        _text("old", key=True), _text("into"),
    )  # fmt: skip
    op.create_index("event_aliases_into", "event_aliases", ["into"])
    op.create_table(
        "members",
        _text("document", key=True), _text("event"), _big("at"), _big("seen_at"), _text("body"),
    )  # fmt: skip
    op.create_index("members_event", "members", ["event", "at", "document"])
    op.create_index("members_seen", "members", ["seen_at", "document"])
    op.create_table(
        "level_changes",
        _counter("seq", key=True), _text("event"), _big("at"), _text("body"), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("level_changes_event", "level_changes", ["event", "seq"])


def _tasks() -> None:
    op.create_table(
        "alerts",
        _text("id", key=True), _text("event"), _text("department"), _big("opened_at"), _big("closed_at", null=True),
        _big("next_action_at", null=True), _text("body"),
    )  # fmt: skip
    op.create_index("alerts_event", "alerts", ["event"])
    op.create_index("alerts_one_open", "alerts", ["event", "department"], unique=True, **_where("closed_at IS NULL"))
    op.create_table(
        "tasks",
        _text("id", key=True), _text("event"), _text("alert"), _text("department"), _text("state"), _int("level"),
        _text("assignee", null=True), _flag("historic"), _big("created_at"), _big("due_at", null=True),
        _big("signed_at", null=True), _big("closed_at", null=True), _int("version"), _text("body"),
    )  # fmt: skip
    op.create_index("tasks_department", "tasks", ["department", "due_at"])
    op.create_index("tasks_due", "tasks", ["due_at"])
    op.create_index("tasks_event", "tasks", ["event"])
    op.create_index("tasks_state", "tasks", ["state"])
    op.create_table(
        "replies",
        _text("id", key=True), _int("version", key=True), _text("task"), _big("created_at"), _text("body"),
    )  # fmt: skip
    op.create_index("replies_task", "replies", ["task"])
    op.create_table(
        "outbox",
        _text("id", key=True), _text("idem_key"), _text("alert", null=True), _text("task", null=True),
        _text("recipient"), _text("status"), _flag("urgent"), _big("created_at"), _big("not_before"),
        _big("next_at", null=True), _big("lease_until", null=True), _text("lease_owner", null=True),
        _big("sent_at", null=True), _text("body"), sa.UniqueConstraint("idem_key"),
    )  # fmt: skip
    op.create_index("outbox_alert", "outbox", ["alert"])
    op.create_index("outbox_due", "outbox", ["status", "not_before"])
    op.create_index("outbox_recipient", "outbox", ["recipient", "sent_at"])
    op.create_index("outbox_task", "outbox", ["task"])


def _sources() -> None:
    op.create_table(
        "frontier",
        _counter("seq", key=True), _text("source"), _text("url"), _text("host"), _text("what"), _int("depth"),
        _flag("active"), _int("attempts"), _big("due_at", null=True), _text("owner", null=True),
        _big("lease_until", null=True), _text("etag", null=True), _text("modified", null=True),
        _text("fingerprint", null=True), _text("hint"), _text("reason", null=True), _big("changed_at", null=True),
        sa.UniqueConstraint("source", "url"), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("frontier_due", "frontier", ["active", "due_at"])
    op.create_table(
        "hosts",
        _text("host", key=True), _text("owner"), _text("url"), _big("lease_until"),
    )  # fmt: skip
    op.create_table(
        "source_hours",
        _text("source", key=True), _big("hour", key=True), _int("polled"), _int("unchanged"), _int("new"),
        _int("updated"), _int("duplicate"), _int("rejected"), _int("errors"), _real("delay_seconds"),
        _text("last_error", null=True),
    )  # fmt: skip
    op.create_index("source_hours_hour", "source_hours", ["hour"])
    op.create_table(
        "raw_pages",
        _text("hash", key=True), _text("url"), _text("source"), _big("fetched_at"), _int("status"),
        _text("content_type"), _blob("body"),
    )  # fmt: skip
    op.create_index("raw_pages_fetched", "raw_pages", ["fetched_at"])
    op.create_table(
        "ranks",
        _text("source", key=True), _big("at", key=True), _int("rank", key=True), _text("title"), _text("url"),
        _real("heat", null=True),
    )  # fmt: skip


def _people() -> None:
    op.create_table(
        "users",
        _text("name", key=True), _flag("active"), _int("session_epoch"), _text("body"),
    )  # fmt: skip
    op.create_table(
        "login_links",
        _text("hash", key=True), _text("user"), _big("expires_at"), _big("used_at", null=True),
    )  # fmt: skip
    op.create_table(
        "sessions",
        _text("hash", key=True), _text("user"), _int("epoch"), _big("expires_at"), _text("about"),
    )  # fmt: skip
    op.create_index("sessions_user", "sessions", ["user"])
    op.create_table(
        "attempts",
        _counter("seq", key=True), _text("key"), _big("at"),
    )  # fmt: skip
    op.create_index("attempts_key", "attempts", ["key", "at"])
    op.create_table(
        "tokens",
        _text("hash", key=True), _text("name"), _text("scopes"), _big("expires_at", null=True),
    )  # fmt: skip


def _records() -> None:
    op.create_table(
        "audit",
        _counter("seq", key=True, counts=False), _big("at"), _text("actor"), _text("object"), _text("body"),
        _text("previous_hash"), _text("hash"),
    )  # fmt: skip
    op.create_index("audit_actor", "audit", ["actor", "seq"])
    op.create_index("audit_object", "audit", ["object", "seq"])
    op.create_table(
        "audit_head",
        _int("one", key=True), _big("seq"), _text("hash"),
    )  # fmt: skip
    op.create_table(
        "corrections",
        _text("id", key=True), _text("document"), _big("at"), _big("undone_at", null=True), _text("body"),
    )  # fmt: skip
    op.create_index("corrections_document", "corrections", ["document"])
    op.create_table(
        "notes",
        _text("key", key=True), _text("value"),
    )  # fmt: skip
    op.create_table(
        "locks",
        _text("name", key=True), _text("owner"), _big("until"),
    )  # fmt: skip


def _column(name: str, kind: Any, key: bool = False, null: bool = False, counts: bool = False) -> "sa.Column[Any]":
    return sa.Column(name, kind, primary_key=key, nullable=null, autoincrement=counts)


def _text(name: str, **options: bool) -> "sa.Column[Any]":
    return _column(name, sa.Text(), **options)


def _big(name: str, **options: bool) -> "sa.Column[Any]":
    return _column(name, sa.BigInteger(), **options)


def _int(name: str, **options: bool) -> "sa.Column[Any]":
    return _column(name, sa.Integer(), **options)


def _real(name: str, **options: bool) -> "sa.Column[Any]":
    return _column(name, sa.Float(), **options)


def _flag(name: str, **options: bool) -> "sa.Column[Any]":
    return _column(name, sa.Boolean(), **options)


def _blob(name: str, **options: bool) -> "sa.Column[Any]":
    return _column(name, sa.LargeBinary(), **options)


def _counter(name: str, *, key: bool, counts: bool = True) -> "sa.Column[Any]":
    return _column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), key=key, counts=counts)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
