"""Memory of the server while all documents go out as one CSV, through the real route, at growing sizes of the store.

    python benchmarks/dashboards_export.py DIR [--sizes 50000 200000]    DIR: empty, or of an earlier run

The board runs in a process of its own; its resident memory is read ten times a second while the answer is taken in.
Flat means: what the export adds does not grow with its rows.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from board_example import PASSWORD, Clock, make_site, serve, stored  # noqa: E402
from dashboards_pages import WORDS  # noqa: E402

from analysis.words import segment  # noqa: E402
from storage.documents import SqliteDocuments  # noqa: E402
from storage.ports import DocumentQuery  # noqa: E402

BATCH = 2000


def opened(folder: Path) -> SqliteDocuments:
    """The store of a folder."""
    return SqliteDocuments(folder / "documents.db", segment=segment, timezone="Asia/Shanghai")


def fill(folder: Path, documents: int) -> None:
    """Bring the store to so many documents of some 60 characters."""
    store, random, now = opened(folder), Random(1), Clock().at
    there = store.count(DocumentQuery())
    for start in range(there, documents, BATCH):
        rows = []
        for number in range(start, min(start + BATCH, documents)):
            text = "，".join(random.choices(WORDS, k=20)) + f"，请处理{number}。"
            rows.append(stored(f"d{number}", text, now - timedelta(minutes=number), topic="tax", department="swj"))
        store.put(rows)
    store.close()


def show(folder: Path) -> None:
    """The board, until its input ends."""
    with tempfile.TemporaryDirectory() as people:
        site = replace(make_site(Path(people)), documents=opened(folder))
        with serve(site) as base:
            print(base, flush=True)
            sys.stdin.read()


def resident(process: int, name: str = "VmRSS") -> float:
    """MB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def measure(folder: Path) -> None:
    """One export of everything."""
    board = subprocess.Popen(
        [sys.executable, __file__, str(folder), "--show"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert board.stdout is not None
    assert board.stdin is not None
    base = board.stdout.readline().strip()
    seen: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.append(resident(board.pid))

    with httpx.Client(base_url=base, trust_env=False, timeout=600, follow_redirects=True) as client:
        csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/login").text)
        assert csrf is not None
        client.post("/login", data={"csrf": csrf[1], "name": "admin", "password": PASSWORD})
        client.get("/documents?fold=0")
        before, started = resident(board.pid), time.perf_counter()
        watching = threading.Thread(target=watch)
        watching.start()
        size = lines = 0
        with client.stream("GET", "/documents/export.csv?fold=0") as answer:
            assert answer.status_code == 200, answer.status_code
            for part in answer.iter_bytes():
                size += len(part)
                lines += part.count(b"\n")
        seconds = time.perf_counter() - started
        over.set()
        watching.join()
    print(f"{lines:>9,} lines {size / 1e6:7.1f} MB in {seconds:6.1f} s; resident {before:.0f} MB before, "
          f"{max(seen):.0f} MB at most, {max(seen) - before:+.0f} MB", flush=True)  # fmt: skip
    board.stdin.close()
    board.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50_000, 200_000])
    parser.add_argument("--show", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    if asked.show:
        show(asked.folder)
    elif asked.fill:
        fill(asked.folder, asked.fill)
    else:
        for size in asked.sizes:
            subprocess.run([sys.executable, __file__, str(asked.folder), "--fill", str(size)], check=True)
            measure(asked.folder)


if __name__ == "__main__":
    main()
