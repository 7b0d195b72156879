"""What was known of every event at each arrival of a prepared stream: one row per arrival, columns as arrays.

    arrivals of one event ─Known→ counts ┐
                                         ├ rows of all events ─`analysis.risk_arrays`→ the seven x, floor, cap
    stamps and heat ──────── windows ────┘

None of it depends on weights or thresholds: it is made once and shared by every configuration that differs only in
them. Values at `until`, just before the next arrival, bound those in between (`app.replay_walk`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.risk_arrays import Floats, Whole, breadth, gap, heat, negativity, sources, speed
from analysis.risk_factors import limit_hours, sensitivity
from analysis.risk_limits import advertisement, floors, foreign
from analysis.risk_picture import Picture
from analysis.risk_tally import DAY, HOUR, micros, moment
from app.replay_facts import Known
from app.replay_prepared import Arrival, groups
from storage.types import Event, Office, Reason

NEVER = 2**62  #: a moment that does not come
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
    rows: list[tuple[int | float, ...]] = []
    late: list[tuple[int, int, int, int]] = []
    for event, arrivals in by_event.items():
        _follow(made, rows, late, event, arrivals, closed.get(event, end))
    columns = list(zip(*rows, strict=True)) or [()] * (len(_WHOLE) + len(_FLOATS))
    names = (*_WHOLE, *_FLOATS)
    made.whole = {n: np.array(c, np.int64) for n, c in zip(names, columns, strict=True) if n in _WHOLE}
    floats = {n: np.array(c, np.float64) for n, c in zip(names, columns, strict=True) if n in _FLOATS}
    _measure(made, floats, late)
    return made


def _follow(
    made: Tracks,
    rows: list[tuple[int | float, ...]],
    late: list[tuple[int, int, int, int]],
    event: str,
    arrivals: Sequence[Arrival],
    end: int,
) -> None:
    """The rows of one event. late: (first row of the event, row that it came in with, stamp, heat) of documents that
    came in more than an hour after they were seen."""
    known, seen, limit, kinds = Known(made.office, event), None, 0.0, -1
    first_row, began, had, odd = len(rows), len(late), False, False
    for at, group in groups(arrivals):
        previous, before = group[0].previous, len(known.stamps)
        if len(group) > 1:
            previous = next((a.previous for a in group if a.previous), None)
        taken = known.take([a.member for a in group], moment(at), incident=group[-1].incident, previous=previous)
        late += [
            (first_row, len(rows), known.stamps[place], known.heats[place])
            for place in range(before, len(known.stamps))
            if at - known.stamps[place] >= HOUR
        ]
        now = known.event
        if not taken or now is None or now.historic:
            continue
        odd = odd or (had and now.topic is None) or (len(rows) > first_row and bool(previous))
        had = had or now.topic is not None
        if seen is None or seen.event is not now:  # of the moment only what it is about is asked
            seen = Picture(now, made.office, now.detected_at, at, known.tally)
        if kinds != len(known.tally.kinds):
            limit, kinds = limit_hours(seen), len(known.tally.kinds)
        rows.append(_row(seen, known, at, limit, made))
    odd = odd or len(known.held) != len(arrivals) or sum(known.heats) >= _LARGEST
    if odd or known.event is None or len(rows) == first_row:
        (made.odd if odd else made.lone).append(event)
        del rows[first_row:], made.topics[first_row:], made.reasons[first_row:], late[began:]
        return
    first_document = len(made.stamps)
    made.stamps += known.stamps
    made.heats += known.heats
    made.spans[event] = Span(known.event, (first_row, len(rows)), (first_document, len(made.stamps)), end)


def _row(seen: Picture, known: Known, at: int, limit: float, made: Tracks) -> tuple[int | float, ...]:
    """In the order of _WHOLE and _FLOATS."""
    tally, event, last, facts = known.tally, seen.event, known.facts.last, known.facts
    floor, reasons = floors(seen)
    x = sensitivity(seen)
    matter = event.topic is not None or facts.addressed or known.is_matter(reasons)
    made.topics.append(event.topic)
    made.reasons.append(reasons)
    return (
        at, len(tally.window.stamps), tally.people, tally.platforms, tally.voices, tally.outside,
        "crowd" in tally.marks, len(tally.sources) == 1, foreign(tally), advertisement(tally), floor or 0,
        matter, not matter and known.plain(), micros(event.first_at),
        NEVER if event.answered_at is None else micros(event.answered_at), micros(last) if last else 0,
        event.previous is not None,
        np.nan if x is None else x, tally.negative, tally.strength, tally.authority, limit,
    )  # fmt: skip


def _measure(made: Tracks, floats: Mapping[str, Floats], late: Sequence[tuple[int, int, int, int]]) -> None:
    """Fill in the factors."""
    w, peak = made.whole, made.office.risk.heat_p95
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
