"""Another configuration to try on the past: weights and thresholds from a small TOML file.

[weights]            one line for each factor that is to change: S V H N A C R
S = 0.30
[thresholds]         by level id
orange = 55
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from storage.types import Office

_TABLES = ("weights", "thresholds")


def tuned(office: Office, text: str) -> Office:
    """The office with these changes; ValueError (Chinese) names what cannot be used."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"不是 TOML：{error}") from error
    unknown = [key for key in data if key not in _TABLES]
    if unknown:
        raise ValueError(f"不认识 {'、'.join(unknown)}，可用的是 {'、'.join(_TABLES)}")
    weights = {**office.risk.weights, **_numbers(data, "weights", office.risk.weights)}
    if not any(weights.values()):
        raise ValueError("weights 不能全部为 0")
    thresholds = _numbers(data, "thresholds", {rule.id: 0.0 for rule in office.levels})
    levels = tuple(replace(rule, threshold=thresholds.get(rule.id, rule.threshold)) for rule in office.levels)
    if any(low.threshold >= high.threshold for low, high in pairwise(levels)):
        raise ValueError("thresholds 须由低到高递增")
    return replace(office, levels=levels, risk=replace(office.risk, weights=weights))


def _numbers(data: Mapping[str, object], table: str, known: Mapping[str, float]) -> dict[str, float]:
    rows = data.get(table, {})
    if not isinstance(rows, dict):
        raise ValueError(f"{table} 应为一张表")
    for key, value in rows.items():
        if key not in known:
            raise ValueError(f"{table} 里没有 {key}，可用的是 {'、'.join(known)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            raise ValueError(f"{table}.{key} 应为 0 至 100 的数，现在是 {value!r}")
    return {key: float(value) for key, value in rows.items()}
