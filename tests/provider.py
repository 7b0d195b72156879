"""A provider on loopback that answers from a script: ok, errcode, 429, 500, hang, close after body, drip.

with Provider(["500", json_reply({"errcode": 0})]) as provider:
    channel.send(...)                     # provider.url is its address, provider.requests what it was sent
"""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        data = json.loads(self.body)
        assert isinstance(data, dict)
        return data


@dataclass(frozen=True, slots=True)
class Script:
    """One answer: `status` and `body`; `how` = reply | hang | close (nothing) | cut (half a body) | drip."""

    status: int = 200
    body: bytes = b'{"errcode":0,"errmsg":"ok"}'
    how: str = "reply"


OK = Script()
BUSY = Script(status=429, body=b"slow down")
BROKEN = Script(status=500, body=b"oops")
HANG = Script(how="hang")
CLOSE = Script(how="close")
CUT = Script(how="cut")


def reply(data: Mapping[str, object], status: int = 200) -> Script:
    return Script(status=status, body=json.dumps(data, ensure_ascii=False).encode())


class Provider:
    """A real server on a free port; answers are used up in order, the last one stays."""

    def __init__(self, answers: Sequence[Script]) -> None:
        self.requests: list[Seen] = []
        self._answers = list(answers)
        self._released = threading.Event()
        outer = self

        class Reply(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._serve(self)

            def do_GET(self) -> None:
                outer._serve(self)

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Reply)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        self.requests.append(Seen(request.command, parts.path, query, dict(request.headers.items()), body))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        request.close_connection = True
        if answer.how == "hang":
            self._released.wait(10)
            return
        if answer.how == "close":
            return
        request.send_response(answer.status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(answer.body)))
        request.end_headers()
        if answer.how == "cut":
            request.wfile.write(answer.body[: len(answer.body) // 2])
            return
        if answer.how == "drip":
            for byte in answer.body:
                request.wfile.write(bytes([byte]))
                request.wfile.flush()
                time.sleep(0.05)
            return
        request.wfile.write(answer.body)
