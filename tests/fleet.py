"""Several `crawl`, `work` and `serve` processes on one pair of engines, a stream for them, and a network to cut."""

import contextlib
import json
import multiprocessing
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx
from engines import free_port

import app.turn
import app.work
import crawlers.job
import crawlers.worker
from app.cli import main

REPO = Path(__file__).resolve().parent.parent
TOKEN = "t0ken"
#: processes are forked off one that has everything loaded: importing takes seconds, and this takes three dozen of them
_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["app.commands.work", "app.commands.crawl", "app.commands.serve", "fleet"])
#: the longest wait for anything: a machine that is busy with other tests takes long to start nine processes
_PATIENCE = 200.0


def _program(words: Sequence[str], environment: dict[str, str], output: str) -> None:
    """The program as it is, with shorter leases: nobody waits half a minute for an heir in a test."""
    with open(output, "ab") as log:  # noqa: PTH123
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.update(environment)
    sys.argv = ["minsheng", *words]
    app.turn.OWNER_LEASE, app.turn.OWNER_MARGIN = timedelta(seconds=10), timedelta(seconds=5)
    app.work.LONGEST_WAIT = 2.0
    crawlers.job.Job.__init__.__kwdefaults__["lease_seconds"] = 6.0
    crawlers.worker.run_worker.__kwdefaults__["page_seconds"] = 120.0  # a reader that starts on a busy machine
    main()


def until(what: Callable[[], object], why: str, seconds: float = _PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"waited {seconds:g} s for: {why}"
        time.sleep(0.1)


@dataclass
class Feeds:
    """Feeds on loopback, one server each, that show a growing part of what they will have said in the end."""

    entries: Sequence[Sequence[dict[str, str]]]
    shown: float = 1.0
    ports: list[int] = field(default_factory=list)

    @contextlib.contextmanager
    def open(self) -> Iterator["Feeds"]:
        with ExitStack() as stack:
            for number, rows in enumerate(self.entries, 1):  # a host each: the crawlers share out hosts
                server = ThreadingHTTPServer((f"127.0.0.{number}", 0), self._answer(rows))
                server.daemon_threads = True
                threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
                stack.callback(server.server_close)
                stack.callback(server.shutdown)
                self.ports.append(int(server.server_address[1]))
            yield self

    def _answer(self, rows: Sequence[dict[str, str]]) -> type[BaseHTTPRequestHandler]:
        feeds = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/robots.txt":
                    self.send_error(404)
                    return
                seen = rows[: max(1, int(len(rows) * feeds.shown))]
                feed = {"version": "https://jsonfeed.org/version/1.1", "title": "feed", "items": seen}
                body = json.dumps(feed).encode()
                self.send_response(200)
                self.send_header("content-type", "application/feed+json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        return Answer

    def sources(self) -> str:
        """The blocks of `sources.toml`."""
        return "\n".join(
            f'[[sources]]\nid = "feed-{n}"\nname = "论坛{n}"\ntype = "feed"\nkind = "forum"\nprivate = true\n'
            f'url = "http://127.0.0.{n + 1}:{port}/feed.json"\nfollow = false\ninterval_minutes = 0.03\n'
            for n, port in enumerate(self.ports)
        )


def config(folder: Path, sources: str) -> Path:
    """The project's own configuration with other sources."""
    target = folder / "config"
    (target / "calendar").mkdir(parents=True)
    for file in (REPO / "config").rglob("*.toml"):
        (target / file.relative_to(REPO / "config")).write_bytes(file.read_bytes())
    (target / "sources.toml").write_text(sources, encoding="utf-8")
    return target


@dataclass
class Fleet:
    """Processes by name (`work-1`), each started again as soon as it has ended, as systemd would."""

    data: Path
    config: Path
    environment: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, ForkServerProcess] = field(default_factory=dict)
    kills: list[str] = field(default_factory=list)
    starts: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self, names: Sequence[str]) -> Iterator["Fleet"]:
        for name in names:
            self._start(name)
        keeper = threading.Thread(target=self._keep)
        keeper.start()
        try:
            yield self
        finally:
            self._stop.set()
            keeper.join()
            for process in self.processes.values():
                process.kill()
                process.join()

    def kill(self, name: str) -> None:
        self.kills.append(name)
        self.processes[name].kill()

    def log(self, name: str) -> str:
        return (self.data / f"{name}.out").read_text(encoding="utf-8", errors="replace")

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def push(self, rows: Sequence[dict[str, object]], chance: random.Random) -> None:
        """Until one of the `serve` processes has acknowledged: what a careful client does."""
        end = time.monotonic() + _PATIENCE
        key = " ".join(str(row["id"]) for row in rows)
        while True:
            name = chance.choice(sorted(self.ports))
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.post(
                    f"{self.url(name)}/api/v1/documents", json={"documents": rows}, timeout=10,
                    headers={"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key},
                )  # fmt: skip
                if answer.status_code == 202:
                    return
                assert answer.status_code == 503, answer.text
            assert time.monotonic() < end, "no process accepts"
            time.sleep(0.1)

    def once(self, command: str) -> None:
        """Run a command of the program to its end."""
        process = self._spawn(command, [command, "--once"])
        process.join()
        assert process.exitcode == 0, self.log(command)

    def _start(self, name: str) -> None:
        words = [name.split("-")[0]]
        if words == ["serve"]:
            words += ["--port", str(self.ports.setdefault(name, free_port()))]
        self.processes[name] = self._spawn(name, words)
        self.starts += 1

    def _spawn(self, name: str, words: list[str]) -> ForkServerProcess:
        words = [*words, "--data", str(self.data), "--config", str(self.config)]
        process = _FORK.Process(target=_program, args=(words, self.environment, str(self.data / f"{name}.out")))
        process.start()
        return process

    def _keep(self) -> None:
        while not self._stop.wait(0.2):
            for name, process in self.processes.items():
                if not process.is_alive():
                    self._start(name)


@dataclass
class Wire:
    """A TCP proxy in front of a server: it can be cut (nothing passes, nothing is said), slow, and mended."""

    target: int
    port: int = 0
    late: float = 0.0  #: seconds that every part of an answer is held back
    _cut: threading.Event = field(default_factory=threading.Event)
    _pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)

    @contextlib.contextmanager
    def open(self) -> Iterator["Wire"]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port = int(listening.getsockname()[1])
            threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
            yield self
            self._drop()

    def cut(self) -> None:
        """From now on nothing passes; who is connected hears nothing, who connects gets no answer."""
        self._cut.set()

    def mend(self) -> None:
        """What hung is broken off; new connections pass."""
        self._drop()
        self._cut.clear()

    def _drop(self) -> None:
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._pairs.clear()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                if listening.fileno() == -1:
                    return
                near.close()
                continue
            self._pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink, sink is near), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers and self.late:
                    time.sleep(self.late)
                while self._cut.is_set():
                    time.sleep(0.05)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Made-up posts of some matters, and chatter, as feeds and as pushes."""

    feeds: list[list[dict[str, str]]]
    pushes: list[dict[str, object]]


#: each with words that no other has
MATTERS = (
    "北苑街道春晗小学食堂饭菜变质，孩子吃坏肚子上吐下泻，太气人了",
    "佛堂镇双峰桥头工地夜里打桩施工噪音吵得睡不着，没人管",
    "苏溪镇立塘村垃圾焚烧冒黑烟，臭气熏天，请环保部门来查",
)
_ENDS = ("学校要给说法。", "深夜扰民。", "空气难闻。")
_CHATTER = "第{}天打卡，{}的桂花开了，和朋友散步心情很好"


def stream(now: datetime, posts: int = 48, feeds: int = 6) -> Stream:
    """Every matter is told in full by one feed or by pushes, so that its order does not depend on who is faster."""
    chance = random.Random(9)
    rows: list[list[dict[str, str]]] = [[] for _ in range(feeds)]
    pushes: list[dict[str, object]] = []
    for number in range(posts):
        which = number % (len(MATTERS) + 1)
        if which == len(MATTERS):
            text = _CHATTER.format(number, chance.choice(("江边", "公园", "山上")) + str(chance.randrange(10_000)))
        else:
            text = MATTERS[which] + _ENDS[which] * (number % 3) + f"（{number}）"
        at = (now - timedelta(minutes=5 * (posts - number))).astimezone(UTC).replace(microsecond=0)
        if which % 2:
            rows[which % feeds].append({
                "id": f"p{number}", "url": f"https://forum.invalid/{number}", "title": text[:18],
                "content_text": text, "date_published": at.isoformat(),
            })  # fmt: skip
        else:
            pushes.append({"id": f"p{number}", "text": text, "kind": "social", "published_at": at.isoformat()})
    for number, feed in enumerate(rows):
        feed.append({
            "id": f"f{number}", "url": f"https://forum.invalid/f{number}", "title": f"版块{number}置顶",
            "content_text": f"版块{number}开放交流，欢迎大家文明发言，共同维护良好的讨论氛围", "date_published":
            (now - timedelta(hours=2)).isoformat(),
        })  # fmt: skip
    return Stream(feeds=rows, pushes=pushes)
