"""Phrases that rise: counted in documents, never those that merely stay."""

from analysis.phrases import Rising, addition, rising
from storage.query import parse as parsed
from storage.query import words

BEFORE = [["电动", "汽车", "补贴"]] * 30
NOW = [["电动", "汽车", "充电", "冒烟"]] * 10 + BEFORE[:5]


def test_rising_phrases_are_proposed_with_their_counts() -> None:
    found = {row.phrase: row for row in rising(NOW, BEFORE)}
    assert (found["充电冒烟"].now, found["充电冒烟"].before) == (10, 0)
    assert "电动汽车" not in found


def test_nothing_new_nothing_proposed() -> None:
    assert rising([], BEFORE) == []
    assert rising(BEFORE[:20], BEFORE) == []
    assert rising([["充电", "冒烟"]] * 2, BEFORE) == []


def test_the_addition_is_a_rule_that_can_be_read() -> None:
    rows = [Rising("充电冒烟", 20.0, 10, 0), Rising("尾水-直排", 11.0, 3, 0)]
    assert addition(rows) == '| 充电冒烟 | "尾水-直排"'
    assert list(words(parsed("污水 " + addition(rows)))) == ["污水", "充电冒烟", "尾水-直排"]
    assert addition([]) == ""
