"""Topics and marks of every event after each of its documents: columns of what `app.replay_facts.Known` says.

Stream ─topics→ subject, sensitivity ┐
       ─flags→  marks ───────────────┴→ floors and their reasons, whether it is a matter
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.risk_arrays import Floats, Whole
from analysis.risk_factors import MARK_VOICES, SENSITIVE
from analysis.risk_limits import MANY, SHARE, SURE, VOICES, floor_reason
from analysis.risk_tally import EVIDENCE, GRAVE, GRAVE_RUMOUR, authority
from app.facts import (
    ENOUGH_SHARE,
    ENOUGH_VOICES,
    HEARSAY_SHARE,
    MANY_VOICES,
    NOTABLE_FLAGS,
    SUBJECT_SHARE,
)
from app.replay_columns import Segments, Stream, Truth
from storage.types import Level, Office, Reason


@dataclass(frozen=True, slots=True)
class Marks:
    """Who carries which flag. Looked up by flag; a flag that nobody carries is nowhere."""

    stream: Stream
    carriers: dict[str, Truth] = field(default_factory=dict)

    @classmethod
    def of(cls, stream: Stream) -> "Marks":
        """Every flag of the stream."""
        places: dict[str, list[int]] = {}
        for place, member in enumerate(stream.members):
            for flag in member.flags:
                places.setdefault(flag, []).append(place)
        made = cls(stream)
        for flag, found in places.items():
            made.carriers[flag] = np.zeros(len(stream.members), np.bool_)
            made.carriers[flag][found] = True
        if "rumour" in places:
            grave = made.none()
            for flag in GRAVE & places.keys():
                grave |= made.carriers[flag]
            made.carriers[GRAVE_RUMOUR] = made.carriers["rumour"] & grave
        return made

    def voices(self, flag: str) -> Truth:
        """The voices that carry it."""
        return self.carriers.get(flag, self.none()) & self.stream.voice

    def documents(self, flag: str) -> Whole:
        """`Tally.flagged(flag).documents` after each document."""
        return self.stream.own.sums(self.voices(flag))

    def none(self) -> Truth:
        """Nobody, to begin with."""
        return np.zeros(len(self.stream.members), np.bool_)

    def notable(self) -> Truth:
        """As `app.replay_facts.Facts.marked`."""
        stream, found = self.stream, self.none()
        everybody = stream.distinct(stream.who, ~found)
        for flag, carriers in self.carriers.items():
            if flag.startswith(NOTABLE_FLAGS) and flag != GRAVE_RUMOUR:
                by = stream.distinct(stream.who, carriers)
                enough = by >= ENOUGH_VOICES
                if flag == "rumour":
                    found |= enough & (by >= HEARSAY_SHARE * everybody)
                else:
                    found |= (by >= MANY_VOICES) | (enough & (by >= ENOUGH_SHARE * everybody))
        return found


def subjects(stream: Stream) -> tuple[list[str | None], Whole]:
    """The event's topic after each document, as `app.replay_facts.Facts.topic`, and when that began (microseconds)."""
    own, spoken = stream.own, ~stream.of_kind(["reply"])
    others = own.any(spoken)  # a reply counts as long as nobody else has spoken
    starts = own.begin == np.arange(len(others))
    phase = Segments.of(starts | (others & ~np.concatenate([[False], others[:-1]])))
    counted = spoken | ~others
    never = np.int64(2**62)
    total, start = phase.sums(counted), phase.least(np.where(counted, stream.time, never))
    most, best, began = np.zeros(len(others), np.int64), np.full(len(others), -1), start.copy()
    for topic in sorted(t for t in stream.topics if t):
        of = counted & (stream.topic == stream.topics[topic])
        number, first = phase.sums(of), phase.least(np.where(of, stream.time, never))
        better = (number > most) & ((number >= SUBJECT_SHARE * total) | (first == start))
        most, best = np.where(better, number, most), np.where(better, stream.topics[topic], best)
        began = np.where(better, first, began)
    if None in stream.topics:
        of = counted & (stream.topic == stream.topics[None])
        first = phase.least(np.where(of, stream.time, never))
        began = np.where((best < 0) & (first < never), first, began)
    names: dict[int, str | None] = {code: topic for topic, code in stream.topics.items()} | {-1: None}
    return [names[code] for code in best.tolist()], began


def sensitivity(marks: Marks, subject: Sequence[str | None], office: Office) -> Floats:
    """S after each document; nan where nothing says how sensitive it is."""
    stream = marks.stream
    voices = stream.own.sums(stream.voice)
    found, named = np.full(len(voices), -1.0), np.zeros(len(voices), np.bool_)
    own = {t: stream.own.sums(stream.voice & (stream.topic == code)) for t, code in stream.topics.items() if t}
    of = {t: _of_topic(marks, t, number, office) for t, number in own.items() if t in office.topics}
    for topic, number in own.items():
        wide = (number > 0) & (4 * number >= voices)
        named |= wide
        if topic in of:
            found = np.where(wide, np.maximum(found, of[topic]), found)
    for topic, x in of.items():
        only = np.array([about == topic for about in subject], np.bool_)
        found = np.where(~named & only, x, found)
    need = np.minimum(MARK_VOICES, np.maximum(1, -(-voices // 10)))
    for flag, (of_mark, _) in SENSITIVE.items():
        if flag in marks.carriers:
            found = np.where((marks.documents(flag) >= need), np.maximum(found, of_mark), found)
    return np.where(found < 0, np.nan, found)


def _of_topic(marks: Marks, topic: str, own: Whole, office: Office) -> Floats:
    """As `analysis.risk_factors._of_topic`."""
    usual = office.topics[topic].sensitivity
    finer = np.full(len(own), -1.0)
    for number, rule in enumerate(office.topics[topic].rules):
        flag = f"duty.{topic}.{number}"
        if rule.sensitivity is not None and flag in marks.carriers:
            holds = (own > 0) & (own <= 2 * marks.documents(flag))
            finer = np.where(holds, np.maximum(finer, rule.sensitivity), finer)
    return np.where(finer < 0, usual, finer)


@dataclass(slots=True)
class Floors:
    """The floors that hold after each document."""

    level: Whole  #: 0 where none holds
    notable: Truth  #: whether one of them makes it a matter
    #: of each floor: where it holds, how many documents of the stream carried its mark, what was said at each of them
    _held: list[tuple[Truth, Whole, list[Reason]]] = field(default_factory=list)

    @classmethod
    def of(cls, marks: Marks, office: Office) -> "Floors":
        """As `analysis.risk_limits.floors`, where nobody has entered anything by hand."""
        stream = marks.stream
        made = cls(np.zeros(len(stream.members), np.int64), np.zeros(len(stream.members), np.bool_))
        for key, level_id in office.risk.floors.items():
            carriers = marks.voices(GRAVE_RUMOUR if key == "rumour.grave" else key)
            holds = _enough(stream, carriers)
            if key.startswith("grade.") or not holds.any():
                continue
            level = office.level(level_id)
            made.level = np.where(holds, np.maximum(made.level, level), made.level)
            made.notable |= holds & key.startswith(NOTABLE_FLAGS)
            made._held.append((holds, np.cumsum(carriers), _worded(stream, carriers, key, level, office)))
        return made

    def reasons(self, places: Whole) -> list[tuple[Reason, ...]]:
        """Those of every floor, at these places."""
        found: list[tuple[Reason, ...]] = [()] * len(places)
        for holds, upto, said in self._held:
            for row in np.flatnonzero(holds[places]).tolist():
                found[row] = (*found[row], said[upto[places[row]] - 1])
        return found


def _worded(stream: Stream, carriers: Truth, key: str, level: Level, office: Office) -> list[Reason]:
    """For each of the carriers the floor's reason as it was then, with the first documents of its event."""
    found: list[Reason] = []
    event, first, evidence = -1, list[tuple[int, str]](), tuple[str, ...]()
    for place in np.flatnonzero(carriers).tolist():
        if stream.own.number[place] != event:
            event, first, evidence = int(stream.own.number[place]), [], ()
        insort(first, (int(stream.stamp[place]), stream.members[place].document))
        del first[EVIDENCE:]
        named = tuple(document for _, document in first)
        if named != evidence:
            evidence, reason = named, floor_reason(key, level, named, office)
        found.append(reason)
    return found


def _enough(stream: Stream, carriers: Truth) -> Truth:
    """As `analysis.risk_limits.enough`, of the voices that carry a mark."""
    by, documents = stream.distinct(stream.who, carriers), stream.own.sums(carriers)
    everybody = stream.own.sums(stream.voice)
    sure = np.zeros(len(carriers), np.bool_)
    for place in np.flatnonzero(carriers).tolist():
        sure[place] = authority(stream.members[place]) >= SURE
    return (by >= MANY) | ((by >= VOICES) & (documents >= SHARE * everybody)) | stream.own.any(sure)
