"""Frames for answers, open questions, and what a draft must not have. All texts are made up."""

import pytest

from alerts.replies import TEMPLATES, check_draft, open_questions, template
from alerts.transitions import TREATMENTS

TEXTS = [
    "小区门口垃圾堆了一周没人管。垃圾清运什么时候恢复？太臭了",
    "请问垃圾清运到底什么时候能恢复？孩子都不敢开窗。收的清运费退不退？",
    "清运费是否退还给业主",
    "没有问题，只是路过。",
]


def test_every_treatment_has_a_frame() -> None:
    assert set(TEMPLATES) == set(TREATMENTS)
    for treatment in TREATMENTS:
        text = template(treatment, "垃圾清运", "综合行政执法局")
        assert "垃圾清运" in text
        assert "综合行政执法局" in text
        assert [p.code for p in check_draft(text)] == ["unfilled"]
    with pytest.raises(ValueError, match="采纳"):
        template("沉默", "x", "y")


def test_a_title_with_braces_is_harmless() -> None:
    assert "{0}" in template("解疑", "{0}{department}", "x")


def test_questions_are_counted_once_for_each_text() -> None:
    questions = open_questions([*TEXTS, TEXTS[0]])
    assert questions[0].asked == 3
    assert "清运" in questions[0].text
    assert any("清运费" in q.text for q in questions)
    assert open_questions([]) == []
    assert open_questions(["？？？？", "好吗？"]) == []


def test_a_draft_that_answers_and_one_that_does_not() -> None:
    questions = open_questions(TEXTS)
    good = "垃圾清运已于9月25日恢复，每日两次。停运期间多收的清运费由物业在10月8日前退还业主。"
    assert check_draft(good, questions) == []
    hollow = "我单位高度重视，将进一步加强管理，积极推进各项工作，感谢您的关心。"
    assert [p.code for p in check_draft(hollow, questions)].count("unanswered") == len(questions)
    assert "empty" in {p.code for p in check_draft(hollow)}
    assert [p.code for p in check_draft("已办。")] == ["short"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("经与来电人13800001234联系核实，问题已于9月25日解决，现予答复。", "手机号码"),
        ("经与来电人138-0000-1234联系核实，问题已于9月25日解决，现予答复。", "手机号码"),
        ("身份证330782199001011234的申请已于9月25日办结，现予答复。", "身份证号"),
        ("补助款已汇入6222021234567890123，请于9月25日后查收。", "银行卡号"),
        ("材料请发送到someone@example.invalid，9月25日前有效，谢谢配合。", "电子邮箱"),
        ("车辆浙G·12A45已于9月25日移出消防通道，现予答复，谢谢。", "车牌号码"),
        ("该户3幢2单元501室的漏水已于9月25日修复，现予答复。", "门牌住址"),
        ("投诉人王小明先生反映的问题已于9月25日解决，现予答复。", "当事人姓名"),
    ],
)
def test_no_personal_data(text: str, what: str) -> None:
    (problem,) = check_draft(text)
    assert problem.code == "personal"
    assert what in problem.text
    assert "1234" not in problem.text


def test_public_numbers_and_ordinary_figures_may_stand() -> None:
    text = "咨询电话13900000000，另可拨0579-12345。依据浙政办发〔2019〕37号，2025年9月25日起执行，涉及1234567户。"
    assert check_draft(text, public_numbers=["139 0000 0000"]) == []


def test_a_huge_hostile_text_is_quick() -> None:
    assert len(open_questions(["什么时候" * 50_000, "？" * 100_000, "a" * 100_000])) <= 5
