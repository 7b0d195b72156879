"""The seven factors. Each takes the picture and gives x in 0..1, or None where its input is missing.

What the card says of them is in `analysis.risk_words`.
"""

import math
from collections.abc import Callable

from analysis.bursts import event_speed
from analysis.risk_picture import Picture
from storage.types import Topic

#: sensitivity of a mark, whatever the topic: the five must-answer kinds (国办发〔2016〕61号), rumour, casualties, crowd
SENSITIVE = {
    "must.emergency": (0.9, "突发事件"),
    "must.moral": (0.9, "触及道德底线"),
    "casualty": (0.9, "人员伤亡"),
    "must.superior": (0.8, "上级要求回应"),
    "crowd": (0.8, "群体聚集"),
    "must.policy": (0.7, "重大政策误读"),
    "must.vital": (0.7, "重大切身利益"),
    "rumour": (0.7, "疑似谣言"),
}
MARK_VOICES = 2  #: voices that must carry a mark before it counts for the whole event (or a tenth of them)
NO_LIMIT = 48.0  #: hours, 国办发〔2016〕61号


def sensitivity(seen: Picture) -> float | None:
    """S: the highest of the topic table and of the marks; a mark on one voice of many is not the event's."""
    found = most_sensitive(seen)
    return found[0] if found else None


def most_sensitive(seen: Picture) -> tuple[float, str] | None:
    """(x, name) of the topic or mark that makes the event sensitive."""
    tally, topics = seen.tally, seen.office.topics
    named = [t for t, n in tally.topics.items() if 4 * n >= tally.voices]  # those of at least a quarter of the voices
    if not named and seen.event.topic:
        named = [seen.event.topic]
    found = [(_of_topic(seen, topics[t]), topics[t].name) for t in named if t in topics]
    if tally.marks or seen.event.flags:
        need = min(MARK_VOICES, max(1, math.ceil(tally.voices / 10)))
        for code in (*tally.marks, *seen.event.flags):
            if code in SENSITIVE and (code in seen.event.flags or tally.flagged(code).documents >= need):
                found.append(SENSITIVE[code])
    return max(found, default=None)


def _of_topic(seen: Picture, topic: Topic) -> float:
    """The topic's own, or that of the finer rule of the duty list under which at least half of its voices fall."""
    if not any(code.startswith("duty.") for code in seen.tally.marks):
        return topic.sensitivity
    own = seen.tally.topics[topic.id]
    finer = [
        rule.sensitivity
        for number, rule in enumerate(topic.rules)
        if rule.sensitivity is not None and 0 < own <= 2 * seen.tally.flagged(f"duty.{topic.id}.{number}").documents
    ]
    return max(finer, default=topic.sensitivity)


def speed(seen: Picture) -> float | None:
    """V: min(1, EWMA/4) of the robust hourly z; an hour is the sixty minutes before now, not the clock's."""
    if not seen.tally.stamps:
        return 0.0
    level = event_speed(seen.tally.window.hours(seen.moment), seen.now, seen.baseline)
    return min(1.0, max(0.0, level) / 4)


def heat(seen: Picture) -> float | None:
    """H: ln(1+h)/ln(1+h95), h over 24 hours; near-duplicates count here as spread."""
    return min(1.0, math.log1p(seen.tally.window.heat(seen.moment)) / math.log1p(max(seen.office.risk.heat_p95, 1.0)))


def negativity(seen: Picture) -> float | None:
    """N: Wilson lower bound of the negative share of voices × (.5 + .5 intensity). One angry post is not 100 %.

    A voice is an author (or a document, where no author is known): ten posts of one person are one voice.
    """
    tally = seen.tally
    return wilson(tally.negative, tally.people) * (0.5 + 0.5 * tally.strength) if tally.people else None


def wilson(successes: float, n: int, z: float = 1.96) -> float:
    """Lower bound of the Wilson score interval (Wilson 1927); 0 for n = 0."""
    if n <= 0:
        return 0.0
    p = min(1.0, max(0.0, successes / n))
    middle = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n))


def sources(seen: Picture) -> float | None:
    """A: the most authoritative source, +.1 per further kind of platform."""
    tally = seen.tally
    return min(1.0, tally.authority + 0.1 * max(0, tally.platforms - 1)) if tally.stamps else None


def breadth(seen: Picture) -> float | None:
    """C: share of voices from outside, at least three kinds of platform, words of crowd or of going there."""
    tally = seen.tally
    if not tally.voices:
        return None
    platforms = tally.platforms
    wide = 0.3 * min(1.0, (platforms - 1) / 2 if platforms else 0.0)
    return min(1.0, 0.4 * tally.outside / tally.voices + wide + 0.3 * gathering(seen))


def gathering(seen: Picture) -> bool:
    """Whether people speak of gathering."""
    return "crowd" in seen.tally.marks or "crowd" in seen.event.flags


def gap(seen: Picture, limit: float | None = None) -> float | None:
    """R: elapsed time / statutory limit while no authoritative reply is public. The clock never restarts.

    limit: hours, where `limit_hours` was asked already.
    """
    return 0.0 if seen.answered else min(1.0, seen.elapsed / (limit or limit_hours(seen)))


def limit_hours(seen: Picture) -> float:
    """The shortest statutory reply limit that applies; 48 h (国办发〔2016〕61号) where none is configured."""
    grade, flags = seen.event.incident_grade, set(seen.event.flags)
    hours = [
        rule.hours
        for rule in seen.office.limits
        if rule.step == "reply"
        and rule.kind == "statutory"
        and rule.hours
        and (not rule.incident_grades or grade in rule.incident_grades)
        and (not rule.flags or flags & set(rule.flags))
        and (not rule.kinds or not seen.tally.kinds.keys().isdisjoint(rule.kinds))
    ]
    return min(hours, default=NO_LIMIT)


#: code, name, measure: the order of the card
FACTORS: tuple[tuple[str, str, Callable[[Picture], float | None]], ...] = (
    ("S", "敏感度", sensitivity),
    ("V", "速度", speed),
    ("H", "热度", heat),
    ("N", "负面", negativity),
    ("A", "信源", sources),
    ("C", "扩散面", breadth),
    ("R", "回应缺口", gap),
)
