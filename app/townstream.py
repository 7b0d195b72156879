"""A town that does not exist, talking for some weeks: documents with known incidents, for replays and benchmarks.

    seed → chatter of every day + incidents (size, speed, platforms, reposts, rumour, reply) → outage delays → documents

Every text is put together from the parts below. The same seed gives the same stream; truth comes with it. Size alone
does not make the truth: an incident's level is drawn first, and what is seen follows from it.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from storage.types import Document, Kind

LEVELS = ("blue", "yellow", "orange", "red")
#: documents of an incident, from and to, and documents after which somebody who saw all would have raised it
_SIZE = {"blue": (5, 9, 3), "yellow": (18, 32, 8), "orange": (70, 120, 25), "red": (200, 300, 60)}
_LIKES = {"blue": 2, "yellow": 12, "orange": 120, "red": 900}
_FIRST, _SECOND = "锦秀望云枫丹金玉翠竹明月晨曦海棠", "华苑江湾溪谷城府景园新里公馆"
_WHEN = "今早|午后|傍晚|下班路上|周末|昨晚|趁天晴|雨停后|带孩子|陪父母|一个人|和同学|清早|夜里|刚才|前天"
_DOING = (
    "逛了|收拾|学做|尝了|换了|修好|借来|翻出|拍了|种下|买到|画了|晒了|听说|路过|打听|想念|寻找|送走|遇见|缝补|擦亮|"
    "整理|弹起|读完|写完|搬来|腌制|煮了|泡了"
)
_THINGS = (
    "银杏|豆浆|旧书|桂花|风筝|口琴|砂锅|梅干菜|红糖|绣球花|搪瓷杯|自行车|毛线|象棋|羽毛球|火腿|糖葫芦|竹篮|收音机|多肉|"
    "雨伞|围巾|相册|邮票|石榴|芋头|馄饨|麻糍|婺剧|灯笼|望远镜|拼图|木凳|金鱼|柚子|草帽|胶卷|陶罐|蜂蜜|枕头|花布|茶叶|"
    "鹦鹉|积木|雪菜|橘猫|书签|台灯|毛笔|算盘|露营|手账|滑板|吉他|烤饼|杨梅|荷叶|板栗|跳绳|画册"
)
_FEELING = "真好看|有点贵|很香|挺好玩|舍不得|正合适|手感好|想起小时候|值得再来|颜色真正|味道地道|差点忘了|又轻又软"
#: what only the people around one incident say
_DETAILS = (
    "{road}这边都在说", "{estate}的邻居也遇到了", "问过{road}社区，说不归他们管", "{estate}门口贴了通知又撕了",
    "从{road}路过就能看到",     "住在{estate}的亲戚也打电话来问", "{road}的店家都不敢吭声", "{estate}业主群里吵翻了",
)  # fmt: skip


def _pick(rng: random.Random, words: str) -> str:
    return rng.choice(words.split("|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Words of one kind of incident; {name} is the place or firm it is about."""

    topic: str
    suffix: str
    titles: tuple[str, ...]
    clauses: tuple[str, ...]
    news: str
    rumour: str


MATTERS = (
    Matter(
        topic="food-drug",
        suffix="学校食堂",
        titles=("{name}的饭菜让孩子吃坏肚子", "{name}疑似食物中毒", "{name}用变质的肉"),
        clauses=("{name}中午的肉是变质的", "班里好几个孩子吃坏肚子在医院挂水", "怀疑是食物中毒", "老师让家长先别声张",
                 "{name}的后厨没人管", "孩子吐了一夜，家长急坏了", "食品安全谁来负责", "要求公开{name}的进货单"),
        news="{name}部分学生就餐后身体不适，有关情况正在核查",
        rumour="听说{name}已经死了人，消息都被压下来了",
    ),
    Matter(
        topic="environment",
        suffix="印染厂",
        titles=("{name}夜里偷排污水", "{name}旁边的河水发黑", "{name}异味熏得睡不着"),
        clauses=("{name}半夜往河里排污水", "河面发黑，死鱼漂了一层", "异味刺鼻，老人直咳嗽", "窗户一年四季不敢开",
                 "{name}的烟囱冒黑烟", "投诉多次没人理", "排污口就在桥下面", "{name}到底有没有环评"),
        news="群众反映{name}排污，河道水质取样正在检测",
        rumour="听说{name}的污水已经进了自来水，全城的水都不能喝",
    ),
    Matter(
        topic="education",
        suffix="小学",
        titles=("{name}学区突然调整", "{name}入学名额不够", "买了房却上不了{name}"),
        clauses=("{name}学区说改就改", "入学名单什么时候公布", "当初买房就是为了{name}", "家长连个说法都没有",
                 "补课费和学费倒是一分不少", "{name}一个班塞了六十个人", "孩子九月去哪里入学", "教育局电话打不通"),
        news="{name}学区调整引发家长关注，相关说明会将于近期召开",
        rumour="听说{name}的入学名额花二十万就能买到",
    ),
    Matter(
        topic="tax",
        suffix="外贸公司",
        titles=("{name}的退税三个月没到账", "{name}退税被卡", "减税政策到{name}就变样"),
        clauses=("{name}出口退税三个月没到账", "资金压着发不出货", "窗口说系统升级，让再等等", "说好的减税降费呢",
                 "{name}几十个工人等着发钱", "同行的退税早就到了", "跑了五趟税务大厅", "{name}快撑不下去了"),
        news="部分企业反映退税到账时间较长，{name}等企业的申请正在核对",
        rumour="听说退税的钱被挪走了，{name}永远也拿不到",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What really happened, and how it should have been graded."""

    id: str
    topic: str
    level: str  #: id of a level that it deserves at its height
    fast: bool
    start: datetime
    due_at: datetime  #: when enough was public for that level
    peak_at: datetime  #: middle of the busiest hour
    documents: tuple[str, ...]
    rumour: bool = False
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TownStream:
    """Documents in order of arrival, and the truth."""

    documents: tuple[Document, ...]
    incidents: tuple[Incident, ...]


def town_stream(
    *,
    seed: int,
    start: datetime,
    days: int = 14,
    chatter: int = 60,
    incidents: Mapping[str, int] | None = None,
    outage: tuple[float, float] | None = None,
) -> TownStream:
    """A stream of `days` from `start` (with zone).

    chatter: everyday posts a day. incidents: how many of each level id. outage: (from, to) in hours after the start in
    which nothing could be fetched: what was published then arrives at its end.
    """
    rng = random.Random(seed)
    documents = _chatter(rng, start, days, chatter)
    found: list[Incident] = []
    for level, count in (incidents or {"blue": 4, "yellow": 3, "orange": 2, "red": 1}).items():
        for _ in range(count):
            incident, own = _incident(rng, f"i{len(found):02}", level, start, days)
            found.append(incident)
            documents += own
    documents = [_late(d, start, outage) for d in documents] if outage else documents
    documents.sort(key=lambda d: (d.fetched_at, d.id))
    return TownStream(documents=tuple(documents), incidents=tuple(found))


def _late(document: Document, start: datetime, outage: tuple[float, float]) -> Document:
    since, until = (start + timedelta(hours=h) for h in outage)
    return replace(document, fetched_at=until) if since <= document.fetched_at < until else document


def _name(rng: random.Random, suffix: str = "") -> str:
    return "".join(rng.sample(_FIRST, 2)) + "".join(rng.sample(_SECOND, 1)) + suffix


def _chatter(rng: random.Random, start: datetime, days: int, per_day: int) -> list[Document]:
    """Everyday posts by the rhythm of the day, fewer on days off."""
    made = []
    for day in range(days):
        at_day = start + timedelta(days=day)
        count = per_day if at_day.weekday() < 5 else per_day * 2 // 3
        for n in range(count):
            at = at_day + timedelta(hours=rng.triangular(6, 24, 20))
            one, two, three = rng.sample(_THINGS.split("|"), 3)
            first, then = _pick(rng, _WHEN) + _pick(rng, _DOING), _pick(rng, _DOING)
            text = f"{first}{one}，{two}{_pick(rng, _FEELING)}，{then}{three}"
            made.append(_document(f"c{day:02}{n:04}", at, rng.choice(("social", "forum")), "", text, 1, rng))
    return made


def _document(
    id: str, at: datetime, kind: Kind, title: str, text: str, liked: float, rng: random.Random
) -> Document:  # fmt: skip
    """One post with figures around `liked`; it comes in within five minutes."""
    likes = int(rng.expovariate(1 / max(liked, 0.1)))
    social = kind in ("social", "forum")
    return Document(
        id=id,
        title=title,
        text=text,
        kind=kind,
        source=f"{kind}-{rng.randint(1, 3)}",
        author=f"a{rng.randrange(10**9)}" if social else None,
        published_at=at,
        fetched_at=at + timedelta(seconds=rng.uniform(20, 300)),
        likes=likes if social else None,
        comments=likes // 4 if social else None,
        reposts=likes // 6 if social else None,
        extra={"示例": "是"},
        sample=True,
    )


def _incident(rng: random.Random, id: str, level: str, start: datetime, days: int) -> tuple[Incident, list[Document]]:
    smallest, largest, due = _SIZE[level]
    matter, fast, rumour = rng.choice(MATTERS), rng.random() < 0.5, level != "blue" and rng.random() < 0.3
    name = _name(rng, matter.suffix)
    began = start + timedelta(hours=rng.uniform(8, max(9.0, days * 24 - 90)))
    hours = sorted(
        rng.gammavariate(2, 1.5) if fast else rng.triangular(0, 60, 36) for _ in range(rng.randint(smallest, largest))
    )
    names = {"name": name, "road": _name(rng, "路"), "estate": _name(rng, "苑")}
    posts = [_post(rng, f"{id}-{n:03}", began + timedelta(hours=h), matter, names, level) for n, h in enumerate(hours)]
    answered = None
    if rumour:
        at = began + timedelta(hours=hours[len(hours) // 3])
        posts.append(_document(f"{id}-r", at, "social", "", matter.rumour.format(name=name), _LIKES[level], rng))
    if level in ("orange", "red"):
        at = began + timedelta(hours=hours[len(hours) // 5])
        title, text = matter.titles[0].format(name=name), matter.news.format(name=name) + "。"
        posts.append(_document(f"{id}-n", at, "news", title, text, 0, rng))
        answered = began + timedelta(hours=hours[-1] + 2)
        text = f"关于{name}有关情况，工作专班已进驻调查，结果将及时公布。"
        reply = _document(f"{id}-a", answered, "reply", f"关于{name}情况的通报", text, 0, rng)
        posts.append(replace(reply, reply_to=f"{id}-000"))
    posts += _reposts(rng, posts, level)
    times = sorted(p.fetched_at for p in posts)
    return (
        Incident(
            id=id,
            topic=matter.topic,
            level=level,
            fast=fast,
            start=began,
            due_at=times[min(due, len(times)) - 1],
            peak_at=_peak(times),
            documents=tuple(p.id for p in posts),
            rumour=rumour,
            answered_at=answered,
        ),
        posts,
    )


def _post(rng: random.Random, id: str, at: datetime, matter: Matter, names: Mapping[str, str], level: str) -> Document:
    """One person's words: two or three of the matter's clauses, one or two of the incident's own."""
    kind: Kind = rng.choices(("social", "forum", "message", "hotline"), (6, 3, 2, 1))[0]
    chosen = rng.sample(matter.clauses, rng.randint(2, 3)) + rng.sample(_DETAILS, rng.randint(1, 2))
    rng.shuffle(chosen)
    if not any("{name}" in c for c in chosen):
        chosen.insert(0, "{name}的事还有人管吗")
    title = rng.choice(matter.titles).format_map(names) if kind in ("forum", "message", "hotline") else ""
    return _document(id, at, kind, title, "，".join(chosen).format_map(names) + "。", _LIKES[level], rng)


def _reposts(rng: random.Random, posts: Sequence[Document], level: str) -> list[Document]:
    """A fifth as many copies of social posts within the hour."""
    social = [p for p in posts if p.kind == "social"]
    copies = []
    for n in range(len(social) // 5):
        original = rng.choice(social)
        at = original.fetched_at + timedelta(minutes=rng.uniform(2, 60))
        copy = _document(f"{original.id}x{n}", at, "social", "", f"{original.text}！", _LIKES[level] / 4, rng)
        copies.append(copy)
    return copies


def _peak(times: Sequence[datetime]) -> datetime:
    """Middle of the hour with most documents."""
    hour = timedelta(hours=1)
    busiest = max(times, key=lambda t: (sum(t <= u < t + hour for u in times), -t.timestamp()))
    return busiest + hour / 2
