"""A page as a tree: repaired, limited, free of what is never text."""

import re

from lxml import etree, html
from lxml.html import HtmlElement

#: longer pages are cut; the largest article page of the collection has 0.8 M characters
MAX_CHARACTERS = 6_000_000
#: deeper markup is an attack or a broken template; lxml itself stops at 255 unless told otherwise
MAX_ELEMENTS = 200_000
#: a government bulletin closes body and html before its text; parsers then drop or misplace the rest
_EARLY_END = re.compile(r"</?(?:body|html)\b[^>]{0,2000}>", re.I)
_STRING = etree.XPath("string()")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_XML_HEAD = re.compile(r"^\s*<\?xml[^>]{0,300}\?>", re.I)

DROP = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "iframe",
        "object",
        "embed",
        "select",
        "option",
        "button",
        "input",
        "textarea",
        "nav",
        "footer",
        "canvas",
        "audio",
        "video",
        "map",
        "head",
        "link",
        "meta",
        "title",
    ]
)


class UnreadablePage(ValueError):
    """The markup gives no tree at all."""


def tree(text: str) -> HtmlElement:
    """Element tree of a page, tags repaired. Raises UnreadablePage where there is nothing to read."""
    text = _CONTROL.sub(" ", text[:MAX_CHARACTERS])
    text = _EARLY_END.sub("", _XML_HEAD.sub("", text))
    if not text.strip():
        raise UnreadablePage("页面没有内容")
    parser = html.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=False, encoding="utf-8")
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise UnreadablePage(f"页面无法解析：{error}") from error
    return root


def words(element: HtmlElement) -> str:
    """All text under an element, blanks folded."""
    return fold(str(_STRING(element)))


def fold(text: str) -> str:
    """Runs of any white space become one blank."""
    return " ".join(text.split())


def mark(element: HtmlElement) -> str:
    """Class and id of an element in lower case, for rules that look at names."""
    return f"{element.get('class') or ''} {element.get('id') or ''}".lower()


def hidden(element: HtmlElement) -> bool:
    """Whether the element's own style or attribute hides it."""
    style = element.get("style")
    if style and re.search(r"display\s*:\s*none|font-size\s*:\s*0(?![.\d])|left\s*:\s*-\d{3,}", style, re.I):
        return True
    return element.get("hidden") is not None and element.get("hidden") != "false"


def select(element: HtmlElement, rule: str) -> list[HtmlElement | str]:
    """Elements (or, with an XPath that ends in @x or text(), strings) that a selector of `sources.toml` finds.

    CSS, or XPath where the rule starts with `/`, `(` or `.//`. Raises ValueError with the rule when it is no selector.
    """
    try:
        if rule.startswith(("/", "(", ".//", "./")):
            found = element.xpath(rule)
            return list(found) if isinstance(found, list) else [str(found)]
        return list(element.cssselect(rule))
    except (etree.XPathError, ValueError, SyntaxError) as error:
        raise ValueError(f"选择器无法使用：{rule}（{error}）") from error


def value(found: HtmlElement | str) -> str:
    """Text of what `select` found."""
    return fold(found) if isinstance(found, str) else words(found)
