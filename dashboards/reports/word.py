"""A report as docx in the layout of GB/T 9704-2012 (see `layout`)."""

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

import docx
from docx.document import Document as Book
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from dashboards.reports import layout, wording
from dashboards.reports.figures import png
from dashboards.reports.tree import (
    Block,
    Cell,
    Figure,
    Heading,
    Note,
    Paragraph,
    Report,
    Statement,
    Table,
    cleaned,
    evidence_of,
    numbered,
)

#: ids printed with a statement; the xlsx and the page list all that are kept
IDS = 5
CENTRE = WD_ALIGN_PARAGRAPH.CENTER


def write(report: Report, out: BinaryIO) -> None:
    """NoChineseFont where a figure cannot be drawn."""
    report = cleaned(report)
    book = docx.Document()
    layout.set_up(book)
    book.core_properties.title = report.title.text[:250]
    book.core_properties.author = report.title.office[:250]
    book.core_properties.created = book.core_properties.modified = report.made_at.replace(tzinfo=None)
    _head(book, report)
    proofs = evidence_of(report)
    numbers = {id(s): n for n, s in proofs}
    for block in numbered(report.blocks):
        _block(book, block, numbers)
    _sign(book, report)
    if proofs:
        _proofs(book, proofs)
    book.save(out)


def _line(book: Book, text: str, name: str, size: float, align: WD_ALIGN_PARAGRAPH | None = None) -> Any:
    paragraph: Any = book.add_paragraph()
    layout.face(paragraph.add_run(text).font, name, size)
    paragraph.alignment = align
    return paragraph


def _head(book: Book, report: Report) -> None:
    """The red line stands only above a registered issue (its number, whose it is, the date)."""
    title = report.title
    if title.number:
        _line(book, title.number, layout.FANG, layout.BODY, CENTRE)
        rule = _line(book, title.office, layout.FANG, layout.BODY)
        rule.paragraph_format.tab_stops.add_tab_stop(Mm(layout.TYPE_WIDTH), 2)
        layout.face(rule.add_run("\t" + wording.day(report.made_at)).font, layout.FANG, layout.BODY)
        _red_line(rule)
        _line(book, "", layout.FANG, layout.BODY)
    head = _line(book, _turned(title.text), layout.SONG, layout.TITLE, CENTRE)
    head.paragraph_format.line_spacing = Pt(36)
    head.paragraph_format.keep_with_next = True
    under = _line(book, title.subtitle, layout.KAI, layout.BODY, CENTRE)
    under.paragraph_format.space_after = Pt(layout.LINE)


def _turned(title: str) -> str:
    """A title of more than one line turns after the name of the event, not within a word (7.3.1: 词意完整)."""
    name, mark, kind = title.rpartition("”")
    return f"{name}{mark}\n{kind}" if mark and kind and len(title) > layout.TITLE_CHARACTERS else title


def _red_line(paragraph: Any) -> None:
    borders, bottom = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for key, value in (("val", "single"), ("sz", "12"), ("space", "4"), ("color", "CC0000")):
        bottom.set(qn(f"w:{key}"), value)
    borders.append(bottom)
    paragraph._p.get_or_add_pPr().insert_element_before(borders, "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def _block(book: Book, block: Block, numbers: dict[int, int]) -> None:
    match block:
        case Heading():
            book.add_paragraph(block.text, style=f"Heading {block.level}")
        case Paragraph():
            _paragraph(book, block, numbers)
        case Table():
            _table(book, block)
        case Figure():
            _figure(book, block)
        case Note():
            _small(_line(book, f"注：{block.text}", layout.FANG, layout.SMALL))


def _small(paragraph: Any) -> None:
    shape = paragraph.paragraph_format
    shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(18)
    shape.space_before, shape.space_after = Pt(3), Pt(6)


def _paragraph(book: Book, block: Paragraph, numbers: dict[int, int]) -> None:
    paragraph = book.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    layout.indent(paragraph._p.get_or_add_pPr())
    for statement in block.statements:
        paragraph.add_run(statement.text)
        if number := numbers.get(id(statement)):
            mark = paragraph.add_run(f"[{number}]")
            mark.font.superscript = True
            mark.font.color.rgb = RGBColor(0x55, 0x55, 0x55)


def _figure(book: Book, figure: Figure) -> None:
    paragraph = book.add_paragraph()
    paragraph.alignment = CENTRE
    shape = paragraph.paragraph_format
    shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.SINGLE, 1.0  # an exact height would cut the picture
    shape.keep_with_next = True
    shape.space_before = Pt(6)
    picture = paragraph.add_run().add_picture(io.BytesIO(png(figure)), width=Mm(layout.TYPE_WIDTH))
    picture._inline.docPr.set("descr", figure.caption)
    caption = _line(book, figure.caption, layout.HEI, 14, CENTRE)
    caption.paragraph_format.space_after = Pt(6)


def _table(book: Book, table: Table) -> None:
    caption = _line(book, table.caption, layout.HEI, 14, CENTRE)
    caption.paragraph_format.keep_with_next = True
    caption.paragraph_format.space_before = Pt(4)
    grid = book.add_table(rows=0, cols=len(table.columns), style="Table Grid")
    grid.alignment, grid.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    widths = _widths(table)
    _row(grid, table.columns, widths, None)
    for row in table.rows:
        _row(grid, row, widths, table.left)
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = Mm(width)
    _small(book.add_paragraph())


def _widths(table: Table) -> list[float]:
    shares = table.widths or (1.0,) * len(table.columns)
    return [layout.TYPE_WIDTH * share / sum(shares) for share in shares]


def _row(grid: Any, cells: Sequence[Cell], widths: Sequence[float], left: Sequence[bool] | None) -> None:
    """`left` None: the head, repeated on every page."""
    row = grid.add_row()
    properties = row._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if left is None:
        properties.append(OxmlElement("w:tblHeader"))
    font = layout.HEI if left is None else layout.FANG
    for cell, value, width, prose in zip(row.cells, cells, widths, left or (False,) * len(cells), strict=True):
        cell.width = Mm(width)
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
        paragraph = cell.paragraphs[0]
        layout.face(paragraph.add_run("—" if value is None else str(value)).font, font, layout.SMALL)
        shape = paragraph.paragraph_format
        shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(16)
        # a head that stands alone at the end of a page makes LibreOffice lose every row that follows
        shape.keep_with_next = left is None
        paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if prose else CENTRE


def _sign(book: Book, report: Report) -> None:
    """Whose it is and the date, right, four characters in (7.3.5)."""
    for number, text in enumerate((report.title.signature or report.title.office, wording.day(report.made_at))):
        line = _line(book, text, layout.FANG, layout.BODY, WD_ALIGN_PARAGRAPH.RIGHT)
        line.paragraph_format.keep_with_next = number == 0
        line.paragraph_format.space_before = Pt(layout.LINE if number == 0 else 0)
        line._p.get_or_add_pPr().get_or_add_ind().set(qn("w:rightChars"), "200")


def _proofs(book: Book, proofs: Sequence[tuple[int, Statement]]) -> None:
    head = _line(book, "附件", layout.HEI, layout.BODY)
    head.paragraph_format.page_break_before = True
    head.paragraph_format.keep_with_next = True
    title = _line(book, "数据依据", layout.SONG, layout.TITLE, CENTRE)
    title.paragraph_format.line_spacing = Pt(36)
    _small(_line(book, f"注：序号与正文角标对应；数量为准确数，编号至多列{IDS}个，其余见同期表格文件的“依据”页。",
                 layout.FANG, layout.SMALL))  # fmt: skip
    rows = []
    for number, statement in proofs:
        if (said := statement.evidence) is not None:
            ids = "、".join(said.ids[:IDS]) + ("等" if said.count > IDS else "")
            text = "；".join(part for part in (said.where, ids) if part)
            number_of = f"{said.what}{said.count}{wording.UNITS.get(said.what, '')}"
            rows.append((number, wording.cut(statement.text, 40), number_of, text or "—"))
    _table(book, Table(caption="依据一览", columns=("序号", "正文所述", "数量", "范围和编号"), rows=tuple(rows),
                       widths=(0.7, 3, 1.1, 4)))  # fmt: skip
    # the paragraph that must follow a table would open an empty page where the table fills the last one
    last = book.paragraphs[-1].paragraph_format
    last.line_spacing_rule, last.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(1)
    last.space_before = last.space_after = Pt(0)
