"""What surrounds every answer: security headers, body limits, measurements."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: nothing from elsewhere, no inline script or style, no eval, no frame
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
PAGE_LIMIT = 1_000_000  #: bytes of a form
PUSH_LIMIT = 20_000_000  #: bytes of one push of documents


class SecurityHeaders:
    """Adds the headers to every answer; pages are never cached, hashed static files for a year.

    A page that says a header itself keeps its own: the preview of a report, and the page that frames it.
    """

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({name: value for name, value in HEADERS.items() if name not in headers})
                headers["cache-control"] = self.caching(scope, message["status"])
                if self.https:
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        await self.app(scope, receive, with_headers)

    @staticmethod
    def caching(scope: Scope, status: int) -> str:
        """Cache-Control of an answer."""
        if not scope["path"].startswith("/static/") or status >= 400:
            return "no-store"
        return "public, max-age=31536000, immutable" if b"v=" in scope["query_string"] else "no-cache"


class BodyLimit:
    """Refuses a body above the limit, whether it is announced or streamed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = PUSH_LIMIT if scope["path"].startswith("/api/") else PAGE_LIMIT
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > limit:
            await refuse_body(send)
            return
        await self.app(scope, counted(receive, limit), send)


def counted(receive: Receive, limit: int) -> Receive:
    """`receive` that answers 413 once more than `limit` bytes came."""
    seen = 0

    async def count() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, "请求内容过大。")
        return message

    return count


async def refuse_body(send: Send) -> None:
    """413 in the API's own form."""
    body = '{"errors":[{"line":null,"field":null,"message":"请求内容过大"}]}'.encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Heads:
    """HEAD is answered as GET without its body: the check of a proxy or a browser is no error."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith("/static/"):
            await self.app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, bodiless)


class Measures:
    """Counts requests and their time by route, never by address: no name of a citizen or a case gets out."""

    def __init__(
        self, app: ASGIApp, *, registry: CollectorRegistry, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self.app = app
        self.ticks = ticks
        labels = ("method", "route", "status")
        self.requests = Counter("minsheng_requests_total", "Answered requests", labels, registry=registry)
        self.seconds = Histogram(
            "minsheng_request_seconds",
            "Time to the end of the answer",
            ("route",),
            buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = self.ticks(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                took = self.ticks() - start
                MutableHeaders(scope=message)["server-timing"] = f"app;dur={1000 * took:.1f}"
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            self.requests.labels(scope["method"], route, str(status)).inc()
            self.seconds.labels(route).observe(self.ticks() - start)
