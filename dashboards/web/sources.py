"""信源: where we look, what came, what did not."""

from fastapi import HTTPException
from starlette.responses import Response

from dashboards.coverage import HISTORY, by_hour, health, one
from dashboards.web.visit import Here

#: hours on the page of one source
HOURS = 48


def index(visit: Here) -> Response:
    """Every source with its state."""
    with visit.site.ledger.read() as tx:
        rows = health(visit.office, tx.frontier.hours(None, visit.now - HISTORY), visit.now)
        parked = tx.intake.parked(50)
        waiting = tx.intake.waiting()
    return visit.page("sources.html", rows=rows, parked=parked, waiting=waiting, latest=visit.site.documents.latest())


def hours(visit: Here, source_id: str) -> Response:
    """One source, hour by hour: what was asked and what came, the youngest hour first."""
    source = visit.office.sources.get(source_id)
    if source is None:
        raise HTTPException(404, "没有这个信源。")
    with visit.site.ledger.read() as tx:
        found = tx.frontier.hours(source_id, visit.now - HISTORY)
    rows = by_hour(source_id, found, visit.now, back=HOURS)[::-1]
    return visit.page("source.html", row=one(source, found, visit.now), hours=rows)


def poll(visit: Here, source_id: str) -> Response:
    """POST: look at this source now."""
    source = visit.office.sources.get(source_id)
    if source is None or not source.enabled:
        raise HTTPException(422, "此信源未启用。")
    with visit.site.ledger.begin() as tx:
        tx.frontier.due_now(source_id, visit.now)
        visit.record(tx, "source.poll", f"source:{source_id}")
    return visit.go("/sources", "polled")


def retry(visit: Here) -> Response:
    """POST: parked documents go back into the queue."""
    seqs = [int(text) for text in visit.texts("seq") if text.isdigit()]
    with visit.site.ledger.begin() as tx:
        tx.intake.unpark(seqs)
        visit.record(tx, "intake.unpark", "intake", after=",".join(map(str, seqs))[:500])
    return visit.go("/sources", "retried")
