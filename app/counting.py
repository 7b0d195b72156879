"""Every night: are the counts that pages show what one would count? What is wrong is set right, and said.

documents ─recount→ rollups that differ ─mend→ again ┐
members of recent events ─count→ events that differ ──┴→ Counted, in the ledger's notes, for the pages and `doctor`
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from app.pipeline import Pipeline
from dashboards.counted import Counted, remember
from storage.types import AuditEntry, Event

log = logging.getLogger("minsheng.work")

#: events without a document for longer are not counted again each night
RECENT = timedelta(days=30)
PORTION = 100


def check_counts(pipeline: Pipeline, now: datetime) -> Counted:
    """Count, set right, write down."""
    wrong = pipeline.documents.recount()
    if wrong:
        pipeline.documents.mend()
    left = pipeline.documents.recount() if wrong else []
    events = _events(pipeline, now)
    found = Counted(at=now, rollups=len(wrong), left=len(left), events=tuple(events), first=(wrong or [""])[0])
    with pipeline.ledger.begin() as tx:
        remember(tx, found)
        if not found.well:
            log.warning("%s", found.words)
            tx.audit.append(
                AuditEntry(actor="system", action="counts.mend", object="counts", after=found.words, at=now)
            )
    return found


def _events(pipeline: Pipeline, now: datetime) -> list[str]:
    """Ids of recent events whose counts were not those of their members; they are right now."""
    found: list[str] = []
    start = 0
    while True:
        with pipeline.ledger.begin() as tx:
            events, total = tx.events.find(since=now - RECENT, sort="newest", size=PORTION, offset=start)
            members = tx.events.members_of([event.id for event in events])
            wrong: list[Event] = []
            for event in events:
                rows = members.get(event.id, [])
                right = replace(event, documents=len(rows), negative=sum(m.negative for m in rows))
                if rows and right != event and event.status != "merged":
                    wrong.append(right)
            tx.events.save(wrong)
        found += [event.id for event in wrong]
        start += PORTION
        if start >= total:
            return found
