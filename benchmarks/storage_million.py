"""A made-up office of N documents, N/50 events and N/200 tasks; how its document store grows and answers.

    python benchmarks/storage_million.py build DIR [documents=1000000] [--minutes 7]     goes on where it stopped
    python benchmarks/storage_million.py ask DIR                                         put nothing, measure answers

Documents are runs of real words (jieba's public dictionary, words of complaints mixed in) drawn by Zipf's law, spread
evenly over 180 days. The most frequent words stand in nearly every document: they are the worst case; the words of
complaints stand in a quarter down to a hundredth of the documents. Times are CPU time of this process and wall clock;
the load of the machine is printed beside them, because a busy machine makes every wall time worse.
"""

import argparse
import itertools
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from small_office import small_office  # noqa: E402

from analysis.words import segment  # noqa: E402
from storage.documents import SqliteDocuments  # noqa: E402
from storage.ports import DocumentQuery  # noqa: E402
from storage.query import parse  # noqa: E402
from storage.types import (  # noqa: E402
    Assessment,
    DepartmentGuess,
    Document,
    Flag,
    PlaceHit,
    Sentiment,
    StoredDocument,
    TopicHit,
)

END = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
DAYS = 180
BATCH = 500
WORDS = 60  #: per document
KINDS = ("news", "government", "forum", "social", "message", "hotline")
SOURCES = ("town-forum", "hotline", "daily", "bureau", *(f"source-{n}" for n in range(36)))
MATTERS = (("environment", "sthj"), ("food-drug", "scjg"), ("education", "jyj"), ("tax", "swj"))
AREAS = ("yiwu", "beiyuan", "fotang", "wuai-road")
ASKED = (
    *("噪声", "异味", "污水", "食堂", "退税", "学区", "入学", "停车", "路灯", "施工"),
    *("垃圾", "电梯", "物业", "工资", "医保", "公交", "河道", "油烟", "占道", "漏水"),
)


def vocabulary(size: int = 20_000) -> list[str]:
    """Words by falling frequency; those of complaints at ranks 20, 45, 70 …: in 25 % down to 2 % of the documents."""
    lines = files("jieba").joinpath("dict.txt").read_text(encoding="utf-8").splitlines()
    counted = sorted(((int(n), word) for word, n, *_ in map(str.split, lines) if word not in ASKED), reverse=True)
    words = [word for _, word in itertools.islice(counted, 2 * size) if segment(word) == word][:size]
    for place, word in enumerate(ASKED):
        words.insert(20 + 25 * place, word)
    return words


def documents(number: int, words: list[str], *, start: int = 0, total: int | None = None) -> Iterator[StoredDocument]:
    """Documents `start` to `start + number` of `total`, in order of time; each follows from its own number alone."""
    weights = list(itertools.accumulate(1 / rank for rank in range(2, len(words) + 2)))
    total = total or number
    for i in range(start, start + number):
        yield document(i, total, words, weights)


def document(i: int, total: int, words: list[str], weights: list[float]) -> StoredDocument:
    rng = random.Random(i)
    found = rng.choices(words, cum_weights=weights, k=WORDS)
    at = END - timedelta(days=DAYS) * (1 - i / total)
    label = rng.choices(("negative", "neutral", "positive"), (3, 5, 2))[0]
    topic, unit = MATTERS[rng.randrange(4)]
    source = rng.randrange(len(SOURCES))
    events = max(1, total // 50)
    return StoredDocument(
        document=Document(
            id=f"{i:08}",
            text="".join(found) + f"，请处理{i}。",
            title="".join(found[:6]),
            fetched_at=at,
            published_at=at,
            source=SOURCES[source],
            kind=KINDS[source % 6],  # type: ignore[arg-type]
            url=f"https://example.invalid/{i}",
            likes=int(rng.paretovariate(1)),
        ),
        assessment=Assessment(
            id=f"{i:08}",
            sentiment=Sentiment(label=label, negative=0.3, neutral=0.5, positive=0.2),  # type: ignore[arg-type]
            topics=(TopicHit(id=topic, words=(found[0],)),),
            departments=(DepartmentGuess(id=unit, probability=0.9, reason=""),),
            places=(PlaceHit(id=rng.choice(AREAS), name="", confidence=1, ours=True, reason=""),),
            flags=(Flag(code="kind.complaint", text="", words=()),) if label == "negative" else (),
            keywords=tuple(dict.fromkeys(found[:5])),
            tokens=" ".join(found),
            text_kind=rng.choice(("complaint", "question", "statement")),
            signature=rng.randbytes(64),
        ),
        event=f"big-{min(int(rng.paretovariate(0.6)) - 1, events - 1)}" if rng.random() < 0.1 else None,
        duplicate_of=f"{i - 1:08}" if i and rng.random() < 0.15 else None,
    )


def fill(store: SqliteDocuments, rows: Iterator[StoredDocument], until: float = 1e18) -> tuple[int, float, float]:
    """Put everything in batches; returns documents, and the seconds and CPU seconds spent in `put` alone."""
    number, spent, worked = 0, 0.0, 0.0
    while time.monotonic() < until and (batch := list(itertools.islice(rows, BATCH))):
        begin, cpu = time.perf_counter(), time.process_time()
        store.put(batch)
        spent += time.perf_counter() - begin
        worked += time.process_time() - cpu
        number += len(batch)
    return number, spent, worked


def questions(store: SqliteDocuments, words: list[str]) -> dict[str, Callable[[], object]]:
    """What the board and the search page ask."""
    end = END
    week = {"since": end - timedelta(days=7, minutes=13), "until": end - timedelta(minutes=13)}
    top, second, middle = words[0], words[1], words[501]
    ask = {
        "search 噪声 (25 %)": DocumentQuery(words=parse("噪声"), duplicates=False),
        "search 停车 (5 %)": DocumentQuery(words=parse("停车"), duplicates=False),
        "search (噪声 | 异味) + 物业 - 招聘": DocumentQuery(words=parse("(噪声 | 异味) + 物业 - 招聘")),
        f"search the most frequent word ({top})": DocumentQuery(words=parse(top)),
        "search two frequent words": DocumentQuery(words=parse(f"{top} {second}")),
        "search a phrase of two frequent words": DocumentQuery(words=parse(f'"{top} {second}"')),
        "search two frequent words NEAR/5": DocumentQuery(words=parse(f"{top} NEAR/5 {second}")),
        "search any of twenty words": DocumentQuery(words=parse(" | ".join(ASKED))),
        "search either, without a third": DocumentQuery(words=parse(f"({second} | {middle}) - {top}")),
        "search a word of the middle": DocumentQuery(words=parse(middle)),
        "search only an exclusion": DocumentQuery(words=parse(f"-{middle}")),
        "search word + topic + kind": DocumentQuery(
            words=parse("噪声"), filters={"topic": ["tax"], "kind": ["news", "forum"]}
        ),
        "search word within a week": DocumentQuery(words=parse("噪声"), **week),  # type: ignore[arg-type]
        "newest of a topic, no history": DocumentQuery(filters={"topic": ["tax"]}, historic=False),
        "everything, newest first": DocumentQuery(),
        "everything, folded": DocumentQuery(duplicates=False),
        "most spread of a word": DocumentQuery(words=parse("停车"), sort="spread"),
    }
    everything, lately = DocumentQuery(historic=False), DocumentQuery(historic=False, **week)  # type: ignore[arg-type]
    by_topic = DocumentQuery(filters={"topic": ["food-drug"]})
    worded = DocumentQuery(words=parse("噪声"), duplicates=False)
    zone = "Asia/Shanghai"
    found: dict[str, Callable[[], object]] = {
        name: lambda query=query: store.search(query)  # type: ignore[misc]
        for name, query in ask.items()
    }
    return found | {
        "histogram of days, everything": lambda: store.histogram(everything, step="day", timezone=zone),
        "histogram of hours, one week": lambda: store.histogram(lately, step="hour", timezone=zone),
        "histogram of days, one topic": lambda: store.histogram(by_topic, step="day", timezone=zone),
        "histogram of days, 噪声": lambda: store.histogram(worded, step="day", timezone=zone),
        "facet topic, everything": lambda: store.facets(everything, "topic"),
        "facet department, one week": lambda: store.facets(lately, "department"),
        "facet keyword, one week": lambda: store.facets(lately, "keyword"),
        "facet topic, middle word": lambda: store.facets(DocumentQuery(words=parse(middle)), "topic"),
        "facet topic, 噪声": lambda: store.facets(worded, "topic"),
        "facet department, two filters": lambda: store.facets(
            DocumentQuery(filters={"topic": ["tax"], "kind": ["news"]}, duplicates=False), "department"
        ),
    }


def measure(ask: Callable[[], object], rounds: int = 20) -> tuple[float, float]:
    """Median and 95th percentile in wall milliseconds, one warm-up left out."""
    ask()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        ask()
        times.append((time.perf_counter() - begin) * 1000)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.95)]


def work_of(ask: Callable[[], object], rounds: int = 10) -> tuple[float, float, float]:
    """CPU ms of the first time and the median of those after, and the median of wall ms."""
    worked, passed = [], []
    for _ in range(rounds + 1):
        begin, cpu = time.perf_counter(), time.process_time()
        ask()
        worked.append((time.process_time() - cpu) * 1000)
        passed.append((time.perf_counter() - begin) * 1000)
    later = sorted(worked[1:])
    return worked[0], later[len(later) // 2], sorted(passed)[len(passed) // 2]


def build(folder: Path, number: int, minutes: float) -> None:
    """Fill until done or until the minutes are over; what is there already is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    store = SqliteDocuments(folder / "documents.db", segment=segment, timezone=small_office().timezone)
    there = store.count(DocumentQuery())
    rows = documents(number - there, vocabulary(), start=there, total=number)
    done, spent, worked = fill(store, rows, time.monotonic() + 60 * minutes)
    store.close()
    if done:
        speed = f"{done / spent:,.0f}/s, {done / worked:,.0f} per CPU s"
        print(f"load {os.getloadavg()[0]:.1f}; put {done:,} documents: {speed}; {there + done:,} of {number:,} there")


def ask(folder: Path) -> None:
    """Every question: CPU of the first time (nothing remembered), and of the times after."""
    store = SqliteDocuments(folder / "documents.db", segment=segment, timezone=small_office().timezone)
    number = store.count(DocumentQuery())
    size = sum(file.stat().st_size for file in folder.glob("documents.db*"))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {number:,} documents")
    print(f"{size / max(1, number):,.0f} bytes per document")
    for name, question in questions(store, vocabulary()).items():
        first, later, wall = work_of(question)
        print(f"{name:<42} CPU first {first:8.1f} ms   later {later:8.1f} ms   wall {wall:8.1f} ms", flush=True)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("build", "ask"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("documents", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--minutes", type=float, default=1e9)
    options = parser.parse_args()
    if options.what == "build":
        build(options.folder, options.documents, options.minutes)
    else:
        ask(options.folder)


if __name__ == "__main__":
    main()
