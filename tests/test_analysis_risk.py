"""The score: by hand, metamorphic, hostile, and its sentence."""

import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_office import small_office

from alerts.levels import target
from analysis.risk import consistency, score, weights
from analysis.risk_factors import wilson
from storage.types import Event, Member, Risk

OFFICE = small_office()
START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
NOW = START + timedelta(hours=6)
EVENT = Event(id="ev1", title="t", first_at=START, last_at=NOW, detected_at=START, topic="food-drug")


def member(i: int, **fields: object) -> Member:
    base = Member(
        event="ev1",
        document=f"d{i}",
        at=START + timedelta(minutes=i),
        seen_at=START + timedelta(minutes=i),
        kind="social",
        source=f"s{i % 3}",
        sentiment=0.9,
        negative=True,
        topic="food-drug",
        authority=0.4,
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def x(risk: Risk, code: str) -> float | None:
    return next(f.x for f in risk.factors if f.code == code)


def twice(members: list[Member]) -> list[Member]:
    """Every post once more, as the store would have it: a near-duplicate of the first."""
    return members + [replace(m, document=m.document + "b", duplicate_of=m.duplicate_of or m.document) for m in members]


members_of = st.lists(
    st.builds(
        lambda i, minute, negative, kind, likes: member(
            i,
            seen_at=START + timedelta(minutes=minute),
            at=START + timedelta(minutes=minute),
            negative=negative,
            sentiment=0.9 if negative else 0.1,
            kind=kind,
            likes=likes,
        ),
        st.integers(0, 10_000),
        st.integers(0, 600),
        st.booleans(),
        st.sampled_from(["social", "forum", "news", "hotline", "message"]),
        st.none() | st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda m: m.document,
)


def test_points_add_up_and_weights_are_said() -> None:
    risk = score(EVENT, [member(i) for i in range(20)], OFFICE, NOW)
    assert risk.score == pytest.approx(sum(f.points for f in risk.factors))
    assert sum(f.weight for f in risk.factors if f.x is not None) == pytest.approx(1)
    for f in risk.factors:
        assert f.x is not None
        assert f.points == pytest.approx(100 * f.weight * f.x)
        assert f.text
    assert x(risk, "S") == 0.9
    assert x(risk, "R") == pytest.approx(6 / 48)


def test_missing_input_is_renormalised_and_said() -> None:
    risk = score(replace(EVENT, topic=None), [member(i, topic=None) for i in range(5)], OFFICE, NOW)
    assert x(risk, "S") is None
    assert sum(f.weight for f in risk.factors if f.x is not None) == pytest.approx(1)
    assert any(r.code == "missing.S" for r in risk.reasons)
    assert "缺：敏感度" in risk.sentence


def test_one_angry_post_is_not_all_negative() -> None:
    one = x(score(EVENT, [member(1)], OFFICE, NOW), "N")
    many = x(score(EVENT, [member(i) for i in range(50)], OFFICE, NOW), "N")
    assert one is not None
    assert many is not None
    assert one < 0.25
    assert many > 0.8
    assert wilson(1, 1) == pytest.approx(0.2065, abs=1e-3)


def test_ten_posts_of_one_author_are_one_voice() -> None:
    alone = score(EVENT, [member(i, author="a") for i in range(10)], OFFICE, NOW)
    assert x(alone, "N") == x(score(EVENT, [member(1)], OFFICE, NOW), "N")


def test_nothing_is_known_before_it_was_seen() -> None:
    members = [member(i) for i in range(5)] + [member(9, at=START, seen_at=NOW + timedelta(hours=1), kind="news")]
    assert score(EVENT, members, OFFICE, NOW) == score(EVENT, members[:5], OFFICE, NOW)
    answered = replace(EVENT, answered_at=NOW + timedelta(minutes=1))
    assert score(answered, members, OFFICE, NOW).score == score(EVENT, members, OFFICE, NOW).score
    assert x(score(replace(EVENT, answered_at=NOW), members, OFFICE, NOW), "R") == 0


def test_floor_beats_cap_and_both_are_said() -> None:
    event = replace(EVENT, incident_grade="重大")
    risk = score(event, [member(1, ours=False)], OFFICE, NOW)
    assert (risk.floor, risk.cap) == (3, 1)
    assert target(risk, OFFICE) == 3
    assert "事件等级为重大" in risk.sentence
    assert "不属本地" in risk.sentence


def test_a_mark_of_one_post_makes_no_floor_but_three_do() -> None:
    members = [member(i) for i in range(20)]
    one = [replace(members[0], flags=("must.moral",)), *members[1:]]
    three = [replace(m, flags=("must.moral",)) for m in members[:3]] + members[3:]
    assert score(EVENT, one, OFFICE, NOW).floor is None
    assert score(EVENT, three, OFFICE, NOW).floor == 2
    assert score(replace(EVENT, flags=("must.moral",)), members, OFFICE, NOW).floor == 2


def test_what_names_places_elsewhere_alone_is_not_ours_until_one_voice_names_ours() -> None:
    talk = [member(i) for i in range(17)] + [member(50 + i, ours=False, area="hangzhou") for i in range(3)]
    assert [r.code for r in score(EVENT, talk, OFFICE, NOW).reasons] == ["cap.foreign"]
    here = member(90, area="beiyuan")
    asked = member(91, kind="message")
    for one in (here, asked):
        assert not score(EVENT, [*talk, one], OFFICE, NOW).reasons
    assert not score(EVENT, talk[:-1], OFFICE, NOW).reasons, "two of many may name any town"
    assert not score(EVENT, [*talk, *(member(100 + i) for i in range(20))], OFFICE, NOW).reasons, "too small a share"


def test_historic_members_do_not_raise_a_matter_of_today() -> None:
    today = [member(1)]
    old = [member(i, historic=True, at=START - timedelta(days=400)) for i in range(10, 60)]
    assert score(EVENT, today + old, OFFICE, NOW) == score(EVENT, today, OFFICE, NOW)


def test_a_historic_event_is_scored_as_of_its_own_time() -> None:
    event = replace(EVENT, historic=True)
    old = [member(i, historic=True, seen_at=NOW, at=START + timedelta(minutes=i)) for i in range(30)]
    first = score(event, old, OFFICE, NOW)
    assert first.score > 30
    assert score(event, old, OFFICE, NOW + timedelta(days=900)) == first


def test_sentence_says_why_and_what_would_raise_it() -> None:
    risk = score(EVENT, [member(i) for i in range(40)], OFFICE, NOW)
    assert risk.sentence.startswith(OFFICE.level_name(target(risk, OFFICE)))
    assert "敏感度" in risk.sentence
    assert "仍无权威回应" in risk.sentence
    assert re.search(r"距.级（..）(还差\d+分|不到1分)", risk.sentence)


def needed(risk: Risk, code: str, level: int) -> float:
    """The x at which this factor alone brings the next level."""
    factor = next(f for f in risk.factors if f.code == code)
    assert factor.x is not None
    return factor.x + (OFFICE.levels[level].threshold - risk.score) / (100 * factor.weight)


def test_each_way_to_the_next_level_leads_there() -> None:
    """What the card says must happen is done to the event, and the factor it names is where it has to be."""
    seen = set()
    for count, minutes in ((12, 300), (30, 340), (60, 350), (9, 100)):
        members = [member(i, at=START + timedelta(minutes=minutes), seen_at=START + timedelta(minutes=minutes),
                          negative=i % 3 > 0, sentiment=0.9 if i % 3 else 0.2) for i in range(count)]  # fmt: skip
        risk = score(EVENT, members, OFFICE, NOW)
        level = target(risk, OFFICE)
        for pattern, code in WAYS.items():
            found = re.search(pattern, risk.sentence)
            if not found:
                continue
            seen.add(code)
            number, later, event = float(found[1]), NOW, EVENT
            if code == "V":
                later = NOW + timedelta(hours=1)
                members_then = [*members, *(member(900 + i, at=later, seen_at=later) for i in range(int(number)))]
            elif code == "R":
                later, members_then = NOW + timedelta(hours=number + 0.5), members
            elif code == "N":
                bad = math.ceil(number / 100 * count)
                members_then = [replace(m, negative=i < bad, sentiment=0.9) for i, m in enumerate(members)]
            else:
                members_then = [*members, member(900, kind="news", authority=number)]
            assert (x(score(event, members_then, OFFICE, later), code) or 0) >= needed(risk, code, level) - 0.005, code
    assert seen >= {"V", "R"}


WAYS = {
    r"未来1小时新增(\d+)条以上": "V",
    r"再过(\d+)小时仍无权威回应": "R",
    r"负面占比升至(\d+)%": "N",
    r"有权重([\d.]+)以上的媒体报道": "A",
}


def test_the_highest_level_says_who_ends_it_and_a_cap_that_no_score_helps() -> None:
    grave = score(replace(EVENT, incident_grade="特别重大"), [member(i) for i in range(40)], OFFICE, NOW)
    assert grave.sentence.endswith("已是最高等级，降级须人工确认。")
    capped = score(EVENT, [member(i, ours=False) for i in range(40)], OFFICE, NOW)
    assert "不升级" in capped.sentence
    assert "即达到" not in capped.sentence


def test_no_members_at_all() -> None:
    risk = score(EVENT, [], OFFICE, NOW)
    assert 0 <= risk.score <= 100


@settings(max_examples=60, deadline=None)
@given(members_of)
def test_all_posts_twice(members: list[Member]) -> None:
    once, double = score(EVENT, members, OFFICE, NOW), score(EVENT, twice(members), OFFICE, NOW)
    assert x(once, "A") == x(double, "A")
    assert x(once, "N") == x(double, "N")
    before, after = x(once, "H"), x(double, "H")
    assert before is not None
    assert after is not None
    assert after > before or before in (0.0, 1.0)


@settings(max_examples=60, deadline=None)
@given(members_of, st.integers(1, 30))
def test_neutral_posts_added(members: list[Member], more: int) -> None:
    members = [m for m in members if m.seen_at <= NOW]
    calm = [member(20_000 + i, seen_at=START, negative=False, sentiment=0.1) for i in range(more)]
    before, after = x(score(EVENT, members, OFFICE, NOW), "N"), x(score(EVENT, members + calm, OFFICE, NOW), "N")
    assert after is not None
    assert before is None or after <= before + 1e-12
    assert before is None or before == 0 or after < before


@settings(max_examples=60, deadline=None)
@given(members_of, st.integers(-10_000, 10_000))
def test_everything_later_gives_the_same(members: list[Member], minutes: int) -> None:
    by = timedelta(minutes=minutes)
    later = [replace(m, at=m.at + by, seen_at=m.seen_at + by) for m in members]
    event = replace(EVENT, first_at=EVENT.first_at + by, last_at=EVENT.last_at + by, detected_at=EVENT.detected_at + by)
    assert score(event, later, OFFICE, NOW + by) == score(EVENT, members, OFFICE, NOW)


@settings(max_examples=40, deadline=None)
@given(members_of, st.randoms(use_true_random=False))
def test_order_and_second_delivery_change_nothing(members: list[Member], rng: object) -> None:
    shuffled = [*members, *members[:5]]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert score(EVENT, shuffled, OFFICE, NOW) == score(EVENT, members, OFFICE, NOW)


def test_pairwise_matrix() -> None:
    coherent = [[1, 2, 4], [1 / 2, 1, 2], [1 / 4, 1 / 2, 1]]
    assert weights(coherent) == pytest.approx((4 / 7, 2 / 7, 1 / 7))
    assert consistency(coherent) == pytest.approx(0, abs=1e-9)
    circular = [[1, 5, 1 / 5], [1 / 5, 1, 5], [5, 1 / 5, 1]]
    assert consistency(circular) > 0.1
    for bad in ([[1, 2], [2, 1]], [[1, -2], [-0.5, 1]], [[1, 2, 3]]):
        with pytest.raises(ValueError, match="判断矩阵"):
            consistency(bad)
