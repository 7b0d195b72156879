"""Near-duplicates: what counts as the same text, and a window that never grows."""

from datetime import UTC, datetime, timedelta

import pytest

from analysis.neardup import HASHES, Window, core, signatures

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST = "佛堂老街南侧的污水管又堵了，脏水一直流到石板路上，附近几家店都关着门等人来修。"
EDITED = "佛堂老街南侧污水管又堵了，脏水一直流到石板路上，附近几家店都关着门等人来修！！"
OTHER = "北苑这边的小学门口早上堵得厉害，希望能增加一个红绿灯，让孩子过马路安全一些。"


def test_edited_copy_meets_its_first_and_another_text_does_not() -> None:
    window = Window()
    assert window.assign(["a", "b", "c"], signatures([FIRST, OTHER, EDITED]), [NOON] * 3) == [None, None, "a"]


def test_a_copy_in_a_later_batch_gets_the_first_of_all() -> None:
    window = Window()
    window.assign(["a"], signatures([FIRST]), [NOON])
    assert window.assign(["b"], signatures([EDITED]), [NOON]) == ["a"]
    assert window.assign(["c"], signatures([EDITED]), [NOON]) == ["a"]


def test_single_calls_agree_with_the_batch() -> None:
    window = Window()
    first, edited = signatures([FIRST, EDITED])
    assert window.query(first) is None
    window.add("a", first, NOON)
    assert window.query(edited, NOON) == "a"
    assert window.query(first, NOON, id="a") is None


def test_repost_with_comment_is_the_original() -> None:
    repost = f"这事得有人管管 //@某人甲:求扩散//@某人乙:{FIRST}"
    assert core(repost) == FIRST
    assert signatures([repost]) == signatures([FIRST])


@pytest.mark.parametrize("text", ["", "好", "转发微博", "。。。！！", "\x00", "\ud800" * 50, "😀" * 100])
def test_too_little_text_has_no_signature(text: str) -> None:
    assert signatures([text, FIRST]) == [b"", signatures([FIRST])[0]]


def test_signature_does_not_depend_on_the_batch() -> None:
    texts = [FIRST, "", OTHER, "x" * 300_000, EDITED, "短"]
    assert signatures(texts) == [signatures([t])[0] for t in texts]
    assert {len(s) for s in signatures(texts)} == {0, 2 * HASHES}


def test_time_bound_is_the_askers_and_a_wrong_date_expires_nothing() -> None:
    window = Window(span=timedelta(days=1))
    window.add("a", signatures([FIRST])[0], NOON)
    window.add("z", signatures([OTHER])[0], datetime(2099, 1, 1, tzinfo=UTC))
    assert window.query(signatures([EDITED])[0], NOON + timedelta(hours=23)) == "a"
    assert window.query(signatures([EDITED])[0], NOON + timedelta(hours=25)) is None


def test_an_expired_first_makes_room_for_the_next() -> None:
    window = Window(span=timedelta(days=1))
    late = NOON + timedelta(days=3)
    sign = signatures([FIRST])
    assert window.assign(["a"], sign, [NOON]) == [None]
    assert window.assign(["b"], sign, [late]) == [None]
    assert window.assign(["c"], sign, [late]) == ["b"]


def test_size_bound_drops_the_oldest() -> None:
    window = Window(size=50)
    window.add("a", signatures([FIRST])[0], NOON)
    texts = [f"第{n}路公交车{n * 7919}站牌倒了{n * 104729}天没人扶起来" for n in range(500)]
    window.assign([f"t{n}" for n in range(500)], signatures(texts), [NOON] * 500)
    assert len(window) == 50
    assert window.query(signatures([FIRST])[0]) is None


def test_growing_keeps_what_is_held() -> None:
    window = Window(size=20_000)
    window.add("a", signatures([FIRST])[0], NOON)
    texts = [f"{n * 7919:x}号楼{n * 104729:x}室{n * 1299709:x}的住户来电" for n in range(9000)]
    window.add_many([f"t{n}" for n in range(9000)], signatures(texts), [NOON] * 9000)
    assert window.query(signatures([EDITED])[0]) == "a"


def test_replay_of_a_batch_changes_nothing() -> None:
    window = Window()
    rows = (["a", "b", "c"], signatures([FIRST, OTHER, EDITED]), [NOON] * 3)
    before = window.assign(*rows)
    assert window.assign(*rows) == before
    assert len(window) == 3


def test_a_changed_text_under_the_same_id_replaces_the_old_one() -> None:
    window = Window()
    window.assign(["a"], signatures([FIRST]), [NOON])
    window.assign(["a"], signatures([OTHER]), [NOON])
    assert window.query(signatures([FIRST])[0]) is None
    assert window.query(signatures([OTHER])[0]) == "a"
