"""Titles: from the documents' own words, short, and about what all of them say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.titles import LONGEST, heading, representative, title_of, voices
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


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("4、 木莲路路灯不亮已半年", "木莲路路灯不亮已半年"),
        ("（二）木莲路路灯不亮已半年", "木莲路路灯不亮已半年"),
        ("第三，木莲路路灯不亮已半年", "木莲路路灯不亮已半年"),
        ("尊敬的领导：您好！木莲路路灯不亮已半年", "木莲路路灯不亮已半年"),
        ("张书记您好，木莲路路灯不亮已半年", "木莲路路灯不亮已半年"),
        ("作为示例县木莲路的一名居民，木莲路路灯不亮已半年", "木莲路路灯不亮已半年"),
        ("我是木莲小区的业主，小区门口路灯不亮已半年", "小区门口路灯不亮已半年"),
        ("Re：关于木莲路路灯不亮的问题的投诉", "木莲路路灯不亮的问题"),
        ("转发：【求助】请尽快解决木莲路路灯不亮问题", "木莲路路灯不亮问题"),
        ("对木莲路路灯不亮问题的回复", "木莲路路灯不亮问题"),
        ("关于木莲路路灯不亮问题的答复", "木莲路路灯不亮问题"),
        ("#示例县新鲜事#木莲路路灯不亮已半年！", "木莲路路灯不亮已半年"),
        ("【木莲路路灯不亮已半年】", "木莲路路灯不亮已半年"),
        ("关于在木莲路增设公交站的建议", "在木莲路增设公交站的建议"),
        ("木莲路路灯不亮已半年，望有关部门尽快派人来修", "木莲路路灯不亮已半年"),
    ],
)
def test_a_heading_is_what_an_official_would_write(title: str, expected: str) -> None:
    assert heading(title) == expected
    assert title_of([row(1, title, "正文说的是路灯。")]) == expected


@pytest.mark.parametrize(
    "title",
    [
        "三、四年级学生的校车停运", "1.5亿元的补偿款没有到位", "局长办公室的电话无人接听", "《示例条例》何时施行",
        "“半边户”政策什么时候落实", "12345热线多次投诉没回复", "质疑街道办对停车问题的回复", "请示批复拖了两年没有下文",
    ],
)  # fmt: skip
def test_what_belongs_to_the_matter_stays(title: str) -> None:
    assert heading(title) == title


def test_a_long_title_ends_with_a_clause() -> None:
    assert (
        heading("示例工地在木莲路高架施工时没有围挡，碎石落到行人身上，造成两人受伤")
        == "示例工地在木莲路高架施工时没有围挡，碎石落到行人身上"
    )
    assert heading("路" * 40).endswith("…")
    assert heading("") == ""


@pytest.mark.parametrize(
    "piece", ["(1)", "【求助】", "尊敬的领导，", "的咨询", "我要", "#a#", "，望", "市县", "回复："]
)
def test_a_title_that_is_all_wrapping_takes_no_time(piece: str) -> None:
    assert len(title_of([row(1, piece * 30_000, piece * 30_000)])) <= LONGEST


def test_a_posts_headline_is_its_title() -> None:
    texts = (
        "#示例县身边事#【木莲路年内通车】昨日，记者来到木莲路",
        "【木莲路年内通车】收起全文d",
        "#示例县身边事#终于要通车了",
    )
    posts = [row(i, "", text, "social", f"a{i}") for i, text in enumerate(texts)]
    assert title_of(posts) == "木莲路年内通车"


def test_a_title_speaks_before_its_text() -> None:
    rows = [
        row(1, "木莲路公交站何时设立？", "该片区南边是木莲路公交站和商场，附近的居民等着木莲路公交站。"),
        row(2, "木莲路公交站何时设立？", "该片区南边是木莲路公交站和商场，想去看看木莲路公交站。"),
    ]
    assert title_of(rows) == "木莲路公交站何时设立"


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
