"""Hop 3: take due messages from the outbox, hand each to its channel, write down what came of it.

    outbox.claim → channel.send → SendResult | DeliveryError → alerts.delivery.after → outbox.finish (+ fail-over rows)

A message is claimed under a lease before it is sent and finished after: a process killed in between leaves a row whose
lease runs out, so it is sent at most once more and never lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.channels import Channel, DeliveryError, SendResult, SettingsError, open_channel, read_secret
from alerts.delivery import After, after, capped, prepared
from storage.ports import Ledger
from storage.types import Delivery, Office

BATCH = 20
#: longer than the longest time-out of a channel, so that a live sender never loses its lease
LEASE_SECONDS = 120.0

Outcome = SendResult | DeliveryError


@dataclass(slots=True, kw_only=True)
class Sender:
    """The loop over the outbox."""

    office: Office
    ledger: Ledger
    clock: Callable[[], datetime]
    owner: str
    channels: dict[str, Channel | SettingsError] = field(default_factory=dict)

    def channel(self, name: str) -> Channel:
        """The opened channel; DeliveryError (permanent) when its settings cannot be used."""
        if name not in self.channels:
            try:
                table: Mapping[str, object] = self.office.channels[name]
                self.channels[name] = open_channel(table, read_secret, self.clock)
            except KeyError:
                self.channels[name] = SettingsError(f"office.toml 中没有通道 {name!r}")
            except SettingsError as error:
                self.channels[name] = error
        found = self.channels[name]
        if isinstance(found, SettingsError):
            raise DeliveryError(f"通道 {name} 的配置不能用：{found}", permanent=True, code="settings")
        return found

    def send_due(self) -> int:
        """Send every message that is due now, at most BATCH; returns how many were tried."""
        with self.ledger.read() as tx:
            if not tx.outbox.waiting():
                return 0
        with self.ledger.begin() as tx:
            rows = tx.outbox.claim(self.owner, BATCH, LEASE_SECONDS, self.clock())
        for row in rows:
            now = self.clock()
            with self.ledger.read() as tx:
                sent = tx.outbox.sent_since(row.recipient, now - timedelta(hours=1))
            held = capped(row, sent, self.office, now)
            self._finish(row, held or after(row, self._attempt(row), self.clock(), self.office))
        return len(rows)

    def _attempt(self, row: Delivery) -> Outcome:
        try:
            return self.channel(row.channel).send(prepared(row))
        except DeliveryError as error:
            return error
        except Exception as error:  # noqa: BLE001 - one delivery is one of the three edges (DESIGN section 3)
            return DeliveryError(f"通道 {row.channel} 出错：{error!r}", permanent=False, unknown=True, code="crash")

    def _finish(self, row: Delivery, end: After) -> None:
        now = self.clock()
        with self.ledger.begin() as tx:
            tx.outbox.finish(
                row.id, end.status, now,
                code=end.code, text=end.text, provider_id=end.provider_id, next_at=end.next_at,
            )  # fmt: skip
            tx.outbox.add(end.follow)


def send_test(office: Office, name: str, to: str | None, now: datetime, mark: str) -> tuple[bool, str]:
    """Send one marked message through a channel; (accepted, what the provider said)."""
    row = Delivery(
        id=f"test-{mark}",
        idem_key=f"test-{mark}",
        alert=None,
        task=None,
        reason="TEST",
        epoch=mark,
        recipient=office.duty_post,
        channel=name,
        subject="【测试】民声通道测试",
        body=f"这是一条测试消息（{mark}），收到即表示通道可用，不需要办理。",
        created_at=now,
        not_before=now,
        attempts=1,
        address={"email": to, "phone": to} if to else {},
    )
    post = office.recipients.get(office.duty_post)
    if to is None and post is not None:
        row = replace(row, address={k: v for k, v in (("email", post.email), ("phone", post.phone)) if v})
    try:
        result = open_channel(office.channels[name], read_secret, lambda: now).send(row)
    except SettingsError as error:
        return False, f"通道 {name} 的配置不能用：{error}"
    except DeliveryError as error:
        return False, f"通道 {name} 没有发出：{error}" + (f"（代码 {error.code}）" if error.code else "")
    return True, f"通道 {name} 已接受测试消息（{mark}）。{result.text}"
