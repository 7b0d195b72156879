"""The index behind the grouping: how rare a word is, which events may hold it, and what an event is about.

Nothing scans: a feature's bucket keeps the last 48 events that had it, so that a document costs the same with ten
thousand or a million others in the window. Memory: two packed numbers for each of at most 40 features a document.
"""

import math
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

import numpy as np
import numpy.typing as npt

from analysis.events_kept import Kept, Vector
from analysis.events_votes import most_voted
from analysis.events_words import BITS, SLOW_KINDS, Read

TOP = {True: 60, False: 150}  #: words of a document that count, the rarest first: slow kinds, others
_BUCKETS = 1 << 20
_TAIL = 48  #: events that a bucket remembers
_PROBES = 32  #: features of a document that look for candidates
CANDIDATES = 24  #: events that are compared in full
_PRIOR = 20  #: documents that are assumed to have come before the first
_BACKGROUND = 1000  #: documents of the background that stand in for those that an empty office does not hold yet
_FADE = 100  #: how many of them each document that comes in replaces
#: share of a word that nobody else used in a document's length: it cannot match anything
_HAPAX = {True: 0.3, False: 0.1}
_POWER = {True: 1.5, False: 0.7}  #: of the inverse document frequency: slow kinds are long, others short
_WHERE = 0.3  #: what remains of a word's weight in a short text where it only says where
_HALVE = 1 << 20  #: documents after which word frequencies are halved
_OBJECTS = 40  #: named things of an event that are kept
_SETTLES, _SELDOM = 8, 0.15  #: documents from which words of an event are let go, those that fewer than this share hold
_LETTERS = 0.1  #: share of an event's documents that must be messages or hotline rows for it to live as long as they
_PROFILE = 200  #: features of an event that are kept


@dataclass(slots=True)
class Held:
    """An event in the window. `sums` is None while it has one document: that one's arrays serve."""

    id: str
    number: int
    first_at: datetime
    last_at: datetime
    seen_at: datetime
    lead: str  #: the first document
    slow: bool  #: lives as long as messages and hotline rows do
    letters: int  #: documents of slow kinds among them
    count: int = 1
    sums: dict[int, float] | None = None
    holders: Counter[int] | None = None  #: documents that hold a word or a pair
    length: float = 1.0
    places: dict[str, int] | frozenset[str] = frozenset()  #: documents that name it; the same
    objects: dict[str, int] | frozenset[str] = frozenset()  #: documents that name it; a set while it has one document
    topics: dict[str, int] | frozenset[str] = frozenset()  #: the same for topics
    closed_at: datetime | None = None
    successor: str | None = None

    def weigh_letters(self) -> None:
        """Settle whether it is slow: one letter among hundreds of posts does not make it so."""
        self.slow = self.letters >= _LETTERS * self.count


@dataclass(slots=True)
class Index:
    """Everything that is held, and nothing that is decided."""

    window: timedelta
    frequency: "array[int]" = field(default_factory=lambda: array("i", bytes(4 << BITS)))
    total: int = 0
    documents: dict[str, Kept] = field(default_factory=dict)
    events: dict[str, Held] = field(default_factory=dict)
    by_number: dict[int, Held] = field(default_factory=dict)
    buckets: "list[array[int] | None]" = field(default_factory=lambda: [None] * _BUCKETS)
    queues: tuple[deque[tuple[datetime, str]], deque[tuple[datetime, str]]] = field(
        default_factory=lambda: (deque(), deque())
    )
    numbers: int = 0
    usual: Mapping[int, float] = field(default_factory=dict)  #: share of the background's documents that hold a word

    @property
    def assumed(self) -> int:
        """Documents that the background stands for: where five are held, no word is common by count alone."""
        return max(0, _BACKGROUND - _FADE * self.total)

    def weigh(self, doc: Read) -> Vector:
        """Count the document's words in and give its rarest, as a vector of length about one, and its pairs."""
        self.total += 1
        if self.total >= _HALVE:
            self._halve()
        names = list(doc.pairs)
        self._counts()[names] += 1  # no feature stands there twice: numpy would count it once
        assumed, usual = self.assumed, self.usual.get
        log_total = math.log(self.total + _PRIOR + assumed)
        slow = doc.kind in SLOW_KINDS
        power, hapax = _POWER[slow], max(_HAPAX[slow], assumed / _BACKGROUND)  # among few, every word is a first
        frequency, log = self.frequency, math.log
        raw: dict[int, float] = {}
        firsts = []
        for f, (w, _) in doc.words.items():
            count = frequency[f] = frequency[f] + 1
            if count == 1:
                firsts.append(f)
            rare = log_total - log(count + 0.5 + (assumed * usual(f, 0.0) if assumed else 0.0))
            raw[f] = w * rare**power if rare > 0 else 0.0
        if not slow:  # short texts: where is weighed by the place itself, see `analysis.events`
            for f in doc.where:
                raw[f] *= _WHERE
        top = sorted(sorted(raw), key=raw.__getitem__, reverse=True)[: TOP[slow]]
        squares = {f: raw[f] ** 2 for f in top}
        for f in squares.keys() & firsts:
            squares[f] *= hapax
        length = math.sqrt(sum(squares.values())) or 1.0
        return Vector({f: raw[f] / length for f in top}, names)

    def _counts(self) -> npt.NDArray[np.int32]:
        """The frequencies for numpy, in place."""
        return np.frombuffer(self.frequency, np.int32)

    def unsay(self, doc: Read) -> None:
        """Take back what `weigh` counted: the document turned out to be a copy."""
        self.total -= 1
        for f in (*doc.words, *doc.pairs):
            self.frequency[f] -= 1

    def _halve(self) -> None:
        """Let old frequencies fade: only their ratio to the total matters."""
        self._counts()[:] >>= 1
        self.total >>= 1

    def told_by(self, features: Iterable[int], event: Held, share: float, common: float) -> list[int]:
        """The features that tell this event from others: rare outside it (this share of the window, never fewer than
        eight documents) and common inside it (this share of its documents)."""
        most, least = max(8.0, share * self.total), common * event.count
        holders, frequency = self.holders_of(event), self.frequency
        held = filter(holders.__contains__, features)
        told = [f for f in held if holders[f] >= least and frequency[f] - holders[f] <= most]
        if assumed := self.assumed:
            told = [f for f in told if frequency[f] - holders[f] + assumed * self.usual.get(f, 0.0) <= most]
        return told

    def candidates(self, vector: Vector) -> list[Held]:
        """The events that share most of the rarest features, at most two dozen; never a scan."""
        frequency, buckets = self.frequency, self.buckets
        known = islice(((f, w) for f, w in vector.words.items() if frequency[f] > 1), _PROBES)
        probed = [(bucket, w * w) for f, w in known if (bucket := buckets[f & (_BUCKETS - 1)]) is not None]
        if not probed:
            return []
        return [h for n in most_voted(probed, 2 * CANDIDATES) if (h := self.by_number.get(n)) is not None][:CANDIDATES]

    def likeness(self, vector: Vector, event: Held) -> float:
        """Cosine with the event's mean."""
        words, sums = vector.words, event.sums
        if sums is not None:
            total = 0.0
            for f in filter(sums.__contains__, words):
                total += words[f] * sums[f]
        else:
            lead = self.documents.get(event.lead)
            total = lead.along(words) if lead is not None else 0.0
        return total / (event.length or 1.0)

    def shared(self, vector: Vector, event: Held) -> dict[int, float]:
        """The words that document and event share with the product of their weights, the weightiest first."""
        sums = self.sums_of(event)
        words = vector.words
        parts = [(-words[f] * sums[f], f) for f in filter(sums.__contains__, words)]
        parts.sort()
        return {f: -part for part, f in parts}

    def sums_of(self, event: Held) -> dict[int, float]:
        if event.sums is not None:
            return event.sums
        lead = self.documents.get(event.lead)
        return dict(lead.words) if lead else {}

    def holders_of(self, event: Held) -> Mapping[int, int]:
        if event.holders is not None:
            return event.holders
        lead = self.documents.get(event.lead)
        return dict.fromkeys((*lead.features, *lead.names), 1) if lead else {}

    def start(self, event_id: str, doc: Read, vector: Vector) -> Held:
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
            letters=doc.kind in SLOW_KINDS,
            length=math.sqrt(sum(w * w for w in vector.words.values())),
            places=doc.places,
            objects=doc.objects,
            topics=doc.topics,
        )
        self.events[event_id] = held
        self.by_number[held.number] = held
        self._keep(doc, held, vector)
        self.post(held, vector.words, fresh=True)
        return held

    def join(self, held: Held, doc: Read, vector: Vector) -> None:
        """Another document of a held event."""
        if held.sums is None:
            held.sums, held.holders = self.sums_of(held), Counter(self.holders_of(held))
        self._add(held, vector)
        held.count += 1
        if held.count & (held.count - 1) == 0 and held.count >= _SETTLES:  # at each doubling what stayed rare goes
            held.holders = Counter({f: n for f, n in self.holders_of(held).items() if n >= _SELDOM * held.count})
        held.first_at, held.last_at = min(held.first_at, doc.at), max(held.last_at, doc.at)
        held.seen_at = max(held.seen_at, doc.seen_at)
        held.letters += doc.kind in SLOW_KINDS
        held.weigh_letters()
        if doc.places:
            places = Counter(held.places)
            places.update(doc.places)
            held.places = dict(places.most_common(_OBJECTS))
        if doc.objects or not isinstance(held.objects, dict):
            counts = Counter(held.objects)
            counts.update(doc.objects)
            held.objects = dict(counts.most_common(_OBJECTS))
        if doc.topics or held.topics:
            topics = Counter(held.topics)
            topics.update(doc.topics)
            held.topics = dict(topics)
        self._keep(doc, held, vector)
        self.post(held, vector.words)

    def repeat(self, held: Held, doc: Read, first: Kept) -> None:
        """A copy of a document of this event: it lives on, and no word becomes commoner or more its own by it."""
        if held.sums is None:
            held.sums, held.holders = self.sums_of(held), Counter(self.holders_of(held))
        held.seen_at = max(held.seen_at, doc.seen_at)
        self.documents[doc.id] = first.again(slow := doc.kind in SLOW_KINDS)
        self.queues[slow].append((doc.seen_at, doc.id))

    def _add(self, held: Held, vector: Vector) -> None:
        sums, holders = held.sums, held.holders
        if sums is None or holders is None:
            return
        for f, w in vector.words.items():
            sums[f] = sums.get(f, 0.0) + w
        holders.update(vector.words.keys() | set(vector.names))
        if len(sums) > 1.5 * _PROFILE:
            for f in sorted(sorted(sums), key=sums.__getitem__)[: len(sums) - _PROFILE]:
                del sums[f]
        held.length = math.sqrt(sum([w * w for w in sums.values()]))

    def refill(self, held: Held, kept: list[Kept]) -> None:
        """Compute an event's mean afresh from these documents."""
        held.sums, held.holders = {}, Counter()
        for one in kept:
            self._add(held, Vector(dict(one.words), list(one.names)))
        self.post(held, held.sums)

    def _keep(self, doc: Read, held: Held, vector: Vector) -> None:
        slow = doc.kind in SLOW_KINDS
        self.documents[doc.id] = Kept(held.id, vector, slow)
        self.queues[slow].append((doc.seen_at, doc.id))

    def post(self, held: Held, features: Iterable[int], *, fresh: bool = False) -> None:
        """Enter an event into the buckets of these features, unless it is there. fresh: it is in none yet."""
        number = held.number
        for f in features:
            bucket = self.buckets[f & (_BUCKETS - 1)]
            if bucket is None:
                self.buckets[f & (_BUCKETS - 1)] = array("i", (number,))
            elif bucket[-1] != number and (fresh or number not in bucket):
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
