"""The card in Chinese: what each factor measured, why it is at this level, and what would raise it."""

from collections.abc import Callable, Mapping

from analysis.bursts import doubling_words
from analysis.risk_factors import gathering, limit_hours, most_sensitive
from analysis.risk_picture import Picture
from analysis.risk_tally import FIGURES, HOUR
from storage.types import Level, Risk, RiskFactor


def factor_words(code: str, seen: Picture) -> str:
    """What was measured for this factor, or what is missing."""
    return _WORDS[code](seen)


def _sensitivity(seen: Picture) -> str:
    found = most_sensitive(seen)
    return found[1] if found else "未归入专题"


def _speed(seen: Picture) -> str:
    stamps = seen.tally.stamps
    if not stamps:
        return "暂无新增"
    last = sum(seen.moment - at < HOUR for at in stamps[seen.tally.window.recent(seen.moment) :])
    words = doubling_words(stamps, seen.moment)
    return f"近1小时{last}条" + (f"，{words}" if words else "")


def _heat(seen: Picture) -> str:
    recent = seen.tally.figures[seen.tally.window.recent(seen.moment) :]
    known = 0
    for bits in recent:
        known |= bits
    absent = [name for i, (name, _) in enumerate(FIGURES) if not known >> i & 1]
    return f"近24小时{len(recent)}条" + (f"，缺{'、'.join(absent)}" if absent and recent else "")


def _negativity(seen: Picture) -> str:
    n = seen.tally.people
    return f"{n}个声音中负面{seen.tally.negative / n:.0%}" if n else "暂无群众发声"


def _sources(seen: Picture) -> str:
    tally = seen.tally
    return f"最高信源权重{tally.authority:.1f}，{tally.platforms}类平台" if tally.stamps else "暂无信源"


def _breadth(seen: Picture) -> str:
    tally = seen.tally
    if not tally.voices:
        return "暂无发声"
    text = f"外地声音{tally.outside / tally.voices:.0%}，{tally.platforms}类平台"
    return text + ("，有聚集苗头" if gathering(seen) else "")


def _gap(seen: Picture) -> str:
    return "已有权威回应" if seen.answered else f"{seen.elapsed:.0f}小时未回应，时限{limit_hours(seen):g}小时"


_WORDS: Mapping[str, Callable[[Picture], str]] = {
    "S": _sensitivity, "V": _speed, "H": _heat, "N": _negativity, "A": _sources, "C": _breadth, "R": _gap,
}  # fmt: skip


def sentence(risk: Risk, seen: Picture) -> str:
    """「Ⅱ级（橙色）67分：敏感度22分（食品药品）、…；若24小时内仍无权威回应，再加3分；距Ⅰ级（红色）还差13分。」"""
    office = seen.office
    by_score: Level = sum(risk.score >= rule.threshold for rule in office.levels)
    level = max(by_score if risk.cap is None else min(by_score, risk.cap), risk.floor or 0)
    parts = [f"{office.level_name(level)}{risk.score:.0f}分：{_terms(risk.factors)}"]
    missing = [f.name for f in risk.factors if f.x is None]
    if missing:
        parts.append(f"缺：{'、'.join(missing)}")
    parts += [r.text for r in risk.reasons if r.code.startswith(("floor.", "cap."))]
    parts += _would_raise(risk, seen, level)
    return "；".join(parts) + "。"


def _terms(factors: tuple[RiskFactor, ...]) -> str:
    ranked = sorted((f for f in factors if f.x is not None and round(f.points) > 0), key=lambda f: -f.points)
    return "、".join(f"{f.name}{f.points:.0f}分（{f.text}）" for f in ranked) or "各项均低"


def _would_raise(risk: Risk, seen: Picture, level: Level) -> list[str]:
    office = seen.office
    found = []
    reply = next((f for f in risk.factors if f.code == "R"), None)
    if reply is not None and reply.x is not None and not seen.answered:
        more = 100 * reply.weight * (1 - reply.x)
        if round(more) >= 1:
            left = limit_hours(seen) * (1 - reply.x)
            found.append(f"若{left:.0f}小时内仍无权威回应，再加{more:.0f}分")
    if level >= len(office.levels):
        return found
    nearest = office.levels[level]
    short = nearest.threshold - risk.score
    if short > 0:
        found.append(f"距{nearest.name}还差{max(1.0, short):.0f}分")
    elif risk.cap is not None and risk.cap <= level:
        found.append(f"分值已达{nearest.name}，因上述限制未升级")
    return found
