"""Whether a document and an event can be of one time and one place.

gap in time → decay;  places of both → a damper where they differ;  both near → `here`
"""

import math
from collections.abc import Collection
from datetime import timedelta

from analysis.events_index import Held, Index
from analysis.events_near import known_places, other_object, subject
from analysis.events_people import by_machine
from analysis.events_words import SLOW_KINDS, Read
from storage.types import Office

_DAYS_SLOW, _DAYS_SOCIAL, _DAYS = 300.0, 1.0, 6.0  #: time constants of the decay: board and hotline, social, others
# Those of short texts were chosen on benchmarks/events_flash.py (new matters in an office that has seen the like
# elsewhere) and on the sample town.
_ELSEWHERE = {True: 0.6, False: 0.02}  #: another named place: of a letter, of a short text, which names one place only
_NOWHERE = 0.1  #: a short text names a place, the event none, and it has been silent
_FRESH = timedelta(hours=6)  #: silence within which one place speaks for one matter of short texts


def young(doc: Read, held: Held) -> bool:
    """Whether the event began within hours of the document."""
    return doc.at - held.first_at <= _FRESH


class Where:
    """The office's places, and how near a document is to an event."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def nearness(self, doc: Read, held: Held) -> tuple[float, bool]:
        """Decay with the time between document and event, with a damper where they name different places; and whether a
        short text is of this hour and of this place."""
        gap = max(held.first_at - doc.at, doc.at - held.last_at, timedelta(0))
        slow, social = doc.kind in SLOW_KINDS, doc.kind in ("social", "hotlist")
        days = _DAYS_SLOW if held.slow or slow else _DAYS_SOCIAL if social else _DAYS
        near = math.exp(-gap / timedelta(days=days))
        mine, theirs = self._specific(doc.places), self._specific(known_places(held))
        same = bool(mine & theirs)
        if mine and theirs and not same:
            near *= _ELSEWHERE[slow]
        elif mine and not theirs and not slow and gap > _FRESH:
            near *= _NOWHERE
        here = same and not slow and gap <= _FRESH
        return near * subject(doc, held, same, here) * other_object(doc, held), here

    def elsewhere(self, doc: Read, held: Held) -> bool:
        """Whether both name places and none lies in the other's."""
        mine, theirs = self._specific(doc.places), self._specific(known_places(held))
        return bool(mine and theirs) and not mine & theirs

    def _specific(self, places: Collection[str]) -> set[str]:
        """Places below the office's own area, with what they lie in."""
        found = set()
        for place_id in places:
            place = self._office.places.get(place_id)
            while place is not None and place.id != self._office.home:
                found.add(place.id)
                place = self._office.places.get(place.parent) if place.parent else None
        return found


def may_leave(doc: Read, held: Held) -> bool:
    """Whether a copy of a post of this event may be of another: short, of hours, and shaped by no person."""
    fast = not held.slow and doc.kind not in SLOW_KINDS
    return bool(doc.places) and fast and held.closed_at is None and young(doc, held) and by_machine(held)


def was_drawn(index: Index, where: Where, doc: Read, first: str) -> bool:
    """After a restart: whether this copy of `first` had left for the event that it is in, being free to."""
    kept, into = index.documents.get(first), index.events[index.documents[doc.id].event]
    held = index.events.get(kept.event) if kept is not None else None
    if held is None or held is into or not may_leave(doc, held):
        return False
    refused = other_object(doc, held) < 1 or where.elsewhere(doc, held)
    return not refused and young(doc, into) and by_machine(into)
