"""Keeps the processes of one `minsheng run` alive, and stops them together.

    run ─┬─ serve    pages and API
         ├─ work     assess, group, grade, plan, send
         ├─ crawl    gather
         └─ sample   the sample town, where a sample source is enabled

Each child writes to its own log, dies with its parent, and is started again when it ends by itself.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.signals import PARENT

#: seconds before the next start of a child that ended, by number of ends within RESET_AFTER
BACKOFF = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)
RESET_AFTER = 60.0
#: exit code of a child whose configuration cannot be used: starting it again would not help
EXIT_CONFIG = 3
STOP_SECONDS = 10.0
LOG_LIMIT = 20_000_000


@dataclass(slots=True)
class Child:
    """One supervised process."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    ends: int = 0
    restart_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Starts, watches and stops children. `say` is told what a person should know, in Chinese."""

    children: list[Child]
    logs: Path
    say: Callable[[str], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        for child in self.children:
            self._spawn(child)

    def _spawn(self, child: Child) -> None:
        path = self.logs / f"{child.name}.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            child.process = subprocess.Popen(
                [sys.executable, "-m", "app", *child.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the supervisor only, which then stops them in order
                env={**os.environ, **self.environment, PARENT: str(os.getpid())},
            )
        child.started = time.monotonic()

    def watch(self) -> int:
        """Until `stopping` is set; returns the exit code for the whole run."""
        while not self.stopping.wait(0.2):
            for child in self.children:
                code = self._tend(child)
                if code is not None:
                    return code
        return 0

    def _tend(self, child: Child) -> int | None:
        """Start a child again when its time has come; an exit code when the whole run must end."""
        if child.process is None:
            if time.monotonic() >= child.restart_at:
                self._spawn(child)
            return None
        code = child.process.poll()
        if code is None:
            return None
        child.process = None
        if code == EXIT_CONFIG:
            self.say(f"{child.name} 无法按当前配置启动，详见 {self.logs / (child.name + '.log')}")
            return EXIT_CONFIG
        if time.monotonic() - child.started > RESET_AFTER:
            child.ends = 0
        wait = BACKOFF[min(child.ends, len(BACKOFF) - 1)]
        child.ends += 1
        child.restart_at = time.monotonic() + wait
        self.say(f"{child.name} 意外结束（{code}），{wait:g} 秒后重新启动；详见 {self.logs / (child.name + '.log')}")
        return None

    def stop(self) -> None:
        """Ask every child to end, wait, then end what is left by force."""
        running = [c.process for c in self.children if c.process is not None and c.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
