"""Extraction: a floor on pages written for the project, the real pages where they are at hand, and hostile input."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crawlers.dates import CHINA
from crawlers.extract import Article, extract
from crawlers.score import PageScore, score, summary
from storage.types import Selectors

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("MINSHENG_SHARED", HERE.parent.parent / "shared")) / "pages"
NOW = datetime(2026, 3, 2, 10, tzinfo=CHINA)


def own(name: str, folder: str = "pages") -> tuple[Article, dict[str, object]]:
    gold = json.loads((HERE / folder / f"{name}.json").read_text("utf-8"))
    body = (HERE / folder / f"{name}.html").read_bytes()
    now = datetime.fromisoformat(gold["now"])
    return extract(body, url="http://news.example/a/1.html", content_type=gold["content_type"], now=now), gold


def test_quality_floor_on_our_own_pages() -> None:
    names = sorted(p.stem for p in (HERE / "pages").glob("*.json"))
    floor = json.loads((HERE / "floors" / "extract.json").read_text("utf-8"))
    figures = summary([score(*own(name)) for name in names])
    assert len(names) >= floor.pop("pages")
    assert figures["leaks"] <= floor.pop("leaks")
    below = {k: (figures[k], least) for k, least in floor.items() if figures[k] < least}
    assert not below


#: prefix of a page's name → its group in the floor file
GROUPS = {"n_": "untouched", "s_": "second", "u_": "confirm"}


@pytest.mark.parametrize("group", ["layouts", *GROUPS.values()])
def test_quality_floor_on_layouts_written_apart_from_the_rules(group: str) -> None:
    """Pages written without looking at the rules. Rules were added after the first run over `layouts`, `second` and
    `confirm` (docs/measurements.md has the figures at first sight); no rule was ever written or changed for a page of
    `untouched` (n_*), and none may be: its misses stay."""
    names = sorted(p.stem for p in (HERE / "held_pages").glob("*.json"))
    names = [n for n in names if GROUPS.get(n[:2], "layouts") == group]
    floor = json.loads((HERE / "floors" / "extract_held.json").read_text("utf-8"))[group]
    figures = summary([score(*own(name, "held_pages")) for name in names])
    assert len(names) >= floor.pop("pages")
    assert figures["leaks"] <= floor.pop("leaks")
    assert not {k: (figures[k], least) for k, least in floor.items() if figures[k] < least}


@pytest.mark.parametrize(
    "said", ["没有取得食品经营许可证的店铺，责令限期改正。", "对拒不改正的依法处罚，举报电话：12345。"]
)
def test_a_notice_may_speak_of_licences_and_name_a_number(said: str) -> None:
    page = f"""<h1>关于整治无证餐饮的通告</h1><p>发布时间：2026-02-20 09:15</p><div>
    <p>为保障饮食安全，现将有关事项通告如下。</p>
    <p>{said}</p><p>本通告自发布之日起施行，请各经营户自觉遵守，并互相转告。</p></div>
    <div>食品经营许可证：JY13307820001234 ICP备05001234号</div>"""
    found = extract(page, now=NOW)
    assert said in found.text
    assert "JY1330" not in found.text


def test_comments_end_the_text_but_a_tab_of_that_name_does_not() -> None:
    first, second = (
        "昨天起城区新增一千个泊位，试运行期间不收费。",
        "方案公示到月中，市民可以书面提出意见，也可以当面提。",
    )
    head = "<h1>新增泊位试运行</h1><p>2026-03-01 15:42</p>"
    comments = "".join(
        f"<div>网友{n}</div><p>这件事我有话说，说得很长，也说得在理。</p><div>{n}小时前 回复</div>" for n in range(1, 9)
    )
    ended = extract(f"{head}<div><p>{first}</p><h2>网友热议（8）</h2>{comments}</div>", now=NOW)
    kept = extract(f"{head}<div><p>{first}</p><p>评论(12)</p><p>{second}</p></div>", now=NOW)
    assert ended.text == first
    assert second in kept.text


def test_floor_on_the_real_pages() -> None:
    if not (SHARED / "gold.json").is_file():
        pytest.skip("no ../shared/pages here: real pages not checked")
    gold = json.loads((SHARED / "gold.json").read_text("utf-8"))
    scores: list[PageScore] = []
    for row in list(gold.values())[:14]:
        row["published_at"] = row["publish_time"].replace(" ", "T")
        row["exact"] = len(row["publish_time"]) > 12
        scores.append(score(extract((SHARED / row["file"]).read_bytes(), now=NOW), row))
    figures = summary(scores)
    assert figures["f1"] >= 0.97
    assert figures["worst"] >= 0.1
    assert figures["title"] >= 0.96
    assert figures["minute"] >= 0.95


@pytest.mark.parametrize("body", [b"", b"   ", b"<html></html>", b"\x00\xff\xfe\x80", b"<" * 5000, "纯文字".encode()])
def test_nothing_to_read_is_no_error(body: bytes) -> None:
    assert extract(body, now=NOW).published_at is None


def test_deep_and_huge_markup_comes_back() -> None:
    assert extract(b"<div>" * 50_000 + "深处的一句话，没有人看见。".encode(), now=NOW).extractor
    assert extract("<p>长句，很长。</p>" * 60_000, now=NOW, second=False).text


def test_a_future_date_is_refused() -> None:
    page = "<h1>示例标题在这里</h1><p>发布时间：2099-01-01 08:00 来源：示例</p><p>这是一段正文，说的是平常的事情。</p>"
    assert extract(page, now=NOW).published_at is None


def test_a_canonical_link_counts_only_on_the_site() -> None:
    page = '<head><link rel="canonical" href="{}"></head><h1>示例标题</h1><p>正文一句，正文两句。</p>'
    here = "https://news.example.com/a/1.html?utm_source=x&id=3"
    assert extract(page.format("https://evil.example.org/x"), url=here).url == "https://news.example.com/a/1.html?id=3"
    assert extract(page.format("https://m.example.com/a/1.html"), url=here).url == "https://m.example.com/a/1.html"


def test_the_sites_own_rules_win() -> None:
    page = """<h1>站点名称</h1><div id=t>真正的标题</div><i>2026-02-01 09:08</i><p>干扰的段落，很长，很多标点。</p>
    <div class=x><p>规则指定的正文。</p></div>"""
    rules = Selectors(article_text="div.x", article_title="//div[@id='t']", article_date="i")
    found = extract(page, selectors=rules, now=NOW)
    assert (found.title, found.text) == ("真正的标题", "规则指定的正文。")
    assert found.published_at == datetime(2026, 2, 1, 9, 8, tzinfo=CHINA)
    with pytest.raises(ValueError, match="选择器"):
        extract(page, selectors=Selectors(article_text="div["), now=NOW)


def test_a_second_reader_says_whether_it_agrees() -> None:
    found, _ = own("comments_inside")
    assert found.agreement is None
    body = (HERE / "pages" / "comments_inside.html").read_bytes()
    assert extract(body, now=NOW, second=True).agreement is not None


def test_without_now_nothing_is_invented() -> None:
    page = "<h1>示例标题在这里</h1><p>3分钟前 来源：示例</p><p>这是一段正文，说的是平常的事情。</p>"
    assert extract(page).published_at is None
    assert extract(page, now=NOW).published_at == NOW - timedelta(minutes=3)
