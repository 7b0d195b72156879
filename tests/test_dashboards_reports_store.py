"""A small real store for the tests of reports: sixty documents, four events, their tasks, answers and messages.

All texts are written for this project. The numbers here are counted by hand once and asserted against the store.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from small_office import small_office

from analysis.words import segment
from storage.open import open_stores
from storage.ports import DocumentQuery, DocumentStore, Ledger, Transaction
from storage.types import (
    Alert,
    Assessment,
    AuditEntry,
    Deadline,
    Delivery,
    DeliveryStatus,
    DepartmentGuess,
    Document,
    Event,
    Kind,
    LevelChange,
    Member,
    Office,
    PlaceHit,
    Reason,
    Reply,
    Risk,
    RiskFactor,
    Sentiment,
    Source,
    SourceHour,
    StoredDocument,
    Task,
    TopicHit,
    User,
)

ZONE = ZoneInfo("Asia/Shanghai")
#: 08:30 local: the daily brief is about the day before, Monday 2026-11-23
NOW = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
DAY = datetime(2026, 11, 23, tzinfo=ZONE)

SOURCES = {
    s.id: s
    for s in (
        Source(id="forum", name="示例城论坛", type="forum", url="http://127.0.0.1:9/f", kind="forum"),
        Source(id="hotline", name="12345热线工单", type="file", url="http://127.0.0.1:9/h", kind="hotline"),
        Source(id="news", name="示例日报", type="feed", url="http://127.0.0.1:9/n", kind="news", authority=0.6),
        Source(id="bureau", name="示例市政府网", type="list", url="http://127.0.0.1:9/g", kind="government"),
    )
}
#: event → (topic, area, department, level, score, title, hours after DAY of its documents)
EVENTS: dict[str, tuple[str, str, str, int, float, str, tuple[float, ...]]] = {
    "canteen": (
        "food-drug", "beiyuan", "scjg", 4, 86.0, "北苑一小学食堂午餐后多名学生呕吐",
        (12.4, 12.8, 13.0, 13.1, 13.2, 13.4, 13.5, 13.6, 13.8, 14.0, 14.1, 14.3, 14.5, 15.0, 15.4, 16.0, 16.6, 17.2,
         18.0, 19.5, 20.1, 21.7, 22.4, 24.5, 26.0, 31.0),
    ),
    "river": (
        "environment", "fotang", "sthj", 3, 64.0, "佛堂段河水连续三天发黑发臭",
        (-30.0, -26.0, -22.0, -16.0, -10.0, -3.0, 7.0, 8.5, 9.0, 10.0, 11.5, 14.0, 16.0, 19.0, 21.0, 25.0),
    ),
    "school-place": (
        "education", "beiyuan", "jyj", 2, 44.0, "学区调整后新小区入学名额不足",
        (8.0, 9.2, 10.4, 12.0, 15.5, 18.2, 20.0, 22.0),
    ),
    "lamp": ("environment", "wuai-road", "sthj", 0, 11.0, "五爱路夜间施工噪声", (1.5, 2.0, 2.2, 23.5)),
}  # fmt: skip
LONE = (0.5, 6.0, 9.9, 13.3, 17.7, -5.0)
TEXTS = {
    "canteen": (
        "孩子中午在学校食堂吃完饭就吐了，班里吐了七八个，学校到现在没有说法，是不是食物中毒？",
        "听说北苑那边小学食堂的鸡腿变质，好几个孩子送医院了，检测结果什么时候公布？",
        "家长群里都在问，食堂的进货单能不能公开？希望市场监管部门尽快给个说法。",
        "接诊的医生说症状都不重，孩子已经回家，但是家长要求检测结果什么时候公布要讲清楚。",
    ),
    "river": (
        "佛堂镇上游排污口又在偷偷排污水，河面全是黑的，味道受不了。",
        "三天了，河边走路要捂鼻子，打了两次电话没有回音，什么时候能有人来看看？",
    ),
    "school-place": (
        "学区划分公布后我们小区被划到三公里外，入学名额还不够，请教育部门解释划分依据。",
        "为什么隔壁小区能划进来，我们不能？划分依据是什么？",
    ),
    "lamp": ("五爱路工地凌晨两点还在打桩，噪声很大。",),
    "": ("今天文化礼堂的戏很好看，下周还有一场。",),
}
KINDS: tuple[tuple[Kind, str], ...] = (("forum", "forum"), ("hotline", "hotline"), ("forum", "forum"), ("news", "news"))


def office() -> Office:
    return replace(small_office(), sources=SOURCES)


def at(hours: float) -> datetime:
    """So many hours after the start of the day."""
    return DAY + timedelta(hours=hours)


def stored(event: str, number: int, hours: float) -> StoredDocument:
    """One document; the first quarter of an event's texts repeats as near-duplicates; lone ones are positive."""
    texts = TEXTS[event]
    text = texts[number % len(texts)]
    kind, source = KINDS[number % len(KINDS)]
    name = f"{event or 'lone'}-{number:02d}"
    topic, area, department = EVENTS[event][:3] if event else ("", "", "")
    negative = bool(event) and not (event == "canteen" and number % 4 == 3)
    document = Document(
        id=name, text=text, title=EVENTS[event][5] if event and number == 0 else "", fetched_at=at(hours),
        published_at=at(hours), source=source, kind=kind, url=f"http://127.0.0.1:9/{name}",
        author=f"hash-{number % 17}",
    )  # fmt: skip
    seen = Assessment(
        id=name,
        sentiment=Sentiment(
            label="negative" if negative else "positive" if not event else "neutral",
            negative=0.9 if negative else 0.1,
            neutral=0.05 if negative or not event else 0.8,
            positive=0.05 if negative or event else 0.85,
        ),
        topics=(TopicHit(id=topic, words=(text[:2],)),) if topic else (),
        departments=(DepartmentGuess(id=department, probability=0.93, reason="派单目录"),) if department else (),
        places=(PlaceHit(id=area, name=small_office().places[area].name, confidence=0.9, ours=True, reason="地名"),)
        if area else (),
        tokens=segment(text),
        text_kind="question" if "？" in text else "complaint" if event else "praise",
    )  # fmt: skip
    first = f"{event}-{number % len(texts):02d}" if event and number >= len(texts) else None
    return StoredDocument(document=document, assessment=seen, event=event or None, duplicate_of=first)


def build(folder: Path) -> tuple[Office, DocumentStore, Ledger]:
    """The stores in a folder, filled."""
    here = office()
    documents, ledger = open_stores(folder, segment=segment, timezone=here.timezone)
    rows = [stored(name, n, h) for name, story in EVENTS.items() for n, h in enumerate(story[6])]
    rows += [stored("", n, h) for n, h in enumerate(LONE)]
    documents.put(rows)
    with ledger.begin() as tx:
        for name, display, department in (("chen", "陈晓", None), ("wang", "王立", "scjg"), ("shen", "沈静", None)):
            tx.users.save(User(name=name, display=display, roles=("officer",), department=department))
        for name in EVENTS:
            _event(tx, name, [row for row in rows if row.event == name])
        _levels(tx)
        _tasks(tx)
        _coverage(tx)
    return here, documents, ledger


def _event(tx: Transaction, name: str, rows: list[StoredDocument]) -> None:
    topic, area, department, level, score, title, hours = EVENTS[name]
    event = Event(
        id=name, title=title, first_at=at(hours[0]), last_at=at(hours[-1]), detected_at=at(hours[0] + 0.1),
        topic=topic, area=area, departments=(department, "jyj") if name == "canteen" else (department,),
        documents=len(rows), negative=sum(r.assessment.sentiment.label == "negative" for r in rows), level=level,
        score=score, risk=_risk(score), representative=f"{name}-00",
        flags=("must.moral", "casualty") if name == "canteen" else (),
        answered_at=at(17.5) if name == "canteen" else None,
    )  # fmt: skip
    tx.events.save([event])
    tx.events.add_members(
        Member(
            event=name, document=r.document.id, at=r.document.at, seen_at=r.document.fetched_at, kind=r.document.kind,
            source=r.document.source, sentiment=r.assessment.sentiment.negative,
            negative=r.assessment.sentiment.label == "negative", author=r.document.author, duplicate_of=r.duplicate_of,
        )
        for r in rows
    )  # fmt: skip


def _risk(score: float) -> Risk:
    terms = (("S", "敏感度", 0.24, "食品安全，涉及学生"), ("V", "速度", 0.21, "近1小时较平时快4倍"),
             ("H", "热度", 0.16, "阅读480，评论32"))  # fmt: skip
    return Risk(
        score=score,
        factors=(
            *(RiskFactor(code=c, name=n, weight=w, x=score / 100, points=score * w, text=t) for c, n, w, t in terms),
            RiskFactor(code="C", name="扩散面", weight=0.08, x=None, points=0, text="缺：外地转发数"),
        ),
        reasons=(Reason(code="floor.must.moral", text="触及民生底线，至少为黄色", evidence=("canteen-00",)),),
        sentence="敏感度和速度贡献最大",
    )


def _levels(tx: Transaction) -> None:
    steps = (
        ("canteen", 0, 2, 13.2, "涉及未成年人"), ("canteen", 2, 3, 14.2, "一小时信息量上升4倍"),
        ("canteen", 3, 4, 15.1, "有人员就医"), ("river", 0, 2, -20.0, "持续反映"),
        ("river", 2, 3, 11.6, "热线与论坛同时反映"),
        ("school-place", 0, 2, 12.1, "多人咨询同一问题"),
    )  # fmt: skip
    tx.events.add_changes(
        LevelChange(event=e, before=b, after=a, cause="score", score=20.0 * a + 5, who="system", at=at(h),
                    reasons=(Reason(code="score", text=why),))
        for e, b, a, h, why in steps
    )  # fmt: skip


def _clock(task: str, step: str, start: float, hours: float, met: float | None, kind: str = "internal") -> Deadline:
    basis = "国办发〔2016〕61号" if kind == "statutory" else "本单位规定"
    return Deadline(
        task=task, step=step, kind="statutory" if kind == "statutory" else "internal", basis=basis, start_at=at(start),
        due_at=at(start + hours), hours=hours, met_at=at(met) if met is not None else None, text="",
    )  # fmt: skip


def _tasks(tx: Transaction) -> None:
    rows = (
        ("canteen", "scjg", "lead", "published", 13.3, 13.4, 17.5),
        ("canteen", "jyj", "support", "signed", 13.3, 14.6, None),
        ("river", "sthj", "lead", "dispatched", 11.7, None, None),
        ("school-place", "jyj", "lead", "return_pending", 12.2, None, None),
    )
    for event, unit, role, state, sent, signed, replied in rows:
        name = f"task-{event}-{unit}"
        tx.tasks.open_alert(Alert(id=f"alert-{event}-{unit}", event=event, department=unit, level=EVENTS[event][3],
                                  content_hash="", reasons=(), opened_at=at(sent)))  # fmt: skip
        task = Task(
            id=name, event=event, alert=f"alert-{event}-{unit}", department=unit,
            role="lead" if role == "lead" else "support", title=EVENTS[event][5], level=EVENTS[event][3],
            state=state, rule="R2", reasons=(Reason(code="route.R2", text="一地一部门"),), created_at=at(sent),  # type: ignore[arg-type]
            dispatched_at=at(sent), signed_at=at(signed) if signed else None, signed_by="wang" if signed else None,
            deadlines=(
                _clock(name, "sign", sent, 1.0, signed), _clock(name, "reply", sent, 48.0, replied, "statutory"),
            ),
        )  # fmt: skip
        tx.tasks.create([task])
        tx.audit.append(AuditEntry(actor="system", action="task.create", object=f"task:{name}", at=at(sent)))
        tx.audit.append(
            AuditEntry(actor="system", action="alert.open", object=f"alert:alert-{event}-{unit}", at=at(sent))
        )
        if signed:
            tx.audit.append(AuditEntry(actor="wang", action="task.sign", object=f"task:{name}", at=at(signed)))
    tx.tasks.add_reply(Reply(
        id="reply-1", task="task-canteen-scjg", version=1, author="wang", created_at=at(16.0), published_at=at(17.5),
        published_by="shen", secrecy_by="shen", legal_by="shen", wording_by="shen", channel="市政府网站",
        text="已封存留样并送检，检测结果将于两日内公布。",
    ))  # fmt: skip
    tx.audit.append(AuditEntry(actor="chen", action="event.grade", object="event:canteen", at=at(14.9),
                               after='{"note": "一般"}'))  # fmt: skip
    tx.outbox.add([_message("ok", "FIRST", 13.35), _message("suppressed", "NO_CHANGE", 13.9)])


def _message(status: DeliveryStatus, reason: str, hours: float) -> Delivery:
    return Delivery(
        id=f"m-{reason}", idem_key=f"k-{reason}", alert="alert-canteen-scjg", task="task-canteen-scjg", reason=reason,
        epoch="1", recipient="scjg", channel="mail", subject="红色 食堂", body="", created_at=at(hours),
        not_before=at(hours), status=status, sent_at=at(hours) if status == "ok" else None,
    )  # fmt: skip


def _coverage(tx: Transaction) -> None:
    """Two good sources, one failing, one silent, up to the moment of writing."""
    tx.frontier.sync(list(SOURCES.values()), NOW)
    for back in range(100):
        hour = NOW.replace(minute=0) - timedelta(hours=back)
        recent = back < 32
        for row in (
            SourceHour(source="forum", hour=hour, polled=6, new=2),
            SourceHour(source="hotline", hour=hour, polled=2, new=1),
            SourceHour(source="news", hour=hour, polled=4, errors=4 if recent else 0, last_error="连接超时（30秒）"),
            SourceHour(source="bureau", hour=hour, polled=1, new=0 if recent else 1),
        ):
            tx.frontier.record(row)


def test_the_store_holds_what_the_tests_count_on(tmp_path: Path) -> None:
    _, documents, ledger = build(tmp_path)
    day = DocumentQuery(since=DAY, until=at(24))
    assert documents.count(DocumentQuery()) == 60
    assert documents.count(day) == 49
    assert sorted(documents.facets(day, "event", size=9)) == [
        ("canteen", 23), ("lamp", 4), ("river", 9), ("school-place", 8),
    ]  # fmt: skip
    with ledger.read() as tx:
        assert tx.audit.verify() is None
        assert tx.events.find()[1] == 4
    documents.close()
    ledger.close()
