"""From documents to the facts of an event: pure functions between the stages.

(Document, Assessment, Assignment) → Member
members                            → Event (counts, times, majority topic and place)
event + assessments                → routing Facts
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.catalogue import BY_HAND
from alerts.routing import Facts
from analysis.events import Assignment
from analysis.flags import OF_A_TEXT
from analysis.places import best_place
from analysis.risk_tally import ADDRESSED
from storage.types import (
    Assessment,
    DepartmentGuess,
    Document,
    Event,
    Member,
    Office,
    StoredDocument,
    Task,
)

#: authority of a source that is not in sources.toml (imports, pushes), by kind of document
AUTHORITY: Mapping[str, float] = {
    "news": 0.6, "government": 0.6, "message": 0.3, "hotline": 0.3, "reply": 0.6, "forum": 0.4, "social": 0.4,
}  # fmt: skip
#: flags that make even a lone document an event that somebody must look at
NOTABLE_FLAGS = ("must.", "rumour", "casualty", "crowd")
#: kinds of document that are said to everybody and to nobody
TALK = ("social", "forum")
#: kinds that speak for the administration
OFFICIAL = ("government", "reply")
#: distinct voices from which on a machine's mark counts for the event, where they are a share of all as well ...
ENOUGH_VOICES = 3
ENOUGH_SHARE = 0.05
#: ... or however many others speak
MANY_VOICES = 20
#: 「听说」 alone is how people begin to talk of anything: hearsay must be what the event is about
HEARSAY_SHARE = 0.25
#: documents of a topic that make it the event's, as a share of all
SUBJECT_SHARE = 0.05


def stored_of(document: Document, assessment: Assessment, found: Assignment) -> StoredDocument:
    """The document as it is kept: masked, with its assessment, joined to its event."""
    return StoredDocument(
        document=replace(document, title=assessment.masked_title, text=assessment.masked_text),
        assessment=replace(assessment, masked_title="", masked_text=""),
        event=found.event,
        duplicate_of=found.duplicate_of,
    )


def member_of(
    document: Document, assessment: Assessment, found: Assignment, office: Office, received_at: datetime
) -> Member:
    """One document's part in its event.

    Speed is how fast people talk, not how late we looked: a document counts as seen when it was published, where that
    is known. It is only stored after it came in, so this never looks ahead.
    """
    place = best_place(assessment.places)
    topic = next((t.id for t in assessment.topics if t.incident), None)
    source = office.sources.get(document.source)
    return Member(
        event=found.event,
        document=document.id,
        at=document.at,
        seen_at=min(document.published_at or received_at, received_at),
        kind=document.kind,
        source=document.source,
        sentiment=assessment.sentiment.negative,
        negative=assessment.sentiment.label == "negative",
        author=document.author,
        area=place.id if place else None,
        topic=topic,
        duplicate_of=found.duplicate_of,
        likes=document.likes,
        comments=document.comments,
        reposts=document.reposts,
        reads=document.reads,
        flags=(*marks(assessment), *duty_mark(topic, assessment, office)),
        authority=source.authority if source else AUTHORITY.get(document.kind, 0.3),
        ours=place.ours if place else True,
        historic=document.historic,
    )


def marks(assessment: Assessment) -> Iterator[str]:
    """Codes of the flags that say something of the matter. What sort of text it is and in what mood stays with the
    document: the many complaints of an event make no complaint of it."""
    return (flag.code for flag in assessment.flags if not flag.code.startswith(OF_A_TEXT))


def duty_mark(topic: str | None, assessment: Assessment, office: Office) -> tuple[str, ...]:
    """The finer rule of the duty list that the document falls under, where that rule has a sensitivity of its own.

    As in `alerts.catalogue`, the rule is known by its clause in the reason of the likeliest department.
    """
    if topic is None or topic not in office.topics or not assessment.departments:
        return ()
    reason = assessment.departments[0].reason
    for number, rule in enumerate(office.topics[topic].rules):
        if rule.basis and rule.basis in reason:
            return (f"duty.{topic}.{number}",) if rule.sensitivity is not None else ()
    return ()


def notable(members: Sequence[Member], incident: bool) -> bool:
    """Whether these documents are a matter: more than one voice, or one that somebody must look at.

    One post to nobody that names no place of ours is talk: a department would be asked about a nightmare of a crash.
    A second voice makes it a matter, from the first one's moment on.

    incident: the newest document lies in a topic and is no look-alike.
    """
    if len(members) > 1:
        return True
    only = members[0]
    if only.kind in ADDRESSED:
        return True
    here = only.kind not in TALK or (only.area is not None and only.ours)
    return incident and ((only.negative and here) or any(flag.startswith(NOTABLE_FLAGS) for flag in only.flags))


def majority(values: Iterable[str | None]) -> str | None:
    """The commonest value, the smallest of equals; None where there is none."""
    counts = Counter(value for value in values if value)
    return min(counts, key=lambda value: (-counts[value], value), default=None)


def subject(counts: Mapping[str | None, int], first: Mapping[str | None, datetime]) -> str | None:
    """The event's topic: the commonest of those that are a share of its documents or that it began with.

    counts: topic → documents; first: topic → its earliest document. None stands for documents without a topic. A
    thread keeps the topic of its opening post; one stray document of many sets none.
    """
    total, start = sum(counts.values()), min(first.values(), default=None)
    known = [t for t, n in counts.items() if t and (n >= SUBJECT_SHARE * total or first[t] == start)]
    return min(known, key=lambda t: (-counts[t], t), default=None)


def kept_subject(topic: str | None, before: Event) -> str | None:
    """The topic with others' talk counted in. While an event has a level only another topic takes the place of its own:
    a level goes down step by step by its score (`alerts.levels`), never because what it was given for fell away."""
    return before.topic if topic is None and before.level else topic


def carried(flag: str, by: int, voices: int) -> bool:
    """Whether a machine's mark that so many of these voices carry counts for the event."""
    if flag == "rumour":
        return by >= ENOUGH_VOICES and by >= HEARSAY_SHARE * voices
    return by >= MANY_VOICES or (by >= ENOUGH_VOICES and by >= ENOUGH_SHARE * voices)


def summarise(
    before: Event | None, members: Sequence[Member], *, title: str, sample: bool, now: datetime, home: str = ""
) -> Event:
    """The event as its members now show it; what people decided stays. members: at least one.

    home: the office's own area; a place within it says more.
    """
    own = [m for m in members if m.kind != "reply"] or list(members)
    answers = answers_of(members)
    base = before or Event(
        id=members[0].event, title=title, first_at=own[0].at, last_at=own[0].at, detected_at=now, sample=sample
    )
    first: dict[str | None, datetime] = {}
    for m in own:
        first[m.topic] = min(m.at, first.get(m.topic, m.at))
    topic = kept_subject(subject(Counter(m.topic for m in own), first), base)
    return replace(
        base,
        title=title,
        # the statutory clocks start here: an older post that only resembles the matter must not start them
        first_at=first[topic] if topic in first else min(first.values()),
        last_at=max(m.at for m in members),
        topic=topic,
        area=majority(m.area for m in own if m.ours and m.area != home)
        or majority(m.area for m in own if m.ours)
        or majority(m.area for m in own),
        documents=len(members),
        negative=sum(m.negative for m in members),
        answered_at=min(answers, default=base.answered_at),
        status="open" if base.status == "quiet" and len(members) > base.documents else base.status,
        historic=all(m.historic for m in members),
    )


def answers_of(members: Sequence[Member]) -> list[datetime]:
    """When the administration spoke: official replies, and what it published itself after citizens had spoken."""
    asked = min((m.at for m in members if m.kind not in OFFICIAL), default=None)
    return [
        m.at for m in members if m.kind == "reply" or (m.kind == "government" and asked is not None and m.at > asked)
    ]


def held_flags(event: Event, members: Sequence[Member]) -> tuple[str, ...]:
    """Marks that hold for the event: set by a person, named by a floor, or seen by the machine on enough voices.

    One machine's mark on one post is a hint, not a fact that may move a matter to the police.
    """
    voices: dict[str, set[str]] = {}
    for m in members:
        for flag in m.flags:
            voices.setdefault(flag, set()).add(m.author or m.document)
    everybody = len({m.author or m.document for m in members})
    no_mark = ("duty.", *OF_A_TEXT)  # members written by older versions carry the latter as well
    seen = {flag for flag, who in voices.items() if not flag.startswith(no_mark) and carried(flag, len(who), everybody)}
    floors = (
        {r.code.removeprefix("floor.") for r in event.risk.reasons if r.code.startswith("floor.")}
        if event.risk
        else set()
    )
    return tuple(sorted({*event.flags, *seen, *floors}))


def ours(event: Event) -> bool:
    """Whether the office has anything to do about it: False where the risk says that the matter lies elsewhere."""
    return event.risk is None or all(reason.code != "cap.foreign" for reason in event.risk.reasons)


def is_matter(event: Event, members: Sequence[Member]) -> bool:
    """Whether there is anything to grade: an incident of a topic, a citizen who wrote to the government, or a mark
    that holds. A drill, an advertisement or the weather may be talked about a lot and is still nobody's task."""
    return (
        event.topic is not None
        or any(m.kind in ADDRESSED for m in members)
        or any(flag.startswith(NOTABLE_FLAGS) for flag in held_flags(event, members))
    )


def answered(task: Task, at: datetime | None) -> Task:
    """The task with its reply clocks met, where an authoritative answer is public already."""
    if at is None or all(d.met_at is not None for d in task.deadlines if d.step == "reply"):
        return task
    met = tuple(replace(d, met_at=at) if d.step == "reply" and d.met_at is None else d for d in task.deadlines)
    return replace(task, deadlines=met)


def pooled(guesses: Iterable[Sequence[DepartmentGuess]]) -> tuple[DepartmentGuess, ...]:
    """Mean probability of each department over several documents, highest first."""
    rows = list(guesses)
    total: dict[str, float] = {}
    why: dict[str, DepartmentGuess] = {}
    for row in rows:
        for guess in row:
            total[guess.id] = total.get(guess.id, 0.0) + guess.probability
            if guess.id not in why or guess.probability > why[guess.id].probability:
                why[guess.id] = guess
    pool = [replace(why[key], probability=value / len(rows)) for key, value in total.items()]
    return tuple(sorted(pool, key=lambda guess: (-guess.probability, guess.id)))


def decided(rows: Iterable[StoredDocument]) -> tuple[str, ...]:
    """The department that people corrected the documents to; of several the commonest. Empty where nobody did."""
    words = (row.assessment.departments[:1] for row in rows)
    chosen = majority(guess.id for guesses in words for guess in guesses if guess.reason == BY_HAND)
    return (chosen,) if chosen else ()


def routing_facts(event: Event, members: Sequence[Member], documents: Sequence[StoredDocument]) -> Facts:
    """What the routing list may look at."""
    return Facts(
        event=event.id,
        level=event.level,
        topic=event.topic,
        area=event.area,
        departments=pooled(row.assessment.departments for row in documents),
        decided=decided(documents),
        kinds=tuple(sorted({m.kind for m in members})),
        flags=held_flags(event, members),
        incident_grade=event.incident_grade,
        text_kind=majority(row.assessment.text_kind for row in documents) or "other",
    )
