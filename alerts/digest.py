"""Several calm messages to one recipient that are due at once become one: the morning's list instead of a volley.

claimed rows ─ bundle ─→ (row to send, ids it stands for) … send each once, finish all its ids with the outcome
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.delivery import UNKNOWN
from storage.types import Delivery

#: so many calm messages to the same recipient are worth a list
MIN_BUNDLE = 3
#: of messages that waited for the morning two are: the night has one list
MIN_NIGHT = 2
#: a message that waited longer than any grouping has waited for the end of quiet hours
NIGHT = timedelta(minutes=30)
#: what the system says of itself has a body of its own that no list may cut
_WHOLE = frozenset({"HEARTBEAT", "WATCHDOG", "CHANNEL_DEAD", "DIGEST", "TEST", "REPORT", "BURST"})
#: a list longer than this sends the reader to the system instead
MAX_LINES = 20


def bundle(rows: Iterable[Delivery]) -> list[tuple[Delivery, tuple[str, ...]]]:
    """What to send for claimed rows, in their order.

    Alone stand urgent ones, what the system says of itself, and the repeat of one that may have arrived: it says so.
    """
    groups: dict[tuple[str, str], list[Delivery]] = {}
    order: list[tuple[Delivery, tuple[str, str] | None]] = []
    for row in rows:
        alone = row.urgent or row.provider_code == UNKNOWN or row.reason in _WHOLE
        key = None if alone else (row.recipient, row.channel)
        if key is not None:
            groups.setdefault(key, []).append(row)
        order.append((row, key))
    sent: list[tuple[Delivery, tuple[str, ...]]] = []
    done: set[tuple[str, str]] = set()
    for row, key in order:
        if key is None or not _worth_a_list(groups[key]):
            sent.append((row, (row.id,)))
        elif key not in done:
            done.add(key)
            sent.append((_list(groups[key]), tuple(r.id for r in groups[key])))
    return sent


def _worth_a_list(rows: Sequence[Delivery]) -> bool:
    waited = all(row.not_before - row.created_at > NIGHT for row in rows)
    return len(rows) >= (MIN_NIGHT if waited else MIN_BUNDLE)


def _list(rows: Sequence[Delivery]) -> Delivery:
    """The first row, carrying the subjects of all of them."""
    lines = [f"{n}. {row.subject}" for n, row in enumerate(rows[:MAX_LINES], 1)]
    if len(rows) > MAX_LINES:
        lines.append(f"……另有 {len(rows) - MAX_LINES} 项")
    last = rows[0].body.rstrip().rsplit("\n", 1)[-1]
    link = last.partition("/tasks/")[0].partition("/events/")[0].rpartition("：")[2]
    lines.append(f"请登录系统办理：{link}/tasks")
    return replace(rows[0], subject=f"【汇总】{len(rows)} 项动态", body="\n".join(lines))
