"""The one long-lived spider: its `start()` polls the frontier and never comes to an end by itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.http.request import NO_CALLBACK

from crawlers.dates import CHINA
from crawlers.job import Ask, Job
from crawlers.kinds import KINDS
from crawlers.outcomes import Answer, answer, failure
from crawlers.polite import apply_crawl_delay, rest_from_the_answer
from crawlers.safety import GuardedResolver
from crawlers.secrets import authorised
from crawlers.urls import host_key
from crawlers.visit import token_limits, visit
from storage.types import Lease

#: leases worked on at once; one per host, so this is the number of hosts
AT_ONCE = 16
IDLE_SECONDS = 0.5
SYNC_SECONDS = 30.0


class PollSpider(Spider):
    """Claims leases, visits each in a task of its own, and says so to nobody but the frontier."""

    name = "minsheng"

    def __init__(self, job: Job, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.allowed = job.allowed
        self.tasks: set[asyncio.Task[None]] = set()
        self.wake = asyncio.Event()
        self.receivers: tuple[Any, ...] = ()  #: signals hold their receivers weakly
        self.failure: BaseException | None = None
        #: until then a host that we have just asked rests; with `once` its other pages are waited for
        self.resting = 0.0

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> "PollSpider":
        spider: PollSpider = super().from_crawler(crawler, *args, **kwargs)

        def delay(robotparser: Any, request: Request) -> None:
            apply_crawl_delay(crawler, robotparser, request)

        def rest(request: Request) -> None:
            rest_from_the_answer(crawler, request)

        spider.receivers = (delay, rest)
        crawler.signals.connect(delay, signal=signals.robots_parsed)
        crawler.signals.connect(rest, signal=signals.response_downloaded)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        from twisted.internet import reactor

        reactor.installNameResolver(GuardedResolver(reactor.nameResolver, self.allowed))
        self.job.rest = self._rest
        synced = -SYNC_SECONDS
        loop = asyncio.get_running_loop()
        while not self.job.stop.is_set():
            if loop.time() - synced >= SYNC_SECONDS:
                self._sync()
                synced = loop.time()
            leases = self._claim()
            for lease in leases:
                task = asyncio.ensure_future(self._work(lease))
                self.tasks.add(task)
                task.add_done_callback(self._finished)
            if self.job.once and not self.tasks and not leases and time.monotonic() > self.resting:
                break
            await self._pause()
        await self._end()
        if self.job.stop is None:  # an asynchronous generator must hold a yield; requests go past Scrapy's scheduler
            yield None

    def _sync(self) -> None:
        job, now = self.job, self.job.clock()
        sources = [s for s in job.sources() if s.enabled and s.type in KINDS]
        job.known = {s.id: s for s in sources}
        job.allowed.clear()
        for source in sources:
            if source.private and source.url.startswith(("http://", "https://")):
                key = host_key(source.url)
                job.allowed.add(key)
                own: dict[str, Any] = self._engine().downloader.per_slot_settings
                own.setdefault(key, {"concurrency": 1, "delay": 0, "jitter": 0})  # a Crawl-delay that was read stays
        with job.open_frontier() as frontier:
            frontier.sync(sources, now)

    def _rest(self, url: str) -> float:
        """Seconds between two requests to the host of an address, as the downloader keeps them: over all processes
        nobody asks it sooner. 0 for a file."""
        if not url.startswith(("http://", "https://")):
            return 0.0
        key, downloader = host_key(url), self._engine().downloader
        slot = downloader.slots.get(key)
        own = downloader.per_slot_settings.get(key, {})
        rest = float(slot.delay if slot is not None else own.get("delay", self.settings.getfloat("DOWNLOAD_DELAY")))
        if rest:
            self.resting = max(self.resting, time.monotonic() + rest + IDLE_SECONDS)
        return rest

    def _engine(self) -> Any:
        return self.crawler.engine

    def _claim(self) -> list[Lease]:
        room = AT_ONCE - len(self.tasks)
        if room <= 0:
            return []
        now = self.job.clock()
        with self.job.open_frontier() as frontier:
            leases = frontier.claim(self.job.owner, room, self.job.lease_seconds, now)
        return [lease for lease in leases if not self._postponed(lease, now)]

    def _postponed(self, lease: Lease, now: datetime) -> bool:
        """Whether the source's budget of the day is spent; the lease then waits for midnight."""
        source = self.job.known.get(lease.source)
        if source is None or source.daily_budget is None:
            return False
        if self._spent(source.id, now) < source.daily_budget:
            return False
        midnight = (now.astimezone(CHINA) + timedelta(days=1)).replace(hour=0, minute=1, second=0, microsecond=0)
        with self.job.open_frontier() as frontier:
            frontier.done(
                lease, now, next_due=midnight, etag=lease.etag, modified=lease.modified, fingerprint=lease.fingerprint
            )
        return True

    def _spent(self, source: str, now: datetime) -> int:
        start = now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
        with self.job.open_frontier() as frontier:
            return sum(h.polled for h in frontier.hours(source, start))

    async def _work(self, lease: Lease) -> None:
        await visit(self.job, lease, self._fetch)

    async def _fetch(self, ask: Ask) -> Answer:
        url, headers = authorised(ask.source, ask.url)
        if ask.etag:
            headers["If-None-Match"] = ask.etag
        if ask.modified:
            headers["If-Modified-Since"] = ask.modified
        meta = {"private": ask.source.private, "download_maxsize": token_limits(ask.source)}
        request = Request(url, headers=headers, meta=meta, callback=NO_CALLBACK, dont_filter=True)
        try:
            response = await self._engine().download_async(request)
        except Exception as error:
            raise failure(error) from error
        return answer(response, self.job.clock(), asked=ask.url if url != ask.url else None)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.wake.set()
        if not task.cancelled() and task.exception() is not None:
            self.failure = task.exception()  # the frontier or the sink failed: nothing of this process can go on
            self.job.stop.set()

    async def _pause(self) -> None:
        self.wake.clear()
        try:
            await asyncio.wait_for(self.wake.wait(), IDLE_SECONDS)
        except TimeoutError:
            return

    async def _end(self) -> None:
        """Let what is in flight come home for a moment; a lease that does not is taken over when it runs out."""
        if self.tasks:
            _, late = await asyncio.wait(self.tasks, timeout=5.0)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)
