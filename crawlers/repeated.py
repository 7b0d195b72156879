"""Rows of a list page that no selector names: the group of repeated link blocks that is worth most.

Links with a title that could be one are grouped by the path to the block around them; dates make a group worth more,
a menu's name less. Of the group that is chosen, blocks that differ from the rest and carry no time (advertisements,
the path through the site) are left out, and their neighbours of the same kind whose title is very short are taken in.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from lxml.html import HtmlElement

from crawlers.markup import DROP, fold, hidden, mark, words
from crawlers.rowdates import has_date, only_date
from crawlers.urls import join, site

_HAN = re.compile(r"[\u4e00-\u9fff]")
_CONTROL = re.compile(
    r"^\W*(更多|首页|上一页|下一页|尾页|末页|登录|注册|返回.*|联系我们|关于我们|网站地图|设为首页|加入收藏|more.*|\d+"
    r"|详细|详情|全文|查看|分享|评论|回复|阅读全文)\W*\d*\W*$",
    re.I,
)
_DETAIL = re.compile(r"^\W*(?:点击)?(?:查看|阅读)?(?:详情|详细|全文|原文|更多|内容)\W*$")
_BOLD = frozenset(("h2", "h3", "h4", "h5", "strong", "b", "dt"))
_MENU = re.compile(r"\bnav|menu|footer|friend|crumb|sidebar|share", re.I)
#: the page of a person beside what he wrote
_PERSON = re.compile(r"[?&]uid=|space-(?:uid|username)|/(?:u|user|users|member|profile|author)/|home\.php", re.I)
_BLOCKS = frozenset(("p", "div", "section", "ul", "li", "dl", "dt", "dd", "time", "h1", "h2", "h3", "h4", "h5"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5"))
_TITLE_NAME = re.compile(r"title|\btit|subject|headline|biaoti|\bbt\b", re.I)
_MOST_LINKS = 2000  #: links of a page that are looked at
_SAMPLE = 60  #: rows of a group that are looked at for their worth
#: names that rows bear in turn, or that the first and the last of them bear
_TURNS = re.compile(r"(?:tr|row|item|line|li|bg)?[-_]?(?:odd|even|alt|alternate|first|last|hover|on|cur|\d)", re.I)
_LIFT_FROM = 4  #: rows from which a common larger block is looked for
_LIFT_TO = 4  #: addresses that such a block may hold
_MOSTLY = 0.8  #: share of rows with a time from which a row without one has to explain itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A block of the page, the link in it, its absolute address, and the element that holds the title."""

    row: HtmlElement
    link: HtmlElement
    title: HtmlElement
    url: str


@dataclass(slots=True, kw_only=True)
class _Links:
    links: list[HtmlElement]
    under: dict[HtmlElement, set[str]]  #: distinct addresses of good links below each element


def title_text(link: HtmlElement, title: HtmlElement) -> str:
    """The title as shown, or as the link's attribute gives it in full where what is shown is cut."""
    shown, full = words(title), fold(link.get("title") or "")
    return full if shown.endswith(("…", "...")) or len(full) > len(shown) > 0 or not shown else shown


def headline(link: HtmlElement) -> HtmlElement:
    """The element of a link that holds its title: the link itself, but where a whole card is one link, a part."""
    inner = [e for e in link.iter() if e is not link and isinstance(e.tag, str) and words(e)]
    if not inner:
        return link
    named = next((e for e in inner if e.tag in _HEADINGS or _TITLE_NAME.search(mark(e))), None)
    if named is not None:
        return named
    if not any(e.tag in _BLOCKS for e in inner) and not any(only_date(words(e)) for e in inner):
        return link
    leaves = (e for e in inner if not any(child.tag in _BLOCKS for child in e) and not only_date(words(e)))
    return next((e for e in leaves if good_title(words(e))), link)


def good_title(title: str) -> bool:
    """Whether a text is long enough to be a title and no control of the page."""
    return (
        5 <= len(title) <= 200
        and not _CONTROL.match(title)
        and (len(_HAN.findall(title)) >= 4 or len(title.split()) >= 3)
    )


def repeated(root: HtmlElement, url: str, now: datetime) -> list[Found]:
    """Rows in page order; empty where no group of links is worth anything."""
    counts = _link_counts(root)
    groups = [_lifted(group, counts) for group in _grouped(counts, url).values()]
    groups += [
        [replace(f, title=title) for f in group if (title := _headline_beside(f.row)) is not None]
        for group in (_lifted(g, counts) for g in _grouped(_detail_counts(root), url).values())
        if not any(counts.under.get(f.row) for f in group)
    ]
    best = max(groups, key=lambda g: worth(g, now), default=[])
    if len(best) < 2 and worth(best, now) <= 0:
        return []
    return _with_neighbours(_without_strangers(best, url, now), url, now)


def _grouped(counts: _Links, url: str) -> dict[str, list[Found]]:
    groups: dict[str, list[Found]] = {}
    for link in counts.links:
        address = join(url, link.get("href") or "")
        if address and address != url:
            row = _row_of(link, counts)
            found = Found(row=row, link=link, title=headline(link), url=address)
            groups.setdefault(_path(row), []).append(found)
    return groups


def _lifted(group: list[Found], counts: _Links) -> list[Found]:
    """The same links with larger blocks around them, as long as no two share one: what stands beside the name of the
    writer belongs to the title, too."""
    unique = list({f.row: f for f in group}.values())
    if len(unique) < _LIFT_FROM:
        return group
    while True:
        above = [f.row.getparent() for f in unique]
        if None in above or len(set(above)) < len(above) or any(len(counts.under.get(e, ())) > _LIFT_TO for e in above):
            return unique
        unique = [replace(f, row=e) for f, e in zip(unique, above, strict=True)]


def worth(group: list[Found], now: datetime) -> float:
    """How much a group of rows looks like the list that the page is for."""
    if not group:
        return 0.0
    size = len(group)
    length = sum(len(words(f.title)) for f in group) / size
    dated = sum(has_date(f.row, f.title, now) for f in group[:_SAMPLE]) / min(size, _SAMPLE)
    menu = any(_MENU.search(mark(e)) for e in _above(group[0].row, 6))
    return min(size, _SAMPLE) * min(length, 30) * (1 + 4 * dated) * (0.1 if menu else 1)


def _link_counts(root: HtmlElement) -> _Links:
    linked = (a for a in root.iter("a") if a.get("href") and not _PERSON.search(a.get("href")))
    good = list(islice((a for a in linked if good_title(title_text(a, a)) and not _hidden_above(a)), _MOST_LINKS))
    often = Counter((a.get("href"), words(a)) for a in good)
    return _counted([a for a in good if often[(a.get("href"), words(a))] <= 3])  # not a category beside each row


def _detail_counts(root: HtmlElement) -> _Links:
    """Links that say no more than "details", for rows whose title is no link."""
    details = (a for a in root.iter("a") if a.get("href") and _DETAIL.match(words(a)[:20]) and not _hidden_above(a))
    return _counted(list(islice(details, _MOST_LINKS)))


def _counted(links: list[HtmlElement]) -> _Links:
    found = _Links(links=links, under={})
    for link in links:
        element: HtmlElement | None = link
        while element is not None:
            found.under.setdefault(element, set()).add(str(link.get("href")))
            element = element.getparent()
    return found


def _headline_beside(row: HtmlElement) -> HtmlElement | None:
    texts = [e for e in row.iter("h2", "h3", "h4", "h5", "strong", "b", "dt", "p", "div", "span", "td") if words(e)]
    named = [e for e in texts if e.tag in _BOLD or _TITLE_NAME.search(mark(e))]
    return next((e for e in named if good_title(words(e))), None)


def _hidden_above(link: HtmlElement) -> bool:
    element: HtmlElement | None = link
    while element is not None:
        if element.tag in DROP or hidden(element):
            return True
        element = element.getparent()
    return False


def _row_of(link: HtmlElement, counts: _Links) -> HtmlElement:
    row = link
    above = link.getparent()
    while above is not None and len(counts.under.get(above, ())) == 1:
        row, above = above, above.getparent()
    return row


def _path(row: HtmlElement) -> str:
    """Tags and first classes up to the root; a row's own class counts only where it is a menu's."""
    steps: list[str] = ["menu" if _MENU.search(mark(row)) else ""]
    if row.tag == "td" and _has_headings(row):  # another column is another list
        steps.append(str(sum(1 for _ in row.itersiblings("td", preceding=True))))
    element: HtmlElement | None = row
    while element is not None and len(steps) < 14:
        name = "" if element is row else (element.get("class") or "").split(" ")[0]
        steps.append(f"{element.tag}.{'' if _TURNS.fullmatch(name) else name}")
        element = element.getparent()
    return "/".join(steps)


def _has_headings(cell: HtmlElement) -> bool:
    table = next(cell.iterancestors("table"), None)
    line = next(table.iter("tr"), None) if table is not None else None
    return line is not None and 3 <= len(line) <= 30 and line.find(".//a") is None


def _above(element: HtmlElement, steps: int) -> Iterator[HtmlElement]:
    current: HtmlElement | None = element
    for _ in range(steps):
        if current is None:
            return
        yield current
        current = current.getparent()


def _without_strangers(group: list[Found], url: str, now: datetime) -> list[Found]:
    """Without blocks that have no time where nearly all have one, and lead off the site or are named otherwise."""
    dated = {id(f) for f in group if has_date(f.row, f.title, now)}
    if len(dated) < _MOSTLY * len(group):
        return group
    names = {mark(f.row) for f in group if id(f) in dated}
    home = site(url)
    return [f for f in group if id(f) in dated or (site(f.url) == home and mark(f.row) in names)]


def _with_neighbours(group: list[Found], url: str, now: datetime) -> list[Found]:
    """With the rows between them whose title is too short, or which hold a second good link."""
    known = {f.row: f for f in group}
    used = {f.url for f in group}
    tags = {f.row.tag for f in group}
    if len(group) < 3 or tags == {"a"} or not any(has_date(f.row, f.title, now) for f in group):
        return group
    found: list[Found] = []
    for parent in dict.fromkeys(p for f in group if (p := f.row.getparent()) is not None):
        for row in islice(parent, 2 * _MOST_LINKS):
            own = known.get(row) or (_neighbour(row, url, now) if row.tag in tags else None)
            if own is not None and (row in known or own.url not in used):
                found.append(own)
    return found


def _neighbour(row: HtmlElement, url: str, now: datetime) -> Found | None:
    if hidden(row) or row.find("th") is not None:
        return None
    links = [a for a in row.iter("a") if a.get("href") and not _CONTROL.match(words(a)) and len(words(a)) >= 2]
    links = [a for a in links if not _PERSON.search(a.get("href"))]
    link = max(links, key=lambda a: _weight(title_text(a, headline(a))), default=None)
    address = join(url, link.get("href") or "") if link is not None else None
    if link is None or not address or address == url or site(address) != site(url):
        return None
    own = Found(row=row, link=link, title=headline(link), url=address)
    return own if has_date(row, own.title, now) else None


def _weight(title: str) -> tuple[int, int]:
    return len(_HAN.findall(title)), len(title)
