"""News and government columns: a list page, its next pages, and the articles behind it."""

from datetime import datetime

from lxml.html import HtmlElement

from crawlers import markup
from crawlers.charset import decode
from crawlers.kinds.articles import article
from crawlers.kinds.shapes import Kind, ListResult, Page, UnreadableSource, lease
from crawlers.rows import next_page, rows
from storage.types import Lease, Source


def parse_list(page: Page, source: Source, lease_: Lease, now: datetime) -> ListResult:
    """Articles of a list page. UnreadableSource where no row is found (changed page, or selectors needed)."""
    root = list_tree(page, source)
    found = rows(root, page.url, source.selectors, now)
    if not found:
        raise UnreadableSource("列表页没有找到文章链接：页面可能改版，请检查选择器")
    following = next_page(root, page.url, source.selectors)
    return ListResult(
        leases=tuple(lease(source, row.url, "article", now, row.hint) for row in found),
        next_pages=(following,) if following else (),
    )


def list_tree(page: Page, source: Source) -> HtmlElement:
    """Tree of a list page. Raises UnreadableSource for an empty one."""
    try:
        return markup.tree(decode(page.body, content_type=page.content_type, encoding=source.encoding).text)
    except markup.UnreadablePage as error:
        raise UnreadableSource(f"列表页无法读取：{error}") from error


KIND = Kind(parse_list=parse_list, parse_article=article)
