"""Does a document cost the same with few and with many others in the window, and how much memory does it hold?

    PYTHONPATH=.:tests python benchmarks/events_growth.py [largest, default 100000]

Documents are made of a vocabulary with Zipf frequencies and four names of their own matter, ten documents a matter, so
that the share of new events stays the same at any size. CPU time of the last 2,000 documents; memory is the peak of the
process over its start. Prints one line a size.
"""

import random
import resource
import sys
import time
from datetime import UTC, datetime, timedelta

from small_office import small_office

from analysis.events import Grouper
from storage.types import Assessment, Document, Sentiment

CALM = Sentiment(label="neutral", negative=0.2, neutral=0.6, positive=0.2)
START = datetime(2026, 3, 2, tzinfo=UTC)
SIGNS = [chr(0x4E00 + i) for i in range(0, 8000)]


def document(rng: random.Random, i: int) -> Document:
    matter = random.Random(i // 10)
    names = ["".join(matter.choices(SIGNS, k=2)) for _ in range(4)]
    usual = [
        "".join((SIGNS[int(rng.paretovariate(0.7)) % 5000], SIGNS[int(rng.paretovariate(0.7)) % 5000]))
        for _ in range(18)
    ]
    at = START + timedelta(seconds=i)
    text = "，".join([*names, *usual])
    return Document(id=f"d{i:08}", text=text, kind="social", source="s", published_at=at, fetched_at=at)


def rss() -> float:
    """Peak resident memory in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    grouper, rng = Grouper(small_office(), window_days=365), random.Random(1)
    held, before, first = 0, rss(), 0.0
    sizes = [n for n in (10_000, 30_000, 100_000, 300_000, 1_000_000) if n <= largest]
    for size in sizes:
        spent = 0.0
        while held < size:
            batch = [document(rng, held + i) for i in range(500)]
            pairs = [(d, Assessment(id=d.id, sentiment=CALM)) for d in batch]
            start = time.process_time()
            grouper.assign(pairs)
            spent = (spent if held > size - 2000 else 0.0) + time.process_time() - start
            held += 500
        cost = spent / 2000 * 1e6
        first = first or cost
        memory = (rss() - before) * 1048.576 / size
        print(f"{size:>9} held  {cost:7.0f} us a document  x{cost / first:.2f}  {memory:.2f} kB a document")


if __name__ == "__main__":
    main()
