"""What a silence or an umbrella held back is said when it ends, if the matter still waits for its signature.

RESPONSE_RULES 2.7: after the wider event closes, "the child notifies again if still active". The rows that were muted
stay as they are, with their reason; the department gets one reminder with what is true now.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from alerts.notices import NOBODY, Reach, for_task
from alerts.silences import Silence, Umbrella, inhibited, mute, send_time, silenced
from storage.types import Delivery, Event, Office, Task


def unmuted(
    tasks: Iterable[Task],
    events: Mapping[str, Event],
    ended: tuple[Sequence[Silence], Sequence[Umbrella]],
    holding: tuple[Sequence[Silence], Sequence[Umbrella]],
    office: Office,
    now: datetime,
    reach: Reach = NOBODY,
) -> Iterator[Delivery]:
    """One reminder for each unsigned task that `ended` covered and `holding` does not. The end names the epoch, so
    that the same end never reminds twice."""
    for task in tasks:
        event = events.get(task.event)
        if event is None or event.status == "closed" or task.state != "dispatched":
            continue
        code = _covered(task, event, *ended, office)
        if code is None or mute("REPEAT_UNSIGNED", event, task.department, *holding, office, now) is not None:
            continue
        when = send_time("REPEAT_UNSIGNED", task.level, task.deadlines, office, now)
        yield from for_task(
            "REPEAT_UNSIGNED", task, task.department, f"unmuted|{code}", office, now, not_before=when, reach=reach
        )


def _covered(
    task: Task, event: Event, silences: Sequence[Silence], umbrellas: Sequence[Umbrella], office: Office
) -> str | None:
    """Which of the ended ones covered the task while it held."""
    for row in silences:
        if silenced(event, task.department, (row,), office, row.start) is not None:
            return f"silence|{row.id}"
    over = inhibited(event, task.department, umbrellas)
    return f"umbrella|{over.event}|{task.dispatched_at}" if over is not None else None
