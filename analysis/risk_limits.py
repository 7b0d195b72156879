"""Floors (at least) and caps (at most) of a level. A floor beats a cap.

Which floors and caps there are, and to which level they lead, is `office.toml [risk]`; here is when they hold.
"""

from analysis.risk_factors import heat_of
from analysis.risk_picture import Picture, authority
from storage.types import Level, Member, Reason

_VOICES = 3  #: voices (or one authoritative source) that make a machine's mark a floor before a person confirmed it
_SURE = 0.8  #: authority from which one source is enough

_WORDS = {
    "must.policy": "重大政策误读",
    "must.vital": "涉及群众重大切身利益",
    "must.moral": "冲击道德底线的民生问题",
    "must.emergency": "突发事件或自然灾害",
    "must.superior": "上级要求回应",
    "rumour": "谣言",
    "rumour.grave": "严重扰乱秩序的谣言",
}


def floors(seen: Picture) -> tuple[Level | None, tuple[Reason, ...]]:
    """The highest floor that holds and the reasons of every one."""
    found: list[tuple[Level, Reason]] = []
    for key, level_id in seen.office.risk.floors.items():
        evidence = _holds(key, seen)
        if evidence is None:
            continue
        level = seen.office.level(level_id)
        words = f"事件等级为{key[6:]}" if key.startswith("grade.") else _WORDS.get(key, key)
        text = f"{words}，不低于{seen.office.level_name(level)}"
        found.append((level, Reason(code=f"floor.{key}", text=text, evidence=evidence)))
    return max((level for level, _ in found), default=None), tuple(reason for _, reason in found)


def _holds(key: str, seen: Picture) -> tuple[str, ...] | None:
    """Evidence ids (perhaps none) if this floor's condition holds, else None."""
    if key.startswith("grade."):
        return () if seen.event.incident_grade == key[6:] else None
    if key in seen.event.flags:
        return tuple(m.document for m in seen.flagged(key)[:_VOICES])
    if key == "rumour.grave":
        grave = [m for m in seen.flagged("rumour") if {"casualty", "crowd", "must.emergency"} & set(m.flags)]
        return _enough(grave)
    return _enough(seen.flagged(key))


def _enough(marked: list[Member]) -> tuple[str, ...] | None:
    voices = {m.author or m.document for m in marked}
    if len(voices) >= _VOICES or any(authority(m) >= _SURE for m in marked):
        return tuple(m.document for m in marked[:_VOICES])
    return None


def caps(seen: Picture) -> tuple[Level | None, tuple[Reason, ...]]:
    """The lowest cap that holds and the reasons of every one."""
    found: list[tuple[Level, Reason]] = []
    for key, level_id in seen.office.risk.caps.items():
        words = _CAPS[key](seen) if key in _CAPS else ""
        if words:
            level = seen.office.level(level_id)
            text = f"{words}，不高于{seen.office.level_name(level)}"
            found.append((level, Reason(code=f"cap.{key}", text=text)))
    return min((level for level, _ in found), default=None), tuple(reason for _, reason in found)


def _foreign(seen: Picture) -> str:
    return "不属本地，本级无处置职责" if seen.voices and not any(m.ours for m in seen.voices) else ""


def _single(seen: Picture) -> str:
    alone = len({m.source for m in seen.members}) == 1
    return "仅一个来源且热度低于本地中位" if alone and heat_of(seen) < seen.office.risk.heat_median else ""


def _advertisement(seen: Picture) -> str:
    marked = len(seen.flagged("advertisement"))
    return "多为广告或批量投诉" if seen.voices and 2 * marked > len(seen.voices) else ""


_CAPS = {"foreign": _foreign, "single": _single, "advertisement": _advertisement}
