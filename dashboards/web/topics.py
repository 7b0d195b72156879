"""专题: each topic against its own usual week, and the page of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fastapi import HTTPException
from starlette.responses import Response

from analysis.phrases import addition, proposed
from dashboards.bursts import current
from dashboards.charts import padded, shares, volume_chart
from dashboards.web.overview import ALIVE, limited
from dashboards.web.visit import Here
from storage.ports import Bucket, DocumentQuery, FacetField
from storage.types import Topic

#: counts of so many topics are held, each for a minute and until the next document comes in
HELD = 100
PHRASES, PHRASES_READ = 10, 5000  #: phrases that are shown; documents that are read for them, now and before


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A topic's last day against the mean of the 27 days before."""

    topic: Topic
    today: int
    usual: float  #: documents per day
    negative: int  #: of today's

    @property
    def ratio(self) -> float | None:
        """Today by usual; None where the usual day is too thin for a comparison."""
        return self.today / self.usual if self.usual >= 1 else None


def index(visit: Here) -> Response:
    """Every topic in one table, the most unusual first."""
    store, start = visit.site.documents, visit.now - timedelta(hours=24)
    wide = limited(visit.scope)
    day = DocumentQuery(since=start, historic=False, filters=wide)
    past = DocumentQuery(since=visit.now - timedelta(days=28), until=start, historic=False, filters=wide)
    bad = DocumentQuery(since=start, historic=False, filters={**wide, "sentiment": ["negative"]})
    counts = [dict(store.facets(query, "topic", size=200)) for query in (day, past, bad)]
    rows = [
        Against(
            topic=t, today=counts[0].get(t.id, 0), usual=counts[1].get(t.id, 0) / 27, negative=counts[2].get(t.id, 0)
        )
        for t in visit.office.topics.values()
    ]
    rows.sort(key=lambda row: (-row.today / (row.usual + 1), row.topic.id))
    return visit.page("topics.html", rows=rows)


def known(visit: Here, topic_id: str) -> Topic:
    """The topic of the address; 404 for another."""
    topic = visit.office.topics.get(topic_id)
    if topic is None:
        raise HTTPException(404, "没有这个专题。")
    return topic


def month(visit: Here, topic: Topic) -> DocumentQuery:
    """The topic's documents of four weeks."""
    filters: dict[FacetField, Sequence[str]] = {**limited(visit.scope), "topic": [topic.id]}
    return DocumentQuery(since=visit.now - timedelta(days=28), historic=False, filters=filters)


def one(visit: Here, topic_id: str) -> Response:
    """One topic: trend over four weeks, open events, newest documents."""
    topic = known(visit, topic_id)
    store, query = visit.site.documents, month(visit, topic)
    buckets = store.histogram(query, step="day", timezone=visit.office.timezone)
    since = (visit.now - timedelta(days=28)).astimezone(visit.names.zone)
    buckets = padded(buckets, since, visit.now, timedelta(days=1))
    with visit.site.ledger.read() as tx:
        events, total = tx.events.find(
            topic=topic_id, department=visit.scope, status=ALIVE, historic=False, sort="level", size=12
        )
        bursts = [b for b in current(tx, visit.now) if (b.field, b.id) == ("topic", topic_id)]
    return visit.page(
        "topic.html",
        topic=topic,
        events=events,
        bursts=bursts if visit.scope is None else [],
        total=total,
        chart=volume_chart(buckets, visit.names.zone, days=True) | {"usual": usual(buckets)},
        newest=store.search(query, size=8).rows,
        documents=sum(bucket.count for bucket in buckets),
    )


def side(visit: Here, topic_id: str) -> Response:
    """Words, sentiment, departments, places: they look at every document, so the page does not wait for them."""
    topic = known(visit, topic_id)
    minute = visit.now.replace(second=0, microsecond=0)
    name = (topic_id, visit.scope, minute, visit.site.documents.latest())
    held = visit.site.held
    if name not in held:
        if len(held) >= HELD:
            held.clear()
        held[name] = counted(visit, topic)
    return visit.page("topic_side.html", topic=topic, **held[name])


def phrases(visit: Here, topic_id: str) -> Response:
    """Phrases that rise inside the topic, and the line that would add them to its rule; counted once an hour."""
    topic = known(visit, topic_id)
    name = ("phrases", topic_id, topic.rule, visit.now.replace(minute=0, second=0, microsecond=0))
    held = visit.site.held
    if name not in held:
        for old in [key for key in held if isinstance(key, tuple) and key[:2] == name[:2]]:
            del held[old]
        rows = proposed(visit.site.documents, topic, visit.now, timedelta(days=7), most=PHRASES_READ)[:PHRASES]
        held[name] = {"rows": rows, "addition": addition(rows)}
    return visit.page("topic_phrases.html", topic=topic, **held[name])


def counted(visit: Here, topic: Topic) -> dict[str, object]:
    """What stands beside the page of a topic."""
    store, query = visit.site.documents, month(visit, topic)
    return {
        "cloud": cloud(store.facets(query, "keyword", size=40)),
        "departments": shares(store.facets(query, "department", size=8)),
        "areas": shares(store.facets(query, "area", size=8)),
        "sentiments": shares(store.facets(query, "sentiment", size=3)),
    }


def usual(buckets: Sequence[Bucket]) -> float:
    """The median day: the line that the bars are compared with."""
    counts = sorted(bucket.count for bucket in buckets)
    return float(counts[len(counts) // 2]) if counts else 0.0


def cloud(rows: Sequence[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """(word, count, size 1..5) for the word cloud, in the words' own order so that the eye does not jump."""
    if not rows:
        return []
    top, low = rows[0][1], rows[-1][1]
    scale = max(1, top - low)
    return sorted((word, count, 1 + round(4 * (count - low) / scale)) for word, count in rows)
