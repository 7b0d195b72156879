"""One page in, one article out: pure, no network, no clock.

The order of trust: the site's own rules (`Selectors`), the one element of a known platform, the density method for
Chinese, trafilatura for other languages. readability-lxml is asked where the density method is not sure of itself
(it costs four times as much as everything else together), and the answer says whether the two agree.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lxml.html import HtmlElement

from crawlers import heading, markup, opinion, wechat
from crawlers.blocks import Block
from crawlers.charset import GARBLED, Decoded, decode
from crawlers.dates import parse_stamp
from crawlers.density import USUAL, Body, Weights, cut, main_text
from crawlers.paragraphs import lines
from crawlers.printed import Printed, printed
from storage.types import Selectors

#: raised with every change that makes old pages worth re-reading
RULES = "5"
#: confidence of the density method below which the second reader is asked
DOUBT = 0.75
_SHORT = 80
_FAR = datetime(9000, 1, 1, tzinfo=UTC)
#: elements that hold the whole text on platforms whose markup misleads every general method
_KNOWN = {"js_content": "wechat", "UCAP-CONTENT": "ucap", "zoom": "zoom"}
_KNOWN_PLACE = f"//*[{' or '.join(f'@id={name!r}' for name in _KNOWN)}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What one page says. Empty strings and None where it does not say it: nothing is guessed."""

    title: str = ""
    text: str = ""  #: paragraphs, one per line
    published_at: datetime | None = None  #: aware, Asia/Shanghai
    exact: bool = False  #: hour and minute were printed
    source: str = ""  #: 来源
    author: str = ""
    url: str = ""  #: canonical if that stays on the site, without tracking parameters
    pictures: tuple[str, ...] = ()
    comments: int | None = None
    extractor: str = "none"  #: "rule" "wechat" "density" "trafilatura" "none", with the version of the rules
    confidence: float = 0.0  #: 0..1
    agreement: bool | None = None  #: whether a second reader agrees; None where it was not asked
    language: str = ""  #: "zh" "other" ""
    garbled: bool = False  #: characters of the page could not be read


def extract(
    body: bytes | str,
    *,
    url: str = "",
    content_type: str = "",
    selectors: Selectors | None = None,
    now: datetime | None = None,
    second: bool | None = None,
    weights: Weights = USUAL,
) -> Article:
    """Article of a page. `now` bounds and completes dates (without it none is refused, relative ones are not read).

    `second`: ask the second reader always (True), never (False), or where in doubt (None). A page that cannot be
    parsed gives an Article with `extractor` "none"; raises ValueError only for a selector that is no selector.
    """
    decoded = Decoded(text=body, charset="str") if isinstance(body, str) else decode(body, content_type=content_type)
    try:
        root = markup.tree(decoded.text)
    except markup.UnreadablePage:
        return Article(url=heading.own_address(url), garbled=decoded.garbled > GARBLED)
    article = _read(root, decoded.text, url, now or _FAR, second, weights)
    article = replace(article, garbled=decoded.garbled > GARBLED)
    if article.published_at and now is None and article.published_at > _FAR - timedelta(days=36500):
        article = replace(article, published_at=None, exact=False)
    return _by_rule(root, article, selectors, url, now or _FAR) if selectors else article


def _read(root: HtmlElement, text: str, url: str, now: datetime, second: bool | None, weights: Weights) -> Article:
    metas = heading.meta(root)
    blocks = cut(root, weights)
    title = heading.title(root, metas, blocks)
    found, extractor = _body(root, blocks, title, weights)
    language = opinion.language(found.text if found else title)
    if language == "other":
        foreign = opinion.foreign(text, url)
        if foreign:
            confidence = min(0.9, len(foreign) / 400)
            found, extractor = Body(text=foreign, element=root, confidence=confidence), "trafilatura"
    main = found.text if found else ""
    said = printed(root, metas, blocks, title=title, text=main, url=url, now=now)
    if extractor == "wechat":
        said = wechat.with_script(said, root, now)
    article = Article(
        title=title[:300],
        text=main,
        url=heading.canonical_url(root, url),
        pictures=heading.pictures(found.element, url) if found else (),
        comments=heading.comments(blocks),
        extractor=f"{extractor}/{RULES}" if found else "none",
        confidence=found.confidence if found else 0.0,
        language=language,
    )
    return _with_opinion(_with_printed(article, said), root, second)


def _with_printed(article: Article, said: Printed) -> Article:
    return replace(article, published_at=said.at, exact=said.exact, source=said.origin[:60], author=said.author[:30])


def _body(root: HtmlElement, blocks: list[Block], title: str, weights: Weights) -> tuple[Body | None, str]:
    for element in root.xpath(_KNOWN_PLACE):
        element.set("style", "")  # raw WeChat pages carry visibility:hidden until their script ran
        text = "\n".join(lines(cut(element), title))
        if len(text) > 20:
            return Body(text=text, element=element, confidence=0.98), _KNOWN[element.get("id")]
    return main_text(blocks, title=title, weights=weights), "density"


def _with_opinion(article: Article, root: HtmlElement, second: bool | None) -> Article:
    doubtful = article.extractor.startswith("density") and (article.confidence < DOUBT or len(article.text) < _SHORT)
    if second is False or article.language == "other" or not (second or doubtful):
        return article
    agree = opinion.similarity(article.text, opinion.readability(root)) >= opinion.AGREEMENT
    confidence = article.confidence if agree else article.confidence * 0.7
    return replace(article, agreement=agree and len(article.text) >= 20, confidence=round(confidence, 3))


def _by_rule(root: HtmlElement, article: Article, rules: Selectors, url: str, now: datetime) -> Article:
    """What the site's own rules find goes before everything else; a rule that finds nothing changes nothing."""
    if rules.article_text:
        found = markup.select(root, rules.article_text)
        elements = [e for e in found if isinstance(e, HtmlElement)]
        text = "\n".join(line for e in elements for line in lines(cut(e), article.title)) or "\n".join(
            markup.value(e) for e in found
        )
        if text.strip():
            shown = tuple(p for e in elements for p in heading.pictures(e, url)) or article.pictures
            article = replace(
                article, text=text, extractor=f"rule/{RULES}", confidence=1.0, agreement=None, pictures=shown[:30]
            )
    title = _first(root, rules.article_title)
    origin = _first(root, rules.article_source)
    stamp = parse_stamp(_first(root, rules.article_date), now)
    if stamp:
        article = replace(article, published_at=stamp.at, exact=stamp.exact)
    return replace(article, title=title or article.title, source=_bare_origin(origin) or article.source)


def _bare_origin(text: str) -> str:
    return text.removeprefix("来源").strip(" :：")


def _first(root: HtmlElement, rule: str | None) -> str:
    found = markup.select(root, rule) if rule else []
    return markup.value(found[0]) if found else ""
