"""How the embedded document store grows: put rate, search, histogram and facets at N made-up documents.

    python benchmarks/storage_million.py [N] [--data DIR]        default 100,000; 1,000,000 takes some ten minutes

Documents are runs of words drawn by Zipf's law from a made-up vocabulary, spread evenly over 180 days. Words are asked
for by their rank: the most frequent ones, which are the worst case, and the middle. Times are wall clock; the load of
the machine is printed beside them, because a busy machine makes every figure worse.
"""

import argparse
import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.documents import SqliteDocuments
from storage.ports import DocumentQuery
from storage.query import parse
from storage.types import Assessment, DepartmentGuess, Document, Flag, PlaceHit, Sentiment, StoredDocument, TopicHit

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 180
BATCH = 500
WORDS = 60  #: per document
LABELS = ("negative", "neutral", "positive")
KINDS = ("news", "government", "forum", "social", "message", "hotline")


def vocabulary(size: int = 20_000) -> list[str]:
    """Made-up words of two Han characters, most frequent first."""
    signs = [chr(code) for code in range(0x4E00, 0x4E00 + 200)]
    return ["".join(pair) for pair in itertools.islice(itertools.product(signs, signs), size)]


def documents(number: int, words: list[str], seed: int = 7) -> Iterator[StoredDocument]:
    """Documents in order of time."""
    rng = random.Random(seed)
    weights = list(itertools.accumulate(1 / rank for rank in range(2, len(words) + 2)))
    for i in range(number):
        found = rng.choices(words, cum_weights=weights, k=WORDS)
        at = START + timedelta(days=DAYS) * (i / number)
        label = rng.choices(LABELS, (3, 5, 2))[0]
        yield StoredDocument(
            document=Document(
                id=f"{i:08}",
                text="".join(found),
                title="".join(found[:6]),
                fetched_at=at,
                published_at=at,
                source=f"source-{rng.randrange(40)}",
                kind=rng.choice(KINDS),  # type: ignore[arg-type]
                url=f"https://example.invalid/{i}",
            ),
            assessment=Assessment(
                id=f"{i:08}",
                sentiment=Sentiment(label=label, negative=0.3, neutral=0.5, positive=0.2),  # type: ignore[arg-type]
                topics=(TopicHit(id=f"topic-{rng.randrange(10)}", words=(found[0],)),),
                departments=(DepartmentGuess(id=f"department-{rng.randrange(30)}", probability=0.9, reason=""),),
                places=(PlaceHit(id=f"place-{rng.randrange(20)}", name="", confidence=1, ours=True, reason=""),),
                flags=(Flag(code="kind.complaint", text="", words=()),) if label == "negative" else (),
                keywords=tuple(dict.fromkeys(found[:5])),
                tokens=" ".join(found),
                signature=rng.randbytes(64),
            ),
        )


def fill(store: SqliteDocuments, rows: Iterator[StoredDocument]) -> tuple[int, float, float]:
    """Put everything in batches; returns documents, and the seconds and CPU seconds spent in `put` alone."""
    number, spent, worked = 0, 0.0, 0.0
    while batch := list(itertools.islice(rows, BATCH)):
        begin, cpu = time.perf_counter(), time.process_time()
        store.put(batch)
        spent += time.perf_counter() - begin
        worked += time.process_time() - cpu
        number += len(batch)
    return number, spent, worked


def questions(store: SqliteDocuments, words: list[str]) -> dict[str, Callable[[], object]]:
    """What the board and the search page ask."""
    end = START + timedelta(days=DAYS)
    week = {"since": end - timedelta(days=7, minutes=13), "until": end - timedelta(minutes=13)}
    top, second, middle = words[0], words[1], words[500]
    ask = {
        f"search the most frequent word ({top})": DocumentQuery(words=parse(top)),
        "search two frequent words": DocumentQuery(words=parse(f"{top} {second}")),
        "search either, without a third": DocumentQuery(words=parse(f"({second} | {middle}) - {top}")),
        "search a word of the middle": DocumentQuery(words=parse(middle)),
        "search only an exclusion": DocumentQuery(words=parse(f"-{middle}")),
        "search word + topic + kind": DocumentQuery(
            words=parse(top), filters={"topic": ["topic-1"], "kind": ["news", "forum"]}
        ),
        "search word within a week": DocumentQuery(words=parse(top), **week),  # type: ignore[arg-type]
        "newest of a topic, no history": DocumentQuery(filters={"topic": ["topic-1"]}, historic=False),
        "everything, newest first": DocumentQuery(),
    }
    everything, lately = DocumentQuery(historic=False), DocumentQuery(historic=False, **week)  # type: ignore[arg-type]
    by_topic = DocumentQuery(filters={"topic": ["topic-2"]})
    worded = DocumentQuery(words=parse(second))
    zone = "Asia/Shanghai"
    found: dict[str, Callable[[], object]] = {
        name: lambda query=query: store.search(query)  # type: ignore[misc]
        for name, query in ask.items()
    }
    return found | {
        "histogram of days, everything": lambda: store.histogram(everything, step="day", timezone=zone),
        "histogram of hours, one week": lambda: store.histogram(lately, step="hour", timezone=zone),
        "histogram of days, one topic": lambda: store.histogram(by_topic, step="day", timezone=zone),
        "histogram of days, frequent word": lambda: store.histogram(worded, step="day", timezone=zone),
        "facet topic, everything": lambda: store.facets(everything, "topic"),
        "facet department, one week": lambda: store.facets(lately, "department"),
        "facet keyword, one week": lambda: store.facets(lately, "keyword"),
        "facet topic, middle word": lambda: store.facets(DocumentQuery(words=parse(middle)), "topic"),
        "facet topic, frequent word": lambda: store.facets(worded, "topic"),
    }


def measure(ask: Callable[[], object], rounds: int = 20) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds, one warm-up left out."""
    ask()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        ask()
        times.append((time.perf_counter() - begin) * 1000)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.95)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int, nargs="?", default=100_000)
    parser.add_argument("--data", type=Path, default=None)
    options = parser.parse_args()
    words = vocabulary()
    with tempfile.TemporaryDirectory(dir=options.data) as folder:
        store = SqliteDocuments(Path(folder) / "documents.db", segment=lambda text: text)
        number, spent, worked = fill(store, documents(options.number, words))
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(
            f"put {number} documents in batches of {BATCH}: {number / spent:,.0f}/s, {number / worked:,.0f} per CPU s"
        )
        print(f"{size / number:,.0f} bytes per document")
        for name, ask in questions(store, words).items():
            median, p95 = measure(ask)
            print(f"{name:<42} median {median:8.1f} ms   p95 {p95:8.1f} ms")
        begin = time.perf_counter()
        print(f"recount: {len(store.recount())} differences, {time.perf_counter() - begin:.1f} s")
        store.close()


if __name__ == "__main__":
    main()
