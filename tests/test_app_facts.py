"""Marks and topics that a few of many documents carry: when they are the event's, and when they are noise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from small_office import small_office

from analysis.events import Assignment
from analysis.risk import score
from app.facts import carried, held_flags, is_matter, member_of, subject, summarise
from app.replay_facts import Facts
from storage.types import (
    Assessment,
    DepartmentGuess,
    Document,
    DutyRule,
    Event,
    Flag,
    Member,
    Sentiment,
    TopicHit,
)

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def posts(marked: int, others: int, *flags: str, topic: str | None = None) -> list[Member]:
    """Posts of so many different people, those with a mark (and topic) after a quarter of the others."""
    rows = []
    for n in range(marked + others):
        at = NOW + timedelta(minutes=n)
        mine = others // 4 <= n < others // 4 + marked
        rows.append(
            Member(
                event="e", document=f"d{n}", author=f"a{n}", at=at, seen_at=at, kind="social", source="s",
                sentiment=0.3, negative=False, topic=topic if mine else None, flags=flags if mine else (),
            )
        )  # fmt: skip
    return rows


def event(members: list[Member]) -> Event:
    return summarise(None, members, title="t", sample=False, now=members[-1].at)


def test_hearsay_of_a_few_among_many_is_not_what_an_event_is_about() -> None:
    for marked, others, held in ((3, 5, True), (2, 0, False), (15, 160, False), (60, 100, True)):
        members = posts(marked, others, "rumour")
        assert ("rumour" in held_flags(event(members), members)) is held, (marked, others)
        assert is_matter(event(members), members) is held
    assert carried("must.emergency", 3, 60)
    assert not carried("must.emergency", 3, 61)
    assert carried("casualty", 20, 5000), "twenty people who speak of injured ones are enough in any crowd"


def test_a_floor_needs_a_share_of_the_voices_too() -> None:
    office = small_office()
    assert "must.moral" in office.risk.floors
    for marked, others, held in ((3, 20, True), (3, 200, False), (20, 2000, True)):
        members = posts(marked, others, "must.moral")
        risk = score(event(members), members, office, members[-1].at)
        assert (risk.floor is not None) is held, (marked, others)


def test_one_stray_document_does_not_set_the_topic_but_the_opening_post_does() -> None:
    assert event(posts(1, 60, topic="education")).topic is None
    assert event(posts(4, 60, topic="education")).topic == "education"
    thread = posts(1, 60, topic="education")
    opened = [*sorted(thread, key=lambda m: m.topic is None)]
    first = min(m.at for m in thread) - timedelta(minutes=1)
    opened[0] = Member(
        event="e", document="o", at=first, seen_at=first, kind="forum", source="s", sentiment=0.3, negative=True,
        topic="education",
    )  # fmt: skip
    assert event(opened).topic == "education"
    assert subject({}, {}) is None


def test_an_event_with_a_level_keeps_its_topic_when_others_talk_it_down() -> None:
    office, members = small_office(), posts(4, 300, topic="education")
    assert event(members).topic is None
    graded = replace(event(posts(4, 60, topic="education")), level=2)
    for before, kept in ((graded, "education"), (replace(graded, level=0), None), (replace(graded, topic=None), None)):
        now = summarise(before, members, title="t", sample=False, now=members[-1].at)
        assert now.topic == kept
        x = next(f.x for f in score(now, members, office, members[-1].at).factors if f.code == "S")
        assert x == (office.topics["education"].sensitivity if kept else None)
    taken_over = [replace(m, topic=m.topic or "tax") for m in members]
    assert summarise(graded, taken_over, title="t", sample=False, now=NOW).topic == "tax"


def test_a_finer_rule_of_the_duty_list_has_a_sensitivity_of_its_own() -> None:
    office = small_office()
    topic = office.topics["education"]
    rule = DutyRule(when="食堂", departments=topic.departments, basis="派单目录 2.9 校园食堂", sensitivity=1.0)
    office = replace(office, topics={**office.topics, "education": replace(topic, rules=(rule,))})
    mood = Sentiment(label="neutral", negative=0.2, neutral=0.7, positive=0.1)
    document = Document(id="d", text="t", kind="social", source="s", fetched_at=NOW)
    for reason, expected in (("派单目录 2.9 校园食堂：食堂", 1.0), ("职责含「学校」", topic.sensitivity)):
        guess = DepartmentGuess(id=topic.departments[0], probability=0.9, reason=reason)
        seen = Assessment(id="d", sentiment=mood, topics=(TopicHit(id="education", words=()),), departments=(guess,))
        member = member_of(document, seen, Assignment(document="d", event="e", alone=True), office, NOW)
        risk = score(event([member]), [member], office, NOW)
        assert next(f.x for f in risk.factors if f.code == "S") == expected
        assert held_flags(event([member]), [member]) == ()


def test_the_sort_of_a_text_and_its_mood_are_no_marks_of_the_matter() -> None:
    mood = Sentiment(label="negative", negative=0.8, neutral=0.1, positive=0.1)
    marked = ("kind.complaint", "mood.anger", "must.vital", "rumour", "casualty", "crowd", "advertisement")
    seen = Assessment(id="d", sentiment=mood, flags=tuple(Flag(code=code, text="", words=()) for code in marked))
    document = Document(id="d", text="t", kind="social", source="s", fetched_at=NOW)
    member = member_of(document, seen, Assignment(document="d", event="e", alone=True), small_office(), NOW)
    assert member.flags == marked[2:]
    before = posts(4, 2, *marked)  # as an older version wrote them
    assert held_flags(event(before), before) == tuple(sorted(marked[2:]))
    facts = Facts()
    facts.add(member)
    assert set(facts.voices) == set(marked[2:])


def test_the_replay_counts_the_same() -> None:
    for members in (posts(1, 60, "rumour", topic="education"), posts(9, 20, "must.vital", topic="education")):
        facts = Facts()
        for member in members:
            facts.add(member)
        assert facts.topic == event(members).topic
        assert facts.marked() == ("must.vital" in held_flags(event(members), members))
