"""Rows of list pages written for the project: title, address, date and replies, against a floor."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from crawlers.dates import CHINA, parse_date
from crawlers.kinds import KINDS, Page
from crawlers.kinds.shapes import lease
from storage.types import Lease, Source

HERE = Path(__file__).parent
PAGES = HERE / "list_pages"
TRUTH = json.loads((PAGES / "truth.json").read_text("utf-8"))
FLOOR = json.loads((HERE / "floors" / "lists.json").read_text("utf-8"))["rows"]
NOW = datetime(2026, 3, 2, 10, tzinfo=CHINA)


def right(name: str) -> tuple[int, int, list[str]]:
    """Rows that are right in everything the truth says, of how many, and what is wrong; a row that is none counts."""
    truth, url = TRUTH[name], "http://site.example/list/"
    source = Source(id="s", name="示例", type=truth["type"], url=url, kind="news")
    body = (PAGES / f"{name}.html").read_bytes()
    found = KINDS[source.type].parse_list(Page(url=url, body=body), source, lease(source, url, "list", NOW, {}, 0), NOW)
    rows = {x.url: x for x in found.leases}
    wrong = [f"{row} != {rows.get(row['url'])}" for row in truth["rows"] if not same(row, rows.get(row["url"]))]
    wrong += [f"no row: {url}" for url in rows.keys() - {row["url"] for row in truth["rows"]}]
    return len(truth["rows"]) - len(wrong), len(truth["rows"]), wrong


def day(printed: str | None) -> str | None:
    at = parse_date(printed or "", NOW)
    return at.date().isoformat() if at else None


def same(row: dict[str, object], found: Lease | None) -> bool:
    if found is None:
        return False
    hint = found.hint
    replies = "replies" not in row or hint.get("replies") == str(row["replies"])
    return hint.get("title") == row["title"] and day(hint.get("date")) == row["date"] and replies


@pytest.mark.parametrize("name", TRUTH)
def test_rows_of_a_layout(name: str) -> None:
    good, total, wrong = right(name)
    assert good / total >= FLOOR, wrong


def test_what_is_no_number_of_replies() -> None:
    body = "".join(
        f'<li><a href="/t/{n}.html">回复{n}号提案的时间是什么时候</a> 最后回复 03-0{n} <i>回复：{n * 7}</i></li>'
        for n in range(1, 6)
    )
    source = Source(id="s", name="示例", type="list", url="http://site.example/list/", kind="news")
    page = Page(url=source.url, body=f"<html><body><ul>{body}</ul></body></html>".encode())
    found = KINDS["list"].parse_list(page, source, lease(source, source.url, "list", NOW, {}, 0), NOW)
    assert [x.hint["replies"] for x in found.leases] == ["7", "14", "21", "28", "35"]
