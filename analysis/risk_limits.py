"""Floors (at least) and caps (at most) of a level. A floor beats a cap.

Which floors and caps there are, and to which level they lead, is `office.toml [risk]`; here is when they hold.
"""

from analysis.risk_picture import Picture
from analysis.risk_tally import GRAVE_RUMOUR, Mark, Tally
from storage.types import Level, Office, Reason

VOICES = 3  #: voices (or one authoritative source) that make a machine's mark a floor before a person confirmed it
SHARE = 0.05  #: of all voices that they must be as well ...
MANY = 20  #: ... or however many others speak
ELSEWHERE = 0.1  #: of all voices that must name a place elsewhere, where none names one of ours
SURE = 0.8  #: authority from which one source is enough

_WORDS = {
    "must.policy": "重大政策误读",
    "must.vital": "涉及群众重大切身利益",
    "must.moral": "冲击道德底线的民生问题",
    "must.emergency": "突发事件或自然灾害",
    "must.superior": "上级要求回应",
    "rumour": "谣言",
    "rumour.grave": "严重扰乱秩序的谣言",
}

GRADES = ("特别重大", "重大", "较大", "一般")  #: 事件等级, 国家总体应急预案; set by people only
FLOORS = frozenset((*_WORDS, *(f"grade.{grade}" for grade in GRADES)))  #: what a floor can be set for


def floors(seen: Picture) -> tuple[Level | None, tuple[Reason, ...]]:
    """The highest floor that holds and the reasons of every one."""
    marks, flags, grade = seen.tally.marks, seen.event.flags, seen.event.incident_grade
    if not (marks or flags or grade):
        return None, ()
    found: list[tuple[Level, Reason]] = []
    for key, level_id in seen.office.risk.floors.items():
        if not grade and (GRAVE_RUMOUR if key == "rumour.grave" else key) not in marks and key not in flags:
            continue
        evidence = _holds(key, seen)
        if evidence is None:
            continue
        level = seen.office.level(level_id)
        found.append((level, floor_reason(key, level, evidence, seen.office)))
    return max((level for level, _ in found), default=None), tuple(reason for _, reason in found)


def floor_reason(key: str, level: Level, evidence: tuple[str, ...], office: Office) -> Reason:
    """What the card says of a floor that holds."""
    words = f"事件等级为{key[6:]}" if key.startswith("grade.") else _WORDS.get(key, key)
    return Reason(code=f"floor.{key}", text=f"{words}，不低于{office.level_name(level)}", evidence=evidence)


def _holds(key: str, seen: Picture) -> tuple[str, ...] | None:
    """Evidence ids (perhaps none) if this floor's condition holds, else None."""
    if key.startswith("grade."):
        return () if seen.event.incident_grade == key[6:] else None
    if key in seen.event.flags:
        return seen.tally.flagged(key).evidence
    return enough(seen.tally.flagged(GRAVE_RUMOUR if key == "rumour.grave" else key), seen.tally.voices)


def enough(mark: Mark, documents: int) -> tuple[str, ...] | None:
    by = len(mark.voices)
    held = by >= MANY or (by >= VOICES and mark.documents >= SHARE * documents)
    return mark.evidence if held or mark.authority >= SURE else None


def caps(seen: Picture) -> tuple[Level | None, tuple[Reason, ...]]:
    """The lowest cap that holds and the reasons of every one."""
    alone = len(seen.tally.sources) == 1
    quiet = alone and seen.tally.window.heat(seen.moment) < seen.office.risk.heat_median
    return caps_of(seen.office, foreign=foreign(seen.tally), single=quiet, advertisement=advertisement(seen.tally))


def caps_of(
    office: Office, *, foreign: bool, single: bool, advertisement: bool
) -> tuple[Level | None, tuple[Reason, ...]]:
    """The same where it is known which of them hold."""
    if not (foreign or single or advertisement):
        return None, ()
    holds = {"foreign": foreign, "single": single, "advertisement": advertisement}
    found: list[tuple[Level, Reason]] = []
    for key, level_id in office.risk.caps.items():
        if holds.get(key):
            level = office.level(level_id)
            text = f"{CAPS[key]}，不高于{office.level_name(level)}"
            found.append((level, Reason(code=f"cap.{key}", text=text)))
    return min((level for level, _ in found), default=None), tuple(reason for _, reason in found)


def foreign(tally: Tally) -> bool:
    """Whether every voice speaks of elsewhere, or every one of some that name a place at all.

    What the country talks of names its places now and then; the first voice that names one of ours ends the cap.
    """
    some = tally.inside == 0 and tally.outside >= VOICES and tally.outside >= ELSEWHERE * tally.voices
    return bool(tally.voices) and (some or tally.outside == tally.voices)


def advertisement(tally: Tally) -> bool:
    """Whether most voices are advertisements or complaints in bulk."""
    return bool(tally.marks) and 2 * tally.flagged("advertisement").documents > tally.voices


#: what a cap can be set for
CAPS = {
    "foreign": "不属本地，本级无处置职责",
    "single": "仅一个来源且热度低于本地中位",
    "advertisement": "多为广告或批量投诉",
}
