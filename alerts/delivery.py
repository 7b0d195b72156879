"""What follows a send: done, again later, the next channel, or a person.

    SendResult                          → ok
    DeliveryError, temporary            → temp_fail, after 5 s 15 s 45 s 2 min 5 min, then every 10 min, a day long
                                          urgent: after the third failure the next channel is used as well
    DeliveryError, permanent            → perm_fail, next channel of the recipient, and the duty officer hears of it
    DeliveryError, unknown, urgent      → again, marked 「（第2次发送）」 so that people see it is the same
    DeliveryError, unknown, not urgent  → unknown, parked for a person

Rows are claimed, sent and finished by the application; these functions only say how.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.calendar import local
from alerts.channels.contract import DeliveryError, SendResult
from alerts.duty import contact
from alerts.identity import idem_key
from alerts.notices import compose, system
from storage.types import Delivery, DeliveryStatus, Office

RETRY_SECONDS = (5.0, 15.0, 45.0, 120.0, 300.0)
RETRY_CAP_SECONDS = 600.0
GIVE_UP = timedelta(days=1)
#: an urgent message also goes to the next channel after so many temporary failures (about a minute)
FAIL_OVER_AFTER = 3
#: a digest for which the hour has no place left is tried again after this
DIGEST_WAIT = timedelta(minutes=5)
UNKNOWN = "unknown"
#: one resend of a message that may have arrived; a second one would only teach people to ignore them
MAX_UNKNOWN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """How to finish a row (`outbox.finish`) and what to add to the outbox in the same transaction."""

    status: DeliveryStatus
    next_at: datetime | None = None
    code: str | None = None
    text: str | None = None
    provider_id: str | None = None
    follow: tuple[Delivery, ...] = ()


def after(delivery: Delivery, outcome: SendResult | DeliveryError, now: datetime, office: Office) -> After:
    """Decide on one finished attempt. `delivery.attempts` counts this attempt (the claim raises it)."""
    if isinstance(outcome, SendResult):
        return After(status="ok", code=outcome.code, text=outcome.text, provider_id=outcome.provider_id)
    text = str(outcome)
    if outcome.permanent:
        follow = (*fail_over(delivery, now), *_channel_dead(delivery, text, office, now))
        return After(status="perm_fail", code=outcome.code, text=text, follow=follow)
    if outcome.unknown:
        return _unknown(delivery, text, now)
    if now - delivery.not_before >= GIVE_UP:
        follow = (*fail_over(delivery, now), *_channel_dead(delivery, text, office, now))
        return After(status="dead", code=outcome.code, text=text, follow=follow)
    # not "==": a claim whose sender died counts as an attempt, and the key drops a second row
    over = delivery.urgent and delivery.attempts >= FAIL_OVER_AFTER
    return After(
        status="temp_fail",
        next_at=now + retry_delay(delivery.attempts),
        code=outcome.code,
        text=text,
        follow=tuple(fail_over(delivery, now)) if over else (),
    )


def capped(delivery: Delivery, sent: int, office: Office, now: datetime) -> After | None:
    """Before a send: whether the department has had its `office.messages_per_hour` (urgent messages excepted).

    `sent`: messages the recipient got in the last hour that were not urgent (`outbox.sent_since`). What is above is
    kept as suppressed with its reason, and one digest at the next full hour sends the department to its list: nothing
    is lost, and nobody is flooded. The last place of the hour is kept for that digest, which waits where it is taken.
    None where the message may go out.
    """
    if delivery.urgent or delivery.recipient not in office.departments:
        return None
    if delivery.reason == "DIGEST":
        waits = After(status="pending", code="THROTTLED", next_at=now + DIGEST_WAIT)
        return waits if sent >= office.messages_per_hour else None
    if sent < max(1, office.messages_per_hour - 1):
        return None
    hour = local(now, office).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    digest = compose(
        "DIGEST",
        f"digest|{delivery.recipient}|{hour.isoformat()}",
        contact(delivery.recipient, office, now),
        office,
        now,
        subject_text="【汇总】另有多项任务有新动态",
        body=f"上一小时消息较多，未逐条发送。请登录系统查看本单位任务：{office.base_url.rstrip('/')}/tasks",
        level=0,
        not_before=hour,
    )
    text = f"一小时内已发 {sent} 条，达到上限 {office.messages_per_hour} 条，{hour:%H:%M} 合并提醒"
    return After(status="suppressed", code="THROTTLED", text=text, follow=tuple(digest))


def retry_delay(attempts: int) -> timedelta:
    """5 s, 15 s, 45 s, 2 min, 5 min, then 10 min each; `attempts` made so far, from 1."""
    index = max(attempts, 1) - 1
    return timedelta(seconds=RETRY_SECONDS[index] if index < len(RETRY_SECONDS) else RETRY_CAP_SECONDS)


def _unknown(delivery: Delivery, text: str, now: datetime) -> After:
    if not delivery.urgent or delivery.attempts >= MAX_UNKNOWN:
        follow = tuple(fail_over(delivery, now)) if delivery.urgent else ()
        return After(status="unknown", code=UNKNOWN, text=text, follow=follow)
    return After(status="temp_fail", next_at=now + retry_delay(delivery.attempts), code=UNKNOWN, text=text)


def prepared(delivery: Delivery) -> Delivery:
    """The row as it is sent now: a repeat of one that may have arrived says so in subject and body."""
    if delivery.provider_code != UNKNOWN:
        return delivery
    mark = f"（第{max(delivery.attempts, 2)}次发送）"
    return replace(delivery, subject=delivery.subject + mark, body=f"{mark}{delivery.body}")


def fail_over(delivery: Delivery, now: datetime) -> list[Delivery]:
    """The same message on the recipient's next channel; empty when there is none left."""
    left = [c for c in delivery.address.get("failover", "").split(",") if c and c != delivery.channel]
    if not left:
        return []
    key = idem_key(delivery.alert or delivery.task, delivery.reason, delivery.epoch, delivery.recipient, left[0])
    return [
        replace(
            delivery,
            id="d-" + key[:24],
            idem_key=key,
            channel=left[0],
            created_at=now,
            not_before=now,
            status="pending",
            attempts=0,
            next_at=None,
            lease_until=None,
            lease_owner=None,
            provider_code=None,
            provider_text=None,
            provider_id=None,
            sent_at=None,
            address={**delivery.address, "failover": ",".join(left[1:])},
        )
    ]


def _channel_dead(delivery: Delivery, text: str, office: Office, now: datetime) -> list[Delivery]:
    """Tell the duty officer, once an hour for each channel, on channels other than the dead one where there are any."""
    if delivery.reason == "CHANNEL_DEAD":
        return []
    epoch = f"{delivery.channel}|{local(now, office):%Y-%m-%dT%H}"
    words = f"【通道失效】通知渠道“{delivery.channel}”发送失败：{text}。收件人：{delivery.recipient}，请检查渠道配置"
    rows = system("CHANNEL_DEAD", epoch, words, office, now)
    # another channel where there is one; the same one otherwise: it may only have refused this one address
    return [
        other for row in rows for other in ((fail_over(row, now) if row.channel == delivery.channel else []) or [row])
    ]
