"""The delivered configuration on made-up matters of the ten concerns: topic and leading department of each event."""

import tomllib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from alerts.routing import route
from analysis.assess import Assessor
from analysis.events import Assignment
from app.console import read_config
from app.facts import member_of, routing_facts, stored_of, summarise
from storage.types import Assessment, Document

HERE = Path(__file__).parent
MATTERS = tomllib.loads((HERE / "labelled" / "matters.toml").read_text(encoding="utf-8"))["matters"]
OFFICE = read_config(HERE.parent / "config").office
ASSESSOR = Assessor(OFFICE)
START = datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=8)))


def event_of(texts: list[str]) -> tuple[str | None, str]:
    """Topic and leading department of an event of these posts, by different people one after the other."""
    documents = [
        Document(id=f"d{n}", text=text, kind="social", source="w", author=f"a{n}", published_at=START + n * STEP,
                 fetched_at=START + n * STEP)
        for n, text in enumerate(texts)
    ]  # fmt: skip
    members, stored = [], []
    for document, seen in zip(documents, ASSESSOR.assess(documents), strict=True):
        assert isinstance(seen, Assessment)
        found = Assignment(document=document.id, event="e", alone=False)
        members.append(member_of(document, seen, found, OFFICE, document.fetched_at))
        stored.append(stored_of(document, seen, found))
    event = summarise(None, members, title="", sample=False, now=START + timedelta(hours=2))
    return event.topic, route(routing_facts(event, members, stored), OFFICE).lead


STEP = timedelta(minutes=9)


@pytest.mark.parametrize("matter", MATTERS, ids=[m["name"] for m in MATTERS])
def test_a_matter_reaches_its_topic_and_its_department(matter: dict[str, Any]) -> None:
    topic, lead = event_of(matter["texts"])
    assert topic in matter["topics"]
    assert lead in matter["leads"]


def test_the_matters_name_what_the_configuration_knows() -> None:
    assert {t for m in MATTERS for t in m["topics"]} <= OFFICE.topics.keys()
    assert {d for m in MATTERS for d in m["leads"]} <= OFFICE.departments.keys()
