"""How dangerous a matter is: an additive score of seven factors that can be read off a card.

    members ─picture→ seven x in 0..1 ─weights→ score 0..100 ─floors, caps→ Risk ─sentence→ the card

S 敏感度 · V 速度 · H 热度 · N 负面 · A 信源 · C 扩散面 · R 回应缺口.
A factor whose input is missing has x = None; the other
weights are then renormalised and the card says so. Nothing here looks at who wrote: authors only count as distinct
voices. Nothing looks ahead: a member counts from `seen_at` on, and a reply from its own time on.

The five must-answer kinds are 国办发〔2016〕61号; the factors, weights (CR .013), floors and caps are the office's own
configuration (`RiskSettings`), with the house's defaults.
"""

from collections.abc import Sequence
from datetime import datetime

from analysis.bursts import Baseline
from analysis.risk_factors import FACTORS
from analysis.risk_limits import caps, floors
from analysis.risk_picture import Picture, picture
from analysis.risk_weights import consistency, weights
from analysis.risk_words import sentence
from storage.types import Event, Member, Office, Reason, Risk, RiskFactor

__all__ = ["consistency", "score", "weights"]


def score(
    event: Event, members: Sequence[Member], office: Office, now: datetime, *, baseline: Baseline | None = None
) -> Risk:
    """The risk of an event as it was known at `now`.

    Members seen after `now` do not exist yet. Members marked `historic` are ignored in a matter of today; an event
    that is historic itself is scored as of its own time (its last document), so that old matters can be compared.
    `baseline` gives the usual hourly count of the event's stream; without it a quiet stream is assumed.
    """
    seen = picture(event, members, office, now, baseline)
    measured = [(code, name, *measure(seen)) for code, name, measure in FACTORS]
    weights = office.risk.weights
    total = sum(weights.get(code, 0.0) for code, _, x, _ in measured if x is not None)
    factors = tuple(
        RiskFactor(
            code=code,
            name=name,
            weight=weights.get(code, 0.0) / total if x is not None and total else weights.get(code, 0.0),
            x=x,
            points=100 * weights.get(code, 0.0) / total * x if x is not None and total else 0.0,
            text=text,
        )
        for code, name, x, text in measured
    )
    points = min(100.0, sum(f.points for f in factors))
    floor, floor_reasons = floors(seen)
    cap, cap_reasons = caps(seen)
    risk = Risk(
        score=points,
        factors=factors,
        floor=floor,
        cap=cap,
        reasons=(*floor_reasons, *cap_reasons, *_missing(factors)),
    )
    return _worded(risk, seen)


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
