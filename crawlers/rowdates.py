"""Which of the times that a row of a list prints is the one at which its item appeared."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from lxml.html import HtmlElement

from crawlers.dates import parse_stamp
from crawlers.figures import columns, pieces
from crawlers.markup import words

_SPACES = r"[\s\xa0]*"
_DATE = re.compile(
    rf"(?<![\d./年-])(?:\d{{4}}{_SPACES}[-/年.]{_SPACES})?\d{{1,2}}{_SPACES}[-/月.]{_SPACES}\d{{1,2}}(?!\d)日?"
    rf"(?:[\s\xa0]+\d{{1,2}}:\d\d(?::\d\d)?)?"
    r"|(?:\d{1,4}[\s\xa0]*|半)个?(?:秒钟?|分钟|小时|天)前|刚刚"
    r"|(?:昨天|今天|前天)(?:[\s\xa0]*\d{1,2}:\d\d)?|(?<![\d:])\d{1,2}:\d\d(?!\d)"
)
#: the day in large figures above or below its month, as picture lists print it
_DAY_FIRST = re.compile(
    r"(?<![\d:/.-])(?P<day>\d{1,2})\s+(?P<year>20\d\d)\s*[-/年.]\s*(?P<month>\d{1,2})(?!\d)月?(?!月?\s*[-/.\d])"
)
_DAY_LAST = re.compile(
    r"(?<![\d:/.-])(?P<year>20\d\d)\s*[-/年.]\s*(?P<month>\d{1,2})月?\s+(?P<day>\d{1,2})日?(?![\d:/.-])"
)
_YEAR_LAST = re.compile(
    r"(?<![\d:/.-])(?P<month>\d{1,2})\s*[-/月.]\s*(?P<day>\d{1,2})日?\s+(?P<year>20\d\d)年?(?![\d:/.-])"
)
_YEAR_FIRST = re.compile(r"20\d\d\s*[-/年.]\s*\d{1,2}\s*[-/月.]\s*\d{1,2}")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?")
_APPEARED_COLUMN = re.compile(r"发布|发表|发帖|公开(?:时间|日期)|来信(?:时间|日期)|提交(?:时间|日期)")
_ANOTHER_COLUMN = re.compile(r"最后|最新|更新|答复|回复时间|办结|截止|成文|生效|实施")
_APPEARED = re.compile(r"(?:发布|发表|发帖|发文|来信|提交|时间|日期|创建)\S{0,3}\s*$")
_ANOTHER = re.compile(r"(?:更新|修改|截止|截至|最后|最新|回复|回帖|答复|办结|活动|有效期|至)\S{0,4}\s*$")
_WHOLE = re.compile(r"^20\d\d|:\d\d|前$|刚刚|天")
_LABEL = re.compile(r"^\W*(?:[\u4e00-\u9fff]{2,4}\s*[:：])?\W*|\W+$")
_NAMED = re.compile(r"^(?:datetime|data-[\w-]*(?:time|date|publish|pub|created)[\w-]*)$", re.I)
_NOT_NAMED = re.compile(r"update|modif|expire|end|last", re.I)


def printed_date(row: HtmlElement, title: HtmlElement, now: datetime) -> str:
    """The time of a row as printed, or as one of its attributes says; "" where it has none.

    A time that stands alone in its element goes before one in a sentence, one that is called the publication before
    one that is called an update or an answer, and one in the future is that of the thing announced. A row with
    no day has that of the heading above it.
    """
    said = pieces(row, title)
    named = columns(row)
    called = [
        text
        for name, cell in named
        if _APPEARED_COLUMN.search(name) and not _ANOTHER_COLUMN.search(name)
        for text in pieces(cell, title)
    ]
    other = {text for name, cell in named if _ANOTHER_COLUMN.search(name) for text in pieces(cell, title)}
    choices = (called, [text for text in said if text not in other], said)
    found = next((date for texts in choices if (date := _printed(texts, now))), "")
    found = found or next(_attributes(row, now), "")
    if found and not _CLOCK.fullmatch(found):
        return found
    return f"{_day_above(row, now)} {found}".strip()


def _printed(said: list[str], now: datetime) -> str:
    text = " ".join(said)[:2000]
    split = None if _YEAR_FIRST.search(text) else _split(text)
    if split:
        return f"{split['year']}-{int(split['month']):02d}-{int(split['day']):02d}"
    alone = {_LABEL.sub("", piece) for piece in said}
    found = [(match, _likely(match, text, alone, now)) for match in _DATE.finditer(text)]
    best = max((score for _, score in found), default=-9.0)
    return next((match[0].strip() for match, score in found if score == best), "") if best > -4 else ""


def _day_above(row: HtmlElement, now: datetime) -> str:
    """The day that a heading gives for the rows below it; "" where there is none."""
    element: HtmlElement | None = row
    for _ in range(3):
        if element is None:
            return ""
        for before in islice(element.itersiblings(preceding=True), 30):
            text = words(before) if isinstance(before.tag, str) and before.find(".//a") is None else ""
            if len(text) < 24 and _YEAR_FIRST.match(text) and (stamp := parse_stamp(text, now)):
                return stamp.at.date().isoformat()
        element = element.getparent()
    return ""


def has_date(row: HtmlElement, title: HtmlElement, now: datetime) -> float:
    """Whether a row prints a day (1) or, what may also be the length of a film, nothing but a clock (.25)."""
    text = " ".join(pieces(row, title))[:4000]
    if _split(text) or any(not _CLOCK.fullmatch(m[0].strip()) for m in _DATE.finditer(text)):
        return 1.0
    if any(True for _ in _attributes(row, now)):
        return 1.0
    return 0.25 if _DATE.search(text) else 0.0


def _split(text: str) -> re.Match[str] | None:
    return next((m for rule in (_DAY_FIRST, _DAY_LAST, _YEAR_LAST) if (m := rule.search(text))), None)


def only_date(text: str) -> bool:
    """Whether a text is a time and nothing else."""
    return bool(_DATE.fullmatch(_LABEL.sub("", text)))


def _likely(match: re.Match[str], text: str, alone: set[str], now: datetime) -> float:
    before = text[max(0, match.start() - 9) : match.start()].rstrip(" :：")
    score = 3.0 if match[0] in alone else 2.0 if _WHOLE.search(match[0]) else 0.0
    score += 2.0 if _APPEARED.search(before) and not _ANOTHER.search(before) else 0.0
    score -= 4.0 if _ANOTHER.search(before) else 0.0
    return score - (0.0 if parse_stamp(match[0], now) else 20.0)


def _attributes(row: HtmlElement, now: datetime) -> Iterator[str]:
    """Times in `<time datetime>` and in data attributes, of the row itself first."""
    for element in islice(row.iter(), 80):
        for name, value in islice(element.attrib.items(), 40) if isinstance(element.tag, str) else ():
            if _NAMED.match(name) and not _NOT_NAMED.search(name) and parse_stamp(value, now):
                yield value.strip()[:60]
