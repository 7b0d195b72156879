"""A second reader for Chinese pages, and the reader for other languages.

Both libraries take long to load and most pages need neither: they are loaded at the first page that does.
"""

import re

from lxml import etree
from lxml.html import HtmlElement

from crawlers.markup import words

#: below this similarity the two readers disagree and the page is marked (measured on the collection: three flags,
#: all of them failures of the second reader)
AGREEMENT = 0.6
_BLANKS = re.compile(r"\s+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LETTERS = re.compile(r"[A-Za-z\u00c0-\u024f\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f]")
_KANA = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")


def language(text: str) -> str:
    """ "zh" where Han characters make up most of it, else "other"; "" for a text without letters."""
    han = len(_HAN.findall(text))
    kana = len(_KANA.findall(text))
    letters = len(_LETTERS.findall(text)) + kana
    if not han and not letters:
        return ""
    return "zh" if han * 4 >= letters and kana < han * 0.2 else "other"


def shingles(text: str) -> set[str]:
    """Set of runs of four characters, blanks left out; a shorter text is its own only shingle."""
    text = _BLANKS.sub("", text)
    return {text[i : i + 4] for i in range(len(text) - 3)} or ({text} if text else set())


def similarity(one: str, other: str) -> float:
    """F1 over shingles of four characters, 0..1."""
    a, b = shingles(one), shingles(other)
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


def readability(root: HtmlElement) -> str:
    """Main text as readability-lxml sees it; "" where it finds none. `root` is not changed."""
    from readability import Document as Readable
    from readability.readability import Unparseable

    try:
        summary = Readable(etree.tostring(root, encoding="unicode", method="html")).summary(html_partial=True)
        element = etree.fromstring(summary, etree.HTMLParser())
    except (Unparseable, etree.LxmlError, ValueError, TypeError, KeyError, AttributeError):
        return ""
    return words(element) if element is not None else ""


def foreign(text: str, url: str) -> str:
    """Main text of a page that is not Chinese, by trafilatura; "" where it finds none."""
    from trafilatura import extract as trafilatura_text

    found = trafilatura_text(text, url=url or None, fast=True, include_comments=False, include_tables=False)
    return found or ""
