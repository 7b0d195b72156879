"""Scrapy's downloader, made polite and safe: slot per host and port, robots with Crawl-delay, no way inside."""

import time
from typing import Any

from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response

from crawlers.safety import refuse
from crawlers.urls import host_key

#: robots.txt is asked again after so many seconds
ROBOTS_SECONDS = 6 * 3600
ROBOTS_BYTES = 500 * 1024
#: a Crawl-delay above this is taken as this: a slower source would never be read
LONGEST_DELAY = 120.0


class Refused(IgnoreRequest):
    """The address must not be asked; Chinese reason."""


class Guard:
    """First downloader middleware: every request passes it, redirects and robots.txt included."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler: Any = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Guard":
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        allowed: set[str] = getattr(self.crawler.spider, "allowed", set())
        redirected = bool(request.meta.get("redirect_urls"))
        private = bool(request.meta.get("private"))
        robots = bool(request.meta.get("dont_obey_robotstxt")) and not redirected
        reason = refuse(request.url, private=private or robots, allowed=allowed, redirected=redirected)
        if reason:
            raise Refused(reason)
        key = host_key(request.url)
        request.meta["download_slot"] = key
        if key in allowed or key in self.crawler.engine.downloader.per_slot_settings:  # fixed delay, own or asked for
            request.meta["autothrottle_dont_adjust_delay"] = True


class Robots(RobotsTxtMiddleware):
    """Scrapy's own, asked again after some hours: a long-lived process must notice that a site changed its mind."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.asked: dict[str, float] = {}

    async def robot_parser(self, request: Request) -> Any:
        netloc = request.url.split("/", 3)[2]
        now = time.monotonic()
        if now - self.asked.get(netloc, now) > ROBOTS_SECONDS:
            self._parsers.pop(netloc, None)
            self.asked.pop(netloc)
        self.asked.setdefault(netloc, now)
        return await super().robot_parser(request)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        """Reads the first 500 KiB, as RFC 9309 2.5 asks at least: rules are read in the loop that keeps the time."""
        if len(response.body) > ROBOTS_BYTES:
            cut = response.body[:ROBOTS_BYTES]
            response = response.replace(body=cut[: cut.rfind(b"\n") + 1])
        await super()._parse_robots(response, netloc, request)


def apply_crawl_delay(crawler: Crawler, robotparser: Any, request: Request) -> None:
    """On `robots_parsed`: what the site asks for becomes the least delay of its slot (Scrapy itself ignores it)."""
    agent = crawler.settings["USER_AGENT"]
    delay = robotparser.crawl_delay(agent)
    if not delay or crawler.engine is None:
        return
    key = host_key(request.url)
    seconds = min(float(delay), LONGEST_DELAY)
    downloader = crawler.engine.downloader
    downloader.per_slot_settings[key] = {"concurrency": 1, "delay": seconds, "jitter": 0}
    if key in downloader.slots:
        downloader.slots[key].delay = seconds
        downloader.slots[key].jitter = 0


def rest_from_the_answer(crawler: Crawler, request: Request) -> None:
    """On `response_downloaded`: the delay of a slot runs from the answer, not from the moment the request was handed
    to the network as in Scrapy. A connection that takes long to be made would otherwise bring the next request, which
    finds it open, to the server sooner than the site allows."""
    if crawler.engine is None:
        return
    slot = crawler.engine.downloader.slots.get(request.meta.get("download_slot", ""))
    if slot is not None:
        slot.lastseen = time.monotonic()
