"""Named schools, estates, firms: two matters of the same kind about two of them are not one.

    苏溪镇中心小学的后厨 ─cut→ 苏溪镇 | 中心 | 小学 ─the word before the kind, without what only qualifies it→ 学校 苏溪

A name is known by its last two characters, for people leave its beginning out (玉金华小学, 金华小学). A word of the
dictionary is a name only where the dictionary says so and people seldom use it: 金华 may name a school, 附近 cannot.
"""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from math import exp, inf

import rjieba

from analysis.places_regions import REGIONS
from analysis.words import background

_KINDS = {
    "学校": "学校食堂|学校|小学|中学|幼儿园",
    "食堂": "食堂",
    "小区": "小区|花园|公寓|家园|新城",
    "企业": "外贸公司|公司|印染厂|化工厂",
    "商家": "医院|饭店|酒店|超市|健身房",
}
_KIND = {word: kind for kind, text in _KINDS.items() for word in text.split("|")}
_FOUND = re.compile("|".join(sorted(_KIND, key=lambda w: (-len(w), w))))
#: with a city before them: any of them there
_VAGUE = frozenset(["学校", "公司", "小区", "医院", "饭店", "酒店", "超市"])
_BEFORE, _BEHIND = 8, 2  #: characters around such a word that are cut with it
_HAN = re.compile(r"[\u4e00-\u9fff]*\Z")
#: stands between a name and its kind, and tells nothing of whose it is
_QUALIFIES = frozenset(["中心", "实验", "附属", "民办", "公办", "双语", "外国语", "希望", "物业", "有限", "国际"])
_AREA = re.compile(r"(?<=..)(?:街道|[镇乡村])\Z")
_ORDINAL = re.compile(r"第[一二三四五六七八九十]{1,2}\Z")
#: characters that, standing by themselves, name nothing
_EMPTY = frozenset(
    "的地得在了是和与到从住个这那我你他她它们有无不没进出入该本各某旁边内外里前后近被把让给对为于等及或又也都就才家所吃完"
    "喝去来看说用小大新老全市县区省一名"
)
_ENDS = frozenset("里后家都和新大小老")  #: those that end a name where a part of one stands before them
#: what estates and villages are called at their end
_TAILS = frozenset("苑城园府庄湾坪塘坡洲溪江河湖桥谷岭峰岛亭阁轩居邸墅华景")
_KIND_OF = frozenset("性化式型级业类")  #: what a word ends with that says of which sort something is
_NAMES = frozenset(["ns", "nr", "nrt", "nz"])  #: parts of speech of the dictionary's names
_SELDOM = 0.003  #: share of the background's documents in which such a word is in at most, else it is an everyday one


def objects(text: str, places: Collection[str] = ()) -> frozenset[str]:
    """Kind and name of each that a text (NFKC, lower case) speaks of: {"学校 月华"}.

    places: names of the gazetteer that were found in it; they name a school or firm whatever the dictionary says.
    """
    stems = [_AREA.sub("", name) for name in places]
    found = set()
    for match in _FOUND.finditer(text):
        name = _name(text, match.start(), match.end(), stems)
        if name:
            found.add(f"{_KIND[match.group()]} {name}")
    return frozenset(found)


def _name(text: str, start: int, end: int, stems: Sequence[str]) -> str:
    """The last two characters of what stands before a kind; "" where that is no name, or the kind part of a word."""
    before = _HAN.findall(text[max(0, start - _BEFORE) : start])[0]
    words, reached = [], 0
    for word in rjieba.cut(before + text[start : end + _BEHIND]):
        words.append(word)
        reached += len(word)
        if reached >= len(before) + end - start:
            break
    if reached != len(before) + end - start:
        return ""  # 大学校园 holds no 学校
    kind = text[start:end]
    if not words[-1].endswith(kind):
        return ""
    words[-1] = words[-1][: -len(kind)]  # 中心小学 is one word
    words = [w for w in words if w]
    while words and words[-1] in _QUALIFIES:
        words.pop()
    whole = _AREA.sub("", "".join(words))
    if any(len(stem) > 1 and whole.endswith(stem) for stem in stems):
        return whole[-2:]
    if len(words) > 1 and words[-1] in ("街道", "镇", "乡", "村"):
        words.pop()
    return _last(words, kind)


def _last(words: Sequence[str], kind: str) -> str:
    """The name that these words end with, if they end with one."""
    last = _AREA.sub("", words[-1]) if words else ""
    before = words[-2] if len(words) > 1 else ""
    if len(last) == 1:
        return before[-1] + last if before and _ends(before, last) else ""
    torn = len(before) == 1 and before not in _EMPTY and last[-1:] in _ENDS and not rjieba.has_word(last)  # 月 | 云里
    found = torn or _ORDINAL.search(last) or (_may_name(last) and not (last in REGIONS and kind in _VAGUE))
    return last[-2:] if found else ""


def _ends(before: str, last: str) -> bool:
    """Whether a character by itself can end a name that begins in the word before it: 翠竹 | 苑."""
    if len(before) == 1:
        return last not in _EMPTY and before not in _EMPTY
    if last in _TAILS:
        return before[-1] not in _EMPTY
    return (last not in _EMPTY or last in _ENDS) and _may_name(before)


@lru_cache(maxsize=10_000)
def _may_name(word: str) -> bool:
    """Whether a word of two characters or more can be a name: a seldom one of the dictionary, or unknown to it."""
    if rjieba.has_word(word):
        speech = rjieba.tag(word)[0][1]
        share = exp(-background()[0].get(word, inf))
        rare = speech in ("n", "a") and len(word) < 4 and not share and word[-1] not in _KIND_OF  # 宏源, 佳境
        return rare or (speech in _NAMES and share <= _SELDOM)
    return bool(word) and word[-1] not in _EMPTY - _ENDS and not (len(word) == 2 and not _EMPTY.isdisjoint(word))
