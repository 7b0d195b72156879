"""The thread of `minsheng serve` that makes what was ordered (see `app.reporting`)."""

import logging
import threading
from collections.abc import Callable

from dashboards.reports.issues import clear_leftovers
from dashboards.reports.press import Press, make_next
from storage.ports import StoreError

log = logging.getLogger("minsheng.press")

#: seconds between two looks for orders that nobody announced
LOOK = 5.0


def run_press(press: Press, stop: threading.Event, wake: threading.Event, ended: Callable[[], None]) -> None:
    """Make what is ordered until `stop`. An error of the program ends the process (`ended`), as everywhere."""
    try:
        clear_leftovers(press.data, press.clock())
        while not stop.is_set():
            wake.clear()
            try:
                made = make_next(press)
            except StoreError as error:
                log.error("报告没有编制成，稍后再试：%s", error)
                made = None
            if made is None or made.state == "waiting":
                wake.wait(LOOK)
    finally:
        ended()
