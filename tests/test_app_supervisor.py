"""The supervisor with real processes: restart, stop, death with the parent, one owner per folder."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.folder import open_folder, secret, sole_owner
from app.supervisor import EXIT_CONFIG, Child, Supervisor
from storage.ports import AlreadyRunning, StoreError

REPO = Path(__file__).resolve().parent.parent


def until(what: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


class Script(Supervisor):
    """A supervisor whose children are small scripts instead of `python -m app`."""

    def _spawn(self, child: Child) -> None:
        with (self.logs / f"{child.name}.log").open("ab") as log:
            child.process = subprocess.Popen(
                [sys.executable, "-c", *child.arguments], stdout=log, stderr=log, start_new_session=True
            )
        child.started = time.monotonic()


def test_a_killed_child_is_started_again_and_all_stop_together(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child(name="work", arguments=["import time; time.sleep(60)"])
    keeper = Script(children=[child], logs=tmp_path, say=said.append)
    keeper.start()
    watcher = threading.Thread(target=keeper.watch)
    watcher.start()
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: child.process is not None and child.process.pid != first)
    assert "重新启动" in said[0]
    keeper.stopping.set()
    watcher.join(5)
    process = child.process
    keeper.stop()
    assert process is not None
    assert process.poll() is not None


def test_a_child_with_a_bad_configuration_ends_the_run(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child(name="serve", arguments=[f"raise SystemExit({EXIT_CONFIG})"])
    keeper = Script(children=[child], logs=tmp_path, say=said.append)
    keeper.start()
    assert keeper.watch() == EXIT_CONFIG
    assert "配置" in said[0]


def test_a_stubborn_child_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.supervisor.STOP_SECONDS", 0.5)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = Child(name="crawl", arguments=[code])
    keeper = Script(children=[child], logs=tmp_path, say=print)
    keeper.start()
    until(lambda: b"up" in (tmp_path / "crawl.log").read_bytes())
    keeper.stop()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    child = textwrap.dedent("""
        import os, time
        from app.signals import die_with_parent
        die_with_parent(lambda: os._exit(0))
        time.sleep(60)
    """)
    parent = textwrap.dedent(f"""
        import os, subprocess, sys, time
        env = dict(os.environ, MINSHENG_PARENT=str(os.getpid()))
        print(subprocess.Popen([sys.executable, "-c", {child!r}], env=env, start_new_session=True).pid, flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, cwd=REPO) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()

    def gone() -> bool:
        stat = Path(f"/proc/{pid}/stat")
        try:
            return stat.read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True

    until(gone)


def test_one_owner_of_a_folder(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    with sole_owner(folder, {"url": "http://127.0.0.1:8000/"}):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()
        with pytest.raises(AlreadyRunning, match="8000"), sole_owner(folder, {"url": "x"}):
            pytest.fail("entered twice")
    with sole_owner(folder, {"url": "y"}):
        assert "y" in (tmp_path / "run.lock").read_text()


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="DATA="):
        open_folder(tmp_path / "file" / "data")


def test_the_secret_is_kept_and_private(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    key = secret(folder)
    assert len(key) == 32
    assert secret(folder) == key
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(StoreError, match="备份"):
        secret(folder)
