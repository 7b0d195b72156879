"""What would raise an event to its next level: which single factor would have to rise, and how far, in words.

short of the threshold ÷ weight → the x a factor would need → what that is in posts, hours, shares
"""

import math
from collections.abc import Callable, Mapping
from datetime import timedelta

from analysis.bursts import LAMBDA, event_speed
from analysis.risk_factors import gathering, limit_hours, wilson
from analysis.risk_picture import Picture
from storage.types import Risk

_MOST = 3  #: ways that are named
_MANY = 20.0  #: times as hot, posts an hour as often as now: beyond it nobody can picture it


def ways(risk: Risk, short: float, seen: Picture) -> list[str]:
    """Clauses, each of which alone would bring so many points more, the likeliest first; at most three."""
    found = []
    factors = {f.code: f for f in risk.factors}
    for code, words in _WAYS.items():
        factor = factors.get(code)
        if factor is None or factor.x is None or not factor.weight:
            continue
        need = factor.x + max(0.5, short) / (100 * factor.weight)
        text = words(need, seen) if need <= 1 else ""
        if text:
            found.append(text)
    return found[:_MOST]


def _speed(need: float, seen: Picture) -> str:
    """Posts of the coming hour: E = λ z + (1 - λ) E now."""
    level = event_speed(seen.tally.window.hours(seen.moment), seen.now, seen.baseline)
    z = (4 * need - (1 - LAMBDA) * max(0.0, level)) / LAMBDA
    usual = seen.baseline
    hour = (seen.now + timedelta(hours=1)).astimezone(usual.zone).hour if usual else 0
    count = math.ceil(usual.median[hour] + z * usual.spread[hour] if usual else z)
    return f"未来1小时新增{max(1, count)}条以上" if count <= _MANY * max(20, seen.tally.count) else ""


def _reply(need: float, seen: Picture) -> str:
    left = need * limit_hours(seen) - seen.elapsed
    return "" if seen.answered or left <= 0 else f"再过{max(1.0, left):.0f}小时仍无权威回应"


def _heat(need: float, seen: Picture) -> str:
    now = seen.tally.window.heat(seen.moment)
    times = math.expm1(need * math.log1p(max(seen.office.risk.heat_p95, 1.0))) / now if now else math.inf
    return f"近24小时热度升至现在的{max(1.1, times):.1f}倍".replace(".0倍", "倍") if times <= _MANY else ""


def _negativity(need: float, seen: Picture) -> str:
    people, strength = seen.tally.people, 0.5 + 0.5 * seen.tally.strength
    low, high = math.ceil(seen.tally.negative), people
    if not people or wilson(people, people) * strength < need:
        return ""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if wilson(middle, people) * strength >= need else (middle + 1, high)
    return f"负面占比升至{low / people:.0%}"


def _source(need: float, seen: Picture) -> str:
    wanted = need - 0.1 * max(0, seen.tally.platforms - 1)
    return (
        f"有权重{max(0.1, math.ceil(10 * wanted) / 10):.1f}以上的媒体报道" if seen.tally.authority < wanted <= 1 else ""
    )


def _breadth(need: float, seen: Picture) -> str:
    found = 0.4 * seen.tally.outside / max(1, seen.tally.voices) + 0.3 * min(1.0, (seen.tally.platforms - 1) / 2)
    return "出现人群聚集的苗头" if not gathering(seen) and found + 0.3 >= need else ""


#: code of a factor → its clause for the x that is needed; empty where that cannot happen or says nothing
_WAYS: Mapping[str, Callable[[float, Picture], str]] = {
    "V": _speed, "R": _reply, "H": _heat, "N": _negativity, "A": _source, "C": _breadth,
}  # fmt: skip
