"""Kept pages read again after a rule changed: gathered for real, read again by the command, kept as a new version."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from crawl_town import NOW, Town, article, listing, page
from engines import cut, stored
from typer.testing import CliRunner

from app import clock
from app.cli import build
from app.source_file import append
from crawlers.dates import CHINA
from crawlers.reread import reread
from storage.open import open_stores
from storage.ports import DocumentQuery
from storage.types import Document, RawPage, Selectors, Source, StoredDocument

REPO = Path(__file__).parent.parent
TODAY = clock.now().astimezone(CHINA) - timedelta(hours=2)
TITLE = "长安路抢修通报：今晚恢复供水"


def floor(author: str, text: str, minute: int) -> str:
    when = f"{TODAY:%Y-%m-%d %H}:{minute:02}"
    return (
        f'<div class="floor"><b class="author">{author}</b><i class="time">{when}</i><p class="text">{text}</p></div>'
    )


@pytest.fixture
def town() -> Iterator[Town]:
    when = f"{TODAY:%Y-%m-%d %H:%M}"
    notice = article(TITLE, when, extra='<p class="tail">联系人王小明，电话13812345678，请扫码关注本站公众号。</p>')
    first = floor("甲", "路灯坏了三天没人修，晚上走路很危险。", 1) + floor(
        "乙", "我们这边的路灯也不亮，请尽快处理。", 2
    )
    second = floor("丙", "今天已经有工人来看过了。", 3) + floor("丁", "希望这一次能彻底修好。", 4)
    thread = "<html><title>路灯坏了三天没人修</title>{}</html>"
    made = Town({
        "/list": page(listing(("/a.html", TITLE, when), ("/b.html", "另一条没有变化的示例新闻稿件", when))),
        "/a.html": page(notice), "/b.html": page(article("另一条没有变化的示例新闻稿件", when)),
        "/forum": page('<ul><li class="r"><a href="/t?id=1">路灯坏了三天没人修</a><b>4</b></li></ul>'),
        "/t": lambda r: page(
            thread.format(second if "page=2" in r.path else first + '<a href="/t?id=1&page=2">下一页</a>'))(r),
    })  # fmt: skip
    yield made
    made.close()


def office(tmp_path: Path, *sources: Source) -> Path:
    config = tmp_path / "config"
    shutil.copytree(REPO / "config", config)
    (config / "sources.toml").write_text("", encoding="utf-8")
    for source in sources:
        append(config, source)
    return config


def call(command: str, config: Path, data: Path, *words: str) -> str:
    done = CliRunner().invoke(build(command), [command, "--config", str(config), "--data", str(data), *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def again(config: Path, data: Path, *words: str) -> dict[str, int]:
    told: dict[str, int] = json.loads(call("reextract", config, data, "--json", *words))
    return {name: count for name, count in told.items() if count and name not in ("documents", "dry_run")}


def kept(data: Path) -> dict[str, StoredDocument]:
    documents, ledger = open_stores(data, segment=cut)
    rows = {row.document.id: row for row in documents.scan(DocumentQuery())}
    documents.close()
    ledger.close()
    return rows


def test_a_changed_rule_makes_new_versions_and_nothing_else(town: Town, tmp_path: Path) -> None:
    news = Source(id="news", name="示例", type="list", url=town.url("/list"), kind="news", private=True)
    rules = Selectors(item="li.r", link="a", replies="b")
    forum = Source(
        id="forum", name="示例", type="forum", url=town.url("/forum"), kind="forum", private=True, selectors=rules
    )
    config, data = office(tmp_path, news, forum), tmp_path / "data"
    crawl = [sys.executable, "-m", "app", "crawl", "--once", "--config", str(config), "--data", str(data)]
    subprocess.run(crawl, check=True, cwd=REPO, timeout=90, capture_output=True)
    call("work", config, data, "--once")
    before = kept(data)
    assert len(before) == 6
    assert sorted(r.document.floor or 0 for r in before.values()) == [0, 0, 1, 2, 3, 4]
    assert again(config, data) == {"pages": 4}  # the same rules: the same reading, masked names and numbers included

    changed = replace(news, selectors=Selectors(article_text="div.content p:not(.tail)"))
    (config / "sources.toml").write_text("", encoding="utf-8")
    append(config, changed)
    append(config, forum)
    expected = {"pages": 4, "changed": 1, "text": 1}
    assert again(config, data, "--dry-run") == expected
    assert kept(data) == before
    assert again(config, data) == expected
    call("work", config, data, "--once")
    after = kept(data)
    (one,) = [i for i in after if after[i] != before[i]]
    assert (before[one].version, after[one].version) == (1, 2)
    assert "13812345678" not in before[one].document.text
    assert "公众号" in before[one].document.text
    assert "公众号" not in after[one].document.text
    same = ("id", "url", "title", "fetched_at", "published_at", "author", "raw", "historic")
    assert all(getattr(after[one].document, n) == getattr(before[one].document, n) for n in same)
    assert after[one].event == before[one].event
    assert again(config, data) == {"pages": 4}


def test_pages_that_are_gone_and_sources_that_are_gone_are_counted(town: Town, tmp_path: Path) -> None:
    config, data = office(tmp_path), tmp_path / "data"
    documents, ledger = open_stores(data, segment=cut)
    documents.put([stored(1, raw="0" * 64), stored(2, raw="1" * 64), stored(3)])
    raw = RawPage(
        hash="1" * 64, url="http://a.example/", source="x", fetched_at=NOW, status=200, content_type="", body=b""
    )
    with ledger.begin() as tx:
        tx.frontier.keep_raw(raw)
    documents.close()
    ledger.close()
    assert again(config, data) == {"pages": 2, "missing": 1, "source": 1}
    told = call("reextract", config, data, "--dry-run")
    assert "没有写入" in told
    assert "已过保存期" in told


def known(number: int, text: str, at: datetime) -> Document:
    return Document(
        id=f"f{number}", url=f"http://a.example/t#floor-{number}", text=text, fetched_at=NOW, published_at=at,
        source="s", kind="forum", thread="f1", floor=number, raw="r",
    )  # fmt: skip


def test_floors_find_their_place_on_a_later_page() -> None:
    body = "".join(floor("甲", f"第{n}层说的话，各不相同的内容{'甲乙丙丁'[n % 4] * 6}。", n) for n in (21, 22, 23))
    raw = RawPage(
        hash="r", url="http://a.example/t?page=2", source="s", fetched_at=clock.now(), status=200,
        content_type="text/html; charset=utf-8", body=body.encode(),
    )  # fmt: skip
    source = Source(id="s", name="", type="forum", url="http://a.example/", kind="forum")
    at = TODAY.replace(minute=22, second=0, microsecond=0)
    found = reread(raw, source, [known(22, "第22层说的话，各不相同的内容丙丙丙丙丙丙。", at)])
    assert [(d.id, d.floor, d.url) for d in found] == [("f22", 22, "http://a.example/t#floor-22")]
    assert found[0].text.startswith("第22层")
    assert reread(raw, source, [known(9, "完全无关的另一段文字", NOW)]) == []
