"""The long run: a town on loopback, two crawling processes on one ledger, one of them killed every simulated hour.

    python benchmarks/crawlers_longrun.py                     200 sources, 24 simulated hours in about 10 minutes
    python benchmarks/crawlers_longrun.py --sources 20 --hours 4 --minutes 0.4 --json

Every source has an address of its own (127.x.y.z), a list of what it has published so far, an article behind each row
and a robots.txt with a Crawl-delay in real seconds. The clock that the workers are handed runs faster than the wall's;
what is kept in real seconds (the rest of a host, the length of a lease) is stretched on its way into the ledger.

Judged by what the servers saw and by what lies in the ledger: was anything published and not gathered; was a host asked
sooner than it allows, or twice at once; how many pages were fetched again for nothing, against what a kill may cost.
Exit 1 if one of these does not hold.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from multiprocessing.process import BaseProcess
from typing import Any

from crawlers.dates import CHINA
from crawlers.spider import AT_ONCE
from storage.ledger import open_ledger
from storage.ports import Ledger
from storage.types import Document, Source

START = datetime(2026, 3, 2, 7, 0, tzinfo=CHINA)
ROWS = 15
#: a lease with less left than this share is renewed before the next request, as the worker does with 180 of 300 s
MARGIN = 0.6
FORKS = multiprocessing.get_context("forkserver")
#: a page that was fetched is not fetched again within this time, but after a kill
AGAIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is, for the town and for its workers."""

    sources: int
    hours: float
    pace: float  #: simulated seconds in a real one
    port: int
    begin: float  #: time.monotonic() at START
    ledger: str
    #: real seconds that a lease holds, in place of the worker's 300: a killed worker's leases must run out in this run
    lease: float
    once: bool = False  #: a worker ends when nothing is due
    frozen: float | None = None  #: simulated seconds after START at which the clock stands still

    def now(self) -> datetime:
        """The simulated moment."""
        passed = self.frozen if self.frozen is not None else (time.monotonic() - self.begin) * self.pace
        return START + timedelta(seconds=passed)

    def host(self, number: int) -> str:
        return f"127.{10 + number // 60_000}.{number // 250 % 240}.{1 + number % 250}"

    def source(self, number: int) -> Source:
        url = f"http://{self.host(number)}:{self.port}/list"
        return Source(id=f"s{number}", name=f"示例{number}", type="list", url=url, kind="news", private=True)


def published(number: int, hours: float) -> list[datetime]:
    """When the items of a source appear: 0.5 to 25 a day, most from 7 to 24 h, from 6 hours before the start on."""
    dice = random.Random(number)
    rate = 0.5 * 50 ** dice.random()
    found: list[datetime] = []
    for hour in range(-6, int(hours) + 1):
        busy = 1.4 if (hour + START.hour) % 24 >= 7 else 0.2
        found += [
            START + timedelta(hours=hour + dice.random()) for _ in range(40) if dice.random() < rate * busy / 24 / 40
        ]
    first = [START - timedelta(hours=7 + n) for n in range(3)]  # a list of one row is no list
    return sorted([*first, *(at for at in found if at < START + timedelta(hours=hours))])


@dataclass(slots=True)
class Seen:
    """One request as the town saw it."""

    host: str
    path: str
    begin: float
    end: float = 0.0


@dataclass(slots=True)
class Town:
    """All servers of a run."""

    plan: Plan
    items: dict[str, list[datetime]]
    delays: dict[str, float]
    seen: list[Seen] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    at_once: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection."""
        host = writer.get_extra_info("sockname")[0]
        try:
            while line := await reader.readline():
                headers = {}
                while (row := (await reader.readline()).decode("latin-1").strip()) != "":
                    name, _, text = row.partition(":")
                    headers[name.lower()] = text.strip()
                await self._one(host, line.decode("latin-1").split()[1], headers, writer)
        except (ConnectionError, IndexError):
            return
        finally:
            writer.close()

    async def _one(self, host: str, path: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        entry = Seen(host, path, time.monotonic())
        self.seen.append(entry)
        self.open[host] += 1
        self.at_once = max(self.at_once, self.open[host])
        try:
            await asyncio.sleep(0.02)
            body, etag = self._page(host, path)
            same = etag is not None and headers.get("if-none-match") == etag
            status = "404 Not Found" if body is None else "304 Not Modified" if same else "200 OK"
            content = b"" if body is None or same else body.encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(content)}\r\n"
            writer.write(f"{head}{f'ETag: {etag}' if etag else 'X-A: b'}\r\n\r\n".encode() + content)
            await writer.drain()
            entry.end = time.monotonic()
        finally:
            self.open[host] -= 1

    def _page(self, host: str, path: str) -> tuple[str | None, str | None]:
        if path == "/robots.txt":
            return f"User-agent: *\nCrawl-delay: {self.delays[host]}\n", None
        now = self.plan.now()
        there = [(n, at) for n, at in enumerate(self.items[host]) if at <= now]
        if path.startswith("/list"):
            page = int(path.partition("page=")[2] or 1)
            rows = there[::-1][(page - 1) * ROWS : page * ROWS]
            listed = "".join(
                f'<li><a href="/a/{n}.html">{_title(host, n)}</a><span>{at:%Y-%m-%d %H:%M}</span></li>'
                for n, at in rows
            )
            more = f'<a href="/list?page={page + 1}">下一页</a>' if len(there) > page * ROWS else ""
            return f"<html><title>栏目</title><ul class=news>{listed}</ul>{more}</html>", f'"{page}-{len(there)}"'
        number = path[3:-5]
        if not number.isdigit() or int(number) >= len(there):
            return None, None
        n, at = there[int(number)]
        return _article(host, n, at), '"1"'


def _title(host: str, number: int) -> str:
    return f"{host.replace('.', '区')}第{number}号示例通报发布"


def _article(host: str, number: int, at: datetime) -> str:
    return f"""<html><head><title>{_title(host, number)}</title></head><body><h1>{_title(host, number)}</h1>
    <div>发布时间：{at:%Y-%m-%d %H:%M} 来源：示例日报</div><div class="content">
    <p>记者从现场了解到，第{number}号路段的抢修已经开始，附近居民的出行受到影响，请留意公告。</p>
    <p>街道办事处表示，将在三天之内完成，并安排专人引导车辆绕行。</p></div></body></html>"""


class Stretched:
    """A frontier whose real seconds have become simulated ones; everything else goes straight through."""

    def __init__(self, inner: Any, pace: float, lease: float) -> None:
        self._inner = inner
        self._pace = pace
        self._lease = lease * pace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def claim(self, owner: str, size: int, lease_seconds: float, now: datetime) -> Any:
        return self._inner.claim(owner, size, self._lease, now)

    def renew(self, lease: Any, until: datetime, now: datetime) -> Any:
        return self._inner.renew(lease, now + timedelta(seconds=self._lease), now)

    def done(self, lease: Any, now: datetime, *, rest: float = 0.0, **kwargs: Any) -> None:
        self._inner.done(lease, now, rest=rest * self._pace, **kwargs)

    def fail(self, lease: Any, now: datetime, *, rest: float = 0.0, **kwargs: Any) -> None:
        self._inner.fail(lease, now, rest=rest * self._pace, **kwargs)


def work(plan: Plan, owner: str) -> None:
    """One worker, in a process of its own; with a frozen clock until nothing is due."""
    from crawlers import pages
    from crawlers.worker import run_worker

    pages._MARGIN = MARGIN * plan.lease * plan.pace
    ledger = open_ledger(plan.ledger)
    sources = [plan.source(n) for n in range(plan.sources)]

    @contextmanager
    def frontier() -> Iterator[Any]:
        with ledger.begin() as tx:
            yield Stretched(tx.frontier, plan.pace, plan.lease)

    def sink(documents: Sequence[Document]) -> None:
        with ledger.begin() as tx:
            tx.intake.add(documents, plan.now())

    run_worker(
        sources=lambda: sources, open_frontier=frontier, sink=sink, owner=owner, clock=plan.now,
        once=plan.once, report=_report, agent="MinshengLongRun/1.0 (+https://example.invalid)",
    )  # fmt: skip


def _report(line: str) -> None:
    print(line, file=sys.stderr)


def start(plan: Plan, owner: str) -> BaseProcess:
    """A worker that has its libraries loaded already: in this run a second is many minutes."""
    process = FORKS.Process(target=work, args=(plan, owner))
    process.start()
    return process


async def run(plan: Plan, town: Town) -> dict[str, object]:
    """The whole run; the town's servers live in this loop."""
    hosts = [plan.host(n) for n in range(plan.sources)]
    server = await asyncio.start_server(town.answer, hosts, plan.port)
    workers = [start(plan, "w0"), start(plan, "w1")]
    kills: list[float] = []
    mark = 0
    try:
        for hour in range(1, int(plan.hours) + 1):
            await asyncio.sleep(max(0.0, plan.begin + hour * 3600 / plan.pace - time.monotonic()))
            if hour == int(plan.hours):
                break
            await _asked(town, mark)
            victim = hour % 2
            assert workers[victim].is_alive(), "a worker ended by itself"
            workers[victim].kill()
            workers[victim].join()
            kills.append(time.monotonic())
            mark = len(town.seen)
            workers[victim] = start(plan, f"w{hour + 1}")
        await _asked(town, mark)
        assert all(w.is_alive() for w in workers), "a worker ended by itself"
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
    before = len(town.seen)
    delays, early = _delays(plan, town), _early(plan, town)
    await _last_look(plan, town)
    server.close()
    return {**_judged(plan, town, kills, before, delays), "an_hour_old": early[1], "of_these_seen": early[0]}


async def _asked(town: Town, mark: int) -> None:
    """Until there are more than `mark` requests: on a starved machine a worker takes longer than an hour to begin, and
    killing one that has not begun shows nothing."""
    patience = time.monotonic() + 60
    while len(town.seen) <= mark and time.monotonic() < patience:
        await asyncio.sleep(0.1)


async def _last_look(plan: Plan, town: Town) -> None:
    """Every list once more after the last hour, by one worker that is not killed, in real time: what comes to light now
    was published, and not due yet. What does not come to light is missed. Nothing new is published meanwhile."""
    await asyncio.sleep(plan.lease)
    town.plan = replace(plan, frozen=plan.hours * 3600)
    passed = (time.monotonic() - plan.begin) * plan.pace
    after = replace(plan, pace=1.0, begin=time.monotonic() - passed, once=True)
    ledger = open_ledger(plan.ledger)
    with ledger.begin() as tx:
        for n in range(plan.sources):
            tx.frontier.due_now(f"s{n}", after.now())
    ledger.close()
    worker = start(after, "last")
    while worker.is_alive():
        await asyncio.sleep(0.2)


def _documents(ledger: Ledger) -> dict[str, tuple[Document, datetime]]:
    with ledger.begin() as tx:
        rows = tx.intake.claim("judge", 1_000_000, 1, START)
        tx.intake.release("judge")
    found: dict[str, tuple[Document, datetime]] = {}
    for row in rows:
        found.setdefault(row.document.url or "", (row.document, row.received_at))
    return found


def _delays(plan: Plan, town: Town) -> list[float]:
    """Minutes from publication to the ledger of what was published after the start and gathered in time."""
    ledger = open_ledger(plan.ledger)
    found = _documents(ledger)
    ledger.close()
    minutes = []
    for document, received in found.values():
        host, number = (document.url or "").split("/")[2].split(":")[0], int((document.url or "").split("/")[-1][:-5])
        at = town.items[host][number]
        if at >= START:
            minutes.append((received - at).total_seconds() / 60)
    return sorted(minutes)


def _early(plan: Plan, town: Town) -> tuple[int, int]:
    """Of what was published an hour and more before the end: gathered in time, and all of it. Not judged."""
    last = START + timedelta(hours=plan.hours - 1)
    wanted = {
        f"http://{host}:{plan.port}/a/{n}.html" for host, times in town.items.items() for n, at in enumerate(times)
        if START <= at <= last
    }  # fmt: skip
    ledger = open_ledger(plan.ledger)
    found = _documents(ledger)
    ledger.close()
    return len(wanted & found.keys()), len(wanted)


def _judged(plan: Plan, town: Town, kills: list[float], before: int, minutes: list[float]) -> dict[str, object]:
    ledger = open_ledger(plan.ledger)
    found = _documents(ledger)
    ledger.close()
    wanted = {
        f"http://{host}:{plan.port}/a/{n}.html": at for host, times in town.items.items() for n, at in enumerate(times)
        if at >= START
    }  # fmt: skip
    missed = sorted(url for url in wanted if url not in found)
    gaps: list[float] = []
    by_host: dict[str, list[Seen]] = defaultdict(list)
    for entry in town.seen:
        by_host[entry.host].append(entry)
    for host, entries in by_host.items():
        gaps += [b.begin - a.begin - town.delays[host] for a, b in pairwise(entries)]
    again = _again(town.seen[:before], plan)
    return {
        "sources": plan.sources, "hours": plan.hours, "pace": round(plan.pace), "kills": len(kills),
        "requests": before, "requests_last_look": len(town.seen) - before,
        "published": len(wanted), "missed": len(missed), "which": missed[:5],
        "seen_in_time": len(minutes), "mean_delay_minutes": round(sum(minutes) / max(1, len(minutes)), 1),
        "most_at_once_per_host": town.at_once, "soonest_seconds": round(min(gaps), 3),
        "sooner_than_allowed": sum(gap < 0 for gap in gaps), "fetched_again": again,
        "fetched_again_allowed": len(kills) * AT_ONCE,
    }  # fmt: skip


def _again(seen: Sequence[Seen], plan: Plan) -> int:
    last: dict[tuple[str, str], float] = {}
    count = 0
    for entry in seen:
        if not entry.end or entry.path == "/robots.txt":
            continue
        key = (entry.host, entry.path)
        count += key in last and (entry.begin - last[key]) * plan.pace < AGAIN.total_seconds()
        last[key] = entry.begin
    return count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", type=int, default=200)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--minutes", type=float, default=8, help="real minutes")
    parser.add_argument("--port", type=int, default=18765)
    parser.add_argument("--delay", type=float, default=0.5, help="shortest Crawl-delay, real seconds")
    parser.add_argument("--lease", type=float, default=10.0, help="real seconds")
    parser.add_argument("--lead", type=float, default=0.0, help="real seconds that workers have before hour 0 to begin")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    FORKS.set_forkserver_preload(["crawlers.worker", "crawlers.kinds", "storage.ledger"])
    warm = FORKS.Process(target=time.monotonic)
    warm.start()
    warm.join()
    with tempfile.TemporaryDirectory(prefix="longrun-") as folder:
        plan = Plan(
            sources=given.sources, hours=given.hours, pace=given.hours * 60 / given.minutes, port=given.port,
            begin=time.monotonic() + given.lead, lease=given.lease, ledger=f"sqlite:///{folder}/ledger.db",
        )  # fmt: skip
        open_ledger(plan.ledger).close()
        hosts = [plan.host(n) for n in range(plan.sources)]
        items = {host: published(n, plan.hours) for n, host in enumerate(hosts)}
        town = Town(plan, items, {host: given.delay * (1 + n % 3 / 2) for n, host in enumerate(hosts)})
        found = asyncio.run(run(plan, town))
    good = (
        found["missed"] == 0 and found["sooner_than_allowed"] == 0 and town.at_once <= 1
        and int(str(found["fetched_again"])) <= int(str(found["fetched_again_allowed"]))
    )  # fmt: skip
    if given.json:
        print(json.dumps({"ok": good, **found}, ensure_ascii=False))
    else:
        for name, value in found.items():
            print(f"{name:26} {value}")
    sys.exit(not good)


if __name__ == "__main__":
    main()
