"""Rows of list pages written for the project: title, address, date and replies, against a floor."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from crawlers.dates import CHINA, parse_date
from crawlers.kinds import KINDS, ListResult, Page
from crawlers.kinds.shapes import lease
from storage.types import Lease, Source

HERE = Path(__file__).parent
#: five layouts that the first rules were written with, and (HELD) six sets of further layouts, each written before its
#: rows were first measured; docs/measurements.md has the figures at that first sight, the floor is what holds since
HELD = HERE / "held_pages" / "lists"
TRUTH = {
    (folder, name): truth
    for folder in (HERE / "list_pages", HELD)
    for name, truth in json.loads((folder / "truth.json").read_text("utf-8")).items()
}
FLOOR = json.loads((HERE / "floors" / "lists.json").read_text("utf-8"))["rows"]
NOW = datetime(2026, 3, 2, 10, tzinfo=CHINA)


def listed(folder: Path, name: str) -> ListResult:
    url = "http://site.example/list/"
    source = Source(id="s", name="示例", type=TRUTH[folder, name]["type"], url=url, kind="news")
    body = (folder / f"{name}.html").read_bytes()
    return KINDS[source.type].parse_list(Page(url=url, body=body), source, lease(source, url, "list", NOW, {}, 0), NOW)


def right(folder: Path, name: str) -> tuple[int, int, list[str]]:
    """Rows that are right in everything the truth says, of how many, and what is wrong; a row that is none counts."""
    truth, found = TRUTH[folder, name], listed(folder, name)
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


#: layouts that no rule was ever written for; none may be, their misses stay
UNTOUCHED = [(folder, name) for folder, name in TRUTH if name.startswith("h_")]
MENDED = [key for key in TRUTH if key not in UNTOUCHED]


def test_layouts_that_no_rule_was_written_for() -> None:
    """A board that prints the number of replies as a bare figure in a link loses it, so 13 of 20 rows are whole."""
    found = [right(folder, name) for folder, name in UNTOUCHED]
    assert sum(good for good, _, _ in found) >= 13
    assert sum(total for _, total, _ in found) == 20
    assert not [line for _, _, wrong in found for line in wrong if line.startswith("no row") or line.endswith("None")]


@pytest.mark.parametrize(("folder", "name"), MENDED, ids=[name for _, name in MENDED])
def test_rows_of_a_layout(folder: Path, name: str) -> None:
    good, total, wrong = right(folder, name)
    assert good / total >= FLOOR, wrong
    if folder == HELD:
        assert list(listed(folder, name).next_pages) == TRUTH[folder, name].get("next", [])


def test_what_is_no_number_of_replies() -> None:
    body = "".join(
        f'<li><a href="/t/{n}.html">回复{n}号提案的时间是什么时候</a> 最后回复 03-0{n} <i>回复：{n * 7}</i></li>'
        for n in range(1, 6)
    )
    source = Source(id="s", name="示例", type="list", url="http://site.example/list/", kind="news")
    page = Page(url=source.url, body=f"<html><body><ul>{body}</ul></body></html>".encode())
    found = KINDS["list"].parse_list(page, source, lease(source, source.url, "list", NOW, {}, 0), NOW)
    assert [x.hint["replies"] for x in found.leases] == ["7", "14", "21", "28", "35"]
