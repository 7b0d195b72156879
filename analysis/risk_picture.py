"""What was known of an event at one moment: the members that count, sorted into voices and spread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.bursts import Baseline
from storage.types import Event, Member, Office

OFFICIAL = ("government", "reply")  #: kinds that speak for the administration
_ECHO = ("government", "reply", "hotlist", "news")  #: kinds that are no citizen's voice
#: authority of a source that has none of its own, by kind: 央媒 1, 省媒 .8, 市媒 .6, 本地论坛 .4, 热线 .3
_AUTHORITY = {"news": 0.6, "government": 0.6, "hotlist": 0.6, "forum": 0.4, "social": 0.4, "message": 0.3}
_AUTHORITY |= {"hotline": 0.3, "reply": 0.0}


@dataclass(frozen=True, slots=True)
class Picture:
    """The input of every factor, computed once."""

    event: Event
    office: Office
    now: datetime  #: the event's own last moment where it is historic
    members: tuple[Member, ...]  #: those seen by now, oldest first
    voices: tuple[Member, ...]  #: without near-duplicates
    public: tuple[Member, ...]  #: voices of citizens
    recent: tuple[Member, ...]  #: of the last 24 hours, spread included
    baseline: Baseline | None
    marks: Mapping[str, list[Member]]  #: flag → voices that carry it

    def flagged(self, code: str) -> list[Member]:
        """Voices with this flag."""
        return self.marks.get(code, [])

    @property
    def answered(self) -> bool:
        """Whether an authoritative reply was public by now."""
        at = self.event.answered_at
        return at is not None and at <= self.now


def picture(
    event: Event, members: Sequence[Member], office: Office, now: datetime, baseline: Baseline | None
) -> Picture:
    """Sort the members; one document counts once, however often it was delivered."""
    once = {m.document: m for m in members}.values()
    if event.historic:
        now = max((m.at for m in once), default=event.last_at)
        seen = sorted(once, key=lambda m: (m.at, m.document))
        recent = [m for m in seen if now - m.at < timedelta(hours=24)]
    else:
        live = (m for m in once if m.seen_at <= now and not m.historic)
        seen = sorted(live, key=lambda m: (m.seen_at, m.document))
        recent = [m for m in seen if now - m.seen_at < timedelta(hours=24)]
    voices = tuple(m for m in seen if m.duplicate_of is None)
    return Picture(
        event=event,
        office=office,
        now=now,
        members=tuple(seen),
        voices=voices,
        public=tuple(m for m in voices if m.kind not in _ECHO),
        recent=tuple(recent),
        baseline=baseline,
        marks=_marks(voices),
    )


def _marks(voices: Sequence[Member]) -> dict[str, list[Member]]:
    found: dict[str, list[Member]] = {}
    for m in voices:
        for flag in set(m.flags):
            found.setdefault(flag, []).append(m)
    return found


def moment(seen: Picture, member: Member) -> datetime:
    """The time that speed and heat go by: when it came in, or for history when it was published."""
    return member.at if seen.event.historic else member.seen_at


def authority(member: Member) -> float:
    """Of the source, or the usual one of its kind where none is configured; 0..1."""
    return member.authority or _AUTHORITY.get(member.kind, 0.0)
