"""How many replies a row of a board prints, where no selector says: beside the word, or below it in a table."""

import re
from itertools import islice
from typing import Any

from lxml.etree import XPath
from lxml.html import HtmlElement

from crawlers.markup import fold, mark, words

_WORD = r"(?:回复|回帖|跟帖|跟贴|评论|回答)(?:数|量)?"
#: "12回复", "回复：12"; not "最后回复 03-01", which is a date
_BESIDE = re.compile(
    rf"(?<!最后)(?<!最新){_WORD}\s*[:：(（]?\s*(\d{{1,7}})(?!\s*[-/.:年月\d])|(?<![-/.:\d])(\d{{1,7}})\s*[条个]?\s*{_WORD}"
)
#: the same where nothing else stands in the element: "赞 3" and "评论 12" side by side cannot be confused then
_ALONE = re.compile(
    rf"\W*(?:(?P<before>\d{{1,7}})\s*[条个]?\s*(?:{_WORD}|评|回|帖)|{_WORD}\s*[:：(（]?\s*(?P<after>\d{{1,7}}))\W*"
)
#: a heading may name two figures of one column: "回复/查看"
_HEADING = re.compile(rf"^(?:{_WORD}(?:\s*/\s*\S+)?|回\s*/\s*\S+)$")
#: elements that stand in a line of text; a row of such a kind is told apart by line breaks only
_INLINE = frozenset(("a", "font", "b", "strong", "span", "em", "i", "u"))
_TEXTS: Any = XPath(".//text()[not(parent::script or parent::style)]")
_FIGURE = re.compile(r"^(\d{1,7})(?:\s*/\s*\d+)?$")
_ATTRIBUTE = re.compile(r"^data-(?:reply|replies|comments?)(?:-?(?:count|num|total))?$", re.I)
#: a box or an icon may name the figure in place of a word
_NAMED = re.compile(r"comment|reply|replies|huifu|pinglun|\bchat|message", re.I)
_NAMED_OTHER = re.compile(r"eye|view|read|hit|click|like|zan|share|time|date|user|author", re.I)
_PIECES, _LONGEST = 400, 2000  #: texts of a row, and characters of one, that are looked at
_MANY = 80  #: elements of a row that are looked at


def pieces(row: HtmlElement, title: HtmlElement) -> list[str]:
    """What a row says beside its title, element by element. The elements are kept apart: of
    `<a>user7</a><span>3 days ago</span>` the browser's style, not the text, tells where the name ends. Where rows are
    lines of one paragraph, the rest of the line counts."""
    inside = set(title.iter())
    said = [
        text
        for piece in islice(_TEXTS(row), _PIECES)
        if _owner(piece) not in inside and (text := fold(piece[:_LONGEST]))
    ]
    return said + (_line(row) if row.tag in _INLINE else [])


def _line(row: HtmlElement) -> list[str]:
    """What follows an inline row up to a line break or the next link, or else what stands before it."""
    after = [fold(row.tail or "")]
    for element in islice(row.itersiblings(), _MANY):
        if _ends_line(element):
            break
        after += [words(element), fold(element.tail or "")]
    if any(c.isdigit() for text in after for c in text):
        return [text for text in after if text]
    before: list[str] = []
    for element in islice(row.itersiblings(preceding=True), _MANY):
        before.append(fold(element.tail or ""))
        if _ends_line(element):
            break
        before.append(words(element))
    return [text for text in before if text]


def _ends_line(element: HtmlElement) -> bool:
    return (
        (element.tag not in _INLINE and element.tag != "img") or element.tag == "a" or element.find(".//a") is not None
    )


def _owner(piece: Any) -> HtmlElement:
    """The element that a text stands in."""
    return piece.getparent().getparent() if piece.is_tail else piece.getparent()


def replies(row: HtmlElement, title: HtmlElement) -> str:
    """The number as printed, digits only; "" where none is."""
    for element in [e for e in islice(row.iter(), _MANY) if e is not title]:
        found = _ALONE.fullmatch(words(element)[:24]) if isinstance(element.tag, str) else None
        if found:
            return found["before"] or found["after"]
    beside = _BESIDE.search(" ".join(pieces(row, title)))
    return (beside[1] or beside[2]) if beside else _below_heading(row) or _by_name(row) or _attribute(row)


def _by_name(row: HtmlElement) -> str:
    for element in islice(row.iter(), _MANY):
        name = " ".join(mark(e) for e in (element, *element) if isinstance(e.tag, str)) if len(element) < 3 else ""
        if _NAMED.search(name) and not _NAMED_OTHER.search(name):
            figure = _FIGURE.match(words(element))
            if figure:
                return figure[1]
    return ""


def _below_heading(row: HtmlElement) -> str:
    for name, cell in columns(row):
        figure = _FIGURE.match(words(cell)) if _HEADING.match(name) else None
        if figure:
            return figure[1]
    return ""


def columns(row: HtmlElement) -> list[tuple[str, HtmlElement]]:
    """(heading, cell) of a row of a table, or of a row of boxes below a row of as many short ones without a link."""
    line = next(row.iter("tr"), None)
    table = next(row.iterancestors("table"), None)
    if table is not None and line is not None:
        heading = next(table.iter("tr"), None)
    else:
        line, parent = row, row.getparent()
        heading = next((e for e in parent if isinstance(e.tag, str)), None) if parent is not None else None
        if heading is None or len(heading) < 3 or len(heading) != len(line) or heading.find(".//a") is not None:
            return []
    if line is None or heading is None or heading is line:
        return []
    return [(words(name)[:20], cell) for name, cell in zip(_cells(heading), _cells(line), strict=False)]


def _attribute(row: HtmlElement) -> str:
    for element in islice(row.iter(), _MANY):
        for name, value in element.attrib.items() if isinstance(element.tag, str) else ():
            if _ATTRIBUTE.match(name) and value.strip().isdigit():
                return str(value.strip()[:7])
    return ""


def _cells(line: HtmlElement) -> list[HtmlElement]:
    return [cell for cell in line if cell.tag in ("td", "th")] if line.tag == "tr" else list(line)
