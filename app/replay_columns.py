"""The documents of a whole stream as columns, and what `analysis.risk_tally` counts of them up to each one.

    arrivals, event by event ─Stream→ arrays of authors, kinds, times … ─Segments→ running counts within each event

Places are documents: those of one event lie together, in order of arrival. All columns have the shape (n,).
"""

from bisect import bisect_right, insort
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import fsum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from analysis.risk_arrays import Floats, Whole
from analysis.risk_tally import ECHO, FIGURES, MOST, WEIGHTS, at_home, authority, micros
from app.facts import OFFICIAL
from app.replay_prepared import Arrival
from storage.types import Member

Truth = npt.NDArray[np.bool_]
_Key = TypeVar("_Key", bound=Hashable)
NEVER = 2**62  #: a moment that does not come


@dataclass(frozen=True, slots=True)
class Segments:
    """Running counts that begin anew with each segment of neighbouring places."""

    number: Whole  #: of each place, its segment
    begin: Whole  #: of each place, the first one of its segment

    @classmethod
    def of(cls, starts: Truth) -> "Segments":
        """starts: places at which a segment begins; the first place is one."""
        number = np.cumsum(starts) - 1
        return cls(number, np.flatnonzero(starts)[number])

    def sums(self, values: Whole | Truth) -> Whole:
        """Sum up to and including each place."""
        upto: Whole = np.cumsum(values, dtype=np.int64)
        return upto - (upto - values)[self.begin]

    def any(self, values: Truth) -> Truth:
        """Whether it held at any place so far."""
        return self.sums(values) > 0

    def greatest(self, values: Whole) -> Whole:
        """The greatest so far."""
        known, rank = np.unique(values, return_inverse=True)
        lift = self.number * len(known)
        return known[np.maximum.accumulate(rank + lift) - lift]

    def least(self, values: Whole) -> Whole:
        """The least so far."""
        return -self.greatest(-values)


@dataclass(frozen=True, slots=True)
class Stream:
    """The columns. Codes stand for strings; `live` for what is no history, `voice` for what is no spread either."""

    events: Sequence[str]
    members: Sequence[Member]
    own: Segments  #: one segment for each event
    ends: Whole  #: the last place of each event
    at: Whole  #: when it came in, microseconds
    stamp: Whole  #: when it was seen
    time: Whole  #: its own time
    who: Whole  #: author, or the document where none is known; another code in another event
    kind: Whole
    kinds: Mapping[str, int]
    topic: Whole
    topics: Mapping[str | None, int]
    live: Truth
    voice: Truth
    negative: Truth
    arrivals: Sequence[Arrival]

    @classmethod
    def of(cls, by_event: Mapping[str, Sequence[Arrival]]) -> "Stream":
        """All arrivals, event by event."""
        arrivals = list(chain.from_iterable(by_event.values()))
        members = [a.member for a in arrivals]
        ends = np.cumsum([len(rows) for rows in by_event.values()], dtype=np.int64) - 1
        starts = np.zeros(len(arrivals), np.bool_)
        starts[0], starts[ends[:-1] + 1] = True, True
        own = Segments.of(starts)
        time = [micros(m.at) for m in members]
        stamp = [at if m.seen_at == m.at else micros(m.seen_at) for m, at in zip(members, time, strict=True)]
        who, people = coded(m.author or m.document for m in members)
        kind, kinds = coded(str(m.kind) for m in members)
        topic, topics = coded(m.topic for m in members)
        live = np.array([not m.historic for m in members], np.bool_)
        return cls(
            events=list(by_event), members=members, own=own, ends=ends,
            at=np.array([a.at for a in arrivals], np.int64), stamp=np.array(stamp, np.int64),
            time=np.array(time, np.int64), who=own.number * len(people) + who, kind=kind, kinds=kinds, topic=topic,
            topics=topics, live=live, voice=live & np.array([m.duplicate_of is None for m in members], np.bool_),
            negative=np.array([m.negative for m in members], np.bool_), arrivals=arrivals,
        )  # fmt: skip

    def of_kind(self, kinds: Iterable[str]) -> Truth:
        """Documents of these kinds."""
        return np.isin(self.kind, [self.kinds[k] for k in kinds if k in self.kinds])

    def distinct(self, keys: Whole, among: Truth) -> Whole:
        """Different keys so far. keys: differ from event to event."""
        return self.own.sums(firsts(keys, among))

    def heats(self, factor: Mapping[str, float]) -> Whole:
        """As `analysis.risk_tally.heat_of`, for every document."""
        heat = np.full(len(self.members), 1000, np.int64)
        for (_, name), weight in zip(FIGURES, WEIGHTS, strict=True):
            figure = np.array([getattr(m, name) or 0 for m in self.members], np.float64)
            heat += weight * np.clip(figure, 0, MOST).astype(np.int64)
        shares = np.array([round(1000 * factor.get(kind, 1.0)) for kind in self.kinds], np.int64)
        return shares[self.kind] * heat


def coded(values: Iterable[_Key]) -> tuple[Whole, dict[_Key, int]]:
    """Numbers for values, in order of appearance."""
    codes: dict[_Key, int] = {}
    return np.array([codes.setdefault(value, len(codes)) for value in values], np.int64), codes


def firsts(keys: Whole, among: Truth) -> Truth:
    """Places among these at which a key comes for the first time."""
    places = np.flatnonzero(among)
    found = np.zeros(len(keys), np.bool_)
    found[places[np.unique(keys[places], return_index=True)[1]]] = True
    return found


def counts(stream: Stream, factor: Mapping[str, float]) -> tuple[dict[str, Whole], dict[str, Floats], Whole]:
    """Everything of `Tally` but marks and topics, after each document; and the heat of each."""
    own, live, voice = stream.own, stream.live, stream.voice
    citizen = voice & ~stream.of_kind(ECHO)
    first_of_kind = firsts(own.number * len(stream.kinds) + stream.kind, live)
    source, sources = coded(m.source for m in stream.members)
    whole = {
        "count": own.sums(live),
        "people": stream.distinct(stream.who, citizen),
        "platforms": own.sums(first_of_kind & ~stream.of_kind(["reply"])),
        "voices": own.sums(voice),
        "outside": own.sums(voice & ~np.array([m.ours for m in stream.members], np.bool_)),
        "inside": own.sums(voice & np.array([at_home(m) for m in stream.members], np.bool_)),
        "alone": (stream.distinct(own.number * len(sources) + source, live) == 1).astype(np.int64),
        "last": own.greatest(stream.time),
        "answered": answered(stream),
    }
    angry = citizen & stream.negative
    force = np.rint(np.array([m.sentiment for m in stream.members], np.float64) * 1_000_000).astype(np.int64)
    strong = own.sums(angry)
    sure, rank = np.unique([authority(m) for m in stream.members], return_inverse=True)
    sure = np.concatenate([[0.0], sure])
    floats = {
        "negative": negative(stream, citizen),
        "strength": np.where(strong > 0, own.sums(np.where(angry, force, 0)) / np.maximum(strong, 1) / 1_000_000, 0.0),
        "authority": sure[own.greatest(np.where(live, rank + 1, 0))],
    }
    return whole, floats, stream.heats(factor)


def negative(stream: Stream, citizen: Truth) -> Floats:
    """`Tally.negative` after each document: one who is of two minds in an event counts by the share."""
    angry = citizen & stream.negative
    found = stream.distinct(stream.who, angry).astype(np.float64)
    _, code = np.unique(stream.who, return_inverse=True)
    said, bad = np.bincount(code[citizen], minlength=len(code)), np.bincount(code[angry], minlength=len(code))
    torn = (bad > 0) & (bad < said)
    for event in np.unique(stream.own.number[citizen & torn[code]]).tolist():
        last = int(stream.ends[event])
        first = int(stream.own.begin[last])
        found[first : last + 1] = _shares(stream, citizen, first, last + 1)
    return found


def _shares(stream: Stream, citizen: Truth, first: int, end: int) -> list[float]:
    said: dict[int, tuple[int, int]] = {}
    shares: dict[tuple[int, int], int] = {}
    found, total = [], 0.0
    for counts, who, bad in zip(
        citizen[first:end].tolist(), stream.who[first:end].tolist(), stream.negative[first:end].tolist(), strict=True
    ):
        if counts:
            before = said.get(who, (0, 0))
            share = said[who] = (before[0] + bad, before[1] + 1)
            if before[1]:
                shares[before] -= 1
            shares[share] = shares.get(share, 0) + 1
            total = fsum([n * part / of for (part, of), n in shares.items() if part and n])
        found.append(total)
    return found


def answered(stream: Stream) -> Whole:
    """As `app.replay_facts.Facts.answered`, microseconds; NEVER without an answer."""
    found = stream.own.least(np.where(stream.of_kind(["reply"]), stream.time, NEVER))
    notice, official = stream.of_kind(["government"]), stream.of_kind(OFFICIAL)
    for event in np.unique(stream.own.number[notice]).tolist():
        last, asked = int(stream.ends[event]), NEVER
        notices: list[int] = []
        for place in range(int(stream.own.begin[last]), last + 1):
            at = int(stream.time[place])
            if notice[place]:
                insort(notices, at)
            elif not official[place]:
                asked = min(asked, at)
            after = bisect_right(notices, asked)
            if after < len(notices):
                found[place] = min(found[place], notices[after])
    return found
