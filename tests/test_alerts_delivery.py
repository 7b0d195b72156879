"""What follows a send: retry, fail over, alarm, a marked repeat, a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from small_office import small_office

from alerts.channels import DeliveryError, SendResult
from alerts.delivery import after, fail_over, prepared, retry_delay
from storage.types import Delivery

OFFICE = small_office()
NOW = datetime(2025, 9, 25, 2, 0, tzinfo=UTC)
ROW = Delivery(
    id="d-1",
    idem_key="k",
    alert="a-1",
    task="t-1",
    reason="FIRST",
    epoch="e",
    recipient="scjg",
    channel="mail",
    subject="【Ⅱ级（橙色）】交办：x",
    body="x",
    created_at=NOW,
    not_before=NOW,
    status="leased",
    urgent=True,
    attempts=1,
    address={"email": "a@example.invalid", "failover": "hook"},
)
TEMPORARY = DeliveryError("忙", permanent=False, code="45009")
PERMANENT = DeliveryError("拒绝", permanent=True, code="310000")
UNKNOWN = DeliveryError("不明", permanent=False, unknown=True)


def test_accepted() -> None:
    done = after(ROW, SendResult(provider_id="p"), NOW, OFFICE)
    assert (done.status, done.provider_id, done.follow) == ("ok", "p", ())


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 5), (1, 5), (2, 15), (3, 45), (4, 120), (5, 300), (6, 600), (99, 600)]
)
def test_retry_delays(attempts: int, seconds: float) -> None:
    assert retry_delay(attempts) == timedelta(seconds=seconds)


def test_temporary_failure_is_tried_again_and_urgent_ones_use_the_next_channel_too() -> None:
    first = after(ROW, TEMPORARY, NOW, OFFICE)
    assert (first.status, first.next_at, first.follow) == ("temp_fail", NOW + timedelta(seconds=5), ())
    third = after(replace(ROW, attempts=3), TEMPORARY, NOW, OFFICE)
    assert [d.channel for d in third.follow] == ["hook"]
    calm = after(replace(ROW, attempts=3, urgent=False), TEMPORARY, NOW, OFFICE)
    assert calm.follow == ()


def test_a_day_of_failures_is_dead_and_said() -> None:
    late = after(replace(ROW, attempts=150), TEMPORARY, NOW + timedelta(days=1), OFFICE)
    assert late.status == "dead"
    assert {d.reason for d in late.follow} == {"FIRST", "CHANNEL_DEAD"}


def test_permanent_failure_fails_over_and_alarms() -> None:
    done = after(replace(ROW, channel="hook", address={"failover": "mail"}), PERMANENT, NOW, OFFICE)
    assert (done.status, done.code) == ("perm_fail", "310000")
    same, alarm = done.follow
    assert (same.reason, same.channel, same.recipient, same.status, same.attempts) == (
        "FIRST",
        "mail",
        "scjg",
        "pending",
        0,
    )
    assert (alarm.reason, alarm.recipient, alarm.channel) == ("CHANNEL_DEAD", "duty-officer", "mail")
    assert "hook" in alarm.body


def test_the_alarm_does_not_use_the_dead_channel_and_does_not_feed_itself() -> None:
    office = replace(
        OFFICE,
        recipients={
            **OFFICE.recipients,
            "duty-officer": replace(OFFICE.recipients["duty-officer"], channels=("mail", "hook")),
        },
    )
    done = after(ROW, PERMANENT, NOW, office)
    alarm = next(d for d in done.follow if d.reason == "CHANNEL_DEAD")
    assert alarm.channel == "hook"
    assert after(alarm, PERMANENT, NOW, office).follow == ()


def test_fail_over_ends() -> None:
    (second,) = fail_over(ROW, NOW)
    assert fail_over(second, NOW) == []
    assert second.idem_key != ROW.idem_key


def test_unknown_is_resent_once_marked_when_urgent() -> None:
    done = after(ROW, UNKNOWN, NOW, OFFICE)
    assert (done.status, done.code) == ("temp_fail", "unknown")
    again = prepared(replace(ROW, attempts=2, provider_code="unknown"))
    assert again.subject.endswith("（第2次发送）")
    assert prepared(ROW) is ROW
    twice = after(replace(ROW, attempts=2), UNKNOWN, NOW, OFFICE)
    assert twice.status == "unknown"
    assert [d.channel for d in twice.follow] == ["hook"]


def test_unknown_is_parked_when_it_can_wait() -> None:
    done = after(replace(ROW, urgent=False), UNKNOWN, NOW, OFFICE)
    assert (done.status, done.follow) == ("unknown", ())
