"""舆情等级 with hysteresis: quick to rise, slow to fall, and a person's decision wins.

Up after two evaluations in a row, or at once far above the threshold or by a floor; down one step after two hours
clearly below; from the highest level only a person steps down; whoever flaps is frozen at the highest level touched.
`decide` is pure: the state goes in and comes out, and the application keeps it as JSON beside the event.

事件等级 (`Event.incident_grade`), 预警级别 (`Event.warning_colour`) and 舆情等级 (`Event.level`) are three fields
(突发事件应对法; there is no national numeric scale of 舆情等级): this module writes only the third.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from storage.types import Event, Level, LevelCause, LevelChange, Office, Reason, Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of the recent past, for the flap guard."""

    at: datetime
    before: Level
    after: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelState:
    """What hysteresis must remember of one event between two evaluations."""

    level: Level = 0
    above: int = 0  #: evaluations in a row with a target above the level
    confirmed: Level = 0  #: the lowest target of those evaluations
    below: int = 0  #: evaluations in a row clearly below the level
    steps: tuple[Step, ...] = ()  #: changes within the flap window, oldest first
    frozen_at: datetime | None = None
    ask: str = ""  #: Chinese: what a person has to decide; empty if nothing
    evaluated_at: datetime | None = None
    above_at: datetime | None = None  #: when `above` was last counted
    below_at: datetime | None = None

    def as_json(self) -> dict[str, object]:
        """A plain dictionary for `json.dumps`; times as ISO 8601 with zone."""
        data = asdict(self)
        data["steps"] = [[s.at.isoformat(), s.before, s.after] for s in self.steps]
        for name in ("frozen_at", "evaluated_at", "above_at", "below_at"):
            value: datetime | None = getattr(self, name)
            data[name] = value.isoformat() if value else None
        return data


def state_from_json(data: dict[str, object]) -> LevelState:
    """The inverse of `LevelState.as_json`; unknown keys are ignored, missing ones take their default."""
    steps = data.get("steps")
    return LevelState(
        level=_number(data.get("level")),
        above=_number(data.get("above")),
        confirmed=_number(data.get("confirmed")),
        below=_number(data.get("below")),
        steps=tuple(
            Step(at=datetime.fromisoformat(at), before=before, after=after)
            for at, before, after in (steps if isinstance(steps, list) else [])
        ),
        frozen_at=_moment(data.get("frozen_at")),
        ask=str(data.get("ask") or ""),
        evaluated_at=_moment(data.get("evaluated_at")),
        above_at=_moment(data.get("above_at")),
        below_at=_moment(data.get("below_at")),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _moment(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def reached(score: float, office: Office, *, margin: float = 0.0) -> Level:
    """The highest level whose threshold plus margin the score has reached; 0 below the lowest."""
    return sum(score >= rule.threshold + margin for rule in office.levels)


def bounded(level: Level, risk: Risk) -> Level:
    """A level within cap and floor; a floor beats a cap."""
    capped = level if risk.cap is None else min(level, risk.cap)
    return max(capped, risk.floor or 0)


def target(risk: Risk, office: Office) -> Level:
    """The level that the score alone would give now, within cap and floor; no hysteresis."""
    return min(bounded(reached(risk.score, office), risk), len(office.levels))


def decide(
    event: Event, risk: Risk, state: LevelState, office: Office, now: datetime
) -> tuple[LevelChange | None, LevelState]:
    """One evaluation of one event.

    Returns the change, if there is one, and the state for the next evaluation. A historic event has no level of today:
    it never changes (its score, computed as of its own time, stays for the reader). A pinned level (a person's
    decision) is taken at once and holds until it is withdrawn.
    """
    if event.historic:
        return None, replace(state, level=0, above=0, below=0, evaluated_at=now)
    if event.pinned_level is not None:
        return _pinned(event, event.pinned_level, risk, replace(state, evaluated_at=now), now)
    wanted = _wanted(event, risk, office)
    state = _counted(wanted, risk, state, office, now)
    rising = _rise(event, wanted, risk, state, office)
    if rising is not None:
        after, cause, reason = rising
        # this evaluation reached more than was confirmed: it is the first of two for that
        rest = _calm(state) if wanted <= after else replace(state, below=0, above=1, confirmed=wanted)
        return _change(event, after, cause, reason, risk, rest, office, now)
    if state.below < office.risk.down_evaluations or state.level == 0:
        return None, state
    return _fall(event, risk, state, office, now)


def _recent(steps: tuple[Step, ...], office: Office, now: datetime) -> tuple[Step, ...]:
    if not steps:
        return steps
    since = now - timedelta(hours=office.risk.flap_hours)
    return tuple(step for step in steps if step.at > since)


def _calm(state: LevelState) -> LevelState:
    return replace(state, above=0, confirmed=0, below=0, above_at=None, below_at=None)


def _pinned(
    event: Event, level: Level, risk: Risk, state: LevelState, now: datetime
) -> tuple[LevelChange | None, LevelState]:
    after = replace(_calm(state), level=level, frozen_at=None, ask="", steps=())
    if level == state.level:
        return None, after
    reason = Reason(code="level.human", text="由人工确定等级，系统不再自动调整")
    who = event.confirmed_by or "system"
    return _row(event, state.level, level, "human", reason, risk, who, now), after


def _rise(
    event: Event, wanted: Level, risk: Risk, state: LevelState, office: Office
) -> tuple[Level, LevelCause, Reason] | None:
    """Level, cause and reason of a rise that is due now, or None."""
    floor = min(risk.floor or 0, len(office.levels))
    fast = max(floor, bounded(reached(risk.score, office, margin=office.risk.fast_margin), risk))
    twice = state.confirmed if state.above >= office.risk.up_evaluations and state.frozen_at is None else 0
    after = min(max(fast, twice), wanted)
    if after <= state.level:
        return None
    if floor == after:
        return after, "floor", Reason(code="level.floor", text=f"按规定不低于{office.level_name(after)}")
    if event.previous and state.level == 0:
        after = wanted
    text = f"得分{risk.score:.0f}，" + ("明显超过" if after == fast else "连续达到") + f"{office.level_name(after)}标准"
    return after, "score", Reason(code="level.fast" if after == fast else "level.twice", text=text)


def _wanted(event: Event, risk: Risk, office: Office) -> Level:
    """The target; a flare-up of a closed event starts one level above the lowest (规则：72小时内复燃)."""
    level = target(risk, office)
    return max(level, min(2, len(office.levels))) if level == 1 and event.previous and risk.cap is None else level


def _counted(wanted: Level, risk: Risk, state: LevelState, office: Office, now: datetime) -> LevelState:
    """The state of this evaluation, with its counters moved.

    A busy event is looked at with every new post; what counts is one evaluation a minute upwards (half the urgent
    interval) and one in ten minutes downwards, so that twelve of them are the two hours of the rule.
    """
    rules = office.risk
    above, confirmed, above_at = 0, 0, None
    if wanted > state.level:
        above, above_at = state.above, state.above_at
        confirmed = min(state.confirmed, wanted) if above else wanted
        if _due(above_at, rules.evaluate_urgent_seconds / 2, now):
            above, above_at = above + 1, now
    below, below_at = 0, None
    if _clearly_below(risk, state.level, office):
        below, below_at = state.below, state.below_at
        if _due(below_at, 0.9 * rules.evaluate_seconds, now):
            below, below_at = below + 1, now
    thawed = state.frozen_at is not None and now - state.frozen_at >= timedelta(hours=rules.flap_hours)
    return LevelState(
        level=state.level,
        above=above,
        confirmed=confirmed,
        below=below,
        steps=_recent(state.steps, office, now),
        frozen_at=None if thawed else state.frozen_at,
        ask="" if thawed else state.ask,
        evaluated_at=now,
        above_at=above_at,
        below_at=below_at,
    )


def _due(last: datetime | None, seconds: float, now: datetime) -> bool:
    """Whether enough time has passed; a clock that was set back counts as enough."""
    return last is None or now < last or (now - last).total_seconds() >= seconds


def _clearly_below(risk: Risk, level: Level, office: Office) -> bool:
    rule = office.rule(min(level, len(office.levels)))
    if rule is None or (risk.floor or 0) >= level:
        return False
    return risk.score < rule.threshold - office.risk.down_margin or (risk.cap is not None and risk.cap < level)


def _fall(
    event: Event, risk: Risk, state: LevelState, office: Office, now: datetime
) -> tuple[LevelChange | None, LevelState]:
    if state.frozen_at is not None:
        return None, state
    if state.level >= len(office.levels) > 1:
        return None, replace(state, ask=f"得分已降至{risk.score:.0f}，{office.level_name(state.level)}降级须人工确认")
    after = state.level - 1
    text = f"连续{office.risk.down_evaluations}次研判明显低于{office.level_name(state.level)}标准，降一级"
    return _change(event, after, "score", Reason(code="level.down", text=text), risk, _calm(state), office, now)


def _change(
    event: Event, after: Level, cause: LevelCause, reason: Reason, risk: Risk, state: LevelState, office: Office,
    now: datetime,
) -> tuple[LevelChange | None, LevelState]:  # fmt: skip
    """Make the change, unless it is one too many in the flap window: then freeze at the highest level touched."""
    steps = (*state.steps, Step(at=now, before=state.level, after=after))
    frozen_at = state.frozen_at
    ask = state.ask if state.frozen_at else ""
    if frozen_at is None and _flapping(steps, office):
        highest = max(max(s.before, s.after) for s in steps)
        hours = f"{office.risk.flap_hours:g}"
        ask = f"{hours}小时内等级变动{len(steps)}次，已固定在{office.level_name(highest)}，请人工确定等级"
        reason = Reason(code="level.freeze", text=ask)
        after, cause, frozen_at = highest, "freeze", now
        steps = (*state.steps, Step(at=now, before=state.level, after=after))
    changed = replace(state, level=after, steps=steps, frozen_at=frozen_at, ask=ask)
    if after == state.level:
        return None, replace(changed, steps=state.steps)
    return _row(event, state.level, after, cause, reason, risk, "system", now), changed


def _flapping(steps: tuple[Step, ...], office: Office) -> bool:
    """Enough changes in the window, not all upwards: a fast rise through every level is no flapping."""
    return len(steps) >= office.risk.flap_changes and any(step.after < step.before for step in steps)


def _row(
    event: Event, before: Level, after: Level, cause: LevelCause, reason: Reason, risk: Risk, who: str, now: datetime
) -> LevelChange:
    return LevelChange(
        event=event.id,
        before=before,
        after=after,
        cause=cause,
        score=risk.score,
        reasons=(reason, *risk.reasons),
        who=who,
        at=now,
    )
