"""Both document engines side by side on the same machine: put rate, bytes per document, and what the board asks.

    python benchmarks/engines.py [N] [--board]     default 50,000; needs what tests/engines.py needs
                                                   (see docs/operations.md)

The same documents and questions as `storage_million.py`. Elasticsearch is one node with 512 MB of heap (2 GB from
200,000 documents on), filled through `put` by one writer, and not tuned: a floor, not its best. Every answer of the two
is compared. With `--board`, every page of the board over each of them as well (`dashboards_pages.py`).
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from dashboards_pages import over  # noqa: E402
from engines import SearchServer, unpacked  # noqa: E402
from storage_million import documents, fill, measure, questions, vocabulary  # noqa: E402

from analysis.words import segment  # noqa: E402
from storage.documents import SqliteDocuments  # noqa: E402
from storage.documents.elastic import ElasticDocuments  # noqa: E402
from storage.ports import DocumentPage, DocumentQuery  # noqa: E402

MERGES = "/_cat/indices/bench-*?format=json&h=merges.current"


def same(one: object, other: object) -> bool:
    return one == other and not (isinstance(one, DocumentPage) and one.total != getattr(other, "total", None))


def fill_both(pair: dict[str, Any], number: int, words: list[str]) -> None:
    for name, store in pair.items():
        done, spent, worked = fill(store, documents(number, words))
        print(
            f"{name:<8} put {done / spent:8,.0f}/s   {done / worked:8,.0f} per CPU second of this process", flush=True
        )


def ask_both(pair: dict[str, Any], words: list[str]) -> None:
    """The same questions, in turn, and whether the answers are the same."""
    asks = {name: questions(store, words) for name, store in pair.items()}
    for question in asks["sqlite"]:
        times = {name: measure(asks[name][question]) for name in pair}
        equal = same(asks["sqlite"][question](), asks["elastic"][question]())
        told = "".join(f" {name} {m:7.1f} / {p:7.1f} ms" for name, (m, p) in times.items())
        print(f"{question:<42}{told}{'' if equal else '   DIFFERENT'}", flush=True)
    for name, store in pair.items():
        begin = time.perf_counter()
        count = sum(1 for _ in store.scan(DocumentQuery()))
        print(f"{name:<8} scan {count / (time.perf_counter() - begin):,.0f}/s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=int, nargs="?", default=50_000)
    parser.add_argument("--board", action="store_true")
    options = parser.parse_args()
    number, words = options.documents, vocabulary()
    server = SearchServer(unpacked(), heap="512m" if number < 200_000 else "2g")
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            compare(server, Path(folder), number, words, options.board)
    finally:
        server.kill()


def compare(server: SearchServer, folder: Path, number: int, words: list[str], board: bool) -> None:
    """Fill both, weigh both, ask both."""
    pair: dict[str, Any] = {
        "sqlite": SqliteDocuments(folder / "documents.db", segment=segment),
        "elastic": ElasticDocuments(server.url, segment=segment, prefix="bench"),
    }
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {number} documents", flush=True)
    fill_both(pair, number, words)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"sqlite   {size / number:,.0f} bytes per document")
    merged = pair["elastic"].count(DocumentQuery())  # a refresh, so that all of it can be merged
    merge(server)
    held = pair["elastic"].health()["bytes"]
    print(f"elastic  {held / number:,.0f} bytes per document of {merged}, merged to one segment a month", flush=True)
    ask_both(pair, words)
    for name, store in pair.items():
        if board:
            print(f"board over {name}, load {os.getloadavg()[0]:.1f}", flush=True)
            over(store, events=20_000, rounds=10)
        store.close()


def merge(server: SearchServer) -> None:
    """One segment a month; waits for as long as that takes."""
    server.ask("POST", "/bench-*/_forcemerge?max_num_segments=1&wait_for_completion=false")
    while any(int(row["merges.current"]) for row in server.ask("GET", MERGES)):  # type: ignore[attr-defined]
        time.sleep(2)
    time.sleep(5)


if __name__ == "__main__":
    main()
