"""企业微信群机器人: text of at most 2048 bytes, 20 messages a minute for each robot."""

from collections.abc import Mapping

from alerts.channels.contract import Clock, RateLimit, Secrets, SendResult, Settings
from alerts.channels.http import post_json, verdict
from alerts.messages import split
from storage.types import Delivery

MAX_BYTES = 2048
#: 45009 接口调用超过限制, -1 系统繁忙; 93000 (invalid robot) and the rest will not heal by themselves
TEMPORARY = frozenset({"-1", "45009", "45033"})


class Wecom:
    """`key_env`/`key_file`; `host` for a private deployment."""

    def __init__(self, settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> None:
        table = Settings(settings, secrets)
        self._host = table.text("host", "https://qyapi.weixin.qq.com").rstrip("/")
        self._key = table.secret("key")
        self._timeout = table.number("timeout", 10)
        self._rate = RateLimit(table.number("per_minute", 20), clock)
        table.done()

    def send(self, delivery: Delivery) -> SendResult:
        for piece in split(delivery.body, MAX_BYTES):
            self._rate.take()
            url = f"{self._host}/cgi-bin/webhook/send?key={self._key}"
            data = post_json(url, {"msgtype": "text", "text": {"content": piece}}, timeout=self._timeout)
            verdict(data, ("errcode",), ("errmsg",), TEMPORARY)
        return SendResult()
