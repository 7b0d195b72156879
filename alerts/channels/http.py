"""One HTTP request to a provider, with the question that matters answered: may we send it again?

    not connected → try again    sent, no whole answer → unknown    429, 5xx → try again    other 4xx, 3xx → permanent

HTTP 200 is not success: the provider's own code in the body decides (`verdict`).
"""

import json
import re
import ssl
import time
from collections.abc import Mapping
from functools import cache

import httpx

from alerts.channels.contract import DeliveryError

TIMEOUT_SECONDS = 10.0
#: whole exchange, for a server that drips
TOTAL_SECONDS = 20.0
MAX_ANSWER_BYTES = 65_536

#: words of a provider that has too much to do just now, whatever its code
_BUSY = re.compile(
    r"too many request|frequency limit|freq out of limit|too fast|rate limit|system busy|系统繁忙|限流|流控", re.I
)
#: a limit that holds for the rest of the day: the next channel is the answer, not a later try
_SPENT = re.compile(r"天级|daily quota|day limit", re.I)
_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: loading them takes longer than sending a message."""
    return httpx.create_ssl_context()


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    method: str = "POST",
    timeout: float = TIMEOUT_SECONDS,
) -> tuple[int, bytes]:
    """Status and body. DeliveryError carries no address: a robot's address is its key."""
    deadline = time.monotonic() + max(TOTAL_SECONDS, timeout)
    try:
        with httpx.stream(
            method, url, content=body or None, headers=dict(headers), timeout=timeout, verify=_certificates()
        ) as response:
            return response.status_code, _read(response, deadline)
    except _BEFORE_SENDING as error:
        raise DeliveryError("连接不上服务商", permanent=False, code=type(error).__name__) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise DeliveryError("渠道地址不正确", permanent=True, code=type(error).__name__) from None
    except httpx.HTTPError as error:
        text = "已发出，但没有收到完整回执，可能已送达"
        raise DeliveryError(text, permanent=False, unknown=True, code=type(error).__name__) from None


def _read(response: httpx.Response, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES or time.monotonic() > deadline:
            raise DeliveryError("已发出，但回执异常（过长或过慢）", permanent=False, unknown=True, code="answer")
    return b"".join(parts)


def check_status(status: int, body: bytes) -> None:
    """Raise for a status that already decides."""
    if 200 <= status < 300:
        return
    words = body[:200].decode("utf-8", "replace").strip()
    temporary = status in (408, 425, 429) or status >= 500
    raise DeliveryError(f"服务商返回 HTTP {status}：{words}", permanent=not temporary, code=str(status))


def answer(status: int, body: bytes) -> dict[str, object]:
    """The JSON object of a provider. One that answers 200 without JSON is a gateway or a login page, not a yes."""
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    if isinstance(data, dict):
        if status == 429 or status >= 500:
            check_status(status, body)
        return data
    check_status(status, body)
    raise DeliveryError("服务商回执不是 JSON，未确认送达", permanent=False, code="answer")


def verdict(
    data: Mapping[str, object], code_keys: tuple[str, ...], text_keys: tuple[str, ...], temporary: frozenset[str]
) -> None:
    """Raise unless the first known code key says 0; codes in `temporary` may be tried again.

    Some codes say two things and the words decide: 飞书 9499 is a bad request or too many of them, 阿里云's
    BUSINESS_LIMIT_CONTROL is over in a minute, an hour, or not today (50 notices a day to one number).
    """
    code = next((str(data[k]) for k in code_keys if k in data), None)
    if code in ("0", "OK"):
        return
    words = next((str(data[k]) for k in text_keys if data.get(k)), "")
    if code is None:
        raise DeliveryError("服务商回执没有结果码，未确认送达", permanent=False, code="answer")
    again = (code in temporary or _BUSY.search(words) is not None) and _SPENT.search(words) is None
    raise DeliveryError(f"服务商拒绝（{code}）：{words[:200]}", permanent=not again, code=code)


def post_json(url: str, payload: Mapping[str, object], *, timeout: float = TIMEOUT_SECONDS) -> dict[str, object]:
    """POST a JSON object, give the provider's JSON object."""
    body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
    status, raw = post(url, body, {"Content-Type": "application/json; charset=utf-8"}, timeout=timeout)
    return answer(status, raw)
