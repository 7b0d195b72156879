"""The timed look at whole streams: every ten minutes, so that an hour is judged soon after its end, and once each."""

from datetime import datetime, timedelta

from alerts.calendar import local
from alerts.notices import Reach
from alerts.streams import told
from app.pipeline import Pipeline
from dashboards.bursts import find, keep, looked
from dashboards.duty import shifts


def bursts(pipeline: Pipeline, now: datetime) -> None:
    """Judge the last whole hour where that has not been done; hours of a standstill are passed over."""
    office = pipeline.office
    hour = local(now, office).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    with pipeline.ledger.read() as tx:
        if looked(tx) == hour:
            return
    found = find(pipeline.documents, office, hour)
    with pipeline.ledger.begin() as tx:
        keep(tx, found, hour)
        if found:
            reach = Reach(users={user.name: user for user in tx.users.all()}, duty=shifts(tx, office))
            tx.outbox.add(told(found, office, now, reach=reach))
