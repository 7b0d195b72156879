"""How dangerous a matter is: an additive score of seven factors that can be read off a card.

    members ─picture→ seven x in 0..1 ─weights→ score 0..100 ─floors, caps→ Risk ─sentence→ the card

S 敏感度 · V 速度 · H 热度 · N 负面 · A 信源 · C 扩散面 · R 回应缺口.
A factor whose input is missing has x = None; the other
weights are then renormalised and the card says so. Nothing here looks at who wrote: authors only count as distinct
voices. Nothing looks ahead: a member counts from `seen_at` on, and a reply from its own time on.

The five must-answer kinds are 国办发〔2016〕61号; the factors, weights (CR .013), floors and caps are the office's own
configuration (`RiskSettings`), with the house's defaults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from analysis.bursts import Baseline
from analysis.risk_factors import FACTORS, gap, heat, limit_hours, speed
from analysis.risk_limits import caps, floors
from analysis.risk_picture import Picture, picture
from analysis.risk_weights import consistency, weights
from analysis.risk_words import factor_words, sentence
from storage.types import Event, Level, Member, Office, Reason, Risk, RiskFactor

__all__ = ["Settled", "bare", "consistency", "judge", "measure", "points", "score", "settled", "weights"]


def score(
    event: Event, members: Sequence[Member], office: Office, now: datetime, *, baseline: Baseline | None = None
) -> Risk:
    """The risk of an event as it was known at `now`.

    Members seen after `now` do not exist yet. Members marked `historic` are ignored in a matter of today; an event
    that is historic itself is scored as of its own time (its last document), so that old matters can be compared.
    `baseline` gives the usual hourly count of the event's stream; without it a quiet stream is assumed.
    """
    return judge(picture(event, members, office, now, baseline))


def judge(seen: Picture) -> Risk:
    """The same for a picture that is drawn already, with everything that the card says."""
    values = measure(seen)
    weights = seen.office.risk.weights
    total = _total(values, weights)
    factors = tuple(
        RiskFactor(
            code=code,
            name=name,
            weight=weights.get(code, 0.0) / total if x is not None and total else weights.get(code, 0.0),
            x=x,
            points=100 * weights.get(code, 0.0) / total * x if x is not None and total else 0.0,
            text=factor_words(code, seen),
        )
        for (code, name, _), x in zip(FACTORS, values.values(), strict=True)
    )
    floor, floor_reasons = floors(seen)
    cap, cap_reasons = caps(seen)
    risk = Risk(
        score=points(values, weights),
        factors=factors,
        floor=floor,
        cap=cap,
        reasons=(*floor_reasons, *cap_reasons, *_missing(factors)),
    )
    return _worded(risk, seen)


@dataclass(frozen=True, slots=True)
class Settled:
    """What only another document can change; speed, heat, the reply's clock and caps go on by themselves."""

    values: Mapping[str, float | None]
    limit: float  #: hours for a reply
    floor: Level | None
    reasons: tuple[Reason, ...]  #: of the floor


def settled(seen: Picture) -> Settled:
    """For `bare`, to be computed once for each document that comes in."""
    floor, reasons = floors(seen)
    steady = {code: value(seen) for code, _, value in FACTORS if code not in "VHR"}
    return Settled(steady, limit_hours(seen), floor, reasons)


def bare(seen: Picture, known: Settled) -> tuple[Risk, dict[str, float | None]]:
    """The same score, floor and cap as `judge` without words, and the x: what decides, for a replay."""
    at = known.values
    values = {
        "S": at["S"], "V": speed(seen), "H": heat(seen), "N": at["N"], "A": at["A"], "C": at["C"],
        "R": gap(seen, known.limit),
    }  # fmt: skip
    cap, reasons = caps(seen)
    score = points(values, seen.office.risk.weights)
    return Risk(score=score, factors=(), floor=known.floor, cap=cap, reasons=(*known.reasons, *reasons)), values


def measure(seen: Picture) -> dict[str, float | None]:
    """Code of a factor → x in 0..1, None where its input is missing; in the order of the card."""
    return {code: value(seen) for code, _, value in FACTORS}


def points(values: Mapping[str, float | None], weights: Mapping[str, float]) -> float:
    """The score, 0..100: missing factors leave their weight to the others."""
    total = _total(values, weights)
    if not total:
        return 0.0
    found = 0.0
    for code, x in values.items():
        if x is not None:
            found += 100 * weights.get(code, 0.0) / total * x
    return min(100.0, found)


def _total(values: Mapping[str, float | None], weights: Mapping[str, float]) -> float:
    total = 0.0
    for code, x in values.items():
        if x is not None:
            total += weights.get(code, 0.0)
    return total


def _missing(factors: Sequence[RiskFactor]) -> tuple[Reason, ...]:
    return tuple(
        Reason(code=f"missing.{f.code}", text=f"缺：{f.name}（{f.text}），其余权重按比例放大")
        for f in factors
        if f.x is None
    )


def _worded(risk: Risk, seen: Picture) -> Risk:
    return Risk(
        score=risk.score,
        factors=risk.factors,
        floor=risk.floor,
        cap=risk.cap,
        reasons=risk.reasons,
        sentence=sentence(risk, seen),
    )
