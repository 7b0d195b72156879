"""Emoji and bracket signs: found where they stand, read for what they mean, and shown as evidence."""

from collections import Counter

import pytest

from analysis import emoticons
from analysis.flags import kind_and_flags
from storage.query import parse, words


def test_what_says_both_is_neither() -> None:
    moods = emoticons.moods()
    assert [moods[sign] for sign in ("😂", "🙏", "[doge]")] == ["either"] * 3
    assert (moods["[微笑]"], moods["[no]"], moods["😡"]) == ("scorn", "scorn", "anger")


def test_no_sign_has_two_moods() -> None:
    names = [n for names in emoticons._BRACKETS.values() for n in names.split()]
    every = names + [sign for signs in emoticons._EMOJI.values() for sign in signs]
    assert [sign for sign, times in Counter(every).items() if times > 1] == []


def test_a_mood_is_a_rule_that_can_be_read() -> None:
    assert "[怒]" in set(words(parse(emoticons.rule("anger"))))


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
