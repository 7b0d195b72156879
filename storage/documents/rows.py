"""What is written of one document: pure functions from StoredDocument to columns."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import orjson
import zstandard

from storage.ledger.codec import build, dump_bytes, key, optional_key, stamp
from storage.ports import FacetField
from storage.types import Assessment, Document, StoredDocument

#: numbers of the fields in `value`, `link` and `roll`; 0 counts all. Append only. `event` has a column of its own.
FIELDS: dict[FacetField, int] = {name: number for number, name in enumerate(get_args(FacetField), 1) if name != "event"}
ALL = 0
SINGLE = frozenset({"kind", "source", "sentiment", "text_kind", "department"})  #: one value or none per document
ROLLED = frozenset(FIELDS) - {"keyword"}  #: fields with rollups: keywords are too many
DUPLICATE, HISTORIC = 1, 2
TIE_BITS = 20
MARK = "\ue000"  #: private-use sign before a filter's token: no text token begins with it
ANY, REPEAT, OLD = "any", "repeat", "old"  #: marks of every document, of duplicates, of history
EARLIEST, LATEST = -(2**42), 2**42 - 1  #: ms that a key can hold: the years 1830 to 2109
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One document as columns, before it has a key."""

    id: str
    at: int  #: ms
    came: int
    url: str | None
    event: str | None
    duplicate: str | None
    historic: bool
    spread: int
    digest: bytes
    words: bytes
    values: tuple[tuple[int, str], ...]  #: (field number, text)
    tokens: str
    fetched_at: datetime
    raw: str | None
    dated: bool  #: has its own date
    core: bytes  #: JSON of all that makes a put more than a repetition: not when and as which bytes it was fetched

    @property
    def kind(self) -> int:
        """The class that rollups are kept by: duplicate and historic as bits."""
        return (DUPLICATE if self.duplicate else 0) | (HISTORIC if self.historic else 0)


def describe(stored: StoredDocument, tokens: str) -> Row:
    """Columns of a document; ValueError (Chinese) where it cannot be stored."""
    document, assessment = stored.document, stored.assessment
    at = milliseconds(document.at)
    if not EARLIEST <= at <= LATEST:
        raise ValueError("发布时间超出可存范围（1831 至 2109 年）：请核对时间")
    if not document.id:
        raise ValueError("文档没有编号")
    tokens = clean_tokens(tokens)
    bare = replace(assessment, tokens="", masked_title="", masked_text="")
    core = dump_bytes([replace(document, fetched_at=_EPOCH, raw=None), bare])
    return Row(
        id=key(document.id),
        at=at,
        came=milliseconds(document.fetched_at),
        url=optional_key(document.url),
        event=optional_key(stored.event),
        duplicate=optional_key(stored.duplicate_of),
        historic=document.historic,
        spread=min(document.spread, 2**62),
        digest=_hash(core + tokens.encode()),
        words=_hash(dump_bytes([document.title, document.text])),
        values=tuple(dict.fromkeys((FIELDS[f], key(text)) for f, text in _facets(stored) if text)),
        tokens=tokens,
        fetched_at=document.fetched_at,
        raw=document.raw,
        dated=document.published_at is not None,
        core=core,
    )


def keep_first(row: Row, *, came: int, fetched_at: datetime) -> Row:
    """A document that is seen again keeps the moment it came in, and its place in time where it has no own date."""
    return replace(row, fetched_at=fetched_at, came=came, at=row.at if row.dated else milliseconds(fetched_at))


def _facets(stored: StoredDocument) -> Iterator[tuple[FacetField, str]]:
    """Values that a document is found and counted by: topics that are incidents (else all), likeliest department."""
    document, found = stored.document, stored.assessment
    yield "kind", document.kind
    yield "source", document.source
    yield "sentiment", found.sentiment.label
    yield "text_kind", found.text_kind
    for topic in [t for t in found.topics if t.incident] or found.topics:
        yield "topic", topic.id
    if found.departments:
        yield "department", max(found.departments, key=lambda guess: guess.probability).id
    for place in found.places:
        yield "area", place.id
    for flag in found.flags:
        yield "flag", flag.code
    for word in found.keywords:
        yield "keyword", word


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def pack(row: Row) -> bytes:
    """The body column, compressed: a line of JSON for the fetch, one for the rest, one of tokens."""
    lines = (dump_bytes([row.fetched_at, row.raw]), row.core, row.tokens.encode())
    return zstandard.ZstdCompressor(level=1).compress(b"\n".join(lines))


def unpack(body: bytes, *, event: str | None, duplicate: str | None, version: int) -> StoredDocument:
    fetch, core, tokens = _lines(body)
    document, assessment = orjson.loads(core)
    document["fetched_at"], document["raw"] = orjson.loads(fetch)
    assessment["tokens"] = tokens.decode()
    return StoredDocument(
        document=build(Document, document),
        assessment=build(Assessment, assessment),
        event=event,
        duplicate_of=duplicate,
        version=version,
    )


def unpack_tokens(body: bytes) -> str:
    return _lines(body)[2].decode()


def _lines(body: bytes) -> list[bytes]:
    return zstandard.ZstdDecompressor().decompress(body).split(b"\n", 2)


def clean_tokens(tokens: str) -> str:
    """Tokens between single blanks, without the signs that the index keeps for itself."""
    return " ".join(key(tokens).replace(MARK, " ").split())


def indexed(tokens: str, marks: str, kind: int) -> str:
    """What the index holds of a document: its tokens, and one more token for each value it is filtered by."""
    extra = [MARK + ANY, *(MARK + v for v in marks.split())]
    extra += [MARK + sign for bit, sign in ((DUPLICATE, REPEAT), (HISTORIC, OLD)) if kind & bit]
    return f"{tokens} {' '.join(extra)}"


def milliseconds(moment: datetime) -> int:
    return stamp(moment) // 1000


def moment_of(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
