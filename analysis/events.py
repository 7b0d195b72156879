"""What is one matter: documents join events as they come.

    batch ─read→ in one fixed order ─thread? reply? near-duplicate? → that event
                                    └─words weighted by rarity, place, time → the likeliest event, or a new one

Online and single-pass (Allan et al. 1998, topic detection and tracking): an event is the mean of its documents' word
vectors; a document is compared with at most two dozen events that share its rarest words. An event's id comes from its
first document, so growth never renames it. The machine never moves a document once it is placed; staff merge, split
and pin, and nothing undoes that.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from analysis.events_index import Held, Index
from analysis.events_kept import Vector
from analysis.events_near import MOST, other_object
from analysis.events_people import by_machine, event_id, merge, move, split, split_id
from analysis.events_proof import grown, least, proven
from analysis.events_where import Where, may_leave, was_drawn, young
from analysis.events_words import SLOW_KINDS, Read, area_words, by_arrival, read, read_row, usual
from analysis.neardup import Window, signatures
from storage.types import Assessment, Document, Office, Reason, StoredDocument

FLARE_UP = timedelta(hours=72)
_BIGGER = 0.08  #: what each doubling of an event adds to its claim


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
        self._where = Where(office)
        self._areas = area_words(office.places.values())
        self._window = timedelta(days=window_days)
        self._clear()

    def _clear(self) -> None:
        self._index = Index(window=self._window, usual=usual())
        self._near = Window(span=self._window)
        self._threads: dict[str, str] = {}  # a thread whose opener has not been seen → the event of its floors
        self._alias: dict[str, str] = {}
        self._moved: dict[str, str] = {}  # what was copied → the copy that went to an event which had grown
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
                if doc.places and row.duplicate_of is None and doc.kind not in SLOW_KINDS:
                    first = self._near.query(signature, doc.at, doc.id)
                    if first is not None and was_drawn(self._index, self._where, doc, first):
                        self._moved[first] = doc.id

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
        into = self.resolve(event) if kind == "pin" else other or split_id(event, documents)
        (move if kind == "pin" else split)(index, documents, into)
        return into

    def close(self, event: str, at: datetime | None = None) -> None:
        """The event is over: no document joins it; one that would within 72 hours begins a flare-up that names it."""
        held = self._index.events.get(self.resolve(event))
        if held is not None:
            held.closed_at = at or self._now or held.seen_at

    def reopen(self, event: str) -> None:
        """Documents join the event again; a flare-up that has begun meanwhile keeps what it has."""
        held = self._index.events.get(self.resolve(event))
        if held is not None:
            held.closed_at = held.successor = None

    def succeed(self, event: str, flare_up: str) -> None:
        """After a restart: what would join this closed event goes to the flare-up that names it."""
        held = self._index.events.get(event)
        if held is not None and held.closed_at is not None and flare_up in self._index.events:
            held.successor = flare_up

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
            first = first or self._original(doc, known.event, self._followed(duplicate_of))
            alone, reason = held is None or held.count == 1, Reason(code="event.known", text="此前已归入该事件")
            return Assignment(document=doc.id, event=known.event, alone=alone, duplicate_of=first, reasons=(reason,))
        self._tick(doc)
        copied = self._followed(duplicate_of)
        linked = self._linked(doc, copied)
        free = (
            linked is not None and linked[1].code == "event.duplicate" and may_leave(doc, self._index.events[linked[0]])
        )
        plain = linked is not None and not free and self._original(doc, linked[0], copied) is not None
        vector = None if plain else self._index.weigh(doc)
        found = linked or (self._likely(doc, vector) if vector is not None else None)
        if linked is not None and copied is not None and free and vector is not None:
            drawn = self._drawn(doc, vector, self._index.events[linked[0]])
            if drawn is not None:
                found, self._moved[copied] = drawn, doc.id
        first = self._original(doc, found[0] if found else None, copied)
        if found is None or not self._repeat(found[0], doc, first, vector):
            return self._settle(doc, vector or self._index.weigh(doc), *(found or (None, None)))
        return Assignment(document=doc.id, event=found[0], alone=False, duplicate_of=first, reasons=(found[1],))

    def _followed(self, first: str | None) -> str | None:
        """Of what a document copies, the copy that went to the event which has grown: further ones are its spread."""
        moved = self._moved.get(first or "")
        return moved if moved in self._index.documents else first

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
                if code == "event.duplicate" and (other_object(doc, held) < 1 or self._where.elsewhere(doc, held)):
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
            near, here = self._where.nearness(doc, held)
            likeness *= near
            claim = likeness * (1 + grown(index, doc, vector, held)) if here and young(doc, held) else likeness
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
        prove. Or every copy would keep apart what an early post happened to begin."""
        found = self._likely(doc, vector)
        other = self._index.events[found[0]] if found is not None else held
        larger = other.count > held.count and young(doc, other) and by_machine(other)
        return found if larger and self._where.nearness(doc, other)[1] else None
