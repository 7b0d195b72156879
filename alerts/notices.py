"""Rows of the outbox: one decision to tell one recipient becomes one row per channel that is used at once.

The address of a row carries the channels that are left for fail-over, so that what follows a failure needs no lookup.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.duty import Contact, contact
from alerts.identity import idem_key
from alerts.messages import clean, event_link, subject, task_body
from storage.types import Delivery, DeliveryStatus, DutyShift, Level, Office, Task, User

#: the highest level goes out on this many channels at once (RESPONSE_RULES 2.7: IM and SMS in parallel)
PARALLEL_CHANNELS = 2
#: what a signature or a newer message makes pointless; everything else (a breach, a ruling, a refusal) must arrive,
#: so its rows do not carry the alert by which `outbox.supersede` finds what is out of date
OUTDATED_BY_NEWS = frozenset(
    {
        "FIRST",
        "NEW_DEPT",
        "REFLARE",
        "UPDATED",
        "LEVEL_UP",
        "LEVEL_DOWN",
        "REPEAT_UNSIGNED",
        "UNSIGNED",
        "INFORMED",
        "REARM",
    }
    | {f"DEADLINE_{percent}" for percent in range(1, 100)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What is needed to reach people: the roster and the users, both possibly empty."""

    duty: Sequence[DutyShift] | None = None  #: None = office.duty
    users: Mapping[str, User] | None = None


NOBODY = Reach()


def for_task(
    reason: str,
    task: Task,
    recipient: str,
    epoch: str,
    office: Office,
    now: datetime,
    *,
    not_before: datetime | None = None,
    channels: Sequence[str] = (),
    reach: Reach = NOBODY,
) -> list[Delivery]:
    """Tell one recipient something about a task."""
    return compose(
        reason,
        epoch,
        contact(recipient, office, now, duty=reach.duty, users=reach.users),
        office,
        now,
        subject_text=subject(reason, task.level, task.title, office),
        body=task_body(reason, task, office, now),
        level=task.level,
        alert=task.alert or None if reason in OUTDATED_BY_NEWS else None,
        task=task.id,
        not_before=not_before,
        channels=channels,
    )


def for_event(
    reason: str,
    event: str,
    title: str,
    level: Level,
    alert: str | None,
    recipient: str,
    epoch: str,
    office: Office,
    now: datetime,
    *,
    not_before: datetime | None = None,
    channels: Sequence[str] = (),
    reach: Reach = NOBODY,
) -> list[Delivery]:
    """Tell one recipient something about an event that he has no task for."""
    line = subject(reason, level, title, office)
    return compose(
        reason,
        epoch,
        contact(recipient, office, now, duty=reach.duty, users=reach.users),
        office,
        now,
        subject_text=line,
        body=f"{line}\n请登录系统查看：{event_link(event, office)}",
        level=level,
        alert=alert,
        task=None,
        not_before=not_before,
        channels=channels,
    )


def system(
    reason: str, epoch: str, text: str, office: Office, now: datetime, *, urgent: bool = True, reach: Reach = NOBODY
) -> list[Delivery]:
    """A message of the system about itself, to the duty post."""
    who = contact(office.duty_post, office, now, duty=reach.duty, users=reach.users)
    rows = compose(reason, epoch, who, office, now, subject_text=clean(text, 80), body=text, level=0)
    return [replace(row, urgent=urgent) for row in rows]


def compose(
    reason: str,
    epoch: str,
    who: Contact,
    office: Office,
    now: datetime,
    *,
    subject_text: str,
    body: str,
    level: Level,
    alert: str | None = None,
    task: str | None = None,
    not_before: datetime | None = None,
    channels: Sequence[str] = (),
) -> list[Delivery]:
    """The rows of one message: the first channel, or the first two at the highest level."""
    order = tuple(channels) or who.channels
    at_once = PARALLEL_CHANNELS if level == len(office.levels) else 1
    rule = office.rule(level)
    rows = []
    for channel in order[:at_once]:
        key = idem_key(alert or task, reason, epoch, who.recipient, channel)
        rows.append(
            Delivery(
                id="d-" + key[:24],
                idem_key=key,
                alert=alert,
                task=task,
                reason=reason,
                epoch=epoch,
                recipient=who.recipient,
                channel=channel,
                subject=subject_text,
                body=body,
                created_at=now,
                not_before=max(now, not_before) if not_before is not None else now,
                urgent=rule is not None and rule.urgent,
                address={**who.address, "failover": ",".join(order[at_once:])},
            )
        )
    return rows


def suppressed(
    reason: str, alert: str | None, task: str | None, recipient: str, epoch: str, why: str, now: datetime
) -> Delivery:
    """A message that was decided against: stored with its reason and shown to staff, never sent."""
    status: DeliveryStatus = "suppressed"
    key = idem_key(alert or task, reason, epoch, recipient, "")
    return Delivery(
        id="d-" + key[:24],
        idem_key=key,
        alert=alert,
        task=task,
        reason=reason,
        epoch=epoch,
        recipient=recipient,
        channel="",
        subject=why,
        body="",
        created_at=now,
        not_before=now,
        status=status,
    )
