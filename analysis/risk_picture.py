"""What was known of an event at one moment: the input of every factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.bursts import Baseline
from analysis.risk_tally import Tally, micros
from storage.types import Event, Member, Office


@dataclass(frozen=True, slots=True)
class Picture:
    """An event, the tally of its documents, and the moment. Nothing in the tally came in after `now`."""

    event: Event
    office: Office
    now: datetime  #: the event's own last moment where it is historic
    moment: int  #: `now` in microseconds
    tally: Tally
    baseline: Baseline | None = None

    @property
    def answered(self) -> bool:
        """Whether an authoritative reply was public by now."""
        at = self.event.answered_at
        return at is not None and at <= self.now

    @property
    def start(self) -> datetime:
        """The earliest known moment: the thing itself, or its first publication."""
        at = self.event.occurred_at
        return self.event.first_at if at is None else min(at, self.event.first_at)

    @property
    def elapsed(self) -> float:
        """Hours since then."""
        return max(0.0, (self.now - self.start) / timedelta(hours=1))


def picture(
    event: Event, members: Sequence[Member], office: Office, now: datetime, baseline: Baseline | None
) -> Picture:
    """Tally the members; one document counts once, however often it was delivered."""
    once = {m.document: m for m in members}.values()
    tally = Tally(office.risk.source_factor)
    if event.historic:
        now = max((m.at for m in once), default=event.last_at)
        for m in once:
            tally.add(m, micros(m.at))
    else:
        for m in sorted(once, key=lambda m: m.seen_at):
            if m.seen_at <= now and not m.historic:
                tally.add(m, micros(m.seen_at))
    return Picture(event, office, now, micros(now), tally, baseline)
