"""Engines that fail under load: PostgreSQL restarted, either network cut, Elasticsearch red, slow, read-only or away at
the start.

Each time: what was acknowledged is there in the end, once; gathering goes on to accept what the ledger can hold; nobody
restarts anything by hand.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from board_example import PASSWORD, make_site, serve
from engines import LedgerServer, cut, empty_elastic, ledger_server, search_server
from fleet import Wire, until
from small_office import small_office

from app import clock
from app.intake import accept
from app.sender import Sender
from app.turn import OWNER_LEASE, Turn
from app.work import Worker, make_pipeline
from storage.documents import elastic_client
from storage.documents.elastic import ElasticDocuments
from storage.ledger import open_ledger
from storage.ports import DocumentQuery, DocumentStore, Ledger, StoreError
from storage.types import Document

EVERYTHING = DocumentQuery()
#: where documents of now are kept
MONTH = f"failing-docs-{clock.now().astimezone(UTC):%Y-%m}"
BLOCK = "index.blocks.read_only_allow_delete"


@dataclass
class Load:
    """A worker in a thread, and a gatherer that writes on whatever happens and remembers what was acknowledged."""

    documents: DocumentStore
    ledger: Ledger
    stop: threading.Event = field(default_factory=threading.Event)
    enough: threading.Event = field(default_factory=threading.Event)  #: gathering ends, the worker goes on
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0
    lives: int = 0

    @contextmanager
    def running(self) -> Iterator["Load"]:
        threads = [threading.Thread(target=self._work), threading.Thread(target=self._gather)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.enough.set()
            self.stop.set()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()

    def _work(self) -> None:
        pipeline = make_pipeline(small_office(), self.documents, self.ledger)
        turn = Turn(pipeline=pipeline, clock=clock.now, owner="w", batch=20)
        sender = Sender(office=small_office(), ledger=self.ledger, clock=clock.now, owner="s")
        self.lives += 1
        Worker(turn=turn, sender=sender, stop=self.stop).run()

    def _gather(self) -> None:
        number = 0
        while not self.enough.wait(0.05):
            try:
                accept([_post(number)], self.ledger, b"k" * 32, clock.now())
            except StoreError:
                self.refused += 1
                continue
            self.acknowledged.append(f"d{number}")
            number += 1

    def goes_on(self, more: int = 20) -> None:
        """Wait until so many more are acknowledged, and all that was acknowledged before is understood."""
        before = len(self.acknowledged)
        until(lambda: len(self.acknowledged) >= before + more, "gathering to go on")
        self.understands()

    def understands(self) -> None:
        asked = list(self.acknowledged)
        until(lambda: self._there(asked), "everything acknowledged to be understood")

    def _there(self, asked: list[str]) -> bool:
        try:
            return len(self.documents.get(asked)) == len(asked)
        except StoreError:
            return False

    def settle(self) -> None:
        """The end of a test: each document once, none parked, one life of the worker."""
        self.enough.set()
        time.sleep(1)
        self.understands()
        until(lambda: self.documents.count(EVERYTHING) == len(self.acknowledged), "the counts to agree")
        with self.ledger.read() as tx:
            assert tx.intake.parked() == []
            assert tx.audit.verify() is None
        assert self.documents.recount() == []
        assert self.lives == 1


def _post(number: int) -> Document:
    now = clock.now()
    text = f"第{number}次反映：佛堂镇桥头工地夜里施工太吵，没人管"
    return Document(id=f"d{number}", text=text, fetched_at=now, published_at=now, source="s", kind="forum")


@pytest.fixture
def postgres() -> Iterator[LedgerServer]:
    with ledger_server() as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter waits, so that a test need not sit through them."""
    monkeypatch.setattr(elastic_client, "_TIMEOUT", 6)
    monkeypatch.setattr(elastic_client, "_HURRIED", 6)
    monkeypatch.setattr("app.work.LONGEST_WAIT", 1.0)


def elastic(port: int) -> ElasticDocuments:
    return ElasticDocuments(f"http://127.0.0.1:{port}", segment=cut, prefix="failing")


@pytest.mark.usefixtures("impatient")
def test_postgresql_restarted_and_cut_off_under_load(postgres: LedgerServer) -> None:
    with ExitStack() as stack:
        wire = stack.enter_context(Wire(postgres.port).open())
        documents = empty_elastic(cut, prefix="failing")
        stack.callback(documents.close)
        ledger = open_ledger(postgres.url.replace(str(postgres.port), str(wire.port)))
        stack.callback(ledger.close)
        load = Load(documents, ledger)
        with load.running():
            load.goes_on()
            postgres.stop()
            time.sleep(1)
            postgres.start()
            load.goes_on()
            assert load.refused > 0, "a gatherer is told that nothing was written"
            wire.cut()
            time.sleep(2)
            wire.mend()
            load.goes_on()
            load.settle()


@pytest.mark.usefixtures("impatient")
def test_elasticsearch_away_at_the_start_then_read_only_then_cut_off(postgres: LedgerServer) -> None:
    server = search_server()
    with ExitStack() as stack:
        empty_elastic(cut, prefix="failing").close()
        wire = stack.enter_context(Wire(server.port).open())
        ledger = open_ledger(postgres.url)
        stack.callback(ledger.close)
        wire.cut()
        documents = elastic(wire.port)
        stack.callback(documents.close)
        load = Load(documents, ledger)
        with load.running():
            until(lambda: len(load.acknowledged) >= 40, "gathering without Elasticsearch")
            wire.mend()
            load.goes_on()
            server.ask("PUT", "/failing-*/_settings", {BLOCK: True})
            try:
                waiting = len(load.acknowledged)
                until(lambda: len(load.acknowledged) >= waiting + 40, "gathering while the indices are read-only")
                time.sleep(4)  # more tries than a document has lives
            finally:
                server.ask("PUT", "/failing-*/_settings", {BLOCK: None})
            load.goes_on()
            wire.cut()
            waiting = len(load.acknowledged)
            until(lambda: len(load.acknowledged) >= waiting + 40, "gathering while the network is cut")
            time.sleep(4)
            wire.mend()
            load.goes_on()
            load.settle()
        assert load.refused == 0, "the intake needs no Elasticsearch"


@pytest.mark.usefixtures("impatient")
def test_elasticsearch_red_then_slow_then_too_slow(postgres: LedgerServer) -> None:
    server = search_server()
    with ExitStack() as stack:
        empty_elastic(cut, prefix="failing").close()
        server.ask("DELETE", f"/{MONTH}?ignore_unavailable=true")
        # a month whose only shard may stand on no node: it can be neither written nor counted
        nowhere = {"settings": {"index.routing.allocation.require._name": "nowhere"}}
        server.ask("PUT", f"/{MONTH}?wait_for_active_shards=0", nowhere)
        wire = stack.enter_context(Wire(server.port).open())
        documents = elastic(wire.port)
        stack.callback(documents.close)
        ledger = open_ledger(postgres.url)
        stack.callback(ledger.close)
        load = Load(documents, ledger)
        with load.running():
            until(lambda: len(load.acknowledged) >= 40, "gathering while the month is red")
            assert documents.health()["ok"] is False
            server.ask("PUT", f"/{MONTH}/_settings", {"index.routing.allocation.require._name": None})
            load.goes_on()
            wire.late = 0.2
            load.goes_on()
            wire.late = 8  # longer than the program waits
            waiting = len(load.acknowledged)
            until(lambda: len(load.acknowledged) >= waiting + 100, "gathering while nothing is answered in time")
            wire.late = 0
            load.goes_on()
            load.settle()
        assert load.refused == 0, "the intake needs no Elasticsearch"


def test_a_client_that_is_lost_in_a_transaction_does_not_hold_up_the_heir(postgres: LedgerServer) -> None:
    """Half open: our side is gone, the server's side still holds the owner's row until its own patience ends."""
    with Wire(postgres.port).open() as wire:
        through = postgres.url.replace(str(postgres.port), str(wire.port))
        options = "?options=-c%20idle_in_transaction_session_timeout%3D2s%20-c%20lock_timeout%3D1s"
        lost, heir = open_ledger(through + options), open_ledger(postgres.url + options)
        with pytest.raises(StoreError):
            _be_lost(lost, heir, wire)
        with heir.read() as tx:
            assert tx.notes.get("k") is None
        lost.close()
        heir.close()


def _be_lost(lost: Ledger, heir: Ledger, wire: Wire) -> None:
    with lost.begin() as tx:
        assert tx.notes.lock("work", "lost", 1, clock.now())
        wire.cut()
        late = clock.now() + OWNER_LEASE
        until(lambda: _takes(heir, late), "the heir to take over", 20)
        wire.mend()
        tx.notes.put("k", "of a client that came back")


def _takes(heir: Ledger, late: datetime) -> bool:
    try:
        with heir.begin() as tx:
            return tx.notes.lock("work", "heir", 1, late)
    except StoreError:  # the row is still held
        return False


#: pages that need the ledger only, and pages that need the documents
LEDGER_PAGES = ("/tasks", "/tasks/task-canteen", "/settings", "/settings/users", "/audit")
PAGES = ("/", "/live/overview", "/events", "/events/canteen", "/documents", "/documents?q=噪声", "/topics", "/wall")


def test_the_board_says_in_chinese_what_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elastic_client, "_HURRIED", 2)
    site = make_site(tmp_path)
    site.documents.close()
    away = ElasticDocuments("http://office:secret-word@127.0.0.1:9", segment=cut)
    object.__setattr__(site, "documents", away)
    with serve(site) as base, httpx.Client(base_url=base, trust_env=False, timeout=60, follow_redirects=True) as opened:
        page = opened.get("/login").text
        csrf = page.split('name="csrf" value="')[1].split('"')[0]
        assert opened.post("/login", data={"csrf": csrf, "name": "admin", "password": PASSWORD}).status_code in (
            200,
            503,
        )
        for path in (*PAGES, *LEDGER_PAGES):
            answer = opened.get(path)
            assert answer.status_code in (200, 503), path
            assert "secret-word" not in answer.text
            assert "Traceback" not in answer.text
            if answer.status_code == 503:
                assert "连不上文档库" in answer.text, path
                assert "稍后重试" in answer.text
            if path in LEDGER_PAGES:
                assert answer.status_code == 200, f"{path} needs no documents"
        health = opened.get("/healthz")
        assert (health.status_code, health.json()["status"]) == (503, "down")
        assert "连不上文档库" in health.json()["reason"]
    away.close()
    site.ledger.close()
