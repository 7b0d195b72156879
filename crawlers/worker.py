"""`minsheng crawl`: one long-lived Scrapy process, a child of the supervisor.

    with ledger.begin() as tx: yield tx.frontier       # open_frontier
    run_worker(sources=…, open_frontier=…, sink=intake, owner="crawl-1", clock=…, agent="MinshengBot/1.0 (+https://…)")

The reactor cannot be started twice in one process: call it once per process.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

from scrapy.crawler import AsyncCrawlerProcess

from crawlers.guard import Readers
from crawlers.job import Job
from crawlers.spider import PollSpider
from storage.ports import Frontier
from storage.types import Document, Source


def settings(agent: str) -> dict[str, Any]:
    """Scrapy's settings: polite, limited, silent."""
    return {
        "USER_AGENT": agent,
        "ROBOTSTXT_OBEY": True,
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": 1.0,
        "AUTOTHROTTLE_MAX_DELAY": 60.0,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 1.0,
        "CONCURRENT_REQUESTS": 32,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": 1.0,
        "DOWNLOAD_TIMEOUT": 20,
        "DNS_RESOLVER": "scrapy.resolver.CachingHostnameResolver",  # the usual one knows IPv4 only
        "DOWNLOAD_MAXSIZE": 8_000_000,
        "DOWNLOAD_WARNSIZE": 0,
        "RETRY_ENABLED": False,  # the frontier comes back by itself, with its own patience
        "REDIRECT_MAX_TIMES": 5,
        "METAREFRESH_ENABLED": False,
        "COOKIES_ENABLED": False,
        "HTTPPROXY_ENABLED": False,
        "HTTPCACHE_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOGSTATS_INTERVAL": 0,
        "MEMUSAGE_ENABLED": False,
        "LOG_ENABLED": False,
        "LOG_INSTALL_ROOT_HANDLER": False,
        "DEFAULT_REQUEST_HEADERS": {"Accept": "*/*", "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"},
        "DOWNLOADER_MIDDLEWARES": {
            "crawlers.polite.Guard": 50,
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "crawlers.polite.Robots": 100,
        },
    }


def run_worker(
    *,
    sources: Callable[[], Sequence[Source]],
    open_frontier: Callable[[], AbstractContextManager[Frontier]],
    sink: Callable[[Sequence[Document]], None],
    owner: str,
    clock: Callable[[], datetime],
    once: bool = False,
    stop: threading.Event | None = None,
    report: Callable[[str], None] | None = None,
    agent: str,
    readers: int = 1,
    page_seconds: float = 20.0,
) -> int:
    """Crawl until `stop` is set or a SIGTERM comes; with `once` until nothing is due. Returns documents handed on.

    `sources` is asked again every 30 s, so that a changed configuration counts without a restart. `sink` and
    `open_frontier` are called in this thread; an error of theirs ends the worker and is raised here. `report` gets
    one Chinese line per failure. `readers` processes read the pages, each page for at most `page_seconds`.
    """
    job = Job(
        sources=sources,
        open_frontier=open_frontier,
        sink=sink,
        owner=owner,
        clock=clock,
        once=once,
        stop=stop or threading.Event(),
        report=report or (lambda line: None),
        agent=agent,
        readers=Readers(size=readers, seconds=page_seconds),
    )
    logging.getLogger("scrapy").setLevel(logging.CRITICAL)
    process = AsyncCrawlerProcess(settings(agent))
    crawler = process.create_crawler(PollSpider)
    with terminated_cleanly(job.stop):
        crawling = process.crawl(crawler, job=job)
        process.start(install_signal_handlers=False)
    job.readers.close()
    error = getattr(crawler.spider, "failure", None) or (crawling.exception() if crawling.done() else None)
    if error is not None:
        raise error
    return job.documents


@contextmanager
def terminated_cleanly(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, unless somebody else has already said what they do."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept: dict[signal.Signals, Any] = {}
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            kept[number] = signal.signal(number, lambda *_: stop.set())
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
