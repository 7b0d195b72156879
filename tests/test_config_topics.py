"""The delivered topic rules on the sample town, against `app/sample/truth.toml`, by plain substrings."""

import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.sample.timeline import Item, incidents, timeline
from storage.query import matches, parse

TOPICS = tomllib.loads((Path(__file__).parents[1] / "config" / "topics.toml").read_text(encoding="utf-8"))["topics"]
ITEMS = timeline(datetime(2026, 11, 24, 2, 30, tzinfo=UTC))
#: share of an incident's texts that reach its own topic; floors ("四年级的没事") say too little to be placed
FLOOR = 0.72


def holds(rule: str, item: Item) -> bool:
    return bool(rule) and matches(parse(rule), f"{item.title}\n{item.text}")


def topic_of(item: Item) -> dict[str, Any] | None:
    """The first topic, in the order of the file, that the text is an incident of."""
    for topic in TOPICS:
        if holds(topic["rule"], item) and not holds(topic.get("exclude", ""), item):
            return dict(topic)
    return None


def lead_of(topic: dict[str, Any], item: Item) -> str:
    rules = (rule["departments"] for rule in topic.get("rules", ()) if holds(rule["when"], item))
    return str(next(rules, topic["departments"])[0])


@pytest.mark.parametrize("incident", sorted(incidents()))
def test_an_incident_reaches_its_topic_and_its_department(incident: str) -> None:
    expected = incidents()[incident]
    found = [(topic, item) for item in ITEMS if item.incident == incident if (topic := topic_of(item))]
    assert Counter(topic["id"] for topic, _ in found).most_common(1)[0][0] == expected["topic"]
    own = [lead_of(topic, item) for topic, item in found if topic["id"] == expected["topic"]]
    assert Counter(own).most_common(1)[0][0] == expected["lead"]


def test_most_texts_of_the_incidents_are_recognised() -> None:
    told = [item for item in ITEMS if item.incident]
    right = [item for item in told if (t := topic_of(item)) and t["id"] == incidents()[str(item.incident)]["topic"]]
    assert len(right) / len(told) >= FLOOR, len(right) / len(told)


def test_look_alikes_raise_no_incident() -> None:
    foreign = ("深圳", "宁波", "杭州", "电影")  # the topic is right; the place says that it is not ours
    for item in ITEMS:
        if item.id.startswith("lookalike-") and not any(word in item.text for word in foreign):
            assert topic_of(item) is None, (item.id, item.text)
