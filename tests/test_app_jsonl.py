"""Documents as JSON lines: good ones in order, bad ones named."""

from datetime import UTC, datetime

import pytest

from app.jsonl import BadLine, FieldError, document_of, read_documents
from storage.types import Document

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def read(*lines: str) -> list[Document | BadLine]:
    return list(read_documents([line.encode() for line in lines], now=NOW, timezone="Asia/Shanghai"))


def test_bad_lines_are_named_and_the_others_go_on() -> None:
    found = read(
        '{"text": "甲"}', "{oops", "", "[1]", '{"title": "x"}', '{"text": "乙", "kind": "rumor"}', '{"text":"丙"}'
    )
    assert [type(x).__name__ for x in found] == ["Document", "BadLine", "BadLine", "BadLine", "BadLine", "Document"]
    bad = [x for x in found if isinstance(x, BadLine)]
    assert [b.line for b in bad] == [2, 4, 5, 6]
    assert [b.field for b in bad] == ["", "", "text", "kind"]
    assert "news" in bad[3].error
    assert bad[0].error == "不是有效的 JSON：第 2 个字符处写法有误"


def test_a_time_without_a_zone_is_local_and_unknown_keys_are_kept() -> None:
    got = document_of(
        {"text": "t", "published_at": "2026-11-24T08:30:00", "诉求": "漏水", "likes": "3"},
        now=NOW,
        timezone="Asia/Shanghai",
    )
    assert got.published_at == datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    assert got.extra == {"诉求": "漏水"}
    assert got.likes == 3
    assert got.fetched_at == NOW


def test_the_same_item_has_the_same_id() -> None:
    one, two, other = read('{"text":"同一句"}', '{"text":"同一句"}', '{"text":"另一句"}')
    assert isinstance(one, Document)
    assert isinstance(two, Document)
    assert isinstance(other, Document)
    assert one.id == two.id != other.id


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"text": 5}, "text"),
        ({"text": "x", "likes": "many"}, "likes"),
        ({"text": "x", "likes": -1}, "likes"),
        ({"text": "x", "published_at": "yesterday"}, "published_at"),
        ({"text": "x", "title": ["a"]}, "title"),
    ],
)
def test_a_bad_field_is_named(data: dict[str, object], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        document_of(data, now=NOW, timezone="Asia/Shanghai")
    assert caught.value.field == field
