"""What only Elasticsearch can do to us: its own limits, several writers, and every way in which it fails.

All but the busy server are real servers; the one that is killed has a password too.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from engines import MINUTE, NOW, SearchServer, cut, empty_elastic, java_home, search_server, stored, unpacked

from storage.documents import elastic_read
from storage.documents.elastic import ElasticDocuments
from storage.documents.elastic_client import Action, Server
from storage.documents.elastic_query import compile_words
from storage.documents.elastic_schema import FIELDS, Names, earlier_id, month_end, month_of, row_id
from storage.ports import DocumentQuery, StoreError
from storage.query import And, Node, Not, Word, parse
from storage.types import StoredDocument

MONTH = timedelta(days=31)
EVERYTHING = DocumentQuery()


@pytest.fixture
def store() -> Iterator[ElasticDocuments]:
    opened = empty_elastic(cut)
    yield opened
    opened.close()


def another() -> ElasticDocuments:
    return ElasticDocuments(search_server().url, segment=cut, prefix="contract")


def months() -> list[str]:
    found = search_server().ask("GET", "/contract-docs-*/_settings")
    assert isinstance(found, dict)
    return sorted(found)


def test_a_document_stays_in_the_month_in_which_it_was_first_seen(store: ElasticDocuments) -> None:
    store.put([stored(1, "甲", at=NOW), stored(2, "乙", at=NOW - MONTH)])
    store.put([stored(1, "甲改", at=NOW + MONTH)])
    assert months() == ["contract-docs-2026-01", "contract-docs-2026-03"]
    row = store.get(["1"])[0]
    assert (row.document.published_at, row.document.fetched_at, row.version) == (NOW + MONTH, NOW, 2)
    assert store.count(EVERYTHING) == 2


def test_a_purge_drops_whole_months_and_cuts_one(store: ElasticDocuments) -> None:
    store.put([stored(f"old{n}", at=NOW - 2 * MONTH) for n in range(5)])
    store.put([stored(f"old{n}", "改", at=NOW - 2 * MONTH) for n in range(2)])
    store.put([stored("before", at=NOW - MINUTE), stored("after", at=NOW)])
    assert store.purge(NOW) == 6
    assert months() == ["contract-docs-2026-03"]
    assert [row.document.id for row in store.scan(EVERYTHING)] == ["after"]
    assert store.versions("old1") == []
    assert store.put([stored("old1", "改", at=NOW)]).new == 1
    assert store.get(["old1"])[0].version == 1
    assert store.recount() == []


def test_a_claim_that_a_killed_process_left_is_taken_over(store: ElasticDocuments) -> None:
    """The id was claimed for January; the document comes in March. A purge of January must not take it along."""
    store.put([stored("old", at=NOW - 2 * MONTH)])
    server = Server(search_server().url)
    server.bulk([Action("create", "contract-ids", row_id("x"), {"month": "2025-12"})])
    server.close()
    assert store.get(["x"]) == []
    assert store.versions("x") == []
    assert store.put([stored("x", at=NOW)]).new == 1
    assert store.put([stored("x", at=NOW)]).unchanged == 1
    assert store.purge(NOW - MONTH) == 1
    assert [row.document.id for row in store.get(["x", "old"])] == ["x"]


def test_many_writers_of_the_same_documents(store: ElasticDocuments) -> None:
    results: list[int] = []
    failures: list[StoreError] = []

    def write(number: int) -> None:
        own = another()
        try:
            rows = [stored(n, f"第{n}条", likes=number, at=NOW - number * MONTH) for n in range(200)]
            results.append(own.put(rows).new)
        except StoreError as error:
            failures.append(error)
        own.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(results) == 200
    fresh = another()  # its searches see nothing of its own to wait for: others' writes come within a second
    deadline = time.monotonic() + 10
    while fresh.count(EVERYTHING) < 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert fresh.count(EVERYTHING) == 200
    assert fresh.recount() == []
    fresh.close()


def test_facets_are_exact_when_shards_disagree(store: ElasticDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each month's own favourites hide the value that is most frequent over all: an answer from the tops is wrong."""
    rows: list[StoredDocument] = []
    for month in range(3):
        words = ["common"] * 3 + [f"own{month}-{n}" for n in range(4) for _ in range(4)]
        rows += [stored(f"{month}-{n}", at=NOW - month * MONTH, keywords=(w,)) for n, w in enumerate(words)]
    store.put(rows)
    monkeypatch.setattr(elastic_read, "_SHARD_VALUES", 2)
    monkeypatch.setattr(elastic_read, "_COMPOSITE", 5)
    assert store.facets(EVERYTHING, "keyword", size=2) == [("common", 9), ("own0-0", 4)]


def test_a_scan_outlives_its_point_in_time(store: ElasticDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put([stored(n, at=NOW + n * MINUTE) for n in range(9)])
    seen = elastic_read._of_pit
    pits: list[str] = []

    def remember(server: Server, pit: str, *rest: Any) -> dict[str, Any]:
        answer = seen(server, pit, *rest)
        pits.append(answer["pit_id"])
        return answer

    monkeypatch.setattr(elastic_read, "_of_pit", remember)
    reading = store.scan(EVERYTHING, batch=3)
    found = [next(reading).document.id for _ in range(3)]
    search_server().ask("DELETE", "/_pit", {"id": pits[0]})
    found += [row.document.id for row in reading]
    assert found == [str(n) for n in range(9)]
    assert len(set(pits)) > 1


def test_one_document_that_the_server_refuses_does_not_hold_up_the_others(store: ElasticDocuments) -> None:
    result = store.put([stored(1), stored(2, keywords=("长" * 20_000,)), stored("3" * 600), stored("#3")])
    assert result.new == 3
    assert [i for i, _ in result.refused] == ["2"]
    assert len(result.refused[0][1]) < 300
    assert len(store.get(["3" * 600, "#3", "2"])) == 2


def test_the_mapping_is_strict(store: ElasticDocuments) -> None:
    store.put([stored(1)])
    server = Server(search_server().url)
    (outcome,) = server.bulk([Action("index", months()[0], "stray", {"colour": "red"})])
    assert (outcome.ok, outcome.result) == (False, "strict_dynamic_mapping_exception")
    server.close()


@pytest.mark.parametrize(
    "text", ["(甲 | " * 14 + "乙" + ")" * 14, "甲 -(乙 | 丙 " * 6 + ")" * 6, "-(" * 9 + "甲" + ")" * 9]
)
def test_deep_brackets(store: ElasticDocuments, text: str) -> None:
    store.put([stored(1, "甲 丁")])
    assert store.count(DocumentQuery(words=parse(text))) == (0 if text.startswith("-") else 1)


def test_brackets_too_deep_for_the_server_are_said(store: ElasticDocuments) -> None:
    store.put([stored(1, "甲")])
    tree: Node = Word("甲")
    for _ in range(40):
        tree = Not(And((tree, Word("甲"))))
    with pytest.raises(StoreError, match="请简化"):
        store.count(DocumentQuery(words=tree))


def test_what_a_query_becomes() -> None:
    assert compile_words(parse("甲 (乙 | 丙) -丁"), cut) == {
        "bool": {
            "filter": [{"term": {"tok": "甲"}}],
            "should": [{"terms": {"tok": ["乙", "丙"]}}],
            "minimum_should_match": 1,
            "must_not": [{"terms": {"tok": ["丁"]}}],
        }
    }


def test_names_and_months() -> None:
    assert month_of(0) == "1970-01"
    assert month_of(-1) == "1969-12"
    assert month_end("2026-12").isoformat() == "2027-01-01T00:00:00+00:00"
    assert len({row_id("a" * 512), row_id("a" * 513), row_id("a" * 514), row_id("#"), row_id("字" * 171)}) == 5
    assert all(len(row_id(text).encode()) <= 512 for text in ("a" * 512, "字" * 900, "#"))
    assert earlier_id("a", 1) != earlier_id("a\n1", 1)
    assert Names("x").month("2026-03") == "x-docs-2026-03"
    assert FIELDS["tok"]["analyzer"] == "whitespace"


def test_a_month_that_is_read_only_is_said_and_ends_by_itself(store: ElasticDocuments) -> None:
    """What Elasticsearch does when the disk is nearly full (flood stage)."""
    store.put([stored(1, "甲")])
    block = "index.blocks.read_only_allow_delete"
    search_server().ask("PUT", "/contract-*/_settings", {block: True})
    try:
        with pytest.raises(StoreError, match="只读"):
            store.put([stored(2, "乙")])
        with pytest.raises(StoreError, match="只读"):
            store.set_event({"1": "e"})
        health = store.health()
        assert health["ok"] is False
        assert "只读" in str(health["reason"])
        assert store.count(DocumentQuery(words=parse("甲"))) == 1
    finally:
        search_server().ask("PUT", "/contract-*/_settings", {block: None})
    assert store.put([stored(2, "乙")]).new == 1
    assert store.health()["ok"] is True
    assert store.recount() == []


def test_a_missing_shard_is_an_error_and_never_a_smaller_number(store: ElasticDocuments) -> None:
    store.put([stored(1, "甲", at=NOW)])
    lost = {"settings": {"index.routing.allocation.require._name": "nowhere"}}
    search_server().ask("PUT", "/contract-docs-2026-04?wait_for_active_shards=0", lost)
    try:
        assert store.health()["ok"] is False
        with pytest.raises(StoreError, match="分片"):
            store.count(EVERYTHING)
        with pytest.raises(StoreError, match="分片"):
            store.put([stored(2, at=NOW + MONTH)])
        with pytest.raises(StoreError, match="分片"):
            store.get(["2"])
        assert len(store.get(["1"])) == 1
    finally:
        search_server().ask("DELETE", "/contract-docs-2026-04")
    assert store.count(EVERYTHING) == 1


def test_backup_points_to_snapshots(store: ElasticDocuments) -> None:
    with pytest.raises(StoreError, match="快照"):
        store.backup("anywhere")


@pytest.fixture(scope="module")
def guarded() -> Iterator[SearchServer]:
    """A server of its own that asks for a password, and may be killed."""
    home = unpacked()
    tool = ["runuser", "-u", "nobody", "--"] if home.owner() == "nobody" else []
    java = {"ES_JAVA_HOME": str(java_home()), "PATH": os.environ["PATH"]}
    made = [*tool, str(home / "bin" / "elasticsearch-users"), "useradd", "office", "-p", "p@ss/word", "-r", "superuser"]
    subprocess.run(made, check=True, capture_output=True, env=java, cwd="/")
    options = ["xpack.security.enabled=true", "xpack.security.http.ssl.enabled=false", f"path.repo={home / 'data'}"]
    server = SearchServer(home, options=options)
    server.headers["authorization"] = "Basic b2ZmaWNlOnBAc3Mvd29yZA=="
    server.start()
    yield server
    server.kill()


def test_a_wrong_password_is_said_without_repeating_it(guarded: SearchServer) -> None:
    for user in ("", "office:wrong-secret@", "nobody:p%40ss%2Fword@"):
        with pytest.raises(StoreError, match="不认用户名或口令") as caught:
            ElasticDocuments(guarded.url.replace("//", f"//{user}"), segment=cut)
        assert "secret" not in str(caught.value)
        assert "word@" not in str(caught.value)


def test_a_server_that_is_killed_loses_nothing_that_was_acknowledged(guarded: SearchServer) -> None:
    store = ElasticDocuments(guarded.url.replace("//", "//office:p%40ss%2Fword@"), segment=cut)
    acknowledged: list[str] = []
    failed: list[StoreError] = []
    started = threading.Event()

    def write() -> None:
        for number in range(1000):
            rows = [stored(f"{number}-{n}", "甲", topics=("t",)) for n in range(20)]
            try:
                store.put(rows)
            except StoreError as error:
                failed.append(error)
                return
            acknowledged.extend(row.document.id for row in rows)
            if number == 3:
                started.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert started.wait(60)
    guarded.kill()
    writer.join()
    assert "文档库" in str(failed[0])
    with pytest.raises(StoreError, match="连不上"):
        store.count(EVERYTHING)
    guarded.start()
    assert len(store.get(acknowledged)) == len(acknowledged)
    again = [
        stored(f"{number}-{n}", "甲", topics=("t",)) for number in range(len(acknowledged) // 20 + 1) for n in range(20)
    ]
    assert store.put(again).refused == ()
    assert store.count(DocumentQuery(words=parse("甲"))) == len(again)
    assert store.recount() == []
    store.close()


def test_a_snapshot_brings_everything_back(guarded: SearchServer) -> None:
    """As docs/operations.md says: register a folder, take a snapshot, lose the indices, restore."""
    store = ElasticDocuments(guarded.url.replace("//", "//office:p%40ss%2Fword@"), segment=cut, prefix="kept")
    store.put([stored(n, "甲", at=NOW - n * MONTH) for n in range(3)])
    store.put([stored("0", "乙")])
    folder = {"type": "fs", "settings": {"location": "snapshots"}}
    guarded.ask("PUT", "/_snapshot/office", folder)
    guarded.ask("PUT", "/_snapshot/office/one?wait_for_completion=true", {"indices": "kept-*"})
    guarded.ask("DELETE", "/kept-docs-2026-01,kept-docs-2025-12,kept-docs-2026-03,kept-ids,kept-earlier")
    assert store.count(EVERYTHING) == 0
    guarded.ask("POST", "/_snapshot/office/one/_restore?wait_for_completion=true", {"indices": "kept-*"})
    again = ElasticDocuments(guarded.url.replace("//", "//office:p%40ss%2Fword@"), segment=cut, prefix="kept")
    assert [row.document.id for row in again.scan(EVERYTHING)] == ["2", "1", "0"]
    assert [text for _, _, _, text in again.versions("0")] == ["甲"]
    assert again.recount() == []
    store.close()
    again.close()


class Busy(BaseHTTPRequestHandler):
    """Turns away every second item of a bulk request, twice, as a full write queue does."""

    asked: list[int]

    def do_PUT(self) -> None:
        lines = self.rfile.read(int(self.headers["content-length"])).split(b"\n")
        heads = [json.loads(line) for line in lines[::2] if line]
        self.asked.append(len(heads))
        full = {"type": "es_rejected_execution_exception", "reason": "queue capacity"}
        items = [
            {"create": {"status": 429, "error": full} if n % 2 and len(self.asked) < 3 else {"status": 201}}
            for n in range(len(heads))
        ]
        body = json.dumps({"errors": True, "items": items}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("x-elastic-product", "Elasticsearch")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def test_items_that_a_busy_server_turns_away_are_sent_again() -> None:
    waits: list[float] = []
    handler = type("Handler", (Busy,), {"asked": []})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=listening.serve_forever).start()
    server = Server(f"http://127.0.0.1:{listening.server_port}", sleep=waits.append)
    try:
        outcomes = server.bulk([Action("create", "i", str(n), {"n": n}) for n in range(8)])
    finally:
        listening.shutdown()
        listening.server_close()
        server.close()
    assert all(outcome.ok for outcome in outcomes)
    assert handler.asked == [8, 4, 2]  # type: ignore[attr-defined]
    assert len(waits) == 2
    assert waits[0] < waits[1]
