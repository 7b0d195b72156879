"""`reassess` over Dask: one worker against two, on loopback, with all that the command does.

    PYTHONPATH=.:tests python benchmarks/reassess_dask.py [N] [signs]      default 6,000 messages of about 300 signs

Reading, sending, writing and the scheduler share the cores with the workers, so on two cores two workers cannot be
twice as fast; the CPU seconds of each side say what is the limit. Rounds are interleaved.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from engines import free_port  # noqa: E402
from engines_pipeline import cpu, posts  # noqa: E402

from analysis.assess import Assessor  # noqa: E402
from analysis.words import segment  # noqa: E402
from app.commands.reassess import BATCH, _dask, run  # noqa: E402
from app.config import load  # noqa: E402
from storage.documents import SqliteDocuments  # noqa: E402
from storage.ports import DocumentQuery  # noqa: E402
from storage.types import Assessment, Sentiment, StoredDocument  # noqa: E402

ROUNDS = 3


@contextmanager
def workers(number: int) -> Iterator[tuple[str, set[int]]]:
    """A scheduler with so many workers; its address and the process ids of the workers."""
    address = f"tcp://127.0.0.1:{free_port()}"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    ran = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{words[0]}", *words[1:], "--no-dashboard"], env=environment
        )
        for words in [
            ("dask_scheduler", "--host", address),
            *[("dask_worker", address, "--nthreads", "1", "--no-nanny")] * number,
        ]
    ]
    try:
        yield address, {process.pid for process in ran[1:]}
    finally:
        for process in ran:
            process.kill()
            process.wait()


def _parts(store: SqliteDocuments) -> Iterator[list[StoredDocument]]:
    rows = store.scan(DocumentQuery())
    while part := list(islice(rows, BATCH)):
        yield part


def measure(store: SqliteDocuments, assessor: Assessor, number: int) -> tuple[float, float, float, float]:
    """Wall seconds, CPU seconds of the command and of all workers, of one `reassess --all` with warm workers; and the
    wall seconds of the understanding alone: batches that lie ready, nothing read or written."""
    with workers(number) as (address, pids):
        time.sleep(4)
        with _dask(address, assessor) as (submit, seen):
            assert seen == number
            rows = [row.document for row in store.get(["d0", "d1"])]
            for warm in [submit(rows) for _ in range(8 * number)]:
                warm.result()
            begin = time.perf_counter()
            ready = [[row.document for row in part] for part in _parts(store)]
            read = time.perf_counter() - begin
            for answer in [submit(part) for part in ready]:
                answer.result()
            alone = time.perf_counter() - begin - read
            begin, mine, theirs = time.perf_counter(), time.process_time(), cpu(lambda: pids)
            tally = run(store, submit, lambda row: True, ahead=2 * number, advance=lambda done: None)
            spent = time.perf_counter() - begin, time.process_time() - mine, cpu(lambda: pids) - theirs, alone
        assert tally["done"] == store.health()["documents"]
    return spent


def fresh(first: Path, assessor: Assessor, number: int) -> tuple[float, float, float, float]:
    """The same on a copy of the store, so that each round has everything to write."""
    copied = shutil.copyfile(first, first.with_name("round.db"))
    store = SqliteDocuments(copied, segment=segment)
    try:
        return measure(store, assessor, number)
    finally:
        store.close()
        for file in first.parent.glob("round.db*"):
            file.unlink()


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 6_000
    signs = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    assessor = Assessor(load(ROOT / "config").office)
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first.db"
        store = SqliteDocuments(first, segment=segment)
        none = Sentiment(label="neutral", negative=0.0, neutral=1.0, positive=0.0)
        store.put([
            StoredDocument(document=replace(d, kind="message"), assessment=Assessment(id=d.id, sentiment=none))
            for d in posts(number, signs)
        ])  # fmt: skip
        store.close()
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {number} messages of {signs} signs")
        whole, bare = [], []
        for _ in range(ROUNDS):
            one, two = (fresh(first, assessor, n) for n in (1, 2))
            whole.append(one[0] / two[0])
            bare.append(one[3] / two[3])
            for n, (wall, mine, theirs, alone) in enumerate((one, two), 1):
                print(
                    f"{n} worker(s): {wall:5.1f} s wall; CPU: command {mine:4.1f} s, workers {theirs:4.1f} s; "
                    f"understanding alone {alone:5.1f} s wall"
                )
        for name, ratios in (("the whole command", whole), ("understanding alone", bare)):
            middle = sorted(ratios)[len(ratios) // 2]
            print(f"two against one, {name}: {middle:.2f}x ({', '.join(f'{r:.2f}' for r in ratios)})")


if __name__ == "__main__":
    main()
