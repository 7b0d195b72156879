"""Events that may be one matter: their documents say together what this event's documents say most.

    keywords of the event ─pairs→ documents near in time with two of them ─facet by event→ share of each ─→ the likest

The machine never joins events that grew apart; a person is shown them and decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from starlette.responses import Response

from alerts.catalogue import lineage
from dashboards.web.events import mark, visible
from dashboards.web.overview import ALIVE
from dashboards.web.visit import Here
from storage.ports import DocumentQuery, DocumentStore
from storage.query import And, Node, Or, Word
from storage.types import Event, Office

KEYWORDS = 6
#: events looked at, events shown
LOOKED, SHOWN = 40, 5
#: of an event's documents so many must say two of the words
SHARE = 0.25
#: how long before the first and after the last document another event is near in time
NEAR = timedelta(hours=72)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """An event that may be the same matter."""

    event: Event
    hits: int  #: its documents that say two of the words
    share: float  #: of all its documents


def card(visit: Here, event_id: str) -> Response:
    """The fragment on the event's page; loaded after it, for it searches the documents."""
    with visit.site.ledger.read() as tx:
        event = visible(visit, tx, event_id)
        words = telling(visit.site.documents, event)
        counts = dict(said_by(visit.site.documents, event, words))
        known = tx.events.get(list(counts)) if counts else {}
    found = likest(event, known.values(), counts, visit.office)
    return visit.page("event_alike.html", event=event, words=words, alike=found, mark=mark(event))


def telling(store: DocumentStore, event: Event) -> list[str]:
    """The words that the event's documents are about, the commonest first."""
    found = store.facets(DocumentQuery(filters={"event": [event.id]}), "keyword", size=KEYWORDS)
    return [word for word, _ in found if len(word) > 1]


def said_by(store: DocumentStore, event: Event, words: list[str]) -> list[tuple[str, int]]:
    """Events → documents near in time that hold at least two of the words."""
    pairs: tuple[Node, ...] = tuple(And((Word(a), Word(b))) for a, b in combinations(words, 2))
    if not pairs:
        return []
    query = DocumentQuery(
        words=Or(pairs) if len(pairs) > 1 else pairs[0],
        since=event.first_at - NEAR,
        until=event.last_at + NEAR,
        historic=event.historic,
    )
    return [row for row in store.facets(query, "event", size=LOOKED) if row[0] != event.id]


def likest(event: Event, known: Iterable[Event], counts: dict[str, int], office: Office) -> list[Alike]:
    """Those that are alive, not elsewhere and of which a good part says the same; the largest share first."""
    found = [
        Alike(event=other, hits=counts[other.id], share=min(counts[other.id] / max(other.documents, 1), 1.0))
        for other in known
        if other.id in counts and other.id != event.id and other.status in ALIVE and near(event, other, office)
    ]
    good = [row for row in found if row.share >= SHARE]
    return sorted(good, key=lambda row: (-row.share * row.hits, row.event.id))[:SHOWN]


def near(event: Event, other: Event, office: Office) -> bool:
    """Whether two events can be in one place: one place lies in the other, or one of them is not known."""
    if event.area is None or other.area is None:
        return True
    return event.area in lineage(other.area, office) or other.area in lineage(event.area, office)
