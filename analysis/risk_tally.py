"""What is known of an event's documents, kept as they come: one more costs the same however many there are.

    members ─add→ counts of voices, marks, kinds · stamps in order · heat up to each stamp

Whole numbers throughout (microseconds, millionths), so that no order of arrival changes a sum by a last digit.
"""

import math
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from storage.types import Kind, Member

HOUR = 3_600_000_000  #: microseconds
DAY = 24 * HOUR
#: kinds that are no citizen's voice
ECHO = ("government", "reply", "hotlist", "news")
#: kinds of document that a citizen addressed to the government: each is a matter of its own
ADDRESSED = ("message", "hotline")
#: figures of a document in the order of the bits of `Tally.figures`
FIGURES = (("阅读量", "reads"), ("转发", "reposts"), ("评论", "comments"), ("点赞", "likes"))
#: heat of one of each, thousandths
WEIGHTS = (1, 2000, 1500, 200)
#: authority of a source that has none of its own, by kind: 央媒 1, 省媒 .8, 市媒 .6, 本地论坛 .4, 热线 .3
_AUTHORITY = {"news": 0.6, "government": 0.6, "hotlist": 0.6, "forum": 0.4, "social": 0.4, "message": 0.3}
_AUTHORITY |= {"hotline": 0.3, "reply": 0.0}
#: marks that make a rumour a grave one
GRAVE = frozenset({"casualty", "crowd", "must.emergency"})
#: voices that carry "rumour" and one of GRAVE; no flag of a document has this name
GRAVE_RUMOUR = "rumour+"
EVIDENCE = 3  #: documents that are named for a mark
MOST = 10**9  #: a figure beyond it is a slip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICRO


def moment(micro: int) -> datetime:
    """The inverse of `micros`, in UTC."""
    return _EPOCH + timedelta(microseconds=micro)


def authority(member: Member) -> float:
    """Of the source, or the usual one of its kind where none is configured; 0..1."""
    return member.authority or _AUTHORITY.get(member.kind, 0.0)


def at_home(member: Member) -> bool:
    """Whether it names a place of ours or was addressed to us; False also where nothing is known of the place."""
    return member.ours and (member.area is not None or member.kind in ADDRESSED)


@dataclass(slots=True)
class Mark:
    """Who carries a flag: documents counted, the first three named, distinct voices, the surest source."""

    documents: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)  #: (stamp, document), oldest first
    voices: set[str] = field(default_factory=set)
    authority: float = 0.0

    @property
    def evidence(self) -> tuple[str, ...]:
        """Ids of the first documents with this mark."""
        return tuple(document for _, document in self.first)


_NOBODY = Mark()


@dataclass(slots=True)
class Window:
    """When documents were seen, in order, and the heat up to each: what speed and heat are read from."""

    stamps: list[int] = field(default_factory=list)  #: microseconds, in order
    _heat: list[int] = field(default_factory=list)  # of each document, millionths
    _upto: list[int] = field(default_factory=list)  # sums of _heat; shorter than it after one came out of order

    def add(self, stamp: int, heat: int) -> int:
        """One more document, seen at this microsecond; the place it takes. heat: millionths."""
        stamps = self.stamps
        if not stamps or stamp >= stamps[-1]:
            stamps.append(stamp)
            self._heat.append(heat)
            return len(stamps) - 1
        at = bisect_right(stamps, stamp)
        stamps.insert(at, stamp)
        self._heat.insert(at, heat)
        del self._upto[at:]
        return at

    def recent(self, now: int) -> int:
        """Index of the first document of the 24 hours before `now`."""
        return bisect_right(self.stamps, now - DAY)

    def heat(self, now: int) -> float:
        """h of the 24 hours before `now`: sum of a_src (1 + 2 reposts + 1.5 comments + .2 likes + .001 reads)."""
        upto = self._upto
        if len(upto) < len(self._heat):
            total = upto[-1] if upto else 0
            for value in self._heat[len(upto) :]:
                total += value
                upto.append(total)
        if not upto:
            return 0.0
        first = self.recent(now)
        return (upto[-1] - (upto[first - 1] if first else 0)) / 1_000_000

    def hours(self, now: int) -> list[int]:
        """Documents of the last 24 steps of sixty minutes, the step that ends at `now` first, up to the oldest."""
        counts: list[int] = []
        stamps = self.stamps
        first, last = self.recent(now), len(stamps)
        cut = now
        while last > first:
            cut -= HOUR
            end = bisect_right(stamps, cut, first, last)
            counts.append(last - end)
            last = end
        return counts


@dataclass(slots=True)
class Tally:
    """The documents of one event so far. `factor`: heat of one document by kind (`RiskSettings.source_factor`)."""

    factor: Mapping[str, float]
    window: Window = field(default_factory=Window)
    figures: list[int] = field(default_factory=list)  #: which figures each has, as bits of FIGURES
    kinds: Counter[Kind] = field(default_factory=Counter)
    sources: set[str] = field(default_factory=set)
    authority: float = 0.0  #: of the surest source
    voices: int = 0  #: documents that are not spread
    outside: int = 0  #: voices from elsewhere
    inside: int = 0  #: voices that name a place of ours, or were addressed to us
    topics: Counter[str] = field(default_factory=Counter)  #: of voices
    marks: dict[str, Mark] = field(default_factory=dict)
    people: int = 0  #: citizens' voices: an author, or a document where no author is known
    _said: dict[str, tuple[int, int]] = field(default_factory=dict)  # voice → (negative documents, documents)
    _shares: Counter[tuple[int, int]] = field(default_factory=Counter)
    _strength: int = 0  # of negative documents, millionths
    _strong: int = 0

    def add(self, member: Member, stamp: int) -> int:
        """One more document, seen at this microsecond; its heat in millionths."""
        kind, heat = member.kind, heat_of(member, self.factor)
        at = self.window.add(stamp, heat)
        self.figures.insert(at, _figures(member))
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.sources.add(member.source)
        sure = member.authority or _AUTHORITY.get(kind, 0.0)
        if sure > self.authority:
            self.authority = sure
        if member.duplicate_of is None:
            self._voice(member, stamp)
        return heat

    def _voice(self, member: Member, stamp: int) -> None:
        self.voices += 1
        self.outside += not member.ours
        self.inside += at_home(member)
        if member.topic:
            self.topics[member.topic] += 1
        if member.flags:
            self._mark(member, stamp)
        if member.kind not in ECHO:
            self._citizen(member)

    def _mark(self, member: Member, stamp: int) -> None:
        flags = set(member.flags)
        if "rumour" in flags and flags & GRAVE:
            flags.add(GRAVE_RUMOUR)
        for flag in flags:
            mark = self.marks.get(flag)
            if mark is None:
                mark = self.marks[flag] = Mark()
            mark.documents += 1
            insort(mark.first, (stamp, member.document))
            del mark.first[EVIDENCE:]
            mark.voices.add(member.author or member.document)
            mark.authority = max(mark.authority, authority(member))

    def _citizen(self, member: Member) -> None:
        who = member.author or member.document
        before, shares = self._said.get(who), self._shares
        if before is None:
            self.people += 1
            share = (int(member.negative), 1)
        else:
            shares[before] -= 1
            share = (before[0] + member.negative, before[1] + 1)
        self._said[who] = share
        shares[share] = shares.get(share, 0) + 1
        if member.negative:
            self._strength += round(member.sentiment * 1_000_000)
            self._strong += 1

    @property
    def count(self) -> int:
        """Documents, spread included."""
        return len(self.window.stamps)

    @property
    def negative(self) -> float:
        """Citizens' voices that are negative; one that says both counts by its share."""
        return math.fsum([n * bad / said for (bad, said), n in self._shares.items() if bad and n])

    @property
    def strength(self) -> float:
        """Mean probability of what is negative, 0..1."""
        return self._strength / self._strong / 1_000_000 if self._strong else 0.0

    @property
    def stamps(self) -> list[int]:
        """When each was seen, in order."""
        return self.window.stamps

    @property
    def platforms(self) -> int:
        """Kinds of platform; the administration's reply is none."""
        return len(self.kinds) - ("reply" in self.kinds)

    def flagged(self, code: str) -> Mark:
        """Voices with this flag."""
        return self.marks.get(code, _NOBODY)


def _figures(member: Member) -> int:
    """Which figures are known, as bits of FIGURES."""
    return (
        (member.reads is not None)
        | (member.reposts is not None) << 1
        | (member.comments is not None) << 2
        | (member.likes is not None) << 3
    )


def heat_of(member: Member, factor: Mapping[str, float]) -> int:
    """Heat of one document, millionths; figures beyond a thousand million are slips and cut there."""
    heat = 1000
    for figure, weight in zip((member.reads, member.reposts, member.comments, member.likes), WEIGHTS, strict=True):
        if figure is not None and figure > 0:
            heat += weight * min(MOST, figure)
    return round(1000 * factor.get(member.kind, 1.0)) * heat
