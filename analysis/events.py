"""What is one matter: documents join events as they come.

    batch ─read→ in one fixed order ─thread? reply? near-duplicate? → that event
                                    └─words weighted by rarity, place, time → the likeliest event, or a new one

Online and single-pass (Allan et al. 1998, topic detection and tracking): an event is the mean of its documents' word
vectors; a document is compared with at most two dozen events that share its rarest words. An event's id comes from its
first document, so growth never renames it. The machine never moves a document once it is placed; staff merge, split
and pin, and nothing undoes that.
"""

import hashlib
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from analysis.events_index import Held, Index
from analysis.events_kept import Vector
from analysis.events_near import MOST, known_places, other_object, subject
from analysis.events_people import merge, move, split
from analysis.events_proof import grown, least, proven
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


def event_id(document: str) -> str:
    """The id of the event that begins with this document."""
    return "ev" + hashlib.sha256(document.encode("utf-8", "replace")).hexdigest()[:16]


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
            self._place(row.event or event_id(doc.id), doc, self._index.weigh(doc))

    def assign(self, batch: Sequence[tuple[Document, Assessment]]) -> list[Assignment]:
        """One Assignment per document, in the order given. The order within the batch changes nothing.

        A document that was assigned before keeps its event: a second delivery changes nothing.
        """
        docs = sorted({d.id: read(d, a, self._areas) for d, a in batch}.values(), key=lambda d: d.order)
        missing = [d for d in docs if not d.signature]
        own = dict(zip([d.id for d in missing], signatures([d.text for d in missing]), strict=True))
        near = self._near.assign([d.id for d in docs], [own.get(d.id, d.signature) for d in docs], [d.at for d in docs])
        done = {d.id: self._one(d, first) for d, first in zip(docs, near, strict=True)}
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
        into = self.resolve(event) if kind == "pin" else other or _split_id(event, documents)
        if kind == "pin":
            move(index, documents, into)
        else:
            split(index, documents, into)
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

    def _tick(self, doc: Read) -> None:
        self._now = doc.seen_at if self._now is None else max(self._now, doc.seen_at)
        self._index.expire(self._now)

    def _one(self, doc: Read, duplicate_of: str | None) -> Assignment:
        known = self._index.documents.get(doc.id)
        if known is not None:
            held = self._index.events.get(known.event)
            return Assignment(
                document=doc.id,
                event=known.event,
                alone=held is None or held.count == 1,
                duplicate_of=duplicate_of,
                reasons=(Reason(code="event.known", text="此前已归入该事件"),),
            )
        self._tick(doc)
        vector = self._index.weigh(doc)
        event, reason = self._linked(doc, duplicate_of) or self._likely(doc, vector) or (None, None)
        if event is not None and reason is not None and reason.code == "event.duplicate":
            event, reason = self._drawn(doc, vector, self._index.events[event]) or (event, reason)
        return self._settle(doc, vector, event, reason, duplicate_of)

    def _settle(
        self, doc: Read, vector: Vector, event: str | None, reason: Reason | None, duplicate_of: str | None
    ) -> Assignment:
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
            duplicate_of=duplicate_of,
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
        if doc.thread is not None and doc.thread not in self._index.documents:
            self._threads.setdefault(doc.thread, event)
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
        index, letter = self._index, doc.kind in SLOW_KINDS
        best: tuple[float, str, float, list[int]] | None = None
        for held in index.candidates(vector):
            if held.closed_at is not None:
                held = self._live(held)
            likeness = index.likeness(vector, held)
            if held.slow:
                likeness *= 1 + _BIGGER * math.log2(held.count)
            most = MOST * likeness
            if most < least(index, doc, held):
                continue  # nothing that speaks for it could be enough
            if best is not None and (most if letter else most * (1 + math.log2(held.count))) < best[0]:
                continue
            near, here = self._nearness(doc, held)
            likeness *= near
            claim = likeness * (1 + grown(index, doc, vector, held)) if here and _young(doc, held) else likeness
            if best is None or (claim, held.id) > best[:2]:
                shared = proven(index, doc, vector, held, likeness, here)
                if shared is not None:
                    best = (claim, held.id, likeness, shared)
        if best is None:
            return None
        _, event, likeness, shared = best
        words = "、".join(doc.words[f][1] for f in shared[:4])
        lead = index.events[event].lead
        return event, Reason(code="event.words", text=f"共有少见词：{words}", evidence=(lead,), weight=likeness)

    def _drawn(self, doc: Read, vector: Vector, held: Held) -> tuple[str, Reason] | None:
        """Where else a copy of a post of this event goes: to the larger event of the same hour and place that its words
        prove. Or every copy would keep apart what an early post happened to begin. None where people shaped either."""
        if not doc.places or held.slow or doc.kind in SLOW_KINDS or not (_young(doc, held) and _by_machine(held)):
            return None
        found = self._likely(doc, vector)
        other = self._index.events[found[0]] if found is not None else held
        larger = other.count > held.count and _young(doc, other) and _by_machine(other)
        return found if larger and self._nearness(doc, other)[1] else None

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


def _young(doc: Read, held: Held) -> bool:
    """Whether the event began within hours of the document."""
    return doc.at - held.first_at <= _FRESH


def _by_machine(held: Held) -> bool:
    """Whether no person split it off: such an event has another id than its first document gives."""
    return held.id == event_id(held.lead)


def _split_id(event: str, documents: Sequence[str]) -> str:
    if not documents:
        raise ValueError("拆分事件须指明要分出的文档")
    return event_id(f"{event}:{min(documents)}")
