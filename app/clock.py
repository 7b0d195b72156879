"""The only place where the time is read. Everything else is handed `now` or a clock."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, with zone UTC."""
    return datetime.now(UTC)
