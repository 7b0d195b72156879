"""Hop 3 against a real SMTP server and a scripted provider on loopback: nothing lost, at most one duplicate."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from provider import BROKEN, OK, Provider, reply
from small_office import small_office

from alerts.notices import for_task
from analysis.words import segment
from app.heartbeats import beat, last_beat
from app.sender import Sender, send_test
from storage.open import open_stores
from storage.ports import Ledger
from storage.types import Delivery, Office, Task

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)


class Inbox(Message):
    """Keeps what arrived by SMTP."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[tuple[str, str]] = []

    def handle_message(self, message) -> None:  # type: ignore[no-untyped-def]
        part = next(p for p in message.walk() if p.get_content_type() == "text/plain")
        self.received.append((str(message["To"]), part.get_payload(decode=True).decode("utf-8")))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    documents, ledger = open_stores(tmp_path, segment=segment)
    yield ledger
    documents.close()
    ledger.close()


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    handler = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(handler, hostname="127.0.0.1", port=port)
    server.start()
    yield handler, port
    server.stop()


def office(mail_port: int = 9, hook: str = "http://127.0.0.1:9/") -> Office:
    base = small_office()
    channels = {
        "mail": {
            "kind": "mail",
            "host": "127.0.0.1",
            "port": mail_port,
            "security": "none",
            "sender": "m@example.invalid",
        },
        "hook": {"kind": "webhook", "url": hook},
    }
    return replace(base, channels=channels)


def queue(ledger: Ledger, where: Office, *, level: int = 3, reason: str = "FIRST", epoch: str = "1") -> list[Delivery]:
    task = Task(
        id="t1", event="e1", alert="a1", department="scjg", role="lead", title="某食堂疑似食物中毒", level=level,
        state="dispatched", rule="R2", reasons=(), created_at=NOW, dispatched_at=NOW,
    )  # fmt: skip
    rows = for_task(reason, task, "scjg", epoch, where, NOW)
    with ledger.begin() as tx:
        tx.outbox.add(rows)
    return rows


def states(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.read() as tx:
        return sorted((d.channel, d.status) for d in tx.outbox.find())


def sender(ledger: Ledger, where: Office, clock: Clock, owner: str = "s1") -> Sender:
    return Sender(office=where, ledger=ledger, clock=clock, owner=owner)


def test_a_message_reaches_a_real_mail_server_without_citizens_words(ledger: Ledger, inbox: tuple[Inbox, int]) -> None:
    handler, port = inbox
    where = office(mail_port=port)
    queue(ledger, where)
    assert sender(ledger, where, Clock()).send_due() == 1
    ((to, text),) = handler.received
    assert to == "scjg@example.invalid"
    assert "某食堂疑似食物中毒" in text
    assert "/tasks/t1" in text
    assert states(ledger) == [("mail", "ok")]
    assert sender(ledger, where, Clock()).send_due() == 0


def test_a_dead_channel_fails_over_and_the_duty_officer_hears_of_it(ledger: Ledger) -> None:
    with Provider([OK]) as provider:
        where = office(hook=provider.url)
        where = replace(where, channels={**where.channels, "mail": {"kind": "mail", "oops": 1}})
        queue(ledger, where)
        clock = Clock()
        mine = sender(ledger, where, clock)
        assert mine.send_due() == 1
        clock.wait(seconds=1)
        mine.send_due()
        assert [r.json()["reason"] for r in provider.requests] == ["FIRST"]
    with ledger.read() as tx:
        dead = [d for d in tx.outbox.find() if d.reason == "CHANNEL_DEAD"]
    assert dead
    assert "通道失效" in dead[0].body


def test_a_broken_provider_is_tried_again_with_growing_delay_and_nothing_is_lost(ledger: Ledger) -> None:
    with Provider([BROKEN, BROKEN, OK]) as provider:
        where = office(hook=provider.url)
        unit = replace(where.departments["scjg"], channels=("hook",))
        where = replace(where, departments={**where.departments, "scjg": unit})
        queue(ledger, where, level=1)
        clock = Clock()
        mine = sender(ledger, where, clock)
        with ledger.read() as tx:
            clock.now = max(d.not_before for d in tx.outbox.find())
        tried = []
        for _ in range(40):
            tried.append(mine.send_due())
            clock.wait(seconds=1)
        assert sum(tried) == 3
        assert tried.index(1, 1) == 5, "the first retry comes after 5 s"
        assert len(provider.requests) == 3
    assert states(ledger) == [("hook", "ok")]


def test_a_sender_killed_between_send_and_commit_sends_at_most_once_more(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Provider([OK]) as provider:
        where = office(hook=provider.url)
        unit = replace(where.departments["scjg"], channels=("hook",))
        where = replace(where, departments={**where.departments, "scjg": unit})
        queue(ledger, where)
        clock = Clock()
        killed = sender(ledger, where, clock, "killed")

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Sender, "_finish", die)
        with pytest.raises(KeyboardInterrupt):
            killed.send_due()
        monkeypatch.undo()
        heir = sender(ledger, where, clock, "heir")
        assert heir.send_due() == 0, "the dead sender's lease still runs"
        clock.wait(minutes=3)
        assert heir.send_due() == 1
        assert len(provider.requests) == 2
    assert states(ledger) == [("hook", "ok")]


def test_a_department_is_not_flooded_but_an_urgent_message_always_goes(ledger: Ledger) -> None:
    with Provider([OK]) as provider:
        where = replace(office(hook=provider.url), messages_per_hour=2)
        unit = replace(where.departments["scjg"], channels=("hook",))
        where = replace(where, departments={**where.departments, "scjg": unit})
        clock = Clock()
        clock.wait(minutes=2)
        mine = sender(ledger, where, clock)
        queue(ledger, where, level=4, epoch="red")
        for number in range(4):
            queue(ledger, where, level=2, epoch=str(number))
            mine.send_due()
        assert [r.json()["urgent"] for r in provider.requests] == [True, False]
    with ledger.read() as tx:
        held = [d for d in tx.outbox.find() if d.status == "suppressed"]
        digest = [d for d in tx.outbox.find() if d.reason == "DIGEST"]
    assert {d.provider_code for d in held} == {"THROTTLED"}
    assert len(digest) == 1


def test_calm_messages_to_one_recipient_go_out_as_one_list_and_all_are_finished(ledger: Ledger) -> None:
    with Provider([BROKEN, OK]) as provider:
        where = office(hook=provider.url)
        unit = replace(where.departments["scjg"], channels=("hook",))
        where = replace(where, departments={**where.departments, "scjg": unit})
        for number in range(5):
            queue(ledger, where, level=2, epoch=str(number))
        clock = Clock()
        clock.wait(minutes=2)
        mine = sender(ledger, where, clock)
        assert mine.send_due() == 5
        assert states(ledger) == [("hook", "temp_fail")] * 5, "one refusal is every row's"
        clock.wait(seconds=6)
        mine.send_due()
        assert len(provider.requests) == 2, "after the outage it is one list again"
        body = provider.requests[1].json()
        assert str(body["subject"]) == "【汇总】5 项动态"
        assert str(body).count("某食堂疑似食物中毒") == 5
    assert states(ledger) == [("hook", "ok")] * 5
    with ledger.read() as tx:
        assert tx.outbox.sent_since("scjg", NOW) == 1, "a list is one message"
        rows = tx.outbox.find()
    assert all(d.sent_at is not None for d in rows)
    assert len({d.within for d in rows}) == 2


def test_a_refused_list_fails_over_row_by_row(ledger: Ledger) -> None:
    with Provider([reply({"errcode": 400}, status=403)]) as refusing, Provider([OK]) as other:
        where = office(hook=refusing.url)
        where = replace(where, channels={**where.channels, "second": {"kind": "webhook", "url": other.url}})
        unit = replace(where.departments["scjg"], channels=("hook", "second"))
        where = replace(where, departments={**where.departments, "scjg": unit})
        for number in range(3):
            queue(ledger, where, level=2, epoch=str(number))
        clock = Clock()
        clock.wait(minutes=2)
        mine = sender(ledger, where, clock)
        mine.send_due()
        clock.wait(seconds=1)
        mine.send_due()
        assert len(refusing.requests) == 1
        assert len(other.requests) == 1
    assert [s for s in states(ledger) if s[0] != "mail"] == [("hook", "perm_fail")] * 3 + [("second", "ok")] * 3


def test_no_send_begins_with_a_lease_that_a_slow_provider_has_used_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Provider([OK]) as provider:
        where = office(hook=provider.url)
        unit = replace(where.departments["scjg"], channels=("hook",))
        where = replace(where, departments={**where.departments, "scjg": unit})
        for number in range(6):
            queue(ledger, where, level=3, epoch=str(number))
        clock = Clock()
        mine = sender(ledger, where, clock)
        attempt = Sender._attempt

        def slow(self: Sender, row: Delivery) -> object:
            clock.wait(seconds=25)
            return attempt(self, row)

        monkeypatch.setattr(Sender, "_attempt", slow)
        assert mine.send_due() == 6
        assert len(provider.requests) == 3, "at 75 s less than SEND_SECONDS of the lease are left"
        assert sender(ledger, where, clock, "heir").send_due() == 0
        clock.wait(seconds=46)
        while sender(ledger, where, clock, "heir").send_due():
            clock.wait(seconds=121)
        assert len(provider.requests) == 6
    assert states(ledger) == [("hook", "ok")] * 6


def test_the_sender_says_that_it_runs_and_tells_when_the_sweep_does_not(ledger: Ledger) -> None:
    clock, where = Clock(), office()
    with ledger.begin() as tx:
        beat(tx, "sweep", NOW - timedelta(hours=3))
    mine = sender(ledger, where, clock)
    for _ in range(7):
        mine.send_due()
        clock.wait(minutes=1)
    with ledger.read() as tx:
        assert last_beat(tx, "send") == NOW + timedelta(minutes=6)
        (row,) = (d for d in tx.outbox.find() if d.reason == "WATCHDOG")
    assert "“时限巡检”已 3小时" in row.body
    assert row.created_at == NOW + timedelta(minutes=6), "a sweep that is only starting has time to run"


def test_the_channel_test_reports_the_providers_own_words() -> None:
    with Provider([reply({"errcode": 93000, "errmsg": "invalid webhook url"})]) as provider:
        channels = {"robot": {"kind": "wecom", "host": provider.url, "key_env": "ROBOT_KEY"}}
        where = replace(small_office(), channels=channels)
        ok, text = send_test(where, "robot", None, NOW, "ab12")
    assert not ok
    assert "ROBOT_KEY" in text
