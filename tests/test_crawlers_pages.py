"""One visit after the other to the same page, without a server: what is seen again, what has grown, what is gone."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from crawl_town import NOW, article, listing
from memory_frontier import MemoryFrontier

from crawlers.guard import Readers
from crawlers.job import Ask, Job
from crawlers.outcomes import Answer
from crawlers.visit import visit
from storage.types import Document, ImportMapping, Selectors, Source

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    made = Readers()
    yield made
    made.close()


@dataclass
class World:
    """A source, its pages (text, status, or a function of the request), and a clock that is turned by hand."""

    source: Source
    readers: Readers
    pages: dict[str, str | int | Callable[[Ask], str | int]] = field(default_factory=dict)
    now: datetime = NOW
    frontier: MemoryFrontier = field(default_factory=MemoryFrontier)
    documents: list[Document] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    rest: float = 0.0

    def __post_init__(self) -> None:
        self.job = Job(
            sources=lambda: (self.source,), open_frontier=self.frontier.open, sink=self.documents.extend, owner="me",
            clock=lambda: self.now, once=True, stop=threading.Event(), report=lambda line: None, agent="Test",
            readers=self.readers, known={self.source.id: self.source}, rest=lambda url: self.rest,
        )  # fmt: skip
        self.frontier.sync((self.source,), self.now)

    async def fetch(self, ask: Ask) -> Answer:
        path = "/" + ask.url.split("/", 3)[3]
        self.asked.append(path)
        found = self.pages.get(path, 404)
        found = found(ask) if callable(found) else found
        status, body = (found, "") if isinstance(found, int) else (200, found)
        kind = "application/json" if body.startswith("{") else "text/html; charset=utf-8"
        return Answer(
            url=ask.url, status=status, body=body.encode(), content_type=kind, etag="e", modified=None, retry_after=None
        )  # fmt: skip

    def turn(self, later: timedelta = timedelta(0)) -> list[Document]:
        """Work off everything that is due; the documents that were handed on."""
        self.now += later
        before = len(self.documents)
        while leases := self.frontier.claim("me", 1, 300, self.now):
            for lease in leases:
                asyncio.run(visit(self.job, lease, self.fetch))
        return self.documents[before:]

    def figures(self, name: str) -> int:
        return sum(getattr(h, name) for h in self.frontier.hours("s", NOW - 100 * HOUR))

    def reasons(self) -> str:
        return " ".join(h.last_error or "" for h in self.frontier.seen_hours.values())


def source(type_: str = "list", **more: object) -> Source:
    settings = {"kind": "news", "url": "http://a.example/list", **more}
    return Source(id="s", name="示例", type=type_, **settings)  # type: ignore[arg-type]


TITLE = "某路段抢修通报：今晚恢复通车"
LIST = listing(("/a.html", TITLE, "03-02"), ("/b.html", "另一条示例新闻：公园延长开放", "03-02"))


def town(readers: Readers) -> World:
    other = article("另一条示例新闻：公园延长开放", when="2026-03-02 09:40")
    return World(
        source(), readers, {"/list": LIST, "/a.html": article(TITLE, when="2026-03-02 09:40"), "/b.html": other}
    )


def test_a_deleted_article_is_marked_and_unmarked_when_it_comes_back(readers: Readers) -> None:
    world = town(readers)
    first = {d.title: d for d in world.turn()}
    kept = world.pages["/a.html"]
    world.pages["/a.html"] = 410
    (gone,) = world.turn(2 * HOUR)
    assert gone == Document(**{
        **{n: getattr(first[TITLE], n) for n in Document.__slots__}, "status": "原文已删除", "fetched_at": world.now,
    })  # fmt: skip
    assert world.figures("rejected") == 1
    assert "HTTP 410" in world.reasons()
    world.pages["/a.html"] = kept
    (back,) = world.turn(HOUR)
    assert (back.id, back.status, back.text) == (gone.id, None, gone.text)
    assert world.turn(HOUR / 4) == []


def test_an_article_deleted_for_good_is_asked_twice_and_no_more(readers: Readers) -> None:
    world = town(readers)
    world.turn()
    world.pages["/a.html"] = 404
    assert len(world.turn(2 * HOUR)) == 1
    world.asked.clear()
    for _ in range(30):
        assert world.turn(HOUR) == []
    assert world.asked.count("/a.html") == 1


def test_a_page_never_read_is_no_deleted_document(readers: Readers) -> None:
    world = town(readers)
    del world.pages["/a.html"]
    assert [d.title for d in world.turn()] == ["另一条示例新闻：公园延长开放"]
    assert world.figures("rejected") == 1


def test_an_unchanged_page_goes_on_being_looked_at(readers: Readers) -> None:
    world = town(readers)
    whole = world.pages["/a.html"]
    world.pages["/a.html"] = lambda ask: 304 if ask.etag else str(whole)
    world.turn()
    world.asked.clear()
    for _ in range(24):
        assert world.turn(HOUR) == []
    assert 2 <= world.asked.count("/a.html") <= 4  # after about 1, 3 and 9 hours
    edited = article(TITLE, when="2026-03-02 09:40", extra="<p>更正：恢复通车的时间推迟到明天早上。</p>")
    world.pages["/a.html"] = edited
    assert [("更正" in d.text) for d in world.turn(16 * HOUR)] == [True]


def thread(pages: int, last: int) -> dict[str, str | int | Callable[[Ask], str | int]]:
    """A thread of two floors a page, the last page with `last` of them; the second floor of page 1 holds a picture."""
    found: dict[str, str | int | Callable[[Ask], str | int]] = {}
    for n in range(1, pages + 1):
        floors = "".join(
            f'<div class="floor"><b class="author">甲{n}{i}</b><i class="time">2026-03-02 09:{n:02}</i>'
            f'<p class="text">{"" if (n, i) == (1, 2) else f"第{n}页第{i}层说的话。"}</p></div>'
            for i in range(1, (last if n == pages else 2) + 1)
        )
        more = f'<a href="/t?id=1&page={n + 1}">下一页</a>' if n < pages else ""
        path = "/t?id=1" if n == 1 else f"/t?id=1&page={n}"
        found[path] = f"<html><title>路灯坏了三天没人修</title>{floors}{more}</html>"
    return found


def test_a_long_thread_is_read_to_its_end_and_on_from_there(readers: Readers) -> None:
    rules = Selectors(item="li", link="a", replies="b")
    board = '<ul><li><a href="/t?id=1">路灯坏了三天没人修</a><b>{}</b></li></ul>'
    world = World(source("forum", kind="forum", selectors=rules, max_pages=2), readers)
    world.pages = {"/list": board.format(9), **thread(5, 1)}
    found = world.turn()
    for _ in range(6):
        found += world.turn(timedelta(minutes=2))
    assert len({d.id for d in found}) == len(found) == 8
    assert [d.text[1] for d in sorted(found, key=lambda d: d.floor or 0)] == list("12233445")
    world.asked.clear()
    world.pages = {"/list": board.format(12), **thread(6, 1)}
    world.turn(HOUR)
    later = world.documents[8:]
    for _ in range(3):
        later += world.turn(timedelta(minutes=2))
    assert {d.text for d in later} == {"第5页第2层说的话。", "第6页第1层说的话。"}
    assert not {d.id for d in later} & {d.id for d in found}
    assert "/t?id=1&page=2" not in world.asked
    assert "/t?id=1&page=3" not in world.asked


def post(number: int, likes: int) -> dict[str, object]:
    return {"id": number, "text": f"第{number}条公开的帖子", "likes": likes, "created_at": "2026-03-02 09:00"}


def test_growing_figures_are_handed_on_but_are_no_news(readers: Readers) -> None:
    world = World(source("api", kind="social", interval_minutes=5), readers)
    world.pages["/list"] = json.dumps({"items": [post(1, 3), post(2, 5000)]})
    assert len(world.turn()) == 2
    world.pages["/list"] = json.dumps({"items": [post(1, 9), post(2, 5001)]})
    assert [(d.likes, d.text) for d in world.turn(HOUR)] == [(9, "第1条公开的帖子")]
    world.pages["/list"] = json.dumps({"items": [post(1, 9), post(2, 9000)]})
    assert [d.likes for d in world.turn(HOUR)] == [9000]
    assert (world.figures("new"), world.figures("updated")) == (2, 0)


def test_an_index_of_sitemaps_is_followed(readers: Readers) -> None:
    world = World(source("sitemap"), readers)
    world.pages = {
        "/list": "<sitemapindex><sitemap><loc>http://a.example/s1</loc></sitemap></sitemapindex>",
        "/s1": "<urlset><url><loc>http://a.example/a.html</loc><lastmod>2026-03-02</lastmod></url></urlset>",
        "/a.html": article(TITLE),
    }
    assert [d.title for d in world.turn()] == [TITLE]


def test_more_news_than_pages_is_said(readers: Readers) -> None:
    rows = [(f"/n{i}.html", f"第{i}条示例新闻：某路段抢修通报", "03-02") for i in range(12)]
    world = World(source(max_pages=1), readers)
    more = '<a href="/list?page=2">下一页</a>'
    world.pages = {"/list": listing(*rows[:4]) + more, **{url: article(title) for url, title, _ in rows}}
    world.turn()
    assert "漏采" not in world.reasons()  # what was there before the first look is not missed
    world.pages["/list"] = listing(*rows[6:12]) + more
    world.turn(7 * HOUR)
    assert "漏采" in world.reasons()


def test_a_host_rests_and_a_long_visit_asks_for_more_time(readers: Readers) -> None:
    world = town(readers)
    world.rest = 7.0
    more = '<a href="/list?page=2">下一页</a>'

    def slow(ask: Ask) -> str:
        world.now += timedelta(seconds=200)
        return LIST + more

    world.pages["/list"] = slow
    world.pages["/list?page=2"] = listing(("/a.html", TITLE, "03-02"))
    assert len(world.turn()) == 2
    assert world.frontier.renewed == ["http://a.example/list"]
    assert {rest for _, rest in world.frontier.rests} == {7.0}


def test_a_lost_lease_is_left_to_its_new_owner(readers: Readers) -> None:
    world = town(readers)

    def late(ask: Ask) -> str:
        world.now += timedelta(seconds=400)
        return LIST + '<a href="/list?page=2">下一页</a>'

    world.pages["/list"] = late
    (lease,) = world.frontier.claim("me", 1, 300, world.now)
    asyncio.run(visit(world.job, lease, world.fetch))
    assert world.asked == ["/list"]
    assert world.frontier.entries["s", lease.url].held


def test_a_feed_of_summaries_is_followed_to_the_whole_text(readers: Readers) -> None:
    item = (
        f"<item><title>{TITLE}</title><link>http://a.example/a.html</link><description>摘要一句。</description></item>"
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>示例</title>{item}</channel></rss>'
    pages = {"/list": feed, "/a.html": article(TITLE, when="2026-03-02 09:40")}
    found = World(source("feed"), readers, pages).turn()
    assert [d.title for d in found] == [TITLE]
    assert "安排专人引导车辆绕行" in found[0].text
    assert "摘要一句" not in found[0].text


@pytest.mark.parametrize("name", ["工单.csv", "工单.jsonl"])
def test_a_watched_folder_is_read_by_its_saved_mapping_and_only_what_is_new(
    readers: Readers, tmp_path: Path, name: str
) -> None:
    """The column 处理意见 would be no text by its name; the mapping that was saved with the source says that it is."""
    saved = ImportMapping(fields={"id": "流水", "text": "处理意见", "published_at": "登记"})
    world = World(source("file", url=str(tmp_path), kind="hotline", mapping=saved), readers)
    assert world.turn() == []
    first = {"流水": "A-1", "处理意见": "路口井盖不见了，请尽快补上。", "登记": "2026-03-01 08:30"}
    second = {**first, "流水": "A-2", "处理意见": "楼道灯三天不亮。"}
    write(tmp_path / name, [first])
    found = world.turn(25 * HOUR)
    assert [(d.text, d.kind) for d in found] == [(first["处理意见"], "hotline")]
    assert found[0].published_at == datetime(2026, 3, 1, 8, 30, tzinfo=NOW.tzinfo)
    assert world.turn(25 * HOUR) == []
    write(tmp_path / name, [first, second])
    assert second["处理意见"] in [d.text for d in world.turn(25 * HOUR)]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    if path.suffix == ".jsonl":
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
