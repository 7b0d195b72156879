"""Emoji and bracket signs: found where they stand, read for what they mean, and shown as evidence."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import emoticons
from analysis.flags import kind_and_flags
from storage.query import parse, words


def test_signs_in_order_with_their_place() -> None:
    found = emoticons.emoticons("又停水[泪][泪]气死😡，[转发] [NO]")
    assert [(e.sign, e.start, e.polarity) for e in found] == [
        ("[泪]", 3, -1),
        ("[泪]", 6, -1),
        ("😡", 11, -1),
        ("[NO]", 18, -1),
    ]


def test_what_says_both_says_nothing() -> None:
    assert [e.polarity for e in emoticons.emoticons("哈😂🙏[doge]")] == [0, 0, 0]
    assert [e.polarity for e in emoticons.emoticons("你真行[微笑]")] == [-1]


def test_no_sign_has_two_moods() -> None:
    names = [n for names in emoticons._BRACKETS.values() for n in names.split()]
    every = names + [sign for signs in emoticons._EMOJI.values() for sign in signs]
    assert [sign for sign, times in Counter(every).items() if times > 1] == []


def test_a_mood_is_a_rule_that_can_be_read() -> None:
    assert "[怒]" in set(words(parse(emoticons.rule("anger"))))


@given(st.text(st.sampled_from("[]泪怒ａ😡👍\n x"), max_size=40))
def test_each_sign_stands_where_it_says(text: str) -> None:
    assert all(text.startswith(e.sign, e.start) for e in emoticons.emoticons(text))


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]" * 1000, "[" + "泪" * 100_000])
def test_nothing_found_in_what_has_none(text: str) -> None:
    assert emoticons.emoticons(text) == ()


@pytest.mark.parametrize(
    ("text", "kind", "mark", "sign"),
    [
        ("办证大厅的工作人员真耐心👍🏻", "praise", "mood.praise", "👍"),
        ("路口堵了两小时[怒]", "complaint", "mood.anger", "[怒]"),
        ("河里的鱼全死了😭", "other", "mood.sorrow", "😭"),
    ],
)
def test_signs_are_evidence(text: str, kind: str, mark: str, sign: str) -> None:
    found, marks = kind_and_flags(text, "social")
    assert found == kind
    assert [m.words for m in marks if m.code == mark] == [(sign,)]
