"""Reading hostile pages in processes that can be killed: a parser that hangs or grows costs one page."""

import asyncio
import multiprocessing
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from crawlers.kinds import KINDS
from crawlers.kinds.shapes import ListResult, Page, TokenExpired, UnreadableSource
from storage.types import Document, Lease, Source

#: a reading process may take so long to start on a machine that is busy; that is no page's fault
START_SECONDS = 120.0
#: address space of a reading process; a page that needs more is refused
MEMORY = 3 * 1024**3


class PageCutOff(Exception):
    """Reading a page took too long, too much memory, or ended the process. Chinese, with the limit."""


def read_list(page: Page, source: Source, lease: Lease, now: datetime) -> ListResult:
    """The kind's `parse_list`. Raises UnreadableSource."""
    return KINDS[source.type].parse_list(page, source, lease, now)


def read_page(page: Page, source: Source, lease: Lease, now: datetime) -> tuple[list[Document], str | None]:
    """The kind's `parse_article`, and the next page of a thread."""
    kind = KINDS[source.type]
    return kind.parse_article(page, source, lease, now), kind.more(page, source)


@dataclass(slots=True)
class _Reader:
    process: BaseProcess
    pipe: Connection


@dataclass(slots=True)
class Readers:
    """A few reading processes, started when first needed."""

    size: int = 1
    seconds: float = 20.0  #: limit per page
    idle: list[_Reader] = field(default_factory=list)
    free: asyncio.Semaphore | None = None

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """`function(*args)` in a reading process, waited for without blocking the loop; see `call`."""
        if self.free is None:
            self.free = asyncio.Semaphore(self.size)
        async with self.free:
            return await asyncio.to_thread(self.call, function, *args)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """`function(*args)` in a reading process. The function must be importable, its values picklable.

        Raises PageCutOff past the limit, UnreadableSource and ValueError as the function raised them.
        """
        reader = self.idle.pop() if self.idle else _start()
        try:
            reader.pipe.send((function, args))
            if not reader.pipe.poll(self.seconds):
                raise PageCutOff(f"解析超过 {self.seconds:g} 秒，已中止")
            outcome, value = reader.pipe.recv()
        except (EOFError, OSError) as error:
            _end(reader)
            raise PageCutOff("解析进程意外结束，该页已跳过") from error
        except BaseException:
            _end(reader)
            raise
        self.idle.append(reader)
        if outcome == "ok":
            return value
        raise _ERRORS.get(outcome, PageCutOff)(value)

    def close(self) -> None:
        """End the processes."""
        while self.idle:
            _end(self.idle.pop())


_READY = "ready"
_ERRORS: dict[str, type[Exception]] = {
    "TokenExpired": TokenExpired,
    "UnreadableSource": UnreadableSource,
    "ValueError": ValueError,
}


def _start() -> _Reader:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True, name="minsheng-reader")
    process.start()
    theirs.close()
    reader = _Reader(process=process, pipe=ours)
    try:
        if ours.poll(START_SECONDS) and ours.recv() == _READY:
            return reader
    except (EOFError, OSError) as error:
        _end(reader)
        raise PageCutOff("解析进程无法启动，稍后再试") from error
    _end(reader)
    raise PageCutOff(f"解析进程 {START_SECONDS:g} 秒内没有启动，稍后再试")


def _end(reader: _Reader) -> None:
    reader.process.kill()
    reader.process.join(5)
    reader.pipe.close()


def _serve(pipe: Connection) -> None:
    """Loop of a reading process; ends when the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        pipe.send(_READY)
    except OSError:
        return
    while True:
        try:
            function, args = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = ("ok", function(*args))
        except (TokenExpired, UnreadableSource) as error:
            answer = (type(error).__name__, str(error))
        except MemoryError:
            answer = ("PageCutOff", "解析占用内存过多，已中止")
        except Exception as error:  # noqa: BLE001 - edge: one page; the reason travels to the source's health
            answer = ("PageCutOff", f"解析出错：{type(error).__name__}: {str(error)[:200]}")
        try:
            pipe.send(answer)
        except OSError:  # the crawling process was killed meanwhile
            return
