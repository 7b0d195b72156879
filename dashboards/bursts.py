"""Bursts of whole streams: found in the document store's hourly counts, kept in the notes, shown on the pages.

streams with enough in the last whole hour ─28 days of hourly counts→ detect ─not one event alone→ StreamBurst
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.calendar import is_workday, local
from alerts.streams import StreamBurst
from analysis.bursts import detect, thresholds
from analysis.bursts_day import FEWEST
from dashboards.words import KIND
from storage.ports import Bucket, DocumentQuery, DocumentStore, FacetField, Transaction
from storage.types import Office

#: what makes a stream
STREAMS: tuple[FacetField, ...] = ("topic", "area", "kind")
#: two rounds of the fourteen days that an hour is compared with, so that the smoothed value has settled
LOOK_BACK = timedelta(days=28)
SHOWN = timedelta(hours=6)  #: how long a burst stays on the pages
ONE_EVENT = 0.5  #: share of the hour's documents from which one event explains the stream
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_NOTE = "bursts"


def find(store: DocumentStore, office: Office, hour: datetime) -> list[StreamBurst]:
    """Streams that burst in the hour that starts at `hour` (a whole local hour), or in the day that ends with it, and
    are more than one event."""
    since, until = hour - LOOK_BACK, hour + _HOUR
    city = _counts(store.histogram(DocumentQuery(since=since, until=until, historic=False), step="hour",
                                   timezone=office.timezone), until)  # fmt: skip
    start = until - len(city) * _HOUR
    rate = sum(city) / max(1, len(city))
    off = [not is_workday(local(start + n * _HOUR, office).date(), office) for n in range(len(city))]
    above = thresholds(office.risk.burst_false_alarms)
    found = []
    for by in STREAMS:
        last = DocumentQuery(since=until - _DAY, until=until, historic=False)
        for key, count in store.facets(last, by, size=200):
            name = _name(by, key, office)
            if count < FEWEST or not name:
                continue
            query = DocumentQuery(since=since, until=until, historic=False, filters={by: [key]})
            own = _counts(store.histogram(query, step="hour", timezone=office.timezone), until)
            counts = [0.0] * (len(city) - len(own)) + own
            rang = detect(counts, rate=rate, holidays=off, above=above, since=len(counts) - 1)
            span = _DAY if rang and rang[0].path == "day" else _HOUR
            if rang and not _one_event(store, by, key, until - span, until):
                alarm = rang[0]
                found.append(
                    StreamBurst(
                        field=by, id=key, name=name, hour=hour, count=round(alarm.count), usual=alarm.usual,
                        path=alarm.path,
                    )
                )  # fmt: skip
    return found


def _counts(buckets: Sequence[Bucket], until: datetime) -> list[float]:
    """Hourly counts from the first bucket up to `until`; hours without a bucket hold nothing."""
    if not buckets:
        return []
    first = buckets[0].start
    counts = [0.0] * round((until - first) / _HOUR)
    for bucket in buckets:
        counts[round((bucket.start - first) / _HOUR)] = float(bucket.count)
    return counts


def _one_event(store: DocumentStore, by: FacetField, key: str, since: datetime, until: datetime) -> bool:
    query = DocumentQuery(since=since, until=until, historic=False, filters={by: [key]})
    largest = store.facets(query, "event", size=1)
    return bool(largest) and largest[0][1] >= ONE_EVENT * store.count(query)


def _name(by: FacetField, key: str, office: Office) -> str:
    if by == "topic":
        return f"专题“{office.topics[key].name}”" if key in office.topics else ""
    if by == "area":
        place = office.places.get(key)
        return f"“{place.name}”一带" if place is not None and place.ours and key != office.home else ""
    return f"来源类别“{KIND.get(key, key)}”"


def keep(tx: Transaction, bursts: Sequence[StreamBurst], hour: datetime) -> None:
    """Note what was found in this hour, with what is still shown of the hours before."""
    rows = [b for b in load(tx) if hour - SHOWN < b.hour < hour]
    kept = [
        {"field": b.field, "id": b.id, "name": b.name, "hour": b.hour.isoformat(), "count": b.count,
         "usual": b.usual, "path": b.path}
        for b in (*rows, *bursts)
    ]  # fmt: skip
    tx.notes.put(_NOTE, json.dumps({"hour": hour.isoformat(), "rows": kept}, ensure_ascii=False))


def looked(tx: Transaction) -> datetime | None:
    """The last hour that was looked at."""
    text = tx.notes.get(_NOTE)
    return datetime.fromisoformat(json.loads(text)["hour"]) if text else None


def load(tx: Transaction) -> list[StreamBurst]:
    """Everything that is noted, oldest first."""
    text = tx.notes.get(_NOTE)
    rows = json.loads(text)["rows"] if text else []
    return [StreamBurst(**{**row, "hour": datetime.fromisoformat(row["hour"])}) for row in rows]


def current(tx: Transaction, now: datetime) -> list[StreamBurst]:
    """What the pages show: the newest hour of each stream within the last six, the newest first."""
    newest = {(b.field, b.id): b for b in load(tx) if now - SHOWN <= b.hour <= now}
    return sorted(newest.values(), key=lambda b: (b.hour, b.count), reverse=True)
