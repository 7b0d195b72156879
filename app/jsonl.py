"""JSON lines in and out: the format in which documents and assessments enter and leave the command line.

A bad line becomes a `BadLine` that names the line, the field and what was expected; the lines after it go on.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import orjson

from storage.types import KINDS, Assessment, Document

_TEXT = ("title", "url", "author", "origin", "area", "thread", "reply_to", "status")
_COUNTS = ("likes", "comments", "reposts", "reads", "floor")
_TIMES = ("published_at", "fetched_at")
_KNOWN = {"id", "text", "source", "kind", *_TEXT, *_COUNTS, *_TIMES}
#: a line longer than this is not parsed: no document is that long, and memory stays flat
MAX_LINE = 20_000_000


class FieldError(ValueError):
    """One field of a document that cannot be used."""

    def __init__(self, field: str, expected: str, value: object) -> None:
        super().__init__(f"{field} 应为{expected}，现在是 {str(value)[:60]!r}")
        self.field = field
        self.expected = expected


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that is no document."""

    line: int
    error: str
    field: str = ""

    def to_json(self) -> bytes:
        return orjson.dumps({"line": self.line, "field": self.field, "error": self.error})


def document_of(data: Mapping[str, Any], *, now: datetime, timezone: str, source: str = "stdin") -> Document:
    """A document from its JSON object; only `text` is needed. FieldError names what is wrong.

    Times without a zone are local times of `timezone`. Unknown keys are kept in `extra` as text.
    """
    text = data.get("text")
    if not isinstance(text, str):
        raise FieldError("text", "文字（必填）", text)
    kind = data.get("kind") or "forum"
    if kind not in KINDS:
        raise FieldError("kind", f" {'、'.join(KINDS)} 之一", kind)
    values: dict[str, Any] = {}
    for name in _TEXT:
        values[name] = _text(name, data.get(name))
    for name in _COUNTS:
        values[name] = _count(name, data.get(name))
    for name in _TIMES:
        values[name] = _time(name, data.get(name), timezone)
    values["title"] = values["title"] or ""
    values["fetched_at"] = values["fetched_at"] or now
    extra = {str(k): str(v) for k, v in data.items() if k not in _KNOWN and v is not None}
    key = _text("id", data.get("id")) or hashed_id(values["url"] or "", values["title"], text)
    return Document(
        id=key, text=text, source=_text("source", data.get("source")) or source, kind=kind, extra=extra, **values
    )


def hashed_id(*parts: str) -> str:
    """A stable id for an item that brings none."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:24]


def _text(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise FieldError(name, "文字", value)


def _count(name: str, value: object) -> int | None:
    if value is None or value == "":
        return None
    try:
        number = int(str(value))
    except ValueError:
        raise FieldError(name, "非负整数", value) from None
    if number < 0:
        raise FieldError(name, "非负整数", value)
    return number


def _time(name: str, value: object, timezone: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise FieldError(name, " ISO 8601 时间，如 2026-11-24T08:30:00+08:00", value) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))


def not_json(error: orjson.JSONDecodeError) -> str:
    """Where a line stops being JSON, in the words of the office; the parser speaks English only."""
    return f"不是有效的 JSON：第 {error.colno} 个字符处写法有误"


def read_documents(lines: Iterable[bytes], *, now: datetime, timezone: str) -> Iterator[Document | BadLine]:
    """Documents of a JSONL stream in order; blank lines are passed over."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE:
            yield BadLine(line=number, error=f"这一行超过 {MAX_LINE} 字节")
            continue
        try:
            data = orjson.loads(line)
            if not isinstance(data, dict):
                yield BadLine(line=number, error="应为一个 JSON 对象")
                continue
            yield document_of(data, now=now, timezone=timezone)
        except orjson.JSONDecodeError as error:
            yield BadLine(line=number, error=not_json(error))
        except FieldError as error:
            yield BadLine(line=number, error=str(error), field=error.field)


def assessment_json(found: Assessment) -> dict[str, Any]:
    """An assessment in the shape of the contract."""
    feeling = found.sentiment
    return {
        "id": found.id,
        "sentiment": {
            "label": feeling.label,
            "negative": round(feeling.negative, 4),
            "neutral": round(feeling.neutral, 4),
            "positive": round(feeling.positive, 4),
            "spans": [{"words": words, "weight": weight} for words, weight in feeling.spans],
        },
        "targets": [
            {"id": t.id, "label": t.label, "negative": t.negative, "neutral": t.neutral, "positive": t.positive}
            for t in found.targets
        ],
        "topics": [
            {"id": t.id, "words": list(t.words), "incident": t.incident, **({"reason": t.reason} if t.reason else {})}
            for t in found.topics
        ],
        "departments": [
            {"id": d.id, "probability": round(d.probability, 4), "reason": d.reason} for d in found.departments
        ],
        "places": [
            {"id": p.id, "name": p.name, "confidence": round(p.confidence, 3), "ours": p.ours, "reason": p.reason}
            for p in found.places
        ],
        "keywords": list(found.keywords),
        "flags": [{"code": f.code, "text": f.text, "words": list(f.words)} for f in found.flags],
        "kind": found.text_kind,
        "masked_title": found.masked_title,
        "masked_text": found.masked_text,
    }


def write_line(out: BinaryIO, data: object) -> None:
    """One JSON line."""
    out.write(orjson.dumps(data) + b"\n")
