"""How a process learns that it should end, and what it calls itself."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable

#: set by the supervisor for its children: its own process id
PARENT = "MINSHENG_PARENT"


def owner_name(what: str) -> str:
    """Unique for this process: host, process id."""
    return f"{what}-{socket.gethostname()}-{os.getpid()}"


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM, SIGINT or the death of the supervisor sets."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    die_with_parent(stop.set)
    return stop


def die_with_parent(stop: Callable[[], None]) -> None:
    """In a child: call `stop` when the supervisor is gone, so that a killed `run` leaves nothing behind."""
    parent = os.environ.get(PARENT)
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(0.5)
        stop()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
