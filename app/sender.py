"""Hop 3: take due messages from the outbox, hand each to its channel, write down what came of it.

    outbox.claim → bundle → channel.send → SendResult | DeliveryError → alerts.delivery.after → outbox.finish (+ rows)

A message is claimed under a lease before it is sent and finished after: a process killed in between leaves a row whose
lease runs out, so it is sent at most once more and never lost. Several calm messages to one recipient go out as one
list; all of its rows are finished in one transaction, each with what the provider said of the one message.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts import watchdog
from alerts.channels import Channel, DeliveryError, SendResult, SettingsError, open_channel, read_secret
from alerts.delivery import After, after, capped, prepared
from alerts.digest import bundle
from app.heartbeats import LOOPS, beat, last_beat
from storage.ports import Ledger
from storage.types import Delivery, Office

#: so many that the list of a morning is one; the lease guard keeps a slow provider from holding them all
BATCH = 100
LEASE_SECONDS = 120.0
#: a send begins only while this much of the lease is left: more than the longest time-out of a channel, so that a live
#: sender never loses its lease and no second one sends the same
SEND_SECONDS = 60.0
BEAT = timedelta(minutes=1)

Outcome = SendResult | DeliveryError


@dataclass(slots=True, kw_only=True)
class Sender:
    """The loop over the outbox."""

    office: Office
    ledger: Ledger
    clock: Callable[[], datetime]
    owner: str
    channels: dict[str, Channel | SettingsError] = field(default_factory=dict)
    _beat_at: datetime | None = None
    _since: datetime | None = None

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
        """Send every message that is due now, at most BATCH; returns how many were claimed."""
        self._watch()
        with self.ledger.read() as tx:
            if not tx.outbox.waiting():
                return 0
        started = time.monotonic()
        with self.ledger.begin() as tx:
            rows = tx.outbox.claim(self.owner, BATCH, LEASE_SECONDS, self.clock())
        known = {row.id: row for row in rows}
        for message, ids in bundle(rows):
            if not self._leased(message, started):
                break  # what is left is due again when the lease has run out
            self._send(message, [known[i] for i in ids])
        return len(rows)

    def _leased(self, row: Delivery, started: float) -> bool:
        """Whether enough of the lease is left for one more send; the wall clock may have been set meanwhile."""
        spent = time.monotonic() - started
        margin = timedelta(seconds=SEND_SECONDS)
        left = row.lease_until - self.clock() if row.lease_until is not None else timedelta()
        return spent < LEASE_SECONDS - SEND_SECONDS and left > margin

    def _send(self, message: Delivery, rows: Sequence[Delivery]) -> None:
        """One message, and the rows that it stands for."""
        now = self.clock()
        with self.ledger.read() as tx:
            sent = tx.outbox.sent_since(message.recipient, now - timedelta(hours=1), urgent=False)
        held = capped(message, sent, self.office, now)
        if held is not None:
            self._finish([(row, held) for row in rows])
            return
        outcome = self._attempt(message)
        now = self.clock()
        self._finish([(row, after(row, outcome, now, self.office)) for row in rows])

    def _watch(self) -> None:
        """Once a minute: say that this loop runs, and tell the duty post when the sweep does not.

        The sweep looks at this loop in turn (`app.jobs`), so that neither can stop in silence.
        """
        now = self.clock()
        if self._beat_at is not None and abs(now - self._beat_at) < BEAT:
            return
        self._since = self._since or now
        with self.ledger.begin() as tx:
            beat(tx, "send", now)
            swept = last_beat(tx, "sweep")
            if swept is not None and swept < now and now - self._since > watchdog.UNSEEN:
                tx.outbox.add(watchdog.stuck((), {LOOPS["sweep"]: swept}, self.office, now))
        self._beat_at = now

    def _attempt(self, row: Delivery) -> Outcome:
        try:
            return self.channel(row.channel).send(prepared(row))
        except DeliveryError as error:
            return error
        except Exception as error:  # noqa: BLE001 - one delivery is one of the three edges (DESIGN section 3)
            return DeliveryError(f"通道 {row.channel} 出错：{error!r}", permanent=False, unknown=True, code="crash")

    def _finish(self, ends: Sequence[tuple[Delivery, After]]) -> None:
        """Write down what came of one message: all rows of a list, or none."""
        now, first = self.clock(), ends[0][0]
        with self.ledger.begin() as tx:
            for row, end in ends:
                tx.outbox.finish(
                    row.id, end.status, now,
                    code=end.code, text=end.text, provider_id=end.provider_id, next_at=end.next_at,
                    within=first.id if row.id != first.id and end.status in ("ok", "unknown") else None,
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
