"""Masking: recall on the labelled sentences, few false hits, nothing leaks in the mask itself."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.privacy import identity_number, luhn, mask, masked_texts

ROWS = [
    json.loads(line)
    for line in (Path(__file__).with_name("labelled") / "privacy.jsonl").read_text(encoding="utf-8").splitlines()
]
FLOORS = json.loads((Path(__file__).with_name("floors") / "privacy.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["number", "address", "name"])
def test_recall(kind: str) -> None:
    wanted = [(row["text"], secret) for row in ROWS for secret in row[kind]]
    missed = [(text, secret) for text, secret in wanted if secret in mask(text).text]
    assert 1 - len(missed) / len(wanted) >= FLOORS[f"recall.{kind}"], missed


def test_false_hits() -> None:
    wanted = [(row["text"], plain) for row in ROWS for plain in row["keep"]]
    hit = [mask(text).text for text, plain in wanted if plain not in mask(text).text]
    assert len(hit) / len(wanted) <= FLOORS["false_hits"], hit


def test_no_more_than_three_digits_of_a_phone_remain() -> None:
    assert mask("打13800001234").text == "打138********"
    assert mask("打0579-85001234找我").text.count("8500") == 0


def test_office_line_stays_and_private_line_goes() -> None:
    assert "0579-85001234" in mask("举报电话：0579-85001234").text
    assert "0579-85001234" not in mask("我家电话0579-85001234").text


def test_checks() -> None:
    assert identity_number("11010519491231002X")
    assert not identity_number("110105194912310021")
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")


def test_hits_say_where_but_not_what() -> None:
    text = "联系人：王小明，电话13800001234"
    masked = mask(text)
    assert [(hit.kind, text[hit.start : hit.end]) for hit in masked.hits] == [
        ("name", "王小明"),
        ("phone", "13800001234"),
    ]
    assert masked.text == "联系人：王**，电话138********"


def test_masking_twice_changes_nothing() -> None:
    for row in ROWS:
        once = mask(row["text"]).text
        assert mask(once).text == once


@given(st.text(max_size=200))
def test_any_text_passes(text: str) -> None:
    masked = mask(text)
    if not masked.hits:
        assert masked.text == text


@pytest.mark.parametrize(
    "text", ["1" * 50_000, "1 " * 50_000, "1-" * 50_000, "@" * 50_000, "3幢" * 20_000, "a@" * 9000]
)
def test_hostile_lengths_end_soon(text: str) -> None:
    assert len(mask(text).text) <= 4 * len(text)


@settings(deadline=None)  # the first call builds the table of signs
@given(st.lists(st.text(alphabet="a9幺三十栋单元号楼-—@.微信Q浙G住路1３ ", max_size=30), max_size=6))
def test_many_texts_at_once_are_masked_like_each(texts: list[str]) -> None:
    assert masked_texts(texts) == [mask(text).text for text in texts]


def test_labelled_sentences_at_once() -> None:
    texts = [row["text"] for row in ROWS]
    assert masked_texts(texts) == [mask(text).text for text in texts]
