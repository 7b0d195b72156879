"""Indices that hold all that a list of events or tasks filters, sorts and counts by: its bodies are read for one page.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"

EVENTS = ["historic", "status", "level", "score", "last_at", "detected_at", "documents", "topic", "area", "id"]
TASKS = ["historic", "state", "department", "due_at", "level", "created_at", "assignee", "event", "signed_at", "id"]


def upgrade() -> None:
    op.create_index("events_listed", "events", EVENTS)
    op.create_index("tasks_listed", "tasks", TASKS)
