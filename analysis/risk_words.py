"""The card's sentence: why it is at this level, and what would raise it."""

from analysis.risk_factors import limit_hours
from analysis.risk_picture import Picture
from storage.types import Level, Risk, RiskFactor


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
