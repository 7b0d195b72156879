"""A put into Elasticsearch, in portions of which two are under way at once.

A portion is computed (cut into columns, made JSON) for about as long as the server then needs for it, so one is
computed while the server is busy with the other.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from storage.documents.elastic_client import Server
from storage.documents.elastic_schema import Names
from storage.documents.elastic_write import put_rows
from storage.documents.rows import Row, describe
from storage.ledger.codec import key
from storage.ports import PutResult
from storage.types import StoredDocument

#: rows of one portion: four requests, whatever their number
_PORTION = 250
#: portions under way at once; more only wait for each other on one node
THREADS = 2

Told = tuple[Counter[str], list[tuple[str, str]]]


def put_all(
    server: Server,
    names: Names,
    rows: Sequence[StoredDocument],
    *,
    segment: Callable[[str], str],
    make_months: Callable[[set[str]], None],
    pool: ThreadPoolExecutor,
) -> PutResult:
    """See `storage.ports.DocumentStore.put`. StoreError of the first portion that failed, when none is under way."""

    def put(part: Sequence[StoredDocument]) -> Told:
        ready, refused = _described(part, segment)
        counted, turned_away = put_rows(server, names, ready, make_months)
        return counted, refused + turned_away

    tally, refused = Counter[str](), list[tuple[str, str]]()
    for wave in _waves(rows):
        under_way = [pool.submit(put, part) for part in wave[1:]]
        try:
            told = [put(wave[0])]
        finally:  # nothing of this put is written after it was answered
            failed = [error for one in under_way if (error := one.exception()) is not None]
        if failed:
            raise failed[0]
        for counted, turned_away in [*told, *(one.result() for one in under_way)]:
            tally += counted
            refused += turned_away
    return PutResult(**{name: tally[name] for name in ("new", "updated", "unchanged")}, refused=tuple(refused))


def _described(
    rows: Sequence[StoredDocument], segment: Callable[[str], str]
) -> tuple[list[Row], list[tuple[str, str]]]:
    ready: list[Row] = []
    refused: list[tuple[str, str]] = []
    for stored in rows:
        document = stored.document
        tokens = stored.assessment.tokens or segment(f"{document.title}\n{document.text}")
        try:
            ready.append(describe(stored, tokens))
        except ValueError as error:
            refused.append((document.id, str(error)))
    return ready, refused


def _waves(rows: Sequence[StoredDocument]) -> Iterator[list[list[StoredDocument]]]:
    """Portions that may be written at the same time: no id stands twice in a wave; the later of two comes later."""
    wave: dict[str, StoredDocument] = {}
    for row in rows:
        name = key(row.document.id)
        if name in wave or len(wave) == THREADS * _PORTION:
            yield _parts(list(wave.values()))
            wave = {}
        wave[name] = row
    if wave:
        yield _parts(list(wave.values()))


def _parts(rows: list[StoredDocument]) -> list[list[StoredDocument]]:
    """In equal parts; few rows stay together: a request costs the server more than they do."""
    number = 1 if len(rows) < _PORTION // 2 else THREADS
    return [rows[n::number] for n in range(number)]
