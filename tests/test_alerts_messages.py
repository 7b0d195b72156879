"""What leaves the house: level, title, deadline, link; cut by bytes; nothing hostile from a title."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenario import Scenario, moment
from small_office import small_office

from alerts.duty import contact, gaps, next_shift, on_duty
from alerts.messages import clean, split, subject, words
from storage.types import DutyShift, User

OFFICE = small_office()


def test_body_has_four_lines_and_no_more() -> None:
    with Scenario("2025-10-01 03:00") as s:
        s.event("e1", level=4, title="某校食堂多名学生呕吐")
        body = next(r.body for r in s.outbox.values() if r.reason == "FIRST")
        assert body.splitlines()[:3] == [
            "Ⅰ级（红色）　交办",
            "事项：某校食堂多名学生呕吐",
            "时限：10月1日 03:10 前（10分内签收，剩 10分）",
        ]
        assert body.splitlines()[3].startswith("请登录系统办理：http://127.0.0.1:8000/tasks/t-")
        assert len(body.splitlines()) == 4
        s.unexpected.clear()


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("a\r\nBcc: x@y", "a Bcc: x@y"),
        ('<at user_id="all">所有人</at>', '＜at user_id="all"＞所有人＜/at＞'),
        ("\u202e反转\u0000\ud800", "反转"),
        ("长" * 100, "长" * 59 + "…"),
        ("", ""),
    ],
)
def test_hostile_titles(title: str, shown: str) -> None:
    assert clean(title) == shown


def test_subject() -> None:
    assert subject("DEADLINE_75", 3, "x", OFFICE) == "【Ⅱ级（橙色）】时限已用 75%：x"
    assert subject("FIRST", 0, "\n", OFFICE) == "【未定级】交办：（无标题）"
    assert words("SOMETHING_NEW") == "SOMETHING_NEW"


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=400), st.integers(24, 200))
def test_split_loses_nothing_and_fits(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(len(p.encode()) <= limit for p in pieces)
    joined = pieces[0] if len(pieces) == 1 else "".join(p.split(") ", 1)[1] for p in pieces)
    assert joined == text


def test_split_prefers_line_ends_and_refuses_nonsense() -> None:
    assert split("一二三\n四五六七\n八九十一", 30) == ["(1/3) 一二三\n", "(2/3) 四五六七\n", "(3/3) 八九十一"]
    with pytest.raises(ValueError, match="24"):
        split("x", 10)


NOW = moment("2025-10-01 08:00")
SHIFTS = (
    DutyShift(post="duty-officer", user="wang", start=NOW - timedelta(hours=12), end=NOW),
    DutyShift(post="duty-officer", user="li", start=NOW, end=NOW + timedelta(hours=12)),
    DutyShift(post="mayor", user="zhao", start=NOW, end=NOW + timedelta(hours=1)),
)


def test_hand_over_is_to_the_second() -> None:
    before, after = on_duty("duty-officer", SHIFTS, NOW - timedelta(seconds=1)), on_duty("duty-officer", SHIFTS, NOW)
    assert before is not None
    assert after is not None
    assert (before.user, after.user) == ("wang", "li")
    assert on_duty("duty-officer", SHIFTS, NOW + timedelta(hours=12)) is None
    coming = next_shift("duty-officer", SHIFTS, NOW - timedelta(hours=1))
    assert coming is not None
    assert coming.user == "li"


def test_gaps_in_the_roster() -> None:
    end = NOW + timedelta(hours=24)
    assert gaps("duty-officer", SHIFTS, NOW - timedelta(hours=14), end) == [
        (NOW - timedelta(hours=14), NOW - timedelta(hours=12)),
        (NOW + timedelta(hours=12), end),
    ]
    assert gaps("duty-officer", SHIFTS, NOW, NOW + timedelta(hours=1)) == []
    assert gaps("nobody", SHIFTS, NOW, end) == [(NOW, end)]


def test_contacts() -> None:
    li = User(
        name="li", display="李", roles=("leader",), department="zfb", phone="13900000000", email="li@example.invalid"
    )
    post = contact("duty-officer", OFFICE, NOW, duty=SHIFTS, users={"li": li})
    # the post's own mailbox stays, the person on duty adds the phone
    assert post.address == {"email": "duty@example.invalid", "phone": "13900000000", "person": "li"}
    unit = contact("sthj", OFFICE, NOW)
    assert (unit.channels, unit.address) == (("mail",), {})
    person = contact("li", OFFICE, NOW, users={"li": li})
    assert (person.channels, person.address["email"]) == (("mail",), "li@example.invalid")
    assert contact("nobody", OFFICE, NOW).channels == ("mail",)
