"""Kinds of text and sensitive marks, each with the words that are its evidence."""

import pytest

from analysis.flags import kind_and_flags


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("听说医保政策要取消了，是真的吗", "must.policy", "医保"),
        ("全体业主的房子烂尾三年", "must.vital", "烂尾"),
        ("养老院护工虐待老人", "must.moral", "虐待"),
        ("佛堂一厂房起火，浓烟很大", "must.emergency", "起火"),
        ("此件由省政府督查组交办，请限期办结", "must.superior", "交办"),
        ("网传明天停课，速转", "rumour", "网传"),
        ("据说桥塌死亡十几人，千真万确", "rumour.grave", "死亡"),
        ("车祸造成两人受伤送医", "casualty", "受伤"),
        ("一百多人拉横幅堵门讨薪", "crowd", "拉横幅"),
    ],
)
def test_each_mark_with_its_word(text: str, code: str, word: str) -> None:
    _, marks = kind_and_flags(text)
    assert word in next(m.words for m in marks if m.code == code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("学校开展火灾疏散演练", "must.emergency"),
        ("网传桥塌系谣言，警方已辟谣", "rumour"),
        ("这部电影里爆炸场面很多", "must.emergency"),
        ("产业聚集带动就业", "crowd"),
        ("今天天气很好", "casualty"),
    ],
)
def test_lookalikes_are_not_marked(text: str, code: str) -> None:
    assert code not in {m.code for m in kind_and_flags(text)[1]}


def test_a_reply_is_known_by_its_formulas_in_any_channel() -> None:
    text = "您好，您反映的问题已收悉，经核查已处理。"
    assert kind_and_flags(text, "forum")[0] == "reply"
