"""The contract of the ledger, on SQLite and on a real PostgreSQL."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from engines import MINUTE, NOW, postgresql, stored
from sqlalchemy import create_engine, inspect, text

from storage.ledger import SqlLedger, open_ledger
from storage.ledger.tables import metadata
from storage.ports import StaleVersion, StoreError
from storage.types import (
    Alert,
    AuditEntry,
    Correction,
    Deadline,
    Delivery,
    Event,
    Lease,
    LevelChange,
    Member,
    RawPage,
    Reply,
    Source,
    SourceHour,
    Task,
    User,
)

HOUR = 60 * MINUTE
REFUSE_CHANGE = """
    CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_append_only()
"""


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlLedger]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'minsheng.db'}"
    else:
        url = request.getfixturevalue("server")
        _empty(url)
    opened = open_ledger(url)
    yield opened
    opened.close()


def _empty(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as db:
        db.execute(text("SET session_replication_role = replica"))  # past the triggers of the audit
        present = set(inspect(db).get_table_names())
        for table in metadata.sorted_tables:
            if table.name in present:
                db.execute(table.delete())
        if present:
            db.execute(text("DROP TRIGGER IF EXISTS audit_no_change ON audit"))
            db.execute(text(REFUSE_CHANGE))
    engine.dispose()


def event(number: int | str, **fields: object) -> Event:
    given: dict[str, object] = {"title": f"第{number}件", "first_at": NOW, "last_at": NOW, "detected_at": NOW}
    return Event(id=f"e{number}", **(given | fields))  # type: ignore[arg-type]


def member(document: str, of: str, minutes: int = 0) -> Member:
    at = NOW + minutes * MINUTE
    return Member(
        event=of, document=document, at=at, seen_at=at, kind="forum", source="s", sentiment=0.9, negative=True
    )  # fmt: skip


def alert(number: int, **fields: object) -> Alert:
    given: dict[str, object] = {"event": "e1", "department": "scjg", "level": 2, "content_hash": "h", "reasons": ()}
    return Alert(id=f"a{number}", opened_at=NOW, **(given | fields))  # type: ignore[arg-type]


def task(number: int, **fields: object) -> Task:
    given: dict[str, object] = {
        "event": "e1", "alert": "a1", "department": "scjg", "role": "lead", "title": "核查", "level": 2,
        "state": "dispatched", "rule": "R2", "reasons": (), "created_at": NOW,
    }  # fmt: skip
    return Task(id=f"t{number}", **(given | fields))  # type: ignore[arg-type]


def deadline(of: int, minutes: int, **fields: object) -> Deadline:
    due = NOW + minutes * MINUTE
    return Deadline(
        task=f"t{of}", step="reply", kind="statutory", basis="国办发〔2016〕61号", start_at=NOW, due_at=due, **fields
    )  # type: ignore[arg-type]  # fmt: skip


def delivery(number: int, **fields: object) -> Delivery:
    given: dict[str, object] = {
        "idem_key": f"k{number}", "alert": "a1", "task": "t1", "reason": "FIRST", "epoch": "1", "recipient": "scjg",
        "channel": "mail", "subject": "黄色", "body": "请签收", "created_at": NOW, "not_before": NOW,
    }  # fmt: skip
    return Delivery(id=f"m{number}", **(given | fields))  # type: ignore[arg-type]


def test_an_exception_takes_everything_back(ledger: SqlLedger) -> None:
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(ledger)
    with ledger.read() as tx:
        assert tx.notes.get("k") is None
        assert tx.intake.waiting() == 0


def test_the_callers_own_errors_pass_untouched(ledger: SqlLedger) -> None:
    with pytest.raises(FileNotFoundError), ledger.begin():
        raise FileNotFoundError


def _write_and_fail(ledger: SqlLedger) -> None:
    with ledger.begin() as tx:
        tx.notes.put("k", "v")
        tx.intake.add([stored(1).document], NOW)
        raise ZeroDivisionError


def test_reading_is_one_snapshot_and_refuses_to_write(ledger: SqlLedger) -> None:
    with ledger.read() as tx:
        assert tx.notes.get("k") is None
        with ledger.begin() as other:
            other.notes.put("k", "v")
        assert tx.notes.get("k") is None
        with pytest.raises(StoreError, match="只能读取"):
            tx.notes.put("k", "w")
    with ledger.begin() as tx:  # the connection that only read can write again
        assert tx.notes.get("k") == "v"
        tx.notes.put("k", "w")


def test_intake_keeps_order_leases_and_reasons(ledger: SqlLedger) -> None:
    documents = [stored(n, f"文{n}\0").document for n in range(5)]
    with ledger.begin() as tx:
        assert tx.intake.add(documents, NOW) == 5
        later = [replace(d, fetched_at=NOW + MINUTE, raw="other") for d in documents]
        assert tx.intake.add(later, NOW + MINUTE) == 0  # same content still waits
        assert tx.intake.add([replace(documents[0], text="改")], NOW) == 1
        assert tx.intake.oldest() == NOW
    with ledger.begin() as tx:
        rows = tx.intake.claim("w1", 3, 60, NOW)
        assert [row.document for row in rows] == documents[:3]
        assert [row.attempts for row in rows] == [1, 1, 1]
        assert len(tx.intake.claim("w2", 10, 60, NOW)) == 3
        tx.intake.done([rows[0].seq])
        tx.intake.park(rows[1].seq, "乱码", NOW)
        tx.intake.release("w2")
    with ledger.begin() as tx:
        assert tx.intake.claim("w3", 10, 60, NOW + 61 * MINUTE)[0].seq == rows[2].seq
        (parked,) = tx.intake.parked()
        assert (parked.seq, parked.reason, parked.at, parked.document) == (rows[1].seq, "乱码", NOW, documents[1])
        assert tx.intake.waiting() == 4
        assert tx.intake.unpark([parked.seq]) == 1
        assert tx.intake.claim("w4", 1, 60, NOW)[0].document == documents[1]
        tx.intake.done([row.seq for row in rows])
        assert tx.intake.add([documents[0]], NOW) == 1  # done is done: the same content may come again
    with ledger.begin() as tx:
        for excused, counted in ((True, 1), (False, 1), (False, 2)):
            rows = tx.intake.claim("w5", 10, 60, NOW + 300 * MINUTE)
            assert next(row.attempts for row in rows if row.document == documents[0]) == counted
            tx.intake.release("w5", excused=excused)
    with ledger.begin() as tx:
        late = tx.intake.claim("late", 2, 60, NOW + 400 * MINUTE)
        tx.intake.release("late")
        heir = tx.intake.claim("heir", 1, 60, NOW + 400 * MINUTE)
        assert [row.attempts for row in heir] == [late[0].attempts + 1]
        tx.intake.excuse("late", [row.seq for row in late])
        (free,) = [row for row in tx.intake.claim("third", 9, 60, NOW + 400 * MINUTE) if row.seq == late[1].seq]
        assert free.attempts == late[1].attempts, "the attempt of the late one does not count"
        assert heir[0].seq not in [row.seq for row in tx.intake.claim("fourth", 9, 60, NOW + 400 * MINUTE)]
        tx.intake.excuse("heir", [heir[0].seq])
        (again,) = tx.intake.claim("fifth", 9, 60, NOW + 400 * MINUTE)
        assert (again.seq, again.attempts) == (heir[0].seq, late[0].attempts)


def test_events_are_replaced_found_and_counted(ledger: SqlLedger) -> None:
    rows = [
        event(1, level=3, departments=("scjg", "jyj"), topic="food", last_at=NOW + MINUTE, documents=5),
        event(2, level=1, departments=("jyj",), area="beiyuan", detected_at=NOW + HOUR),
        event(3, level=4, historic=True, status="closed"),
    ]
    with ledger.begin() as tx:
        tx.events.save(rows)
        assert [e.id for e in tx.events.find()[0]] == ["e3", "e1", "e2"]
        assert [e.id for e in tx.events.find(sort="newest")[0]] == ["e2", "e1", "e3"]
        assert [e.id for e in tx.events.find(sort="documents")[0]] == ["e1", "e2", "e3"]
        assert [e.id for e in tx.events.find(sort="changed")[0]] == ["e1", "e2", "e3"]
        found, total = tx.events.find(department="jyj", historic=False, size=1, offset=1)
        assert ([e.id for e in found], total) == (["e2"], 2)
        assert tx.events.find(level_from=2, status=("open", "quiet"))[1] == 1
        assert tx.events.find(topic="food", since=NOW + MINUTE)[1] == 1
        assert tx.events.find(area="beiyuan")[1] == 1
        assert tx.events.counts() == {"open": 2, "level:3": 1, "level:1": 1}
        tx.events.save([replace(rows[0], departments=("zfb",))])
        assert tx.events.find(department="scjg")[1] == 0
        assert tx.events.get(["e1", "nothing"])["e1"].version == 2


def test_the_second_of_two_people_is_told(ledger: SqlLedger) -> None:
    with ledger.begin() as tx:
        tx.events.save([event(1)])
        tx.tasks.create([task(1)])
        raised = tx.events.change(replace(event(1), pinned_level=4))
        assert raised.version == 2
        with pytest.raises(StaleVersion, match="刷新"):
            tx.events.change(event(1))
        assert tx.tasks.change(task(1, state="signed")).version == 2
        with pytest.raises(StaleVersion, match="刷新"):
            tx.tasks.change(task(1, state="closed"))
        with pytest.raises(StaleVersion):
            tx.tasks.change(task(9))
        tx.events.save([replace(event(1), score=50.0)])  # the machine had read version 1
        kept = tx.events.get(["e1"])["e1"]
        assert (kept.pinned_level, kept.score, kept.version) == (4, 50.0, 3)


def test_a_merge_moves_members_and_is_not_undone_by_the_machine(ledger: SqlLedger) -> None:
    with ledger.begin() as tx:
        tx.events.save([event(1), event(2), event(3)])
        tx.events.add_members([member("d2", "e1", 2), member("d1", "e1", 2), member("d0", "e2", 1)])
        tx.events.add_members([member("d1", "e2", 1)])  # a document is in one event
        assert {d: m.event for d, m in tx.events.known(["d1", "d2", "gone"]).items()} == {"d1": "e2", "d2": "e1"}
        tx.events.merge("e2", "e1")
        assert tx.events.known(["d1"])["d1"].event == "e1"
        tx.events.merge("e1", "e3")
        tx.events.merge("e3", "e1")  # would be a circle: e1 is e3 by now
        tx.events.merge("e2", "e2")
        assert {name: e.id for name, e in tx.events.get(["e1", "e2", "e3"]).items()} == dict.fromkeys(
            ("e1", "e2", "e3"), "e3"
        )
        assert [(m.document, m.event) for m in tx.events.members("e2")] == [("d0", "e3"), ("d1", "e3"), ("d2", "e3")]
        tx.events.save([event(1, score=99.0)])
        tx.events.add_members([member("d9", "e2")])
        assert tx.events.members("e3")[0].document == "d9"
        merged = [e for e in tx.events.find()[0] if e.status == "merged"]
        assert {(e.id, e.merged_into) for e in merged} == {("e1", "e3"), ("e2", "e1")}
        assert tx.events.counts() == {"open": 1, "level:0": 1}
        assert [m.document for m in tx.events.members_since(NOW + MINUTE)] == ["d0", "d1", "d2"]


def test_changes_of_level_are_kept_in_order(ledger: SqlLedger) -> None:
    rows = [
        LevelChange(event="e1", before=n, after=n + 1, cause="score", score=1.5, reasons=(), who="system", at=NOW)
        for n in range(3)
    ]
    with ledger.begin() as tx:
        tx.events.add_changes(rows)
        assert tx.events.changes("e1") == rows


def test_one_open_alert_per_event_and_department(ledger: SqlLedger) -> None:
    with ledger.begin() as tx:
        assert tx.tasks.open_alert(alert(1))
        assert not tx.tasks.open_alert(alert(2))
        assert tx.tasks.open_alert(alert(3, department="jyj"))
        tx.tasks.save_alert(alert(1, closed_at=NOW + HOUR))
        assert tx.tasks.open_alert(alert(4, previous="a1"))
        assert [a.id for a in tx.tasks.alerts(event="e1")] == ["a3", "a4"]
        assert [a.id for a in tx.tasks.alerts(open_only=False)] == ["a1", "a3", "a4"]
    with pytest.raises(StoreError), ledger.begin() as tx:
        tx.tasks.save_alert(alert(1))  # would open it again beside a4


def test_tasks_stand_by_their_next_deadline(ledger: SqlLedger) -> None:
    rows = [
        task(1, deadlines=(deadline(1, 90), deadline(1, 5, met_at=NOW)), level=1),
        task(2, deadlines=(deadline(2, 30),), assignee="li"),
        task(3, deadlines=(deadline(3, 90),), level=4, state="signed", signed_at=NOW),
        task(4, department="jyj", state="return_pending"),
        task(5, state="closed", closed_at=NOW),
        task(6, historic=True),
    ]
    with ledger.begin() as tx:
        tx.tasks.create(rows)
        assert [t.id for t in tx.tasks.find()[0]] == ["t2", "t3", "t1", "t4", "t5", "t6"]
        found, total = tx.tasks.find(department="scjg", historic=False, size=2, offset=1)
        assert ([t.id for t in found], total) == (["t3", "t1"], 4)
        assert tx.tasks.find(due_before=NOW + 90 * MINUTE)[1] == 1
        assert tx.tasks.find(states=("signed", "closed"))[1] == 2
        assert tx.tasks.find(assignee="li", event="e1")[0] == [rows[1]]
        assert list(tx.tasks.open()) == rows[:4]
        counts = tx.tasks.counts(None, NOW + HOUR)
        assert {name: counts[name] for name in ("open", "overdue", "unsigned", "returns", "closed")} == {
            "open": 4, "overdue": 1, "unsigned": 2, "returns": 1, "closed": 1,
        }  # fmt: skip
        assert tx.tasks.counts("jyj")["open"] == 1
        assert "overdue" not in tx.tasks.counts()
    with pytest.raises(StoreError), ledger.begin() as tx:
        tx.tasks.create([task(1)])


def test_every_version_of_a_reply_is_kept(ledger: SqlLedger) -> None:
    first = Reply(id="r", task="t1", version=1, text="初稿", author="li", created_at=NOW)
    with ledger.begin() as tx:
        tx.tasks.add_reply(first)
        tx.tasks.add_reply(replace(first, version=2, text="二稿"))
        tx.tasks.save_reply(replace(first, rejected="口径不对"))
        assert [(r.version, r.rejected) for r in tx.tasks.replies("t1")] == [(1, "口径不对"), (2, None)]
        with pytest.raises(StoreError, match="没有这一版"):
            tx.tasks.save_reply(replace(first, version=3))


def test_the_outbox_sends_each_thing_once(ledger: SqlLedger) -> None:
    with ledger.begin() as tx:
        rows = [delivery(1), delivery(2, urgent=True), delivery(3, not_before=NOW + HOUR), delivery(4, idem_key="k1")]
        assert tx.outbox.add(rows) == 3
        assert tx.outbox.add([replace(rows[0], id="again")]) == 0
        claimed = tx.outbox.claim("w1", 10, 60, NOW)
        assert [(d.id, d.status, d.attempts) for d in claimed] == [("m2", "leased", 1), ("m1", "leased", 1)]
        assert tx.outbox.claim("w2", 10, 60, NOW) == []
        tx.outbox.finish("m2", "ok", NOW, code="0", provider_id="x")
        tx.outbox.finish("m2", "temp_fail", NOW, next_at=NOW)  # a slower twin changes nothing
        tx.outbox.finish("m1", "temp_fail", NOW, code="45009", text="太快", next_at=NOW + 2 * MINUTE)
        assert tx.outbox.claim("w2", 10, 60, NOW + MINUTE) == []
        (again,) = tx.outbox.claim("w2", 10, 60, NOW + 2 * MINUTE)
        assert (again.id, again.attempts, again.provider_code) == ("m1", 2, "45009")
        (dead,) = tx.outbox.claim("w3", 10, 60, NOW + 4 * MINUTE)  # w2 died
        assert (dead.id, dead.attempts, dead.lease_owner) == ("m1", 3, "w3")
        assert tx.outbox.waiting() == 2
        assert tx.outbox.supersede("a1", NOW + MINUTE) == 1  # m3 waits, m1 is on its way
        assert tx.outbox.sent_since("scjg", NOW) == 1
        assert tx.outbox.sent_since("scjg", NOW + MINUTE) == 0
        assert [d.status for d in tx.outbox.find(task="t1")] == ["leased", "ok", "superseded"]
        assert [d.id for d in tx.outbox.find(alert="a1", status=("ok",))] == ["m2"]
        with pytest.raises(StoreError, match="发件箱里没有"):
            tx.outbox.finish("nothing", "ok", NOW)


def source(name: str, url: str, **fields: object) -> Source:
    return Source(id=name, name=name, type="list", url=url, kind="news", **fields)  # type: ignore[arg-type]


def test_the_frontier_gives_one_lease_per_host(ledger: SqlLedger) -> None:
    one, two = source("s1", "http://a.invalid/1"), source("s2", "http://A.invalid/2")
    with ledger.begin() as tx:
        tx.frontier.sync(
            [one, two, source("s3", "http://b.invalid/"), source("off", "http://c.invalid", enabled=False)], NOW
        )
        first = tx.frontier.claim("w1", 10, 60, NOW)
        assert [lease.url for lease in first] == ["http://a.invalid/1", "http://b.invalid/"]
        assert tx.frontier.claim("w2", 10, 60, NOW) == []
        found = [
            Lease(source="s1", url=f"http://a.invalid/{n}", what="article", owner="", until=NOW, hint={"t": "x"})
            for n in "34"
        ]
        assert tx.frontier.discover("s1", found, NOW) == 2
        assert tx.frontier.discover("s1", found, NOW) == 0
        tx.frontier.done(first[0], NOW, next_due=NOW + HOUR, etag="e", fingerprint="f")
        (second,) = tx.frontier.claim("w2", 10, 60, NOW)
        assert second.url == "http://A.invalid/2"
        tx.frontier.fail(second, NOW, reason="503", next_due=NOW + MINUTE)
        (article,) = tx.frontier.claim("w2", 1, 60, NOW)
        assert (article.what, article.hint) == ("article", {"t": "x"})
        tx.frontier.done(article, NOW, next_due=None)
        late = NOW + 3 * MINUTE  # w1 never came back with s3
        claimed = [lease.url for lease in tx.frontier.claim("w3", 10, 60, late)]
        assert claimed == ["http://b.invalid/", "http://A.invalid/2"]  # the longest due first
        tx.frontier.done(first[1], late, next_due=NOW + HOUR)  # too late: it is w3's now
        assert tx.frontier.claim("w4", 10, 60, late) == []


def test_a_host_rests_and_a_lease_can_be_renewed(ledger: SqlLedger) -> None:
    second = timedelta(seconds=1)
    with ledger.begin() as tx:
        tx.frontier.sync([source("s1", "http://a.invalid/1"), source("s2", "http://a.invalid/2")], NOW)
        (one,) = tx.frontier.claim("w1", 10, 60, NOW)
        assert tx.frontier.renew(one, NOW + 120 * second, NOW + 50 * second)
        assert tx.frontier.claim("w2", 10, 60, NOW + 100 * second) == []
        assert not tx.frontier.renew(one, NOW + 999 * second, NOW + 130 * second)  # too late
        (taken,) = tx.frontier.claim("w2", 1, 60, NOW + 130 * second)
        assert not tx.frontier.renew(one, NOW + 999 * second, NOW + 140 * second)
        tx.frontier.done(taken, NOW + 140 * second, next_due=None, rest=10)
        assert tx.frontier.claim("w3", 10, 60, NOW + 149 * second) == []
        (other,) = tx.frontier.claim("w3", 10, 60, NOW + 150 * second)
        assert other.url != taken.url
        tx.frontier.fail(other, NOW + 150 * second, reason="429", next_due=NOW + 150 * second, rest=30)
        assert tx.frontier.claim("w4", 10, 60, NOW + 179 * second) == []
        assert [x.url for x in tx.frontier.claim("w4", 10, 60, NOW + 180 * second)] == [other.url]


def test_the_frontier_follows_changes_and_people(ledger: SqlLedger) -> None:
    one = source("s1", "http://a.invalid/1")
    with ledger.begin() as tx:
        tx.frontier.sync([one], NOW)
        (lease,) = tx.frontier.claim("w", 1, 60, NOW)
        thread = Lease(source="s1", url="http://a.invalid/t", what="thread", owner="", until=NOW, hint={"replies": "3"})
        tx.frontier.discover("s1", [thread], NOW)
        tx.frontier.done(lease, NOW, next_due=NOW + HOUR, etag="tag")
        (got,) = tx.frontier.claim("w", 1, 60, NOW)
        tx.frontier.done(got, NOW, next_due=None)
        assert tx.frontier.discover("s1", [replace(thread, hint={"replies": "4"})], NOW) == 0
        (again,) = tx.frontier.claim("w", 1, 60, NOW)
        assert (again.url, again.hint) == (thread.url, {"replies": "4"})
        tx.frontier.done(again, NOW, next_due=None)
        tx.frontier.due_now("s1", NOW)
        (now,) = tx.frontier.claim("w", 1, 60, NOW)
        assert (now.what, now.etag) == ("list", "tag")
        tx.frontier.done(now, NOW, next_due=NOW)
        tx.frontier.sync([replace(one, enabled=False)], NOW)
        assert tx.frontier.claim("w", 1, 60, NOW) == []
        tx.frontier.sync([replace(one, url="http://new.invalid/")], NOW)
        assert [lease.url for lease in tx.frontier.claim("w", 9, 60, NOW)] == ["http://new.invalid/"]


def test_coverage_raw_pages_and_ranks(ledger: SqlLedger) -> None:
    page = RawPage(
        hash="h", url="u", source="s", fetched_at=NOW, status=200, content_type="text/html", body=b"\0\xff" * 9
    )  # fmt: skip
    with ledger.begin() as tx:
        hour = SourceHour(
            source="s", hour=NOW, polled=2, new=1, delay_seconds=1.5, last_error="503", reasons={"503": 1}
        )  # fmt: skip
        tx.frontier.record(hour)
        more = {"503": 2, "没有正文": 1}
        tx.frontier.record(replace(hour, hour=NOW + MINUTE, last_error=None, errors=1, reasons=more))
        tx.frontier.record(replace(hour, source="t", reasons={}))
        row, bare = tx.frontier.hours(None, NOW - HOUR)
        assert (list(row.reasons.items()), bare.reasons) == ([("503", 3), ("没有正文", 1)], {})
        assert tx.frontier.hours("s", NOW - HOUR) == [row]
        assert (row.hour, row.polled, row.new, row.errors) == (NOW - 30 * MINUTE, 4, 2, 1)
        assert (row.delay_seconds, row.last_error) == (3.0, "503")
        assert tx.frontier.hours("other", NOW - HOUR) == []
        tx.frontier.keep_raw(page)
        tx.frontier.keep_raw(page)
        assert tx.frontier.raw("h") == page
        assert tx.frontier.drop_raw(NOW + MINUTE) == 1
        assert tx.frontier.raw("h") is None
        tx.frontier.add_ranks("hot", NOW, [(1, "热", "u", 9.5), (2, "次", "v", None)])
        assert tx.frontier.ranks("hot", NOW) == [(NOW, 1, "热", "u", 9.5), (NOW, 2, "次", "v", None)]


def test_people_links_sessions_and_attempts(ledger: SqlLedger) -> None:
    user = User(name="li", display="李", roles=("lead",), department="scjg", created_at=NOW)
    with ledger.begin() as tx:
        tx.users.save(user)
        assert tx.users.all() == [user]
        tx.users.add_link("l", "li", NOW + MINUTE)
        assert tx.users.use_link("l", NOW + MINUTE) is None
        assert tx.users.use_link("l", NOW) == "li"
        assert tx.users.use_link("l", NOW) is None
        for name in ("x", "y"):
            tx.users.open_session(name, "li", NOW + HOUR, "火狐")
        assert tx.users.session("x", NOW) == "li"
        assert tx.users.session("x", NOW + HOUR) is None
        assert tx.users.sessions("li") == [("x", NOW + HOUR, "火狐"), ("y", NOW + HOUR, "火狐")]
        tx.users.save(replace(user, active=False))
        assert tx.users.session("x", NOW) is None
        tx.users.save(replace(user, session_epoch=1))
        assert tx.users.session("x", NOW) is None
        tx.users.close_session("x")
        assert tx.users.close_sessions("li") == 1
        assert [tx.users.attempt("li", NOW + n * MINUTE, failed=True) for n in (0, 1, 15, 16)] == [1, 2, 2, 2]
        assert tx.users.attempt("li", NOW, failed=False) == 0
        tx.users.add_token("h", "oa", ("read", "push"), None)
        assert tx.users.token("h", NOW) == ("oa", ("read", "push"))
        tx.users.add_token("h", "oa", (), NOW)
        assert tx.users.token("h", NOW) is None


def test_notes_corrections_and_locks(ledger: SqlLedger) -> None:
    wrong = Correction(id="c", document="d", field="sentiment", machine="negative", person="neutral", who="li", at=NOW)
    with ledger.begin() as tx:
        for name in ("a%b", "aXb", "A%c", "a%é", "a_"):
            tx.notes.put(name, name)
        assert tx.notes.keys("a%") == ["a%b", "a%é"]
        tx.notes.drop("a%b")
        assert tx.notes.get("a%b") is None
        tx.notes.add_correction(wrong)
        assert tx.notes.corrections(document="d") == tx.notes.corrections(among=["x", "d"]) == [wrong]
        assert tx.notes.corrections(among=[]) == tx.notes.corrections(among=["x"]) == []
        undone = tx.notes.undo_correction("c", NOW)
        assert undone == replace(wrong, undone_at=NOW)
        assert tx.notes.undo_correction("c", NOW) is None
        assert tx.notes.corrections() == []
        assert tx.notes.corrections(live_only=False) == [undone]
        assert tx.notes.lock("jobs", "p1", 60, NOW)
        assert not tx.notes.lock("jobs", "p2", 60, NOW)
        assert tx.notes.lock("jobs", "p1", 60, NOW + MINUTE / 2)
        assert not tx.notes.lock("jobs", "p2", 60, NOW + MINUTE)
        tx.notes.unlock("jobs", "p2")
        assert tx.notes.lock("jobs", "p2", 60, NOW + 2 * MINUTE)
        tx.notes.unlock("jobs", "p2")
        assert tx.notes.lock("jobs", "p3", 60, NOW)


def entry(number: int) -> AuditEntry:
    return AuditEntry(actor="li", action="task.sign", object=f"task:{number % 2}", at=NOW, after='{"état":"签收\0"}')


def test_the_audit_chain_holds_and_only_grows(ledger: SqlLedger) -> None:
    with ledger.begin() as tx:
        rows = [tx.audit.append(entry(n)) for n in range(5)]
        assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
        assert rows[3].previous_hash == rows[2].hash
        assert tx.audit.verify() is None
        assert tx.audit.find(object_id="task:1") == [rows[3], rows[1]]
        assert [row.seq for row in tx.audit.find(actor="li", before=4, size=2)] == [3, 2]
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE seq = 5"):
        with pytest.raises(StoreError, match="只能追加"):
            _run(ledger, statement)


def _run(ledger: SqlLedger, statement: str) -> None:
    with ledger.engine.connect() as db, db.execution_options(minsheng_write=True).begin():
        db.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor = 'x' WHERE seq = 3", 3),
        ("UPDATE audit SET body = replace(body, 'sign', 'Sign') WHERE seq = 2", 2),
        ("UPDATE audit SET body = 'no json' WHERE seq = 4", 4),
        ("UPDATE audit SET hash = 'x' WHERE seq = 5", 5),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq >= 4", 4),
        ("DELETE FROM audit WHERE seq = 1", 1),
    ],
)
def test_a_changed_or_missing_entry_is_found_and_named(ledger: SqlLedger, statement: str, broken: int) -> None:
    with ledger.begin() as tx:
        for n in range(5):
            tx.audit.append(entry(n))
    url = ledger.engine.url
    engine = create_engine(url)  # somebody with the password, past the program
    with engine.begin() as db:
        if url.get_backend_name() == "sqlite":
            db.execute(text("DROP TRIGGER audit_no_UPDATE"))
            db.execute(text("DROP TRIGGER audit_no_DELETE"))
        else:
            db.execute(text("DROP TRIGGER audit_no_change ON audit"))
        db.execute(text(statement))
    engine.dispose()
    with ledger.read() as tx:
        assert tx.audit.verify() == broken


def test_many_threads_append_claim_and_open_alerts_without_doubling(ledger: SqlLedger) -> None:
    with ledger.begin() as tx:
        tx.intake.add([stored(n).document for n in range(60)], NOW)
        tx.frontier.sync([source(f"s{n}", f"http://h{n % 3}.invalid/{n}") for n in range(12)], NOW)
    taken: list[int] = []
    opened: list[bool] = []
    hosts: list[str] = []
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(5):
                with ledger.begin() as tx:
                    taken.extend(row.seq for row in tx.intake.claim(name, 4, 60, NOW))
                    hosts.extend(lease.url.split("/")[2] for lease in tx.frontier.claim(name, 1, 60, NOW))
                    opened.append(tx.tasks.open_alert(alert(hash((name, number)))))
                    tx.audit.append(entry(number))
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 60
    assert sorted(hosts) == ["h0.invalid", "h1.invalid", "h2.invalid"]
    assert opened.count(True) == 1
    with ledger.read() as tx:
        assert tx.audit.verify() is None
        assert tx.audit.find()[0].seq == 20


def test_health_and_backup(ledger: SqlLedger, tmp_path: Path) -> None:
    with ledger.begin() as tx:
        tx.notes.put("k", "v")
    assert ledger.health()["ok"] is True
    target = tmp_path / "copy.db"
    if ledger.engine.dialect.name == "postgresql":
        with pytest.raises(StoreError, match="pg_dump"):
            ledger.backup(str(target))
        return
    ledger.backup(str(target))
    ledger.backup(str(target))
    copy = open_ledger(f"sqlite:///{target}")
    with copy.read() as tx:
        assert tx.notes.get("k") == "v"
    copy.close()


def test_many_open_tasks_are_swept(ledger: SqlLedger) -> None:
    with ledger.begin() as tx:
        tx.tasks.create([task(n, deadlines=(deadline(n, n),)) for n in range(2000)])
    with ledger.read() as tx:
        assert sum(1 for _ in tx.tasks.open()) == 2000
        assert tx.tasks.find(due_before=NOW + timedelta(minutes=1000), size=1)[1] == 1000


def test_figures_read_what_they_are_of(ledger: SqlLedger) -> None:
    task = Task(
        id="t1", event="e", alert="a", department="scjg", role="lead", title="x", level=2, state="published",
        rule="R2", reasons=(), created_at=NOW,
    )  # fmt: skip
    other = replace(task, id="t2", department="sthj", created_at=NOW + HOUR)
    past = replace(task, id="t3", historic=True)
    said = Reply(id="r1", task="t1", version=1, text='"published_at":"2020"', author="a", created_at=NOW)
    out = replace(said, id="r2", task="t2", published_at=NOW + 2 * HOUR, published_by="b")
    with ledger.begin() as tx:
        tx.tasks.create([task, other, past])
        tx.tasks.add_reply(said)
        tx.tasks.add_reply(out)
        entries = [AuditEntry(actor="x", action=f"task.{n}", object=f"task:t{n % 2 + 1}", at=NOW) for n in range(4)]
        tx.audit.extend(entries)
    with ledger.read() as tx:
        assert [t.id for t in tx.tasks.created(NOW, NOW + 2 * HOUR)] == ["t1", "t2"]
        assert [t.id for t in tx.tasks.created(NOW, NOW + HOUR)] == ["t1"]
        assert [t.id for t in tx.tasks.some(["t2", "t9", "t1"])] == ["t1", "t2"]
        assert list(tx.tasks.some([])) == []
        assert [(t.id, r.id) for t, r in tx.tasks.answers(NOW, NOW + 3 * HOUR)] == [("t2", "r2")]
        assert tx.tasks.answers(NOW, NOW + 2 * HOUR) == []
        assert tx.tasks.answers(NOW, NOW + 3 * HOUR, department="scjg") == []
        found = tx.audit.about(["task:t1", "task:t2", "task:t9"])
        assert {name: [e.action for e in rows] for name, rows in found.items()} == {
            "task:t1": ["task.0", "task.2"],
            "task:t2": ["task.1", "task.3"],
        }
