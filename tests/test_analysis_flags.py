"""Kinds of text and sensitive marks, each with the words that are its evidence."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_office import small_office

from analysis.assess import Assessor
from analysis.characters import fold_batch
from analysis.flags import FlagRules, kind_and_flags
from analysis.text import plain
from storage.types import Assessment, Document, Kind, Sentiment

HERE = Path(__file__).parent
#: made-up texts; those of set 4 were read once, after the last change of the rules
ROWS = [json.loads(line) for line in (HERE / "labelled" / "kinds.jsonl").read_text(encoding="utf-8").splitlines()]
FLOORS = json.loads((HERE / "floors" / "labelled.json").read_text(encoding="utf-8"))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def assessed(texts: list[tuple[str, Kind]]) -> list[Assessment]:
    documents = [
        Document(id=str(i), text=text, kind=kind, source="s", published_at=NOON, fetched_at=NOON)
        for i, (text, kind) in enumerate(texts)
    ]
    found = Assessor(small_office()).assess(documents)
    return [a for a in found if isinstance(a, Assessment)]


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


@pytest.mark.parametrize(
    "text",
    [
        "来电人反映小区停水，已要求物业处理，一直没有结果",
        "来电人咨询电话号码如何变更",
        "诉求人称该店拒不退款，接到投诉后也不理",
    ],
)
def test_a_row_of_a_hotline_is_what_a_citizen_said(text: str) -> None:
    assert kind_and_flags(text, "hotline")[0] != "reply"
    answer = "来电人您好，经核实，该小区水泵故障，我局已督促物业抢修。"
    assert kind_and_flags(answer, "hotline")[0] == "reply"


def test_the_words_of_a_reply_are_shown() -> None:
    rules, batch = FlagRules(), fold_batch(["经核实，我局已督促施工单位整改。"])
    assert rules.replies(batch, ["message"]) == [True]
    calm = Sentiment(label="neutral", negative=0.0, neutral=1.0, positive=0.0)
    (flag,) = rules.kinds(batch, [0], ["reply"], [calm])
    assert (flag.code, set(flag.words)) == ("kind.reply", {"经核实", "我局", "已督促"})


def test_labelled_kinds_and_their_evidence() -> None:
    found = assessed([(row["text"], row["kind"]) for row in ROWS])
    assert len(found) == len(ROWS)
    pairs = []
    for row, each in zip(ROWS, found, strict=True):
        hearsay = row["text_kind"] == "rumour" and any(flag.code.startswith("rumour") for flag in each.flags)
        pairs.append((row["set"], row["text_kind"], "rumour" if hearsay else each.text_kind))
        evidence = next(flag for flag in each.flags if flag.code.startswith("kind."))
        assert evidence.words or each.text_kind == "other" or "来源" in evidence.text, row["text"]
        assert all(word in plain(each.masked_text) for word in evidence.words)
    right = [pair for pair in pairs if pair[1] == pair[2]]
    assert len(right) / len(pairs) >= FLOORS["kinds.accuracy"], set(pairs) - set(right)
    unseen = [pair for pair in pairs if pair[0] == 4]
    assert sum(a == b for _, a, b in unseen) / len(unseen) >= FLOORS["kinds.unseen.accuracy"]
    meant, called, hits = (
        Counter(each) for each in ([p[1] for p in pairs], [p[2] for p in pairs], [p[1] for p in right])
    )
    assert min(hits[kind] / meant[kind] for kind in meant) >= FLOORS["kinds.recall"]
    assert min(hits[kind] / called[kind] for kind in called) >= FLOORS["kinds.precision"]


@pytest.mark.parametrize(
    ("text", "source", "kind"),
    [
        ("这不是投诉，请问落户需要带什么", "message", "question"),
        ("建议路12号的路灯不亮，请问找哪个部门", "message", "question"),
        ("建议路口加装一个红绿灯", "message", "suggestion"),
        ("能否在西门增加一个公交站", "message", "suggestion"),
        ("来电人咨询电话号码如何变更", "hotline", "question"),
        ("来电人对环卫工人表示感谢", "hotline", "praise"),
        ("诚招学徒，包吃住，有意者加微信", "social", "advertisement"),
        ("诚招学徒，包吃住，有意者加微信，结果押金不退，大家小心被骗", "social", "complaint"),
        ("幼儿园招生报名的联系电话是多少", "message", "question"),
        ("县人社局公开招聘教师，待遇面议，联系电话见公告", "government", "other"),
        ("我局已收悉您反映的问题", "message", "reply"),
        ("感谢领导百忙之中看信，楼上天天半夜装修扰民", "message", "complaint"),
        ("今天吃什么呀", "social", "question"),
        ("加油?", "social", "other"),
        ("", "message", "other"),
    ],
)
def test_a_word_counts_where_it_is_meant(text: str, source: Kind, kind: str) -> None:
    assert kind_and_flags(text, source)[0] == kind


def test_a_complaint_by_its_tone_shows_the_clauses_that_sounded_so() -> None:
    (found,) = assessed([("窗口排队两个小时，轮到我说系统坏了，让明天再来", "message")])
    (flag,) = [flag for flag in found.flags if flag.code.startswith("kind.")]
    assert flag.code == "kind.complaint"
    assert set(flag.words) == {clause for clause, _ in found.sentiment.spans}
    assert flag.words


def test_a_reply_by_its_source_says_so() -> None:
    (found,) = assessed([("路灯已于昨日修复", "reply")])
    assert (found.text_kind, [f.text for f in found.flags]) == ("reply", ["答复（来源即为官方答复）"])
