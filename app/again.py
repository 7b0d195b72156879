"""A document that was delivered before: it stays what it was, where it was, and when it came in.

    known members ─as_known→ no history ─assess→ grouped: the same event ─member_again→ the member, or nothing new

The running program and a replay both go through here, so that a second delivery is the same nothing in both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.events import Assignment, Grouper
from storage.types import Assessment, Document, Member, Reason

_KNOWN = (Reason(code="event.known", text="此前已归入该事件"),)


def as_known(document: Document, before: Member | None) -> Document:
    """What came in as a matter of its day does not become history by being delivered again weeks later."""
    if before is None or before.historic or not document.historic:
        return document
    return replace(document, historic=False)


def grouped(
    grouper: Grouper, pairs: Sequence[tuple[Document, Assessment]], known: Mapping[str, Member]
) -> list[Assignment]:
    """As `Grouper.assign`; a known document keeps its event even where the grouper has forgotten it."""
    asked = [pair for pair in pairs if pair[0].id not in known or pair[0].id in grouper]
    given = {a.document: a for a in grouper.assign(asked)}
    found = []
    for document, _ in pairs:
        before, now = known.get(document.id), given.get(document.id)
        if before is None and now is not None:
            found.append(now)
        elif before is not None:
            first = now.duplicate_of if now is not None else before.duplicate_of
            found.append(
                Assignment(document=document.id, event=before.event, alone=False, duplicate_of=first, reasons=_KNOWN)
            )
    return found


def member_again(member: Member, before: Member | None, *, dated: bool) -> Member:
    """The member with the moment at which it was first seen. dated: a time of publication is printed on it.

    Without one its own time is when it came in first: a clock that a second delivery could set back would be none.
    """
    if before is None:
        return member
    at = member.at if dated else min(before.at, member.at)
    return replace(member, at=at, seen_at=min(before.seen_at, member.seen_at))
