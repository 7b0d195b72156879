"""Server time, CPU time and weight of every page of the board.

    python benchmarks/dashboards_pages.py [documents=50000] [events=1000] [rounds=30]   a small store
    python benchmarks/dashboards_pages.py --data DIR [events=20000] [rounds=20]    one of `storage_million.py build`

One client after the other, then 30 clients at once. CPU is of the whole process, server and client together, so it
is an upper bound of the server's; server time is wall clock, and worse on a busy machine: the load is printed.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from board_example import PASSWORD, Clock, add_task, make_site, risk, serve, stored  # noqa: E402

from analysis.words import segment  # noqa: E402
from dashboards.site import Site  # noqa: E402
from storage.documents import SqliteDocuments  # noqa: E402
from storage.ports import DocumentQuery, DocumentStore  # noqa: E402
from storage.types import Event  # noqa: E402

WORDS = (
    *("噪声", "异味", "污水", "食堂", "退税", "学区", "入学", "停车", "路灯", "施工"),
    *("垃圾", "电梯", "物业", "工资", "医保", "公交", "河道", "油烟", "占道", "漏水"),
)
PAGES = (
    "/",
    "/live/overview",
    "/events",
    "/events/canteen",
    "/events/big-0",
    "/live/events/big-0/spread",
    "/documents",
    "/documents?q=噪声",
    "/documents/side?q=噪声",
    "/documents?q=停车",
    "/documents/side?q=停车",
    "/documents?topic=tax&kind=news",
    "/documents/side?topic=tax&kind=news",
    "/documents/side",
    "/documents?q=(噪声 | 异味) + 物业 - 招聘",
    "/documents/count?q=食堂",
    "/documents/side?q=(噪声 | 异味) + 物业 - 招聘",
    "/document/canteen-0",
    "/topics",
    "/topics/environment",
    "/live/topics/environment",
    "/tasks",
    "/tasks/task-canteen",
    "/sources",
    "/settings",
    "/settings/topics?topic=environment",
    "/settings/routing?topic=tax&level=red",
    "/settings/users",
    "/audit",
    "/wall",
    "/healthz",
)


def fill(site: Site, documents: int, events: int) -> None:
    """Documents over 90 days, a tenth of them in events of very different size."""
    random, now = Random(1), Clock().at
    topics = (("environment", "sthj"), ("food-drug", "scjg"), ("education", "jyj"), ("tax", "swj"))
    for start in range(0, documents, 2000):
        rows = []
        for number in range(start, min(start + 2000, documents)):
            topic, unit = topics[random.randrange(4)]
            text = "，".join(random.choices(WORDS, k=9)) + f"，请处理{number}。"
            at = now - timedelta(minutes=random.expovariate(1 / 30_000))
            event = f"big-{min(int(random.paretovariate(0.6)) - 1, events - 1)}" if random.random() < 0.1 else None
            rows.append(stored(f"d{number}", text, at, topic=topic, department=unit, event=event))
        site.documents.put(rows)
    site_events(site, events)


def site_events(site: Site, events: int) -> None:
    """Events of every level, a third with a task."""
    now = Clock().at
    with site.ledger.begin() as tx:
        rows = [
            Event(
                id=f"big-{n}",
                title=f"第{n}件事",
                first_at=now - timedelta(days=n % 60 + 1),
                last_at=now - timedelta(hours=n % 100),
                detected_at=now - timedelta(days=n % 60 + 1),
                topic="environment",
                area="beiyuan",
                departments=("sthj",),
                documents=max(1, 2000 // (n + 1)),
                level=n % 5,
                score=float(n % 100),
                risk=risk(float(n % 100)),
            )
            for n in range(events)
        ]
        tx.events.save(rows)
        for event in rows[::3]:
            if event.level:
                add_task(tx, replace(event), "sthj", now)


def client(base: str) -> httpx.Client:
    """A logged-in client."""
    # below the server's five seconds: else a kept connection may be closed just as it is used again
    limits = httpx.Limits(keepalive_expiry=2)
    opened = httpx.Client(base_url=base, trust_env=False, timeout=120, limits=limits)
    page = opened.get("/login").text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    opened.post("/login", data={"csrf": csrf, "name": "admin", "password": PASSWORD})
    return opened


def timed(opened: httpx.Client, path: str) -> tuple[float, float, int]:
    """Server time and CPU time of one answer in milliseconds, and its size in bytes as it was sent."""
    cpu = time.process_time()
    answer = opened.get(path)
    answer.raise_for_status()
    cpu = (time.process_time() - cpu) * 1000
    return float(answer.headers["server-timing"].split("dur=")[1]), cpu, answer.num_bytes_downloaded


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def walk(opened: httpx.Client, rounds: int) -> None:
    """Every page, one after the other."""
    for path in PAGES:
        first = timed(opened, path)
        found = [timed(opened, path) for _ in range(rounds)]
        wall, cpu = [row[0] for row in found], [row[1] for row in found]
        print(
            f"{path:42} first CPU {first[1]:7.1f}   CPU p50 {quantile(cpu, 0.5):7.1f} p95 {quantile(cpu, 0.95):7.1f} ms"
            f"   server p50 {quantile(wall, 0.5):7.1f} p95 {quantile(wall, 0.95):7.1f} ms   {first[2] / 1000:6.1f} kB",
            flush=True,
        )


def crowd(base: str, clicks: int) -> None:
    """Thirty people clicking at once: every answer must be a page."""
    people = [client(base) for _ in range(30)]
    start, cpu = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(30) as pool:
        times = list(pool.map(lambda n: timed(people[n % 30], PAGES[n % len(PAGES)])[0], range(clicks)))
    took, worked = time.monotonic() - start, time.process_time() - cpu
    spread = f"p50 {quantile(times, 0.5):.0f} ms, p95 {quantile(times, 0.95):.0f} ms"
    print(
        f"30 people, {clicks} clicks: no error, {clicks / took:.0f} pages/s, {clicks / worked:.0f} per CPU s, {spread}"
    )


def million(folder: Path) -> Site:
    """The board over a store that `storage_million.py` built; the ledger is made anew."""
    for old in folder.glob("minsheng.db*"):
        old.unlink()
    site = make_site(folder)
    site.documents.close()
    return replace(site, documents=SqliteDocuments(folder / "documents.db", segment=segment))


def over(store: DocumentStore, events: int, rounds: int) -> None:
    """The same over any store that holds the documents of `storage_million.py`, and those that the pages name."""
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder))
        store.put(list(site.documents.scan(DocumentQuery())))
        site.documents.close()
        site_events(site, events)
        with serve(replace(site, documents=store)) as base:
            walk(client(base), rounds)
            crowd(base, 240)
        site.ledger.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", type=int, nargs="*", help="documents (without --data), events, rounds")
    parser.add_argument("--data", type=Path, default=None)
    options = parser.parse_args()
    usual = (50_000, 1_000, 30) if options.data is None else (0, 20_000, 20)
    given = options.numbers if options.data is None else [0, *options.numbers]
    documents, events, rounds = (*given, *usual[len(given) :])
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder)) if options.data is None else million(options.data)
        if documents:
            fill(site, documents, events)
        else:
            site_events(site, events)
        print(f"load {os.getloadavg()[0]:.1f}; {site.documents.health()['documents']} documents, {events} events")
        with serve(site) as base:
            walk(client(base), rounds)
            crowd(base, 600)
        site.documents.close()
        site.ledger.close()


if __name__ == "__main__":
    main()
