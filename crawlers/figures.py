"""How many replies a row of a board prints, where no selector says: beside the word, or below it in a table."""

import re
from typing import Any

from lxml.etree import XPath
from lxml.html import HtmlElement

from crawlers.markup import fold, words

_WORD = r"(?:回复|回帖|跟帖|评论)(?:数|量)?"
#: "12回复", "回复：12"; not "最后回复 03-01", which is a date
_BESIDE = re.compile(
    rf"(?<![-/.:\d])(\d{{1,7}})\s*[条个]?\s*{_WORD}|(?<!最后)(?<!最新){_WORD}\s*[:：(（]?\s*(\d{{1,7}})(?!\s*[-/.:年月\d])"
)
#: a heading may name two figures of one column: "回复/查看"
_HEADING = re.compile(rf"^{_WORD}(?:\s*/\s*\S+)?$")
_TEXTS: Any = XPath(".//text()[not(parent::script or parent::style)]")
_FIGURE = re.compile(r"^(\d{1,7})(?:\s*/\s*\d+)?$")


def beside(row: HtmlElement, link: HtmlElement) -> str:
    """What a row says beside its link; "" where the row is the link. The elements are kept apart by a space: of
    `<a>user7</a><span>3 days ago</span>` the browser's style, not the text, tells where the name ends."""
    if row is link:
        return ""
    inside = set(link.iter())
    pieces = (piece for piece in _TEXTS(row) if _owner(piece) not in inside)
    return fold(" ".join(pieces))


def _owner(piece: Any) -> HtmlElement:
    """The element that a text stands in."""
    return piece.getparent().getparent() if piece.is_tail else piece.getparent()


def replies(row: HtmlElement, said: str) -> str:
    """The number as printed, digits only; "" where none is. `said`: what the row says beside its link."""
    found = _BESIDE.search(said)
    if found:
        return found[1] or found[2]
    return _below_heading(row)


def _below_heading(row: HtmlElement) -> str:
    line = next(row.iter("tr"), None)
    table = next(row.iterancestors("table"), None)
    heading = next(table.iter("tr"), None) if table is not None else None
    if line is None or heading is None or heading is line:
        return ""
    for name, cell in zip(_cells(heading), _cells(line), strict=False):
        figure = _FIGURE.match(words(cell)) if _HEADING.match(words(name)) else None
        if figure:
            return figure[1]
    return ""


def _cells(line: HtmlElement) -> list[HtmlElement]:
    return [cell for cell in line if cell.tag in ("td", "th")]
