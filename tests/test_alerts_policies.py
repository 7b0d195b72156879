"""Three parts at once, thirty days to be heard, and a 预案 that fires."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from scenario import moment
from small_office import small_office

from alerts.policies import (
    Part,
    Policy,
    Trigger,
    consultation_problems,
    evaluation_due,
    fired,
    foreseen,
    in_step,
    release_problems,
)
from storage.types import Event

OFFICE = small_office()
NOW = moment("2025-09-25 10:00")
APPROVED = Part(approved_at=NOW, published_at=NOW)
POLICY = Policy(
    id="p1",
    title="小学学区调整办法",
    department="jyj",
    interpreter="教育局局长",
    parts={"document": APPROVED, "plan": APPROVED, "material": APPROVED},
    released_at=NOW,
    topics=("education",),
    triggers=(
        Trigger(code="1", text="发布学区划分说明", min_documents=50, min_negative_share=0.5),
        Trigger(code="2", text="第一解读人发声", min_level=3),
        Trigger(code="3", text="澄清口径", flags=("rumour",)),
        Trigger(code="4", text="没有条件的不触发"),
    ),
)
EVENT = Event(id="e", title="x", first_at=NOW, last_at=NOW, detected_at=NOW, topic="education", level=2)


def test_release_waits_for_all_three() -> None:
    assert release_problems(POLICY) == []
    bare = replace(POLICY, parts={"document": APPROVED}, interpreter="")
    assert release_problems(bare) == ["解读方案、解读材料尚未审签，三件应同步审签、同步发布", "尚未确定第一解读人"]


def with_material(published: str | None) -> Policy:
    part = Part(approved_at=NOW, published_at=moment(published) if published else None)
    return replace(POLICY, parts={**POLICY.parts, "material": part})


@pytest.mark.parametrize(
    ("published", "now", "good", "words"),
    [
        ("2025-09-25 23:59", "2025-09-30 10:00", True, "同步"),
        ("2025-09-26 12:00", "2025-09-30 10:00", False, "解读材料晚发布 1天2小时"),
        (None, "2025-09-25 20:00", True, "同步"),
        (None, "2025-09-26 10:00", False, "解读材料尚未发布，已晚 1天"),
    ],
)
def test_in_step(published: str | None, now: str, good: bool, words: str) -> None:
    found, text = in_step(with_material(published), moment(now))
    assert (found, words in text) == (good, True)
    assert in_step(replace(POLICY, parts={}), NOW) == (None, "文件尚未发布")


@pytest.mark.parametrize(
    ("end", "reason", "decided", "words"),
    [
        (date(2025, 9, 30), "", None, None),
        (date(2025, 9, 29), "", None, "29 日"),
        (date(2025, 9, 10), "汛期紧急", None, None),
        (date(2025, 8, 31), "", None, "早于"),
        (date(2025, 9, 30), "", date(2025, 9, 30), "尚未截止"),
    ],
)
def test_thirty_days(end: date, reason: str, decided: date | None, words: str | None) -> None:
    problems = consultation_problems(date(2025, 9, 1), end, reason, decided)
    assert [words in p for p in problems if words] == ([True] if words else [])
    assert bool(problems) is bool(words)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, []),
        ({"documents": 60, "negative": 30}, ["1"]),
        ({"documents": 60, "negative": 29}, []),
        ({"level": 3}, ["2"]),
        ({"level": 3, "flags": ("rumour",)}, ["2", "3"]),
        ({"level": 3, "topic": "tax"}, []),
        ({"level": 3, "historic": True}, []),
    ],
)
def test_triggers(change: dict[str, object], codes: list[str]) -> None:
    found = fired(POLICY, replace(EVENT, **change), NOW + timedelta(days=3))  # type: ignore[arg-type]
    assert [r.code.rsplit(".", 1)[1] for r in found] == codes


def test_triggers_live_only_in_the_watch_period() -> None:
    hot = replace(EVENT, level=4)
    assert fired(POLICY, hot, NOW - timedelta(seconds=1)) == []
    assert fired(POLICY, hot, NOW + timedelta(days=30)) == []
    assert fired(replace(POLICY, released_at=None), hot, NOW) == []


def test_foreseen_level() -> None:
    past = [replace(EVENT, id=f"e{n}", level=level) for n, level in enumerate((4, 3, 3, 1, 1, 1, 1, 0))]
    level, reasons = foreseen(POLICY, past, OFFICE)
    assert (level, reasons[0].code) == (3, "policy.similar")
    assert foreseen(POLICY, [], OFFICE)[0] == 2  # education is sensitive in this office
    level, reasons = foreseen(replace(POLICY, topics=()), [], OFFICE)
    assert (level, reasons[0].code) == (0, "policy.unknown")


def test_many_opinions_suggest_an_evaluation() -> None:
    found = evaluation_due(POLICY, 214, NOW + timedelta(days=10))
    assert found is not None
    assert "214" in found.text
    assert evaluation_due(POLICY, 49, NOW + timedelta(days=10)) is None
    assert evaluation_due(replace(POLICY, released_at=None), 500, NOW) is None
