"""Several processes of each kind on a real PostgreSQL and a real Elasticsearch, killed at random: nothing is lost,
nothing is doubled, and what comes out is what one process of each kind makes of the same stream on the embedded files.
"""

import hashlib
import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from engines import cut, empty_elastic, postgresql, search_server
from fleet import TOKEN, Feeds, Fleet, Stream, config, stream, until

from analysis.words import segment
from app import clock
from app.config import load
from app.folder import AUTHOR, derived, open_folder, secret
from app.intake import accept
from app.work import drain
from dashboards.api.rows import DocumentIn
from storage.open import open_stores
from storage.ports import DocumentQuery, DocumentStore, Ledger

NAMES = [f"{command}-{n}" for n in range(3) for command in ("serve", "work", "crawl")]


@dataclass(frozen=True, slots=True)
class Picture:
    """What an office holds in the end, without what the pace of arrival decides.

    That is the ids of events (of the first document), clock times, and levels: a level is kept once it was reached, and
    whether it was depends on how many posts were there at each of the moments at which it was looked at.
    """

    documents: dict[str, tuple[object, ...]]
    events: dict[frozenset[str], tuple[object, ...]]
    tasks: list[tuple[object, ...]]


def picture(documents: DocumentStore, ledger: Ledger) -> Picture:
    rows = {row.document.id: row for row in documents.scan(DocumentQuery())}
    with ledger.read() as tx:
        found, _ = tx.events.find(historic=False, size=500)
        members = tx.events.members_of([event.id for event in found])
        tasks, _ = tx.tasks.find(size=500)
        assert tx.audit.verify() is None
        assert tx.intake.parked() == []
        assert tx.intake.waiting() == 0
    inside = {event.id: frozenset(m.document for m in members[event.id]) for event in found}
    return Picture(
        documents={
            i: (r.document.text, r.document.kind, r.version, r.assessment.sentiment.label, r.assessment.topics)
            for i, r in rows.items()
        },
        events={inside[e.id]: (e.topic, e.area, e.documents, e.status) for e in found},
        tasks=sorted((sorted(inside[t.event]), t.department, t.role, t.rule) for t in tasks),
    )


def grant(ledger: Ledger) -> None:
    with ledger.begin() as tx:
        tx.users.add_token(hashlib.sha256(TOKEN.encode()).hexdigest(), "12345", ["documents:write", "read"], None)


def pushed(fleet: Fleet, rows: list[dict[str, object]], chance: random.Random) -> None:
    for start in range(0, len(rows), 3):
        fleet.push(rows[start : start + 3], chance)


def settled(documents: DocumentStore, ledger: Ledger, count: int) -> bool:
    with ledger.read() as tx:
        waiting = tx.intake.waiting()
    return waiting == 0 and documents.count(DocumentQuery()) == count


def embedded(folder: Path, where: Path, told: Stream) -> Picture:
    """One process after the other on the embedded files."""
    folder.mkdir()
    Fleet(data=folder, config=where, environment={}).once("crawl")
    documents, ledger = open_stores(folder, segment=segment)
    rows = [DocumentIn.model_validate(row) for row in told.pushes]
    now, office = clock.now(), load(where).office
    pushes = [row.document(key="", source="12345", now=now, timezone=office.timezone) for row in rows]
    accept(pushes, ledger, derived(secret(open_folder(folder)), AUTHOR), now)
    drain(office, documents, ledger, clock.now, lambda _: None)
    found = picture(documents, ledger)
    documents.close()
    ledger.close()
    return found


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[dict[str, str]]:
    empty_elastic(cut, prefix="minsheng").close()
    with postgresql() as url:
        yield {"MINSHENG_DOCUMENTS": search_server().url, "MINSHENG_LEDGER": url}


@pytest.mark.slow
@pytest.mark.skipif("MINSHENG_FLEET" not in os.environ, reason="takes minutes: set MINSHENG_FLEET=1 to run it")
def test_three_of_each_killed_at_random_lose_and_double_nothing(tmp_path: Path, engines: dict[str, str]) -> None:
    chance = random.Random(20261124)
    told = stream(clock.now())
    count = len(told.pushes) + sum(len(feed) for feed in told.feeds)
    with ExitStack() as stack:
        feeds = stack.enter_context(Feeds(entries=told.feeds).open())
        where = config(tmp_path, feeds.sources())
        expected = embedded(tmp_path / "embedded", where, told)
        feeds.shown = 0.2
        data = tmp_path / "data"
        data.mkdir()
        documents, ledger = open_stores(
            data,
            segment=segment,
            documents_url=engines["MINSHENG_DOCUMENTS"],
            ledger_url=engines["MINSHENG_LEDGER"],
        )
        grant(ledger)
        fleet = stack.enter_context(Fleet(data=data, config=where, environment=engines).running(NAMES))
        pushed(fleet, told.pushes[:9], chance)
        for number, name in enumerate(chance.sample(NAMES, len(NAMES))):
            fleet.kill(name)
            feeds.shown = min(1.0, 0.2 + number / 8)
            pushed(fleet, told.pushes[number * 3 : number * 3 + 6], chance)
            time.sleep(chance.uniform(0.3, 1.5))
        pushed(fleet, told.pushes, chance)
        until(lambda: settled(documents, ledger, count), "nine processes to have read everything")
        found = picture(documents, ledger)
        assert sorted(fleet.kills) == sorted(NAMES)
        assert fleet.starts >= 2 * len(NAMES)
    assert found.documents == expected.documents
    assert found.events == expected.events
    assert found.tasks == expected.tasks
    assert len(found.tasks) >= 3, "the stream says something"
    documents.close()
    ledger.close()
