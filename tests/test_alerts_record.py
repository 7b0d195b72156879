"""The whole process of one event in order, and the morning's list instead of a volley."""

from dataclasses import replace

from scenario import Scenario, moment
from small_office import small_office

from alerts.digest import bundle
from alerts.record import record
from storage.types import AuditEntry, Delivery, LevelChange, Reason

OFFICE = small_office()


def test_record_tells_everything_once_and_in_order() -> None:
    audit: list[AuditEntry] = []
    with Scenario("2025-09-25 10:00") as s:
        s.event("e1", level=2).at("10:05").expect("FIRST", "scjg")
        audit.append(s.act("sign", "scjg").audit)
        s.event("e1", level=2)
        s.at("11:00")
        audit.append(s.act("draft", "scjg", text="已责令下架并立案调查，9月26日公布结果。").audit)
        (task,) = s.tasks.values()
        change = LevelChange(
            event="e1",
            before=0,
            after=2,
            cause="score",
            score=45,
            reasons=(Reason(code="x", text="增长快"),),
            who="system",
            at=moment("2025-09-25 10:00"),
        )
        lines = record(
            s.events["e1"],
            [change],
            [task],
            s.replies.values(),
            s.outbox.values(),
            audit,
            OFFICE,
            {"lead-scjg": "李主任"},
        )
    texts = [line.text for line in lines]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert "未定级 → Ⅲ级（黄色）（45 分）：增长快" in texts
    assert any(t.startswith("交办市场监督管理局（牵头，R2）：") for t in texts)
    assert [(line.who, line.text) for line in lines if line.text == "签收"] == [("李主任", "签收")]
    assert "起草答复第 1 稿（21 字）" in texts
    assert any("内容未变化" in t and "未发送" in t for t in texts)
    assert not any("已责令" in t for t in texts)
    assert len(lines) == len({(line.at, line.text, line.object) for line in lines})


def row(n: int, **more: object) -> Delivery:
    made = Delivery(
        id=f"d{n}",
        idem_key=str(n),
        alert=None,
        task=f"t{n}",
        reason="FIRST",
        epoch="e",
        recipient="scjg",
        channel="mail",
        subject=f"【Ⅳ级（蓝色）】交办：事项{n}",
        body=f"事项{n}\n请登录系统办理：http://127.0.0.1:8000/tasks/t{n}",
        created_at=moment("2025-09-25 07:00"),
        not_before=moment("2025-09-25 07:00"),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_morning_of_calm_messages_is_one_list() -> None:
    rows = [
        row(1), row(2, urgent=True), row(3), row(4, provider_code="500"), row(5, recipient="sthj"),
        row(6, provider_code="unknown"), row(7, reason="HEARTBEAT"),
    ]  # fmt: skip
    sent = bundle(rows)
    assert [ids for _, ids in sent] == [("d1", "d3", "d4"), ("d2",), ("d5",), ("d6",), ("d7",)]
    listed = sent[0][0]
    assert listed.subject == "【汇总】3 项动态"
    assert listed.body.splitlines() == [
        "1. 【Ⅳ级（蓝色）】交办：事项1",
        "2. 【Ⅳ级（蓝色）】交办：事项3",
        "3. 【Ⅳ级（蓝色）】交办：事项4",
        "请登录系统办理：http://127.0.0.1:8000/tasks",
    ]


def test_two_are_no_list_and_a_hundred_are_a_short_one() -> None:
    assert [ids for _, ids in bundle([row(1), row(2)])] == [("d1",), ("d2",)]
    ((listed, ids),) = bundle([row(n) for n in range(100)])
    assert len(ids) == 100
    assert "另有 80 项" in listed.body
    assert bundle([]) == []


def test_two_messages_of_one_night_are_a_list() -> None:
    night = moment("2025-09-24 23:00")
    assert [ids for _, ids in bundle([row(1, created_at=night), row(2, created_at=night)])] == [("d1", "d2")]
    assert len(bundle([row(1, created_at=night), row(2)])) == 2
