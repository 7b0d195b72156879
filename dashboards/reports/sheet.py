"""A report as xlsx: the text, each table as a real table, native charts, the evidence; no cell can start a formula."""

import math
from collections.abc import Sequence
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table as SheetTable
from openpyxl.worksheet.table import TableStyleInfo

from dashboards.exporting import safe
from dashboards.reports.tree import (
    Cell,
    Figure,
    Heading,
    Note,
    Paragraph,
    Report,
    Table,
    cleaned,
    evidence_of,
    numbered,
)

LINE = 15  #: pt
WRAP = Alignment(wrap_text=True, vertical="top")
BOLD = Font(bold=True)
COLOURS = ("B3261E", "9FB3C8", "5B7F3A")


def write(report: Report, out: BinaryIO) -> None:
    report = cleaned(report)
    book = Workbook()
    book.properties.title, book.properties.creator = safe(report.title.text), safe(report.title.office)
    _text(book.active, report)
    number = 0
    for block in report.blocks:
        if isinstance(block, Table | Figure):
            number += 1
            sheet = book.create_sheet(f"{number:02d} {_name(block.caption)}")
            if isinstance(block, Table):
                grid(sheet, block.columns, block.rows, f"table{number}", block.widths)
            else:
                _chart(sheet, block, f"table{number}")
    _evidence(book, report, number + 1)
    book.save(out)


def _name(caption: str) -> str:
    """A sheet's name: at most 31 characters with the number, without the seven signs that Excel refuses."""
    return safe("".join(c for c in caption if c not in r"[]:*?/\'"))[:26]


def put(sheet: Any, row: int, column: int, value: Cell) -> Any:
    """A number as a number, everything else as text that is never a formula."""
    cell = sheet.cell(row, column)
    if isinstance(value, int | float):
        cell.value = value
    else:
        cell.value = "—" if value is None else safe(value)
        cell.data_type = "s"
    return cell


def grid(
    sheet: Any, columns: Sequence[str], rows: Sequence[Sequence[Cell]], name: str, widths: Sequence[float] = ()
) -> None:
    """A real table with a frozen header; an empty one gets a line that says so, because Excel wants one."""
    shares = widths or (1.0,) * len(columns)
    for at, (column, share) in enumerate(zip(columns, shares, strict=True), 1):
        put(sheet, 1, at, column).font = BOLD
        sheet.column_dimensions[get_column_letter(at)].width = max(10.0, min(70.0, 100 * share / sum(shares)))
    for line, row in enumerate(rows or [("（无）", *[None] * (len(columns) - 1))], 2):
        for at, value in enumerate(row, 1):
            put(sheet, line, at, value).alignment = WRAP
        _tall(sheet, line, row)
    table = SheetTable(displayName=name, ref=f"A1:{get_column_letter(len(columns))}{max(2, len(rows) + 1)}")
    table.tableStyleInfo = TableStyleInfo(name="TableStyleMedium2", showRowStripes=True)
    sheet.add_table(table)
    sheet.freeze_panes = "A2"
    _printed(sheet, wide=len(columns) > 4)
    sheet.print_title_rows = "1:1"


def _tall(sheet: Any, line: int, row: Sequence[Cell]) -> None:
    """Height of a row for its longest cell; not every program finds it by itself. A Chinese character is two units."""
    wrapped = 1
    for at, value in enumerate(row, 1):
        units = sum(2 if ord(c) > 0x2E80 else 1 for c in str(value or ""))
        wrapped = max(wrapped, math.ceil(1.05 * units / sheet.column_dimensions[get_column_letter(at)].width))
    sheet.row_dimensions[line].height = min(LINE * wrapped, 400)


def _printed(sheet: Any, *, wide: bool) -> None:
    """A4, every column on one page."""
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape" if wide else "portrait"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _text(sheet: Any, report: Report) -> None:
    sheet.title = "正文"
    _printed(sheet, wide=False)
    sheet.column_dimensions["A"].width = 84
    title = report.title
    lines = [(title.number, False), (title.text, True), (title.subtitle, False), (title.office, False)]
    for block in numbered(report.blocks):
        if isinstance(block, Heading):
            lines.append((block.text, True))
        elif isinstance(block, Paragraph):
            lines.append((block.text, False))
        elif isinstance(block, Note):
            lines.append((f"注：{block.text}", False))
    lines.append((f"成稿时间：{report.made_at:%Y-%m-%d %H:%M}", False))
    for number, (text, bold) in enumerate((line for line in lines if line[0]), 1):
        cell = put(sheet, number, 1, text)
        cell.alignment, cell.font = WRAP, Font(bold=bold)
        _tall(sheet, number, (text,))


def _chart(sheet: Any, figure: Figure, name: str) -> None:
    marks: dict[int, str] = {}
    for at, text in figure.marks:
        marks[at] = f"{marks[at]}/{text}" if at in marks else text
    columns = ("时间", *(series for series, _ in figure.series), *(("标注",) if marks else ()))
    rows = [
        (label, *(values[n] for _, values in figure.series), *((marks.get(n, ""),) if marks else ()))
        for n, label in enumerate(figure.labels)
    ]
    grid(sheet, columns, rows, name)
    chart = BarChart() if figure.kind == "bar" else LineChart()
    if figure.kind == "bar":
        chart.type, chart.grouping, chart.overlap = "col", "stacked", 100
    chart.title, chart.height, chart.width = figure.caption, 9, 22
    chart.y_axis.title = figure.unit
    chart.x_axis.delete = chart.y_axis.delete = False
    last = len(rows) + 1
    chart.add_data(
        Reference(sheet, min_col=2, max_col=1 + len(figure.series), min_row=1, max_row=last), titles_from_data=True
    )
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=last))
    for series, colour in zip(chart.series, COLOURS, strict=False):
        series.graphicalProperties.solidFill = colour
    sheet.add_chart(chart, f"{get_column_letter(len(columns) + 2)}2")
    _printed(sheet, wide=True)


def _evidence(book: Any, report: Report, number: int) -> None:
    rows = []
    for n, statement in evidence_of(report):
        if (said := statement.evidence) is not None:
            rows.append((n, statement.text, said.what, said.count, said.where or "—", "、".join(said.ids) or "—"))
    columns = ("序号", "正文所述", "类别", "数量", "范围", "编号（最多列前100个）")
    grid(book.create_sheet("依据"), columns, rows, f"table{number}", (0.6, 3, 0.7, 0.7, 2, 4))
