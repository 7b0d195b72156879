"""What the settings pages try out: the words under a hit are those of the matcher that assesses."""

from datetime import UTC, datetime

import pytest
from board_example import stored
from small_office import small_office

from app.trials import topic_test
from storage.query import QuerySyntaxError

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def test_a_rule_is_tried_with_its_words_and_its_look_alikes() -> None:
    rows = [
        stored("a", "食堂的饭菜变质了，孩子呕吐", NOW, topic="food-drug", department="scjg"),
        stored("b", "食堂食品安全应急演练", NOW, topic="food-drug", department="scjg"),
        stored("c", "路灯不亮", NOW, topic="tax", department="swj"),
    ]
    test = topic_test(small_office)
    hits = test("食堂 (变质 | 食品安全)", "演练", rows)
    assert set(hits) == {"a", "b"}
    assert set(hits["a"].words) == {"食堂", "变质"}
    assert hits["a"].incident
    assert not hits["b"].incident
    with pytest.raises(QuerySyntaxError):
        test("(食堂", "", rows)
