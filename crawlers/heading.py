"""Title, canonical address, pictures and comment count of a page."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from lxml.html import HtmlElement

from crawlers.blocks import Block
from crawlers.markup import fold, mark, words
from crawlers.urls import BadAddress, canonical, site

_SEPARATOR = re.compile(r"\s*(?:_|\||｜|—|–|-{1,2}|·|::|>|<<|«|»)\s*")
_SITE_WORDS = re.compile(
    r"(网|新闻|频道|日报|晚报|论坛|门户|政府|客户端|首页|资讯|在线|media|news|\.com|\.cn|搜狐|新浪|腾讯|网易|凤凰)",
    re.I,
)
#: a `<title>` that is the same on every page of the site
_NO_TITLE = re.compile(
    r"(?:数字版|数字报|电子版|电子报)$|^(?:新闻|文章|公告|信息|内容|通知)?(?:详情|正文|内容页|详细)页?$"
)
_TITLE_NAME = re.compile(r"title|headline|biaoti|activity-name|h1", re.I)
_COUNT = re.compile(
    r"(?:评论|跟贴|跟帖|参与|条评论|回复)\s*[(（:：]?\s*(\d{1,7})|(\d{1,7})\s*(?:条评论|人跟贴|条跟帖|人参与|评论)"
)
_LETTERS = re.compile(r"[\W_]+")
_PICTURE = ("data-original", "data-src", "data-actualsrc", "data-lazy-src", "src")


def bare(text: str) -> str:
    """Letters, digits and Han characters only, lower case: for comparing titles."""
    return _LETTERS.sub("", text).lower()


def meta(root: HtmlElement) -> dict[str, str]:
    """Lower-cased name, property or itemprop of every meta element → content; the first of a name wins."""
    found: dict[str, str] = {}
    for element in root.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop")
        content = element.get("content")
        if name and content and content.strip():
            found.setdefault(name.strip().lower(), fold(content)[:1000])
    return found


def title(root: HtmlElement, metas: dict[str, str], blocks: list[Block]) -> str:
    """Title: the longest heading that is contained in `<title>`, else the title without the site's name."""
    head = next((words(t) for t in root.iter("title") if words(t)), "")
    official = metas.get("articletitle", "")  # 国办发〔2017〕47号 asks government sites for it
    if len(bare(official)) >= 4 and any(bare(official) == bare(b.text) for b in blocks[:60]):
        return official
    social = metas.get("og:title") or metas.get("twitter:title") or ""
    if _NO_TITLE.search(head):
        head = ""
    full = bare(head or social)
    headings = [h for h in _headings(root) if 3 < len(h) < 200]
    inside = [h for h in headings if len(bare(h)) >= 4 and bare(h) in full]
    if inside:
        return max(inside, key=lambda h: (len(bare(h)), -len(h)))
    if social and (not head or bare(social) in full):
        return _without_site(social)
    if head:
        longer = _same_begin(head, headings)
        return longer or _without_site(head)
    return headings[0] if headings else next((b.text for b in blocks if b.heading), "") or _bold(root)


def _bold(root: HtmlElement) -> str:
    """The first line set in bold that could be a title: pages of printed papers have no better one."""
    found = (words(e) for e in root.iter("strong", "b"))
    return next((text for text in found if 4 <= len(bare(text)) <= 80 and not text.endswith(("。", "：", ":"))), "")


def _headings(root: HtmlElement) -> Iterator[str]:
    for element in root.iter("h1", "h2", "h3", "div", "p", "span", "td", "strong", "font"):
        if element.tag in ("h1", "h2", "h3") or (len(element) < 4 and _TITLE_NAME.search(mark(element))):
            yield words(element)


def _same_begin(head: str, headings: list[str]) -> str | None:
    """A heading whose beginning is the (cut) title: sites shorten `<title>`."""
    start = bare(_without_site(head)).rstrip("…")[:12]
    return next((h for h in headings if len(start) >= 8 and bare(h).startswith(start)), None)


def _without_site(text: str) -> str:
    pieces = [p for p in _SEPARATOR.split(text) if p]
    if len(pieces) < 2:
        return text
    last = text
    for piece in reversed(pieces[1:]):
        cut = last.rfind(piece)
        before = _SEPARATOR.split(last[:cut])
        rest = re.sub(r"(?:\s|_|\||｜|—|–|-|·|::|>|<<|«|»)+$", "", last[:cut])
        if not rest or not before or (len(piece) > 12 and not _SITE_WORDS.search(piece)) or len(rest) < 4:
            break
        last = rest
    return last


def canonical_url(root: HtmlElement, url: str) -> str:
    """Canonical link of the page if it stays on the site and names a page, else the page's own address; "" if none."""
    own = own_address(url)
    for link in root.iter("link"):
        if (link.get("rel") or "").lower() == "canonical" and link.get("href"):
            try:
                named = canonical(urljoin(url, str(link.get("href"))))
            except ValueError:
                continue
            if own and site(named) == site(own) and (not _is_home(named) or _is_home(own)):
                return named
    return own


def own_address(url: str) -> str:
    """The page's own address in canonical form; "" where there is none that can be fetched."""
    try:
        return canonical(url) if url else ""
    except BadAddress:
        return ""


def _is_home(url: str) -> bool:
    return url.split("://", 1)[-1].partition("/")[2] in ("", "index.html", "index.htm", "index.php")


def pictures(element: HtmlElement, url: str) -> tuple[str, ...]:
    """Addresses of the pictures inside the text, at most 30; lazy-loading attributes before `src`."""
    found: dict[str, None] = {}
    for image in element.iter("img"):
        link = next((str(image.get(a)) for a in _PICTURE if image.get(a)), "")
        if not link or link.startswith("data:"):
            continue
        address = urljoin(url, link.strip())
        if address.startswith(("http://", "https://")):
            found.setdefault(address[:2000])
    return tuple(found)[:30]


def comments(blocks: list[Block]) -> int | None:
    """Number of comments as the page prints it in a short line; None where it does not."""
    for block in blocks:
        if len(block.text) < 40:
            found = _COUNT.search(block.text)
            if found:
                return int(found[1] or found[2])
    return None
