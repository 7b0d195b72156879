"""Server time of every page of the board on a store of N documents.

    python benchmarks/dashboards_pages.py [documents=50000] [events=1000] [rounds=30]

Prints p50 and p95 in milliseconds for each page, one client after the other, and then with 30 clients at once.
"""

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

from dashboards.site import Site  # noqa: E402
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
    opened = httpx.Client(base_url=base, trust_env=False, timeout=60)
    page = opened.get("/login").text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    opened.post("/login", data={"csrf": csrf, "name": "admin", "password": PASSWORD})
    return opened


def timed(opened: httpx.Client, path: str) -> float:
    """Server time of one answer in milliseconds, as the server itself measured it."""
    answer = opened.get(path)
    answer.raise_for_status()
    return float(answer.headers["server-timing"].split("dur=")[1])


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def main() -> None:
    documents, events, rounds = (int(a) for a in (*sys.argv[1:], *("50000", "1000", "30")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder))
        start = time.monotonic()
        fill(site, documents, events)
        print(f"{documents} documents, {events} events in {time.monotonic() - start:.0f} s")
        with serve(site) as base:
            opened = client(base)
            for path in PAGES:
                timed(opened, path)
                times = [timed(opened, path) for _ in range(rounds)]
                print(f"{path:45} p50 {quantile(times, 0.5):7.1f} ms   p95 {quantile(times, 0.95):7.1f} ms")
            crowd(base)


def crowd(base: str) -> None:
    """Thirty people clicking at once: every answer must be a page."""
    people = [client(base) for _ in range(30)]
    start = time.monotonic()
    with ThreadPoolExecutor(30) as pool:
        times = list(pool.map(lambda n: timed(people[n % 30], PAGES[n % len(PAGES)]), range(600)))
    took = time.monotonic() - start
    spread = f"p50 {quantile(times, 0.5):.0f} ms, p95 {quantile(times, 0.95):.0f} ms"
    print(f"30 people, 600 clicks: no error, {600 / took:.0f} pages/s, {spread}")


if __name__ == "__main__":
    main()
