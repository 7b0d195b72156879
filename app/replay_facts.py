"""What `app.facts` reads off all members of an event, kept as they come."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from app.facts import ADDRESSED, NOTABLE_FLAGS, OFFICIAL, carried, subject
from storage.types import Member


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
        self.last = member.at if self.last is None else max(self.last, member.at)
        self.historic = self.historic and member.historic
        self.addressed = self.addressed or member.kind in ADDRESSED
        self.everybody.add(member.author or member.document)
        for flag in member.flags:
            self.voices.setdefault(flag, set()).add(member.author or member.document)
        if member.kind == "reply":
            self.replies.append(member.at)
        elif member.kind == "government":
            self.notices.append(member.at)
        if member.kind not in OFFICIAL:
            self.asked = member.at if self.asked is None else min(self.asked, member.at)
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
        self.topics[member.topic] += 1
        self.first[member.topic] = min(member.at, self.first.get(member.topic, member.at))

    @property
    def topic(self) -> str | None:
        return subject(self.topics, self.first)

    @property
    def answered(self) -> datetime | None:
        spoken = [at for at in self.notices if self.asked is not None and at > self.asked]
        return min([*self.replies, *spoken], default=None)

    def marked(self) -> bool:
        """Whether a mark that somebody must look at is carried by enough voices."""
        voices = len(self.everybody)
        return any(f.startswith(NOTABLE_FLAGS) and carried(f, len(who), voices) for f, who in self.voices.items())
