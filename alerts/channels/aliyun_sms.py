"""阿里云短信 (SendSms, 2017-05-25) with signature V3, ACS3-HMAC-SHA256; V2 is discontinued.

Only level and count go into the approved template: titles and links are refused by the provider, and a text message
leaves the house for good.
"""

import hashlib
import hmac
import json
import re
import secrets as random
from collections.abc import Mapping
from datetime import UTC
from urllib.parse import quote, urlsplit

from alerts.channels.contract import Clock, DeliveryError, RateLimit, Secrets, SendResult, Settings
from alerts.channels.http import answer, post, verdict
from storage.types import Delivery

#: 触发流控 and busy; everything else (signature, template, number) needs a person
TEMPORARY = frozenset(
    {
        "isv.BUSINESS_LIMIT_CONTROL",
        "Throttling",
        "Throttling.User",
        "isp.SYSTEM_ERROR",
        "isp.GATEWAY_ERROR",
        "isp.UNKNOWN",
        "SystemBusy",
    }
)
_NUMBER = re.compile(r"(\+?86)?1\d{10}")


class AliyunSms:
    """`key_id`, `secret_env`/`secret_file`, `sign_name`, `template` (with ${level} and ${count})."""

    def __init__(self, settings: Mapping[str, object], secrets: Secrets, clock: Clock) -> None:
        table = Settings(settings, secrets)
        self._host = table.text("host", "https://dysmsapi.aliyuncs.com").rstrip("/")
        self._key_id = table.text("key_id")
        self._secret = table.secret("secret")
        self._sign_name = table.text("sign_name")
        self._template = table.text("template")
        self._timeout = table.number("timeout", 10)
        self._rate = RateLimit(table.number("per_minute", 60), clock)
        self._clock = clock
        table.done()

    def send(self, delivery: Delivery) -> SendResult:
        phone = delivery.address.get("phone", "").replace(" ", "").replace("-", "")
        if not _NUMBER.fullmatch(phone):
            raise DeliveryError("收件人没有有效的手机号码", permanent=True, code="address")
        self._rate.take()
        level = re.match(r"【([^】]{1,20})】", delivery.subject)
        values = {"level": level.group(1) if level else "通知", "count": "1"}
        query = canonical_query(
            {
                "PhoneNumbers": phone,
                "SignName": self._sign_name,
                "TemplateCode": self._template,
                "TemplateParam": json.dumps(values, ensure_ascii=False),
                "OutId": delivery.id,
            }
        )
        status, raw = post(f"{self._host}/?{query}", b"", self._headers(query), timeout=self._timeout)
        data = answer(status, raw)
        verdict(data, ("Code",), ("Message",), TEMPORARY)
        return SendResult(provider_id=str(data.get("BizId", "")), code="OK")

    def _headers(self, query: str) -> dict[str, str]:
        headers = {
            "host": urlsplit(self._host).netloc,
            "x-acs-action": "SendSms",
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": random.token_hex(16),
            "x-acs-version": "2017-05-25",
        }
        return {**headers, "Authorization": authorization(query, headers, self._key_id, self._secret)}


def canonical_query(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(parameters.items()))


def authorization(query: str, headers: Mapping[str, str], key_id: str, secret: str) -> str:
    """The Authorization header over a POST of `/` with an empty body; all `headers` are signed."""
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = f"POST\n/\n{query}\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    mac = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={mac}"
