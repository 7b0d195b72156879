"""A registered policy in the pipeline: talk about it goes to who drafted it, and its plan is live after the release."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from simulated import Town, user
from small_office import small_office

from alerts.foresight import about, at_least, plan_fired, unready
from alerts.policies import Consultation, Policy, Trigger, unheard
from dashboards.policies import change, linked, policies, register
from storage.types import Event, Risk

VOICES = (
    "停车收费新办法太不合理，北苑街道路边停一晚要三十块，强烈反对",
    "道路停车收费涨价一倍，没有听证，凭什么，北苑居民都很愤怒",
    "停车收费标准乱，投诉没人管，北苑街道的车主很失望",
)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    opened = Town.open(tmp_path, "2026-11-24 09:00", small_office())
    yield opened
    opened.close()


def policy(town: Town, *, released: bool) -> Policy:
    draft = Policy(
        id="",
        title="道路停车收费办法",
        department="jyj",
        rule="停车收费 - 招聘",
        triggers=(Trigger(code="1", text="公布收费依据", min_documents=3, floor=3),),
    )
    with town.ledger.begin() as tx:
        made = register(tx, draft, user("chief", "lead", "jyj"), town.now)
        if released:
            made = change(tx, replace(made, released_at=town.now), "policy.release", user("o", "officer"), town.now)
    return made


def talk(town: Town) -> Event:
    town.at("09:10")
    posts = [town.say(n, VOICES[n % 3] + "！" * (n // 3), reposts=50, comments=40, kind="social") for n in range(12)]
    town.post(*posts)
    town.at("09:20")
    found = sorted(town.events(), key=lambda e: -e.documents)
    assert found, "the talk is an event"
    return found[0]


def test_talk_about_a_draft_goes_to_who_drafted_it(town: Town) -> None:
    made = policy(town, released=False)
    event = talk(town)
    with town.ledger.read() as tx:
        assert event.id in linked(tx, made.id)
    for task in (t for t in town.tasks() if t.event == event.id and t.role == "lead"):
        assert (task.department, task.rule) == ("jyj", "R7")
        assert any("政策文件" in reason.text for reason in task.reasons)
    with town.ledger.read() as tx:
        assert not [r for r in tx.outbox.find(size=500) if r.reason == "PLAN"], "no plan before the release"


def test_the_plan_is_live_after_the_release(town: Town) -> None:
    made = policy(town, released=True)
    event = talk(town)
    assert event.level >= 3, "the plan says: at least orange"
    assert event.risk is not None
    assert any(reason.code == f"plan.{made.id}.1" for reason in event.risk.reasons)
    lead = next(t for t in town.tasks() if t.event == event.id and t.role == "lead")
    assert (lead.department, lead.rule) == ("jyj", "R7")
    with town.ledger.read() as tx:
        told = [(r.recipient, r.subject) for r in tx.outbox.find(size=500) if r.reason == "PLAN"]
    assert sorted({who for who, _ in told}) == ["duty-officer", "jyj"]
    assert len(told) == len(set(told)), "each once, however often the event is graded"


def test_without_a_policy_nothing_changes(town: Town) -> None:
    event = talk(town)
    assert all(t.rule != "R7" for t in town.tasks() if t.event == event.id)


def test_the_pure_parts(town: Town) -> None:
    made = policy(town, released=True)
    office = small_office()
    event = Event(id="e", title="x", first_at=town.now, last_at=town.now, detected_at=town.now, documents=5)
    risk = Risk(score=10, factors=())
    assert at_least(risk, made, event, office, town.now).floor == 3
    assert at_least(risk, made, replace(event, documents=2), office, town.now) is risk
    assert len(plan_fired(made, event, office, town.now)) == 2
    assert plan_fired(made, replace(event, historic=True), office, town.now) == []
    assert about([made], ["路边停车收费太高"]) == made
    assert about([made], ["停车收费员招聘"]) is None
    assert about([replace(made, withdrawn_at=town.now)], ["停车收费"]) is None
    assert "尚未做舆情风险评估" in unready(made, None, town.now.date())
    with town.ledger.read() as tx:
        assert policies(tx) == [made]


def test_a_release_waits_for_the_end_of_the_consultation() -> None:
    row = Consultation(begin="2026-11-01", end="2026-11-30", link="https://gov.invalid/draft")
    counted = replace(row, opinions=12, adopted=3, uptake="采纳三条")
    assert unheard(None, date(2026, 12, 1)) == ["尚未登记征求意见情况（或不征求意见的理由）"]
    assert unheard(counted, date(2026, 11, 30)) == ["征求意见尚未截止即作出决定"]
    assert unheard(counted, date(2026, 12, 1)) == []
    assert unheard(row, date(2026, 12, 1)) == ["尚未登记收到的意见数和采纳情况"]
    assert "29 日" in unheard(replace(counted, end="2026-11-29"), date(2026, 12, 1))[0]
    assert unheard(replace(counted, end="2026-11-29", short_reason="汛期应急"), date(2026, 12, 1)) == []
    assert unheard(replace(row, exempt="依法需要保密"), date(2026, 11, 2)) == []
