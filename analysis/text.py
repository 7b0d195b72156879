"""Text as it comes in: made harmless, Weibo markup understood, sentences.

sound → simplified → tokens          hashtags, own_words: what a Weibo post says itself; its signs: `analysis.emoticons`
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from opencc import OpenCC

from analysis.characters import traditional

LIMIT = 200_000  #: characters of one text that the analysis reads; more is kept, but not understood

_UNSOUND = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HASHTAG = re.compile(r"#([^#\s][^#\n]{0,38}[^#\s]|[^#\s])#")
_REPOST = re.compile(r"//\s*@[^:：@/\s]{0,40}\s?[:：]")  #: also of a text whose names are gone already
_MENTION = re.compile(r"@[\w\-·]{1,30}")
#: addresses, and what a platform writes into a post by itself
_LINK = re.compile(
    r"https?://[\x21-\x7e]+|网页链接|查看图片|收起全文d?|展开全文c?|\.\.\.全文|…全文|轻转发微博|转发微博"
)
_VIDEO = re.compile(r"的(?:微博|秒拍)视频(?=\s|$)")
_WHOSE = re.compile(r"(?<!\S)[\w·-]{1,20}$")
_SENTENCE = re.compile(r"[^。！？!?；;\n…]+[。！？!?；;\n…]*[”’」』）)]*")


def sound(text: str, limit: int | None = None) -> str:
    """Without control characters and lone surrogates, which no store takes; cut to `limit` characters if given."""
    text = text if limit is None else text[:limit]
    return _UNSOUND.sub("", text) if _UNSOUND.search(text) else text


def sound_many(texts: Sequence[str]) -> Sequence[str]:
    """`sound` for many texts at one glance: nearly always all of them are."""
    return [sound(t) for t in texts] if _UNSOUND.search("".join(texts)) else texts


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


@cache
def _traditional() -> re.Pattern[str]:
    return re.compile("[" + "".join(traditional()) + "]")


def simplified(text: str) -> str:
    """繁→简 by phrases, for analysis only; what is shown stays as it was written."""
    return _converter().convert(text) if _traditional().search(text) else text


def normal(text: str) -> str:
    """NFKC, lower case, simplified: the form in which words are cut."""
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return simplified(text.lower())


def hashtags(text: str) -> tuple[str, ...]:
    """Weibo topics, `#…#`, each once and in order."""
    if "#" not in text:
        return ()
    return tuple(dict.fromkeys(map(str.strip, _HASHTAG.findall(text))))


def own_words(text: str) -> str:
    """What the poster wrote: of `comment //@b: earlier //@a: original` the comment, or all where it is empty.

    A formula such as 转发微博 is a comment; `plain` takes it away.
    """
    if "//" not in text:
        return text
    comment = _REPOST.split(text, maxsplit=1)[0].strip()
    return comment or text


def plain(text: str) -> str:
    """Links and a platform's formulas gone, mentions as a bare @: they say nothing about the matter."""
    if "http" in text or "网页链接" in text or "全文" in text or "查看图片" in text or "转发微博" in text:
        text = _LINK.sub("", text)
    if "微博视频" in text or "秒拍视频" in text:
        text = _without_videos(text)
    return _MENTION.sub("@", text) if "@" in text else text


def _without_videos(text: str) -> str:
    """Without "someone's video" where that stands by itself."""
    for found in reversed(list(_VIDEO.finditer(text))):
        if whose := _WHOSE.search(text, max(0, found.start() - 21), found.start()):
            text = text[: whose.start()] + text[found.end() :]
    return text


def sentences(text: str) -> list[str]:
    """Sentences with their end marks; blank ones are left out."""
    return [s for s in (m.strip() for m in _SENTENCE.findall(text)) if s]
