"""The index behind the grouping: how rare a word is, which events may hold it, and what an event is about.

Nothing scans: a feature's bucket keeps the last 48 events that had it, so that a document costs the same with ten
thousand or a million others in the window. Memory: two packed numbers for each of at most 40 features a document.
"""

import math
from array import array
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from analysis.events_words import BITS, SLOW_KINDS, Read

TOP = 40  #: features of a document that count, the rarest first
_BUCKETS = 1 << 20
_TAIL = 48  #: events that a bucket remembers
_PROBES = 24  #: features of a document that look for candidates
CANDIDATES = 12  #: events that are compared in full
_PRIOR = 20  #: documents that are assumed to have come before the first
_HAPAX = 0.3  #: share of a word that nobody else used in a document's length: it cannot match anything
_POWER = 1.5  #: of the inverse document frequency
_HALVE = 1 << 20  #: documents after which word frequencies are halved
_PROFILE = 200  #: features of an event that are kept


@dataclass(slots=True)
class Kept:
    """A document in the window."""

    event: str
    features: "array[int]"
    weights: "array[float]"
    slow: bool


@dataclass(slots=True)
class Held:
    """An event in the window. `sums` is None while it has one document: that one's arrays serve."""

    id: str
    number: int
    first_at: datetime
    last_at: datetime
    seen_at: datetime
    lead: str  #: the first document
    slow: bool
    count: int = 1
    sums: dict[int, float] | None = None
    holders: Counter[int] | None = None  #: documents that hold a feature
    length: float = 1.0
    places: frozenset[str] = frozenset()
    closed_at: datetime | None = None
    successor: str | None = None


@dataclass(slots=True)
class Index:
    """Everything that is held, and nothing that is decided."""

    window: timedelta
    frequency: "array[int]" = field(default_factory=lambda: array("i", bytes(4 << BITS)))
    total: int = 0
    documents: dict[str, Kept] = field(default_factory=dict)
    events: dict[str, Held] = field(default_factory=dict)
    by_number: dict[int, str] = field(default_factory=dict)
    buckets: "list[array[int] | None]" = field(default_factory=lambda: [None] * _BUCKETS)
    queues: tuple[deque[tuple[datetime, str]], deque[tuple[datetime, str]]] = field(
        default_factory=lambda: (deque(), deque())
    )
    numbers: int = 0

    def weigh(self, doc: Read) -> dict[int, float]:
        """Count the document's words in and give its rarest features, as a vector of length about one."""
        frequency = self.frequency
        self.total += 1
        if self.total >= _HALVE:
            self._halve()
        for f in doc.words:
            frequency[f] += 1
        log_total = math.log(self.total + _PRIOR)
        raw = {f: w * max(0.0, log_total - math.log(frequency[f] + 0.5)) ** _POWER for f, (w, _) in doc.words.items()}
        top = sorted(raw, key=lambda f: (-raw[f], f))[:TOP]
        square = sum(raw[f] ** 2 * (_HAPAX if frequency[f] == 1 else 1.0) for f in top)
        length = math.sqrt(square) or 1.0
        return {f: raw[f] / length for f in top}

    def _halve(self) -> None:
        """Let old frequencies fade: only their ratio to the total matters."""
        np.frombuffer(self.frequency, np.int32)[:] >>= 1
        self.total >>= 1

    def rare(self, feature: int, share: float) -> bool:
        """Whether at most this share of the window (and never fewer than eight documents) holds the feature."""
        return self.frequency[feature] <= max(8.0, share * self.total)

    def candidates(self, vector: dict[int, float]) -> list[Held]:
        """The events that share most of the rarest features, at most a dozen; never a scan."""
        votes: dict[int, float] = {}
        for f, w in list(vector.items())[:_PROBES]:
            bucket = self.buckets[f & (_BUCKETS - 1)]
            if bucket is not None:
                square = w * w
                for number in bucket:
                    votes[number] = votes.get(number, 0.0) + square
        best = sorted(votes.items(), key=lambda v: (-v[1], v[0]))[: 2 * CANDIDATES]
        ids = (self.by_number.get(number) for number, _ in best)
        return [self.events[i] for i in ids if i is not None][:CANDIDATES]

    def likeness(self, vector: dict[int, float], event: Held) -> tuple[float, list[int]]:
        """Cosine with the event's mean, and the shared features, the weightiest first."""
        sums = self.sums_of(event)
        parts = [(w * sums[f], f) for f, w in vector.items() if f in sums]
        parts.sort(key=lambda p: (-p[0], p[1]))
        return sum(p for p, _ in parts) / (event.length or 1.0), [f for _, f in parts]

    def sums_of(self, event: Held) -> dict[int, float]:
        if event.sums is not None:
            return event.sums
        lead = self.documents.get(event.lead)
        return dict(zip(lead.features, lead.weights, strict=True)) if lead else {}

    def holders_of(self, event: Held, feature: int) -> int:
        return event.holders[feature] if event.holders is not None else 1

    def start(self, event_id: str, doc: Read, vector: dict[int, float]) -> Held:
        """A new event with one document."""
        self.numbers += 1
        held = Held(
            id=event_id,
            number=self.numbers,
            first_at=doc.at,
            last_at=doc.at,
            seen_at=doc.seen_at,
            lead=doc.id,
            slow=doc.kind in SLOW_KINDS,
            length=math.sqrt(sum(w * w for w in vector.values())),
            places=doc.places,
        )
        self.events[event_id] = held
        self.by_number[held.number] = event_id
        self._keep(doc, held, vector)
        return held

    def join(self, held: Held, doc: Read, vector: dict[int, float]) -> None:
        """Another document of a held event."""
        if held.sums is None:
            held.sums = self.sums_of(held)
            held.holders = Counter(held.sums.keys())
        self._add(held, vector)
        held.count += 1
        held.first_at, held.last_at = min(held.first_at, doc.at), max(held.last_at, doc.at)
        held.seen_at = max(held.seen_at, doc.seen_at)
        held.slow = held.slow or doc.kind in SLOW_KINDS
        held.places |= doc.places
        self._keep(doc, held, vector)

    def _add(self, held: Held, vector: dict[int, float]) -> None:
        sums, holders = held.sums, held.holders
        if sums is None or holders is None:
            return
        for f, w in vector.items():
            sums[f] = sums.get(f, 0.0) + w
            holders[f] += 1
        if len(sums) > 1.5 * _PROFILE:
            for f in sorted(sums, key=lambda f: (sums[f], f))[: len(sums) - _PROFILE]:
                del sums[f], holders[f]
        held.length = math.sqrt(sum(w * w for w in sums.values()))

    def refill(self, held: Held, kept: list[Kept]) -> None:
        """Compute an event's mean afresh from these documents."""
        held.sums, held.holders = {}, Counter()
        for one in kept:
            self._add(held, dict(zip(one.features, one.weights, strict=True)))
        self.post(held, held.sums)

    def _keep(self, doc: Read, held: Held, vector: dict[int, float]) -> None:
        slow = doc.kind in SLOW_KINDS
        self.documents[doc.id] = Kept(
            event=held.id, features=array("i", vector.keys()), weights=array("f", vector.values()), slow=slow
        )
        self.queues[slow].append((doc.seen_at, doc.id))
        self.post(held, vector)

    def post(self, held: Held, features: Iterable[int]) -> None:
        """Enter an event into the buckets of these features."""
        number = held.number
        for f in features:
            bucket = self.buckets[f & (_BUCKETS - 1)]
            if bucket is None:
                self.buckets[f & (_BUCKETS - 1)] = array("i", (number,))
            elif number not in bucket:
                bucket.append(number)
                if len(bucket) > _TAIL:
                    del bucket[0]

    def expire(self, now: datetime) -> None:
        """Forget documents that came in longer ago than the window, a dozen windows for slow kinds."""
        for queue, span in zip(self.queues, (self.window, 12 * self.window), strict=True):
            while queue and now - queue[0][0] > span:
                self.forget(queue.popleft()[1], now)

    def forget(self, document: str, now: datetime) -> None:
        kept = self.documents.pop(document, None)
        if kept is None:
            return
        held = self.events.get(kept.event)
        if held is not None and (held.sums is None or now - held.seen_at > 12 * self.window):
            self.drop(held)

    def drop(self, held: Held) -> None:
        """An event that can no longer be joined."""
        self.events.pop(held.id, None)
        self.by_number.pop(held.number, None)
