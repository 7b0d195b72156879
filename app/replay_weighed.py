"""The tracks of a stream under one configuration's weights and thresholds: scores at every arrival, and bounds between.

    tracks ─points→ score at each arrival, bounds up to the next ─for each level→ rows that an event stays over

Exact by construction: a row or a stretch is passed over only where even the bounds of the score stay between the
level's thresholds, so that deciding would only note that it looked.
"""

from dataclasses import dataclass, field
from math import log1p

import numpy as np
import numpy.typing as npt

from analysis.bursts import event_speed
from analysis.risk_arrays import Floats, Whole, points
from analysis.risk_limits import caps_of
from analysis.risk_tally import Window, moment
from app.replay_course import Rhythm
from app.replay_tracks import Span, Tracks
from app.usual import Usual
from storage.types import Level, Office, Reason

_NO_CAP = 99
Truth = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Weighed:
    """The tracks under one configuration's weights and thresholds."""

    tracks: Tracks
    office: Office
    rhythm: Rhythm
    usual: Usual | None
    x: dict[str, Floats] = field(init=False)
    scores: list[float] = field(init=False)
    heats: list[float] = field(init=False)
    limits: list[float] = field(init=False)
    columns: dict[str, list[int]] = field(init=False)  #: the tracks' whole numbers as lists
    peak: float = field(init=False)  #: ln(1 + h95)
    score: Floats = field(init=False)
    cap: Whole = field(init=False)
    noise: Floats = field(init=False)  #: widest spread of the usual hours from a row to the next
    _x: dict[str, list[float]] = field(init=False)
    stops: list[list[int]] = field(init=False)  #: for each level: from each row on, the next row that is no stretch
    _caps: dict[tuple[bool, bool, bool], tuple[Level | None, tuple[Reason, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        tracks, office = self.tracks, self.office
        flags = [(f, s, a) for f in (False, True) for s in (False, True) for a in (False, True)]
        self._caps = {(f, s, a): caps_of(office, foreign=f, single=s, advertisement=a) for f, s, a in flags}
        self.x = dict(tracks.x)
        self.noise = np.ones(len(tracks.topics))
        if self.usual is not None:
            spans = zip(tracks.topics, tracks.whole["at"].tolist(), tracks.whole["until"].tolist(), strict=True)
            self.noise = np.array([self.usual.noise(*span) for span in spans], np.float64)
            self.x["V"] = self._against_usual(self.usual)
        self._x = {code: x.tolist() for code, x in self.x.items()}
        self.score = points(self.x, office.risk.weights)
        self.scores, self.heats, self.limits = self.score.tolist(), tracks.heat.tolist(), tracks.limit.tolist()
        self.columns = {name: column.tolist() for name, column in tracks.whole.items()}
        self.peak = log1p(max(office.risk.heat_p95, 1.0))
        quiet = (tracks.whole["alone"] != 0) & (tracks.heat < office.risk.heat_median)
        silent = (tracks.whole["alone"] != 0) & (tracks.later["heat"] < office.risk.heat_median)
        self.cap, least = self._cap_of(quiet), self._cap_of(quiet | silent)
        self.stops = [self._stops(level, least) for level in range(len(office.levels) + 1)]

    def cap_at(self, row: int, heat: float) -> tuple[Level | None, tuple[Reason, ...]]:
        """The cap and its reasons with this heat."""
        w = self.columns
        single = bool(w["alone"][row]) and heat < self.office.risk.heat_median
        return self._caps[bool(w["foreign"][row]), single, bool(w["advertisement"][row])]

    def values(self, row: int) -> dict[str, float | None]:
        """The seven x at a row, in the order of the card."""
        found = {code: x[row] for code, x in self._x.items()}
        return {code: None if x != x else x for code, x in found.items()}

    def _cap_of(self, single: Truth) -> Whole:
        w = self.tracks.whole
        table = np.array([_NO_CAP if c is None else c for c, _ in self._caps.values()], np.int64)
        return table[4 * w["foreign"] + 2 * single + w["advertisement"]]

    def _against_usual(self, usual: Usual) -> Floats:
        """V where the event's topic has usual hours of its own."""
        tracks, found = self.tracks, self.tracks.x["V"].copy()
        at, count = tracks.whole["at"].tolist(), tracks.whole["count"].tolist()
        for span in tracks.spans.values():
            filling = Filling(tracks, span)
            for row in np.flatnonzero(self.noise[slice(*span.rows)] > 1) + span.rows[0]:
                now = moment(at[row])
                baseline = usual.of(tracks.topics[row], now)
                if baseline is not None and count[row]:
                    level = event_speed(filling.upto(count[row]).hours(at[row]), now, baseline)
                    found[row] = min(1.0, max(0.0, level) / 4)
        return found

    def _stops(self, level: Level, least: Whole) -> list[int]:
        """For each row the first one from it on at which an event at rest at this level may not be passed over."""
        w = self.tracks.whole
        calm = self._holds(level, self.score, self.score, self.cap, self.cap) & self._still(level, least)
        if level == 0:
            calm |= w["matter"] == 0
        rows = np.where(calm, len(calm), np.arange(len(calm)))
        found: list[int] = np.minimum.accumulate(rows[::-1])[::-1].tolist()
        return found

    def _still(self, level: Level, least: Whole) -> Truth:
        """Whether no evaluation between a row and the next one can do anything at this level."""
        tracks, rhythm, w = self.tracks, self.rhythm, self.tracks.whole
        at, end = w["at"], w["until"]
        due = at + rhythm.usual - (at - rhythm.origin) % rhythm.usual
        if level >= rhythm.busy:
            due = np.minimum(due, at + rhythm.urgent - (at - rhythm.origin) % rhythm.urgent)
        else:
            end = np.minimum(end, w["last"] + rhythm.active)
        elapsed = np.maximum(0.0, (end - w["start"]) / 3_600_000_000)
        reply = np.where(w["answered"] <= at, 0.0, np.minimum(1.0, elapsed / tracks.limit))
        weights = self.office.risk.weights
        high = points({**self.x, "V": tracks.x["V"], "R": np.maximum(tracks.x["R"], reply)}, weights)
        low = points({**self.x, "V": tracks.later["V"] / self.noise, "H": tracks.later["H"]}, weights)
        answered = (w["answered"] > at) & (w["answered"] <= end)
        return (due > end) | (~answered & self._holds(level, low, high, least, self.cap))

    def _holds(self, level: Level, low: Floats, high: Floats, least: Whole, cap: Whole) -> Truth:
        """As `Walk.holds`, for every row."""
        office, floor = self.office, self.tracks.whole["floor"]
        most = len(office.levels)
        up = np.zeros(len(high), np.int64)
        for rule in office.levels:
            up += high >= rule.threshold
        wanted = np.minimum(np.maximum(np.minimum(up, cap), floor), most)
        rises = (wanted > level) | ((wanted == 1) & (self.tracks.whole["flare"] != 0) & (cap == _NO_CAP) & (level < 2))
        own = office.rule(min(level, most))
        stays = np.ones(len(high), np.bool_)
        if own is not None and not level >= most > 1:
            stays = (floor >= level) | ((low >= own.threshold - office.risk.down_margin) & (least >= level))
        found: Truth = ~rises & stays
        return found


@dataclass(slots=True)
class Filling:
    """The window of one event's documents, filled as far as one asks."""

    tracks: Tracks
    span: Span
    _window: Window = field(default_factory=Window)
    _count: int = 0

    def upto(self, count: int) -> Window:
        """With so many documents; never fewer than before."""
        first, tracks = self.span.documents[0], self.tracks
        for place in range(first + self._count, first + count):
            self._window.add(tracks.stamps[place], tracks.heats[place])
        self._count = max(self._count, count)
        return self._window
