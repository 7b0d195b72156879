"""`minsheng assess` as a stream: memory after a tenth and after all lines, and two processes against one.

    PYTHONPATH=.:tests python benchmarks/analysis_stream.py 1000000     # memory, one process
    PYTHONPATH=.:tests python benchmarks/analysis_stream.py 0 20000     # two processes against one, interleaved

Lines are made while they are read. Wall clock is compared only between neighbours in time; `load` shows a busy
machine.
"""

import io
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from small_office import small_office

from analysis.words import background
from app.assessing import judged

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def posts(count: int, least: int = 15, most: int = 55) -> list[str]:
    """Made-up posts of so many common words."""
    chance, pool = random.Random(20160812), list(background()[0])
    return ["".join(chance.choices(pool, k=chance.randint(least, most))) for _ in range(count)]


class Made(io.RawIOBase):
    """A stream of JSON lines that nobody holds; every ten thousandth is no document."""

    def __init__(self, texts: list[str], count: int) -> None:
        self._lines = self._made(texts, count)

    def _made(self, texts: list[str], count: int) -> Iterator[bytes]:
        for n in range(count):
            line = {"id": str(n), "text": texts[n % len(texts)], "kind": "social"}
            yield b"{bad\n" if n % 10_000 == 9_999 else json.dumps(line, ensure_ascii=False).encode() + b"\n"

    def readline(self, size: int | None = -1, /) -> bytes:
        return next(self._lines, b"")


def resident() -> int:
    """Resident memory in KiB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def memory(count: int) -> bool:
    """Resident memory after a tenth of the lines and at the end; order and error lines checked on the way."""
    done = bad = 0
    tenth = None
    for answer in judged(Made(posts(5000, 4, 10), count), small_office(), now=NOON):  # type: ignore[arg-type]
        rows = answer.lines.splitlines()
        assert len(rows) == answer.count
        assert json.loads(rows[0]).get("id", str(done)) == str(done)
        done, bad = done + answer.count, bad + answer.bad
        if tenth is None and done >= count // 10:
            tenth = resident()
    last = resident()
    print(f"{done} lines, {bad} bad: {tenth} KiB after a tenth, {last} KiB at the end, load {os.getloadavg()[0]:.1f}")
    assert (done, bad) == (count, count // 10_000)
    return last <= 1.1 * (tenth or 1)


def scaling(count: int, rounds: int = 3) -> bool:
    """Wall time of one process over that of two, start-up left out: the first answer starts the clock."""
    texts, ratios = posts(5000), []
    for _ in range(rounds):
        one, two = (_wall(texts, count, n) for n in (1, 2))
        ratios.append(one / two)
        print(f"one {one:.1f} s, two {two:.1f} s: {one / two:.2f}x, load {os.getloadavg()[0]:.1f}", flush=True)
    return median(ratios) >= 1.7


def _wall(texts: list[str], count: int, processes: int) -> float:
    start = None
    for _ in judged(Made(texts, count), small_office(), now=NOON, processes=processes):  # type: ignore[arg-type]
        start = start or time.perf_counter()
    return time.perf_counter() - (start or 0.0)


if __name__ == "__main__":
    lines, scaled = (int(a) for a in [*sys.argv[1:], "0"][:2])
    raise SystemExit(0 if (not lines or memory(lines)) and (not scaled or scaling(scaled)) else 1)
