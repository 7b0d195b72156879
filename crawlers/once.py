"""One look, nothing kept: `minsheng sources test` and `sources add` fetch through the crawler's own downloader.

    work(fetch) ─robots.txt, addresses inside refused, limits of size→ answers ─reading process→ rows

The reactor cannot be started twice in one process: call `with_fetch` once per process.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from scrapy.crawler import AsyncCrawlerProcess

from crawlers.folder import is_local, local_files
from crawlers.guard import PageCutOff, Readers, read_list, read_page
from crawlers.job import Ask, Fetch, Job
from crawlers.kinds import ListResult, Page, UnreadableSource
from crawlers.kinds.file import rows_of
from crawlers.kinds.shapes import lease
from crawlers.outcomes import Answer, FetchFailed, check
from crawlers.propose import Proposal, preview, propose
from crawlers.safety import GuardedResolver
from crawlers.spider import PollSpider
from crawlers.urls import host_key
from crawlers.worker import settings, terminated_cleanly
from storage.ports import Frontier
from storage.types import Document, Source

T = TypeVar("T")
#: articles behind the list that are opened: enough to see whether title, time and text are found
OPENED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a source would have gathered."""

    rows: tuple[tuple[str, str, str], ...]  #: (title, address, date as printed), at most ten
    total: int  #: rows of the list
    documents: tuple[Document, ...]  #: the first articles, or the first rows of a list that is complete by itself
    problems: tuple[str, ...]  #: Chinese, one for each row or article that could not be used


class _Once(PollSpider, Generic[T]):
    """Makes the requests that `work` asks for, then ends."""

    name = "minsheng-once"

    def __init__(
        self, job: Job, source: Source, work: Callable[[Fetch], Awaitable[T]], seconds: float, **kwargs: Any
    ) -> None:
        super().__init__(job, **kwargs)
        self.source, self.work, self.seconds = source, work, seconds
        self.task: asyncio.Future[T] | None = None

    async def start(self) -> AsyncIterator[Any]:
        from twisted.internet import reactor

        reactor.installNameResolver(GuardedResolver(reactor.nameResolver, self.allowed))
        if self.source.private:
            key = host_key(self.source.url)
            self.allowed.add(key)
            self._engine().downloader.per_slot_settings[key] = {"concurrency": 1, "delay": 0, "jitter": 0}
        self.task = asyncio.ensure_future(self.work(self._fetch))
        end = time.monotonic() + self.seconds
        while not self.task.done() and not self.job.stop.is_set() and time.monotonic() < end:
            await asyncio.wait({self.task}, timeout=0.2)
        if not self.task.done():
            self.task.cancel()
            await asyncio.wait({self.task}, timeout=1.0)
        if self.task is None:  # an asynchronous generator must hold a yield; requests go past Scrapy's scheduler
            yield None


def with_fetch(
    work: Callable[[Fetch], Awaitable[T]],
    source: Source,
    *,
    clock: Callable[[], datetime],
    agent: str,
    seconds: float = 60.0,
) -> T:
    """The result of `work(fetch)`, whose errors are raised here; FetchFailed after `seconds`. Blocks; once per process.

    `source.private` opens its own host and port, as in the worker.
    """
    try:
        host_key(source.url)
    except ValueError as error:
        raise UnreadableSource("地址无法识别") from error
    job = Job(
        sources=lambda: (source,),
        open_frontier=_no_frontier,
        sink=lambda documents: None,
        owner="once",
        clock=clock,
        once=True,
        stop=threading.Event(),
        report=lambda line: None,
        agent=agent,
        readers=Readers(),
    )
    logging.getLogger("scrapy").setLevel(logging.CRITICAL)
    process = AsyncCrawlerProcess(settings(agent))
    crawler = process.create_crawler(_Once)
    crawling = process.crawl(crawler, job=job, source=source, work=work, seconds=seconds)
    with terminated_cleanly(job.stop):
        process.start(install_signal_handlers=False)
    task: asyncio.Future[T] | None = getattr(crawler.spider, "task", None)
    if task is None and crawling.done():
        crawling.result()  # what kept the spider from starting
    if job.stop.is_set():
        raise FetchFailed("已中断，没有写入任何数据")
    if task is None or not task.done() or task.cancelled():
        raise FetchFailed(f"{seconds:g} 秒内没有取完")
    return task.result()


def _no_frontier() -> AbstractContextManager[Frontier]:
    raise RuntimeError("one look has no work list")


async def look(source: Source, fetch: Fetch, readers: Readers, now: datetime) -> Look:
    """The first list page and the first articles behind it. Raises FetchFailed, UnreadableSource, PageCutOff."""
    asked = lease(source, source.url, "list", now, {}, 0)
    result: ListResult = await readers.run(read_list, await _page(source, source.url, fetch), source, asked, now)
    documents, problems = list(result.documents[:OPENED]), list(result.rejected)
    for row in result.leases[:OPENED]:
        try:
            found, _ = await readers.run(read_page, await _page(source, row.url, fetch), source, row, now)
        except (FetchFailed, UnreadableSource, PageCutOff, ValueError) as error:
            problems.append(f"{error}：{row.url}")
            continue
        documents += found[:1]
        if not found:
            problems.append(f"页面没有正文：{row.url}")
    return _shown(result, documents, problems)


def look_at_files(source: Source, readers: Readers, now: datetime) -> Look:
    """The same for a watched file or folder: its youngest file. Raises UnreadableSource, PageCutOff."""
    files = local_files(source.url)
    if not files:
        raise UnreadableSource(f"文件夹里没有可读的表格：{source.url}")
    result: ListResult = readers.call(rows_of, files[0][0], source, now)
    return _shown(result, result.documents[:OPENED], result.rejected)


def has_files(source: Source) -> bool:
    """Whether a source is a file or folder of this machine, which no request is needed for."""
    return source.type == "file" and is_local(source.url)


def _shown(result: ListResult, documents: Sequence[Document], problems: Sequence[str]) -> Look:
    total = len(result.leases) + len(result.documents) + len(result.ranks)
    return Look(rows=preview(result), total=total, documents=tuple(documents), problems=tuple(problems))


async def proposal(source: Source, fetch: Fetch, readers: Readers, now: datetime) -> Proposal:
    """What the page at `source.url` could be as a source. Raises FetchFailed, UnreadableSource, PageCutOff."""
    found: Proposal = await readers.run(propose, await _page(source, source.url, fetch), now)
    return found


async def _page(source: Source, url: str, fetch: Fetch) -> Page:
    found: Answer = check(await fetch(Ask(url=url, source=source)))
    return Page(url=found.url, body=found.body, content_type=found.content_type, status=found.status)
