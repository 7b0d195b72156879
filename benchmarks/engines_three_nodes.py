"""A cluster of three nodes on this machine; one is killed with -9 while documents are put.

    python benchmarks/engines_three_nodes.py [SECONDS]      default 20 of load before and after; needs 3 GB of memory

Prints what was acknowledged, how long putting stood still, and whether everything is there once. Exit 1 when not.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from engines import SearchServer, cut, free_port, stored, unpacked  # noqa: E402

from storage.documents.elastic import ElasticDocuments  # noqa: E402
from storage.ports import DocumentQuery, StoreError  # noqa: E402


def cluster() -> list[SearchServer]:
    """Three servers that know each other, not started."""
    transports = [free_port() for _ in range(3)]
    seeds = ",".join(f"127.0.0.1:{port}" for port in transports)
    return [
        SearchServer(
            unpacked(),
            transport=port,
            patience=420,
            options=(
                "xpack.security.enabled=false", "cluster.name=three", f"node.name=n{n}",
                f"discovery.seed_hosts={seeds}",
                "cluster.initial_master_nodes=n0,n1,n2",
            ),
        )
        for n, port in enumerate(transports)
    ]  # fmt: skip


def start(nodes: list[SearchServer]) -> None:
    """All at once: none answers before two of them have found each other."""
    starting = [threading.Thread(target=node.start) for node in nodes]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a run that is ended takes its servers along
    begin = time.monotonic()
    nodes = cluster()
    try:
        start(nodes)
        print(f"three nodes after {time.monotonic() - begin:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)
        return load(nodes, seconds)
    finally:
        for node in nodes:
            node.kill()


def load(nodes: list[SearchServer], seconds: float) -> int:
    """Put through the first node; kill the second in the middle."""
    store = ElasticDocuments(nodes[0].url, segment=cut, prefix="three")
    acknowledged = number = failed = 0
    longest, last = 0.0, time.monotonic()
    end, killed = time.monotonic() + 2 * seconds, False
    while time.monotonic() < end:
        if not killed and time.monotonic() > end - seconds:
            nodes[1].kill()
            killed = True
        rows = [stored(f"{number}-{n}", "甲", topics=("t",)) for n in range(50)]
        try:
            store.put(rows)
        except StoreError as error:
            failed += 1
            print(f"told: {error}", flush=True)
            time.sleep(1)
            continue
        number, acknowledged = number + 1, acknowledged + len(rows)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    ids = [f"{batch}-{n}" for batch in range(number) for n in range(50)]
    there = sum(len(store.get(ids[start : start + 1000])) for start in range(0, len(ids), 1000))
    counted, off = store.count(DocumentQuery()), store.recount()
    print(
        f"acknowledged {acknowledged}, by id {there}, counted {counted}, {failed} puts failed, {off or 'none doubled'}"
    )
    print(f"longest pause between two acknowledged batches {longest:.1f} s; state now {store.health()['status']}")
    store.close()
    return 0 if acknowledged == there == counted and not off else 1


if __name__ == "__main__":
    raise SystemExit(main())
