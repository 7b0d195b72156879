"""Does a burst of short posts about something new become one new event, whatever the office has seen before?

    PYTHONPATH=.:tests:benchmarks python benchmarks/events_flash.py [SEEDS] [FIRST SEED] [two]

The sample town with its two weeks of matters (fires, sick children, smells, chatter) goes first. Then a matter of one
of six kinds happens in one of the towns, and 120 short posts tell of it within four minutes in many wordings, among 80
of chatter. The constants of `analysis.events` were chosen on seeds 0 to 3. Printed
for each kind: share of its posts in its largest event, how many of the matters have a largest event that began with
them, and how many posts older events took. With `two`, every two kinds happen in one town within ten minutes of each
other: printed is B-cubed over the posts of both. What an event's growth adds was chosen on seeds 1 to 3, and with `two`
on seeds 1 and 2.
"""

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

from events_grouping import b_cubed
from events_sample import START, document

from analysis.assess import Assessor
from analysis.events import Grouper
from app.console import read_config
from app.sample.timeline import timeline
from storage.types import Assessment, Document, Office

PLACES = (
    "上溪",
    "义亭",
    "赤岸",
    "大陈",
    "苏溪",
    "后宅街道",
    "城西街道",
    "江东街道",
    "稠江街道",
    "佛堂镇",
    "廿三里街道",
)
SAID = (
    "",
    "！",
    "。",
    "😱",
    "[泪]",
    "，求官方说法",
    "，有没有人管",
    "，谁知道怎么回事",
    "，附近的人注意安全",
    "，太吓人了",
)
KINDS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "fire": (
        ("一家化工厂", "化工厂", "那家厂", "厂房", "化工仓库"),
        (
            "着火了，火光冲天",
            "起火了，浓烟很大",
            "爆炸了，听到几声巨响",
            "火太大了，消防车来了好几辆",
            "冒黑烟，呛得睁不开眼",
            "烧起来了，附近居民都跑出来了",
            "的火还没灭，隔着两条街都闻到刺鼻味道",
            "着火，听说有人没跑出来",
        ),
    ),
    "poison": (
        ("小学食堂", "那所小学", "学校午餐", "食堂的饭菜"),
        (
            "吃坏了，好多孩子上吐下泻",
            "有问题，孩子肚子痛送医院了",
            "的鸡块是臭的，孩子吐了一夜",
            "让几十个孩子住院，医院都坐满了",
            "出事了，家长都堵在校门口",
            "吃了发烧呕吐，化验单都出来了",
            "到底哪家供的，配餐公司不见人",
        ),
    ),
    "smell": (
        ("垃圾站", "村口垃圾站", "那个垃圾中转站", "垃圾堆"),
        (
            "臭得不敢开窗",
            "的臭味半夜熏醒人",
            "污水流到路上了，苍蝇成群",
            "味道刺鼻，孩子咳嗽",
            "一周没清运，臭气熏天",
            "又在烧垃圾，黑烟滚滚",
        ),
    ),
    "water": (
        ("我们这里", "整个小区", "这一片", "家里"),
        (
            "停水三天了",
            "的自来水是黄的",
            "水龙头放出来全是泥",
            "没水做饭洗澡，水厂电话打不通",
            "水又停了，一点通知都没有",
            "的水有股怪味，不敢喝",
        ),
    ),
    "bridge": (
        ("大桥", "那座桥", "桥面", "老桥"),
        (
            "塌了一截，有车掉下去了",
            "裂了好大一条缝",
            "封了，桥墩歪了",
            "断了，救援的人刚到",
            "出事了，两头堵死",
            "塌下来的时候声音像打雷",
        ),
    ),
    "wages": (
        ("工地", "楼盘工地", "那个项目部", "工地老板"),
        (
            "欠了半年工资不发",
            "拖欠民工血汗钱，老板跑了",
            "门口好多工人讨薪",
            "的工人拉横幅要钱",
            "不给钱还打人，工人报警了",
            "欠薪，工人爬上塔吊",
        ),
    ),
}
CHATTER = (
    "今天天气真好",
    "晚上吃什么好呢",
    "新买的手机到了",
    "商贸城好多人",
    "周末去古镇玩",
    "公交车又晚点了",
    "孩子开学了",
    "楼下新开了家面馆",
    "篮球赛赢了",
    "地铁上看到一只猫",
    "奶茶排队一小时",
    "电影挺好看的",
    "终于下雨了",
    "健身第一天",
    "求推荐火锅店",
    "加班到现在",
)


@dataclass(frozen=True, slots=True)
class Matter:
    kind: str
    town: str
    documents: list[Document]
    noise: list[Document]


def matter(seed: int, kind: str, at: datetime, places: Sequence[str] = PLACES) -> Matter:
    """120 posts about something that happens in one of these places, and chatter between them."""
    rng = random.Random(f"{kind}{seed}")
    town = rng.choice(places)
    where, told = KINDS[kind]
    short = town.removesuffix("街道").removesuffix("镇")

    def post(name: str, n: int, text: str) -> Document:
        moment = at + timedelta(seconds=2 * n)
        return Document(
            id=f"{kind}-{seed}-{name}{n}", text=text, kind="social", source="weibo", author=f"{name}{n}",
            published_at=moment, fetched_at=moment,
        )  # fmt: skip

    named = (town, short, f"{short}这边", f"我在{short}，")
    posts = [
        post("p", n, f"{rng.choice(named)}{rng.choice(where)}{rng.choice(told)}{rng.choice(SAID)}") for n in range(120)
    ]
    noise = [post("n", n, f"{rng.choice(CHATTER)}，{rng.choice(CHATTER)}{rng.choice(SAID[:4])}") for n in range(80)]
    return Matter(kind, town, posts, noise)


def assigned(
    office: Office, assessor: Assessor, base: Sequence[tuple[Document, Assessment]], posts: Sequence[Document]
) -> dict[str, str]:
    """Document → event."""
    grouper = Grouper(office)
    found: dict[str, str] = {}
    fresh = sorted(posts, key=lambda d: (d.fetched_at, d.id))
    pairs = [(d, a) for d, a in zip(fresh, assessor.assess(fresh), strict=True) if isinstance(a, Assessment)]
    every = [*base, *pairs]
    for start in range(0, len(every), 20):
        part = every[start : start + 20]
        for (d, _), given in zip(part, grouper.assign(part), strict=True):
            found[d.id] = given.event
    return found


def at_once(
    office: Office, assessor: Assessor, base: Sequence[tuple[Document, Assessment]], last: datetime, seeds: range
) -> None:
    """Two matters of different kinds in one town."""
    scores = []
    for one, other in combinations(KINDS, 2):
        for seed in seeds:
            rng = random.Random(f"{one}{other}{seed}")
            town = (rng.choice(PLACES),)
            first = matter(seed, one, last, town)
            second = matter(seed, other, last + timedelta(seconds=rng.choice((1, 61, 601))), town)
            found = assigned(office, assessor, base, [*first.documents, *second.documents, *first.noise])
            gold = {d.id: told.kind for told in (first, second) for d in told.documents}
            scores.append(b_cubed(gold, found))
    precision, recall = (sum(v) / len(scores) for v in ([s.precision for s in scores], [s.recall for s in scores]))
    print(f"two at once in one town, {len(scores)} times: precision {precision:.3f} recall {recall:.3f}")


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    office = read_config(Path("config")).office
    assessor = Assessor(office)
    documents = sorted((document(item) for item in timeline(START)), key=lambda d: d.at)
    base = [(d, a) for d, a in zip(documents, assessor.assess(documents), strict=True) if isinstance(a, Assessment)]
    last = documents[-1].at + timedelta(hours=1)
    if "two" in sys.argv:
        at_once(office, assessor, base, last, range(first, first + seeds))
        return
    shares, new, others, mixed = defaultdict(list), Counter[str](), Counter[str](), Counter[str]()
    for kind in KINDS:
        for seed in range(first, first + seeds):
            told = matter(seed, kind, last)
            found = assigned(office, assessor, base, [*told.documents, *told.noise])
            events = Counter(found[d.id] for d in told.documents)
            largest, most = events.most_common(1)[0]
            old = {found[d.id] for d in documents}
            shares[kind].append(most / len(told.documents))
            new[kind] += largest not in old
            others[kind] += sum(n for e, n in events.items() if e in old)
            mixed[kind] += sum(found[d.id] == largest for d in told.noise)
    for kind, found_shares in shares.items():
        mean = sum(found_shares) / seeds
        print(
            f"{kind:8} largest event {mean:.2f} (least {min(found_shares):.2f})  new {new[kind]}/{seeds}"
            f"  posts in older events {others[kind] / seeds:.1f}  chatter in it {mixed[kind] / seeds:.1f}"
        )
    every = [share for found_shares in shares.values() for share in found_shares]
    print(f"all      largest event {sum(every) / len(every):.3f}  new {sum(new.values())}/{len(every)}")


if __name__ == "__main__":
    main()
