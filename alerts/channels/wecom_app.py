"""企业微信应用消息: to single members, by an access token that is fetched and renewed."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from alerts.channels.contract import Clock, DeliveryError, RateLimit, Secrets, SendResult, Settings
from alerts.channels.http import answer, post, post_json, verdict
from alerts.messages import split
from storage.types import Delivery

MAX_BYTES = 2048
TEMPORARY = frozenset({"-1", "45009", "45033"})
#: 40014 不合法的 access_token, 42001 access_token 已过期: fetch a new one, once
STALE_TOKEN = frozenset({"40014", "42001"})


class WecomApp:
    """`corp_id`, `agent_id`, `secret_env`/`secret_file`; `to` where the delivery's address names no `wecom` member."""

    def __init__(self, settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> None:
        table = Settings(settings, secrets)
        self._host = table.text("host", "https://qyapi.weixin.qq.com").rstrip("/")
        self._corp = table.text("corp_id")
        self._agent = table.number("agent_id")
        self._to = table.text("to", "@none")
        self._secret = table.secret("secret")
        self._timeout = table.number("timeout", 10)
        self._rate = RateLimit(table.number("per_minute", 100), clock)
        self._clock = clock
        self._token: tuple[str, datetime] | None = None
        table.done()

    def send(self, delivery: Delivery) -> SendResult:
        to = delivery.address.get("wecom", self._to)
        if to == "@none":
            raise DeliveryError("收件人没有企业微信账号", permanent=True, code="address")
        result = SendResult()
        for piece in split(delivery.body, MAX_BYTES):
            self._rate.take()
            try:
                result = self._piece(to, piece)
            except DeliveryError as error:
                if error.code not in STALE_TOKEN:
                    raise
                self._token = None
                result = self._piece(to, piece)
        return result

    def _piece(self, to: str, text: str) -> SendResult:
        url = f"{self._host}/cgi-bin/message/send?access_token={self._access_token()}"
        payload = {"touser": to, "msgtype": "text", "agentid": self._agent, "text": {"content": text}}
        data = post_json(url, payload, timeout=self._timeout)
        verdict(data, ("errcode",), ("errmsg",), TEMPORARY)
        if data.get("invaliduser"):
            raise DeliveryError(f"企业微信账号无效：{data['invaliduser']}", permanent=True, code="invaliduser")
        return SendResult(provider_id=str(data.get("msgid", "")))

    def _access_token(self) -> str:
        now = self._clock()
        if self._token is not None and now < self._token[1]:
            return self._token[0]
        query = urlencode({"corpid": self._corp, "corpsecret": self._secret})
        try:
            status, raw = post(f"{self._host}/cgi-bin/gettoken?{query}", b"", {}, method="GET", timeout=self._timeout)
        except DeliveryError as error:  # fetching a token sends nothing to anybody: never "unknown"
            raise DeliveryError(str(error), permanent=error.permanent, code=error.code) from None
        data = answer(status, raw)
        verdict(data, ("errcode",), ("errmsg",), TEMPORARY)
        token = str(data.get("access_token", ""))
        if not token:
            raise DeliveryError(f"取不到访问凭证：{json.dumps(sorted(data))}", permanent=False, code="token")
        lifetime = data.get("expires_in")
        seconds = lifetime if isinstance(lifetime, int) else 3600
        self._token = (token, now + timedelta(seconds=max(60, seconds - 300)))
        return token
