"""What kind of text it is: question, request, complaint, report, suggestion, praise, official reply, advertisement.

    words of each kind, weighed ┐
    how it opens, how it asks   ├→ the kind that most speaks for, with the words that did
    clauses that sound negative ┘

A word counts where it is meant: 不是投诉, 咨询电话 and 建议路12号 neither complain, ask nor suggest.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, repeat

import numpy as np

from analysis import answers
from analysis.characters import Batch
from analysis.kinds_words import KIND_RULES
from analysis.lexicon import Finds, Lexicon
from storage.query import Node, Or, Word, parse
from storage.types import Flag, Kind, Sentiment

NAMES = {
    "question": "咨询",
    "request": "求助",
    "complaint": "投诉",
    "report": "举报",
    "suggestion": "建议",
    "praise": "表扬",
    "reply": "答复",
    "advertisement": "广告",
    "other": "其他",
}
_TITLE = 3.0  #: a word in the title counts as three
_LEAST = 0.6  #: what must speak for a kind
_OPENS = 2.0  #: for the kind with whose word a text opens: 来电人建议, 关于…的咨询
_ASKS = 1.0  #: for a question, where a question mark or particle ends the text
_NEGATIVE, _TALKS = 1.5, 0.9  #: for a complaint, where the clauses sound negative: to the city, and in talk
_SURE = 0.7  #: probability from which that counts in talk
_PROPOSED = 1.2  #: for a suggestion, where a text asks whether something could be changed
_MOCKING = 0.3  #: share of thanks that is meant, beside words of a complaint that sound negative
_SPEAKS = ("question", "request", "complaint", "report", "suggestion", "praise")
#: sources where citizens speak to the city; a news text or notice is of no such kind
_CITIZENS: frozenset[Kind] = frozenset(("message", "hotline", "forum", "social"))
_TALK: frozenset[Kind] = frozenset(("forum", "social"))  #: of these, where they speak to anybody

_ACTS = {
    "投诉": "complaint", "举报": "report", "检举": "report", "咨询": "question", "请问": "question", "请教": "question",
    "求问": "question", "求助": "request", "恳请": "request", "请求": "request", "建议": "suggestion",
    "想法": "suggestion", "表扬": "praise", "感谢": "praise",
}  # fmt: skip
_OPENING = re.compile(
    r"(?:来电人?|来访人|市民|网友|群众|居民|业主|本人|我们?|想|要|特此?|再次|实名|匿名|表示){0,4}"
    r"(投诉|举报|检举|咨询|请问|请教|求问|求助|恳请|请求|建议|表扬|感谢)"
)
_ABOUT = re.compile(
    r"关于.{2,40}?的[^的,。]{0,4}(投诉|举报|咨询|求助|建议|想法|表扬)(?=[:,。;!?]|$)|.{0,8}对.{2,40}表示(感谢|表扬)"
)
_ABOUT_WITHIN = 60  #: characters of a text without a title
_ASKING = ("?", "吗", "呢", "呀", "[疑问]")
_INTERROGATIVE = re.compile(r"[吗呢么哪谁几啥何]|怎|多少|多久|是否|是不是|能不能|会不会|有没有|可不可|要不要")
_CLAUSE = 4  #: characters of a clause that asks something
#: 能否在西门加一站: what asks so proposes
_PROPOSING = frozenset(("能否", "能不能", "可否", "可不可以", "是否可以", "是否", "希望"))
_CHANGE = re.compile(
    r"[^。?!,]{0,12}?(?:加一|加个|加装|增加|增设|设置|设立|装几|装个|改成|改为|换成|延长|开通|开设|画|划出)"
)
_NOT = re.compile(r"(?:不是|并非|绝非|非|不算|不想|无意|谈不上)(?:来|要|在|想要?|打算|为了?|说)?$")
_PLACE = re.compile(r"(?:在|住|到|从|位于|路过|途经)$")
#: word → what stands behind it where it is only part of a name or a courtesy
_NAME = {
    "建议": re.compile(r"(?:路|街|巷|村|小区|社区)(?:\d|[东南西北中]|附近|上|旁|与|和)"),
    "咨询": re.compile(r"电话|热线|公司|师|窗口|台|机构"),
    "举报": re.compile(r"电话|热线|箱|人|奖励"),
    "投诉": re.compile(r"电话|热线|人|渠道"),
    "希望": re.compile(r"小学|中学|工程|路|之"),
    "感谢": re.compile(r"[!。,]|$|领导|政府[!。,]|您|你的|在?百忙|支持|理解"),
    "求助": re.compile(r"电话|热线|无门"),
}
_WITHIN = re.compile(r"(?:路|街|巷|村|小区|社区)")

Spans = list[tuple[int, int]]
Hit = tuple[int, int, int, bool]  #: number of the rule, start, end, whether it must be looked at
_KIND_OF = np.unique([kind for kind, _, _ in KIND_RULES], return_inverse=True)[1]


class KindRules:
    """The rules above, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        pairs = [(lexicon.number(w), w, n) for n, (_, _, rule) in enumerate(KIND_RULES) for w in words_of(parse(rule))]
        #: rule of each word of the lexicon, -1 for others; and whether one must look at what stands around the word
        self._rule = np.full(max(number for number, _, _ in pairs) + 1, -1)
        self._doubtful = np.zeros(len(self._rule), np.bool_)
        for number, word, rule in pairs:
            self._rule[number], self._doubtful[number] = rule, word in _NAME or word in _PROPOSING
        self._answers = answers.Answers(lexicon)

    def replies(self, batch: Batch, sources: Sequence[Kind], finds: Finds | None = None) -> list[bool]:
        """Which texts are official replies, by their source or by their wording."""
        worded = self._answers.among(finds or self.lexicon.find(batch.folded), sources).tolist()
        return [source == "reply" or found for source, found in zip(sources, worded, strict=True)]

    def kinds(
        self,
        batch: Batch,
        titles: Sequence[int],
        sources: Sequence[Kind],
        sentiments: Sequence[Sentiment],
        finds: Finds | None = None,
    ) -> list[Flag]:
        """The `kind.*` flag of each text with its evidence.

        `titles`: folded lengths of the titles that begin them; `sources`: "reply" also for a reply by its wording.
        """
        hits = self._hits(finds or self.lexicon.find(batch.folded), titles)
        rows = zip(hits, titles, sources, sentiments, strict=True)
        return [self._kind(batch, i, *row) for i, row in enumerate(rows)]

    def _hits(self, finds: Finds, titles: Sequence[int]) -> list[Sequence[Hit]]:
        """The words of the rules in the head of each text, by kind and place, longer ones first."""
        rules = self._rule[np.minimum(finds.words, len(self._rule) - 1)]
        heads = np.asarray(titles, np.int64) + answers.HEAD
        near = (rules >= 0) & (finds.words < len(self._rule)) & (finds.ends <= heads[finds.texts])
        here = np.flatnonzero(near)
        here = here[np.lexsort((-finds.ends[here], finds.starts[here], _KIND_OF[rules[here]], finds.texts[here]))]
        columns = (rules[here], finds.starts[here], finds.ends[here], self._doubtful[finds.words[here]])
        hits = list(zip(*(column.tolist() for column in columns), strict=True))
        bounds = np.searchsorted(finds.texts[here], np.arange(len(titles) + 1)).tolist()
        return [hits[a:b] for a, b in pairwise(bounds)]

    def _kind(self, batch: Batch, i: int, hits: Sequence[Hit], title: int, source: Kind, sentiment: Sentiment) -> Flag:
        head = batch.folded[i][: title + answers.HEAD]
        asked = _asked(head, source) if source in _CITIZENS else None
        if not hits and not asked and source != "reply" and sentiment.label != "negative":
            return _OTHER
        spans, scores = _said(head, hits, title)
        if source == "reply" and "reply" not in spans:
            return _BY_SOURCE
        chosen = _by_words(scores, source)
        if not chosen:
            if asked:
                spans.setdefault("question", []).append(asked)
                scores["question"] = scores.get("question", 0.0) + _ASKS
            if any(head[start:end] in _ACTS for _, start, end, _ in hits) and (opened := _opens(head, title)):
                scores[opened] = scores.get(opened, 0.0) + _OPENS
            if _sounds_negative(sentiment, source):
                _hear(scores, source)
            chosen = _loudest(scores)
        if chosen == "other":
            return _OTHER
        if chosen == "advertisement":
            spans[chosen] += spans.get("contact", [])
        words = [batch.original(i, a, b) for a, b in sorted(spans.get(chosen, ()))]
        if chosen == "complaint" and not words:
            words = [clause for clause, _ in sentiment.spans]
        return Flag(code=f"kind.{chosen}", text=NAMES[chosen], words=tuple(dict.fromkeys(words))[:6])


def words_of(node: Node) -> Iterator[str]:
    """The words of a rule that is nothing but one of several words."""
    match node:
        case Word(text):
            yield text
        case Or(parts):
            for part in parts:
                yield from words_of(part)


def _said(head: str, hits: Sequence[Hit], title: int) -> tuple[dict[str, Spans], dict[str, float]]:
    """Where the words of each kind are meant, and what they weigh together: each word once, its longest form."""
    meant: dict[str, Spans] = {}
    scores: dict[str, float] = {}
    proposed: Spans = []
    kind, last, seen = "", 0, set[str]()
    for rule, start, end, doubtful in hits:
        if KIND_RULES[rule][0] != kind:
            kind, last, seen = KIND_RULES[rule][0], 0, set()
        word = head[start:end]
        if start < last or (doubtful and not _is_meant(head, start, end)):
            continue
        if doubtful and word in _PROPOSING and _CHANGE.match(head, end):
            proposed.append((start, end))
            continue
        last = end
        if word not in seen:
            seen.add(word)
            weight = KIND_RULES[rule][1] * (_TITLE if start < title and kind in _SPEAKS else 1.0)
            meant.setdefault(kind, []).append((start, end))
            scores[kind] = scores.get(kind, 0.0) + weight
    for start, end in proposed:
        others = meant.setdefault("suggestion", [])
        if not any(a < end and start < b for a, b in others):
            others.append((start, end))
            scores["suggestion"] = scores.get("suggestion", 0.0) + _PROPOSED * (_TITLE if start < title else 1.0)
    return meant, scores


def _is_meant(head: str, start: int, end: int) -> bool:
    """Whether a word is no part of a name, no courtesy and not denied."""
    word = head[start:end]
    if word not in _NAME:
        return True
    before, after = head[max(0, start - 8) : start], head[end : end + 6]
    if word == "感谢" and before.endswith("表示"):
        return True
    named = _NAME[word].match(after) or (word == "建议" and _WITHIN.match(after) and _PLACE.search(before))
    return not named and not _NOT.search(before)


def _asked(head: str, source: Kind) -> tuple[int, int] | None:
    """The clause that asks: the last one, where the text ends like a question; in talk not by its mark alone."""
    end = len(head)
    while end and head[end - 1] in " 。!":
        end -= 1
    if not head.endswith(_ASKING, 0, end):
        return None
    start = max(map(head.rfind, "。!?;,#", repeat(0), repeat(end - 1))) + 1
    if end - start < _CLAUSE or (source in _TALK and not _INTERROGATIVE.search(head, start, end)):
        return None
    return start, end


def _by_words(scores: Mapping[str, float], source: Kind) -> str:
    """The kind that needs no look at how the text asks or sounds; "" where that is needed."""
    if source == "reply":
        return "reply"
    get = scores.get
    if (
        get("advertisement", 0.0) >= 1.2
        and get("contact", 0.0) >= 0.8
        and get("complaint", 0.0) + get("report", 0.0) < 1
    ):
        asks = get("question", 0.0) + get("request", 0.0) + get("suggestion", 0.0)
        if source in _TALK or (get("advertisement", 0.0) >= 3 and asks < _LEAST):
            return "advertisement"
    return "" if source in _CITIZENS else "other"


def _opens(head: str, title: int) -> str:
    """The kind with whose word a text or its title opens, or by which the title calls itself; "" for none."""
    found = _ABOUT.match(head[: title or _ABOUT_WITHIN]) or _OPENING.match(head)
    if found is None:
        return ""
    word = next(group for group in found.groups() if group)
    return _ACTS[word] if _is_meant(head, *found.span(found.lastindex or 1)) else ""


def _sounds_negative(sentiment: Sentiment, source: Kind) -> bool:
    least = _SURE if source in _TALK else 0.0
    return sentiment.label == "negative" and bool(sentiment.spans) and sentiment.negative >= least


def _hear(scores: dict[str, float], source: Kind) -> None:
    """What a negative tone adds: it makes a complaint of what is said, and mockery of thanks beside a complaint."""
    thanked, complained = "praise" in scores, "complaint" in scores
    if thanked and complained:
        scores["praise"] *= _MOCKING
    little = source in _TALK or (thanked and not complained)
    scores["complaint"] = scores.get("complaint", 0.0) + (_TALKS if little else _NEGATIVE)


def _loudest(scores: Mapping[str, float]) -> str:
    loudest, most = "other", _LEAST
    for kind in _SPEAKS if scores else ():
        if (score := scores.get(kind, 0.0)) > most or (score == most and loudest == "other"):
            loudest, most = kind, score
    return loudest


_OTHER = Flag(code="kind.other", text=NAMES["other"])
_BY_SOURCE = Flag(code="kind.reply", text="答复（来源即为官方答复）")
