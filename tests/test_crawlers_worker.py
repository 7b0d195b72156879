"""The whole worker against scripted servers: one run over all of them, many questions afterwards."""

import gzip
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from crawl_town import NOW, Outcome, Town, article, crawl, listing, page, send

from app.source_file import append
from crawlers.rhythm import state
from storage.types import Selectors, Source


def _has_six() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


SIX = _has_six()


REPO = Path(__file__).parent.parent


def source(id_: str, url: str, type_: str = "list", **more: object) -> Source:
    return Source(id=id_, name=f"示例{id_}", type=type_, url=url, kind="news", private=True, **more)


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(4000):
        request.wfile.write(b"<p>\xe6\xb2\xa1</p>" * 1000)


def bomb(request: BaseHTTPRequestHandler) -> None:
    send(request, gzip.compress(b"<p>" + b"a" * 60_000_000), Content_Encoding="gzip")


def slow(request: BaseHTTPRequestHandler) -> None:
    time.sleep(1.2)
    page(listing(("/a1", "慢速站点的第一条新闻稿件", "03-02"), ("/a2", "慢速站点的第二条新闻稿件", "03-02")))(request)


def redirect(place: str):  # type: ignore[no-untyped-def]
    return lambda request: send(request, b"", status=302, Location=place)


@pytest.fixture(scope="module")
def towns() -> Iterator[dict[str, Town]]:
    rows = [(f"/n{i}.html", f"第{i}条示例新闻：某路段抢修通报", "2026-03-02") for i in range(3)]
    news = {f"/n{i}.html": page(article(f"第{i}条示例新闻：某路段抢修通报")) for i in range(3)}
    found = {
        "good": Town({"/list": page(listing(*rows)), **news}),
        "inner": Town({"/secret": page(article("内网的秘密文件，不应当被读到"))}),
        "slow": Town({"/list": slow, "/a1": page(article("慢速站点的第一条新闻稿件")), "/a2": page("")}),
        "busy": Town({"/list": lambda r: send(r, b"", status=429, Retry_After="600")}),
        "same": Town({"/list": lambda r: send(r, b"", status=304 if r.headers.get("If-None-Match") else 200)}),
        "endless": Town({"/list": endless}),
        "bomb": Town({"/list": bomb}),
        "robots": Town({
            "/robots.txt": page("User-agent: *\nCrawl-delay: 1\nDisallow: /no\n", Content_Type="text/plain"),
            "/list": page(listing(("/y1", "允许抓取的示例新闻第一条", "03-01"),
                ("/no/y2", "不允许抓取的示例新闻第二条", "03-01"))),
            "/y1": page(article("允许抓取的示例新闻第一条")), "/no/y2": page(article("不允许抓取的示例新闻第二条")),
        }),
        "hostile": Town({
            "/list": page(listing(("/h1", "带脚本标题的示例页面之一", "03-01"),
                ("/h2", "正文十兆的示例页面之二号", "03-01"),
                ("/h3", "已经删除的示例页面之三", "03-01"))),
            "/h1": page(article("&lt;script&gt;alert(1)&lt;/script&gt;某小区停水通知")),
            "/h2": page(article("正文十兆的示例页面之二号", extra="<p>" + "长" * 10_500_000 + "</p>")),
        }),
    }  # fmt: skip
    title = "声明与实际编码不符的示例页面"
    body = article(title).replace("<head>", '<head><meta charset="gb2312">')
    found["charset"] = Town({
        "/list": page(listing(("/c1", title, "03-02"), ("/c2", title + "之二", "03-02"))),
        "/c1": lambda r: send(r, body.encode("gb18030"), Content_Type="text/html; charset=utf-8"),
        "/c2": lambda r: send(r, body.replace(title, title + "之二").encode()),  # declares gb2312 and is UTF-8
    })  # fmt: skip
    found["budget"] = Town({"/list": page(listing(*rows)), **news})
    if SIX:
        found["six"] = Town({"/list": page(listing(*rows)), **news}, host="::1")
    found["led"] = Town({"/list": redirect(found["inner"].url("/secret"))})
    yield found
    for town in found.values():
        town.close()


@pytest.fixture(scope="module")
def run(towns: dict[str, Town], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("folder")
    (folder / "工单.csv").write_text("标题,诉求说明\n井盖缺失,路口井盖不见了。\n", encoding="gb18030")
    (folder / "~$工单.csv").write_text("标题,诉求说明\n临时,别人正在编辑。\n")
    budget = {"budget": 3}
    sources = [
        source(name, town.url("/list"), daily_budget=budget.get(name))
        for name, town in towns.items()
        if name != "inner"
    ]
    sources.append(source("watched", str(folder), "file"))
    sources.append(source("token", towns["good"].url("/api"), "api", token_file=str(folder / "no such token")))
    sources.append(Source(id="public", name="公网", type="list", url="http://2130706433:9/x", kind="news"))
    sources.append(Source(id="mapped", name="公网", type="list", url="http://[::ffff:127.0.0.1]/x", kind="news"))
    return crawl(sources, tmp_path_factory.mktemp("crawl"))


def errors(run: Outcome, name: str) -> str:
    return " ".join(h.last_error or "" for h in run.frontier.hours(name, min(h for _, h in run.frontier.seen_hours)))


def test_a_list_becomes_documents(run: Outcome) -> None:
    found = [d for d in run.documents if d.source == "good"]
    assert sorted(d.title for d in found) == [f"第{i}条示例新闻：某路段抢修通报" for i in range(3)]
    assert all(d.origin == "示例日报" and d.published_at and d.raw in run.frontier.pages for d in found)
    assert run.count == len(run.documents)


def test_every_sick_source_says_why(run: Outcome) -> None:
    assert "HTTP 429" in errors(run, "busy")
    assert "大小限制" in errors(run, "endless")
    assert "大小限制" in errors(run, "bomb")
    assert "没有内容" in errors(run, "same")
    assert "robots.txt" in errors(run, "robots")
    assert "HTTP 404" in errors(run, "hostile")
    assert [d.source for d in run.documents if d.source == "slow"] == ["slow"]


def test_wrong_charsets_are_seen_through(run: Outcome) -> None:
    title = "声明与实际编码不符的示例页面"
    assert sorted(d.title for d in run.documents if d.source == "charset") == [title, title + "之二"]


def test_a_budget_of_the_day_is_kept_and_the_rest_waits_for_midnight(run: Outcome, towns: dict[str, Town]) -> None:
    assert [s.path for s in towns["budget"].seen if s.path != "/robots.txt"] == ["/list", "/n0.html", "/n1.html"]
    waiting = [e.due for (name, url), e in run.frontier.entries.items() if name == "budget" and "n2" in url]
    assert waiting == [NOW.replace(hour=0, minute=1) + timedelta(days=1)]


@pytest.mark.skipif(not SIX, reason="no IPv6 here")
def test_a_host_with_an_ipv6_address(run: Outcome) -> None:
    assert len([d for d in run.documents if d.source == "six"]) == 3


def test_a_watched_folder_is_read_without_unfinished_files(run: Outcome) -> None:
    assert [d.title for d in run.documents if d.source == "watched"] == ["井盖缺失"]


def test_a_token_that_is_missing_is_a_state_of_the_source(run: Outcome, towns: dict[str, Town]) -> None:
    hours = run.frontier.hours("token", NOW - timedelta(days=1))
    health = state(source("token", "http://a.example/", "api"), hours, NOW)
    assert health.state == "expired"
    assert "令牌文件无法读取" in health.reason
    assert "/api" not in [s.path for s in towns["good"].seen]


def test_nothing_inside_is_reached(run: Outcome, towns: dict[str, Town]) -> None:
    assert towns["inner"].seen == []
    assert "不允许访问" in errors(run, "led")
    assert "不允许访问" in errors(run, "public")  # 127.0.0.1 as a decimal number, found out when connecting
    assert "不允许访问" in errors(run, "mapped")


def test_retry_after_is_kept(run: Outcome) -> None:
    due = next(e.due for (name, _), e in run.frontier.entries.items() if name == "busy")
    assert due is not None
    assert due >= NOW + timedelta(seconds=600)


def test_crawl_delay_is_applied_and_the_agent_named(towns: dict[str, Town]) -> None:
    seen = towns["robots"].seen
    assert [s.path for s in seen] == ["/robots.txt", "/list", "/y1"]
    assert seen[2].at - seen[1].at >= 0.95
    assert all(s.headers["User-Agent"].startswith("MinshengTest/1.0") and "Cookie" not in s.headers for s in seen)


def test_markup_in_a_title_stays_text(run: Outcome) -> None:
    assert [d.title for d in run.documents if d.source == "hostile"] == ["<script>alert(1)</script>某小区停水通知"]


def test_second_look_sees_304_edits_deletions_and_new_floors(tmp_path: Path) -> None:
    rows = [(f"/n{i}.html", f"第{i}条示例新闻：某路段抢修通报", "2026-03-02") for i in range(3)]
    floors = [
        '<div class="floor"><b class="author">甲</b><i class="time">03-02 08:00</i><p class="text">路灯坏了。</p></div>'
    ]

    def thread(request: BaseHTTPRequestHandler) -> None:
        page(f"<html><title>路灯坏了三天没人修</title>{''.join(floors)}</html>")(request)

    def board(request: BaseHTTPRequestHandler) -> None:
        page(f'<ul><li class="r"><a href="/t1">路灯坏了三天没人修</a><b>{len(floors)}</b></li></ul>')(request)

    def cached(request: BaseHTTPRequestHandler) -> None:
        same = request.headers.get("If-None-Match") == '"1"'
        send(request, b"" if same else article(rows[2][1]).encode(), status=304 if same else 200, ETag='"1"')

    town = Town({"/list": page(listing(*rows)), "/n0.html": page(article(rows[0][1])),
                 "/n1.html": page(article(rows[1][1])), "/n2.html": cached})  # fmt: skip
    forum = Town({"/list": board, "/t1": thread})
    rules = Selectors(item="li.r", link="a", replies="b")
    sources = [source("s", town.url("/list")), source("f", forum.url("/list"), "forum", selectors=rules)]
    try:
        first = crawl(sources, tmp_path)
        assert len([d for d in first.documents if d.source == "s"]) == 3
        town.pages["/n0.html"] = page(article(rows[0][1], extra="<p>更正：抢修时间延长一天，请市民继续绕行。</p>"))
        del town.pages["/n1.html"]
        floors.append(floors[0].replace("甲", "乙").replace("路灯坏了", "我们这边也坏了"))
        later = NOW + timedelta(hours=5)
        second = crawl(sources, tmp_path, frontier=first.frontier, clock=Clock(later))
    finally:
        town.close()
        forum.close()
    old = {d.id for d in first.documents}
    gone, edited, floor = sorted(second.documents, key=lambda d: (d.status is None, d.source != "s"))
    assert (gone.id in old, gone.status, gone.title) == (True, "原文已删除", rows[1][1])
    assert edited.id in old
    assert "更正" in edited.text
    assert floor.id not in old
    assert (floor.floor, floor.author) == (2, "乙")
    figures = next(h for h in second.frontier.hours("s", later - timedelta(hours=1)))
    assert (figures.updated, figures.new, figures.rejected) == (1, 0, 1)
    assert figures.unchanged >= 2  # the list, and the page that answered 304
    assert "已删除" in (figures.last_error or "")
    assert figures.reasons == {"页面不存在或已删除（HTTP 404）": 1}


@dataclass
class Clock:
    """A clock that stands still, and that another process can be given."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


def never(request: BaseHTTPRequestHandler) -> None:
    time.sleep(60)


@pytest.mark.parametrize(
    ("words", "number"), [(["sources", "test", "here"], signal.SIGINT), (["crawl"], signal.SIGTERM)]
)
def test_a_server_that_never_answers_does_not_keep_us(words: list[str], number: int, tmp_path: Path) -> None:
    town = Town({"/robots.txt": page("", Content_Type="text/plain"), "/list": never})
    config = tmp_path / "config"
    shutil.copytree(REPO / "config", config)
    (config / "sources.toml").write_text("", encoding="utf-8")
    append(config, source("here", town.url("/list")))
    data = ["--data", str(tmp_path / "data")] if words == ["crawl"] else []
    command = [sys.executable, "-m", "app", *words, "--config", str(config), *data]
    process = subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        while "/list" not in [s.path for s in town.seen] and time.monotonic() < until:
            time.sleep(0.1)
        process.send_signal(number)
        begin = time.monotonic()
        _, said = process.communicate(timeout=30)
        assert time.monotonic() - begin < 15
    finally:
        process.kill()
        town.close()
    assert "Traceback" not in said
    assert "Warning" not in said
    assert process.returncode == (1 if number == signal.SIGINT else 0)
    assert ("已中断" in said) == (number == signal.SIGINT)
