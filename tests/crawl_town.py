"""Scripted loopback servers, and one run of the real worker over all of them in a process of its own."""

import multiprocessing
import pickle
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

from memory_frontier import MemoryFrontier

from storage.types import Document, Source

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@dataclass
class Seen:
    """One request as the server saw it."""

    at: float
    path: str
    headers: dict[str, str]


class _SixServer(ThreadingHTTPServer):
    address_family = socket.AF_INET6


@dataclass
class Town:
    """A loopback server; `pages` maps a path to a function that answers."""

    pages: dict[str, Callable[[BaseHTTPRequestHandler], None]]
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    host: str = "127.0.0.1"

    def __post_init__(self) -> None:
        town = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                town.seen.append(Seen(time.monotonic(), self.path, dict(self.headers)))
                page = town.pages.get(self.path.split("?")[0])
                if page is None:
                    send(self, b"", status=404)
                    return
                try:
                    page(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                return

        kind = _SixServer if ":" in self.host else ThreadingHTTPServer
        self.server = kind((self.host, 0), Answer)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def send(request: BaseHTTPRequestHandler, body: bytes, *, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    for name, text in {"Content-Type": "text/html", **headers}.items():
        request.send_header(name.replace("_", "-"), text)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def page(text: str, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda request: send(request, text.encode(), **headers)


def article(title: str, when: str = "2026-03-02 08:30", extra: str = "") -> str:
    return f"""<html><head><title>{title}_示例网</title></head><body><h1>{title}</h1>
    <div class="info">发布时间：{when} 来源：示例日报</div><div class="content">
    <p>{title}。昨天下午，记者在现场看到，施工人员已经到位，附近居民的出行受到影响。</p>
    <p>街道办事处表示，将在三天之内完成抢修，并安排专人引导车辆绕行，请市民留意现场标志。</p>{extra}</div></body></html>"""


def listing(*rows: tuple[str, str, str]) -> str:
    items = "".join(f'<li><a href="{u}">{t}</a><span>{d}</span></li>' for u, t, d in rows)
    return f'<html><head><title>栏目</title></head><body><ul class="news">{items}</ul></body></html>'


@dataclass
class Outcome:
    frontier: MemoryFrontier
    documents: list[Document]
    count: int
    lines: list[str]


def crawl(
    sources: Sequence[Source], folder: Path, *, frontier: MemoryFrontier | None = None, **kwargs: object
) -> Outcome:
    """Run the worker once over `sources` in a child process; its frontier and documents come back."""
    target = folder / "outcome.pickle"
    given = folder / "given.pickle"
    given.write_bytes(pickle.dumps((list(sources), frontier or MemoryFrontier(), kwargs)))
    child = multiprocessing.get_context("spawn").Process(target=_child, args=(given, target))
    child.start()
    child.join(90)
    if child.is_alive():
        child.kill()
        raise AssertionError("the worker did not end")
    assert child.exitcode == 0
    outcome: Outcome = pickle.loads(target.read_bytes())
    return outcome


def _child(given: Path, target: Path) -> None:
    from crawlers.worker import run_worker

    sources, frontier, kwargs = pickle.loads(given.read_bytes())
    documents: list[Document] = []
    lines: list[str] = []
    settings = {"clock": lambda: NOW, "once": True, "agent": "MinshengTest/1.0 (+https://example.invalid)", **kwargs}
    count = run_worker(
        sources=lambda: sources,
        open_frontier=frontier.open,
        sink=documents.extend,
        owner="test",
        report=lines.append,
        **settings,
    )
    target.write_bytes(pickle.dumps(Outcome(frontier, documents, count, lines)))
