"""The card in Chinese: what each factor measured, why it is at this level, and what would raise it."""

from collections.abc import Callable, Mapping

from analysis.bursts import doubling_words
from analysis.risk_factors import gathering, limit_hours, most_sensitive
from analysis.risk_picture import Picture
from analysis.risk_tally import FIGURES, HOUR
from analysis.risk_ways import ways
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
    """「Ⅱ级（橙色）67分：敏感度22分（食品药品）、…；距Ⅰ级（红色）还差13分，其他不变时未来1小时新增30条以上即达到。」"""
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
    """What time alone brings, and what would raise it to the next level."""
    office, found = seen.office, []
    top = level >= len(office.levels)
    nearest = office.levels[level] if not top else None
    short = nearest.threshold - risk.score if nearest is not None else 0.0
    named = ways(risk, short, seen) if nearest is not None and short > 0 else []
    reply = next((f for f in risk.factors if f.code == "R"), None)
    if not top and reply is not None and reply.x is not None and not seen.answered:
        more = 100 * reply.weight * (1 - reply.x)
        if round(more) >= 1 and not any("权威回应" in way for way in named):
            found.append(f"若{limit_hours(seen) * (1 - reply.x):.0f}小时内仍无权威回应，再加{more:.0f}分")
    if nearest is None:
        return [*found, "已是最高等级，降级须人工确认"] if len(office.levels) > 1 else found
    if risk.cap is not None and risk.cap <= level:
        return [*found, f"因上述限制，分值{'再升' if short > 0 else f'已达{nearest.name}'}也不升级"]
    if short <= 0:
        return found
    far = f"距{nearest.name}还差{short:.0f}分" if short >= 1 else f"距{nearest.name}不到1分"
    if not named:
        return [*found, f"{far}，须多项因素同时上升"]
    return [*found, f"{far}，其他不变时{'、'.join(named)}{'，任一出现' if len(named) > 1 else ''}即达到"]
