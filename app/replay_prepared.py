"""A recorded stream, understood and grouped once: what every replay over it starts from.

    documents in order of arrival ─assess─assign→ Arrival per document        slow, once
    save / load                                                               one JSON line per document
    `app.replay_run` grades it, as often as one likes                         fast

No look-ahead: a document exists from `fetched_at` on, with the figures it came in with. An event without news for
`risk.quiet_after_hours` and without a level closes, as in the running program where its tasks are done; that level
comes from the office's present weights, and a run with other weights keeps the grouping that follows from it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import orjson

from alerts.routing import Facts
from analysis.assess import Assessor
from analysis.events import Assignment, Grouper
from analysis.risk_tally import micros, moment
from app.again import as_known, grouped, member_again
from app.facts import member_of, pooled
from app.replay_course import Course, Rhythm
from app.replay_origin import changed, origin_of
from app.usual import ArrivedHours, Usual
from storage.prepare import prepare as accepted
from storage.types import Assessment, DepartmentGuess, Document, Event, Member, Office

_FORMATS = "minsheng-replay-"  #: what files of any version begin with
FORMAT = f"{_FORMATS}4"
_BATCH = 1000
_TITLE = 24  #: characters that stand for a document without a title
_GUESSES = 3  #: departments kept of a document
_HOUR = 3_600_000_000
_HEAD = ("made", "unread", "repeated", "closed", "titles")
_FIELDS = (
    "event", "document", "kind", "source", "sentiment", "negative", "author", "area", "topic", "duplicate_of", "likes",
    "comments", "reposts", "reads", "authority", "ours", "historic",
)  # fmt: skip


class NotPrepared(ValueError):
    """A file that `--prepared` did not write."""


class Outdated(ValueError):
    """A prepared file of another program, other models or another configuration; says what to do."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One document as the grading sees it."""

    at: int  #: when it came in, microseconds since 1970
    member: Member
    incident: bool  #: lies in a topic
    previous: str | None = None  #: the closed event that its new one is a flare-up of
    departments: tuple[DepartmentGuess, ...] = ()
    text_kind: str = "other"
    topics: tuple[str, ...] = ()  #: that the document store counts it by


@dataclass(slots=True)
class Prepared:
    """The arrivals, oldest first, and when which event closed (microseconds)."""

    made: Mapping[str, str] = field(default_factory=dict)  #: by what (`app.replay_origin`)
    arrivals: list[Arrival] = field(default_factory=list)
    closed: dict[str, int] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)  #: event → its first title, or how it begins; masked
    unread: int = 0
    repeated: int = 0  #: delivered again without anything new
    tracks: object = field(default=None, compare=False, repr=False)  #: kept by `app.replay_run`
    _usual: Usual | None = field(default=None, compare=False)

    def usual(self, office: Office) -> Usual:
        """The topics' usual hours as the running program would have known them; weights make no difference to them."""
        if self._usual is None:
            hours = ArrivedHours(office)
            for arrival in self.arrivals:
                count(arrival, hours)
            self._usual = Usual(office, hours)
        return self._usual

    @property
    def origin(self) -> int:
        """When the simulated program starts: the ten minutes in which the first document came in begin."""
        return self.arrivals[0].at // 600_000_000 * 600_000_000 if self.arrivals else 0

    @property
    def days(self) -> float:
        """Length of the stream."""
        return (self.arrivals[-1].at - self.arrivals[0].at) / (24 * _HOUR) if self.arrivals else 0.0


def prepare(documents: Iterable[Document], office: Office, assessor: Assessor | None = None) -> Prepared:
    """Assess and group the documents (any order; they are taken by `fetched_at`). What cannot be read is counted.

    They pass what everything passes before it is accepted: a time in the future is none, what is old is history.
    """
    rows = sorted((accepted(d, b"", d.fetched_at) for d in documents), key=lambda d: (d.fetched_at, d.id))
    made = Prepared(made=origin_of(office))
    work = _Grouping(office, made, Grouper(office))
    reader = assessor or Assessor(office)
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        pairs = [(d, a) for d, a in zip(part, reader.assess(part), strict=True) if isinstance(a, Assessment)]
        made.unread += len(part) - len(pairs)
        if pairs and work.check_at is None:
            work.check_at = micros(pairs[0][0].fetched_at) // 600_000_000 * 600_000_000 + _HOUR
        work.take(pairs)
    return made


@dataclass(slots=True)
class _Grouping:
    """The grouping on its way through the stream, with the hourly closing of quiet events."""

    office: Office
    made: Prepared
    grouper: Grouper
    check_at: int | None = None
    _hours: ArrivedHours = field(init=False)
    _usual: Usual = field(init=False)
    _by_event: dict[str, list[Arrival]] = field(default_factory=dict)
    _last: dict[str, datetime] = field(default_factory=dict)
    _silent: list[tuple[datetime, str]] = field(default_factory=list)
    _known: dict[str, Member] = field(default_factory=dict)
    _titled: set[str] = field(default_factory=set)  # events that go by the first title of their documents

    def __post_init__(self) -> None:
        self._hours = ArrivedHours(self.office)
        self._usual = Usual(self.office, self._hours)

    def take(self, pairs: Sequence[tuple[Document, Assessment]]) -> None:
        """Documents in order of arrival; the hourly check runs between them where it falls due."""
        waiting: list[tuple[Document, Assessment]] = []
        for pair in pairs:
            while self.check_at is not None and micros(pair[0].fetched_at) >= self.check_at:
                self._assign(waiting)
                waiting = []
                self._close(self.check_at)
                self.check_at += _HOUR
            waiting.append(pair)
        self._assign(waiting)

    def _assign(self, pairs: Sequence[tuple[Document, Assessment]]) -> None:
        pairs = [(as_known(document, self._known.get(document.id)), seen) for document, seen in pairs]
        for (document, assessment), found in zip(pairs, grouped(self.grouper, pairs, self._known), strict=True):
            arrival = self._arrival(document, assessment, found)
            if arrival is None:
                self.made.repeated += 1
                continue
            self.made.arrivals.append(arrival)
            count(arrival, self._hours)
            self._by_event.setdefault(found.event, []).append(arrival)
            last = max(document.at, self._last.get(found.event, document.at))
            self._last[found.event] = last
            heappush(self._silent, (last, found.event))

    def _arrival(self, document: Document, assessment: Assessment, found: Assignment) -> Arrival | None:
        """None for a second delivery that says nothing new."""
        arrival, before = arrival_of(document, assessment, found, self.office), self._known.get(document.id)
        member = member_again(arrival.member, before, dated=document.published_at is not None)
        self._known[document.id] = member
        if assessment.masked_title and member.event not in self._titled:
            self._titled.add(member.event)
            self.made.titles[member.event] = assessment.masked_title
        self.made.titles.setdefault(member.event, assessment.masked_text[:_TITLE])
        return replace(arrival, member=member) if member != before else None

    def _close(self, at: int) -> None:
        """Events whose last document is too long ago and that have no level."""
        limit = moment(at) - timedelta(hours=self.office.risk.quiet_after_hours)
        while self._silent and self._silent[0][0] < limit:
            last, event = heappop(self._silent)
            if self._last[event] != last or event in self.made.closed:
                continue
            rhythm = Rhythm.of(self.office, self.made.origin)
            course = course_of(event, self._by_event[event], self.office, rhythm, self._usual)
            course.advance(at)
            if course.event is not None and course.state.level == 0:
                self.grouper.close(event, moment(at))
                self.made.closed[event] = at


def arrival_of(document: Document, assessment: Assessment, found: Assignment, office: Office) -> Arrival:
    """What grading reads of a document that is understood and grouped."""
    return Arrival(
        at=micros(document.fetched_at),
        member=member_of(document, assessment, found, office, document.fetched_at),
        incident=any(t.incident for t in assessment.topics),
        previous=found.previous,
        departments=tuple(assessment.departments[:_GUESSES]),
        text_kind=assessment.text_kind,
        topics=tuple(dict.fromkeys(t.id for t in [t for t in assessment.topics if t.incident] or assessment.topics)),
    )


def count(arrival: Arrival, hours: ArrivedHours) -> None:
    """Into the usual hours of its topics; history is no part of them."""
    if not arrival.member.historic:
        hours.add(arrival.member.document, arrival.topics, arrival.member.at, arrival.at)


def groups(arrivals: Sequence[Arrival]) -> Iterator[tuple[int, Sequence[Arrival]]]:
    """What came in together, with its moment."""
    start = 0
    for place in range(1, len(arrivals) + 1):
        if place == len(arrivals) or arrivals[place].at != arrivals[start].at:
            yield arrivals[start].at, arrivals[start:place]
            start = place


def course_of(
    event: str, arrivals: Sequence[Arrival], office: Office, rhythm: Rhythm, usual: Usual | None = None
) -> Course:
    """The event's course up to its last arrival."""
    course = Course(office, rhythm, event, usual)
    for at, rows in groups(arrivals):
        previous = next((r.previous for r in rows if r.previous), None)
        course.take([r.member for r in rows], moment(at), incident=rows[-1].incident, previous=previous)
    return course


def routing_facts(event: Event, arrivals: Sequence[Arrival], level: int) -> Facts:
    """What the routing list looks at, as far as a replay knows it."""
    return Facts(
        event=event.id,
        level=level,
        topic=event.topic,
        area=next((a.member.area for a in arrivals if a.member.area and a.member.ours), None),
        departments=pooled([a.departments for a in arrivals]),
        kinds=tuple(sorted({a.member.kind for a in arrivals})),
        flags=(),
        incident_grade=None,
        text_kind=arrivals[0].text_kind,
    )


def save(prepared: Prepared, path: Path) -> None:
    """Write it as JSON lines; OSError where that is not possible."""
    head = {"format": FORMAT} | {name: getattr(prepared, name) for name in _HEAD}
    with path.open("wb") as out:
        out.write(orjson.dumps(head) + b"\n")
        for a in prepared.arrivals:
            m = a.member
            guesses = [[g.id, g.probability] for g in a.departments]
            row = [
                a.at,
                micros(m.at),
                micros(m.seen_at),
                a.incident,
                a.previous,
                a.text_kind,
                guesses,
                m.flags,
                a.topics,
            ]
            out.write(orjson.dumps(row + [getattr(m, name) for name in _FIELDS]) + b"\n")


def load(path: Path, office: Office) -> Prepared:
    """Read what `save` wrote. NotPrepared for any other file, Outdated where this program or this office would
    understand or group the documents in another way, OSError where it cannot be read."""
    with path.open("rb") as lines:
        try:
            head = orjson.loads(lines.readline())
            if not isinstance(head, dict) or not str(head.get("format")).startswith(_FORMATS):
                raise NotPrepared(f"{path.name} 不是 --prepared 生成的文件")
            why = changed(head["made"], office) if head["format"] == FORMAT else ["文件格式是旧版程序的"]
            if why:
                again = f"请用原始文件重新生成：minsheng replay 原始文件 --prepared {path.name}"
                raise Outdated(f"{path.name} 已过期，不能直接回放：{'；'.join(why)}。{again}")
            return Prepared(
                made=head["made"],
                arrivals=[_read(orjson.loads(line)) for line in lines],
                closed={str(k): int(v) for k, v in head["closed"].items()},
                titles={str(k): str(v) for k, v in head["titles"].items()},
                unread=int(head["unread"]),
                repeated=int(head["repeated"]),
            )
        except (NotPrepared, Outdated):
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # what is no JSON is a ValueError too
            raise NotPrepared(f"{path.name} 已损坏，请重新生成：{error}") from error


def _read(row: list[Any]) -> Arrival:
    at, published, seen, incident, previous, text_kind, guesses, flags, topics, *rest = row
    values = dict(zip(_FIELDS, rest, strict=True))
    member = Member(at=moment(published), seen_at=moment(seen), flags=tuple(flags), **values)
    found = tuple(DepartmentGuess(id=g, probability=p, reason="") for g, p in guesses)
    return Arrival(at, member, incident, previous, found, text_kind, tuple(topics))
