"""Lists as CSV and XLSX: the filter stands in the head, no cell can start a formula, memory stays flat."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook
from starlette.background import BackgroundTask

from dashboards import words
from dashboards.web.rendering import Names
from storage.types import StoredDocument

FORMATS = ("csv", "xlsx")
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: rows of a sheet (1,048,576) less the head
XLSX_ROWS = 1_048_000
#: longest text of a cell in a spreadsheet
CELL = 32_000
COLUMNS = (
    "编号",
    "标题",
    "正文",
    "来源",
    "类型",
    "发布时间",
    "采集时间",
    "情感",
    "专题",
    "责任部门",
    "地点",
    "事件",
    "链接",
    "备注",
)
#: characters that make a spreadsheet read a cell as a formula or a command, full-width twins included
STARTERS = tuple("=+-@\t\r\n＝＋－＠|%")


def safe(cell: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it; control characters are dropped."""
    clean = "".join(c for c in cell[:CELL] if c >= " " or c in "\n\t")
    return f"'{clean}" if clean.lstrip(" ").startswith(STARTERS) else clean


def head(names: Names, described: str, total: int, who: str, columns: Sequence[str] = COLUMNS) -> list[list[str]]:
    """The lines above the table: what was asked, how many, by whom, when; then the head of the table."""
    return [
        [safe(f"{names.office.name} 民声系统导出")],
        [safe(f"筛选条件：{described}")],
        [safe(f"共 {total} 条；导出人：{who}；导出时间：{names.exact(names.now)}")],
        list(columns),
    ]


def rows(found: Iterable[StoredDocument], names: Names) -> Iterator[list[str]]:
    """One line of cells for each document."""
    for row in found:
        document, seen = row.document, row.assessment
        marks = [text for text, on in (("示例", document.sample), ("历史", document.historic)) if on]
        cells = (
            document.id,
            document.title,
            document.text,
            names.source(document.source),
            words.KIND[document.kind],
            names.exact(document.published_at),
            names.exact(document.fetched_at),
            words.SENTIMENT[seen.sentiment.label],
            "、".join(names.topic(hit.id) for hit in seen.topics),
            "、".join(names.department(guess.id) for guess in seen.departments),
            "、".join(hit.name for hit in seen.places),
            row.event or "",
            document.url or "",
            "、".join(marks),
        )
        yield [safe(cell) for cell in cells]


def csv_lines(top: Sequence[Sequence[str]], body: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """The file in portions of some 64 kB, with a byte order mark so that spreadsheets read it as UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerows(top)
    for row in body:
        writer.writerow(row)
        if buffer.tell() > 65_536:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


WIDTHS = {"B": 40, "C": 60, "D": 18, "F": 20, "G": 20, "M": 40}


def xlsx_file(
    top: Sequence[Sequence[str]], body: Iterable[Sequence[str | int | float | None]], widths: Mapping[str, int] = WIDTHS
) -> Path:
    """A workbook in a temporary file, written row by row; the caller removes it. `widths`: letter → characters."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("导出")
    sheet.freeze_panes = f"A{len(top) + 1}"
    for letter, width in widths.items():
        sheet.column_dimensions[letter].width = width
    for row in top:
        sheet.append(list(row))
    for cells in body:
        sheet.append(list(cells))
    with tempfile.NamedTemporaryFile(suffix=".xlsx", delete=False) as file:
        book.save(file)
    return Path(file.name)


def removal(path: Path) -> BackgroundTask:
    """Removes the file after it was sent."""
    return BackgroundTask(lambda: path.unlink(missing_ok=True))
