"""钉钉群机器人, signed: base64(HMAC-SHA256(secret, "timestamp\\nsecret")), quoted once, milliseconds."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

from alerts.channels.contract import Clock, RateLimit, Secrets, SendResult, Settings
from alerts.channels.http import post_json, verdict
from alerts.messages import split
from storage.types import Delivery

MAX_BYTES = 18_000
#: -1 系统繁忙, 130101 发送过快, 90030 webhook 调用超限; 310000 (sign, keyword, address) will not heal by itself
TEMPORARY = frozenset({"-1", "130101", "410100"})


class Dingtalk:
    """`token_env`/`token_file`, `secret_env`/`secret_file` (signing), `host` for a private deployment."""

    def __init__(self, settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> None:
        table = Settings(settings, secrets)
        self._host = table.text("host", "https://oapi.dingtalk.com").rstrip("/")
        self._token = table.secret("token")
        self._secret = table.secret("secret", optional=True)
        self._timeout = table.number("timeout", 10)
        self._rate = RateLimit(table.number("per_minute", 20), clock)
        self._clock = clock
        table.done()

    def send(self, delivery: Delivery) -> SendResult:
        for piece in split(delivery.body, MAX_BYTES):
            self._rate.take()
            url = f"{self._host}/robot/send?{urlencode(self._query())}"
            data = post_json(url, {"msgtype": "text", "text": {"content": piece}}, timeout=self._timeout)
            verdict(data, ("errcode",), ("errmsg",), TEMPORARY)
        return SendResult()

    def _query(self) -> dict[str, str]:
        query = {"access_token": self._token}
        if self._secret:
            stamp = str(int(self._clock().timestamp() * 1000))
            query |= {"timestamp": stamp, "sign": signature(stamp, self._secret)}
        return query


def signature(stamp: str, secret: str) -> str:
    """The robot's 加签, not yet quoted for a URL."""
    mac = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()
