"""Who is reached, and how: departments, duty posts with their roster, single users."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from storage.types import DutyShift, Office, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Where messages for one recipient go, channels in order of fail-over."""

    recipient: str  #: department id, duty post or user name
    channels: tuple[str, ...]
    address: Mapping[str, str] = field(default_factory=dict)


def on_duty(post: str, shifts: Iterable[DutyShift], now: datetime) -> DutyShift | None:
    """The shift that runs now (start ≤ now < end); of overlapping ones the later to start has taken over."""
    running = (s for s in shifts if s.post == post and s.start <= now < s.end)
    return max(running, key=lambda s: (s.start, s.user), default=None)


def next_shift(post: str, shifts: Iterable[DutyShift], now: datetime) -> DutyShift | None:
    """Who takes over next, for the page of the hand-over."""
    return min((s for s in shifts if s.post == post and s.start > now), key=lambda s: (s.start, s.user), default=None)


def gaps(post: str, shifts: Iterable[DutyShift], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Spans of [start, end) in which nobody is on duty for a post."""
    found: list[tuple[datetime, datetime]] = []
    covered = start
    for shift in sorted((s for s in shifts if s.post == post), key=lambda s: s.start):
        if shift.start > covered and covered < end:
            found.append((covered, min(shift.start, end)))
        covered = max(covered, shift.end)
    return [*found, (covered, end)] if covered < end else found


def contact(
    recipient: str,
    office: Office,
    now: datetime,
    *,
    duty: Sequence[DutyShift] | None = None,
    users: Mapping[str, User] | None = None,
) -> Contact:
    """Channels and address of a department, a duty post or a user.

    A post's own address comes first; the person on duty fills what it lacks. Who has no channel of his own is
    reached through the duty post's channels, so that nothing is unsent.
    """
    fallback = office.recipients[office.duty_post].channels if office.duty_post in office.recipients else ()
    people = users or {}
    if (unit := office.departments.get(recipient)) is not None:
        address = _address(unit.email, unit.phone)
        if not unit.channels and office.duty_post in office.recipients:
            post = office.recipients[office.duty_post]
            address = {**_address(post.email, post.phone), **address}
        return Contact(recipient=recipient, channels=unit.channels or fallback, address=address)
    if (post_row := office.recipients.get(recipient)) is not None:
        shift = on_duty(recipient, office.duty if duty is None else duty, now)
        person = people.get(shift.user) if shift is not None else None
        address = _address(person.email, person.phone) if person is not None else {}
        address |= _address(post_row.email, post_row.phone)
        if shift is not None:
            address["person"] = shift.user
        return Contact(recipient=recipient, channels=post_row.channels or fallback, address=address)
    user = people.get(recipient)
    address = _address(user.email, user.phone) if user is not None else {}
    home = office.departments.get(user.department or "") if user is not None else None
    return Contact(
        recipient=recipient, channels=(home.channels if home is not None else ()) or fallback, address=address
    )


def _address(email: str | None, phone: str | None) -> dict[str, str]:
    return {k: v for k, v in (("email", email), ("phone", phone)) if v}
