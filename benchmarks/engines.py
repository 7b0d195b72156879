"""Both document engines side by side on the same machine: put rate, bytes per document, and what the board asks.

    python benchmarks/engines.py [N]         default 50,000; needs what tests/engines.py needs (see docs/operations.md)

The same documents and questions as `storage_million.py`. Elasticsearch is one node with 512 MB of heap, filled through
`put` by one writer, and not tuned: a floor, not its best. Every answer of the two is compared.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from engines import search_server  # noqa: E402
from storage_million import documents, fill, measure, questions, vocabulary  # noqa: E402

from storage.documents import SqliteDocuments  # noqa: E402
from storage.documents.elastic import ElasticDocuments  # noqa: E402
from storage.ports import DocumentPage, DocumentQuery  # noqa: E402


def same(one: object, other: object) -> bool:
    return one == other and not (isinstance(one, DocumentPage) and one.total != getattr(other, "total", None))


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    words = vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        pair = {
            "sqlite": SqliteDocuments(Path(folder) / "documents.db", segment=lambda text: text),
            "elastic": ElasticDocuments(search_server().url, segment=lambda text: text, prefix="bench"),
        }
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {number} documents")
        for name, store in pair.items():
            done, spent, worked = fill(store, documents(number, words))  # type: ignore[arg-type]
            print(f"{name:<8} put {done / spent:8,.0f}/s   {done / worked:8,.0f} per CPU second of this process")
        time.sleep(5)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        merged = search_server().ask("POST", "/bench-*/_forcemerge?max_num_segments=1")
        print(f"sqlite   {size / number:,.0f} bytes per document")
        held = pair["elastic"].health()["bytes"]
        assert isinstance(held, int)
        print(f"elastic  {held / number:,.0f} bytes per document, merged to one segment a month ({bool(merged)})")
        asks = {name: questions(store, words) for name, store in pair.items()}  # type: ignore[arg-type]
        for question in asks["sqlite"]:
            times = {name: measure(asks[name][question]) for name in pair}
            equal = same(asks["sqlite"][question](), asks["elastic"][question]())
            print(
                f"{question:<42}"
                + "".join(f" {name} {m:7.1f} / {p:7.1f} ms" for name, (m, p) in times.items())
                + ("" if equal else "   DIFFERENT")
            )
        for name, store in pair.items():
            begin = time.perf_counter()
            count = sum(1 for _ in store.scan(DocumentQuery()))
            print(f"{name:<8} scan {count / (time.perf_counter() - begin):,.0f}/s")
            store.close()


if __name__ == "__main__":
    main()
