"""The sample town, served on a free port and walked as a crawler would."""

import csv
import io
import itertools
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import feedparser
import httpx
import pytest
import uvicorn
from lxml import html

from app.sample import create_sample, timeline
from app.sample.site import ZONE
from app.sample.timeline import DAYS, incidents

START = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
TIME = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d")


@pytest.fixture(scope="module")
def town() -> Iterator[SimpleNamespace]:
    """The site on a free port; `clock.now` is what it believes the time to be."""
    clock = SimpleNamespace(now=START)
    config = uvicorn.Config(create_sample(START, lambda: clock.now), log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    door = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # else asyncio leaves Nagle on: 40 ms a page
    door.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with httpx.Client(base_url=f"http://127.0.0.1:{door.getsockname()[1]}") as client:
        yield SimpleNamespace(
            get=lambda url, **more: client.get(url, **more).raise_for_status(), ask=client.get, clock=clock
        )
    server.should_exit = True
    thread.join(10)
    door.close()


def walk(town: SimpleNamespace, address: str, link: str) -> list[str]:
    """Every link of a list, page by page."""
    found: list[str] = []
    following: list[str] = [address]
    while following:
        answer = town.get(following[0])
        page = html.fromstring(answer.text)
        assert "示例" in page.findtext(".//title")
        found += page.xpath(f"//a[{link}]/@href")
        following = [address + more.removeprefix(address) for more in page.xpath('//a[@class="next"]/@href')]
    assert len(found) == len(set(found))
    return found


def test_every_list_and_page_can_be_walked(town: SimpleNamespace) -> None:
    begin = START - timedelta(days=DAYS)
    seen = 0
    lists = {
        "/news/": 'starts-with(@href, "/news/") and @title',
        "/notice/": 'starts-with(@href, "/notice/") and contains(@href, ".html")',
        "/forum/": 'contains(@class, "subject")',
        "/board/": 'contains(@class, "subject")',
    }
    for address, link in lists.items():
        for url in walk(town, address, link):
            page = html.fromstring(town.get(url).text)
            assert "示例" in page.findtext(".//title")
            assert "示例" in page.xpath('string(//div[@class="footer"])')
            times = [
                datetime.strptime(t, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE) for t in TIME.findall(page.text_content())
            ]
            assert times, url
            assert all(begin - timedelta(minutes=1) <= t <= START for t in times), url
            seen += len(times)
    feed = feedparser.parse(town.get("/feed.xml").content)
    assert not feed.bozo
    for entry in feed.entries:
        assert entry.title in town.get(entry.link).text
    table = list(csv.DictReader(io.StringIO(town.get("/hotline.csv").text)))
    assert {row["工单编号"][:2] for row in table} == {"示例"}
    seen += len(feed.entries) + len(table) + len(statuses(town)) + len(hot(town))
    assert seen >= 300


def statuses(town: SimpleNamespace) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor: str | None = "0"
    while cursor is not None:
        answer = town.get("/api/statuses.json", params={"cursor": cursor}).json()
        found += answer["statuses"]
        cursor = answer["next_cursor"]
    assert len({row["id"] for row in found}) == len(found)
    return found


def hot(town: SimpleNamespace) -> list[dict[str, object]]:
    answer = town.get("/api/s", params={"id": "sample"}).json()
    assert answer["status"] == "success"
    for item in answer["items"]:
        assert item["title"] in town.get(item["url"]).text
    return list(answer["items"])


def test_robots_allow_and_unknown_pages_are_404(town: SimpleNamespace) -> None:
    assert "Allow: /" in town.get("/robots.txt").text
    for url in ("/news/1.html", "/news/?page=999", "/forum/?page=0", "/status/99999999", "/news/x.html"):
        assert town.ask(url).status_code == 404, url
    assert town.ask("/news/?page=abc").status_code == 200


def test_a_page_known_already_is_304(town: SimpleNamespace) -> None:
    tag = town.get("/news/").headers["etag"]
    assert town.ask("/news/", headers={"if-none-match": tag}).status_code == 304


def test_new_items_appear_while_it_runs(town: SimpleNamespace) -> None:
    before = len(statuses(town))
    try:
        town.clock.now = START + timedelta(minutes=2)
        after = statuses(town)
        assert len(after) >= before + 5
        assert max(str(row["created_at"]) for row in after) <= town.clock.now.astimezone(ZONE).isoformat()
    finally:
        town.clock.now = START


def test_the_same_start_gives_the_same_town_and_another_start_shifts_it() -> None:
    assert timeline(START) == timeline(START)
    later = [replace(item, at=item.at - timedelta(hours=5)) for item in timeline(START + timedelta(hours=5))]
    assert later == list(timeline(START))


def test_history_is_long_and_the_coming_half_hour_is_busy() -> None:
    items = timeline(START)
    history = [item for item in items if item.at <= START]
    assert len(history) >= 300
    assert min(item.at for item in history) >= START - timedelta(days=DAYS)
    coming = [item.at for item in items if item.at > START]
    assert coming[-1] <= START + timedelta(minutes=35)
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(coming)]
    assert len(coming) >= 60
    assert max(gaps) <= 60
    assert len([at for at in coming if at <= START + timedelta(minutes=2)]) >= 8


def test_every_incident_has_a_truth_and_texts_of_several_hands() -> None:
    truth = incidents()
    assert len(truth) >= 12
    items = timeline(START)
    assert {item.incident for item in items if item.incident} == set(truth)
    for incident in truth:
        texts = [item.text for item in items if item.incident == incident]
        assert len(texts) >= 7, incident


def test_no_text_is_said_twice() -> None:
    texts = [item.text for item in timeline(START) if len(item.text) > 12]
    assert sorted(texts) == sorted(set(texts))
