"""What every document goes through before it is accepted."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.prepare import MAX_TEXT, clean, prepare, pseudonym, web_address
from storage.types import Document

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
KEY = b"k" * 32


def document(**changes: object) -> Document:
    base: dict[str, object] = {"id": "d1", "text": "正文", "fetched_at": NOW, "source": "s", "kind": "forum"}
    return Document(**(base | changes))  # type: ignore[arg-type]


def test_author_becomes_a_keyed_hash_that_tells_voices_apart() -> None:
    one = prepare(document(author="小王"), KEY, NOW).author
    assert one == prepare(document(author=" 小王 "), KEY, NOW).author
    assert one != prepare(document(author="小李"), KEY, NOW).author
    assert one != prepare(document(author="小王"), b"x" * 32, NOW).author
    assert "小王" not in (one or "")
    assert pseudonym("  ", KEY) is None


@pytest.mark.parametrize(
    ("published", "kept", "historic"),
    [
        (NOW - timedelta(minutes=3), True, False),
        (NOW - timedelta(days=13), True, False),
        (NOW - timedelta(days=15), True, True),
        (datetime(2099, 1, 1, tzinfo=UTC), False, False),
        (None, False, False),
    ],
)
def test_time(published: datetime | None, kept: bool, historic: bool) -> None:
    done = prepare(document(published_at=published), KEY, NOW)
    assert (done.published_at is not None) is kept
    assert done.historic is historic


def test_old_rows_can_be_taken_as_live_for_a_drill() -> None:
    assert prepare(document(published_at=NOW - timedelta(days=900)), KEY, NOW, live=True).historic is False


def test_what_would_break_a_store_is_removed_and_length_is_bounded() -> None:
    done = prepare(document(title="a\x00b\ud800c", text="长" * (MAX_TEXT + 5)), KEY, NOW)
    assert done.title == "abc"
    assert len(done.text) == MAX_TEXT
    assert clean("行一\n行二\t格", 100) == "行一\n行二\t格"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", " JAVASCRIPT:1", "ftp://x/y"])
def test_only_web_addresses_are_kept(url: str) -> None:
    assert web_address(url) is None
    assert web_address(" https://a.example/x ") == "https://a.example/x"
