"""One event's course through a replay, step by step: the live decisions at the live moments, without stores or sending.

What `app.replay_walk` is held against, and the way of the few events that it leaves out.

    arrivals of one event ─tally→ what is known now ─bare→ Risk ─decide→ changes of level
    between two arrivals: the moments of `app.jobs` (every 2 min from the level below urgent on, every 10 min while
    active); a stretch in which nothing can change is skipped

Without news V and H only fall and R only grows, so the values at both ends of a stretch bound every value inside it:
where even the bounds stay between this level's thresholds, no evaluation inside can do anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.levels import LevelState, bounded, decide, reached
from analysis.risk import Settled, bare, points, settled
from analysis.risk_factors import gap, speed
from analysis.risk_picture import Picture
from analysis.risk_tally import micros, moment
from app.jobs import ACTIVE
from app.replay_facts import Known
from app.usual import Usual
from storage.types import Event, Level, LevelChange, Member, Office, Risk

_SECOND = 1_000_000
_FEW = 4  #: evaluations below which a stretch is not worth testing
_AFTER = 8  #: evaluations that are made one by one after a stretch that may hold a change


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When the running program looks at events although nothing came in, in microseconds."""

    origin: int  #: when the program was started
    urgent: int
    usual: int
    busy: int  #: level from which the urgent rhythm holds
    active: int  #: how long after its last document an event is looked at in the usual rhythm

    @classmethod
    def of(cls, office: Office, origin: int) -> "Rhythm":
        first = next((rank for rank, rule in enumerate(office.levels, 1) if rule.urgent), 1)
        return cls(
            origin=origin,
            urgent=round(office.risk.evaluate_urgent_seconds * _SECOND),
            usual=round(office.risk.evaluate_seconds * _SECOND),
            busy=max(1, first - 1),
            active=ACTIVE // timedelta(microseconds=1),
        )

    def after(self, at: int, step: int) -> int:
        """The first moment of this step after `at`."""
        return at + step - (at - self.origin) % step


@dataclass(slots=True)
class Course:
    """One event. `take` its documents in order of arrival; `advance` lets time pass."""

    office: Office
    rhythm: Rhythm
    id: str
    usual: Usual | None = None
    state: LevelState = field(default_factory=LevelState)
    changes: list[LevelChange] = field(default_factory=list)
    points: list[tuple[datetime, float]] = field(default_factory=list)  #: score at each arrival
    peak: int = 0  #: highest level
    documents: int = 0
    evaluations: int = 0
    at: int = 0  #: up to where evaluations are done, microseconds
    _known: Known = field(init=False)
    _settled: Settled | None = None
    _x: Mapping[str, float | None] = field(default_factory=dict)  # of the last evaluation
    _cap: Level | None = None  # of the last evaluation
    _matter: bool = False
    _eager: int = 0  # evaluations to make before a stretch is tested again

    def __post_init__(self) -> None:
        self._known = Known(self.office, self.id)

    @property
    def event(self) -> Event | None:
        """The event; None while its documents are none."""
        return self._known.event

    def take(self, members: Sequence[Member], now: datetime, *, incident: bool, previous: str | None) -> None:
        """Documents that came in together. incident: the last one lies in a topic."""
        self.advance(micros(now))
        level = self.state.level
        taken = self._known.take(members, now, incident=incident, previous=previous, level=level)
        self.documents = len(self._known.held)
        if not taken:
            return
        self.at = micros(now)
        event = self.event
        if event is not None and not event.historic and not self._plain():
            self.points.append((now, self._look(event, now, self.at, fresh=True).score))
        self._eager = 0

    def advance(self, until: int) -> None:
        """Every evaluation that falls due up to and including this moment."""
        event = self.event
        while event is not None and not event.historic:
            due = self._due()
            if due is None or due > until:
                break
            if self._eager <= 0 and (end := self._calm_until(event, due, until)) is not None:
                self.at = end
                continue
            self._eager -= 1
            now = moment(due)
            self.at = due
            times = (self.state.level >= self.rhythm.busy and self._falls(due, self.rhythm.urgent)) + (
                self._falls(due, self.rhythm.usual) and self._active(due)
            )
            for _ in range(times):
                self._look(event, now, due)
        self.at = max(self.at, until)

    def _falls(self, at: int, step: int) -> bool:
        return (at - self.rhythm.origin) % step == 0

    def _active(self, at: int) -> bool:
        last = self._known.facts.last
        return last is not None and micros(last) >= at - self.rhythm.active

    def _due(self) -> int | None:
        """The next moment at which the program looks at this event; None where it never does."""
        rhythm = self.rhythm
        usual = rhythm.after(self.at, rhythm.usual)
        if self.state.level >= rhythm.busy:
            return min(usual, rhythm.after(self.at, rhythm.urgent))
        return usual if self._active(usual) else None

    def _look(self, event: Event, now: datetime, at: int, *, fresh: bool = False) -> Risk:
        """One evaluation, as `app.grading.Round` makes it."""
        self.evaluations += 1
        usual = self.usual.of(event.topic, now) if self.usual is not None else None
        seen = Picture(event, self.office, now, at, self._known.tally, usual)
        if fresh or self._settled is None:
            self._settled = settled(seen)
        risk, self._x = bare(seen, self._settled)
        self._cap = risk.cap
        if seen.baseline is not None:  # its hours differ: only the speed in a quiet stream bounds what comes
            self._x = {**self._x, "V": speed(replace(seen, baseline=None))}
        if fresh:
            self._matter = self._known.is_matter(risk.reasons)
        if self.state.level == 0 and not self._matter:
            return risk
        if self._at_rest() and self._holds(event, risk, risk.score, risk.score):
            return risk  # deciding would only note that it looked
        change, self.state = decide(event, risk, self.state, self.office, now)
        if change is not None:
            self.changes.append(change)
            self.peak = max(self.peak, change.after)
        return risk

    def _at_rest(self) -> bool:
        """No count that another evaluation would have to reset; at the top nothing falls by itself."""
        top = self.state.level >= len(self.office.levels) > 1
        return not self.state.above and (top or not self.state.below)

    def _plain(self) -> bool:
        """Whether there is nothing to grade and never was."""
        plain = self.state.level == 0 and self._known.plain()
        if plain:
            self._matter = False
        return plain

    def _calm_until(self, event: Event, due: int, until: int) -> int | None:
        """The end of a stretch from `due` on in which no evaluation can do anything, else None."""
        rhythm, last = self.rhythm, self._known.facts.last
        if self.state.level == 0 and not self._matter:
            return until
        if not self._at_rest():
            return None
        busy = self.state.level >= rhythm.busy
        if not busy and last is not None:
            until = min(until, max(due, micros(last) + rhythm.active))
        least = _FEW * (rhythm.urgent if busy else rhythm.usual)
        end = until
        while end - due >= least:
            if self._plainly_calm(event, end) or self._calm(event, due, end):
                return end
            end = due + (end - due) // 4
        self._eager = _AFTER
        return None

    def _plainly_calm(self, event: Event, until: int) -> bool:
        """The same as `_calm` from the last evaluation on, by bounds that cost nothing: V and H may fall to 0."""
        known = self._settled
        if known is None or not self._x or (self._cap is None and len(self._known.tally.sources) == 1):
            return False  # one source: the cap on quiet ones may come
        if event.answered_at is not None and micros(event.answered_at) > self.at:
            return False
        later = Picture(event, self.office, moment(until), until, self._known.tally)
        reply, weights = gap(later, known.limit), self.office.risk.weights
        high = points({**self._x, "R": max(reply or 0.0, self._x["R"] or 0.0)}, weights)
        low = points({**self._x, "V": 0.0, "H": 0.0, "R": min(reply or 0.0, self._x["R"] or 0.0)}, weights)
        risk = Risk(score=high, factors=(), floor=known.floor, cap=self._cap)
        return self._holds(event, risk, low, high)

    def _calm(self, event: Event, since: int, until: int) -> bool:
        """Whether no value between these moments changes the level or counts towards a change."""
        one, other = (Picture(event, self.office, moment(at), at, self._known.tally) for at in (since, until))
        if self._settled is None or one.answered != other.answered:
            return False
        (risk, x), (later, y) = bare(one, self._settled), bare(other, self._settled)
        if risk.cap != later.cap:
            return False
        both = {k: (v, w) for (k, v), w in zip(x.items(), y.values(), strict=True) if v is not None and w is not None}
        if self.usual is not None:
            both["V"] = (0.0, max(both.get("V", (0.0, 0.0))))  # an hour with less noise may raise it, never above this
        weights = self.office.risk.weights
        low, high = (points({k: pick(pair) for k, pair in both.items()}, weights) for pick in (min, max))
        return self._holds(event, risk, low, high)

    def _holds(self, event: Event, risk: Risk, low: float, high: float) -> bool:
        """Whether the level stays while the score moves between these bounds."""
        level, office = self.state.level, self.office
        wanted = min(bounded(reached(high, office), risk), len(office.levels))
        if wanted > level or (wanted == 1 and level < 2 and event.previous and risk.cap is None):
            return False
        rule = office.rule(min(level, len(office.levels)))
        if rule is None or (risk.floor or 0) >= level or level >= len(office.levels) > 1:
            return True
        return low >= rule.threshold - office.risk.down_margin and (risk.cap is None or risk.cap >= level)
