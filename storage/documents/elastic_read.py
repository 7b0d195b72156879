"""Reading from Elasticsearch: pages, scans, totals, histograms, facets. Every figure is exact or an error.

`allow_partial_search_results=False` everywhere: when a shard is missing the answer is a StoreError, never a smaller
number.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from elasticsearch import NotFoundError

from storage.documents.buckets import Step
from storage.documents.elastic_client import Server
from storage.documents.elastic_query import SORTS
from storage.documents.elastic_schema import Json, Names
from storage.documents.read import Position
from storage.ports import FacetField, SortOrder, StoreError

Hit = Json
#: documents of one request: 1,000 of 200,000 characters are still less than the server's limit for one answer
_PORTION = 1000
#: values that every shard hands in before a facet is counted; more than there are of anything but keywords and events
_SHARD_VALUES = 5000
_COMPOSITE = 10_000
_KEEP = "5m"


def ask(server: Server, names: Names, **body: Any) -> Json:
    """One search over all months; an office without documents answers with nothing."""
    answer = server.ask(
        lambda: server.hurried.search(
            index=names.docs, ignore_unavailable=True, allow_partial_search_results=False, **body
        )
    )
    return dict(answer.body)


def total(server: Server, names: Names, query: Json) -> int:
    return int(ask(server, names, query=query, size=0, track_total_hits=True)["hits"]["total"]["value"])


def page(
    server: Server, names: Names, query: Json, *, sort: SortOrder, size: int, after: Position | None
) -> tuple[list[Hit], int, bool]:
    """At most `size` hits behind a position, the exact total, and whether there are more hits."""
    hits: list[Hit] = []
    number: int | None = None
    mark = None if after is None else _search_after(sort, after)
    while number is None or len(hits) <= size:
        portion = min(_PORTION, size + 1 - len(hits))
        answer = ask(
            server, names, query=query, sort=SORTS[sort], size=portion, search_after=mark,
            track_total_hits=number is None,
        )["hits"]  # fmt: skip
        number = int(answer["total"]["value"]) if number is None else number
        hits += answer["hits"]
        if len(answer["hits"]) < portion:
            break
        mark = hits[-1]["sort"]
    return hits[:size], number, len(hits) > size


def position_of(hit: Hit) -> tuple[int, int, str, int]:
    """A hit as `read.position` takes it: bookmarks of one engine hold on the other."""
    *spread, at, document = hit["sort"]
    return (spread[0] if spread else 0, at, document, 0)


def scan(
    server: Server, names: Names, query: Json, *, batch: int, fields: Sequence[str] | None = None
) -> Iterator[Hit]:
    """Every hit, oldest first, as of now (a point in time). When that ran out, a new one goes on at the same place."""
    batch = min(batch, _PORTION)
    pit = _open(server, names)
    mark: list[Any] | None = None
    try:
        while True:
            try:
                answer = _of_pit(server, pit, query, batch, mark, fields)
            except StoreError as error:
                if not isinstance(error.__cause__, NotFoundError):
                    raise
                pit = _open(server, names)
                answer = _of_pit(server, pit, query, batch, mark, fields)
            pit = answer["pit_id"]
            hits = answer["hits"]["hits"]
            yield from hits
            if len(hits) < batch:
                return
            mark = hits[-1]["sort"][:2]
    finally:
        _close(server, pit)


def cells(server: Server, names: Names, query: Json, step: Step, timezone: str) -> dict[int, tuple[int, int]]:
    """Local steps of time that hold documents: start in ms → (documents, negative ones)."""
    negative = {"negative": {"filter": {"term": {"sentiment": "negative"}}}}
    histogram = {"field": "at", "calendar_interval": step, "time_zone": timezone, "min_doc_count": 1}
    aggs = {"steps": {"date_histogram": histogram, "aggs": negative}}
    answer = ask(server, names, query=query, size=0, aggs=aggs, track_total_hits=False)
    found = answer.get("aggregations", {}).get("steps", {}).get("buckets", ())
    return {int(b["key"]): (b["doc_count"], b["negative"]["doc_count"]) for b in found}


def facets(server: Server, names: Names, query: Json, by: FacetField, size: int) -> list[tuple[str, int]]:
    """Values by falling count, then by value; exact over any number of shards.

    Each shard names its 5,000 most frequent values. Where that leaves any doubt (the server says so by an error bound
    above 0) all values are walked through instead.
    """
    if size <= 0:
        return []
    terms = {"field": by, "size": size, "shard_size": max(_SHARD_VALUES, size)}
    aggs = {"values": {"terms": terms | {"order": [{"_count": "desc"}, {"_key": "asc"}]}}}
    answer = ask(server, names, query=query, size=0, aggs=aggs, track_total_hits=False)
    found = answer.get("aggregations", {}).get("values", {"buckets": ()})
    if found.get("doc_count_error_upper_bound", 0):
        every = _walk(server, names, query, by)
        return sorted(every.items(), key=lambda item: (-item[1], item[0]))[:size]
    return [(bucket["key"], bucket["doc_count"]) for bucket in found["buckets"]]


def extreme(server: Server, names: Names, query: Json, field: str) -> int | None:
    """The greatest value of a time field, in ms."""
    aggs = {"greatest": {"max": {"field": field}}}
    answer = ask(server, names, query=query, size=0, aggs=aggs, track_total_hits=False)
    value = answer.get("aggregations", {}).get("greatest", {}).get("value")
    return None if value is None else int(value)


def _walk(server: Server, names: Names, query: Json, by: FacetField) -> Counter[str]:
    found = Counter[str]()
    after: Json = {}
    while True:
        composite: Json = {"size": _COMPOSITE, "sources": [{"value": {"terms": {"field": by}}}], **after}
        answer = ask(server, names, query=query, size=0, aggs={"all": {"composite": composite}}, track_total_hits=False)
        part = answer["aggregations"]["all"]
        for bucket in part["buckets"]:
            found[bucket["key"]["value"]] += bucket["doc_count"]
        if "after_key" not in part:
            return found
        after = {"after": part["after_key"]}


def _search_after(sort: SortOrder, after: Position) -> list[Any]:
    return list(after) if sort == "spread" else list(after[1:])


def _open(server: Server, names: Names) -> str:
    answer = server.ask(
        lambda: server.client.open_point_in_time(index=names.docs, keep_alive=_KEEP, ignore_unavailable=True)
    )
    return str(answer["id"])


def _of_pit(
    server: Server, pit: str, query: Json, batch: int, mark: list[Any] | None, fields: Sequence[str] | None
) -> Json:
    answer = server.ask(
        lambda: server.client.search(
            pit={"id": pit, "keep_alive": _KEEP}, query=query, sort=SORTS["oldest"], size=batch, search_after=mark,
            source_includes=fields, track_total_hits=False,
            allow_partial_search_results=False,
        )
    )  # fmt: skip
    return dict(answer.body)


def _close(server: Server, pit: str) -> None:
    """A point in time that cannot be closed now runs out by itself."""
    try:
        server.ask(lambda: server.client.close_point_in_time(id=pit))
    except StoreError:
        return
