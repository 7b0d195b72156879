"""Figures that say of how many they are, and a judgement that says when it cannot know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.before_after import judge, share_change
from alerts.effect import FirstResponse, Process, Ratio, first_response, process, ranking
from storage.types import AuditEntry, Deadline, Event, Task

NOW = datetime(2025, 9, 25, 10, 0, tzinfo=UTC)
START = NOW - timedelta(hours=100)


def event(n: int, answered: float | None = None) -> Event:
    at = START + timedelta(hours=answered) if answered is not None else None
    return Event(id=f"e{n}", title="x", first_at=START, last_at=START, detected_at=START, answered_at=at)


def clock(step: str, hours: float, met: float | None) -> Deadline:
    return Deadline(
        task="t",
        step=step,
        kind="statutory" if step != "sign" else "internal",
        basis="b",
        start_at=START,
        due_at=START + timedelta(hours=hours),
        hours=hours,
        met_at=START + timedelta(hours=met) if met is not None else None,
    )


def task(n: int, *clocks: Deadline, department: str = "scjg", historic: bool = False) -> Task:
    return Task(
        id=f"t{n}",
        event=f"e{n}",
        alert="a",
        department=department,
        role="lead",
        title="x",
        level=2,
        state="signed",
        rule="R2",
        reasons=(),
        created_at=START,
        dispatched_at=START,
        deadlines=clocks,
        historic=historic,
    )


def entry(n: int, action: str) -> AuditEntry:
    return AuditEntry(actor="x", action=f"task.{action}", object=f"task:t{n}", at=NOW)


def test_late_never_and_not_yet_are_different_numbers() -> None:
    tasks = [
        task(1, clock("reply", 48, 40)),
        task(2, clock("reply", 48, 60)),
        task(3, clock("reply", 48, None)),
        task(4, clock("reply", 200, None)),
        task(5, replace(clock("reply", 48, None), due_at=NOW + timedelta(hours=1))),
        task(6, clock("reply", 5, 4)),
        task(7, clock("reply", 48, 1), historic=True),
        replace(task(8, clock("reply", 48, None)), state="closed"),
    ]
    figures = process(tasks, {}, [], NOW)
    row = figures.ratio("reply.48")
    assert (row.numerator, row.denominator, row.late, row.never, row.pending, row.excluded) == (1, 3, 1, 1, 1, 1)
    assert row.text == "33.3%（1/3）"
    assert figures.ratio("reply.5").text == "100.0%（1/1）"
    assert figures.ratio("press.24").text == "—（无应计事项）"
    assert figures.tasks == 7
    with pytest.raises(KeyError):
        figures.ratio("nonsense")


def test_returns_and_first_time_dispatch() -> None:
    tasks = [task(n) for n in range(1, 6)]
    audit = [entry(1, "return"), entry(1, "uphold"), entry(2, "return"), entry(2, "reject_return"), entry(3, "return")]
    audit += [entry(4, "reassign"), entry(99, "return"), entry(5, "sign")]
    figures = process(tasks, {}, audit, NOW)
    assert figures.ratio("returns").text == "42.9%（3/7）"  # five first dispatches and two further ones
    assert figures.ratio("upheld").text == "50.0%（1/2）"
    assert figures.ratio("upheld").pending == 1
    assert figures.ratio("first_time").text == "60.0%（3/5）"


def test_a_return_is_told_of_the_department_that_asked_for_it() -> None:
    moved = AuditEntry(
        actor="x", action="task.uphold", object="task:t1", at=NOW,
        before='{"department": "sthj"}', after='{"department": "scjg"}',
    )  # fmt: skip
    audit = [moved, replace(entry(1, "return"), at=NOW - timedelta(minutes=5)), entry(2, "return")]
    tasks = [task(1), task(2)]
    asked = process(tasks, {}, audit, NOW, department="sthj")
    got = process(tasks, {}, audit, NOW, department="scjg")
    assert [asked.ratio(code).text for code in ("returns", "upheld")] == ["100.0%（1/1）", "100.0%（1/1）"]
    assert asked.ratio("first_time").text == "0.0%（0/1）"
    assert got.ratio("returns").text == "50.0%（1/2）"
    assert got.ratio("upheld").text == "—（无应计事项）"
    assert got.ratio("first_time").text == "100.0%（1/1）"
    assert process([task(1)], {}, [replace(moved, before="no json", after="[]")], NOW).ratio("upheld").denominator == 1


def test_only_the_department() -> None:
    tasks = [task(1, clock("sign", 2, 1)), task(2, clock("sign", 2, 3), department="sthj")]
    assert process(tasks, {}, [], NOW, department="scjg").ratio("sign").text == "100.0%（1/1）"
    assert process(tasks, {}, [], NOW).ratio("sign").text == "50.0%（1/2）"


def test_first_response_is_median_and_p90() -> None:
    events = [event(n, answered=float(n)) for n in range(1, 11)] + [event(11)]
    assert first_response(events) == FirstResponse(answered=10, unanswered=1, median_hours=5.0, p90_hours=9.0)
    assert first_response([]).median_hours is None
    assert first_response([event(1, answered=-3)]).median_hours == 0


def figures(numerator: int, denominator: int, events: int) -> Process:
    row = Ratio(code="sign", name="x", numerator=numerator, denominator=denominator)
    nothing = FirstResponse(answered=0, unanswered=0, median_hours=None, p90_hours=None)
    return Process(events=events, tasks=denominator, ratios=(row,), first_response=nothing)


def test_no_ranking_below_ten_events() -> None:
    rows = ranking(
        {"a": figures(9, 10, 10), "b": figures(2, 2, 9), "c": figures(10, 10, 12), "d": figures(18, 20, 10)}, "sign"
    )
    assert [(r.department, r.place) for r in rows] == [("c", 1), ("a", 2), ("d", 2), ("b", None)]
    assert "少于 10 起" in rows[-1].note


def stream(level: float = 0.0, speed: float = 1.0, hours: int = 72, cut: int = 36, seed: int = 3) -> list[int]:
    random = np.random.default_rng(seed)
    t = np.arange(hours)
    after = t >= cut
    mean = 300 * 0.5 ** ((t + (speed - 1) * np.where(after, t - cut, 0)) / 18) * np.where(after, 1 + level, 1.0)
    return [int(v) for v in random.negative_binomial(40, 40 / (40 + mean))]


CUT = START + timedelta(hours=36)


def test_a_real_jump_is_seen_with_its_interval() -> None:
    found = judge(stream(level=-0.6), START, CUT)
    assert found.verdict == "明显回落"
    assert found.level_low is not None
    assert found.level_high is not None
    assert found.level_low < -0.6 < found.level_high
    assert "不能据此断定" in found.reasons[0]
    assert len(found.expected) == 36


def test_a_faster_decay_is_seen() -> None:
    found = judge(stream(speed=3.0), START, CUT)
    assert found.verdict == "回落加快"
    assert found.half_life_before is not None
    assert found.half_life_after is not None
    assert found.half_life_after < found.half_life_before / 2


def test_ordinary_fading_is_not_called_a_success() -> None:
    calls = [judge(stream(seed=n), START, CUT).verdict for n in range(40)]
    assert calls.count("未见明显变化") >= 34


@pytest.mark.parametrize(
    ("counts", "at", "more", "words"),
    [
        (stream(hours=40, cut=36), CUT, {}, "至少 12"),
        (stream(), START + timedelta(hours=5), {}, "至少 12"),
        ([], START, {}, "至少 12"),
        (stream(), START - timedelta(hours=50), {}, "至少 12"),
        (stream(), CUT, {"other_shocks": [CUT + timedelta(hours=5)]}, "另有回应"),
        (stream(), CUT, {"removed_share": 0.3}, "不可见"),
        ([5] * 34 + [400, 300] + [100] * 36, CUT, {}, "自然现象"),
    ],
)
def test_cannot_judge(counts: list[int], at: datetime, more: dict[str, object], words: str) -> None:
    found = judge(counts, START, at, **more)  # type: ignore[arg-type]
    assert found.verdict == "无法判断"
    assert words in found.text


def test_short_series_need_more_and_say_so() -> None:
    found = judge(stream(level=-0.8, hours=30, cut=15), START, START + timedelta(hours=15))
    assert found.placebo_rank is None
    assert any("仅供参考" in r for r in found.reasons)


def test_silence_on_both_sides_does_not_crash() -> None:
    assert judge([3] + [0] * 71, START, CUT).verdict in ("未见明显变化", "明显回落", "回落加快", "明显上升")


def test_negative_share() -> None:
    assert share_change(80, 100, 30, 100).text.startswith("负面占比 80% → 30%，下降")
    assert "变化不明显" in share_change(3, 4, 1, 3).text
    assert "无法判断" in share_change(0, 0, 1, 3).text


@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_share_interval_holds_the_difference(n: int, m: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    found = share_change(a, n, b, m)
    assert found.low is not None
    assert found.high is not None
    assert found.difference is not None
    assert -1.0001 <= found.low <= found.difference <= found.high <= 1.0001
