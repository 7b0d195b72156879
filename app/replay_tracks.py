"""What was known of every event at each arrival of a prepared stream: one row per arrival, columns as arrays.

    arrivals of all events ─replay_columns, replay_marks→ running counts ┐
                                                                         ├─`analysis.risk_arrays`→ seven x, floor, cap
    stamps and heat ───────── windows ───────────────────────────────────┘

None of it depends on weights or thresholds: it is made once and shared by every configuration that differs only in
them. Values at `until`, just before the next arrival, bound those in between (`app.replay_walk`).
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from analysis.risk_arrays import Floats, Whole, breadth, elsewhere, gap, heat, negativity, sources, speed
from analysis.risk_factors import NO_LIMIT
from analysis.risk_tally import ADDRESSED, DAY, HOUR, moment
from app.facts import notable
from app.replay_columns import NEVER, Stream, Truth, coded, counts, firsts
from app.replay_marks import Floors, Marks, sensitivity, subjects
from app.replay_prepared import Arrival
from storage.types import Event, Office, Reason

_LARGEST = 2**53  #: heat in millionths beyond it is no exact float any more
_WHOLE = (
    "at", "count", "people", "platforms", "voices", "outside", "gathering", "alone", "foreign",
    "advertisement", "floor", "matter", "plain", "start", "answered", "last", "flare",
)  # fmt: skip
_FLOATS = ("sensitivity", "negative", "strength", "authority", "limit")


@dataclass(frozen=True, slots=True)
class Span:
    """Where one event's rows and documents lie, and what it came to."""

    event: Event
    rows: tuple[int, int]
    documents: tuple[int, int]
    end: int  #: when it closed, or the end of the replay; microseconds


@dataclass(slots=True)
class Tracks:
    """Rows of all events, one event after the other, oldest first."""

    office: Office
    spans: dict[str, Span] = field(default_factory=dict)
    lone: list[str] = field(default_factory=list)  #: what never became an event, or one of history
    odd: list[str] = field(default_factory=list)  #: events that only `app.replay_course` follows
    topics: list[str | None] = field(default_factory=list)  #: of each row
    reasons: list[tuple[Reason, ...]] = field(default_factory=list)  #: of each row's floor
    stamps: list[int] = field(default_factory=list)  #: of each document, in order of arrival
    heats: list[int] = field(default_factory=list)
    whole: dict[str, Whole] = field(default_factory=dict)
    x: dict[str, Floats] = field(default_factory=dict)  #: code of a factor → its value at each row, in a quiet stream
    later: dict[str, Floats] = field(default_factory=dict)  #: V, H and heat at `until`, from the same documents
    heat: Floats = field(default_factory=lambda: np.zeros(0))  #: h at each row
    limit: Floats = field(default_factory=lambda: np.zeros(0))

    def fits(self, office: Office) -> bool:
        """Whether this configuration differs from the tracks' own in weights and thresholds only."""
        own = self.office
        if own is office:
            return True
        mine, its = ([(r.id, r.name, r.urgent) for r in o.levels] for o in (own, office))
        same = own.topics is office.topics and own.limits is office.limits and mine == its
        risk, other = own.risk, office.risk
        names = ("heat_p95", "heat_median", "floors", "caps", "source_factor", "evaluate_seconds")
        return same and all(getattr(risk, name) == getattr(other, name) for name in names)


def tracks(by_event: Mapping[str, Sequence[Arrival]], closed: Mapping[str, int], end: int, office: Office) -> Tracks:
    """Follow every event up to when it closed, or to `end` (microseconds)."""
    made = Tracks(office)
    if not by_event:
        _measure(made, {name: np.zeros(0, np.int64) for name in _WHOLE}, {name: np.zeros(0) for name in _FLOATS}, ())
        return made
    stream = Stream.of(by_event)
    whole, floats, heats = counts(stream, office.risk.source_factor)
    topics, whole["start"] = subjects(stream)
    floors = _judge(stream, topics, whole, floats, office)
    taken = _taken(stream)
    rows, number, previous = taken & stream.own.any(stream.live), stream.own.number, _previous(stream, taken)
    odd = _odd(stream, rows, np.array([topic is not None for topic in topics], np.bool_), heats)
    kept = ~odd & (np.bincount(number[rows], minlength=len(stream.events)) > 0)
    places, documents = np.flatnonzero(rows & kept[number]), np.flatnonzero(stream.live & kept[number])
    made.odd, made.lone = (list(compress(stream.events, which.tolist())) for which in (odd, ~odd & ~kept))
    made.stamps, made.heats = stream.stamp[documents].tolist(), heats[documents].tolist()
    made.topics, made.reasons = [topics[place] for place in places.tolist()], floors.reasons(places)
    whole["at"], whole["flare"] = stream.at, np.isin(number, list(previous)).astype(np.int64)
    begun, ranges, owned = np.flatnonzero(taken), _ranges(number[places]), _ranges(number[documents])
    born = dict(zip(number[begun][::-1].tolist(), begun[::-1].tolist(), strict=True))
    for event in np.flatnonzero(kept).tolist():
        now = _event(stream, event, born[event], topics, whole, previous.get(event))
        made.spans[now.id] = Span(now, ranges[event], owned[event], closed.get(now.id, end))
    _measure(
        made,
        {name: whole[name][places] for name in _WHOLE},
        {name: floats[name][places] for name in _FLOATS},
        _late(stream, places, documents, heats),
    )
    return made


def _event(
    stream: Stream,
    event: int,
    born: int,
    topics: Sequence[str | None],
    whole: Mapping[str, Whole],
    previous: str | None,
) -> Event:
    """As `app.replay_facts.Known` describes it after its last document. born: the place where it became an event."""
    last = int(stream.ends[event])
    start, answered = whole["start"], int(whole["answered"][last])
    return Event(
        id=stream.events[event],
        title="",
        first_at=moment(int(start[last])),
        last_at=moment(int(start[born])),
        detected_at=moment(int(stream.at[born])),
        topic=topics[last],
        previous=previous,
        answered_at=None if answered == NEVER else moment(answered),
    )


def _ranges(numbers: Whole) -> dict[int, tuple[int, int]]:
    """Event → where its places begin and end."""
    known, first, count = np.unique(numbers, return_index=True, return_counts=True)
    return dict(zip(known.tolist(), zip(first.tolist(), (first + count).tolist(), strict=True), strict=True))


def _judge(
    stream: Stream, topics: Sequence[str | None], whole: dict[str, Whole], floats: dict[str, Floats], office: Office
) -> Floors:
    """Fill in what topics and marks say; the floors."""
    marks = Marks.of(stream)
    floors = Floors.of(marks, office)
    nothing = np.array([topic is None for topic in topics], np.bool_) & ~stream.own.any(stream.of_kind(ADDRESSED))
    flagged = np.array([bool(m.flags) for m in stream.members], np.bool_)
    voices = whole["voices"]
    truths = {
        "matter": ~nothing | floors.notable | marks.notable(),
        "plain": nothing & ~stream.own.any(flagged),
        "gathering": marks.documents("crowd") > 0,
        "foreign": elsewhere(whole["outside"], whole.pop("inside"), voices),
        "advertisement": 2 * marks.documents("advertisement") > voices,
    }
    whole |= {name: truth.astype(np.int64) for name, truth in truths.items()} | {"floor": floors.level}
    floats["sensitivity"] = sensitivity(marks, topics, office)
    floats["limit"] = _limits(stream, office)
    return floors


def _limits(stream: Stream, office: Office) -> Floats:
    """As `analysis.risk_factors.limit_hours`, where nobody has entered anything by hand."""
    found = np.full(len(stream.members), np.inf)
    for rule in office.limits:
        if (
            rule.step == "reply"
            and rule.kind == "statutory"
            and rule.hours
            and not (rule.incident_grades or rule.flags)
        ):
            holds = stream.own.any(stream.live & stream.of_kind(rule.kinds)) if rule.kinds else np.True_
            found = np.where(holds, np.minimum(found, rule.hours), found)
    return np.where(np.isinf(found), NO_LIMIT, found)


def _taken(stream: Stream) -> Truth:
    """The last places of what came in together, from when on it is an event."""
    own, here = stream.own, np.arange(len(stream.members))
    last = np.append((own.number[1:] != own.number[:-1]) | (stream.at[1:] != stream.at[:-1]), True)
    found: Truth = last & (here > own.begin)
    for place in np.flatnonzero(last & (here == own.begin)).tolist():
        found[place] = notable(stream.members[place : place + 1], stream.arrivals[place].incident)
    return found


def _named(stream: Stream) -> list[tuple[int, str]]:
    """The last places of what came in together and is a flare-up of a closed event, and that event."""
    found: dict[tuple[int, int], tuple[int, str]] = {}
    for place, arrival in enumerate(stream.arrivals):
        if arrival.previous:
            event = int(stream.own.number[place])
            end = place + bisect_right(stream.at[place : stream.ends[event] + 1].tolist(), arrival.at) - 1
            found.setdefault((event, arrival.at), (end, arrival.previous))
    return list(found.values())


def _previous(stream: Stream, taken: Truth) -> dict[int, str]:
    """Event → the closed one that it is a flare-up of."""
    found: dict[int, str] = {}
    for place, previous in _named(stream):
        if taken[place]:
            found.setdefault(int(stream.own.number[place]), previous)
    return found


def _odd(stream: Stream, rows: Truth, about: Truth, heats: Whole) -> Truth:
    """Events in which a document came twice, whose topic fell away, that only a later document calls a flare-up, or
    whose heat is no exact number any more."""
    number, found = stream.own.number, np.zeros(len(stream.events), np.bool_)
    code, documents = coded(m.document for m in stream.members)
    found[number[~firsts(number * len(documents) + code, np.ones_like(rows))]] = True
    found[number[rows & ~about & stream.own.any(rows & about)]] = True
    found |= np.bincount(number, heats.astype(np.float64)) >= _LARGEST
    before = stream.own.sums(rows) - rows
    for place, _ in _named(stream):
        found[number[place]] |= bool(rows[place]) and before[place] > 0
    return found


def _late(stream: Stream, places: Whole, documents: Whole, heats: Whole) -> list[tuple[int, int, int, int]]:
    """(first row of the event, row that it came in with, stamp, heat) of documents that came in more than an hour after
    they were seen. places, documents: of the rows and of what is tallied."""
    old = documents[stream.at[documents] - stream.stamp[documents] >= HOUR]
    first = np.searchsorted(places, stream.own.begin[old])
    row = np.searchsorted(places, old)
    return list(zip(first.tolist(), row.tolist(), stream.stamp[old].tolist(), heats[old].tolist(), strict=True))


def _measure(
    made: Tracks, whole: dict[str, Whole], floats: Mapping[str, Floats], late: Sequence[tuple[int, int, int, int]]
) -> None:
    """Fill in the factors."""
    made.whole = w = whole
    peak = made.office.risk.heat_p95
    at = w["at"]
    until = w["until"] = np.append(at[1:], 0)[: len(at)]  # each row lasts until the next one's moment
    for span in made.spans.values():
        until[span.rows[1] - 1] = span.end
    spans = list(made.spans.values())
    begins = np.repeat(
        np.array([s.documents[0] for s in spans], np.int64), [s.rows[1] - s.rows[0] for s in spans]
    )  # fmt: skip
    upto = np.concatenate([[0], np.cumsum(np.array(made.heats, np.int64))])
    w["total"] = upto[begins + w["count"]] - upto[begins]
    hours, warm = _windows(made, at, late)
    after, cool = _windows(made, until, late)
    made.limit = floats["limit"]
    made.heat = warm / 1_000_000
    made.later = {"V": speed(after), "H": heat(cool, peak), "heat": cool / 1_000_000}
    made.x = {
        "S": floats["sensitivity"],
        "V": speed(hours),
        "H": heat(warm, peak),
        "N": negativity(floats["negative"], w["people"], floats["strength"]),
        "A": sources(floats["authority"], w["platforms"], w["count"]),
        "C": breadth(w["outside"], w["voices"], w["platforms"], w["gathering"]),
        "R": gap(at, w["start"], w["answered"], made.limit),
    }


def _windows(made: Tracks, at: Whole, late: Sequence[tuple[int, int, int, int]]) -> tuple[Whole, Whole]:
    """(24, n) documents of the hours before `at`, the newest first, and the heat of all 24; of the documents that each
    row knows."""
    stamps, heats = np.array(made.stamps, np.int64), np.array(made.heats, np.int64)
    older, cold = np.zeros((25, len(at)), np.int64), np.zeros(len(at), np.int64)
    older[0] = made.whole["count"]
    spans, base = list(made.spans.values()), int(min(stamps.min(initial=NEVER), at.min(initial=NEVER))) - 2 * DAY
    wide = int(max(stamps.max(initial=0), at.max(initial=0))) - base + 1
    most = max(1, 2**62 // wide)  # events whose keys fit into one search
    for start in range(0, len(spans), most):
        part = spans[start : start + most]
        _count_older(part, at - base, stamps - base, heats, wide, older, cold)
    for first, row, stamp, warm in late:  # rows before `row` did not know it
        for step in range(1, 25):
            since = first + int(np.searchsorted(at[first:row], stamp + step * HOUR, side="left"))
            if since >= row:
                break
            older[step, since:row] -= 1
            if step == 24:
                cold[since:row] -= warm
    return older[:24] - older[1:], made.whole["total"] - cold


def _count_older(
    spans: Sequence[Span], at: Whole, stamps: Whole, heats: Whole, wide: int, older: Whole, cold: Whole
) -> None:
    """Fill in, for the rows of these events, documents at least 1..24 hours older than the row, and heat beyond 24."""
    rows, documents = (slice(spans[0].rows[0], spans[-1].rows[1]), slice(spans[0].documents[0], spans[-1].documents[1]))
    numbers = np.arange(len(spans))
    number = np.repeat(numbers, [s.rows[1] - s.rows[0] for s in spans])
    key = np.repeat(numbers, [s.documents[1] - s.documents[0] for s in spans]) * wide + stamps[documents]
    order = np.argsort(key, kind="stable")
    key, upto = key[order], np.concatenate([[0], np.cumsum(heats[documents][order])])
    begins = np.array([s.documents[0] - spans[0].documents[0] for s in spans], np.int64)[number]
    asked = number * wide + at[rows]
    for step in range(1, 25):
        older[step, rows] = np.searchsorted(key, asked - step * HOUR, side="right") - begins
    cold[rows] = upto[older[24, rows] + begins] - upto[begins]
