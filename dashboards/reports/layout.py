"""The page of an official document by GB/T 9704-2012, as python-docx settings.

5.2.1 page 210 mm x 297 mm · 5.2.2 margins: top 37, left 28, type area 156 mm x 225 mm · 5.2.3 body 3号仿宋
5.2.4 22 lines of 28 characters · 7.3.3 levels 一、黑体 （一）楷体 · 7.5 page number 4号, odd right, even left
"""

import math
from typing import Any

from docx.document import Document as Book
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

PAGE = (210, 297)  #: mm
TOP, BOTTOM, LEFT, RIGHT = 37, 35, 28, 26  #: mm
LINES, CHARACTERS = 22, 28
TITLE_CHARACTERS = 20  #: of a line of the title
TYPE_WIDTH, TYPE_HEIGHT = PAGE[0] - LEFT - RIGHT, PAGE[1] - TOP - BOTTOM
BODY, TITLE, SMALL = 16.0, 22.0, 12.0  #: pt: 3号, 2号, 小4号
LINE = 28.95  #: pt: 225 mm / 22 lines, rounded down so that the 22nd fits
SONG, FANG, HEI, KAI = "方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312"
#: what a machine without the named font may take instead
FALLBACKS = {SONG: "小标宋;华文中宋;宋体", FANG: "仿宋;FangSong", HEI: "SimHei", KAI: "楷体;KaiTi"}
LATIN = "Times New Roman"


def set_up(book: Book) -> None:
    """Page, grid, styles and page numbers of a new document."""
    section = book.sections[0]
    section.page_width, section.page_height = Mm(PAGE[0]), Mm(PAGE[1])
    section.top_margin, section.bottom_margin = Mm(TOP), Mm(BOTTOM)
    section.left_margin, section.right_margin = Mm(LEFT), Mm(RIGHT)
    section.header_distance, section.footer_distance = Mm(15), Mm(25)
    _grid(section._sectPr)
    _styles(book)
    _fonts(book)
    book.settings.odd_and_even_pages_header_footer = True
    _page_number(section.footer, WD_ALIGN_PARAGRAPH.RIGHT)
    _page_number(section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT)


def face(font: Any, name: str, size: float) -> None:
    """Chinese face, Latin face and size of a run's or a style's font."""
    font.name, font.size = LATIN, Pt(size)
    properties = font.element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), name)
    fonts.set(qn("w:hAnsi"), LATIN)


def _grid(properties: Any) -> None:
    """22 lines x 28 characters: pitch in twips (1/20 pt), character space in 1/4096 pt beside the body's 16 pt."""
    grid = properties.find(qn("w:docGrid"))
    if grid is None:
        grid = OxmlElement("w:docGrid")
        properties.append(grid)
    pitch = int(TYPE_HEIGHT / 25.4 * 1440 / LINES)
    width = TYPE_WIDTH / 25.4 * 72 / CHARACTERS
    grid.set(qn("w:type"), "linesAndChars")
    grid.set(qn("w:linePitch"), str(pitch))
    grid.set(qn("w:charSpace"), str(math.floor((width - BODY) * 4096)))


def _styles(book: Book) -> None:
    normal = book.styles["Normal"]
    _default_size(book)
    _tighten(normal.font)
    face(normal.font, FANG, BODY)
    shape = normal.paragraph_format
    shape.space_before = shape.space_after = Pt(0)
    shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(LINE)
    shape.widow_control = True
    _off_grid(normal.element.get_or_add_pPr())
    for level, (name, bold) in enumerate(((HEI, False), (KAI, False), (FANG, True)), 1):
        style = book.styles[f"Heading {level}"]
        face(style.font, name, BODY)
        style.font.bold, style.font.italic = bold, False
        style.font.color.rgb = RGBColor(0, 0, 0)
        style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(0)
        style.paragraph_format.keep_with_next = True
        indent(style.element.get_or_add_pPr())


def _tighten(font: Any) -> None:
    """28 characters of 16 pt are 448 pt, the line has 442: a quarter point less each makes it 28."""
    spacing = OxmlElement("w:spacing")
    spacing.set(qn("w:val"), "-5")
    after = ("w:w", "w:kern", "w:position", "w:sz", "w:szCs", "w:highlight", "w:u", "w:lang")
    font.element.get_or_add_rPr().insert_element_before(spacing, *after)


def _default_size(book: Book) -> None:
    """The grid's character space counts from the default size: Word takes the Normal style's, others the document's."""
    properties = book.styles.element.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}")
    for tag in ("w:sz", "w:szCs"):
        size = properties.find(qn(tag))
        if size is None:
            size = OxmlElement(tag)
            properties.append(size)
        size.set(qn("w:val"), str(int(2 * BODY)))
    language = properties.find(qn("w:lang"))
    if (
        language is not None
    ):  # else a fallback font may take the Japanese or Taiwanese shapes and set 、。 in the middle
        language.set(qn("w:eastAsia"), "zh-CN")


def _off_grid(properties: Any) -> None:
    """28 and 22 come from the spacing; the grid is declared, but programs disagree on cells narrower than 16 pt."""
    snap = OxmlElement("w:snapToGrid")
    snap.set(qn("w:val"), "0")
    after = ("w:spacing", "w:ind", "w:contextualSpacing", "w:mirrorIndents", "w:jc", "w:textAlignment", "w:rPr")
    properties.insert_element_before(snap, *after)


def indent(properties: Any) -> None:
    """First line in by two characters, whatever the font size (w:firstLineChars counts hundredths)."""
    ind = properties.get_or_add_ind()
    ind.set(qn("w:firstLineChars"), "200")
    ind.set(qn("w:firstLine"), str(int(2 * BODY * 20)))


def _fonts(book: Book) -> None:
    """Alternatives of the named faces, in the font table."""
    part = next(p for p in book.part.package.iter_parts() if str(p.partname) == "/word/fontTable.xml")
    added = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{other}"/><w:charset w:val="86"/></w:font>'
        for name, other in FALLBACKS.items()
    )
    part._blob = part.blob.replace(b"</w:fonts>", added.encode() + b"</w:fonts>")


def _page_number(footer: Any, side: WD_ALIGN_PARAGRAPH) -> None:
    """「— 1 —」 in 4号 宋体, one character from the outer edge (7.5)."""
    footer.is_linked_to_previous = False
    paragraph = footer.paragraphs[0]
    paragraph.alignment = side
    paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
    edge = "w:rightChars" if side == WD_ALIGN_PARAGRAPH.RIGHT else "w:leftChars"
    paragraph._p.get_or_add_pPr().get_or_add_ind().set(qn(edge), "100")
    for text, kind in (("— ", None), (None, "begin"), ("PAGE", "code"), (None, "separate"), ("1", None), (None, "end"),
                       (" —", None)):  # fmt: skip
        run = paragraph.add_run()
        face(run.font, "宋体", 14)
        if kind in (None, "code"):
            element = OxmlElement("w:instrText" if kind else "w:t")
            element.text = text
            element.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        else:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        run._r.append(element)
