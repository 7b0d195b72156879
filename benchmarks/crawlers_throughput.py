"""Pages per CPU second of a crawling process: fetched and parsed without extraction, and all the way into the ledger.

    python benchmarks/crawlers_throughput.py [pages]       default 1,500 pages of 34 kB on one loopback host

    parsed   our downloader (guard, robots.txt, slots, limits), charset, an lxml tree and its links
    whole    the worker as it is: lease, download, reading process, extraction, raw page kept, document in the ledger

CPU time is user and system of the crawling process and of its readers, from the first request to the last (`parsed`),
or of the whole process with its start (`whole`); the server is another process. One request at a time, as a host wants.
"""

import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from storage.types import Document, Source

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
SIZE, PORT = 34_000, 18795
AGENT = "MinshengBenchmark/1.0 (+https://example.invalid)"
LIST = Source(id="s", name="示例", type="list", url=f"http://127.0.0.1:{PORT}/list", kind="news", private=True)


def page(number: int) -> bytes:
    """An article page of about 34 kB: navigation, text, a list of other links, a script."""
    row = '<li><a href="/other/{0}.html">第{0}条相关的示例新闻标题</a><span>03-01</span></li>'
    text = "".join(f"<p>第{number}号通报的第{n}段：记者在现场看到，抢修已经开始，请绕行。</p>" for n in range(30))
    body = (
        f"<html><head><title>第{number}号示例通报发布_示例网</title></head><body><h1>第{number}号示例通报发布</h1>"
        f"<div>发布时间：2026-03-02 08:30 来源：示例日报</div><div class=content>{text}</div>"
        f"<ul class=nav>{''.join(row.format(n) for n in range(120))}</ul>"
    )
    return (body + f"<script>{'x' * max(0, SIZE - len(body.encode()))}</script></body></html>").encode()


def serve(pages: int, ready: Any) -> None:
    """The server, in a process of its own; ended by its parent."""
    bodies = {f"/a/{n}.html": page(n) for n in range(pages)}
    rows = "".join(f'<li><a href="/a/{n}.html">第{n}号示例通报发布</a><span>03-02</span></li>' for n in range(pages))
    bodies["/list"] = f"<title>栏目</title><ul>{rows}</ul>".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            body = bodies.get(line.split()[1].decode(), b"")
            writer.write(b"HTTP/1.1 %b\r\nContent-Type: text/html\r\n" % (b"200 OK" if body else b"404 No"))
            writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", PORT)
        ready.set()
        await server.serve_forever()

    asyncio.run(run())


def parsed(pages: int, tell: Any) -> None:
    """Fetched through the worker's own downloader and parsed."""
    from crawlers.charset import decode
    from crawlers.job import Ask
    from crawlers.markup import tree
    from crawlers.once import with_fetch
    from crawlers.urls import join

    async def work(fetch: Callable[[Ask], Any]) -> float:
        await fetch(Ask(url=LIST.url, source=LIST))  # robots.txt and the first connection are not counted
        begin, links = time.process_time(), 0
        for n in range(pages):
            found = await fetch(Ask(url=f"http://127.0.0.1:{PORT}/a/{n}.html", source=LIST))
            root = tree(decode(found.body, content_type=found.content_type).text)
            links += sum(join(found.url, link.get("href", "")) is not None for link in root.iter("a"))
        assert links == 120 * pages
        return time.process_time() - begin

    tell.put(pages / with_fetch(work, LIST, clock=lambda: NOW, agent=AGENT, seconds=600))


def whole(pages: int, tell: Any) -> None:
    """The worker with a ledger."""
    from crawlers.worker import run_worker
    from storage.ledger import open_ledger

    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(f"sqlite:///{folder}/ledger.db")

        @contextmanager
        def frontier() -> Iterator[Any]:
            with ledger.begin() as tx:
                yield tx.frontier

        def sink(documents: Sequence[Document]) -> None:
            with ledger.begin() as tx:
                tx.intake.add(documents, NOW)

        count = run_worker(
            sources=lambda: [LIST], open_frontier=frontier, sink=sink, owner="b", clock=lambda: NOW, once=True,
            agent=AGENT,
        )  # fmt: skip
        ledger.close()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    tell.put(count / sum(u.ru_utime + u.ru_stime for u in used))


def main() -> None:
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
    context = multiprocessing.get_context("spawn")
    ready, tell = context.Event(), context.Queue()
    server = context.Process(target=serve, args=(pages, ready))
    server.start()
    ready.wait(60)
    found = {}
    try:
        for name, way, count in (("parsed", parsed, pages), ("whole", whole, min(pages, 400))):
            child = context.Process(target=way, args=(count, tell))
            child.start()
            found[name] = round(tell.get(timeout=600), 1)
            child.join()
    finally:
        server.kill()
    print(json.dumps({"pages": pages, "kB": SIZE // 1000, **found}))


if __name__ == "__main__":
    main()
