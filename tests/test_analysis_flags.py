"""Kinds of text and sensitive marks, each with the words that are its evidence."""

import pytest

from analysis.characters import fold_batch
from analysis.flags import FlagRules, kind_and_flags


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


@pytest.mark.parametrize(
    "text",
    [
        "您好，您反映的问题已收悉，经核查已处理。",
        "经查，河水发黑是雨污混接所致，我局已责令施工单位整改。",
        "网友您好：该路段已列入明年改造计划，给您造成的不便敬请谅解。",
        "我中队派队员到现场查看，未发现夜间施工，下一步将加强巡查。",
    ],
)
def test_a_reply_is_known_by_its_wording_in_any_channel(text: str) -> None:
    assert {kind_and_flags(text, kind)[0] for kind in ("forum", "message", "social")} == {"reply"}


@pytest.mark.parametrize(
    "text",
    [
        "质疑住建局的回复：经查我局已责令整改。可是墙面照样渗水。",
        "你们上次说经现场查看已督促施工方，我家楼下照样整夜打桩。",
        "尊敬的领导：上个月反映的问题至今没有结果，请派人到现场查看。",
        "经查询，我的社保断缴了两个月，怎么补缴？",
        "堵车一小时，公交公司连一句敬请谅解都没有。",
        "小区半夜施工" + "，吵得睡不着" * 60 + "。回复：经核实，我局已督促整改。",
    ],
)
def test_a_citizen_who_quotes_a_reply_gives_none(text: str) -> None:
    assert kind_and_flags(text, "message")[0] != "reply"


def test_the_words_of_a_reply_are_shown() -> None:
    rules, batch = FlagRules(), fold_batch(["经核实，我局已督促施工单位整改。"])
    assert rules.replies(batch, ["message"]) == [True]
    (flag,) = rules.kinds(batch, [0], ["reply"], ["neutral"])
    assert (flag.code, set(flag.words)) == ("kind.reply", {"经核实", "我局", "已督促"})
