"""Ids and hashes that a replay of the same input gives again: nothing here is random, nothing reads a clock."""

import hashlib
from collections.abc import Iterable, Sequence

from storage.types import Deadline, Level, Reason


def digest(*parts: str) -> str:
    """sha256 over length-prefixed parts, so that no two lists of parts collide by joining."""
    h = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        h.update(len(data).to_bytes(8, "big"))
        h.update(data)
    return h.hexdigest()


def alert_id(event: str, department: str, previous: str | None = None) -> str:
    """One per (event, department) and flare-up."""
    return "a-" + digest("alert", event, department, previous or "")[:24]


def task_id(event: str, department: str, previous: str | None = None) -> str:
    return "t-" + digest("task", event, department, previous or "")[:24]


def reply_id(task: str, version: int) -> str:
    return "r-" + digest("reply", task, str(version))[:24]


def idem_key(alert: str | None, reason: str, epoch: str, recipient: str, channel: str) -> str:
    """Replays cannot double a message, true repeats can: they have another epoch."""
    return digest("send", alert or "system", reason, epoch, recipient, channel)


def content_hash(
    level: Level, reasons: Iterable[Reason], departments: Iterable[str], deadlines: Sequence[Deadline]
) -> str:
    """Over what an official must know again when it changes: never over heat figures, comments or notes.

    Of a reason only its code counts (texts carry figures), of a clock only its rule (moments follow from it).
    """
    codes = sorted({r.code for r in reasons})
    clocks = sorted({f"{d.step}|{d.kind}|{d.basis}|{d.hours}|{d.workdays}" for d in deadlines if d.kind == "statutory"})
    return digest("content", str(level), *codes, "|", *sorted(set(departments)), "|", *clocks)
