"""What `app.facts` and `app.grading` read off all members of an event, kept as they come."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from analysis.risk_tally import ADDRESSED, Tally, micros
from app.facts import NOTABLE_FLAGS, OFFICIAL, carried, kept_subject, notable, subject
from storage.types import Event, Level, Member, Office, Reason


@dataclass(slots=True)
class Facts:
    """What `app.facts.summarise` reads off all members, kept as they come."""

    topics: Counter[str | None] = field(default_factory=Counter)
    first: dict[str | None, datetime] = field(default_factory=dict)  #: topic → its earliest document
    last: datetime | None = None
    asked: datetime | None = None  #: when a citizen first spoke
    replies: list[datetime] = field(default_factory=list)
    notices: list[datetime] = field(default_factory=list)  #: what the administration published itself
    voices: dict[str, set[str]] = field(default_factory=dict)  #: flag → who carries it, spread included
    everybody: set[str] = field(default_factory=set)
    addressed: bool = False
    historic: bool = True
    _replied: bool = False  # only replies so far: they stand for the matter

    def add(self, member: Member) -> None:
        at, kind, who = member.at, member.kind, member.author or member.document
        if self.last is None or at > self.last:
            self.last = at
        self.historic = self.historic and member.historic
        self.addressed = self.addressed or kind in ADDRESSED
        self.everybody.add(who)
        for flag in member.flags:
            self.voices.setdefault(flag, set()).add(who)
        if kind == "reply":
            self.replies.append(at)
        elif kind == "government":
            self.notices.append(at)
        if kind not in OFFICIAL and (self.asked is None or at < self.asked):
            self.asked = at
        self._subject(member)

    def _subject(self, member: Member) -> None:
        if member.kind == "reply" and self.first and not self._replied:
            return
        if member.kind != "reply" and (self._replied or not self.first):
            self.topics.clear()
            self.first.clear()
            self._replied = False
        elif member.kind == "reply":
            self._replied = True
        topic = member.topic
        self.topics[topic] = self.topics.get(topic, 0) + 1
        before = self.first.get(topic)
        if before is None or member.at < before:
            self.first[topic] = member.at

    @property
    def topic(self) -> str | None:
        if len(self.topics) == 1:
            return next(iter(self.topics))
        return subject(self.topics, self.first)

    @property
    def answered(self) -> datetime | None:
        if not self.replies and not self.notices:
            return None
        spoken = [at for at in self.notices if self.asked is not None and at > self.asked]
        return min([*self.replies, *spoken], default=None)

    def marked(self) -> bool:
        """Whether a mark that somebody must look at is carried by enough voices."""
        voices = len(self.everybody)
        return any(f.startswith(NOTABLE_FLAGS) and carried(f, len(who), voices) for f, who in self.voices.items())


@dataclass(slots=True)
class Known:
    """One event as far as it has come in: its fields that deciding reads, and the tally that the score reads."""

    office: Office
    id: str
    event: Event | None = None
    facts: Facts = field(default_factory=Facts)
    tally: Tally = field(init=False)
    held: dict[str, Member] = field(default_factory=dict)
    stamps: list[int] = field(default_factory=list)  #: of what is tallied, in order of arrival
    heats: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tally = Tally(self.office.risk.source_factor)

    def take(
        self, members: Sequence[Member], now: datetime, *, incident: bool, previous: str | None, level: Level = 0
    ) -> bool:
        """Documents that came in together; False while they are no event. incident: the last one lies in a topic;
        level: what the event has by now."""
        for member in members:
            self._enter(member)
        if self.event is None and not notable(list(self.held.values())[:2], incident):
            return False
        self._describe(now, previous, level)
        return True

    def _enter(self, member: Member) -> None:
        again = member.document in self.held
        self.held[member.document] = member
        if again:  # the same document with other figures: tally afresh
            self.facts, self.tally, self.stamps, self.heats = Facts(), Tally(self.office.risk.source_factor), [], []
        for one in self.held.values() if again else (member,):
            self.facts.add(one)
            if not one.historic:
                stamp = micros(one.seen_at)
                self.stamps.append(stamp)
                self.heats.append(self.tally.add(one, stamp))

    def _describe(self, now: datetime, previous: str | None, level: Level) -> None:
        """Fill in the fields of the event that deciding reads, as `app.facts.summarise` and `app.grading` fill them."""
        facts, topic, before = self.facts, self.facts.topic, self.event
        if topic is None and before is not None and before.topic is not None:
            topic = kept_subject(topic, replace(before, level=level))
        first = facts.first[topic] if topic in facts.first else min(facts.first.values())
        if before is None:
            before = Event(id=self.id, title="", first_at=first, last_at=first, detected_at=now)
        answered = facts.answered or before.answered_at
        known = (before.topic, before.first_at, before.answered_at, before.historic, before.previous)
        if self.event is None or known != (topic, first, answered, facts.historic, before.previous or previous):
            before = replace(
                before, topic=topic, first_at=first, answered_at=answered, historic=facts.historic,
                previous=before.previous or previous,
            )  # fmt: skip
        self.event = before

    def plain(self) -> bool:
        """Whether there is nothing to grade, whatever the score: no topic, no mark, nothing addressed to anybody."""
        facts = self.facts
        return (self.event is None or self.event.topic is None) and not facts.addressed and not facts.voices

    def is_matter(self, floors: Iterable[Reason]) -> bool:
        """As `app.facts.is_matter`. floors: reasons of the risk."""
        if self.event is not None and (self.event.topic is not None or self.facts.addressed):
            return True
        marked = any(r.code.startswith(_NOTABLE_FLOORS) for r in floors)
        return marked or self.facts.marked()


_NOTABLE_FLOORS = tuple(f"floor.{flag}" for flag in NOTABLE_FLAGS)
