"""The main text of a Chinese page, by the density of its sentence marks.

A page is cut into blocks (text between block-level tags). A block is worth its characters, but no more than its
sentence marks vouch for: navigation and hidden keyword spam have many characters and no punctuation. The text is
where worth gathers; from there we climb while the parent adds good text and few links (bodies are split over sibling
elements), and read downwards until an end marker.
"""

import re
from dataclasses import dataclass, field

from lxml import etree
from lxml.html import HtmlElement

from crawlers.blocks import LEGAL, MARKS, STRONG, Block
from crawlers.markup import DROP, fold, hidden, mark, words
from crawlers.paragraphs import lines

_BLOCK = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "main",
        "aside",
        "header",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
        "tbody",
        "thead",
        "tr",
        "td",
        "th",
        "blockquote",
        "pre",
        "center",
        "figure",
        "figcaption",
        "br",
        "hr",
        "html",
        "body",
        "fieldset",
        "address",
        "details",
        "summary",
    ]
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4"))
#: names of boxes that may hold good sentences and still are never the text
_NEVER = re.compile(r"comment|pinglun|disqus|reply-?list|huifu|guestbook|mianze|disclaimer", re.I)
#: names that most often are not the text, unless it has sentences and few links
_AWAY = re.compile(
    r"related|recommend|hot-?(news|list|rank)|relate|tuijian|guess|side-?bar|sidebar|breadcrumb"
    r"|crumb|copyright|footer|foot-|foot\b|toolbar|share|bshare|qrcode|erweima|app-?down|download|statement"
    r"|declare|advert|\bad[-_s]?\b|ad_|gg_|bottom|page-?nav|pagination|login|popup|modal|dialog|\bnav|menu|reply-list"
    r"|author-?(info|card)|edit(or)?-?info|more-?news|tags?-?(list|box)|keyword|post_next|prev|xgxw|xiangguan|rank",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Numbers of the method; `benchmarks/crawlers_extract.py` chooses them on other sites than it measures on."""

    per_mark: float = 18.0  #: characters that one sentence mark vouches for
    link_share: float = 0.35  #: a block with more of its characters in links is worth nothing
    climb_gain: float = 0.12  #: climb while the parent adds this share of worth
    climb_links: float = 0.18  #: and has at most this share of its characters in links
    fade: float = 0.5  #: share of a block's worth that counts for the grandparent
    keep_share: float = 0.25  #: a block of a suspicious name stays if its link share is below this


USUAL = Weights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Main text, the element it was found in, and how sure the method is (0..1)."""

    text: str
    element: HtmlElement
    confidence: float


@dataclass(slots=True)
class _Cutter:
    """What is known while a tree is walked once."""

    homes: list[HtmlElement] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    links: int = 0
    in_link: int = 0
    away: int = 0

    def close(self) -> None:
        text = fold("".join(self.parts))
        if text and self.homes:
            home = self.homes[-1]
            heading = home.tag in _HEADINGS
            self.blocks.append(
                Block(home=home, text=text, links=min(self.links, len(text)), heading=heading, away=self.away > 0)
            )
        self.parts.clear()
        self.links = 0

    def add(self, text: str | None) -> None:
        if text:
            self.parts.append(text)
            if self.in_link:
                self.links += len(text.strip())


def cut(root: HtmlElement, weights: Weights = USUAL) -> list[Block]:
    """Blocks of a tree in reading order, each with its worth. Iterative: the markup's depth is the page's choice."""
    cutter = _Cutter()
    away: set[HtmlElement] = set()
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        tag = element.tag
        if event == "start":
            if element is not root and (tag in DROP or hidden(element)):
                walker.skip_subtree()
                continue
            if tag in _BLOCK:
                cutter.close()
                cutter.homes.append(element)
                if element is not root and not cutter.away and _suspicious(element, weights):
                    away.add(element)
                    cutter.away += 1
            cutter.in_link += tag == "a"
            cutter.add(element.text)
            continue
        _leave(cutter, element, away)
        if element is not root:
            cutter.add(element.tail)
    for block in cutter.blocks:
        block.worth = _worth(block, weights)
    return cutter.blocks


def _leave(cutter: _Cutter, element: HtmlElement, away: set[HtmlElement]) -> None:
    tag = element.tag
    if cutter.homes and cutter.homes[-1] is element:
        cutter.close()
        cutter.homes.pop()
        if element in away:
            cutter.away -= 1
        return
    cutter.in_link -= tag == "a" and cutter.in_link > 0


def _suspicious(element: HtmlElement, weights: Weights) -> bool:
    """Whether names say that this is not the text; a weak name is overruled by good sentences in it."""
    name = mark(element)
    if len(name) < 3:
        return False
    if _NEVER.search(name):
        return True
    if not _AWAY.search(name):
        return False
    text = words(element)
    linked = sum(len(words(a)) for a in element.iter("a"))
    return len(STRONG.findall(text)) < 4 or linked > weights.keep_share * len(text)


def _worth(block: Block, weights: Weights) -> float:
    size = len(block.text)
    if block.away or block.heading or block.links > weights.link_share * size or LEGAL.search(block.text):
        return 0.0
    return min(size - block.links, weights.per_mark * len(MARKS.findall(block.text)))


def main_text(blocks: list[Block], *, title: str = "", weights: Weights = USUAL) -> Body | None:
    """The main text among the blocks of a page (from `cut`); None where no block is worth anything. O(elements)."""
    start = _densest(blocks, weights)
    if start is None:
        return None
    sums = _sums(blocks)
    element = _climb(start, sums, weights)
    inside = [b for b in blocks if _under(b.home, element)]
    text = "\n".join(lines(inside, title))
    whole = sum(b.worth for b in blocks)
    caught = sums[element][0]
    return Body(text=text, element=element, confidence=_confidence(caught, whole, text))


def _confidence(caught: float, whole: float, text: str) -> float:
    share = caught / whole if whole else 0.0
    return round(min(1.0, share * 1.1) * (0.5 + 0.5 * min(1.0, len(text) / 120)), 3)


def _densest(blocks: list[Block], weights: Weights) -> HtmlElement | None:
    scores: dict[HtmlElement, float] = {}
    for block in blocks:
        if not block.worth:
            continue
        element: HtmlElement | None = block.home
        for share in (1.0, 0.95, weights.fade):
            if element is None:
                break
            scores[element] = scores.get(element, 0.0) + share * block.worth
            element = element.getparent()
    return max(scores, key=lambda e: scores[e]) if scores else None


def _sums(blocks: list[Block]) -> dict[HtmlElement, tuple[float, int, int]]:
    """(worth, characters, characters in links) of every element that has text."""
    sums: dict[HtmlElement, tuple[float, int, int]] = {}
    for block in blocks:
        if block.away:
            continue
        element: HtmlElement | None = block.home
        while element is not None:
            worth, size, links = sums.get(element, (0.0, 0, 0))
            sums[element] = (worth + block.worth, size + len(block.text), links + block.links)
            element = element.getparent()
    return sums


def _climb(element: HtmlElement, sums: dict[HtmlElement, tuple[float, int, int]], weights: Weights) -> HtmlElement:
    best = element
    above = element.getparent()
    for _ in range(8):
        if above is None or above.tag in ("html",):
            break
        worth, size, links = sums[above]
        if worth > sums[best][0] * (1 + weights.climb_gain) and links <= weights.climb_links * size:
            best = above
        above = above.getparent()
    return best


def _under(element: HtmlElement | None, ancestor: HtmlElement) -> bool:
    while element is not None:
        if element is ancestor:
            return True
        element = element.getparent()
    return False
