"""Real engines for the contract tests: a PostgreSQL and an Elasticsearch server of our own on loopback, and small
made-up documents.

Elasticsearch is the official server without its JDK; `.ci/run` fetches it into `~/.cache/minsheng-es` (or
`MINSHENG_ES_HOME`). One server serves a whole test run; each test has index names of its own.
"""

import atexit
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from storage.documents.elastic import ElasticDocuments
from storage.types import Assessment, DepartmentGuess, Document, Flag, PlaceHit, Sentiment, StoredDocument, TopicHit

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []


def cut(text: str) -> str:
    """A segmenter for tests: Latin words and single Han characters, lower case."""
    out: list[str] = []
    for sign in text.lower():
        joins = sign.isascii() and (sign.isalnum() or sign == "-") and out and out[-1]
        if joins and out[-1][-1].isascii():
            out[-1] += sign
        else:
            out.append("" if sign.isspace() else sign)
    return " ".join(part for part in out if part)


def stored(
    number: int | str,
    text: str = "示例",
    *,
    at: datetime = NOW,
    label: str = "neutral",
    topics: tuple[str, ...] = (),
    areas: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    keywords: tuple[str, ...] = (),
    department: str | None = None,
    duplicate_of: str | None = None,
    event: str | None = None,
    **fields: object,
) -> StoredDocument:
    """A document with its assessment; `fields` go to the Document."""
    given: dict[str, object] = {
        "fetched_at": at,
        "published_at": at,
        "source": "forum-1",
        "kind": "forum",
        "text": text,
    }
    document = Document(id=str(number), **(given | fields))  # type: ignore[arg-type]
    return StoredDocument(
        document=document,
        assessment=Assessment(
            id=document.id,
            sentiment=Sentiment(label=label, negative=0.2, neutral=0.5, positive=0.3),  # type: ignore[arg-type]
            topics=tuple(TopicHit(id=topic, words=()) for topic in topics),
            places=tuple(PlaceHit(id=a, name=a, confidence=1, ours=True, reason="") for a in areas),
            flags=tuple(Flag(code=code, text="") for code in flags),
            departments=(DepartmentGuess(id=department, probability=0.9, reason=""),) if department else (),
            keywords=keywords,
            tokens=cut(f"{document.title} {document.text}"),
        ),
        event=event,
        duplicate_of=duplicate_of,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database on a server of its own. Skips where PostgreSQL is not installed."""
    with ledger_server() as server:
        yield server.url


@dataclass(slots=True)
class LedgerServer:
    """A PostgreSQL of our own in a folder of its own."""

    home: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://minsheng@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(self.home, "nobody")
        words = ["-D", str(self.home / "data"), "-U", "minsheng", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        self._run("initdb", *words, "--no-sync")

    def start(self) -> None:
        options = f"-p {self.port} -c unix_socket_directories={self.home} -c fsync=off -h 127.0.0.1"
        self._control("-o", options, "start")

    def stop(self) -> None:
        """As a crash: nobody is waited for, and the next start recovers."""
        self._control("-m", "immediate", "stop")

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "-D", str(self.home / "data"), "-l", str(self.home / "log"), "-w", *words)

    def _run(self, program: str, *words: str) -> None:
        become = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        subprocess.run([*become, str(_BINARIES[-1] / program), *words], check=True, capture_output=True, cwd="/")


@contextmanager
def ledger_server() -> Iterator[LedgerServer]:
    """A running server. Skips where PostgreSQL is not installed.

    Not below pytest's own folder: another run closes that to everybody but root, and the server does not run as root.
    """
    if not _BINARIES or (os.geteuid() == 0 and shutil.which("runuser") is None):
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs PostgreSQL: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed here")
    with tempfile.TemporaryDirectory(prefix="minsheng-pg-") as folder:
        server = LedgerServer(Path(folder))
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass(slots=True)
class SearchServer:
    """An Elasticsearch of our own: a copy of the distribution in a folder of its own, owned by `nobody`."""

    home: Path  #: the unpacked distribution
    port: int = field(default_factory=free_port)
    transport: int = field(default_factory=free_port)
    options: Sequence[str] = ("xpack.security.enabled=false",)
    headers: dict[str, str] = field(default_factory=dict)
    patience: float = 120.0  #: seconds to come up
    heap: str = "512m"
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers; a server that does not come up in time fails the test."""
        alone = not any(option.startswith("discovery.") for option in self.options)
        settings = [
            *(["discovery.type=single-node"] if alone else []),
            f"http.port={self.port}", f"transport.port={self.transport}",
            "http.host=127.0.0.1", "transport.host=127.0.0.1",
            "cluster.routing.allocation.disk.threshold_enabled=false",
            *self.options,
        ]  # fmt: skip
        become = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        command = [*become, str(self.home / "bin" / "elasticsearch"), *(f"-E{s}" for s in settings)]
        environment = {
            "ES_JAVA_HOME": str(java_home()),
            "ES_JAVA_OPTS": f"-Xms{self.heap} -Xmx{self.heap}",
            "PATH": os.environ["PATH"],
        }
        with (self.home / "logs" / "output").open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd="/", stdout=log, stderr=log, start_new_session=True
            )
        self._wait()

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        """End the launcher and the server it started: both are in the session that we opened."""
        if self.process is not None:
            os.killpg(self.process.pid, sign)
            self.process.wait(60)
            while _session_lives(self.process.pid):
                time.sleep(0.05)
            self.process = None

    def ask(self, method: str, path: str, body: object = None) -> object:
        """One request without any client, for what a test does behind the store's back."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"} | self.headers,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def _wait(self) -> None:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            try:
                self.ask("GET", "/_cluster/health?wait_for_status=yellow&timeout=30s")
            except (OSError, urllib.error.URLError):
                time.sleep(0.3)
            else:
                return
        output = (self.home / "logs" / "output").read_text(encoding="utf-8", errors="replace")
        pytest.fail(f"Elasticsearch did not start: {output[-2000:]}")


def _session_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@cache
def java_home() -> Path | None:
    """A Java of version 21 or newer with the module that Elasticsearch needs; ES_JAVA_HOME wins."""
    given = os.environ.get("ES_JAVA_HOME")
    homes = [Path(given)] if given else sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)
    for home in homes:
        java = home / "bin" / "java"
        if java.is_file():
            told = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False).stderr
            version = re.search(r'version "(\d+)', told)
            modules = subprocess.run([str(java), "--list-modules"], capture_output=True, text=True, check=False).stdout
            if version and int(version[1]) >= 21 and "jdk.incubator.vector" in modules:
                return home
    return None


def _distribution() -> Path | None:
    folder = Path(os.environ.get("MINSHENG_ES_HOME") or Path.home() / ".cache" / "minsheng-es")
    found = sorted(folder.glob("elasticsearch-*.zip"))
    return found[-1] if found else None


def unpacked() -> Path:
    """A fresh copy of the server in a folder of its own; skips (in CI: fails) where none can be started."""
    distribution = _distribution()
    if distribution is None or java_home() is None or (os.geteuid() == 0 and shutil.which("runuser") is None):
        missing = "no elasticsearch-*.zip in MINSHENG_ES_HOME" if distribution is None else "no Java 21+ to run it"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs Elasticsearch: {missing}; see .ci/run")
        pytest.skip(f"Elasticsearch cannot be started here ({missing}); see docs/operations.md")
    folder = Path(tempfile.mkdtemp(prefix="minsheng-es-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    with zipfile.ZipFile(distribution) as archive:
        archive.extractall(folder)
    (home,) = folder.glob("elasticsearch-*")
    for script in (home / "bin").iterdir():
        script.chmod(0o755)
    (home / "logs").mkdir(exist_ok=True)
    (home / "data").mkdir(exist_ok=True)
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            shutil.chown(path, "nobody")
    return home


@cache
def search_server() -> SearchServer:
    """The server that the whole test run shares; ended with the run."""
    server = SearchServer(unpacked())
    atexit.register(server.kill)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a test run that is ended takes its server along
    server.start()
    return server


def empty_elastic(segment: Callable[[str], str], prefix: str = "contract") -> ElasticDocuments:
    """A store without documents on the shared server; whatever an earlier test left there is purged."""
    store = ElasticDocuments(search_server().url, segment=segment, prefix=prefix)
    store.purge(datetime(2110, 1, 1, tzinfo=UTC))
    assert store.health()["documents"] == 0
    return store
