"""飞书群机器人, signed: base64(HMAC-SHA256(key="timestamp\\nsecret", message empty)), seconds, in the body."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from alerts.channels.contract import Clock, RateLimit, Secrets, SendResult, Settings
from alerts.channels.http import post_json, verdict
from alerts.messages import split
from storage.types import Delivery

MAX_BYTES = 18_000
#: 11232 触发频控; 19021 (sign), 19022 (address), 19024 (keyword), 9499 (bad request) will not heal by themselves
TEMPORARY = frozenset({"2200", "11232", "11233", "99991400"})


class Feishu:
    """`token_env`/`token_file`, `secret_env`/`secret_file` (signing), `host` for a private deployment."""

    def __init__(self, settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> None:
        table = Settings(settings, secrets)
        self._host = table.text("host", "https://open.feishu.cn").rstrip("/")
        self._token = table.secret("token")
        self._secret = table.secret("secret", optional=True)
        self._timeout = table.number("timeout", 10)
        self._rate = RateLimit(table.number("per_minute", 60), clock)
        self._clock = clock
        table.done()

    def send(self, delivery: Delivery) -> SendResult:
        for piece in split(delivery.body, MAX_BYTES):
            self._rate.take()
            payload: dict[str, object] = {"msg_type": "text", "content": {"text": piece}}
            if self._secret:
                stamp = str(int(self._clock().timestamp()))
                payload |= {"timestamp": stamp, "sign": signature(stamp, self._secret)}
            data = post_json(f"{self._host}/open-apis/bot/v2/hook/{self._token}", payload, timeout=self._timeout)
            verdict(data, ("code", "StatusCode"), ("msg", "StatusMessage"), TEMPORARY)
        return SendResult()


def signature(stamp: str, secret: str) -> str:
    """飞书's own order: stamp and secret are the key, the message is empty."""
    mac = hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()
