"""Politeness by itself: from when a delay counts, how long a host is left alone, and that two processes share that."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest
from crawl_town import NOW, Town, article, crawl, listing, page, send
from memory_frontier import MemoryFrontier
from protego import Protego
from scrapy.core.downloader import Slot
from scrapy.http import Request, Response

from crawlers.guard import Readers
from crawlers.job import Job, Tally
from crawlers.leave import failed
from crawlers.outcomes import FetchFailed, answer, check
from crawlers.polite import LONGEST_DELAY, apply_crawl_delay, rest_from_the_answer
from crawlers.rhythm import back_off
from storage.ledger import open_ledger
from storage.types import Lease, Source

KEY = "http://a.example:80"


def crawler(**slots: Slot) -> SimpleNamespace:
    """What the two functions touch of a Scrapy crawler, with real slots."""
    downloader = SimpleNamespace(slots=dict(slots), per_slot_settings={})
    return SimpleNamespace(engine=SimpleNamespace(downloader=downloader), settings={"USER_AGENT": "Test"})


def test_the_delay_of_a_slot_runs_from_the_answer() -> None:
    own, other = Slot(1, 2.0, 0), Slot(1, 2.0, 0)
    own.lastseen = other.lastseen = time.monotonic() - 5
    there = crawler(**{KEY: own, "other": other})
    rest_from_the_answer(there, Request("http://a.example/x", meta={"download_slot": KEY}))  # type: ignore[arg-type]
    assert time.monotonic() - own.lastseen < 1
    assert time.monotonic() - other.lastseen >= 5
    rest_from_the_answer(there, Request("http://a.example/x"))  # type: ignore[arg-type]  # a request of no slot
    rest_from_the_answer(SimpleNamespace(engine=None), Request("http://a.example/"))  # type: ignore[arg-type]
    assert time.monotonic() - other.lastseen >= 5


@pytest.mark.parametrize(
    ("asked", "kept"), [("7", 7.0), ("0.5", 0.5), ("100000", LONGEST_DELAY), ("-3", None), ("x", None)]
)
def test_what_a_site_asks_for_is_its_delay_within_limits(asked: str, kept: float | None) -> None:
    from crawlers.urls import host_key

    key = host_key("http://a.example/x")
    slot = Slot(1, 1.0, 0)
    there = crawler(**{key: slot})
    robots = Protego.parse(f"User-agent: *\nCrawl-delay: {asked}\n")
    apply_crawl_delay(there, robots, Request("http://a.example/x"))  # type: ignore[arg-type]
    assert slot.delay == (1.0 if kept is None else kept)
    assert there.engine.downloader.per_slot_settings.get(key, {}).get("delay") == kept


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0), ("Mon, 02 Mar 2026 02:10:00 GMT", 600.0), ("Mon, 02 Mar 2026 01:00:00 GMT", 60.0),
        ("999999999", 86_400.0), ("0", 60.0), ("-5", 60.0), ("soon", 60.0), ("\xb2", 60.0), (None, 60.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0), ("1" * 400, 86_400.0),
    ],
)  # fmt: skip
def test_how_long_a_server_asks_us_to_stay_away(status: int, header: str | None, seconds: float) -> None:
    headers = {"Retry-After": header.encode("latin-1")} if header else {}
    with pytest.raises(FetchFailed) as caught:
        check(answer(Response("http://a.example/", status=status, headers=headers), NOW))
    assert caught.value.wait == seconds


def test_waiting_has_jitter_within_bounds_and_never_comes_sooner_than_asked() -> None:
    dues: list[float] = []
    rests: list[float] = []
    for number in range(40):
        frontier = MemoryFrontier()
        source = Source(id="s", name="示例", type="list", url=f"http://a.example/{number}", kind="news")
        job = Job(
            sources=lambda: (), open_frontier=frontier.open, sink=lambda d: None, owner="me", clock=lambda: NOW,
            once=True, stop=threading.Event(), report=lambda line: None, agent="Test", readers=Readers(),
        )  # fmt: skip
        frontier.sync((source,), NOW)
        lease: Lease = frontier.claim("me", 1, 60, NOW)[0]
        failed(job, source, lease, "网站要求放慢", Tally(), wait=7200.0)
        entry = frontier.entries["s", source.url]
        assert entry.due is not None
        dues.append((entry.due - NOW).total_seconds())
        rests += [rest for _, rest in frontier.rests]
    assert min(dues) >= 7200
    assert max(dues) <= 7200 * 1.25
    assert len(set(dues)) > 20  # not all at once
    assert set(rests) == {3600.0}  # the host as a whole is left alone for an hour at most


def test_back_off_grows_and_stays_within_its_bounds() -> None:
    for failures in range(1, 30):
        waits = [back_off(failures, seed) for seed in range(0, 1000, 37)]
        assert timedelta(minutes=1) <= min(waits) <= max(waits) <= timedelta(days=2)
        assert len(set(waits)) > 5
    assert back_off(6, 1) > 4 * back_off(1, 1)


def test_a_slow_answer_does_not_bring_the_next_request_sooner(tmp_path: Path) -> None:
    """The first article takes 1.6 of the 2 s that the site wants between two requests; the second comes 2 s after it
    was answered, not .4 s after."""
    titles = [f"第{i}条慢速示例新闻通报" for i in range(2)]
    ends: list[float] = []

    def late(title: str) -> Callable[[BaseHTTPRequestHandler], None]:
        def one(request: BaseHTTPRequestHandler) -> None:
            time.sleep(1.6)
            send(request, article(title).encode())
            ends.append(time.monotonic())

        return one

    town = Town({
        "/robots.txt": page("User-agent: *\nCrawl-delay: 2\n", Content_Type="text/plain"),
        "/list": page(listing(*((f"/n{i}.html", title, "2026-03-02") for i, title in enumerate(titles)))),
        **{f"/n{i}.html": late(title) for i, title in enumerate(titles)},
    })  # fmt: skip
    try:
        crawl([Source(id="s", name="慢", type="list", url=town.url("/list"), kind="news", private=True)], tmp_path)
    finally:
        town.close()
    second = [s.at for s in town.seen if s.path.startswith("/n")][1]
    assert second - ends[0] >= 1.98


def test_two_processes_leave_one_host_alone_together(tmp_path: Path) -> None:
    """Two ledgers' connections as two processes have them: whoever ends a lease makes the host rest for the other."""
    sources = [
        Source(id=f"s{n}", name="同一主机", type="list", url=f"http://a.example/{n}", kind="news") for n in range(3)
    ]
    elsewhere = replace(sources[0], id="t", url="http://b.example/0")
    at = NOW.astimezone(UTC)
    one, two = (open_ledger(f"sqlite:///{tmp_path}/ledger.db") for _ in range(2))
    try:
        with one.begin() as tx:
            tx.frontier.sync([*sources, elsewhere], at)
            mine = tx.frontier.claim("one", 10, 300, at)
        assert sorted(x.url.split("/")[2] for x in mine) == ["a.example", "b.example"]  # one per host
        assert claimed(two, at) == []  # and the other process gets none of the host meanwhile
        with one.begin() as tx:
            first = next(x for x in mine if "a.example" in x.url)
            tx.frontier.done(first, at, next_due=at + timedelta(hours=1), rest=30.0)
        assert claimed(two, at + timedelta(seconds=29)) == []
        assert [u.split("/")[2] for u in claimed(two, at + timedelta(seconds=31))] == ["a.example"]
    finally:
        one.close()
        two.close()


def claimed(ledger: object, now: datetime) -> list[str]:
    with ledger.begin() as tx:  # type: ignore[attr-defined]
        return [x.url for x in tx.frontier.claim("two", 10, 300, now)]
