"""A real sender process, killed with SIGKILL at random moments: every message arrives, at most one twice per kill."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from provider import OK, Provider
from small_office import small_office

from alerts.notices import for_task
from app import clock
from storage.ledger import open_ledger
from storage.types import Delivery, Office, Task

_HERE = Path(__file__).parent
KILLS, URGENT, CALM = 10, 300, 12
#: the lease is shortened so that the heir need not wait two minutes
_SENDER = """
import sys
from dataclasses import replace
import app.sender
from app import clock
from small_office import small_office
from storage.ledger import open_ledger
app.sender.LEASE_SECONDS, app.sender.SEND_SECONDS = 2.0, 1.0
base = small_office()
hook = {"kind": "webhook", "url": sys.argv[2]}
where = replace(base, messages_per_hour=10_000, channels={**base.channels, "hook": hook})
ledger = open_ledger(sys.argv[1])
sender = app.sender.Sender(office=where, ledger=ledger, clock=clock.now, owner=sys.argv[3])
print("ready", flush=True)
while True:
    with ledger.read() as tx:
        if not tx.outbox.waiting():
            break
    sender.send_due()
"""


def office() -> Office:
    base = small_office()
    units = {name: replace(unit, channels=("hook",)) for name, unit in base.departments.items()}
    return replace(base, departments=units)


def rows(where: Office) -> list[Delivery]:
    """Urgent ones that go out one by one, and calm ones to two units that become lists."""
    now = clock.now() - timedelta(hours=1)
    found = []
    for n in range(URGENT + CALM):
        level, unit = (3, "scjg") if n < URGENT else (2, ("sthj", "jyj")[n % 2])
        task = Task(
            id=f"t{n}", event=f"e{n}", alert="", department=unit, role="lead", title=f"事项编号{n:04}号", level=level,
            state="dispatched", rule="R2", reasons=(), created_at=now, dispatched_at=now,
        )  # fmt: skip
        found += for_task("FIRST", task, unit, "1", where, now)
    return found


def start(url: str, provider: str, name: str) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(_HERE), str(_HERE.parent)])
    process = subprocess.Popen(
        [sys.executable, "-c", _SENDER, url, provider, name],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


@pytest.mark.slow
def test_a_sender_killed_ten_times_delivers_everything_with_a_duplicate_a_kill_at_most(tmp_path: Path) -> None:
    url, chance = f"sqlite:///{tmp_path / 'minsheng.db'}", random.Random(9)
    ledger = open_ledger(url)
    with ledger.begin() as tx:
        added = tx.outbox.add(rows(office()))
    assert added == URGENT + CALM
    with Provider([OK]) as provider:
        for life in range(KILLS):
            process = start(url, provider.url, f"life-{life}")
            time.sleep(chance.uniform(0.01, 0.15))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert process.returncode == -signal.SIGKILL, "it had not finished yet"
        last = start(url, provider.url, "last")
        last.communicate(timeout=60)
        assert last.returncode == 0
        told = [set(re.findall(r"事项编号(\d{4})号", str(seen.json()))) for seen in provider.requests]
    seen: set[str] = set()
    doubles = 0
    for message in told:
        doubles += not message.isdisjoint(seen)
        seen |= message
    assert seen == {f"{n:04}" for n in range(URGENT + CALM)}
    assert doubles <= KILLS
    with ledger.read() as tx:
        assert {d.status for d in tx.outbox.find(size=10_000)} == {"ok"}
    ledger.close()
