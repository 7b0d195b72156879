"""Killed in the middle, two processes at once: nothing acknowledged is lost, nothing is handed out twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from engines import NOW, cut, stored

from storage.documents import SqliteDocuments
from storage.ledger import open_ledger
from storage.ports import DocumentQuery
from storage.query import parse

_HERE = Path(__file__).parent
_WRITER = """
import sys
from pathlib import Path
from engines import NOW, cut, stored
from storage.open import open_stores
documents, ledger = open_stores(Path(sys.argv[1]), segment=cut)
for batch in range(10_000):
    rows = [stored(f"{sys.argv[2]}-{batch}-{n}", f"甲 {n}", topics=("t",)) for n in range(20)]
    with ledger.begin() as tx:
        tx.intake.add([row.document for row in rows], NOW)
    documents.put(rows)
    print(batch, flush=True)
"""
_CLAIMER = """
import sys
from engines import NOW
from storage.ledger import open_ledger
ledger = open_ledger(sys.argv[1])
while True:
    with ledger.begin() as tx:
        rows = tx.intake.claim(sys.argv[2], 7, 600, NOW)
    if not rows:
        break
    print(*(row.seq for row in rows), flush=True)
"""

_OPENER = """
import sys
from pathlib import Path
from storage.open import open_stores
open_stores(Path(sys.argv[1]), segment=str)
"""


def start(script: str, *arguments: str) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(_HERE), str(_HERE.parent)])
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_kill_9_while_writing_loses_nothing_acknowledged(tmp_path: Path) -> None:
    acknowledged = 0
    for life in range(3):
        process = start(_WRITER, str(tmp_path), f"life{life}")
        assert process.stdout is not None
        for _ in range(4 + life):
            assert process.stdout.readline().strip().isdigit()
        time.sleep(0.013 * life)
        process.send_signal(signal.SIGKILL)
        acknowledged += 20 * (4 + life + len(process.stdout.read().split()))
        process.wait()
        process.stdout.close()
    ledger = open_ledger(f"sqlite:///{tmp_path / 'minsheng.db'}")
    with ledger.read() as tx:
        received = tx.intake.waiting()
    ledger.close()
    documents = SqliteDocuments(tmp_path / "documents.db", segment=cut)
    kept = documents.count(DocumentQuery())
    assert acknowledged <= kept <= received <= acknowledged + 3 * 20
    assert documents.count(DocumentQuery(words=parse("甲"))) == kept
    assert documents.recount() == []
    documents.close()


def test_two_processes_share_the_intake(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'minsheng.db'}"
    ledger = open_ledger(url)
    with ledger.begin() as tx:
        tx.intake.add([stored(n).document for n in range(300)], NOW)
    ledger.close()
    processes = [start(_CLAIMER, url, f"w{n}") for n in range(2)]
    seqs = [int(seq) for process in processes for seq in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(seqs) == list(range(1, 301))


def test_many_processes_may_open_a_new_folder_at_once(tmp_path: Path) -> None:
    processes = [start(_OPENER, str(tmp_path / "data")) for _ in range(3)]
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0, 0]
