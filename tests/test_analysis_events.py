"""Grouping: one matter one event, in any order of a batch, after a restart, after people's decisions."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_office import small_office

from analysis.events import Assignment, Grouper
from analysis.events_objects import objects
from analysis.events_people import event_id
from analysis.events_words import by_arrival
from storage.types import Assessment, Document, PlaceHit, Sentiment, StoredDocument

OFFICE = small_office()
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CALM = Sentiment(label="neutral", negative=0.2, neutral=0.6, positive=0.2)

MATTERS = (
    (
        "稠江搅拌站夜里施工吵",
        "稠江街道江湾小区旁边的混凝土搅拌站整夜施工，噪声和粉尘很大，江湾小区的老人孩子都睡不着。",
    ),
    ("江湾小区旁搅拌站粉尘", "江湾小区北门的搅拌站粉尘落满阳台，混凝土车从早开到晚，请稠江街道管一管这家搅拌站。"),
    ("搅拌站什么时候搬走", "江湾小区旁的混凝土搅拌站说好年底搬走，到现在搅拌站还在生产，粉尘噪声照旧。"),
    ("青口幼儿园收费退不了", "青口红日幼儿园停课三个月，保教费不肯退，红日幼儿园园长说总部没有钱，家长多次去要。"),
    ("红日幼儿园不退费", "孩子转走了，青口红日幼儿园的保教费拖着不退，十几个家长都在等红日幼儿园的答复。"),
    ("红日幼儿园家长求助", "红日幼儿园关门了，保教费一分没退，青口的家长不知道该找谁，请教育局过问红日幼儿园。"),
    ("宗泽路路灯不亮", "宗泽路从加油站到桥头的路灯坏了半个月，晚上骑车看不清路，摔倒过两个人。"),
    ("公交改道能不能提前通知", "今天等了四十分钟才知道八路车改道，站牌上什么都没贴，下次提前通知一声。"),
)


def pair(i: int, title: str, text: str, **fields: object) -> tuple[Document, Assessment]:
    at = START + timedelta(minutes=10 * i)
    base = Document(id=f"d{i}", title=title, text=text, kind="message", source="board", published_at=at, fetched_at=at)
    document = replace(base, **fields)  # type: ignore[arg-type]
    return document, Assessment(id=document.id, sentiment=CALM)


def matters() -> list[tuple[Document, Assessment]]:
    return [pair(i, title, text) for i, (title, text) in enumerate(MATTERS)]


def events(assignments: list[Assignment]) -> dict[str, str]:
    return {a.document: a.event for a in assignments}


def stored(pairs: list[tuple[Document, Assessment]], assigned: list[Assignment]) -> list[StoredDocument]:
    return [
        StoredDocument(document=d, assessment=a, event=x.event, duplicate_of=x.duplicate_of)
        for (d, a), x in zip(pairs, assigned, strict=True)
    ]


def test_matters_are_found_and_named_after_their_first() -> None:
    found = events(Grouper(OFFICE).assign(matters()))
    assert found["d0"] == found["d1"] == found["d2"] == event_id("d0")
    assert found["d3"] == found["d4"] == found["d5"] == event_id("d3")
    assert len({found["d0"], found["d3"], found["d6"], found["d7"]}) == 4


def test_alone_until_the_second_and_reasons_name_words() -> None:
    grouper = Grouper(OFFICE)
    first = grouper.assign(matters()[:1])[0]
    second = grouper.assign(matters()[1:2])[0]
    assert (first.alone, second.alone) == (True, False)
    assert first.event == second.event
    assert "搅拌站" in second.reasons[0].text
    assert second.reasons[0].evidence == ("d0",)


@settings(max_examples=25, deadline=None)
@given(st.permutations(matters()))
def test_any_order_within_a_batch(shuffled: list[tuple[Document, Assessment]]) -> None:
    assert events(Grouper(OFFICE).assign(shuffled)) == events(Grouper(OFFICE).assign(matters()))


def test_second_delivery_changes_nothing() -> None:
    grouper = Grouper(OFFICE)
    first = events(grouper.assign(matters()))
    assert events(grouper.assign([*matters(), *matters()[:3]])) == first
    assert len(grouper) == len(MATTERS)


def test_restart_goes_on_as_if_it_had_never_stopped() -> None:
    pairs = stream(300)
    straight, before = Grouper(OFFICE), Grouper(OFFICE)
    early = [a for i in range(0, 200, 20) for a in straight.assign(pairs[i : i + 20])]
    before.rebuild(stored(pairs[:200], early))
    for i in range(200, 300, 10):
        assert before.assign(pairs[i : i + 10]) == straight.assign(pairs[i : i + 10])


def test_a_restart_goes_by_arrival_though_the_store_reads_by_printed_time() -> None:
    late = random.Random(3)
    pairs = [(replace(d, published_at=d.at - timedelta(hours=late.choice((0, 0, 5, 40)))), a) for d, a in stream(240)]
    straight, before = Grouper(OFFICE), Grouper(OFFICE)
    early = [a for i in range(0, 200, 20) for a in straight.assign(pairs[i : i + 20])]
    rows = sorted(stored(pairs[:200], early), key=lambda row: (row.document.at, row.document.id))
    assert [row.document.id for row in rows] != [d.id for d, _ in pairs[:200]]
    before.rebuild(rows)
    assert before.assign(pairs[200:]) == straight.assign(pairs[200:])


def test_by_arrival_holds_only_so_many() -> None:
    pairs = stream(50)
    rows = stored(pairs, Grouper(OFFICE).assign(pairs))
    read: list[str] = []

    def source() -> Iterator[StoredDocument]:
        for row in rows:
            read.append(row.document.id)
            yield row

    first = next(by_arrival(source(), at_hand=5))
    assert (first.document.id, len(read)) == ("d0", 6)


def stream(n: int) -> list[tuple[Document, Assessment]]:
    """Variations on the matters above: whose words, which order, which kind."""
    rng = random.Random(7)
    found = []
    for i in range(n):
        title, text = rng.choice(MATTERS)
        clauses = [c for c in text.split("，") if c]
        rng.shuffle(clauses)
        kind = rng.choice(["social", "message", "forum"])
        found.append(pair(i, title if kind != "social" else "", "，".join(clauses[: rng.randint(1, 4)]), kind=kind))
    return found


def test_near_duplicates_are_spread() -> None:
    title, text = MATTERS[0]
    found = Grouper(OFFICE).assign([pair(0, title, text), pair(1, title, text + "！", kind="social")])
    assert found[1].duplicate_of == "d0"
    assert found[1].event == found[0].event


def test_floors_and_replies_follow_what_they_answer() -> None:
    grouper = Grouper(OFFICE)
    grouper.assign(matters())
    floor = pair(20, "", "顶一个", thread="d0", floor=2)
    reply = pair(21, "", "经核查，已责令整改。", kind="reply", reply_to="d3")
    found = events(grouper.assign([floor, reply]))
    assert found == {"d20": event_id("d0"), "d21": event_id("d3")}


def test_floors_that_come_before_their_opener() -> None:
    grouper = Grouper(OFFICE)
    floors = grouper.assign([pair(1, "", "顶一个", thread="d9"), pair(2, "", "同问", thread="d9")])
    opener = grouper.assign([pair(9, *MATTERS[6])])
    assert len({a.event for a in floors + opener}) == 1


def test_other_place_other_event() -> None:
    def at(i: int, place: str) -> tuple[Document, Assessment]:
        document, assessment = pair(i, "路灯坏了没人修", "小区门口的路灯坏了半个月，晚上出门看不清。" + "，" * i)
        hit = PlaceHit(id=place, name=place, confidence=1, ours=True, reason="")
        return document, replace(assessment, places=(hit,), signature=b"x")

    found = Grouper(OFFICE).assign([at(0, "beiyuan"), at(1, "beiyuan")])
    assert found[0].event == found[1].event


def test_merge_keeps_the_older_id_and_later_documents_follow() -> None:
    grouper = Grouper(OFFICE)
    grouper.assign(matters())
    kept = grouper.decide(kind="merge", event=event_id("d6"), other=event_id("d0"))
    assert kept == event_id("d0")
    assert grouper.resolve(event_id("d6")) == kept
    again = grouper.assign([pair(30, "宗泽路路灯还不亮", "宗泽路加油站到桥头的路灯坏了，骑车看不清路，又摔倒了人。")])
    assert again[0].event == kept


def test_split_is_not_undone() -> None:
    grouper = Grouper(OFFICE)
    grouper.assign(matters())
    new = grouper.decide(kind="split", event=event_id("d0"), documents=["d2"])
    assert new != event_id("d0")
    assert events(grouper.assign(matters()))["d2"] == new
    title, text = MATTERS[2]
    assert grouper.assign([pair(31, title, text)])[0].event == new


def test_pin_moves_a_document() -> None:
    grouper = Grouper(OFFICE)
    grouper.assign(matters())
    assert grouper.decide(kind="pin", event=event_id("d0"), documents=["d7"]) == event_id("d0")
    assert events(grouper.assign(matters()))["d7"] == event_id("d0")


def test_flare_up_is_a_new_event_that_names_the_old_one() -> None:
    grouper = Grouper(OFFICE)
    grouper.assign(matters())
    grouper.close(event_id("d0"))
    title, text = MATTERS[1]
    first = grouper.assign([pair(200, title, text)])[0]
    assert (first.event, first.previous, first.alone) == (event_id("d200"), event_id("d0"), True)
    second = grouper.assign([pair(201, title, text)])[0]
    assert (second.event, second.previous) == (event_id("d200"), None)


def test_after_72_hours_it_is_no_flare_up() -> None:
    grouper = Grouper(OFFICE)
    grouper.assign(matters())
    grouper.close(event_id("d0"))
    late = grouper.assign([pair(6 * 80, *MATTERS[1])])[0]
    assert (late.event, late.previous) == (event_id(f"d{6 * 80}"), None)


def test_a_wrong_date_expires_nothing() -> None:
    grouper = Grouper(OFFICE)
    grouper.assign(matters()[:1])
    grouper.assign([pair(50, "别的", "完全不同的一件小事情而已", published_at=datetime(2099, 1, 1, tzinfo=UTC))])
    assert grouper.assign(matters()[1:2])[0].event == event_id("d0")


def test_the_window_forgets() -> None:
    grouper = Grouper(OFFICE, window_days=1)
    grouper.assign([pair(i, *MATTERS[i % 8], kind="social") for i in range(20)])
    grouper.assign([pair(20 + i, "", f"第{i}件毫不相干的事情", kind="social", fetched_at=START + timedelta(days=3))
                    for i in range(3)])  # fmt: skip
    assert len(grouper) == 3


def test_a_named_school_is_told_from_any_school() -> None:
    assert objects("丹园学校食堂的饭菜") == objects("投诉丹园学校食堂") == {"学校 丹园"}
    assert objects("要求公布食堂供餐单位") == objects("这所实验小学") == objects("他在附近学校") == frozenset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("玉金华小学学区突然调整", {"学校 金华"}),  # a word of the dictionary, but a place's name
        ("竹晨里学校食堂的后厨没人管", {"学校 晨里"}),
        ("当初买房就是为了月曦城小学", {"学校 曦城"}),
        ("苏溪镇中心小学门口", {"学校 苏溪"}),
        ("义乌市第二中学的食堂", {"学校 第二"}),
        ("后宅小学和廿三里街道中心小学", {"学校 后宅", "学校 三里"}),
        ("金华医院都满了", set()),  # any hospital of the city
        ("大学校园里", set()),
        ("村里小学", set()),
        ("小区，学校，公司", set()),
        ("物业公司", set()),
    ],
)
def test_what_names_a_school_or_a_firm(text: str, found: set[str]) -> None:
    assert objects(text, ["后宅街道", "廿三里街道"]) == found


@given(st.text(alphabet="金华小学食堂里的第二中新，。 公司", max_size=30))
def test_names_are_two_characters_of_the_text(text: str) -> None:
    for name in (one.split()[1] for one in objects(text)):
        assert len(name) == 2
        assert name in text


def test_the_same_words_about_two_schools_are_two_matters() -> None:
    text = "{}学校食堂中午的肉是变质的，班里好几个孩子吃坏肚子在医院挂水，要求公开进货单，后厨没人管。"
    posts = [pair(i, "", text.format(n) + "！" * i, kind="social") for i, n in enumerate(["丹园", "月溪"] * 6)]
    found = events(Grouper(OFFICE).assign(posts))
    assert len({found[f"d{i}"] for i in range(0, 12, 2)}) == 1
    assert len(set(found.values())) == 2


STRANGERS = (
    ("路灯坏了", "我们小区门口的路灯坏了半个月了，晚上很黑，希望有关部门尽快处理。"),
    ("幼儿园退费", "幼儿园关门以后学费一直没有退，我们家长多次反映没有结果，希望有关部门尽快处理。"),
    ("工地夜里施工", "工地晚上十二点还在施工，噪音很大影响休息，希望有关部门尽快处理。"),
    ("河水发臭", "门口的河水发黑发臭，多次反映没有结果，影响居民生活，希望尽快处理。"),
    ("公交车少", "公交车要等很久，晚上没有车，影响居民出行，希望有关部门能够增加班次。"),
)


@pytest.mark.parametrize("kind", ["message", "hotline", "social", "forum"])
def test_five_matters_in_an_empty_office_are_five(kind: str) -> None:
    grouper = Grouper(OFFICE)
    found = [grouper.assign([pair(i, *matter, kind=kind)])[0] for i, matter in enumerate(STRANGERS)]
    assert len({a.event for a in found}) == len(STRANGERS)


def test_one_matter_in_an_empty_office_is_one() -> None:
    grouper = Grouper(OFFICE)
    assert len({grouper.assign([one])[0].event for one in matters()[:3]}) == 1


def test_one_letter_does_not_make_slow_what_hundreds_post() -> None:
    grouper = Grouper(OFFICE)
    grouper.assign([pair(0, *MATTERS[0], kind="social")])
    grouper.assign([pair(i, "", "顶一个", kind="social", thread="d0") for i in range(1, 30)])
    grouper.assign([pair(30, "", "同问", thread="d0")])
    held = grouper._index.events[event_id("d0")]
    assert (held.count, held.letters, held.slow) == (31, 1, False)


def test_hostile_texts() -> None:
    odd = ["", " ", "\ud800", "。" * 1000, "a" * 100_000, "😀" * 50, "\x00\x01", "\u202e" * 20]
    found = Grouper(OFFICE).assign([pair(i, "", text) for i, text in enumerate(odd)])
    assert len(found) == len(odd)
    assert Grouper(OFFICE).assign([]) == []


def told(n: int, text: str, place: str, at: datetime) -> tuple[Document, Assessment]:
    document = Document(id=f"{place}{n}", text=text, kind="social", source="weibo", published_at=at, fetched_at=at)
    name = OFFICE.places[place].name
    hit = PlaceHit(id=place, name=name, confidence=0.9, ours=OFFICE.places[place].ours, reason="全称")
    return document, Assessment(id=document.id, sentiment=CALM, places=(hit,))


FIRES = (
    "化工厂着火了，消防车来了好几辆",
    "化工厂冒黑烟，消防车堵在路口",
    "着火的化工厂听到几声巨响",
    "化工厂着火，黑烟呛得睁不开眼",
)


def test_a_new_matter_is_no_part_of_the_like_in_another_town_or_of_other_talk_in_the_same() -> None:
    grouper = Grouper(OFFICE)
    old = [told(n, f"佛堂镇{FIRES[n % 4]}{'。' * n}", "fotang", START + timedelta(minutes=n)) for n in range(8)]
    talk = [
        told(n, f"北苑街道{text}", "beiyuan", START) for n, text in enumerate(("早市的桂花糕好吃", "谁捡到一只猫"), 90)
    ]
    before = {a.event for a in grouper.assign([*old, *talk])}
    later = START + timedelta(hours=5)
    posts = [told(n, f"北苑街道{FIRES[n % 4]}{'！' * n}", "beiyuan", later + timedelta(seconds=n)) for n in range(12)]
    found = [a.event for a in grouper.assign(posts)]
    assert not before & set(found)
    assert len(set(found)) == 1, "and it is one matter, whichever words tell of it"


def test_the_same_words_about_another_school_are_voices_there_and_their_copies_are_spread() -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    words = "的学区又改了，家里孩子九月去哪里入学都不知道，教育局的电话打了一个星期也没有人接，请给家长一个说法。"
    posts = [
        pair(10 * s + n, "", f"{school}{words}", published_at=at + timedelta(minutes=20 * s + n), kind="social",
             fetched_at=at + timedelta(minutes=20 * s + n))
        for s, school in enumerate(("东江小学", "西山小学"))
        for n in range(4)
    ]  # fmt: skip
    for size in (1, 3, 8):  # the partition into batches makes no difference
        grouper = Grouper(OFFICE)
        found = [a for start in range(0, 8, size) for a in grouper.assign(posts[start : start + size])]
        assert len({a.event for a in found}) == 2
        assert [a.duplicate_of for a in found] == [None, "d0", "d0", "d0", None, "d10", "d10", "d10"]
        assert [a.duplicate_of for a in grouper.assign(posts)] == [a.duplicate_of for a in found]
    half = Grouper(OFFICE)
    half.rebuild(stored(posts[:6], grouper.assign(posts[:6])))
    assert [a.duplicate_of for a in half.assign(posts[6:])] == ["d10", "d10"]


def test_a_copy_makes_no_word_commoner() -> None:
    once, more = Grouper(OFFICE), Grouper(OFFICE)
    posts = stream(40)
    copies = [
        (replace(d, id=f"{d.id}x{n}", author="x"), replace(a, id=f"{d.id}x{n}"))
        for d, a in posts
        if len(d.text) > 12  # of a shorter text nobody can say what it copies
        for n in range(3)
    ]
    first, again = once.assign(posts), more.assign([*posts, *copies])
    assert events(first).items() <= events(again).items()
    assert [a.reasons for a in once.assign(stream(50)[40:])] == [a.reasons for a in more.assign(stream(50)[40:])]


def test_within_hours_at_one_place_one_shared_word_is_enough_however_alike() -> None:
    """A post that shares one word is of the matter however much of its few words that is."""
    grouper = Grouper(OFFICE)
    grouper.assign([told(0, f"北苑街道{FIRES[0]}", "beiyuan", START), told(1, "北苑街道桥面封了", "beiyuan", START)])
    found = grouper.assign([told(2, "北苑街道桥面断了，救援的人刚到", "beiyuan", START + timedelta(minutes=1))])
    assert found[0].event == event_id("beiyuan1")


BRIDGE = (
    ("大桥", "桥面", "老桥"),
    ("塌了一截，有车掉下去了", "裂了好大一条缝", "封了，桥墩歪了", "断了，救援的人刚到", "塌下来的时候声音像打雷"),
    ("", "！", "，太吓人了", "，求官方说法"),
)
PAY = (
    ("工地", "楼盘工地", "项目部"),
    ("欠了半年工资不发", "门口好多工人讨薪", "的工人拉横幅要钱", "拖欠民工血汗钱，老板跑了"),
    ("", "！", "，有没有人管", "，谁知道怎么回事"),
)


def burst(name: str, words: tuple[tuple[str, ...], ...], n: int) -> list[tuple[Document, Assessment]]:
    rng = random.Random(name)
    posts = []
    for i in range(n):
        document, assessment = told(i, "北苑街道" + "".join(map(rng.choice, words)), "beiyuan", START)
        at = START + timedelta(seconds=2 * i)
        document = replace(document, id=f"{name}{i}", published_at=at, fetched_at=at)
        posts.append((document, replace(assessment, id=document.id)))
    return posts


def batches(grouper: Grouper, pairs: list[tuple[Document, Assessment]]) -> dict[str, str]:
    return events([a for i in range(0, len(pairs), 20) for a in grouper.assign(pairs[i : i + 20])])


def test_one_matter_in_many_wordings_gathers_in_one_event_and_two_stay_two() -> None:
    bridge, pay = burst("bridge", BRIDGE, 100), burst("pay", PAY, 100)
    both = sorted([*bridge, *pay], key=lambda pair: (pair[0].fetched_at, pair[0].id))
    found = batches(Grouper(OFFICE), both)
    mains = []
    for name in ("bridge", "pay"):
        main, most = Counter(event for d, event in found.items() if d.startswith(name)).most_common(1)[0]
        assert most >= 80, (name, most)
        mains.append(main)
        assert sum(event == main for event in found.values()) == most
    assert mains[0] != mains[1]


def test_a_burst_goes_on_alike_after_a_restart() -> None:
    pairs = burst("bridge", BRIDGE, 100)
    straight, again = Grouper(OFFICE), Grouper(OFFICE)
    early = [a for i in range(0, 40, 20) for a in straight.assign(pairs[i : i + 20])]
    again.rebuild(stored(pairs[:40], early))
    assert batches(again, pairs[40:]) == batches(straight, pairs[40:])


def test_copies_of_what_a_person_split_off_stay_with_it() -> None:
    grouper, pairs = Grouper(OFFICE), burst("bridge", BRIDGE, 60)
    found = batches(grouper, pairs)
    main = Counter(found.values()).most_common(1)[0][0]
    off = next(d for d, _ in pairs if found[d.id] == main)
    apart = grouper.decide(kind="split", event=main, documents=[off.id])
    copy = replace(off, id="copy", text=off.text + "。", published_at=off.at + timedelta(minutes=5))
    copy = replace(copy, fetched_at=off.at + timedelta(minutes=5))
    hit = next(a for d, a in pairs if d.id == off.id)
    assert grouper.assign([(copy, replace(hit, id="copy"))])[0].event == apart


def test_a_copy_goes_where_the_matter_has_grown_and_its_copies_are_spread_there() -> None:
    def at(n: int, text: str) -> tuple[Document, Assessment]:
        return told(n, f"北苑街道{text}", "beiyuan", START + timedelta(minutes=n))

    grouper = Grouper(OFFICE)
    grouper.assign([at(0, "大桥封了，两边的桥墩都歪了")])
    texts = [
        "桥面裂了好大一条缝",
        "桥面一条缝好宽，裂到护栏",
        "桥面裂缝能伸进一只手",
        "桥面裂缝边上拉了警戒线",
        "大桥桥面裂缝好宽，桥墩上也有",
        "大桥桥面的裂缝一直到桥墩，护栏也斜了",
        "大桥桥面裂缝旁有人在拍桥墩",
        "大桥桥面裂缝是早上发现的，桥墩那里咔的一声",
        "大桥桥面裂缝，公交车停在桥墩那一头",
    ]
    found = [grouper.assign([at(n, text)])[0].event for n, text in enumerate(texts, 1)]
    assert set(found) == {event_id("beiyuan1")}, "the first post shares no word with the others"
    told_so_far = [at(n, text) for n, text in enumerate(["大桥封了，两边的桥墩都歪了", *texts])]
    copies = [at(21 + n, f"大桥封了，两边的桥墩都歪了{'！' * n}") for n in range(4)]
    found = grouper.assign(copies)
    assert {a.event for a in found} == {event_id("beiyuan1")}
    assert [a.duplicate_of for a in found] == [None, "beiyuan21", "beiyuan21", "beiyuan21"], "one voice and its spread"
    again = grouper.assign([*told_so_far, *copies])
    assert [(a.event, a.duplicate_of) for a in again[-4:]] == [(a.event, a.duplicate_of) for a in found]
    assert again[0].duplicate_of is None
    half = Grouper(OFFICE)
    before = Grouper(OFFICE)
    rows = [*told_so_far, *copies[:1]]
    half.rebuild(stored(rows, [before.assign([row])[0] for row in rows]))
    assert [(a.event, a.duplicate_of) for a in half.assign(copies[1:])] == [
        (a.event, a.duplicate_of) for a in found[1:]
    ]
