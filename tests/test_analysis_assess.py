"""The whole assessment: order, purity, hostile input, and that nothing personal gets past it."""

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_office import small_office

from analysis.assess import Assessor
from analysis.words import segment
from storage.types import Assessment, Department, Document, Kind, UnreadableDocument

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ASSESSOR = Assessor(small_office())
ROWS = [
    json.loads(line)
    for line in (Path(__file__).with_name("labelled") / "sentiment.jsonl").read_text(encoding="utf-8").splitlines()
]
FLOORS = json.loads((Path(__file__).with_name("floors") / "labelled.json").read_text(encoding="utf-8"))


def document(text: str, kind: Kind = "message", **fields: str) -> Document:
    return Document(id=str(hash(text)), text=text, fetched_at=NOON, source="s", kind=kind, **fields)  # type: ignore[arg-type]


def assess(text: str, kind: Kind = "message", **fields: str) -> Assessment:
    (found,) = ASSESSOR.assess([document(text, kind, **fields)])
    assert isinstance(found, Assessment)
    return found


def test_a_grievance_from_end_to_end() -> None:
    found = assess("五爱路一家超市卖过期牛奶，孩子吃坏肚子，店家态度恶劣拒不退款。", title="投诉超市", area="北苑街道")
    assert found.sentiment.label == "negative"
    assert found.topic == "food-drug"
    assert found.departments[0].id == "scjg"
    assert {hit.id for hit in found.places} == {"wuai-road", "beiyuan"}
    assert found.text_kind == "complaint"
    assert found.has("kind.complaint")
    assert found.keywords
    assert found.tokens == segment(f"{found.masked_title}\n{found.masked_text}")
    assert sum((found.sentiment.negative, found.sentiment.neutral, found.sentiment.positive)) == pytest.approx(
        1, abs=0.001
    )
    assert all(words in f"{found.masked_title}\n{found.masked_text}" for words, _ in found.sentiment.spans)


def test_an_official_reply_that_was_filed_as_a_message_is_judged_as_a_reply() -> None:
    matter = "该处违章搭建、占道经营、乱倒垃圾情况属实"
    found = assess(f"经现场查看，{matter}，已督促物业限期拆除。")
    assert (found.sentiment.label, found.text_kind) == ("neutral", "reply")
    assert assess(f"去现场看过，{matter}，一直没有人来拆除。").sentiment.label == "negative"


def test_nothing_personal_is_left_anywhere() -> None:
    found = assess("我叫王小明，电话13800001234，隔壁太吵了投诉多次没人管，微信abc_12345也行", title="13800001234投诉")
    assert not any(secret in repr(found) for secret in ("13800001234", "王小明", "abc_12345"))


def test_order_is_kept_and_the_batch_does_not_matter() -> None:
    documents = [document(row["text"], row["kind"]) for row in ROWS]
    together = ASSESSOR.assess(documents)
    assert together == [ASSESSOR.assess([d])[0] for d in documents]
    assert [a.id for a in together if isinstance(a, Assessment)] == [d.id for d in documents]


def test_another_process_says_the_same() -> None:
    documents = [document(row["text"], row["kind"]) for row in ROWS[:10]]
    assert pickle.loads(pickle.dumps(ASSESSOR)).assess(documents) == ASSESSOR.assess(documents)


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "\ud800\udfff", "😀😀", "a", "啊" * 300_000, "<script>" * 99, "\u202e"]
)
@pytest.mark.parametrize("kind", ["message", "news", "social", "reply"])
def test_hostile_text_is_assessed(text: str, kind: Kind) -> None:
    found = assess(text, kind)
    found.masked_text.encode("utf-8")
    found.tokens.encode("utf-8")
    assert found.sentiment.label in {"negative", "neutral", "positive"}


def test_no_documents() -> None:
    assert ASSESSOR.assess([]) == []


def test_an_unreadable_document_keeps_its_place() -> None:
    bad = replace(document("x"), text=None)  # type: ignore[arg-type]
    first, second, third = ASSESSOR.assess([document("路灯坏了"), bad, document("谢谢")])
    assert isinstance(first, Assessment)
    assert isinstance(second, UnreadableDocument)
    assert isinstance(third, Assessment)


def test_scorer_is_a_plug_point() -> None:
    assert Assessor(replace(small_office(), scorer="snownlp")).version != ASSESSOR.version
    with pytest.raises(KeyError, match="own"):
        Assessor(replace(small_office(), scorer="none"))


def test_ranking_of_keywords_is_a_plug_point() -> None:
    text = "污水管又堵了，污水流到老街上，村民绕开老街走，老街的店铺都关了门，污水管年年堵"
    other = Assessor(replace(small_office(), keywords="textrank"))
    (found,) = other.assess([document(text)])
    assert isinstance(found, Assessment)
    assert found.keywords
    assert found.keywords != assess(text).keywords
    assert other.version != ASSESSOR.version
    with pytest.raises(KeyError, match="tfidf"):
        Assessor(replace(small_office(), keywords="none"))


def test_snownlp_judges_where_an_office_chooses_it() -> None:
    texts = ["这家店的东西很好，服务热情，非常满意", "质量太差了，退货也不理，再也不来", "", "😀"]
    found = Assessor(replace(small_office(), scorer="snownlp")).assess([document(t, "social") for t in texts])
    feelings = [a.sentiment for a in found if isinstance(a, Assessment)]
    assert [f.label for f in feelings] == ["positive", "negative", "neutral", feelings[3].label]
    assert all(f.spans == () and f.negative + f.neutral + f.positive == pytest.approx(1, abs=0.001) for f in feelings)
    assert feelings[0] != assess(texts[0], "social").sentiment


def test_keywords_of_a_repost_are_those_of_its_own_comment() -> None:
    told = "江湾小区的污水又倒灌进车库，物业一直不管"
    original = assess(told, "social")
    commented = assess(f"搅拌站早该关了 //@某乙:说得对//@某甲:{told}", "social")
    assert "搅拌站" in commented.keywords
    assert not set(original.keywords) & set(commented.keywords)
    assert {"污水", "搅拌站"} <= set(commented.tokens.split())  # both are found
    for empty in ("转发微博", "", "[怒]"):
        assert assess(f"{empty}//@某甲:{told}", "social").keywords == original.keywords
    assert assess("转发微博", "social").keywords == ()


def test_sentiment_towards_each_target() -> None:
    text = "北苑街道的绿道真漂亮，大家都说好，点赞！佛堂镇的垃圾没人管，臭气熏天，太差了。"
    found = {target.id: target for target in assess(text, "social").targets}
    assert list(found) == ["beiyuan", "fotang"]
    assert found["beiyuan"].negative < found["fotang"].negative
    assert found["fotang"].label == "negative"


def test_a_town_that_is_department_and_place_is_one_target() -> None:
    office = small_office()
    town = Department(id="fotang", name="佛堂镇", type="town", area="fotang", channels=("mail",))
    assessor = Assessor(replace(office, departments=dict(office.departments) | {"fotang": town}))
    for text in ("佛堂镇的路灯坏了", "佛堂镇的路灯坏了。佛堂镇没人来修！市监局也不管。"):
        (found,) = assessor.assess([document(text)])
        assert isinstance(found, Assessment)
        ids = [target.id for target in found.targets]
        assert ids[0] == "fotang"
        assert len(ids) == len(set(ids))


def test_a_department_is_a_target_and_the_city_or_a_homonym_is_not() -> None:
    whole = assess("市监局三天了还不来查，太差了")
    assert [(t.id, t.label) for t in whole.targets] == [("scjg", whole.sentiment.label)]
    assert assess("义乌今天下雨了。路上很堵。").targets == ()
    assert assess("沈阳五爱路的服装市场真乱。太差了。").targets == ()


def test_labelled_sentences() -> None:
    found = [assess(row["text"], row["kind"]) for row in ROWS]
    wrong = [row["text"] for row, a in zip(ROWS, found, strict=True) if a.sentiment.label != row["label"]]
    assert 1 - len(wrong) / len(ROWS) >= FLOORS["sentiment.accuracy"], wrong
    kinds = [(row, a) for row, a in zip(ROWS, found, strict=True) if row["text_kind"] != "other"]
    missed = [(row["text"], row["text_kind"], a.text_kind) for row, a in kinds if a.text_kind != row["text_kind"]]
    assert 1 - len(missed) / len(kinds) >= FLOORS["text_kind.accuracy"], missed
