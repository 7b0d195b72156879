"""The connection to Elasticsearch: errors in Chinese, bulk requests item by item, waiting when the server is busy."""

import contextlib
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
from elastic_transport import ConnectionError as CannotConnect
from elastic_transport import ConnectionTimeout, TransportError
from elasticsearch import ApiError, Elasticsearch

from storage.documents.elastic_schema import Json
from storage.ports import StoreError

T = TypeVar("T")
log = logging.getLogger("minsheng.elastic")
logging.getLogger("elastic_transport").setLevel(logging.WARNING)  # it says every request

#: seconds one request may take; the longest, a facet over all of a month's keywords, takes a few
_TIMEOUT = 60
#: and what a person waits for, or should take no time: a search, a refresh, making an index
_HURRIED = 20
#: how long the server itself waits for a shard that is away
_SHARD_WAIT = "10s"
#: all that is read of a bulk answer
_ANSWER = ("items.*.status", "items.*.result", "items.*.error")
#: waits before the second, third … try of what a busy server turned away; 25 s in all, less than a lease of the queue
_WAITS = (0.1, 0.3, 1.0, 3.0, 7.0, 14.0)
#: bytes of one bulk request; the server advises 5 to 15 MB
_BULK_BYTES = 8_000_000
_SHARD_TRIES = 3
_BUSY = 429
_BLOCKED = "cluster_block_exception"
#: parts of a server's complaint → what a person should do
_TOLD: tuple[tuple[str, str], ...] = (
    (_BLOCKED, "文档库已被设为只读（多半因磁盘将满）：请在 Elasticsearch 服务器上清理磁盘，只读会自动解除"),
    ("too_many_buckets", "时间跨度过大，图上画不下：请缩小时间范围，或改按更长的时段统计"),
    ("too_many_clauses", "检索式的词太多，文档库放不下：请拆成几条"),
    ("nested depth", "检索式的括号套得太深：请简化"),
    ("no_shard_available", "文档库有分片不可用（状态为红）：请检查 Elasticsearch 各节点，恢复后会自动继续"),
    ("search_phase_execution", "文档库有分片不可用或无法作答：请检查 Elasticsearch 各节点的状态和日志"),
    ("unavailable_shards", "文档库有分片不可用（状态为红）：请检查 Elasticsearch 各节点，恢复后会自动继续"),
)


@dataclass(frozen=True, slots=True)
class Action:
    """One line of a bulk request. `op`: index, create, update, delete."""

    op: str
    index: str
    id: str
    body: Json | None = None
    extra: Json | None = None  #: if_seq_no, retry_on_conflict …

    def lines(self) -> list[bytes]:
        """NDJSON without line ends."""
        head = orjson.dumps({self.op: {"_index": self.index, "_id": self.id, **(self.extra or {})}})
        return [head] if self.body is None else [head, orjson.dumps(self.body)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action."""

    status: int
    result: str  #: created updated deleted not_found noop, or the type of the error
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.status < 300 or self.result == "not_found"


class Server:
    """One Elasticsearch behind `http(s)://user:password@host:port[?ca_certs=FILE]`."""

    def __init__(self, url: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.address, self.client = _connect(url)
        self.hurried = self.client.options(request_timeout=_HURRIED, max_retries=0)
        self._sleep = sleep
        self._lock = threading.Lock()
        self._written: set[str] = set()

    def ask(self, call: Callable[[], T]) -> T:
        """Do a request that may be repeated. StoreError says what to do.

        A busy server (429) is waited for, and for 1.4 s a shard that is away: that of a month just made is so too.
        """
        tries = 0
        while True:
            try:
                with self.translated():
                    return call()
            except StoreError as error:
                if tries >= _patience(error.__cause__):
                    raise
            self._pause(_WAITS[tries])
            tries += 1

    def mget(self, docs: Sequence[Json], fields: Sequence[str] | None = None) -> list[Json]:
        """Documents by index and id, in order, in real time; an item without `found` is not there."""
        for wait in (*_WAITS[:_SHARD_TRIES], None):
            answer = self.ask(lambda: self.client.mget(docs=docs, source_includes=fields))
            errors = [doc["error"]["type"] for doc in answer["docs"] if "error" in doc]
            if all(error == "index_not_found_exception" for error in errors):  # a month that was dropped
                return list(answer["docs"])
            if wait is not None:
                self._pause(wait)
        raise StoreError(say("no_shard_available"))

    def bulk(self, actions: Sequence[Action]) -> list[Outcome]:
        """One outcome for each action, in order; items that a busy server turned away are sent again.

        StoreError when the server stays busy, is read-only or away: earlier items may be written, all are idempotent.
        """
        found: dict[int, Outcome] = {}
        todo = list(range(len(actions)))
        for wait in (*_WAITS, None):
            for part in _portions(todo, actions):
                found.update(zip(part, self._send([actions[i] for i in part]), strict=True))
            self._remember({action.index for action in actions})
            if any(outcome.result == _BLOCKED for outcome in found.values()):
                raise StoreError(say(_BLOCKED))
            todo = [i for i in todo if _busy(found[i].status, found[i].result)]
            if not todo:
                return [found[i] for i in range(len(actions))]
            if wait is not None:
                self._pause(wait)
        raise StoreError("文档库忙不过来（连续拒绝写入）：请稍后再试，或给 Elasticsearch 增加资源")

    def make_visible(self, prefix: str) -> None:
        """Let searches see what this process wrote: a refresh, but only after a write, and of what was written.

        Others see it within 1 s. A refresh of a shard that is away would wait a minute.
        """
        with self._lock:
            written = sorted(index for index in self._written if index.startswith(prefix))
            if not written:
                return
            self.ask(lambda: self.hurried.indices.refresh(index=written, ignore_unavailable=True))
            self._written.clear()

    def _remember(self, indices: set[str]) -> None:
        with self._lock:
            self._written |= indices

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Errors of the client become StoreError; neither address nor message holds the password."""
        try:
            yield
        except ConnectionTimeout as error:
            raise StoreError(f"文档库 {self.address} 超时未答：请检查 Elasticsearch 的负载，稍后再试") from error
        except CannotConnect as error:
            raise StoreError(f"连不上文档库 {self.address}：请确认 Elasticsearch 已启动、地址和网络无误") from error
        except ApiError as error:
            raise StoreError(_explain(error, self.address)) from error
        except TransportError as error:
            raise StoreError(f"文档库 {self.address} 的回答读不懂：请确认那里是 Elasticsearch 9") from error

    def close(self) -> None:
        self.client.close()

    def _send(self, actions: Sequence[Action]) -> list[Outcome]:
        # ready-made lines pass through as they are; the client's type only knows mappings
        lines: Any = [line for action in actions for line in action.lines()]
        answer = self.ask(lambda: self.client.bulk(operations=lines, timeout=_SHARD_WAIT, filter_path=_ANSWER))
        return [_outcome(next(iter(item.values()))) for item in answer["items"]]

    def _pause(self, seconds: float) -> None:
        log.warning("Elasticsearch is busy; next try in %.1f s", seconds)
        self._sleep(seconds * random.uniform(0.7, 1.3))


def may_recover(error: StoreError) -> bool:
    """Whether a server is only away, slow or without a shard, and not a wrong address or password."""
    cause = error.__cause__
    if isinstance(cause, ApiError):
        return cause.status_code >= 500 or cause.status_code == _BUSY
    return isinstance(cause, CannotConnect | ConnectionTimeout)


def _connect(url: str) -> tuple[str, Elasticsearch]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 9200)
    except ValueError as error:
        raise StoreError("文档库地址无法识别：请写成 https://用户:密码@主机:9200") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StoreError("文档库地址无法识别：请写成 https://用户:密码@主机:9200")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    address = f"{parts.scheme}://{host}:{port}"
    options: dict[str, Any] = {}
    if parts.username is not None:
        options["basic_auth"] = (unquote(parts.username), unquote(parts.password or ""))
    if certificates := parse_qs(parts.query).get("ca_certs"):
        options["ca_certs"] = certificates[0]
    return address, Elasticsearch(
        address + parts.path.rstrip("/"),
        request_timeout=_TIMEOUT,
        max_retries=2,
        retry_on_status=(502,),
        retry_on_timeout=False,
        http_compress=False,
        **options,
    )


def _portions(todo: Sequence[int], actions: Sequence[Action]) -> Iterable[list[int]]:
    """Cut a bulk request where it becomes too large."""
    part: list[int] = []
    size = 0
    for i in todo:
        weight = _weight(actions[i])
        if part and size + weight > _BULK_BYTES:
            yield part
            part, size = [], 0
        part.append(i)
        size += weight
    if part:
        yield part


def _weight(action: Action) -> int:
    """Bytes, roughly: three for each sign of the long fields (a Chinese character in UTF-8)."""
    body = action.body or {}
    return 1000 + 3 * sum(len(value) for value in body.values() if isinstance(value, str))


def _outcome(item: Json) -> Outcome:
    error = item.get("error")
    if error is None:
        return Outcome(item["status"], item.get("result", ""))
    reason = error.get("caused_by", error).get("reason") or ""
    return Outcome(item["status"], error["type"], reason[:200])


def _patience(cause: BaseException | None) -> int:
    """How often a request is tried again."""
    if not isinstance(cause, ApiError):
        return 0
    if _busy(cause.status_code, str(cause.body)):
        return len(_WAITS)
    return _SHARD_TRIES if "no_shard_available" in str(cause.body) else 0


def _busy(status: int, text: str) -> bool:
    return status == _BUSY and _BLOCKED not in text


def _explain(error: ApiError, address: str) -> str:
    if error.status_code == 401:
        return f"文档库 {address} 不认用户名或口令：请核对 documents 地址里的用户和密码"
    text = str(error.body)
    if told := say(text):
        return told
    if error.status_code == 403:
        return f"文档库 {address} 的用户没有所需权限：请给它 minsheng-* 索引的读写和建索引权限"
    if error.status_code == _BUSY:
        return "文档库忙不过来（连续拒绝请求）：请稍后再试，或给 Elasticsearch 增加资源"
    kind = error.error if re.fullmatch(r"\w{1,80}", error.error) else "不是 Elasticsearch 的回答"
    return f"文档库 {address} 拒绝了请求（{error.status_code} {kind}）：请查看 Elasticsearch 日志"


def say(text: str) -> str:
    """What a person should do about a server's complaint; empty for one that we do not know."""
    return next((told for part, told in _TOLD if part in text), "")
