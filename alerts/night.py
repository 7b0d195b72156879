"""A matter that begins and ends in the same quiet time: its department was not told, and hears one line in the morning.

RESPONSE_RULES 2.7, quiet hours: at the end of a deferral a matter that is still active is in the morning's list, one
that is over gives 「夜间已平息」. The deferred first message itself is superseded where the matter ends.
"""

from datetime import datetime

from alerts.calendar import quiet_until
from alerts.notices import NOBODY, Reach, for_task
from alerts.silences import send_time
from storage.types import Delivery, Level, Office, Task


def calmed_until(level: Level, opened_at: datetime, office: Office, now: datetime) -> datetime | None:
    """The morning for which the first word about a matter still waits, when it ends in the same quiet time in which it
    began: its department hears 「夜间已平息」 then, and nothing else. None where the first word has gone out."""
    began = quiet_until(opened_at, office)
    ends = quiet_until(now, office)
    waits = send_time("FIRST", level, (), office, opened_at) > now
    return ends if waits and began == ends and now < ends else None


def calmed(task: Task, office: Office, now: datetime, reach: Reach = NOBODY) -> tuple[Delivery, ...]:
    """The line for a task that is closed now while its department has not signed for it; empty by day."""
    if task.state != "dispatched" or task.dispatched_at is None:
        return ()
    at = calmed_until(task.level, task.dispatched_at, office, now)
    if at is None:
        return ()
    return tuple(for_task("CALMED", task, task.department, f"v{task.version}", office, now, not_before=at, reach=reach))
