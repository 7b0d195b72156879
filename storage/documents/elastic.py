"""The document port on Elasticsearch 9: the same answers as the embedded store, for more than one machine holds.

Needs nothing of the server but indices, `_bulk`, `_mget`, searches with aggregations and points in time: no scripts,
no `_by_query`, no data streams, no lifecycle management. So it runs on hosted and slimmed-down servers too.

**What is visible when.** `get`, `by id` reads and every put go by id and see each write at once, from any process. A
search of the process that wrote sees its own writes (a refresh comes before the first search after a write); a search
of another process sees them within a second (`refresh_interval`). So writing costs no refresh, and nobody who asks
after his own `put` is told an old state.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from elasticsearch import BadRequestError

from storage.documents import elastic_read as reading
from storage.documents import elastic_write as writing
from storage.documents.buckets import Step, buckets
from storage.documents.elastic_client import Action, Server, may_recover
from storage.documents.elastic_query import compile_query
from storage.documents.elastic_schema import (
    Json,
    Names,
    earlier_id,
    is_month,
    month_end,
    row_id,
    side_indices,
    template,
)
from storage.documents.read import parse_position, position
from storage.documents.rows import Row, describe, milliseconds, moment_of
from storage.ledger.codec import key, optional_key
from storage.ports import Bucket, DocumentPage, DocumentQuery, FacetField, PutResult, StoreError
from storage.types import StoredDocument

log = logging.getLogger("minsheng.elastic")

#: rows of one round of a put: four requests, whatever their number
_ROUND = 1000
_PURGE = 1000


class ElasticDocuments:
    """See `storage.ports.DocumentStore`. Safe for threads and for any number of processes on any hosts.

    url: `http(s)://user:password@host:port`, with `?ca_certs=FILE` for a certificate of one's own. `segment` as for
    SqliteDocuments. Opening makes the index template and the two side indices where they are missing; when the server
    is away at that moment this is done before the first put, so that pages and gathering can start without it.
    StoreError for an address or a password that cannot be used.
    """

    def __init__(
        self, url: str, *, segment: Callable[[str], str], timezone: str = "Asia/Shanghai", prefix: str = "minsheng"
    ) -> None:
        self.timezone = _zone(timezone)
        self.names = Names(prefix)
        self._segment = segment
        self._server = Server(url)
        self._months: set[str] = set()
        self._prepared = False
        try:
            self._prepare()
        except StoreError as error:
            if may_recover(error):
                log.warning("%s（先启动，恢复后自动继续）", error)
                return
            self._server.close()
            raise

    def put(self, rows: Sequence[StoredDocument]) -> PutResult:
        """As the embedded store: the first moment, the event and the original stay; a repetition is unchanged."""
        self._prepare()
        ready, refused = self._describe(rows)
        tally = {"new": 0, "updated": 0, "unchanged": 0}
        for part in _rounds(ready):
            counted, turned_away = writing.put_rows(self._server, self.names, part, self._make_months)
            refused += turned_away
            for name in tally:
                tally[name] += counted[name]
        return PutResult(**tally, refused=tuple(refused))

    def get(self, ids: Sequence[str]) -> list[StoredDocument]:
        asked = [key(i) for i in ids]
        found = self._find(asked)
        return [writing.from_source(found[i].source) for i in asked if i in found]

    def by_url(self, url: str) -> StoredDocument | None:
        """The newest document of an address."""
        self._see()
        query = {"term": {"url": key(url)}}
        hits, _, _ = reading.page(self._server, self.names, query, sort="newest", size=1, after=None)
        return writing.from_source(hits[0]["_source"]) if hits else None

    def search(self, query: DocumentQuery, *, size: int = 20, after: str | None = None) -> DocumentPage:
        place = parse_position(after) if after else None
        hits, total, more = reading.page(
            self._server, self.names, self._asked(query), sort=query.sort, size=max(size, 0), after=place
        )
        return DocumentPage(
            rows=tuple(writing.from_source(hit["_source"]) for hit in hits),
            total=total,
            after=position(reading.position_of(hits[-1])) if more and hits else None,
        )

    def count(self, query: DocumentQuery) -> int:
        return reading.total(self._server, self.names, self._asked(query))

    def histogram(self, query: DocumentQuery, *, step: Step, timezone: str) -> list[Bucket]:
        """The server cuts local time into steps; the empty ones are filled in here, with the same limit as SQLite."""
        _zone(timezone)
        return buckets(reading.cells(self._server, self.names, self._asked(query), step, timezone), step, timezone)

    def facets(self, query: DocumentQuery, by: FacetField, *, size: int = 10) -> list[tuple[str, int]]:
        return reading.facets(self._server, self.names, self._asked(query), by, size)

    def scan(self, query: DocumentQuery, *, batch: int = 1000) -> Iterator[StoredDocument]:
        """Oldest first, of one point in time: what is written meanwhile does not disturb the reading."""
        for hit in reading.scan(self._server, self.names, self._asked(query), batch=batch):
            yield writing.from_source(hit["_source"])

    def versions(self, document: str) -> list[tuple[int, datetime, str, str]]:
        found = self._find([key(document)], ["version"])
        number = next((row.source["version"] for row in found.values()), 1)
        if number == 1:
            return []
        ids = [earlier_id(key(document), version) for version in range(1, number)]
        docs = self._server.mget([{"_index": self.names.earlier, "_id": i} for i in ids])
        states = [doc["_source"] for doc in docs if doc.get("found")]
        return [(s["version"], moment_of(s["seen"]), s["title"], s["text"]) for s in states]

    def set_event(self, links: Mapping[str, str | None]) -> None:
        wanted = {key(i): optional_key(event) for i, event in links.items()}
        found = self._find(list(wanted), ["version"])
        outcomes = self._server.bulk([
            Action("update", row.index, row_id(i), {"doc": {"event": wanted[i]}}, {"retry_on_conflict": 5})
            for i, row in found.items()
        ])  # fmt: skip
        for outcome in outcomes:
            if not outcome.ok and outcome.status != 404:  # deleted meanwhile
                raise StoreError(f"事件没有写进文档库（{outcome.result}）：请稍后再试")

    def delete(self, ids: Sequence[str]) -> int:
        found = self._find([key(i) for i in ids], ["version"])
        versions = {i: (row.index, row.source["version"]) for i, row in found.items()}
        return writing.delete(self._server, self.names, versions) if versions else 0

    def purge(self, before: datetime) -> int:
        """Drop whole months where nothing in them is younger, and delete by id in the month that `before` cuts."""
        self._see()
        gone = 0
        for month in self._stored_months():
            index = self.names.month(month)
            if month_end(month) <= before and not self._younger(index, before):
                gone += self._drop(index)
        old = {"range": {"came": {"lt": milliseconds(before), "format": "epoch_millis"}}}
        hits = reading.scan(self._server, self.names, old, batch=_PURGE, fields=["id", "version"])
        while part := list(islice(hits, _PURGE)):
            versions = {hit["_source"]["id"]: (hit["_index"], hit["_source"]["version"]) for hit in part}
            gone += writing.delete(self._server, self.names, versions)
        return gone

    def latest(self) -> datetime | None:
        self._see()
        newest = reading.extreme(self._server, self.names, {"term": {"historic": False}}, "came")
        return None if newest is None else moment_of(newest)

    def recount(self) -> list[str]:
        """There are no rollups here; what can differ is the number of documents and of ids that know their month."""
        self._server.ask(lambda: self._server.client.indices.refresh(index=f"{self.names.prefix}-*"))
        documents = reading.total(self._server, self.names, {"match_all": {}})
        known = int(self._server.ask(lambda: self._server.client.count(index=self.names.ids))["count"])
        return [f"文档库有 {documents} 条文档，编号册却只有 {known} 条"] if known < documents else []

    def mend(self) -> None:
        """Nothing is kept that could be set right by itself: a document without its number is put once more."""

    def health(self) -> Mapping[str, object]:
        """Figures of the office's own indices; `ok` is False, with the reason, when red or read-only."""
        client, every = self._server.client, f"{self.names.prefix}-*"
        state = self._server.ask(lambda: client.cluster.health(index=every, timeout="1s"))
        stats = self._server.ask(lambda: client.indices.stats(index=every, metric="store"))
        blocks = self._server.ask(
            lambda: client.indices.get_settings(index=every, name="index.blocks.*", flat_settings=True)
        )
        blocked = sorted(name for name, kept in blocks.items() if "true" in kept["settings"].values())
        red = state["status"] == "red"
        found: dict[str, object] = {
            "engine": "elasticsearch", "ok": not red and not blocked, "status": state["status"],
            "nodes": state["number_of_nodes"], "bytes": stats["_all"]["total"].get("store", {}).get("size_in_bytes", 0),
        }  # fmt: skip
        if red:
            return found | {"reason": "有分片不可用：请检查 Elasticsearch 各节点，恢复后会自动继续"}
        if blocked:
            found["reason"] = f"索引 {blocked[0]} 等 {len(blocked)} 个只读（多半因磁盘将满）：请清理磁盘"
        return found | {"documents": reading.total(self._server, self.names, {"match_all": {}})}

    def backup(self, target: str) -> None:
        raise StoreError("Elasticsearch 请用它自己的快照备份（见 docs/operations.md）：本程序只备份内置的文档库")

    def close(self) -> None:
        self._server.close()

    def _asked(self, query: DocumentQuery) -> Json:
        self._see()
        return compile_query(query, self._segment)

    def _see(self) -> None:
        self._server.make_visible(self.names.docs)

    def _find(self, ids: Sequence[str], fields: Sequence[str] | None = None) -> dict[str, writing.Found]:
        months = writing.months_of(self._server, self.names, ids)
        return writing.find(self._server, self.names, months, fields)

    def _describe(self, rows: Sequence[StoredDocument]) -> tuple[list[Row], list[tuple[str, str]]]:
        ready: list[Row] = []
        refused: list[tuple[str, str]] = []
        for stored in rows:
            document = stored.document
            tokens = stored.assessment.tokens or self._segment(f"{document.title}\n{document.text}")
            try:
                ready.append(describe(stored, tokens))
            except ValueError as error:
                refused.append((document.id, str(error)))
        return ready, refused

    def _prepare(self) -> None:
        if self._prepared:
            return
        body, client = template(self.names), self._server.hurried
        self._server.ask(lambda: client.indices.put_index_template(name=self.names.docs, **body))
        for name, side in side_indices(self.names).items():
            self._create(name, side)
        self._prepared = True

    def _make_months(self, months: set[str]) -> None:
        for month in months - self._months:
            self._create(self.names.month(month), {})
            self._months.add(month)

    def _create(self, index: str, body: Json) -> None:
        """Make an index; that another process was faster is as good."""
        try:
            self._server.ask(lambda: self._server.hurried.indices.create(index=index, **body))
        except StoreError as error:
            cause = error.__cause__
            if not isinstance(cause, BadRequestError) or cause.error != "resource_already_exists_exception":
                raise

    def _stored_months(self) -> list[str]:
        client, every = self._server.client, self.names.month("*")
        found = self._server.ask(lambda: client.indices.get_settings(index=every, name="index.creation_date"))
        names = (index.removeprefix(self.names.month("")) for index in found)
        return sorted(name for name in names if is_month(name))

    def _younger(self, index: str, before: datetime) -> int:
        """Documents of a month that came in later: an id that was claimed and then put again after a crash."""
        query = {"range": {"came": {"gte": milliseconds(before), "format": "epoch_millis"}}}
        return int(self._server.ask(lambda: self._server.client.count(index=index, query=query))["count"])

    def _drop(self, index: str) -> int:
        """The month goes first, then what points to it: killed in between, only pointers to nothing are left."""
        versions: dict[str, int] = {}
        month = index.removeprefix(self.names.month(""))
        every = {"term": {"_index": index}}
        for hit in reading.scan(self._server, self.names, every, batch=_PURGE, fields=["id", "version"]):
            versions[hit["_source"]["id"]] = hit["_source"]["version"]
        self._server.ask(lambda: self._server.client.indices.delete(index=index, ignore_unavailable=True))
        self._months.discard(month)
        writing.forget(self._server, self.names, versions)
        return len(versions)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError) as error:
        raise StoreError(f"没有时区 {name!r}：请写成 Asia/Shanghai 这样的名称") from error


def _rounds(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Portions in which no id stands twice; the later of two comes in a later portion."""
    part: dict[str, Row] = {}
    for row in rows:
        if row.id in part or len(part) == _ROUND:
            yield list(part.values())
            part = {}
        part[row.id] = row
    if part:
        yield list(part.values())
