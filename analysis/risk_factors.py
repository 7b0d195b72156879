"""The seven factors. Each takes the picture and gives (x or None, Chinese words for what was measured)."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from analysis.bursts import doubling_words, event_speed, ewma
from analysis.risk_picture import Picture, authority, moment

Measured = tuple[float | None, str]

#: sensitivity of a mark, whatever the topic: the five must-answer kinds (国办发〔2016〕61号), rumour, casualties, crowd
_SENSITIVE = {
    "must.emergency": (0.9, "突发事件"),
    "must.moral": (0.9, "触及道德底线"),
    "casualty": (0.9, "人员伤亡"),
    "must.superior": (0.8, "上级要求回应"),
    "crowd": (0.8, "群体聚集"),
    "must.policy": (0.7, "重大政策误读"),
    "must.vital": (0.7, "重大切身利益"),
    "rumour": (0.7, "疑似谣言"),
}
_MARK_VOICES = 2  #: voices that must carry a mark before it counts for the whole event (or a tenth of them)


def sensitivity(seen: Picture) -> Measured:
    """S: the highest of the topic table and of the marks; a mark on one voice of many is not the event's."""
    found = [(topic.sensitivity, topic.name) for t in _topics(seen) if (topic := seen.office.topics.get(t)) is not None]
    need = min(_MARK_VOICES, max(1, math.ceil(len(seen.voices) / 10)))
    for code, (x, name) in _SENSITIVE.items():
        if code in seen.event.flags or len(seen.flagged(code)) >= need:
            found.append((x, name))
    if not found:
        return None, "未归入专题"
    x, name = max(found)
    return x, name


def _topics(seen: Picture) -> list[str]:
    """The event's topic and those of at least a quarter of the voices."""
    counts = Counter(m.topic for m in seen.voices if m.topic)
    return [t for t, n in counts.items() if 4 * n >= len(seen.voices)] or (
        [seen.event.topic] if seen.event.topic else []
    )


def speed(seen: Picture) -> Measured:
    """V: min(1, EWMA/4) of the robust hourly z; an hour is the sixty minutes before now, not the clock's."""
    if not seen.members:
        return 0.0, "暂无新增"
    stamps = [moment(seen, m) for m in seen.members]
    hours = event_speed(stamps, seen.now, seen.baseline)
    level = ewma(hours)[-1]
    last = sum(seen.now - at < timedelta(hours=1) for at in stamps)
    words = doubling_words(stamps, seen.now)
    return min(1.0, max(0.0, float(level)) / 4), f"近1小时{last}条" + (f"，{words}" if words else "")


def heat(seen: Picture) -> Measured:
    """H: ln(1+h)/ln(1+h95), h = sum of a_src(1 + 2 reposts + 1.5 comments + .2 likes + .001 reads) over 24 hours."""
    h = heat_of(seen)
    x = min(1.0, math.log1p(h) / math.log1p(max(seen.office.risk.heat_p95, 1.0)))
    figures = (("阅读量", "reads"), ("转发", "reposts"), ("评论", "comments"), ("点赞", "likes"))
    absent = [name for name, field in figures if all(getattr(m, field) is None for m in seen.recent)]
    return x, f"近24小时{len(seen.recent)}条" + (f"，缺{'、'.join(absent)}" if absent and seen.recent else "")


def heat_of(seen: Picture) -> float:
    """h of the last 24 hours; near-duplicates count here as spread."""
    factor = seen.office.risk.source_factor
    return sum(
        factor.get(m.kind, 1.0)
        * (
            1
            + 2 * max(0, m.reposts or 0)
            + 1.5 * max(0, m.comments or 0)
            + 0.2 * max(0, m.likes or 0)
            + 0.001 * max(0, m.reads or 0)
        )
        for m in seen.recent
    )


def negativity(seen: Picture) -> Measured:
    """N: Wilson lower bound of the negative share of voices × (.5 + .5 intensity). One angry post is not 100 %.

    A voice is an author (or a document, where no author is known): ten posts of one person are one voice.
    """
    by_voice: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for m in seen.public:
        by_voice[m.author or m.document].append((m.negative, m.sentiment))
    if not by_voice:
        return None, "暂无群众发声"
    n = len(by_voice)
    negative = sum(sum(is_bad for is_bad, _ in said) / len(said) for said in by_voice.values())
    strengths = [p for said in by_voice.values() for is_bad, p in said if is_bad]
    strength = sum(strengths) / len(strengths) if strengths else 0.0
    x = wilson(negative, n) * (0.5 + 0.5 * strength)
    return x, f"{n}个声音中负面{negative / n:.0%}"


def wilson(successes: float, n: int, z: float = 1.96) -> float:
    """Lower bound of the Wilson score interval (Wilson 1927); 0 for n = 0."""
    if n <= 0:
        return 0.0
    p = min(1.0, max(0.0, successes / n))
    middle = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n))


def sources(seen: Picture) -> Measured:
    """A: the most authoritative source, +.1 per further kind of platform."""
    if not seen.members:
        return None, "暂无信源"
    best = max(authority(m) for m in seen.members)
    platforms = len(_platforms(seen))
    return min(1.0, best + 0.1 * max(0, platforms - 1)), f"最高信源权重{best:.1f}，{platforms}类平台"


def _platforms(seen: Picture) -> set[str]:
    return {m.kind for m in seen.members if m.kind != "reply"}


def breadth(seen: Picture) -> Measured:
    """C: share of voices from outside, at least three kinds of platform, words of crowd or of going there."""
    if not seen.voices:
        return None, "暂无发声"
    outside = sum(not m.ours for m in seen.voices) / len(seen.voices)
    platforms = len(_platforms(seen))
    crowd = bool(seen.flagged("crowd")) or "crowd" in seen.event.flags
    x = 0.4 * outside + 0.3 * min(1.0, (platforms - 1) / 2 if platforms else 0.0) + 0.3 * crowd
    text = f"外地声音{outside:.0%}，{platforms}类平台" + ("，有聚集苗头" if crowd else "")
    return min(1.0, x), text


def gap(seen: Picture) -> Measured:
    """R: elapsed time / statutory limit while no authoritative reply is public. The clock never restarts."""
    if seen.answered:
        return 0.0, "已有权威回应"
    elapsed = max(0.0, (seen.now - start_of(seen)) / timedelta(hours=1))
    limit = limit_hours(seen)
    return min(1.0, elapsed / limit), f"{elapsed:.0f}小时未回应，时限{limit:g}小时"


def start_of(seen: Picture) -> datetime:
    """The earliest known moment: the thing itself, or its first publication."""
    known = [at for at in (seen.event.occurred_at, seen.event.first_at) if at is not None]
    return min(known)


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
        and (not rule.kinds or any(m.kind in rule.kinds for m in seen.members))
    ]
    return min(hours, default=48.0)


#: code, name, measure: the order of the card
FACTORS: tuple[tuple[str, str, Callable[[Picture], Measured]], ...] = (
    ("S", "敏感度", sensitivity),
    ("V", "速度", speed),
    ("H", "热度", heat),
    ("N", "负面", negativity),
    ("A", "信源", sources),
    ("C", "扩散面", breadth),
    ("R", "回应缺口", gap),
)
