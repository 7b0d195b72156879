"""Whether a published reply can be seen where people talk: read off what was gathered, nothing is fetched for it.

A link counts as seen when the crawler has met that very address. A place of the talk counts as answered when an
official reply of the same event was gathered from it, or when the reply was published there.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from storage.ports import DocumentQuery, DocumentStore
from storage.types import Office, Reply

#: the sources that carry most of the talk
PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A source in which the event is talked about."""

    source: str
    voices: int
    answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What is known of one reply."""

    seen_at: datetime | None  #: when the crawler met the link
    places: tuple[Place, ...]  #: the most voices first; empty where nothing of the event is kept any more

    @property
    def missing(self) -> tuple[Place, ...]:
        return tuple(place for place in self.places if not place.answered)

    @property
    def text(self) -> str:
        """One clause for the register."""
        if not self.places:
            return "没有可比对的传播信息"
        if not self.missing:
            return "主要传播平台均有官方回应"
        return "主要传播平台无官方回应" if len(self.missing) == len(self.places) else "部分传播平台无官方回应"


def reach(documents: DocumentStore, office: Office, event: str, reply: Reply) -> Reach:
    """Look one reply up in what was gathered of its event."""
    link = reply.link or ""
    met = documents.by_url(link) if link else None
    talk = documents.facets(DocumentQuery(filters={"event": [event]}), "source", size=PLACES + 4)
    official = DocumentQuery(filters={"event": [event], "kind": ["reply", "government"]})
    answers = dict(documents.facets(official, "source", size=50))
    voices = [(source, count - answers.get(source, 0)) for source, count in talk]
    places = tuple(
        Place(source=source, voices=count, answered=source in answers or _lies_in(link, source, office))
        for source, count in voices
        if count > 0
    )
    return Reach(seen_at=met.document.fetched_at if met else None, places=places[:PLACES])


def _lies_in(link: str, source: str, office: Office) -> bool:
    """Whether the link leads to the host of a source."""
    row = office.sources.get(source)
    return row is not None and bool(host := _host(link)) and host == _host(row.url)


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower().removeprefix("www.")
    except ValueError:
        return ""
