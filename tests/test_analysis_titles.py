"""Titles: from the documents' own words, short, and about what all of them say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.titles import LONGEST, representative, title_of, voices
from storage.types import Assessment, Document, Kind, Sentiment, StoredDocument, TopicHit

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CALM = Sentiment(label="neutral", negative=0.2, neutral=0.6, positive=0.2)


def row(i: int, title: str, text: str, kind: Kind = "message", author: str | None = None) -> StoredDocument:
    at = START + timedelta(minutes=i)
    document = Document(
        id=f"d{i}", title=title, text=text, kind=kind, source="s", author=author, published_at=at, fetched_at=at
    )
    return StoredDocument(document=document, assessment=Assessment(id=document.id, sentiment=CALM))


ROWS = [
    row(0, "尊敬的领导，请管一管", "江湾小区旁边的搅拌站整夜施工。搅拌站什么时候搬走？", author="a"),
    row(1, "江湾小区旁搅拌站粉尘扰民", "江湾小区北门的搅拌站粉尘落满阳台，车从早开到晚。什么时候能搬走？", author="b"),
    row(2, "江湾小区搅拌站噪声", "搅拌站的噪声让江湾小区的老人睡不着，谁来管？", author="b"),
    row(3, "", "转发微博", kind="social", author="c"),
    row(4, "关于江湾小区搅拌站问题的答复", "经核查，搅拌站已停产整改。", kind="reply"),
]


def test_the_title_says_what_all_say() -> None:
    title = title_of(ROWS)
    assert "搅拌站" in title
    assert "江湾小区" in title
    assert "领导" not in title
    assert len(title) <= LONGEST


def test_without_titles_a_clause_of_the_texts() -> None:
    title = title_of([row(1, "", "今天路过看到，宗泽路路灯又坏了。真服了"), row(2, "", "宗泽路路灯坏了半个月，没人修")])
    assert "宗泽路路灯" in title


def test_a_title_does_not_begin_with_who_says_it_nor_in_mid_sentence() -> None:
    told = [
        row(i, "", f"来电人反映城西街道某小区停水已{i}小时，希望尽快恢复供水", "hotline", f"a{i}") for i in (2, 3, 4)
    ]
    assert title_of(told).startswith("城西街道某小区停水已")
    spoken = [row(i, "", "江湾搅拌站夜里施工扰民，味道还是有点刺鼻，夜里都不敢开窗", author=f"a{i}") for i in range(3)]
    assert title_of(spoken) == "江湾搅拌站夜里施工扰民"
    assert title_of([row(1, "请问医保手工报销材料交到哪里", "")]) == "医保手工报销材料交到哪里"


def test_a_title_names_place_and_matter_before_circumstances() -> None:
    texts = (
        "孩子在示例三小读二年级。示例三小食堂的鸡块有酸味。", "我家孩子在示例三小读二年级，示例三小食堂的鸡块有酸味。",
        "孩子在示例三小读二年级，回家说不舒服。",
    )  # fmt: skip
    hits = (TopicHit(id="food-drug", words=("食堂",)),)
    rows = [row(i, "", text, author=f"a{i}") for i, text in enumerate(texts)]
    rows = [replace(r, assessment=replace(r.assessment, topics=hits)) for r in rows]
    assert title_of(rows) == "示例三小食堂的鸡块有酸味"


def test_representative_is_a_citizen_who_says_it_all() -> None:
    assert representative(ROWS) in {"d0", "d1", "d2"}
    assert representative(ROWS[4:]) == "d4"
    assert representative([]) is None


def test_voices_are_three_different_authors() -> None:
    found = voices(ROWS)
    assert len(found) <= 3
    assert not {"d1", "d2"} <= set(found)
    assert "d4" not in found


def test_nothing() -> None:
    assert title_of([]) == ""
    assert voices([]) == []


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=300)), min_size=1, max_size=6))
def test_any_text(items: list[tuple[str, str]]) -> None:
    rows = [row(i, title, text) for i, (title, text) in enumerate(items)]
    assert len(title_of(rows)) <= LONGEST
    assert title_of(rows) == title_of(rows[::-1])
    voices(rows)
