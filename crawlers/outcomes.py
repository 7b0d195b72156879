"""What a request came to, in words that an official can read."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Response
from twisted.internet.error import DNSLookupError

from crawlers.polite import Refused
from crawlers.rhythm import EXPIRED, REFUSED

#: what the downloader's errors are called → what an official reads
_CONNECTION = {
    "Refused": "无法连接：对方拒绝连接，网站可能已关停或端口有误",
    "Lost": "连接中断，页面没有传完",
    "Ssl": "安全连接（HTTPS）建立失败，对方证书可能有误",
    "Timeout": "超时未返回",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A server's answer that was read to its end."""

    url: str
    status: int
    body: bytes
    content_type: str
    etag: str | None
    modified: str | None
    retry_after: float | None  #: seconds


class FetchFailed(Exception):
    """No usable answer. `gone`: it will not come back; `deleted`: because the site has taken the page away. `wait`:
    seconds the server asks us to stay away."""

    def __init__(self, reason: str, *, gone: bool = False, deleted: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gone = gone
        self.deleted = deleted
        self.wait = wait


def answer(response: Response, now: datetime, *, asked: str | None = None) -> Answer:
    """Values of a response that matter to us. `asked` replaces an address that carries a token."""
    return Answer(
        url=asked or response.url,
        status=response.status,
        body=response.body,
        content_type=_header(response, "Content-Type") or "",
        etag=_header(response, "ETag"),
        modified=_header(response, "Last-Modified"),
        retry_after=_seconds(_header(response, "Retry-After"), now),
    )


def check(found: Answer) -> Answer:
    """The answer if it is usable (200 and its like, 304). Raises FetchFailed."""
    status = found.status
    if status == 304 or 200 <= status < 300:
        return found
    if status in (404, 410):
        raise FetchFailed(f"页面不存在或已删除（HTTP {status}）", gone=True, deleted=True)
    if status == 401:
        raise FetchFailed(f"{EXPIRED}需要授权（HTTP 401）")
    if status in (403, 451):
        raise FetchFailed(f"{REFUSED}网站拒绝访问（HTTP {status}）")
    if status in (429, 503):
        raise FetchFailed(f"网站要求放慢（HTTP {status}）", wait=min(found.retry_after or 60.0, 86_400.0))
    raise FetchFailed(f"网站返回错误（HTTP {status}）")


def failure(error: Exception) -> FetchFailed:
    """Why a download raised, in Chinese."""
    if isinstance(error, Refused):
        return FetchFailed(f"{REFUSED}{error}", gone=True)
    if isinstance(error, DownloadCancelledError) or "size" in str(error).lower():
        return FetchFailed("页面超过大小限制")
    if isinstance(error, IgnoreRequest):
        return _ignored(str(error))
    if isinstance(error, DownloadTimeoutError | TimeoutError):
        return FetchFailed("超时未返回")
    if isinstance(error, ResponseDataLossError):
        return FetchFailed("页面传输不完整")
    if isinstance(error, DNSLookupError | CannotResolveHostError):
        return FetchFailed("域名无法解析，或指向不允许访问的地址")
    name = type(error).__name__
    return FetchFailed(next((said for part, said in _CONNECTION.items() if part in name), f"无法连接（{name}）"))


def _ignored(text: str) -> FetchFailed:
    if "robots" in text.lower():
        return FetchFailed(f"{REFUSED}robots.txt 不允许抓取", gone=True)
    if "redirect" in text.lower():
        return FetchFailed("重定向次数过多")
    return FetchFailed(f"页面无法下载：{text[:100]}")


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1")[:500] if value else None


def _seconds(text: str | None, now: datetime) -> float | None:
    """Retry-After as seconds: a number, or an HTTP date."""
    if not text:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:12])
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None
