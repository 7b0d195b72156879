"""Which loops have run, and which jobs have failed: kept in the ledger's notes, so that any process can look.

heartbeat:<loop>   when it last completed a run     send · sweep · evaluate · crawl
fault:<job>        {"at", "times", "error"} of a timed job that ended with an error of the program
"""

import json
from datetime import datetime, timedelta

from storage.ports import Transaction
from storage.types import Office

#: the names that officials read
LOOPS = {"send": "发送", "sweep": "时限巡检", "evaluate": "等级复核", "crawl": "采集"}
#: a job that failed waits 1, 2, 4 … minutes after its last failure, at most this long
LONGEST_WAIT = timedelta(hours=1)


def beat(tx: Transaction, loop: str, now: datetime) -> None:
    """Write down that a loop has completed a run."""
    tx.notes.put(f"heartbeat:{loop}", now.isoformat())


def last_beat(tx: Transaction, loop: str) -> datetime | None:
    text = tx.notes.get(f"heartbeat:{loop}")
    return datetime.fromisoformat(text) if text else None


def beats(tx: Transaction, *but: str) -> dict[str, datetime]:
    """Name as officials read it → last run, of every loop that ever ran, for `watchdog.stuck`."""
    found = {name: last_beat(tx, loop) for loop, name in LOOPS.items() if loop not in but}
    return {name: at for name, at in found.items() if at is not None}


def rhythm(office: Office) -> dict[str, timedelta]:
    """How far apart the runs of the loops are meant to be, for `watchdog.stuck`."""
    return {
        LOOPS["evaluate"]: timedelta(seconds=office.risk.evaluate_seconds),
        LOOPS["crawl"]: timedelta(minutes=10),
    }


def record_fault(tx: Transaction, job: str, error: str, now: datetime) -> datetime:
    """Write down that a job has failed; until when it waits."""
    times = _times(tx.notes.get(f"fault:{job}")) + 1
    tx.notes.put(f"fault:{job}", json.dumps({"at": now.isoformat(), "times": times, "error": error[:500]}))
    return now + _wait(times)


def waits_until(tx: Transaction, job: str, now: datetime) -> datetime | None:
    """Until when a failed job waits so that the others run; None when it may run."""
    text = tx.notes.get(f"fault:{job}")
    if text is None:
        return None
    at = datetime.fromisoformat(json.loads(text)["at"])
    until = at + _wait(_times(text))
    # a fault of the future is one of a clock that was wrong then
    return until if at <= now < until else None


def has_fault(tx: Transaction, job: str) -> bool:
    return tx.notes.get(f"fault:{job}") is not None


def clear_fault(tx: Transaction, job: str) -> None:
    tx.notes.drop(f"fault:{job}")


def _times(text: str | None) -> int:
    return int(json.loads(text)["times"]) if text else 0


def _wait(times: int) -> timedelta:
    return min(LONGEST_WAIT, timedelta(minutes=2 ** (min(times, 10) - 1)))
