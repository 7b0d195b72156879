"""Generic webhook: JSON by POST, signed over timestamp and body so that the receiver can tell ours from others.

X-Minsheng-Signature: sha256=HMAC(secret, timestamp + "." + body)      X-Minsheng-Delivery: id, for de-duplication
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

from alerts.channels.contract import Clock, RateLimit, Secrets, SendResult, Settings
from alerts.channels.http import check_status, post
from storage.types import Delivery


class Webhook:
    """`url`, and `secret_env`/`secret_file` where the receiver checks signatures."""

    def __init__(self, settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> None:
        table = Settings(settings, secrets)
        self._url = table.text("url")
        self._secret = table.secret("secret", optional=True)
        self._timeout = table.number("timeout", 10)
        self._rate = RateLimit(table.number("per_minute", 600), clock)
        self._clock = clock
        table.done()

    def send(self, delivery: Delivery) -> SendResult:
        self._rate.take()
        payload = {
            "id": delivery.id,
            "reason": delivery.reason,
            "recipient": delivery.recipient,
            "subject": delivery.subject,
            "body": delivery.body,
            "urgent": delivery.urgent,
            "task": delivery.task,
            "attempt": delivery.attempts,
        }
        body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        stamp = str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-Minsheng-Delivery": delivery.id,
            "X-Minsheng-Timestamp": stamp,
        }
        if self._secret:
            headers["X-Minsheng-Signature"] = f"sha256={signature(stamp, body, self._secret)}"
        status, raw = post(self._url, body, headers, timeout=self._timeout)
        check_status(status, raw)
        return SendResult(code=str(status))


def signature(stamp: str, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
