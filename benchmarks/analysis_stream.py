"""`minsheng assess` as a stream: memory after a tenth and after all lines, and two processes against one.

    PYTHONPATH=.:tests python benchmarks/analysis_stream.py 1000000     # memory, one process
    PYTHONPATH=.:tests python benchmarks/analysis_stream.py 0 200000    # two processes against one, interleaved

Wall clock is compared only between neighbours in time; `load` shows a busy machine. Two processes are compared with one
twice: over everything, and from the moment when all have started and answered their first lines.
"""

import io
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from small_office import small_office

from analysis.words import background
from app.assessing import BATCH, judged

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WARM = 8 * BATCH  #: lines after which every process has started and answered


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


class Held(io.RawIOBase):
    """The same lines again and again, made before the clock starts."""

    def __init__(self, lines: list[bytes], count: int) -> None:
        self._lines = islice(cycle(lines), count)

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
    """Wall time of one process over that of two: whole, and without the start; the latter is what must hold."""
    lines = [json.dumps({"text": t, "kind": "social"}, ensure_ascii=False).encode() + b"\n" for t in posts(5000)]
    ratios = []
    for _ in range(rounds):
        one, two = (_walls(lines, count, n) for n in (1, 2))
        ratios.append(one[1] / two[1])
        print(
            f"{count} lines: one process {one[0]:.1f} s, two {two[0]:.1f} s, {one[0] / two[0]:.2f}x;"
            f" without the start {one[1]:.1f} s, {two[1]:.1f} s, {ratios[-1]:.2f}x; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    print(f"median without the start {median(ratios):.2f}x")
    return median(ratios) >= 1.7


def _walls(lines: list[bytes], count: int, processes: int) -> tuple[float, float]:
    """Seconds of everything, and seconds for all lines behind the first ones at the pace after those."""
    stream, began, done, first = Held(lines, count), time.perf_counter(), 0, (0.0, 0)
    for answer in judged(stream, small_office(), now=NOON, processes=processes):  # type: ignore[arg-type]
        done += answer.count
        if not first[1] and done >= WARM:
            first = (time.perf_counter(), done)
    assert done == count
    end = time.perf_counter()
    return end - began, (end - first[0]) * count / (count - first[1])


if __name__ == "__main__":
    lines, scaled = (int(a) for a in [*sys.argv[1:], "0"][:2])
    raise SystemExit(0 if (not lines or memory(lines)) and (not scaled or scaling(scaled)) else 1)
