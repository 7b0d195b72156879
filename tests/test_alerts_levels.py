"""Hysteresis: the figures of the specification, hostile sequences, JSON."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_office import small_office

from alerts.levels import LevelState, decide, state_from_json, target
from storage.types import Event, LevelChange, Office, Risk

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OFFICE = small_office()


def event(**fields: object) -> Event:
    base = Event(id="ev1", title="t", first_at=START, last_at=START, detected_at=START)
    return replace(base, **fields)  # type: ignore[arg-type]


def risk(score: float, **fields: object) -> Risk:
    return replace(Risk(score=score, factors=()), **fields)  # type: ignore[arg-type]


def run(
    risks: list[Risk], ev: Event | None = None, state: LevelState | None = None, office: Office = OFFICE
) -> tuple[list[LevelChange], LevelState]:
    """Evaluate every ten minutes."""
    state = state or LevelState()
    changes = []
    for i, one in enumerate(risks):
        change, state = decide(ev or event(), one, state, office, START + timedelta(minutes=10 * i))
        if change:
            changes.append(change)
    return changes, state


def test_up_needs_two_evaluations_in_a_row() -> None:
    assert run([risk(45)])[1].level == 1  # far above blue (20 + 10): blue at once, yellow not yet
    assert run([risk(45), risk(45)])[1].level == 2
    assert run([risk(25), risk(15), risk(25)])[1].level == 0


def test_up_at_once_far_above_or_by_floor() -> None:
    changes, state = run([risk(71)])
    assert state.level == 3
    assert changes[0].cause == "score"
    changes, state = run([risk(5, floor=3)])
    assert state.level == 3
    assert changes[0].cause == "floor"


def test_two_evaluations_confirm_only_what_both_reached() -> None:
    # blue and yellow by the fast path, then orange by 61 and 85 both above 60, red only by the second
    assert run([risk(61), risk(85)])[1].level == 3


def test_a_step_on_the_way_does_not_hold_up_the_next_one() -> None:
    assert run([risk(25), risk(45)])[1].level == 1
    assert run([risk(25), risk(45), risk(45)])[1].level == 2
    assert run([risk(61), risk(85), risk(85)])[1].level == 4


def test_evaluations_within_a_minute_count_once() -> None:
    state = LevelState(level=3)
    for second in range(120):
        _, state = decide(event(), risk(10), state, OFFICE, START + timedelta(seconds=second))
    assert (state.level, state.below) == (3, 1)
    state = LevelState()
    for second in range(50):
        _, state = decide(event(), risk(25), state, OFFICE, START + timedelta(seconds=second))
    assert state.level == 0
    _, state = decide(event(), risk(25), state, OFFICE, START + timedelta(seconds=70))
    assert state.level == 1


def test_down_one_step_after_two_hours() -> None:
    state = LevelState(level=3)
    changes, state = run([risk(10)] * 11, state=state)
    assert (changes, state.level) == ([], 3)
    changes, state = run([risk(10)] * 12, state=LevelState(level=3))
    assert [(c.before, c.after) for c in changes] == [(3, 2)]
    assert run([risk(10)] * 36, state=LevelState(level=3))[1].level == 0


def test_score_just_below_the_threshold_keeps_the_level() -> None:
    assert run([risk(53)] * 100, state=LevelState(level=3))[1].level == 3  # 60 - 8 = 52


def test_highest_level_steps_down_only_by_a_person() -> None:
    changes, state = run([risk(10)] * 50, state=LevelState(level=4))
    assert changes == []
    assert "人工确认" in state.ask
    changes, state = run([risk(10)], event(pinned_level=2, confirmed_by="zhang"), state=LevelState(level=4))
    assert (changes[0].cause, changes[0].who, state.level) == ("human", "zhang", 2)


def test_a_persons_level_wins_both_ways() -> None:
    assert run([risk(99, floor=4)] * 5, event(pinned_level=1))[1].level == 1
    assert run([risk(0)] * 50, event(pinned_level=4))[1].level == 4


def test_floor_beats_cap() -> None:
    assert target(risk(90, cap=1), OFFICE) == 1
    assert target(risk(90, cap=1, floor=3), OFFICE) == 3
    assert run([risk(95, cap=1)] * 5)[1].level == 1


def test_flapping_is_frozen_at_the_highest_level_and_a_person_is_asked() -> None:
    office = replace(OFFICE, risk=replace(OFFICE.risk, down_evaluations=1))
    changes, state = run([risk(71), risk(10)] * 10, office=office)
    assert [(c.before, c.after) for c in changes] == [(0, 3), (3, 2), (2, 3)]  # the fourth would have been 3 → 2
    assert state.level == 3
    assert state.frozen_at is not None
    assert "人工" in state.ask


def test_freeze_does_not_hide_a_real_rise() -> None:
    frozen = LevelState(level=2, frozen_at=START)
    assert run([risk(95)], state=frozen)[1].level == 4


def test_historic_never_changes() -> None:
    changes, state = run([risk(99, floor=4)] * 5, event(historic=True))
    assert (changes, state.level) == ([], 0)


def test_flare_up_starts_above_the_lowest() -> None:
    assert run([risk(31)] * 2, event(previous="ev0"))[1].level == 2
    assert run([risk(31)] * 2)[1].level == 1


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_any_number_of_levels(count: int) -> None:
    rules = tuple(replace(OFFICE.levels[0], id=f"l{i}", threshold=100 * i / (count + 1)) for i in range(1, count + 1))
    office = replace(OFFICE, levels=rules)
    assert run([risk(100)] * 2, office=office)[1].level == count
    assert target(risk(100 / (count + 1)), office) == 1


def test_noise_on_a_threshold_does_not_flap() -> None:
    """AR(1) noise of sd 3.8 around 60 for three days: the figure of the specification is no change after the first."""
    worst = 0
    for seed in range(20):
        rng = random.Random(seed)
        noise, risks = 0.0, []
        for _ in range(3 * 144):
            noise = 0.8 * noise + rng.gauss(0, 3.8 * 0.6)
            risks.append(risk(60 + noise))
        changes, _ = run(risks, state=LevelState(level=3))
        worst = max(worst, len(changes))
    assert worst <= 1


def test_a_rise_of_three_hours_reaches_red_soon() -> None:
    scores = [risk(30 + 60 * i / 18) for i in range(19)] + [risk(90)]
    changes, _ = run(scores)
    late = {c.after: (c.at - START).total_seconds() / 60 for c in changes}
    crossed = {2: 30, 3: 90, 4: 150}
    assert all(late[level] - minute <= 30 for level, minute in crossed.items())


@given(
    st.lists(st.tuples(st.floats(0, 100), st.none() | st.integers(0, 4), st.none() | st.integers(0, 4)), max_size=60)
)
def test_any_sequence_keeps_the_rules(items: list[tuple[float, int | None, int | None]]) -> None:
    risks = [risk(s, floor=f, cap=c) for s, f, c in items]
    changes, state = run(risks)
    level = 0
    for change in changes:
        assert change.before == level
        assert change.after != level
        assert change.after >= level - 1
        assert level < 4 or change.after > 3
        level = change.after
    assert state.level == level
    assert 0 <= level <= 4
    if risks and risks[-1].floor:
        assert level >= risks[-1].floor


@given(st.lists(st.floats(0, 100), max_size=40))
def test_state_survives_json_at_any_point(scores: list[float]) -> None:
    straight = LevelState()
    stored = LevelState()
    for i, score in enumerate(scores):
        now = START + timedelta(minutes=10 * i)
        first, straight = decide(event(), risk(score), straight, OFFICE, now)
        stored = state_from_json(json.loads(json.dumps(stored.as_json())))
        second, stored = decide(event(), risk(score), stored, OFFICE, now)
        assert (first, straight) == (second, stored)
