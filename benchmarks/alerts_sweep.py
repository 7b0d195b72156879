"""How long the minute's sweep takes over 10,000 open tasks.

PYTHONPATH=.:tests python benchmarks/alerts_sweep.py [tasks]
"""

import sys
import time
from dataclasses import replace
from datetime import timedelta

from scenario import Scenario, moment

from alerts.escalation import sweep


def main(count: int) -> None:
    base = []
    for level in (1, 2, 3, 4):
        s = Scenario("2025-10-09 10:00")
        s.event("e1", level=level)
        base.append(s.task("scjg"))
    start = moment("2025-10-09 10:00")
    tasks = [replace(base[n % 4], id=f"t{n}", alert=f"a{n}", title=f"事项{n}") for n in range(count)]
    for label, minutes, since in (
        ("an ordinary minute", 35, 34),
        ("a minute with repeats", 30, 29),
        ("everything again", 35, None),
    ):
        now = start + timedelta(minutes=minutes)
        last = start + timedelta(minutes=since) if since is not None else None
        began = time.process_time()
        rows = sweep(tasks, {}, {}, s.office, now, since=last)
        print(f"{label:24} {count} tasks  {len(rows):6} messages  {time.process_time() - began:.2f} s CPU")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
