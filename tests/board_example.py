"""A small living office for tests of the board: users of every role, events of every level, tasks, documents.

All texts are written for this project.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from argon2 import PasswordHasher
from small_office import small_office

from alerts.deadlines import deadlines
from dashboards import access
from dashboards.site import Site
from dashboards.web.app import create_app
from storage.open import open_stores
from storage.ports import Transaction
from storage.types import (
    Alert,
    Assessment,
    DepartmentGuess,
    Document,
    Event,
    LevelChange,
    Member,
    Office,
    PlaceHit,
    Reason,
    Risk,
    RiskFactor,
    Role,
    Sentiment,
    Source,
    SourceHour,
    StoredDocument,
    Task,
    TopicHit,
    User,
)

#: the real one takes a tenth of a second for each log-in, which is its purpose, not the tests'
access.HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PASSWORD = "Chunfeng-2026-huayu"
NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)

SOURCES = {
    s.id: s
    for s in (
        Source(id="town-forum", name="示例城论坛", type="forum", url="http://127.0.0.1:9/f", kind="forum", sample=True),
        Source(id="hotline", name="12345热线工单", type="file", url="http://127.0.0.1:9/h", kind="hotline"),
        Source(id="daily", name="示例日报", type="feed", url="http://127.0.0.1:9/r", kind="news", authority=0.6),
        Source(id="bureau", name="示例市政府网", type="list", url="http://127.0.0.1:9/g", kind="government"),
        Source(
            id="sleepy",
            name="停更的专栏",
            type="list",
            url="http://127.0.0.1:9/s",
            kind="news",
            enabled=False,
            note="备用",
        ),
    )
}

#: (event, topic, area, department, level, score, title, texts)
STORIES: tuple[tuple[str, str, str, str, int, float, str, tuple[str, ...]], ...] = (
    (
        "canteen",
        "food-drug",
        "beiyuan",
        "scjg",
        4,
        86.0,
        "北苑一小学食堂午餐后多名学生呕吐",
        (
            "孩子中午在学校食堂吃完饭就吐了，班里吐了七八个，学校到现在没有说法，是不是食物中毒？",
            "听说北苑那边小学食堂的鸡腿变质，好几个孩子送医院了，有没有人管？",
            "家长群都炸了，要求公布食堂进货单，检测结果什么时候出来？",
            "市场监管部门已到校封存留样，结果未出，请大家先不要传不实消息。",
        ),
    ),
    (
        "river",
        "environment",
        "fotang",
        "sthj",
        3,
        64.0,
        "佛堂段河水连续三天发黑发臭",
        (
            "佛堂镇上游排污口又在偷偷排污水，河面全是黑的，味道受不了。",
            "三天了，河边走路要捂鼻子，打了两次电话没有回音。",
        ),
    ),
    (
        "school-place",
        "education",
        "beiyuan",
        "jyj",
        2,
        44.0,
        "学区调整后新小区入学名额不足",
        ("学区划分公布后我们小区被划到三公里外，入学名额还不够，请教育部门解释划分依据。",),
    ),
    (
        "tax-form",
        "tax",
        "yiwu",
        "swj",
        1,
        23.0,
        "小微企业反映退税申报系统提示不清",
        ("退税申报到最后一步提示资料不全，又不说缺哪一项，跑了两趟窗口。",),
    ),
    (
        "lamp",
        "environment",
        "wuai-road",
        "sthj",
        0,
        11.0,
        "五爱路夜间施工噪声",
        ("五爱路工地凌晨两点还在打桩，噪声很大。",),
    ),
)

USERS: tuple[tuple[str, str, Role, str | None], ...] = (
    ("admin", "系统管理员", "admin", None),
    ("officer", "陈晓", "officer", None),
    ("reviewer", "沈静", "reviewer", None),
    ("leader", "周主任", "leader", None),
    ("lead-scjg", "王立", "lead", "scjg"),
    ("staff-scjg", "赵敏", "staff", "scjg"),
    ("lead-jyj", "李青", "lead", "jyj"),
)


@dataclass(slots=True)
class Clock:
    """A clock that tests set."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


def office() -> Office:
    """The small office, with sources."""
    return replace(small_office(), sources=SOURCES)


def make_site(folder: Path, clock: Clock | None = None, *, empty: bool = False) -> Site:
    """Stores in a folder, filled with users and stories."""
    here, clock = replace(office(), **({"sources": {}, "channels": {}} if empty else {})), clock or Clock()
    documents, ledger = open_stores(folder, segment=" ".join, timezone=here.timezone)
    site = Site(
        office=lambda: here,
        documents=documents,
        ledger=ledger,
        clock=clock,
        secret=b"a secret of at least thirty-two bytes.",
        author_key=b"another one",
        boot="first",
    )
    password = access.hash_password(PASSWORD)
    with ledger.begin() as tx:
        for name, display, role, department in USERS:
            tx.users.save(
                User(name=name, display=display, roles=(role,), department=department, password_hash=password)
            )
        for number, story in enumerate(() if empty else STORIES):
            add_story(site, tx, number, story)
        if not empty:
            add_coverage(tx, clock())
    return site


@contextmanager
def open_site(folder: Path, clock: Clock | None = None, *, empty: bool = False) -> Iterator[Site]:
    """`make_site`, with its stores closed at the end."""
    made = make_site(folder, clock, empty=empty)
    try:
        yield made
    finally:
        made.documents.close()
        made.ledger.close()


def stored(
    name: str,
    text: str,
    at: datetime,
    *,
    title: str = "",
    topic: str = "environment",
    area: str = "beiyuan",
    department: str = "sthj",
    event: str | None = None,
    url: str | None = None,
    author: str | None = None,
    duplicate_of: str | None = None,
) -> StoredDocument:
    """One assessed document."""
    negative = "请大家" not in text
    document = Document(
        id=name,
        text=text,
        title=title,
        fetched_at=at,
        published_at=at,
        source="town-forum",
        kind="forum",
        url=url,
        author=author,
        sample=True,
        reads=120,
        comments=8,
    )
    seen = Assessment(
        id=name,
        sentiment=Sentiment(
            label="negative" if negative else "neutral",
            negative=0.9 if negative else 0.2,
            neutral=0.08 if negative else 0.7,
            positive=0.02 if negative else 0.1,
            spans=(("没有", 0.4),),
        ),
        topics=(TopicHit(id=topic, words=(text[:2],), reason="规则命中"),),
        departments=(DepartmentGuess(id=department, probability=0.93, reason="派单目录"),),
        places=(PlaceHit(id=area, name=small_office().places[area].name, confidence=0.9, ours=True, reason="地名"),),
        keywords=("食堂", "检测") if topic == "food-drug" else ("噪声",),
        tokens=" ".join(f"{title} {text}".lower()),
        text_kind="question" if "？" in text else "complaint",
    )
    return StoredDocument(document=document, assessment=seen, event=event, duplicate_of=duplicate_of)


def risk(score: float) -> Risk:
    """A score with its terms."""
    terms = (
        ("S", "敏感度", 0.24, "食品安全，涉及学生"),
        ("V", "速度", 0.21, "近1小时较平时快4倍"),
        ("H", "热度", 0.16, "阅读480，评论32"),
    )
    factors = tuple(
        RiskFactor(code=code, name=name, weight=weight, x=score / 100, points=score * weight, text=text)
        for code, name, weight, text in terms
    )
    missing = RiskFactor(code="C", name="扩散面", weight=0.08, x=None, points=0, text="缺：外地转发数")
    return Risk(
        score=score,
        factors=(*factors, missing),
        reasons=(Reason(code="floor.must.moral", text="冲击民生底线，至少为黄色", evidence=("canteen-0",)),),
        sentence=f"{score:.0f}分：敏感度和速度贡献最大；若2小时内没有官方回应，预计再升3分。",
    )


def add_story(
    site: Site, tx: Transaction, number: int, story: tuple[str, str, str, str, int, float, str, tuple[str, ...]]
) -> None:
    """One event with its documents, level changes and, from yellow on, a task."""
    name, topic, area, department, level, score, title, texts = story
    now = site.clock()
    rows = []
    for index in range(max(len(texts), 3 * level)):
        text = texts[index % len(texts)]
        at = now - timedelta(minutes=20 + 47 * index + 5 * number)
        copy = f"{name}-{index % len(texts)}" if index >= len(texts) else None
        rows.append(
            stored(
                f"{name}-{index}",
                text,
                at,
                title=title if index == 0 else "",
                topic=topic,
                area=area,
                department=department,
                event=name,
                author=f"hash-{index}",
                duplicate_of=copy,
                url=f"http://127.0.0.1:9/{name}/{index}",
            )
        )
    site.documents.put(rows)
    event = Event(
        id=name,
        title=title,
        first_at=rows[-1].document.at,
        last_at=rows[0].document.at,
        detected_at=rows[-1].document.at + timedelta(minutes=2),
        topic=topic,
        area=area,
        departments=(department,),
        documents=len(rows),
        negative=len(rows) - 1,
        level=level,
        score=score,
        risk=risk(score),
        representative=f"{name}-0",
        sample=True,
    )
    tx.events.save([event])
    tx.events.add_members(member(row, name) for row in rows)
    if level:
        tx.events.add_changes([change(event, now)])
    if level >= 2:
        add_task(tx, event, department, now)


def member(row: StoredDocument, event: str) -> Member:
    d = row.document
    return Member(
        event=event,
        document=d.id,
        at=d.at,
        seen_at=d.fetched_at,
        kind=d.kind,
        source=d.source,
        sentiment=row.assessment.sentiment.negative,
        negative=row.assessment.sentiment.label == "negative",
        author=d.author,
        duplicate_of=row.duplicate_of,
    )


def change(event: Event, now: datetime) -> LevelChange:
    return LevelChange(
        event=event.id,
        before=0,
        after=event.level,
        cause="score",
        score=event.score,
        reasons=(),
        who="system",
        at=now - timedelta(minutes=15),
    )


def add_task(tx: Transaction, event: Event, department: str, now: datetime) -> None:
    """An alert and its task, dispatched five minutes ago."""
    alert = Alert(
        id=f"alert-{event.id}",
        event=event.id,
        department=department,
        level=event.level,
        content_hash="",
        reasons=(),
        opened_at=now,
    )
    tx.tasks.open_alert(alert)
    task = Task(
        id=f"task-{event.id}",
        event=event.id,
        alert=alert.id,
        department=department,
        role="lead",
        title=event.title,
        level=event.level,
        state="dispatched",
        rule="R2",
        reasons=(Reason(code="route.R2", text="一地一部门：涉事责任部门为第一责任主体"),),
        created_at=now - timedelta(minutes=5),
        dispatched_at=now - timedelta(minutes=5),
    )
    clocks = deadlines(task, event, office(), now - timedelta(minutes=5), kinds=("forum",))
    tx.tasks.create([replace(task, deadlines=clocks)])


def add_coverage(tx: Transaction, now: datetime) -> None:
    """Two good sources, one failing, one silent."""
    start = now.replace(minute=0, second=0, microsecond=0)
    tx.frontier.sync(list(SOURCES.values()), now)
    for back in range(60):
        hour = start - timedelta(hours=back)
        tx.frontier.record(SourceHour(source="town-forum", hour=hour, polled=6, new=back % 5, delay_seconds=300.0))
        tx.frontier.record(SourceHour(source="hotline", hour=hour, polled=2, new=3 + back % 3, delay_seconds=900.0))
        tx.frontier.record(
            SourceHour(source="daily", hour=hour, polled=4, errors=4 if back < 20 else 0, last_error="连接超时（30秒）")
        )
        tx.frontier.record(SourceHour(source="bureau", hour=hour, polled=1, new=1 if back > 26 else 0))


@contextmanager
def serve(site: Site, port: int = 0) -> Iterator[str]:
    """The board on loopback, in a thread; yields its address."""
    config = uvicorn.Config(create_app(site), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    patience = time.monotonic() + 10
    while not server.started and time.monotonic() < patience:
        time.sleep(0.02)
    if not server.started:
        raise RuntimeError("the board did not start within 10 seconds")
    number = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{number}"
    finally:
        server.should_exit = True
        thread.join(10)
