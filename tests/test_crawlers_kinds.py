"""Each kind of source as a pure function: what it reads, what it refuses, and in which words."""

# ruff: noqa: E501 - pages as servers send them

import gzip
import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from crawlers.dates import CHINA
from crawlers.kinds import KINDS, ListResult, Page, TokenExpired, UnreadableSource
from crawlers.kinds.shapes import lease
from crawlers.propose import propose
from storage.types import Document, ImportMapping, Kind, Source

SHARED = Path(os.environ.get("MINSHENG_SHARED", Path(__file__).parent.parent.parent / "shared")) / "pages"
NOW = datetime(2026, 3, 2, 10, tzinfo=CHINA)
BASE = "http://site.example/list/"


def source(type_: str, kind: Kind = "news", **more: object) -> Source:
    return Source(id="s", name="示例", type=type_, url=BASE, kind=kind, **more)  # type: ignore[arg-type]


def listed(body: str | bytes, src: Source) -> ListResult:
    raw = body.encode() if isinstance(body, str) else body
    return KINDS[src.type].parse_list(Page(url=BASE, body=raw), src, lease(src, BASE, "list", NOW, {}, 0), NOW)


def opened(body: str, src: Source, hint: dict[str, str] | None = None, url: str = BASE + "1.html") -> list[Document]:
    return KINDS[src.type].parse_article(
        Page(url=url, body=body.encode()), src, lease(src, url, "article", NOW, hint or {}), NOW
    )


RSS = """<?xml version="1.0" encoding="gb2312"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<rss version="2.0"><channel><title>示例</title>
<item><title>停水通知发布</title><link>/a/1.html?utm_source=rss</link><pubDate>Mon, 02 Mar 2026 01:00:00 GMT</pubDate>
<description>短摘要</description></item>
<item><title>全文条目</title><link>/a/2.html</link><description><![CDATA[<p>{}</p><script>x()</script>]]></description></item>
</channel></rss>"""


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_feed_in_either_charset(encoding: str) -> None:
    found = listed(RSS.format("这一条有全文，不必再去取。" * 30).encode(encoding), source("feed"))
    assert [(x.url, x.hint["title"]) for x in found.leases] == [("http://site.example/a/1.html", "停水通知发布")]
    assert found.leases[0].hint["date"].startswith("2026-03-02T09:00")
    assert [d.title for d in found.documents] == ["全文条目"]
    assert "x()" not in found.documents[0].text


def test_json_feed_and_what_is_no_feed() -> None:
    items = [
        {"id": "1", "title": "标题", "content_text": "没有地址的短讯", "date_published": "2026-03-01T08:00:00+08:00"}
    ]
    found = listed(json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}), source("feed"))
    assert found.documents[0].published_at == datetime(2026, 3, 1, 8, tzinfo=CHINA)
    with pytest.raises(UnreadableSource, match="没有条目"):
        listed("<html><p>不是订阅源</p></html>", source("feed"))


LIST = """<div class=nav><a href=/x>政务公开信息栏目</a><a href=/y>办事服务大厅栏目</a></div><ul class=list>{}</ul>
<a href="?page=2">下一页</a>"""


def test_list_finds_its_rows_by_itself() -> None:
    rows = "".join(f'<li><a href="/t/{i}.html">关于第{i}号事项的公告</a><span>02-2{i}</span></li>' for i in range(6))
    found = listed(LIST.format(rows), source("list"))
    assert [x.url for x in found.leases] == [f"http://site.example/t/{i}.html" for i in range(6)]
    assert found.leases[3].hint == {"title": "关于第3号事项的公告", "date": "02-23"}
    assert found.next_pages == ("http://site.example/list/?page=2",)
    with pytest.raises(UnreadableSource, match="选择器"):
        listed("<p>什么也没有</p>", source("list"))


def test_sitemap_packed_news_and_index() -> None:
    urls = "".join(
        f"<url><loc>http://site.example/n/{day}</loc><lastmod>2026-{month}-{day}</lastmod></url>"
        for month, day in (("03", "01"), ("01", "05"))
    )
    body = f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'
    assert [x.url for x in listed(gzip.compress(body.encode()), source("sitemap")).leases] == [
        "http://site.example/n/01"
    ]
    index = "<sitemapindex><sitemap><loc>http://site.example/s1.xml</loc></sitemap></sitemapindex>"
    assert listed(index, source("sitemap")).next_pages == ("http://site.example/s1.xml",)


FORUM = """<table><tbody id="normalthread_1"><tr><th><a class="s xst" href="/thread-1-1-1.html">路灯坏了三天没人修</a></th>
<td class="by"><cite><a>甲</a></cite><em><span>2026-3-1 20:10</span></em></td><td class="num"><a>5</a><em>80</em></td></tr></tbody>
<tbody id="normalthread_2"><tr><th><a class="s xst" href="/thread-2-1-1.html">求推荐靠谱的装修队</a></th>
<td class="by"><cite><a>乙</a></cite><em><span>2026-3-1 21:10</span></em></td><td class="num"><a>0</a><em>8</em></td></tr></tbody></table>"""
THREAD = """<h1>路灯坏了三天没人修</h1>
<div id="post_1"><div class="authi"><a>甲</a></div><em id="authorposton1">发表于 2026-3-1 20:10</em><table><tr><td class="t_f">长安路的路灯坏了三天。</td></tr></table></div>
<div id="post_2"><div class="authi"><a>丙</a></div><em id="authorposton2">发表于 2026-3-1 20:30</em><table><tr><td class="t_f">我们这边也是。</td></tr></table></div>"""


def test_forum_rows_and_floors() -> None:
    found = listed(FORUM, source("forum", "forum"))
    assert [(x.what, x.hint["replies"], x.hint["author"]) for x in found.leases] == [
        ("thread", "5", "甲"),
        ("thread", "0", "乙"),
    ]
    floors = opened(THREAD, source("forum", "forum"), url="http://site.example/thread-1-1-1.html")
    assert [(d.floor, d.author, d.text) for d in floors] == [
        (1, "甲", "长安路的路灯坏了三天。"),
        (2, "丙", "我们这边也是。"),
    ]
    assert {d.thread for d in floors} == {floors[0].id}
    assert floors[1].published_at == datetime(2026, 3, 1, 20, 30, tzinfo=CHINA)
    again = opened(
        THREAD.replace("也是", "也一样"), source("forum", "forum"), url="http://site.example/thread-1-1-1.html"
    )
    assert [d.id for d in again] == [d.id for d in floors]


BOARD = """<title>咨询：公积金如何提取</title><h1>咨询：公积金如何提取</h1><div>来信时间：2026-02-20 09:00 状态：已答复</div>
<div class="q"><p>我去年离职回到本市，请问公积金怎么提取，需要带什么材料？</p></div>
<div class="reply-box"><h3>答复内容</h3><p>答复单位：市公积金中心</p><p>您好，本人持身份证到窗口办理，三个工作日到账。</p><p>答复时间：2026-02-22 15:30</p></div>"""


def test_board_keeps_question_and_official_reply_apart() -> None:
    question, reply = opened(BOARD, source("board", "message"))
    assert (question.kind, question.status) == ("message", "已答复")
    assert "三个工作日" not in question.text
    assert (reply.kind, reply.reply_to, reply.author) == ("reply", question.id, "市公积金中心")
    assert "三个工作日到账" in reply.text
    assert reply.published_at == datetime(2026, 2, 22, 15, 30, tzinfo=CHINA)
    assert (
        len(opened(BOARD.split('<div class="reply-box">')[0].replace("已答复", "办理中"), source("board", "message")))
        == 1
    )


def test_api_by_mapping_with_cursor() -> None:
    mapping = ImportMapping(
        items="data.rows", cursor="data.next", cursor_param="after",
        fields={"id": "tid", "title": "subject", "text": "body", "published_at": "ts", "likes": "stat.zan", "reply": "answer"},
    )  # fmt: skip
    rows = [{"tid": 7, "subject": "积水", "body": "桥下积水一米。", "ts": 1772380800, "stat": {"zan": "1.2万"}, "answer": "已安排抽排。"},
            {"tid": 8, "ts": "2099-01-01", "body": "未来的"}]  # fmt: skip
    found = listed(json.dumps({"data": {"rows": rows, "next": "abc"}}), source("api", "message", mapping=mapping))
    assert [(d.kind, d.likes) for d in found.documents] == [("message", 12000), ("reply", None)]
    assert found.next_pages == (BASE + "?after=abc",)
    assert "published_at" in found.rejected[0]
    with pytest.raises(UnreadableSource, match="items"):
        listed('{"data": 1}', source("api", mapping=mapping))


def test_weibo_and_its_expired_token() -> None:
    post = {"idstr": "9", "created_at": "Sun Mar 01 08:00:00 +0800 2026", "text": "大桥<a href='/x'>堵</a>了", "attitudes_count": 3,
            "reposts_count": 2, "comments_count": 1, "user": {"id": 5, "screen_name": "甲", "location": "浙江"}}  # fmt: skip
    document = listed(json.dumps({"statuses": [post, {"deleted": 1}]}), source("weibo", "social")).documents[0]
    assert (document.text, document.likes, document.reposts, document.author) == ("大桥堵了", 3, 2, "甲")
    with pytest.raises(TokenExpired, match="21327"):
        listed('{"error":"expired_token","error_code":21327}', source("weibo", "social"))


def test_hot_list_gives_ranks_and_no_documents() -> None:
    body = {"status": "success", "updatedTime": 1, "items": [
        {"id": 1, "title": "热搜一", "url": "https://a.example/1", "extra": {"info": "32.5万"}}, {"id": 2, "title": ""}]}  # fmt: skip
    found = listed(json.dumps(body), source("hotlist", "hotlist"))
    assert found.ranks == ((1, "热搜一", "https://a.example/1", 325000.0),)
    assert not found.documents
    assert len(found.rejected) == 1


def test_file_behind_an_address() -> None:
    found = listed(
        "标题,诉求说明,来电时间\n井盖缺失,路口井盖不见了。,2026-03-01 07:00\n,,\n坏行,x,2099-1-1\n".encode("gb18030"),
        source("file", "hotline", sample=True),
    )
    assert [(d.title, d.kind, d.sample) for d in found.documents] == [("井盖缺失", "hotline", True)]
    assert "第 4 行" in found.rejected[0]


@pytest.mark.parametrize("type_", sorted(KINDS))
@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff" * 50, b"{}", b"[" * 3000, b"<a>" * 3000, b'{"items":[1,null]}', b"null"]
)
def test_hostile_answers_are_refused_in_words(type_: str, body: bytes) -> None:
    try:
        listed(body, source(type_))
    except UnreadableSource as error:
        said = str(error)
    else:
        said = "可用"
    assert any("\u4e00" <= c <= "\u9fff" for c in said)


def test_proposals() -> None:
    rows = "".join(f'<li><a href="/t/{i}.html">关于第{i}号事项的公告</a><span>02-2{i}</span></li>' for i in range(6))
    found = propose(Page(url="https://www.example.gov.cn/gg/index.html", body=LIST.format(rows).encode()), NOW)
    assert (found.source.type, found.source.kind, found.source.id) == ("list", "government", "example-gg")
    assert len(found.rows) == 6
    assert propose(Page(url=BASE, body=RSS.format("短").encode()), NOW).source.type == "feed"
    assert propose(Page(url=BASE, body=FORUM.encode()), NOW).source.type == "forum"
    with pytest.raises(UnreadableSource):
        propose(Page(url=BASE, body=b"<p>x</p>"), NOW)


def test_real_board_rows() -> None:
    if not (SHARED / "gold_lists.json").is_file():
        pytest.skip("no ../shared/pages here: the real board not checked")
    gold = json.loads((SHARED / "gold_lists.json").read_text("utf-8"))["tieba"]
    found = listed((SHARED / "lists" / "tieba.html").read_bytes(), source("forum", "forum"))
    hints = {x.url.rsplit("/", 1)[-1]: x.hint for x in found.leases}
    right = [
        (h := hints.get(row["tid"], {})).get("title") == row["title"]
        and h.get("replies") == str(row["replies"])
        and h.get("date") == row["date"]
        for row in gold
    ]
    assert sum(right) / len(gold) >= 0.98


def test_real_feeds_in_old_charsets() -> None:
    if not (SHARED / "feeds_charset").is_dir():
        pytest.skip("no ../shared/pages here: real feeds not checked")
    files = [f for f in sorted((SHARED / "feeds_charset").glob("*/*.xml")) if not f.name.startswith("_")]
    found = [listed(f.read_bytes(), source("feed")) for f in files]
    assert sum(len(r.leases) + len(r.documents) for r in found) >= 500
