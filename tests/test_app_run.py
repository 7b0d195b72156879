"""`minsheng run` as a user starts it: real processes, the sample town, the API; kill -9 loses nothing."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from analysis.words import segment
from app import clock
from storage.open import open_stores

REPO = Path(__file__).resolve().parent.parent
WAIT = 200.0  # a killed worker leaves a lease of a minute


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def until(what: Callable[[], bool], why: str, seconds: float = WAIT) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"waited {seconds:g} s for: {why}"
        time.sleep(0.2)


@dataclass
class Running:
    """One `minsheng run` on a data folder."""

    data: Path
    port: int
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def health(self) -> dict[str, int]:
        try:
            answer = httpx.get(f"{self.url}/healthz", timeout=5)
        except httpx.HTTPError:
            return {}
        found: dict[str, int] = answer.json()
        return found

    def child(self, name: str) -> int:
        """Process id of one supervised process, found by its command line below this run's data folder."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if name.encode() in words and str(self.data).encode() in words and b"run" not in words:
                    return int(entry.name)
        raise AssertionError(f"no process {name}")

    def stop(self) -> str:
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=30)
        return out


def start(data: Path, port: int) -> Running:
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "run", "--port", str(port), "--data", str(data), "--config", "config"],
        cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    running = Running(data=data, port=port, process=process)
    until(lambda: running.health().get("status") == "ok", "the pages to answer", 90)
    return running


def token(data: Path) -> str:
    """An API token, as an administrator makes one."""
    documents, ledger = open_stores(data, segment=segment)
    with ledger.begin() as tx:
        tx.users.add_token(hashlib.sha256(b"t0ken").hexdigest(), "12345", ["documents:write", "read"], None)
    documents.close()
    ledger.close()
    return "t0ken"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = start(tmp_path / "data", free_port())
    yield found
    if found.process.poll() is None:
        found.stop()


def push(running: Running, number: int) -> str:
    """One document, acknowledged; what a careful client does: the same key again until it gets its 202."""
    body = {
        "id": f"push-{number}",
        "text": f"第{number}号来信：小区门口路灯坏了很久没有人修，晚上出行不方便",
        "kind": "message",
    }
    key = {"Authorization": "Bearer t0ken", "Idempotency-Key": f"k{number}"}
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        try:
            answer = httpx.post(f"{running.url}/api/v1/documents", json=body, headers=key, timeout=10)
        except httpx.HTTPError:
            time.sleep(0.2)
            continue
        if answer.status_code == 202:
            return f"push-{number}"
        time.sleep(0.2)
    raise AssertionError("the API did not come back")


@pytest.mark.slow
def test_a_living_board_that_survives_kills_and_goes_on(running: Running) -> None:
    token(running.data)
    until(lambda: running.health().get("documents", 0) > 50, "the sample town to be crawled")
    acknowledged = []
    for number in range(60):
        acknowledged.append(push(running, number))
        if number % 20 == 10:
            os.kill(running.child(("work", "serve", "crawl")[number // 20]), signal.SIGKILL)
    until(lambda: running.health().get("waiting") == 0, "everything to be understood")
    second = subprocess.run(
        [sys.executable, "-m", "app", "run", "--port", str(free_port()), "--data", str(running.data)],
        cwd=REPO, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert str(running.port) in second.stderr, "the second run says where the first one is"
    out = running.stop()
    assert running.process.returncode == 0
    assert "已停止" in out
    assert re.search(rf"^http://127\.0\.0\.1:{running.port}/login/\S+$", out, re.MULTILINE)

    documents, ledger = open_stores(running.data, segment=segment)
    assert len(documents.get(acknowledged)) == len(acknowledged), "nothing acknowledged is lost"
    with ledger.read() as tx:
        assert tx.audit.verify() is None
        assert tx.intake.parked() == []
        events = tx.events.find(historic=False, size=500)[0]
    assert any(event.sample and event.level for event in events), "the sample town's incidents are graded"
    before = documents.latest()
    documents.close()
    ledger.close()

    again = start(running.data, running.port)
    until(lambda: again.health().get("documents", 0) >= len(acknowledged), "the same data to be shown")
    again.stop()
    assert before is not None
    assert before <= clock.now()


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "app", "run", "--port", str(port), "--data", str(tmp_path)],
            cwd=REPO, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"PORT={port + 1}" in done.stderr
    assert len(done.stderr.strip().split("\n")) == 1


def test_route_as_json_has_the_shape_of_the_contract() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "route", "--json", "--topic=食品药品", "--level=orange",
         "--area=佛堂镇"],
        cwd=REPO, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert set(found) >= {"rule", "departments", "deadlines", "reasons", "recipients"}
    assert [d["role"] for d in found["departments"]].count("lead") == 1
    assert {"kind", "step", "hours", "document"} <= set(found["deadlines"][0])
    assert any(d["document"] == "国办发〔2016〕61号" and d["hours"] == 48 for d in found["deadlines"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--topic", "食品药物", "--level", "orange"], "食品药品"),
        (["--topic", "food-drug", "--level", "purple"], "没有等级"),
        (["--topic", "food-drug", "--level", "red", "--area", "亚特兰蒂斯"], "没有地点"),
    ],
)
def test_route_names_what_it_does_not_know(arguments: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "route", *arguments],
        cwd=REPO, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr
