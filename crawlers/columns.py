"""Which column of a file is what, and how its text becomes a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crawlers.counts import number
from crawlers.dates import CHINA, FUTURE, aware, parse_date
from crawlers.urls import BadAddress, canonical, document_id
from storage.types import KINDS, Document, Kind

#: header as offices and exports write it → field of a document; compared without blanks and case
HEADERS = {
    "id": ("id", "编号", "工单编号", "工单号", "诉求编号", "信件编号", "留言编号", "序号", "mid"),
    "title": ("title", "标题", "主题", "留言主题", "诉求标题", "工单标题", "诉求主题", "subject", "信件标题"),
    "text": (
        "text",
        "内容",
        "正文",
        "诉求内容",
        "诉求说明",
        "留言详情",
        "留言内容",
        "诉求描述",
        "工单内容",
        "content",
        "微博正文",
        "来电内容",
        "主要内容",
        "问题描述",
        "博文",
    ),
    "published_at": (
        "published_at",
        "time",
        "时间",
        "发布时间",
        "留言时间",
        "来电时间",
        "受理时间",
        "登记时间",
        "创建时间",
        "诉求时间",
        "date",
        "日期",
        "created_at",
        "发表时间",
    ),
    "url": ("url", "链接", "网址", "原文链接", "地址链接", "link"),
    "author": ("user", "author", "作者", "用户", "留言用户", "来电人", "发布人", "昵称", "username", "诉求人"),
    "source": ("source", "信息源"),
    "origin": ("来源", "诉求来源", "origin", "媒体"),
    "likes": ("likes", "点赞", "点赞数", "赞", "attitudes_count"),
    "comments": ("comments", "评论", "评论数", "回复数", "comments_count"),
    "reposts": ("reposts", "转发", "转发数", "reposts_count"),
    "reads": ("reads", "阅读", "阅读数", "浏览量", "点击量"),
    "area": ("area", "区域", "地区", "所属区域", "事发地址", "所属镇街", "镇街", "属地"),
    "status": ("status", "状态", "办理状态", "处理状态"),
    "reply": ("reply", "答复", "答复意见", "回复", "回复内容", "办理结果", "处理结果", "答复内容"),
    "reply_time": ("reply_time", "答复时间", "回复时间", "办结时间"),
    "kind": ("kind",),
    "fetched_at": ("fetched_at",),
}
_COUNTS = ("likes", "comments", "reposts", "reads")
_LONGEST = 200_000
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a serial number of a sheet has no zone


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that could not be used. `line`: from 1, the header counted; `expected`: Chinese."""

    line: int
    field: str
    value: str
    expected: str


class UnreadableFile(ValueError):
    """The file as a whole cannot be used; Chinese, says what was expected."""


def columns(header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Field → column number. `mapping` is field → header (or header → field); what it leaves open is guessed.

    Raises UnreadableFile where a named column is missing, or no column can be the text.
    """
    places = {_plain(name): i for i, name in reversed(list(enumerate(header)))}
    found: dict[str, int] = {}
    for one, other in mapping.items():
        field, name = (one, other) if one in HEADERS else (other, one)
        if field not in HEADERS:
            raise UnreadableFile(f"列映射中没有这个字段：{field}；可用字段：{'、'.join(HEADERS)}")
        if _plain(name) not in places:
            raise UnreadableFile(f"文件中没有“{name}”列；现有列：{'、'.join(h for h in header if h)}")
        found[field] = places[_plain(name)]
    for field, names in HEADERS.items():
        if field not in found:
            place = next((places[_plain(n)] for n in names if _plain(n) in places), None)
            if place is not None and place not in found.values():
                found[field] = place
    if "text" not in found and "title" not in found:
        raise UnreadableFile(f"找不到正文列；请用 --map text=列名 指明；现有列：{'、'.join(h for h in header if h)}")
    return found


def document(
    row: Mapping[str, object],
    extra: Mapping[str, str],
    line: int,
    *,
    kind: Kind,
    source: str,
    now: datetime,
    fetched_at: datetime,
) -> Document | BadRow:
    """Document of one row given as field → value, or what is wrong with it."""
    text, title = _text(row.get("text")), _text(row.get("title"))
    if not text and not title:
        return BadRow(line=line, field="text", value="", expected="正文或标题不能都为空")
    if len(text) > _LONGEST:
        return BadRow(line=line, field="text", value=f"{len(text)} 字", expected=f"不超过 {_LONGEST} 字")
    at = moment(row.get("published_at"), now)
    if isinstance(at, str):
        return BadRow(line=line, field="published_at", value=_text(row.get("published_at"))[:60], expected=at)
    wrong = next((f for f in _COUNTS if _text(row.get(f)) and _count(row.get(f)) is None), None)
    if wrong:
        return BadRow(line=line, field=wrong, value=_text(row.get(wrong))[:60], expected="应为非负整数")
    own_kind = _text(row.get("kind")) or kind
    if own_kind not in KINDS:
        return BadRow(line=line, field="kind", value=own_kind[:60], expected=f"应为 {'、'.join(KINDS)} 之一")
    url = _address(row.get("url"))
    if url is None:
        return BadRow(line=line, field="url", value=_text(row.get("url"))[:60], expected="应为 http 或 https 地址")
    return _built(row, extra, title, text, at, own_kind, url, _text(row.get("source")) or source, fetched_at)


def _built(
    row: Mapping[str, object],
    extra: Mapping[str, str],
    title: str,
    text: str,
    at: datetime | None,
    kind: Kind,
    url: str,
    source: str,
    fetched_at: datetime,
) -> Document:
    own = _text(row.get("id"))
    same = document_id(source, own) if own else document_id(url) if url else document_id(source, title, text, str(at))
    return Document(
        id=own if own and not own.replace(".", "").isdigit() else same,
        title=title[:500],
        text=text or title,
        fetched_at=fetched_at,
        source=source,
        kind=kind,
        url=url or None,
        author=_text(row.get("author")) or None,
        published_at=at,
        origin=_text(row.get("origin")) or None,
        likes=_count(row.get("likes")),
        comments=_count(row.get("comments")),
        reposts=_count(row.get("reposts")),
        reads=_count(row.get("reads")),
        area=_text(row.get("area")) or None,
        status=_text(row.get("status")) or None,
        extractor="file",
        extra={k: v for k, v in extra.items() if v},
    )


def reply(question: Document, row: Mapping[str, object], now: datetime) -> Document | None:
    """The official answer that stands in the same row, as a document of its own."""
    text = _text(row.get("reply"))
    if len(text) < 2:
        return None
    at = moment(row.get("reply_time"), now)
    return Document(
        id=document_id(question.id, "reply"),
        text=text,
        title="",
        fetched_at=question.fetched_at,
        source=question.source,
        kind="reply",
        published_at=at if isinstance(at, datetime) else None,
        thread=question.id,
        reply_to=question.id,
        area=question.area,
        extractor="file",
    )


def moment(value: object, now: datetime) -> datetime | str | None:
    """Time of a cell: a date, a serial number, or text; None for an empty one, a Chinese sentence if wrong."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        at: datetime | None = aware(value)
    elif isinstance(value, date):
        at = datetime(value.year, value.month, value.day, tzinfo=CHINA)
    elif isinstance(value, int | float) and 20_000 < value < 80_000:
        at = (_EXCEL_EPOCH + timedelta(days=float(value))).replace(tzinfo=CHINA)
    else:
        text = _text(value)
        if not text:
            return None
        at = parse_date(text, now)
    if at is None:
        return "应为不晚于当前的日期时间，如 2024-05-06 13:20"
    return at if at <= now + FUTURE else "时间晚于当前时间"


def _plain(name: str) -> str:
    return "".join(name.split()).lower().strip("\ufeff*：:")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    lines = (" ".join(line.split()) for line in str(value).replace("\x00", "").splitlines())
    return "\n".join(line for line in lines if line)


def _count(value: object) -> int | None:
    return number(_text(value))


def _address(value: object) -> str | None:
    text = _text(value)
    if not text:
        return ""
    try:
        return canonical(text)
    except BadAddress:
        return None
