"""The owner of grouping: fail-over, the fence against a late owner, and a store that is away for a while."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from engines import NOW, stored
from small_office import small_office

from analysis.words import segment
from app.intake import accept
from app.pipeline import ATTEMPTS
from app.sender import Sender
from app.turn import LEASE_SECONDS, LOCK, OWNER_LEASE, Turn
from app.work import Worker, make_pipeline, rebuild
from storage.documents import SqliteDocuments
from storage.open import LEDGER, open_stores
from storage.ports import AlreadyRunning, Ledger, PutResult, StoreError
from storage.types import StoredDocument


class Frail(SqliteDocuments):
    """The embedded documents behind a network that can be cut."""

    away = False

    def put(self, rows: Sequence[StoredDocument]) -> PutResult:
        self._check()
        return super().put(rows)

    def scan(self, *arguments: object, **more: object) -> Iterator[StoredDocument]:
        self._check()
        return super().scan(*arguments, **more)  # type: ignore[arg-type]

    def _check(self) -> None:
        if self.away:
            raise StoreError("连不上文档库")


@dataclass
class Place:
    """Two workers' worth of one office, with a clock in our hands."""

    documents: Frail
    ledger: Ledger
    folder: Path
    now: datetime = NOW

    def turn(self, name: str) -> Turn:
        pipeline = make_pipeline(small_office(), self.documents, self.ledger)
        return Turn(pipeline=pipeline, clock=lambda: self.now, owner=name)

    def post(self, count: int) -> None:
        rows = [stored(f"d{n}", f"第{n}条：路口的信号灯坏了", at=self.now).document for n in range(count)]
        accept(rows, self.ledger, b"k" * 32, self.now)

    def waiting(self) -> int:
        with self.ledger.read() as tx:
            return tx.intake.waiting()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    documents, ledger = open_stores(tmp_path, segment=segment)
    documents.close()
    opened = Frail(tmp_path / "frail.db", segment=segment)
    assert (tmp_path / LEDGER).exists()
    yield Place(documents=opened, ledger=ledger, folder=tmp_path)
    opened.close()
    ledger.close()


def test_the_second_stands_by_and_inherits_what_the_first_had_claimed(place: Place) -> None:
    first, second = place.turn("a"), place.turn("b")
    assert first.own()
    assert not second.own()
    place.post(5)
    with first.pipeline.ledger.begin() as tx:
        assert len(tx.intake.claim("a", 5, LEASE_SECONDS, place.now)) == 5
    place.now += OWNER_LEASE - timedelta(seconds=1)  # the first one is killed here
    assert not second.own()
    place.now += timedelta(seconds=1)
    assert second.own()
    outcome = second.step()
    assert outcome is not None
    assert outcome.documents == 5, "the claims' own lease need not run out"


def test_an_owner_that_stalled_cannot_write_beside_its_heir(place: Place) -> None:
    first, second = place.turn("a"), place.turn("b")
    place.post(3)
    assert first.own()
    with first.pipeline.ledger.begin() as tx:
        rows = tx.intake.claim("a", 10, LEASE_SECONDS, place.now)
    place.now += OWNER_LEASE
    assert second.own()
    with pytest.raises(AlreadyRunning, match="接手"):
        first.pipeline.process(rows, place.now)
    with place.ledger.read() as tx:
        assert tx.events.find()[1] == 0
        assert tx.intake.waiting() == 3
    outcome = second.step()
    assert outcome is not None
    assert outcome.documents == 3
    assert not first.own()


def test_every_transaction_of_the_owner_renews_the_lease(place: Place) -> None:
    first, second = place.turn("a"), place.turn("b")
    assert first.own()
    for _ in range(3):
        place.now += OWNER_LEASE - timedelta(seconds=1)
        with first.pipeline.ledger.begin() as tx:
            tx.notes.put("k", "v")
    assert not second.own()


def test_documents_are_not_blamed_for_a_store_that_is_away(place: Place) -> None:
    place.post(4)
    turn = place.turn("a")
    place.documents.away = True
    for _ in range(ATTEMPTS + 3):
        assert turn.own()
        with pytest.raises(StoreError, match="连不上"):
            turn.step()
        turn.broken_off()
    place.documents.away = False
    assert turn.own()
    outcome = turn.step()
    assert outcome is not None
    assert (outcome.documents, outcome.parked, place.waiting()) == (4, 0, 0)


def test_documents_that_kill_their_process_again_and_again_are_parked(place: Place) -> None:
    place.post(1)
    for life in range(ATTEMPTS):
        turn = place.turn(f"life-{life}")
        assert turn.own()
        with turn.pipeline.ledger.begin() as tx:
            assert len(tx.intake.claim(turn.owner, 9, LEASE_SECONDS, place.now)) == 1
        place.now += OWNER_LEASE
    last = place.turn("last")
    assert last.own()
    outcome = last.step()
    assert outcome is not None
    assert (outcome.documents, outcome.parked) == (0, 1)


def test_documents_are_not_blamed_for_an_owner_that_is_late_again_and_again(place: Place) -> None:
    place.post(40)
    turns = [place.turn("a"), place.turn("b")]
    sizes = []
    for life in range(2 * ATTEMPTS):
        late, heir = turns[life % 2], turns[(life + 1) % 2]
        assert late.own()
        sizes.append(_overtaken(place, late, heir))
        assert heir.own()
    assert sizes[0] == 40
    assert sizes[-1] < 10, "an owner that is late takes less the next time"
    done = []
    while (outcome := heir.step()) is not None:
        done.append(outcome)
    assert sum(outcome.documents for outcome in done) == 40
    assert sum(outcome.parked for outcome in done) == 0


def _overtaken(place: Place, late: Turn, heir: Turn) -> int:
    """`late` claims a batch and stalls in it until `heir` has taken over; returns the size of the batch."""
    sizes = []

    class Stalls(Frail):
        def put(self, rows: Sequence[StoredDocument]) -> PutResult:
            sizes.append(len(rows))
            place.now += OWNER_LEASE
            assert heir.own()
            return super().put(rows)

    plain = late.pipeline.documents
    late.pipeline.documents = Stalls(place.folder / "frail.db", segment=segment)
    with pytest.raises(AlreadyRunning, match="接手"):
        late.step()
    late.pipeline.documents.close()
    late.pipeline.documents = plain
    late.broken_off()
    return sizes[0]


def test_a_document_that_makes_every_owner_late_is_parked_in_the_end(place: Place) -> None:
    place.post(1)
    first, second = place.turn("a"), place.turn("b")
    for _ in range(ATTEMPTS):
        assert first.own()
        _overtaken(place, first, second)
        first, second = second, first
    assert first.own()
    outcome = first.step()
    assert outcome is not None
    assert (outcome.documents, outcome.parked) == (0, 1)


def test_what_kills_its_process_is_parked_alone(place: Place) -> None:
    place.post(60)
    parked = done = lives = 0
    while place.waiting():
        turn, lives = place.turn(f"life-{lives}"), lives + 1
        assert turn.own()
        with turn.pipeline.ledger.begin() as tx:
            rows = turn._claim(tx)
        if any(row.document.id == "d37" and row.attempts <= ATTEMPTS for row in rows):
            place.now += OWNER_LEASE  # killed, with all that it had claimed
            continue
        outcome = turn.pipeline.process(rows, place.now)
        parked, done = parked + outcome.parked, done + outcome.documents
        turn.release()
    assert (done, parked) == (59, 1)


def test_the_lease_is_kept_while_the_grouping_index_is_rebuilt(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.work.KEEP", 2)
    first, second = place.turn("a"), place.turn("b")
    place.documents.put([stored(f"d{n}", f"第{n}条", at=place.now) for n in range(12)])
    assert first.own()

    def slow() -> None:
        place.now += OWNER_LEASE / 3
        first.keep()
        assert not second.own()

    rebuild(first.pipeline, place.now, slow)
    assert place.now > NOW + OWNER_LEASE
    place.now += OWNER_LEASE
    assert second.own()
    with pytest.raises(AlreadyRunning, match="接手"):
        rebuild(first.pipeline, place.now, first.keep)


def test_deadlines_and_sending_go_on_while_the_documents_are_away(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.work.LONGEST_WAIT", 0.05)
    place.documents.away = True
    place.post(2)
    stop = threading.Event()
    sender = Sender(office=small_office(), ledger=place.ledger, clock=lambda: place.now, owner="s")
    worker = Worker(turn=place.turn("a"), sender=sender, stop=stop)
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        _until(lambda: "heartbeat:sweep" in _notes(place) and "heartbeat:send" in _notes(place))
        assert running.is_alive()
        assert place.waiting() == 2
        place.documents.away = False
        _until(lambda: place.waiting() == 0)
    finally:
        stop.set()
        running.join(20)
    assert place.documents.get(["d0", "d1"])
    with place.ledger.begin() as tx:
        assert tx.notes.lock(LOCK, "somebody else", 1, place.now), "the lease was given back"


def _notes(place: Place) -> list[str]:
    with place.ledger.read() as tx:
        return tx.notes.keys("heartbeat:")


def _until(what: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(200):
        if what():
            return
        tick.wait(0.05)
    raise AssertionError("waited 10 s in vain")
