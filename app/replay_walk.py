"""Levels of every event over its tracks: rows at which nothing can happen are passed over in one step.

At the others `alerts.levels.decide` says what happens, and between two arrivals it is asked at the moments of
`app.replay_course`, but for stretches in which even the bounds of the score change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, log1p

from alerts.levels import LevelState, bounded, decide, reached
from analysis.bursts import event_speed
from analysis.risk import points
from analysis.risk_tally import micros, moment
from app.replay_course import Course
from app.replay_tracks import Span
from app.replay_weighed import Filling, Weighed
from storage.types import Event, Level, LevelChange, Reason, Risk

_FEW = 4  #: evaluations below which a stretch is not worth testing
_SHARE = 0.9  #: of the usual interval, after which a step down counts again (`alerts.levels`)
Cap = tuple[Level | None, tuple[Reason, ...]]


@dataclass(slots=True)
class Outcome:
    """What became of one event."""

    id: str
    event: Event | None
    changes: list[LevelChange] = field(default_factory=list)
    peak: Level = 0  #: highest level
    evaluations: int = 0
    _weighed: Weighed | None = None
    _rows: tuple[int, int] = (0, 0)
    _points: tuple[tuple[datetime, float], ...] = ()

    @classmethod
    def of(cls, course: Course) -> "Outcome":
        """Of an event that was followed step by step."""
        points = tuple(course.points)
        return cls(course.id, course.event, course.changes, course.peak, course.evaluations, _points=points)

    @property
    def points(self) -> list[tuple[datetime, float]]:
        """Score at each arrival, from when there was something to grade."""
        known = self._weighed
        if known is None:
            return list(self._points)
        graded = self.changes[0].at if self.changes else None
        rows = [(moment(known.columns["at"][row]), row) for row in range(*self._rows)]
        plain = known.columns["plain"]
        return [(at, known.scores[row]) for at, row in rows if not plain[row] or (graded is not None and at > graded)]


@dataclass(slots=True)
class Walk:
    """One event's way over its rows."""

    weighed: Weighed
    span: Span
    outcome: Outcome
    state: LevelState = field(default_factory=LevelState)
    _filling: Filling = field(init=False)
    _row: int = 0
    _steady: Mapping[str, float | None] = field(default_factory=dict)  # all factors at the row; V, H, R move on
    _wall: int = 0  # a moment up to which the level was not seen to stay
    _eager: int = 0  # evaluations to make before a stretch is tested again

    def __post_init__(self) -> None:
        self._filling = Filling(self.weighed.tracks, self.span)

    def go(self) -> Outcome:
        """Over all rows."""
        weighed, (row, end) = self.weighed, self.span.rows
        column, top = weighed.columns, len(weighed.office.levels)
        while row < end and not self.state.level >= top > 1:  # from the top only a person steps down
            if not self.state.above and not self.state.below:
                row = weighed.stops[self.state.level][row]
                if row >= end:
                    break
            self._row, self._eager, self._wall, self._steady = row, 0, 0, weighed.values(row)
            at = column["at"][row]
            self._decide(at, weighed.scores[row], weighed.cap_at(row, weighed.heats[row]))
            self._between(at, column["until"][row])
            row += 1
        return self.outcome

    def _decide(self, at: int, score: float, cap: Cap) -> None:
        tracks, row = self.weighed.tracks, self._row
        if not self.state.level and not self.weighed.columns["matter"][row]:
            return
        self.outcome.evaluations += 1
        floor = self.weighed.columns["floor"][row] or None
        risk = Risk(score=score, factors=(), floor=floor, cap=cap[0], reasons=(*tracks.reasons[row], *cap[1]))
        change, self.state = decide(self.span.event, risk, self.state, self.weighed.office, moment(at))
        if change is not None:
            self._wall = 0
            self.outcome.changes.append(change)
            self.outcome.peak = max(self.outcome.peak, change.after)

    def _between(self, at: int, until: int) -> None:
        """Every evaluation that falls due after `at`, up to and including `until`."""
        rhythm, column, top = self.weighed.rhythm, self.weighed.columns, len(self.weighed.office.levels)
        active = column["last"][self._row] + rhythm.active
        while self.state.level or column["matter"][self._row]:
            level = self.state.level
            busy = level >= rhythm.busy
            due = rhythm.after(at, rhythm.usual)
            if busy:
                due = min(due, rhythm.after(at, rhythm.urgent))
            if due > until or level >= top > 1 or not (busy or due <= active):
                return
            if self._eager <= 0:
                passed = self._passable(due, until if busy else max(due, min(until, active)), busy)
                if passed is not None:
                    at = passed
                    continue
            self._eager -= 1
            at = due
            score, cap = self._exact(due)
            times = (busy and (due - rhythm.origin) % rhythm.urgent == 0) + (
                due <= active and (due - rhythm.origin) % rhythm.usual == 0
            )
            for _ in range(times):
                self._decide(due, score, cap)

    def _passable(self, due: int, until: int, busy: bool) -> int | None:
        """The end of a stretch from `due` on in which no evaluation can do anything, else None."""
        rhythm, state = self.weighed.rhythm, self.state
        if state.above:
            return None
        if state.below:
            rest = ceil(_SHARE * self.weighed.office.risk.evaluate_seconds * 1_000_000)
            end = min(until, (micros(state.below_at) if state.below_at else 0) + rest - 2)
            if state.frozen_at is not None:  # a fall that was held back comes with the thaw
                thaw = micros(state.frozen_at) + ceil(self.weighed.office.risk.flap_hours * 3_600_000_000)
                end = min(end, thaw - 2) if thaw > due else due
            return end if end > due and self._sinks(due, end) else None
        least = _FEW * (rhythm.urgent if busy else rhythm.usual)
        end = min(until, self._wall) if self._wall > due else until
        while end - due >= least:
            if self._stays(due, end):
                return end
            self._wall = end
            end = due + (end - due) // 2
        self._eager = _FEW
        return None

    def _stays(self, since: int, until: int) -> bool:
        """Whether no value between these moments changes the level or counts towards a change."""
        found = self._bounds(since, until)
        if found is None:
            return False
        low, high, most, least = found
        level, office, floor = self.state.level, self.weighed.office, self.weighed.columns["floor"][self._row]
        if self._rises(high, most):
            return False
        rule = office.rule(min(level, len(office.levels)))
        if rule is None or floor >= level:
            return True
        return low >= rule.threshold - office.risk.down_margin and (least is None or least >= level)

    def _sinks(self, since: int, until: int) -> bool:
        """Whether every value between these moments is clearly below the level."""
        found = self._bounds(since, until)
        rule = self.weighed.office.rule(self.state.level)
        if found is None or rule is None or self.weighed.columns["floor"][self._row] >= self.state.level:
            return False
        _, high, most, _ = found
        below = high < rule.threshold - self.weighed.office.risk.down_margin
        return (below or (most is not None and most < self.state.level)) and not self._rises(high, most)

    def _rises(self, high: float, most: Level | None) -> bool:
        """Whether a score up to this one, under this cap, may ask for a higher level."""
        office, level = self.weighed.office, self.state.level
        risk = Risk(score=high, factors=(), floor=self.weighed.columns["floor"][self._row] or None, cap=most)
        wanted = min(bounded(reached(high, office), risk), len(office.levels))
        flares = most is None and self.span.event.previous is not None
        return wanted > level or (wanted == 1 and level < 2 and flares)

    def _bounds(self, since: int, until: int) -> tuple[float, float, Level | None, Level | None] | None:
        """Lowest and highest score, highest and lowest cap between two moments; None where an answer falls between."""
        answered = self.weighed.columns["answered"][self._row]
        if since < answered <= until:
            return None
        (fast, warm, heat), (slow, cool, rest) = self._moving(since), self._moving(until)
        if self.weighed.usual is not None:
            slow = slow / self.weighed.usual.noise(self.weighed.tracks.topics[self._row], since, until)
        gaps = self._reply(since), self._reply(until)
        low, high = self._score(slow, cool, min(gaps)), self._score(fast, warm, max(gaps))
        return low, high, self.weighed.cap_at(self._row, heat)[0], self.weighed.cap_at(self._row, rest)[0]

    def _exact(self, at: int) -> tuple[float, Cap]:
        """Score and cap at a moment between two arrivals."""
        weighed, row = self.weighed, self._row
        fast, warm, heat = self._moving(at)
        if weighed.usual is not None:
            now = moment(at)
            baseline = weighed.usual.of(weighed.tracks.topics[row], now)
            if baseline is not None:
                hours = self._filling.upto(weighed.columns["count"][row]).hours(at)
                fast = min(1.0, max(0.0, event_speed(hours, now, baseline)) / 4)
        return self._score(fast, warm, self._reply(at)), weighed.cap_at(row, heat)

    def _moving(self, at: int) -> tuple[float, float, float]:
        """V in a quiet stream, H, and h itself."""
        window = self._filling.upto(self.weighed.columns["count"][self._row])
        heat = window.heat(at)
        level = event_speed(window.hours(at), _ANY)
        return min(1.0, max(0.0, level) / 4), min(1.0, log1p(heat) / self.weighed.peak), heat

    def _reply(self, at: int) -> float:
        column, row = self.weighed.columns, self._row
        if column["answered"][row] <= at:
            return 0.0
        return min(1.0, max(0.0, (at - column["start"][row]) / 3_600_000_000) / self.weighed.limits[row])

    def _score(self, fast: float, warm: float, reply: float) -> float:
        return points({**self._steady, "V": fast, "H": warm, "R": reply}, self.weighed.office.risk.weights)


_ANY = moment(0)  # without usual hours the speed does not depend on the time of day
