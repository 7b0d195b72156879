"""Places and departments: ours or a homonym, whose duty, and why."""

from dataclasses import replace

from small_office import small_office

from analysis.characters import fold_batch
from analysis.departments import Catalogue, catalogue
from analysis.places import Gazetteer, chain
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


def test_area_column_and_chain() -> None:
    hit = GAZETTEER.named("佛堂镇")
    assert hit is not None
    assert hit.id == "fotang"
    assert GAZETTEER.named("火星") is None
    assert chain("wuai-road", OFFICE.places) == ["wuai-road", "beiyuan", "yiwu"]


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
