"""Silences: two people, one day at most, never what is urgent, ended by anybody, all of it in the audit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from scenario import Scenario, moment
from small_office import small_office

from alerts.silences import Silence
from alerts.unmuted import unmuted
from dashboards.silences import (
    SilenceRefused,
    all_silences,
    approve_silence,
    covered,
    ended_silences,
    forget_silences,
    load_silences,
    propose_silence,
    withdraw_silence,
)
from storage.ledger import SqlLedger, open_ledger
from storage.types import Event, Role, User

OFFICE = small_office()
NOW = moment("2025-09-25 10:00")
HOUR = timedelta(hours=1)


def user(name: str, role: Role) -> User:
    return User(name=name, display=name, roles=(role,))


LI, WANG = user("li", "officer"), user("wang", "leader")


def silence(**fields: object) -> Silence:
    made = Silence(id="", author="", approver="", reason="演练", start=NOW, end=NOW + 8 * HOUR, event="e1", level_to=2)
    return replace(made, **fields)  # type: ignore[arg-type]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def test_it_holds_from_the_approval_to_the_end_and_every_step_is_audited(ledger: SqlLedger) -> None:
    with ledger.begin() as tx:
        kept = propose_silence(tx, silence(), LI, OFFICE, NOW)
        assert load_silences(tx, NOW) == ()
        with pytest.raises(SilenceRefused, match="不能是申请人本人"):
            approve_silence(tx, kept.silence.id, LI, OFFICE, NOW)
        approve_silence(tx, kept.silence.id, WANG, OFFICE, NOW)
    with ledger.begin() as tx:
        (held,) = load_silences(tx, NOW + HOUR)
        assert (held.author, held.approver, held.reason) == ("li", "wang", "演练")
        assert load_silences(tx, NOW + 8 * HOUR) == ()
        assert ended_silences(tx, NOW + 7 * HOUR, NOW + 8 * HOUR) == (held,)
        assert ended_silences(tx, NOW + 8 * HOUR, NOW + 9 * HOUR) == ()
        with pytest.raises(SilenceRefused, match="已经批准"):
            approve_silence(tx, held.id, WANG, OFFICE, NOW)
        withdraw_silence(tx, held.id, LI, NOW + 2 * HOUR)
        assert load_silences(tx, NOW + 3 * HOUR) == ()
        assert ended_silences(tx, NOW + HOUR, NOW + 2 * HOUR) == (held,)
        with pytest.raises(SilenceRefused, match="已经结束"):
            withdraw_silence(tx, held.id, LI, NOW + 3 * HOUR)
        actions = [(e.action, e.actor, e.role) for e in tx.audit.find(object_id=f"silence:{held.id}")]
        assert sorted(actions) == [
            ("silence.approve", "wang", "leader"),
            ("silence.propose", "li", "officer"),
            ("silence.withdraw", "li", "officer"),
        ]
        assert forget_silences(tx, NOW + timedelta(days=20)) == 0
        assert forget_silences(tx, NOW + timedelta(days=40)) == 1
        assert all_silences(tx) == []


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"level_to": 3}, "不能静默"),
        ({"reason": " "}, "理由"),
        ({"end": NOW + timedelta(hours=25)}, "24 小时"),
        ({"event": None}, "指明"),
        ({"start": NOW - 3 * HOUR, "end": NOW - HOUR}, "已经过去"),
    ],
)
def test_what_may_not_be_silenced_is_refused(ledger: SqlLedger, fields: dict[str, object], word: str) -> None:
    with ledger.begin() as tx, pytest.raises(SilenceRefused, match=word):
        propose_silence(tx, silence(**fields), LI, OFFICE, NOW)


@pytest.mark.parametrize("role", ["lead", "staff", "admin", "api", "reviewer"])
def test_only_the_office_silences(ledger: SqlLedger, role: Role) -> None:
    with ledger.begin() as tx:
        with pytest.raises(SilenceRefused, match="只有"):
            propose_silence(tx, silence(), user("x", role), OFFICE, NOW)
        kept = propose_silence(tx, silence(), LI, OFFICE, NOW)
        with pytest.raises(SilenceRefused, match="只有"):
            approve_silence(tx, kept.silence.id, user("x", role), OFFICE, NOW)
        with pytest.raises(SilenceRefused, match="没有这一条"):
            approve_silence(tx, "s-none", WANG, OFFICE, NOW)


def test_the_preview_names_what_it_would_silence() -> None:
    events = [
        Event(id=f"e{n}", title="x", first_at=NOW, last_at=NOW, detected_at=NOW, level=n, topic="tax") for n in range(5)
    ]
    assert [e.id for e in covered(silence(event=None, topics=("tax",)), events, OFFICE)] == ["e0", "e1", "e2"]
    assert [e.id for e in covered(silence(event="e2", departments=("scjg",)), events, OFFICE)] == ["e2"]


def test_the_end_of_a_silence_reminds_of_what_is_still_unsigned() -> None:
    s = Scenario("2025-09-25 10:00")
    s.event("e1", level=2)
    task, held = s.task("scjg"), silence(id="s-1", author="li", approver="wang")
    now = NOW + 9 * HOUR
    (row,) = unmuted([task], s.events, ((held,), ()), ((), ()), OFFICE, now)
    assert (row.reason, row.recipient, row.epoch) == ("REPEAT_UNSIGNED", "scjg", "unmuted|silence|s-1")
    again = replace(held, id="s-2", start=now - HOUR, end=now + HOUR)
    assert list(unmuted([task], s.events, ((held,), ()), ((again,), ()), OFFICE, now)) == []
    signed = replace(task, state="signed")
    assert list(unmuted([signed], s.events, ((held,), ()), ((), ()), OFFICE, now)) == []
    assert list(unmuted([task], {}, ((held,), ()), ((), ()), OFFICE, now)) == []
