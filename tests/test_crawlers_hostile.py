"""Pages and servers that mean harm, or are broken as if they did: each costs itself, none costs the others."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from crawl_town import NOW, Outcome, Town, article, crawl, listing, page, send

from crawlers.extract import extract
from crawlers.kinds import KINDS, ListResult, Page, UnreadableSource
from crawlers.kinds.shapes import lease
from storage.types import Source

BASE = "http://site.example/list/"
#: CPU seconds; the process that reads pages is cut off after 20 s of wall time
PATIENCE = 12.0


def listed(type_: str, text: str) -> ListResult:
    source = Source(id="s", name="示例", type=type_, url=BASE, kind="news")
    begin = time.process_time()
    try:
        return KINDS[type_].parse_list(
            Page(url=BASE, body=text.encode()), source, lease(source, BASE, "list", NOW, {}, 0), NOW
        )
    except UnreadableSource:
        return ListResult()
    finally:
        assert time.process_time() - begin < PATIENCE


def row(number: int, said: str = "2026-03-01", link: str | None = None) -> str:
    return f'<li><a href="{link or f"/a/{number}.html"}">示例新闻标题第{number}条内容</a><span>{said}</span></li>'


ENTITIES = "".join(f'<!ENTITY {c} "{("&" + p + ";") * 10}">' for p, c in zip("abcdefgh", "bcdefghi", strict=True))
BOMB = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">{ENTITIES}]>'


def test_a_bomb_of_entities_does_not_unfold() -> None:
    item = "<item><title>&i;</title><link>http://site.example/1</link></item>"
    found = listed("feed", f'{BOMB}<rss version="2.0"><channel><title>x</title>{item}</channel></rss>')
    assert sum(len(x.hint.get("title", "")) for x in found.leases) < 1000
    found = listed("sitemap", f"{BOMB}<urlset><url><loc>http://site.example/&i;</loc></url></urlset>")
    assert sum(len(x.url) for x in found.leases) < 1000


@pytest.mark.parametrize("type_", ["list", "forum", "board"])
def test_a_hundred_thousand_links_are_four_hundred_rows(type_: str) -> None:
    found = listed(type_, "<ul>" + "".join(row(n) for n in range(30_000)) + "</ul>")
    assert len(found.leases) == 400


def test_a_board_of_a_known_program_with_too_many_threads() -> None:
    text = "".join(
        f'<tbody id="normalthread_{n}"><tr><th><a class="s xst" href="/t/{n}">某小区第{n}条反映</a></th></tr></tbody>'
        for n in range(10_000)
    )
    assert len(listed("forum", f"<table>{text}</table>").leases) == 400


@pytest.mark.parametrize(
    "text",
    [
        "<div>" + "".join(f'<a href="/a/{n}">示例新闻标题第{n}条内容</a>' + "<i></i>" * 2000 for n in range(50)),
        "<div>" + "".join(f'<a href="/a/{n}">示例新闻标题第{n}条内容</a> 2026-03-01<br>' for n in range(20_000)),
        "".join(row(n, "1" * 50_000 + "</p><p>" + "2026-" * 20_000 + "</p><p>" + "回复" * 20_000) for n in range(20)),
        "".join(row(n, "1" + "&nbsp;" * 30_000 + "2") for n in range(20)),
    ],
)
def test_what_makes_rules_run_in_circles_does_not(text: str) -> None:
    assert len(listed("list", text).leases) >= 20


@pytest.mark.parametrize(
    "text",
    ["<div>" * 5000 + row(1), "<script>" + "x={[1," * 50_000 + "</script>", "<script>" + 'a=["' * 50_000 + "</script>",
     "<script type='application/json'>" + "[" * 200_000 + "</script>"],
)  # fmt: skip
def test_what_is_nothing_but_depth_is_no_list(text: str) -> None:
    assert listed("list", text + "<p>x</p>").leases == ()


def test_null_bytes_are_blanks() -> None:
    assert len(listed("list", "\0".join(row(n) for n in range(20))).leases) == 20


@pytest.mark.parametrize("said", ["9999-12-31 23:59", "0000-00-00 99:99", "2026-13-45", "1772352000000000"])
def test_times_that_cannot_be_are_none(said: str) -> None:
    source = Source(id="s", name="示例", type="list", url=BASE, kind="news")
    found = listed("list", "<ul>" + "".join(row(n, said) for n in range(5)) + "</ul>").leases
    assert len(found) == 5
    body = Page(url=found[0].url, body=article("某路段抢修通报：今晚恢复通车", when=said).encode())
    documents = KINDS["list"].parse_article(body, source, found[0], NOW)
    assert documents[0].published_at is None


def test_only_addresses_that_can_be_fetched_are_followed() -> None:
    bad = ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "file:///etc/passwd", "ftp://x/y", "http://[::1",
           "http://site.example:99999/", "\x01javascript:x", "java\nscript:alert(1)", "mailto:a@b.c",
           "intent://x"]  # fmt: skip
    text = "<ul>" + "".join(row(n, link=link) for n, link in enumerate(bad)) + row(90) + row(91) + "</ul>"
    assert [x.url for x in listed("list", text).leases] == [f"http://site.example/a/{n}.html" for n in (90, 91)]


def test_json_of_a_page_cannot_lead_elsewhere_than_an_address() -> None:
    items = [
        {"title": f"示例新闻标题第{n}条内容", "url": "javascript:alert(1)", "pubTime": "2026-03-01"} for n in range(5)
    ]
    assert listed("list", f"<script>var a={json.dumps(items)}</script><p>x</p>").leases == ()


def test_two_charsets_in_one_page_cost_the_smaller_part_only() -> None:
    body = "前半是对的汉字，写得很清楚。".encode() * 50 + "后半是别的编码，".encode("gb18030") * 3
    found = extract(body, now=NOW)
    assert found.text.count("前半是对的汉字") >= 50 or found.garbled


# ── servers ──


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for _ in range(4000):
        request.wfile.write(b"2710\r\n" + b"<p>a</p> " * 1111 + b"x\r\n")


def promises_more(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    request.wfile.write(
        listing(("/a", "没有传完的示例新闻一条", "03-01"), ("/b", "没有传完的示例新闻两条", "03-01")).encode()
    )
    request.close_connection = True


def not_packed(request: BaseHTTPRequestHandler) -> None:
    send(request, b"<p>no gzip at all", Content_Encoding="gzip")


def in_circles(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", status=302, Location=request.path + "x" if len(request.path) < 200 else "/list")


def calendar(request: BaseHTTPRequestHandler) -> None:
    """Every page has rows that nobody has seen, and a link to the day before."""
    day = datetime(2026, 3, 1) - timedelta(days=int(request.path.partition("=")[2] or 0))  # noqa: DTZ001
    rows = [(f"/d/{day:%Y%m%d}/{n}.html", f"{day:%m月%d日}第{n}条示例新闻通报", f"{day:%Y-%m-%d}") for n in range(3)]
    back = int(request.path.partition("=")[2] or 0) + 1
    page(listing(*rows) + f'<a href="/list?back={back}">下一页</a>')(request)


@pytest.fixture(scope="module")
def towns() -> Iterator[dict[str, Town]]:
    rows = [(f"/n{i}.html", f"第{i}条示例新闻：某路段抢修通报", "2026-03-02") for i in range(2)]
    news = {f"/n{i}.html": page(article(f"第{i}条示例新闻：某路段抢修通报")) for i in range(2)}
    rules = "User-agent: *\n" + "".join(f"Disallow: /private/{n}/*/x$\n" for n in range(140_000)) + "Disallow: /\n"
    found = {
        "good": Town({"/list": page(listing(*rows)), **news}),
        "endless": Town({"/list": endless}),
        "promises": Town({"/list": promises_more}),
        "notpacked": Town({"/list": not_packed}),
        "circles": Town({"/list": in_circles}),
        "calendar": Town({"/list": calendar}),
        "robots": Town({"/robots.txt": page(rules, Content_Type="text/plain"), "/list": page(listing(*rows)), **news}),
    }
    found["circles"].pages |= {"/list" + "x" * n: in_circles for n in range(200)}
    yield found
    for town in found.values():
        town.close()


@pytest.fixture(scope="module")
def run(towns: dict[str, Town], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    sources = [
        Source(id=n, name=n, type="list", url=t.url("/list"), kind="news", private=True, daily_budget=8)
        for n, t in towns.items()
    ]
    return crawl(sources, tmp_path_factory.mktemp("crawl"))


def said(run: Outcome, name: str) -> str:
    return " ".join(h.last_error or "" for h in run.frontier.hours(name, NOW - timedelta(days=1)))


def test_each_costs_itself_and_says_so(run: Outcome) -> None:
    assert len([d for d in run.documents if d.source == "good"]) == 2
    assert "大小限制" in said(run, "endless")
    assert "不完整" in said(run, "promises") or "中断" in said(run, "promises")
    assert said(run, "notpacked")
    assert "重定向" in said(run, "circles")
    assert not [d for d in run.documents if d.source not in ("good", "robots", "calendar")]


def test_paging_without_end_ends(run: Outcome, towns: dict[str, Town]) -> None:
    asked = [s.path for s in towns["calendar"].seen if s.path.startswith("/list")]
    assert asked == ["/list", "/list?back=1", "/list?back=2"]  # max_pages, though everything is new


def test_a_circle_is_left(towns: dict[str, Town], run: Outcome) -> None:
    assert len(towns["circles"].seen) <= 8


def test_endless_rules_are_read_to_their_limit(run: Outcome, towns: dict[str, Town]) -> None:
    """5 MB of robots.txt: what stands behind its first 500 KiB does not count, and the others are not kept waiting."""
    assert len([d for d in run.documents if d.source == "robots"]) == 2
    assert replace(towns["robots"].seen[0], at=0.0).path == "/robots.txt"
