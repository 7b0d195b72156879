"""Places and departments: ours or a homonym, whose duty, and why."""

from dataclasses import replace

import pytest
from small_office import small_office

from analysis.characters import fold_batch
from analysis.departments import Catalogue, catalogue
from analysis.places import Gazetteer, best_place, chain
from analysis.topics import TopicMatcher
from storage.types import Place

OFFICE = small_office()
GAZETTEER = Gazetteer(OFFICE)


def test_full_name_beside_its_city_is_surest() -> None:
    alone, beside = GAZETTEER.find(["北苑街道停水", "义乌北苑街道停水"])
    assert (alone[0].id, alone[0].ours) == ("beiyuan", True)
    assert next(h for h in beside if h.id == "beiyuan").confidence > alone[0].confidence


def test_homonym_elsewhere_says_which_word_told() -> None:
    (hits,) = GAZETTEER.find(["沈阳五爱路市场着火"])
    assert [(hit.id, hit.ours, "沈阳" in hit.reason) for hit in hits] == [("wuai-road", False, True)]


def test_own_city_beats_the_word_of_elsewhere() -> None:
    (hits,) = GAZETTEER.find(["义乌五爱路有家沈阳饭店起火"])
    assert next(h for h in hits if h.id == "wuai-road").ours


def test_another_city_lowers_confidence() -> None:
    plain, doubtful = GAZETTEER.find(["佛堂的庙会", "杭州佛堂的庙会"])
    assert next(h for h in doubtful if h.id == "fotang").confidence < plain[0].confidence


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("深圳北苑", "深圳"),
        ("深圳市北苑街道停水", "深圳市"),
        ("广东省深圳市北苑街道着火", "广东省深圳市"),
        ("深圳市福田区北苑街道着火", "深圳市福田区"),
        ("上海的北苑停水", "上海"),
        ("吉林省北苑街道", "吉林省"),
        ("杭州的佛堂", "杭州"),
        ("义乌人在石家庄市北苑街道迷了路", "石家庄市"),
    ],
)
def test_a_region_right_before_a_name_says_where_it_lies(text: str, region: str) -> None:
    (hits,) = GAZETTEER.find([text])
    hit = next(h for h in hits if h.id in {"beiyuan", "fotang"})
    assert not hit.ours
    assert f"「{region}」" in hit.reason
    assert hit.confidence <= 0.3


@pytest.mark.parametrize(
    "text",
    [
        "义乌北苑",
        "北苑街道",
        "义乌市北苑街道停水",
        "从深圳来北苑街道打工",
        "北苑街道和深圳北苑不是一个地方",
        "深圳北苑不是我们北苑街道",
        "上海和北苑",
        "浙江省金华市义乌市北苑街道",
        "我市北苑街道",
    ],
)
def test_ours_stays_ours(text: str) -> None:
    (hits,) = GAZETTEER.find([text])
    assert next(h for h in hits if h.id == "beiyuan").ours


def test_what_the_city_lies_in_is_no_region_elsewhere() -> None:
    places = dict(OFFICE.places) | {
        "zhejiang": Place(id="zhejiang", name="浙江省", type="city", aliases=("浙江",), ours=False)
    }
    places["yiwu"] = replace(places["yiwu"], parent="zhejiang")
    (hits,) = Gazetteer(replace(OFFICE, places=places)).find(["浙江佛堂"])
    assert next(h for h in hits if h.id == "fotang").ours


def test_area_column_and_chain() -> None:
    hit = GAZETTEER.named("佛堂镇")
    assert hit is not None
    assert hit.id == "fotang"
    assert GAZETTEER.named("火星") is None
    assert chain("wuai-road", OFFICE.places) == ["wuai-road", "beiyuan", "yiwu"]


def test_a_place_within_the_sources_area_says_more_than_the_area() -> None:
    def best(text: str, area: str | None) -> tuple[str, bool] | None:
        (hits,) = GAZETTEER.find([text])
        place = best_place(GAZETTEER.with_area(hits, area))
        return (place.id, place.ours) if place else None

    assert best("这条路晚上没有灯", None) is None
    assert best("这条路晚上没有灯", "义乌") == ("yiwu", True), "a local source speaks of the city"
    assert best("佛堂镇这条路晚上没有灯", "义乌") == ("fotang", True)
    assert best("北苑街道这条路晚上没有灯", "佛堂镇") == ("fotang", True), "another one does not undo what is given"


def test_a_circle_in_the_file_ends() -> None:
    places = dict(OFFICE.places)
    places["yiwu"] = replace(places["yiwu"], parent="wuai-road")
    assert Gazetteer(replace(OFFICE, places=places)).find(["五爱路"])[0]
    assert chain("wuai-road", places) == ["wuai-road", "beiyuan", "yiwu"]


def test_duty_rule_comes_before_the_topics_own_department() -> None:
    guesses = catalogue(OFFICE, "food-drug", "小学食堂的饭变质了")
    assert [g.id for g in guesses] == ["jyj", "scjg"]
    assert "派单目录 2.3" in guesses[0].reason
    assert "食堂" in guesses[0].reason
    assert guesses[0].probability >= OFFICE.confirm_below > guesses[1].probability


def test_the_town_in_charge_supports() -> None:
    texts = ["五爱路超市卖过期牛奶"]
    batch = fold_batch(texts)
    topics = TopicMatcher(OFFICE).match(texts)
    (guesses,) = Catalogue(OFFICE).guess(batch, topics, GAZETTEER.find(texts))
    assert [g.id for g in guesses] == ["scjg", "beiyuan"]
    assert guesses[1].reason == "属地：五爱路"


def test_a_named_department_without_topic() -> None:
    assert [g.id for g in catalogue(OFFICE, None, "市监局的电话一直打不通")] == ["scjg"]
    assert catalogue(OFFICE, None, "今天天气不错") == []


def test_the_reason_names_what_stands_first() -> None:
    cities = [f"{a}州" for a in "广郑苏福兰温台杭湖常徐柳"]
    places = {name: Place(id=name, name=name, type="city", ours=False) for name in cities}
    gazetteer = Gazetteer(replace(OFFICE, places=dict(OFFICE.places) | places))
    for first in cities:
        (hits,) = gazetteer.find([f"{first}和{'、'.join(c for c in cities if c != first)}的人找不到五爱路"])
        assert f"外地「{first}」" in next(h for h in hits if h.id == "wuai-road").reason
