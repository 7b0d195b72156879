"""How long the whole `sweep` job takes over 10,000 open tasks: ledger reads, deciding, writing; SQLite in a new folder.

PYTHONPATH=.:tests python benchmarks/alerts_sweep_job.py [tasks]
"""

import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from scenario import Scenario, moment

from app.sweeping import sweep
from app.work import make_pipeline
from storage.open import open_stores
from storage.ports import Ledger
from storage.types import Event

START = moment("2025-10-09 10:00")


def fill(ledger: Ledger, count: int) -> None:
    """`count` tasks over the four levels, each with its event and its open alert."""
    base = []
    for level in (1, 2, 3, 4):
        s = Scenario("2025-10-09 10:00")
        s.event("e", level=level)
        task = s.task("scjg")
        base.append((s.events["e"], s.alerts[task.alert], task))
    with ledger.begin() as tx:
        events: list[Event] = []
        tasks = []
        for n in range(count):
            event, alert, task = base[n % 4]
            events.append(replace(event, id=f"e{n}", title=f"事项{n}"))
            tx.tasks.open_alert(replace(alert, id=f"a{n}", event=f"e{n}"))
            clocks = tuple(replace(d, task=f"t{n}") for d in task.deadlines)
            tasks.append(replace(task, id=f"t{n}", event=f"e{n}", alert=f"a{n}", title=f"事项{n}", deadlines=clocks))
        tx.events.save(events)
        tx.tasks.create(tasks)


def main(count: int) -> None:
    office = Scenario("2025-10-09 10:00").office
    with tempfile.TemporaryDirectory() as folder:
        documents, ledger = open_stores(Path(folder), segment=str)
        fill(ledger, count)
        pipeline = make_pipeline(office, documents, ledger)
        sweep(pipeline, START + timedelta(minutes=29))  # the first one queues what was due before
        for label, minutes in (
            ("a minute with repeats", 30),
            ("the same overlap again", 35),
            ("an ordinary minute", 42),
        ):
            now = START + timedelta(minutes=minutes, seconds=20)
            began = time.process_time()
            with ledger.read() as tx:
                read = sum(1 for _ in tx.tasks.open())
            reading = time.process_time() - began
            began, wall = time.process_time(), time.monotonic()
            sweep(pipeline, now)
            spent = time.process_time() - began
            took = time.monotonic() - wall
            print(f"{label:24} {read} tasks  reading {reading:.2f}  whole {spent:.2f} s CPU, {took:.2f} s by the wall")
        documents.close()
        ledger.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
