"""What of a document tells its matter from others: words as hashed features, a title's words counting double."""

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from heapq import heappop, heappush
from math import exp

import rjieba

from analysis.events_objects import objects
from analysis.words import background
from storage.types import Assessment, Document, Kind, Place, StoredDocument

BITS = 22
_MASK = (1 << BITS) - 1
_TEXT = 1500  #: characters of a text that are read
_PAIRS = 400  #: pairs of a document that are counted
_TITLE_WEIGHT, _TEXT_WEIGHT = 2.0, 1.0
#: matters on message boards and hotlines live for months, those of social media for days
SLOW_KINDS: frozenset[Kind] = frozenset({"message", "hotline"})
_NAMED = 300  #: characters of a text in which names are looked for
_WORD = re.compile(r"\w")
_WORDS_AT_HAND = 1 << 15  #: words whose features are remembered, some 400 bytes each
#: the full-width marks of Chinese print with what NFKC makes of them
_MARKS = tuple((mark, unicodedata.normalize("NFKC", mark)) for mark in "，！？：；（）…")
_AREAS = frozenset(["city", "town", "village", "road", "river"])
_SUFFIX = re.compile(r"(?<=..)(?:街道|[省市区县镇乡村])\Z")
_STOP = frozenset(
    [
        "我们",
        "你们",
        "他们",
        "她们",
        "它们",
        "没有",
        "什么",
        "这个",
        "那个",
        "一个",
        "一些",
        "希望",
        "现在",
        "可以",
        "就是",
        "因为",
        "所以",
        "但是",
        "如果",
        "问题",
        "领导",
        "尊敬",
        "您好",
        "你好",
        "有关",
        "部门",
        "相关",
        "政府",
        "解决",
        "谢谢",
        "请问",
        "为什么",
        "怎么",
        "还是",
        "已经",
        "自己",
        "进行",
        "不是",
        "目前",
        "多次",
        "市民",
        "居民",
        "反映",
        "投诉",
        "咨询",
        "建议",
        "严重",
        "影响",
        "以及",
        "而且",
        "这样",
        "这些",
        "那么",
    ]
)


@dataclass(frozen=True, slots=True)
class Read:
    """A document as the grouping sees it."""

    id: str
    at: datetime  #: published, but never later than it came in: a date in 2099 is a slip
    seen_at: datetime
    kind: Kind
    words: dict[int, tuple[float, str]]  #: feature → (weight, the word as it stands)
    pairs: dict[int, str]  #: feature of two words that stand together, a name perhaps → the two
    where: frozenset[int]  #: those of its words that only say where
    objects: frozenset[str]  #: what it is about by name: kind and the two characters before it ("学校 月华")
    places: frozenset[str]  #: ids of the places it names, the surest three
    topics: frozenset[str]
    thread: str | None
    reply_to: str | None
    signature: bytes
    text: str  #: masked title and text

    @property
    def order(self) -> tuple[datetime, datetime, bool, str]:
        """Documents of one batch are taken in this order, however they arrived; an opener before its floors."""
        return (self.seen_at, self.at, self.thread is not None or self.reply_to is not None, self.id)


def read(document: Document, assessment: Assessment, areas: frozenset[int] = frozenset()) -> Read:
    """From the masked text where there is one, so that a restart reads exactly what was read before.

    areas: features of the words that name towns, villages and roads.
    """
    title = assessment.masked_title or document.title
    text = assessment.masked_text or document.text
    places = sorted(assessment.places, key=lambda p: (-p.confidence, p.id))[:3]
    words, pairs = features(cut_words(title), cut_words(text[:_TEXT]))
    return Read(
        id=document.id,
        at=min(document.at, document.fetched_at),
        seen_at=document.fetched_at,
        kind=document.kind,
        words=words,
        pairs=pairs,
        where=areas.intersection(words),
        objects=objects(_readable(f"{title} {text[:_NAMED]}"), [p.name for p in places]),
        places=frozenset(p.id for p in places if p.ours),
        topics=frozenset(t.id for t in assessment.topics if t.incident),
        thread=document.thread if document.thread != document.id else None,
        reply_to=document.reply_to,
        signature=assessment.signature,
        text=f"{title}\n{text}",
    )


def read_row(row: StoredDocument, areas: frozenset[int] = frozenset()) -> Read:
    """The same from the store."""
    return read(row.document, row.assessment, areas)


def area_words(places: Iterable[Place]) -> frozenset[int]:
    """Features of the words that say where and not what: names of towns, villages and roads, whole and as they are cut.

    A school, a market or a firm is what a matter is about, so its name is left out.
    """
    found: set[int] = set()
    for place in places:
        for name in (place.name, *place.aliases) if place.type in _AREAS else ():
            short = _SUFFIX.sub("", name)
            cut = [word for _, word, *_ in cut_words(name)]
            found.update(_feature(word) for word in (name, short, *cut) if len(word) > 1)
    return frozenset(found)


def by_arrival(rows: Iterable[StoredDocument], *, at_hand: int = 20_000) -> Iterator[StoredDocument]:
    """Rows that come by their printed time, in the order in which they came in; never more than `at_hand` in memory.

    One that came in later than this many newer ones keeps its place by its printed time.
    """
    waiting: list[tuple[tuple[datetime, datetime, bool, str], StoredDocument]] = []
    for row in rows:
        d = row.document
        floor = (d.thread is not None and d.thread != d.id) or d.reply_to is not None
        heappush(waiting, ((d.fetched_at, min(d.at, d.fetched_at), floor, d.id), row))
        if len(waiting) > at_hand:
            yield heappop(waiting)[1]
    while waiting:
        yield heappop(waiting)[1]


#: feature of a word, -1 of a filler and of one character by itself, which count in pairs only; the word; in UTF-8; CRC
#: of it and a blank, to which the next word is added; 1 for one character by itself, 2 for a filler
Word = tuple[int, str, bytes, int, int]


class _Words(dict[str, Word | None]):
    """What is asked of a word again and again; None for marks and blanks. Empties itself when it is full."""

    def __missing__(self, word: str) -> Word | None:
        if len(self) >= _WORDS_AT_HAND:
            self.clear()
        found = None
        if _WORD.match(word):
            weak = 1 if len(word) == 1 else 2 if word in _STOP else 0
            found = (-1 if weak else _feature(word), word, word.encode(), zlib.crc32(f"{word} ".encode()), weak)
        self[word] = found
        return found


_words = _Words()


def cut_words(text: str) -> list[Word]:
    """Words in order, NFKC and lower case, without marks and blanks."""
    return list(filter(None, map(_words.__getitem__, rjieba.cut(_readable(text)))))


def features(title: list[Word], text: list[Word]) -> tuple[dict[int, tuple[float, str]], dict[int, str]]:
    """Feature → (weight, word), of words of two characters or more and no filler, a title's weighing double; and
    feature → words that stand together: what the cutter tears apart in a name (魅力 之 城) is whole again there."""
    words: dict[int, tuple[float, str]] = {}
    pairs: dict[int, str] = {}
    crc32, room = zlib.crc32, _PAIRS
    for part, weight in ((title, _TITLE_WEIGHT), (text, _TEXT_WEIGHT)):
        left, leads, before = "", 0, -1
        for feature, right, code, next_leads, weak in part:
            if feature >= 0 and feature not in words:
                words[feature] = (weight, right)
            if room and before >= 0 and not (weak and weak == before):
                pair = crc32(code, leads) & _MASK
                if pair not in pairs:
                    pairs[pair] = left + right
                    room -= 1
            left, leads, before = right, next_leads, weak
    return words, pairs


@cache
def usual() -> Mapping[int, float]:
    """Feature → share of the documents of the project's background that hold the word."""
    return {_feature(word): exp(-weight) for word, weight in background()[0].items()}


def _feature(word: str) -> int:
    return zlib.crc32(word.encode()) & _MASK


def _readable(text: str) -> str:
    """NFKC and lower case; a lone surrogate becomes a question mark, the cutter refuses it."""
    for mark, plain in _MARKS:  # nearly all that NFKC would change: the rest it leaves alone at a glance
        text = text.replace(mark, plain)
    return unicodedata.normalize("NFKC", text).lower().encode("utf-8", "replace").decode("utf-8")
