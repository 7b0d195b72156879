"""Files of an office: guessed columns, any charset, bad rows named, memory flat."""

import tracemalloc
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from crawlers.dates import CHINA
from crawlers.files import BadRow, UnreadableFile, read_rows
from storage.types import Document

NOW = datetime(2026, 3, 2, 10, tzinfo=CHINA)


def rows(path: Path, **mapping: str) -> list[Document | BadRow]:
    return list(read_rows(path, kind="hotline", mapping=mapping, source="12345", now=NOW))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_any_charset(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    text = "工单编号,标题,诉求说明,来电时间,所属镇街,备注\r\n1,噪声扰民,装修到半夜。,2026/3/1 23:05,北苑街道,急\r\n"
    path.write_bytes(text.encode(encoding))
    (found,) = rows(path)
    assert isinstance(found, Document)
    assert (found.title, found.area, dict(found.extra)) == ("噪声扰民", "北苑街道", {"备注": "急"})
    assert found.published_at == datetime(2026, 3, 1, 23, 5, tzinfo=CHINA)


def test_bad_rows_do_not_stop_good_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "title,text,time,likes\n甲,好的一行,2026-03-01,3\n乙,x,2099-01-01,1\n丙,x,,-5\n,,,\n丁,太多,列,1,2,3\n戊,最后一行,,\n",
        "utf-8",
    )
    found = rows(path)
    bad = [(r.line, r.field) for r in found if isinstance(r, BadRow)]
    assert bad == [(3, "published_at"), (4, "likes"), (6, "")]
    assert [r.title for r in found if isinstance(r, Document)] == ["甲", "戊"]


def test_xlsx_dates_formulas_and_replies(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["标题", "内容", "时间", "答复", "答复时间"])
    sheet.append(["路面塌陷", "=1+1", datetime(2026, 2, 28, 9, 30), "已修复。", 46080.5])  # noqa: DTZ001 - a sheet has no zone
    sheet.append(["井盖", "井盖丢失", 46081, None, None])
    book.save(tmp_path / "a.xlsx")
    question, reply, second = rows(tmp_path / "a.xlsx")
    assert isinstance(question, Document)
    assert question.text == "路面塌陷"  # a formula without a stored value is empty, and never computed
    assert question.published_at == datetime(2026, 2, 28, 9, 30, tzinfo=CHINA)
    assert isinstance(reply, Document)
    assert (reply.kind, reply.reply_to) == ("reply", question.id)
    assert reply.published_at == datetime(2026, 2, 27, 12, tzinfo=CHINA)
    assert isinstance(second, Document)
    assert second.published_at == datetime(2026, 2, 28, tzinfo=CHINA)


def test_jsonl_and_its_bad_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"id":"doc-1","text":"一条","published_at":"2026-03-01T08:00:00+08:00","kind":"forum"}\n[1]\nkaputt\n{"text":"二条","kind":"rumour"}\n',
        "utf-8",
    )
    found = rows(path)
    assert [type(r).__name__ for r in found] == ["Document", "BadRow", "BadRow", "BadRow"]
    assert isinstance(found[0], Document)
    assert (found[0].id, found[0].kind) == ("doc-1", "forum")


def test_mapping_wins_and_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("甲列,乙列\n标题一,正文一\n", "utf-8")
    (found,) = rows(path, title="甲列", text="乙列")
    assert isinstance(found, Document)
    assert (found.title, found.text) == ("标题一", "正文一")
    with pytest.raises(UnreadableFile, match="丙列"):
        rows(path, text="丙列")
    with pytest.raises(UnreadableFile, match="正文列"):
        rows(path)
    (tmp_path / "b.xlsx").write_bytes(b"no sheet")
    with pytest.raises(UnreadableFile):
        rows(tmp_path / "b.xlsx")


def test_the_same_file_gives_the_same_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,time\n同一行,2026-03-01\n", "utf-8")
    assert rows(path)[0] == rows(path)[0]


def test_memory_is_flat(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8") as stream:
        stream.write("id,text\n")
        stream.writelines(f"{i},{'一段不短的诉求内容，' * 12}\n" for i in range(20_000))
    tracemalloc.start()
    count = sum(1 for _ in read_rows(path, kind="hotline", mapping={}, source="s", now=NOW))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 12_000_000
