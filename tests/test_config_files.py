"""The files of the delivered office: each table has the shape of its type, and every id that is named exists."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from alerts.lint import lint
from app.config.load import load
from storage.query import parse
from storage.types import (
    CalendarDay,
    Department,
    LevelRule,
    LimitRule,
    Place,
    Recipient,
    RiskSettings,
    Route,
    Source,
    Topic,
)

CONFIG = Path(__file__).parents[1] / "config"
SEED = "减税降费 金融安全 生态环境 教育改革 食品药品 卫生健康 养老服务 安全生产 市场监管 社会保障"
TOWNS = "稠城 北苑 稠江 江东 后宅 城西 廿三里 福田 佛堂 赤岸 义亭 上溪 苏溪 大陈"
PLACE_TYPES = {"city", "town", "village", "road", "school", "hospital", "market", "company", "river", "scenic", "other"}


def table(name: str) -> dict[str, Any]:
    return tomllib.loads((CONFIG / name).read_text(encoding="utf-8"))


def rows(kind: Any, name: str, key: str) -> dict[str, Any]:
    read = TypeAdapter(tuple[kind, ...]).validate_python(tuple(table(name)[key]))
    found = {row.id: row for row in read}
    assert len(found) == len(read), f"{name}: an id is used twice"
    return found


OFFICE = table("office.toml")
LEVELS = rows(LevelRule, "office.toml", "levels")
LIMITS = rows(LimitRule, "office.toml", "limits")
RECIPIENTS = rows(Recipient, "office.toml", "recipients")
DEPARTMENTS = rows(Department, "departments.toml", "departments")
TOPICS = rows(Topic, "topics.toml", "topics")
PLACES = rows(Place, "places.toml", "places")
ROUTES = rows(Route, "routing.toml", "routes")
SOURCES = rows(Source, "sources.toml", "sources")


def test_levels_rise_and_their_posts_exist() -> None:
    thresholds = [level.threshold for level in LEVELS.values()]
    assert thresholds == sorted(thresholds)
    assert len(set(thresholds)) == len(thresholds)
    for level in LEVELS.values():
        assert {post for _, post in level.escalation} <= set(RECIPIENTS), level.id
    assert OFFICE["office"]["duty_post"] in RECIPIENTS


def test_risk_weights_sum_to_one_and_floors_name_levels() -> None:
    risk = TypeAdapter(RiskSettings).validate_python(OFFICE["risk"])
    assert sum(risk.weights.values()) == pytest.approx(1.0)
    assert set(risk.floors.values()) | set(risk.caps.values()) <= set(LEVELS)


def test_limits_carry_their_document_and_one_clock() -> None:
    assert {limit.kind for limit in LIMITS.values()} == {"statutory", "local", "internal"}
    for limit in LIMITS.values():
        assert limit.basis, limit.id
        assert (limit.hours is None) != (limit.workdays is None), limit.id
        assert limit.level_from is None or limit.level_from in LEVELS
    assert "80号" in LIMITS["authoritative-5h"].basis
    assert "61号" in LIMITS["press-24h"].basis


def test_departments_know_their_superiors_places_and_channels() -> None:
    channels: Mapping[str, object] = OFFICE["channels"]
    names: dict[str, str] = {}
    for unit in DEPARTMENTS.values():
        assert unit.superior is None or unit.superior in DEPARTMENTS, unit.id
        assert (unit.type == "town") == (unit.area is not None), unit.id
        assert unit.area is None or unit.area in PLACES, unit.id
        assert unit.channels, unit.id
        assert set(unit.channels) <= set(channels), unit.id
        for name in {unit.name, unit.short, *unit.aliases} - {""}:
            assert names.setdefault(name, unit.id) == unit.id, f"{name} names two units"
    assert {d.short.rstrip("街道镇") for d in DEPARTMENTS.values() if d.type == "town"} == set(TOWNS.split())


def test_topics_name_departments_and_the_ten_of_the_plan_are_there() -> None:
    assert {topic.name for topic in TOPICS.values() if topic.seed} == set(SEED.split())
    for topic in TOPICS.values():
        named = {d for rule in topic.rules for d in rule.departments} | set(topic.departments)
        assert named <= set(DEPARTMENTS), (topic.id, named - set(DEPARTMENTS))
        assert topic.departments, topic.id
        assert bool(topic.exclude) == bool(topic.exclude_reason), topic.id
        assert all(rule.basis for rule in topic.rules), topic.id


def test_every_rule_can_be_read() -> None:
    for topic in TOPICS.values():
        for text in (topic.rule, topic.exclude, *(rule.when for rule in topic.rules)):
            assert not text or parse(text)


def test_places_have_known_types_and_parents() -> None:
    words: dict[str, str] = {}
    for place in PLACES.values():
        assert place.type in PLACE_TYPES, place.id
        assert place.parent is None or place.parent in PLACES, place.id
        for word in {place.name, *place.aliases}:
            assert words.setdefault(word, place.id) == place.id, f"{word} names two places"
    assert len(PLACES) >= 60
    assert OFFICE["office"]["home"] in PLACES


def test_routes_name_what_exists_and_the_last_takes_everything() -> None:
    for route in ROUTES.values():
        units = {route.lead or "@catalogue", *route.support, *route.copies} - {"@catalogue", "@place"}
        assert units <= set(DEPARTMENTS), route.id
        match = route.match
        assert set(match.topics) <= set(TOPICS), route.id
        assert set(match.departments) <= set(DEPARTMENTS), route.id
        assert set(match.areas) <= set(PLACES), route.id
        assert {match.level_from, match.level_to} - {None} <= set(LEVELS), route.id
        assert route.lead or route.go_on, route.id
    last = list(ROUTES.values())[-1]
    assert last.match == TypeAdapter(Route).validate_python({"id": "x"}).match
    assert last.lead
    assert not last.go_on
    assert {route.rule for route in ROUTES.values()} == {f"R{n}" for n in range(1, 9)}


def test_only_the_sample_town_is_switched_on() -> None:
    for source in SOURCES.values():
        assert source.note, source.id
        if source.sample:
            assert source.enabled, source.id
            assert source.private, source.id
            assert source.url.startswith("http://127.0.0.1:{sample_port}/"), source.id
        else:
            assert not source.enabled, source.id


def test_the_loader_takes_it_all() -> None:
    office = load(CONFIG, variables={"sample_port": "9"}).office
    assert office.sources["sample-news"].url == "http://127.0.0.1:9/news/"
    assert len(office.departments) == len(DEPARTMENTS)
    assert lint(office) == []


@pytest.mark.parametrize("year", [2026, 2027])
def test_calendar_days_lie_in_their_year(year: int) -> None:
    days = TypeAdapter(tuple[CalendarDay, ...]).validate_python(tuple(table(f"calendar/{year}.toml")["days"]))
    assert all(day.day.year == year for day in days)
