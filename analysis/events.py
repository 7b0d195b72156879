"""What is one matter: documents join events as they come.

    batch ─read→ in one fixed order ─thread? reply? near-duplicate? → that event
                                    └─words weighted by rarity, place, time → the likeliest event, or a new one

Online and single-pass (Allan et al. 1998, topic detection and tracking): an event is the mean of its documents' word
vectors; a document is compared with at most two dozen events that share its rarest words. An event's id comes from its
first document, so growth never renames it. The machine never moves a document once it is placed; staff merge, split
and pin, and nothing undoes that.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from analysis.events_index import Held, Index
from analysis.events_kept import Vector
from analysis.events_near import MOST, known_places, other_object, subject
from analysis.events_people import event_id, merge, move, split, split_id
from analysis.events_proof import least, proven
from analysis.events_words import SLOW_KINDS, Read, area_words, by_arrival, read, read_row, usual
from analysis.neardup import Window, signatures
from storage.types import Assessment, Document, Office, Reason, StoredDocument

FLARE_UP = timedelta(hours=72)
_BIGGER = 0.08  #: what each doubling of an event adds to its claim
_DAYS_SLOW, _DAYS_SOCIAL, _DAYS = 300.0, 1.0, 6.0  #: time constants of the decay: board and hotline, social, others
# Those of short texts were chosen on benchmarks/events_flash.py (new matters in an office that has seen the like
# elsewhere) and on the sample town.
_ELSEWHERE = {True: 0.6, False: 0.02}  #: another named place: of a letter, of a short text, which names one place only
_NOWHERE = 0.1  #: a short text names a place, the event none, and it has been silent
_FRESH = timedelta(hours=6)  #: silence within which one place speaks for one matter of short texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Where one document belongs."""

    document: str
    event: str  #: "ev" and 16 hexadecimal digits; stable
    alone: bool  #: the event has this one document so far
    duplicate_of: str | None = None  #: the first document with nearly the same text
    previous: str | None = None  #: the closed event that a new one is a flare-up of
    reasons: tuple[Reason, ...] = ()


class Grouper:
    """The events of the window. Not thread-safe: one worker owns it."""

    def __init__(self, office: Office, *, window_days: float = 14) -> None:
        self._office = office
        self._areas = area_words(office.places.values())
        self._window = timedelta(days=window_days)
        self._clear()

    def _clear(self) -> None:
        self._index = Index(window=self._window, usual=usual())
        self._near = Window(span=self._window)
        self._threads: dict[str, str] = {}  # a thread whose opener has not been seen → the event of its floors
        self._alias: dict[str, str] = {}
        self._now: datetime | None = None

    def rebuild(self, rows: Iterable[StoredDocument]) -> None:
        """Take the store's documents (oldest first) with the events they are in; then go on as if never stopped."""
        self._clear()
        for row in by_arrival(rows):
            doc = read_row(row, self._areas)
            if doc.id in self._index.documents:
                continue
            self._tick(doc)
            signature = doc.signature or signatures([doc.text])[0]
            self._near.add(doc.id, signature, doc.at, row.duplicate_of)
            event = row.event or event_id(doc.id)
            if not self._repeat(event, doc, row.duplicate_of):
                self._place(event, doc, self._index.weigh(doc))

    def assign(self, batch: Sequence[tuple[Document, Assessment]]) -> list[Assignment]:
        """One Assignment per document, in the order given. The order within the batch changes nothing.

        A document that was assigned before keeps its event: a second delivery changes nothing.
        """
        texts = sorted((read(d, a, self._areas) for d, a in batch), key=lambda d: d.order, reverse=True)
        docs = sorted({d.id: d for d in texts}.values(), key=lambda d: d.order)  # of two deliveries the first counts
        missing = [d for d in docs if not d.signature]
        own = dict(zip([d.id for d in missing], signatures([d.text for d in missing]), strict=True))
        given = [own.get(d.id, d.signature) for d in docs]
        near = self._near.assign([d.id for d in docs], given, [d.at for d in docs], settled=False)
        done = {}
        for d, other in zip(docs, near, strict=True):
            done[d.id] = self._one(d, self._near.first(other))
            self._near.settle(d.id, done[d.id].duplicate_of)
        return [done[d.id] for d, _ in batch]

    def decide(
        self, *, kind: Literal["merge", "split", "pin"], event: str, other: str = "", documents: Sequence[str] = ()
    ) -> str:
        """A person's decision; later documents follow it and the machine never undoes it.

        merge: `other` and `event` become one, the older id stays. split: `documents` leave `event` for a new one
        (`other` where its id is given). pin: `documents` belong to `event`. Returns the id that holds from now on. An
        event that has left the window needs nothing more than the caller's own record.
        """
        index = self._index
        if kind == "merge":
            kept, gone = merge(index, self.resolve(event), self.resolve(other))
            self._alias[gone] = kept
            return kept
        into = self.resolve(event) if kind == "pin" else other or split_id(event, documents, index)
        (move if kind == "pin" else split)(index, documents, into)
        return into

    def close(self, event: str, at: datetime | None = None) -> None:
        """The event is over: no document joins it; one that would within 72 hours begins a flare-up that names it."""
        held = self._index.events.get(self.resolve(event))
        if held is not None:
            held.closed_at = at or self._now or held.seen_at

    def resolve(self, event: str) -> str:
        """The id that an event goes by after merges."""
        seen = set()
        while event in self._alias and event not in seen:
            seen.add(event)
            event = self._alias[event]
        return event

    def __len__(self) -> int:
        """Documents in the window."""
        return len(self._index.documents)

    def __contains__(self, document: str) -> bool:
        """Whether the document is in the window."""
        return document in self._index.documents

    def _tick(self, doc: Read) -> None:
        self._now = doc.seen_at if self._now is None else max(self._now, doc.seen_at)
        self._index.expire(self._now)

    def _one(self, doc: Read, duplicate_of: str | None) -> Assignment:
        known = self._index.documents.get(doc.id)
        if known is not None:
            held, first = self._index.events.get(known.event), self._original(doc, known.event, duplicate_of)
            alone, reason = held is None or held.count == 1, Reason(code="event.known", text="此前已归入该事件")
            return Assignment(document=doc.id, event=known.event, alone=alone, duplicate_of=first, reasons=(reason,))
        self._tick(doc)
        linked = self._linked(doc, duplicate_of)
        vector = self._index.weigh(doc) if linked is None or not self._original(doc, linked[0], duplicate_of) else None
        found = linked or (self._likely(doc, vector) if vector is not None else None)
        first = self._original(doc, found[0] if found else None, duplicate_of)
        if found is None or not self._repeat(found[0], doc, first, vector):
            return self._settle(doc, vector or self._index.weigh(doc), *(found or (None, None)))
        return Assignment(document=doc.id, event=found[0], alone=False, duplicate_of=first, reasons=(found[1],))

    def _original(self, doc: Read, event: str | None, first: str | None) -> str | None:
        """What it copies within its own event: the same words about another school are a voice there, no spread."""
        held, kept = self._index.events.get(event or ""), self._index.documents.get(first or "")
        if first is None or held is None or held.closed_at is not None:
            return None
        if kept is not None and kept.event == held.id:
            return first
        return held.lead if held.lead != doc.id and self._near.alike(doc.id, held.lead) else None

    def _repeat(self, event: str, doc: Read, first: str | None, counted: Vector | None = None) -> bool:
        """Enter a copy of what the event holds already: its words are not said once more. False for any other."""
        held, kept = self._index.events.get(event), self._index.documents.get(first or "")
        if held is None or held.closed_at is not None or kept is None or kept.event != event:
            return False
        if counted is not None:
            self._index.unsay(doc)
        self._index.repeat(held, doc, kept)
        self._expect(doc, event)
        return True

    def _expect(self, doc: Read, event: str) -> None:
        """Other floors of a thread whose opener has not been seen belong here too."""
        if doc.thread is not None and doc.thread not in self._index.documents:
            self._threads.setdefault(doc.thread, event)

    def _settle(self, doc: Read, vector: Vector, event: str | None, reason: Reason | None) -> Assignment:
        previous = None
        held = self._index.events.get(event) if event else None
        if held is not None and held.closed_at is not None:
            previous = held.id if doc.seen_at - held.closed_at <= FLARE_UP else None
            reason = Reason(code="event.flareup", text="与已结束的事件相同，72小时内复燃") if previous else None
            event = held.successor = event_id(doc.id)
        count = self._place(event or event_id(doc.id), doc, vector)
        return Assignment(
            document=doc.id,
            event=event or event_id(doc.id),
            alone=count == 1,
            previous=previous,
            reasons=(reason,) if reason else (Reason(code="event.new", text="未见相同事件"),),
        )

    def _place(self, event: str, doc: Read, vector: Vector) -> int:
        """Enter the document; how many the event has then."""
        held = self._index.events.get(event)
        if held is None:
            held = self._index.start(event, doc, vector)
        else:
            self._index.join(held, doc, vector)
        self._expect(doc, event)
        return held.count

    def _live(self, held: Held) -> Held:
        """Follow a closed event to the flare-up that took its place."""
        seen = set()
        while held.closed_at is not None and held.successor in self._index.events and held.id not in seen:
            seen.add(held.id)
            held = self._index.events[held.successor]
        return held

    def _linked(self, doc: Read, duplicate_of: str | None) -> tuple[str, Reason] | None:
        """The event by an explicit link: a thread, a reply, nearly the same text."""
        links = (
            (doc.thread, "event.thread", "同一帖子的跟帖"),
            (doc.reply_to, "event.reply", "对该事件中诉求的答复"),
            (duplicate_of, "event.duplicate", "与已有内容几乎相同"),
        )
        for target, code, text in links:
            kept = self._index.documents.get(target) if target else None
            event = kept.event if kept else self._threads.get(target) if target and code == "event.thread" else None
            if event in self._index.events:
                held = self._live(self._index.events[event])
                if code == "event.duplicate" and (other_object(doc, held) < 1 or self._elsewhere(doc, held)):
                    continue  # one form letter about two schools is two matters, one sentence about two towns too
                return held.id, Reason(code=code, text=text, evidence=(target,) if kept and target else ())
        early = self._threads.pop(doc.id, None)
        if early in self._index.events:
            return early, Reason(code="event.thread", text="其跟帖已归入该事件")
        return None

    def _likely(self, doc: Read, vector: Vector) -> tuple[str, Reason] | None:
        """The likeliest event by words, names, place and time, if it is likely enough."""
        best: tuple[float, str, list[int]] | None = None
        index = self._index
        for held in index.candidates(vector):
            if held.closed_at is not None:
                held = self._live(held)
            likeness = index.likeness(vector, held)
            if held.slow:
                likeness *= 1 + _BIGGER * math.log2(held.count)
            if MOST * likeness < least(index, doc, held) or (best is not None and MOST * likeness < best[0]):
                continue  # nothing that speaks for it could be enough
            near, here = self._nearness(doc, held)
            likeness *= near
            if best is None or (likeness, held.id) > best[:2]:
                shared = proven(index, doc, vector, held, likeness, here)
                if shared is not None:
                    best = (likeness, held.id, shared)
        if best is None:
            return None
        words = "、".join(doc.words[f][1] for f in best[2][:4])
        lead = self._index.events[best[1]].lead
        return best[1], Reason(code="event.words", text=f"共有少见词：{words}", evidence=(lead,), weight=best[0])

    def _nearness(self, doc: Read, held: Held) -> tuple[float, bool]:
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

    def _elsewhere(self, doc: Read, held: Held) -> bool:
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
