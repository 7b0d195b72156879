"""One lease from beginning to end: ask, read, hand on, say what was seen, say when to come back."""

from datetime import datetime, timedelta

from crawlers.folder import is_local, local_files
from crawlers.guard import PageCutOff, read_list
from crawlers.job import Fetch, Job, Tally
from crawlers.kinds import KINDS, ListResult, Page, TokenExpired, UnreadableSource
from crawlers.kinds.file import rows_of
from crawlers.leave import failed, record, settle, sink, states
from crawlers.outcomes import Answer, FetchFailed
from crawlers.pages import LeaseLost, ask, deleted, visit_page
from crawlers.rhythm import EXPIRED, next_due
from crawlers.seen import REMEMBERED, Marks, compare
from storage.types import Lease, Source

_HISTORY = timedelta(days=14)
_REMEMBERED_ROWS = 20_000


async def visit(job: Job, lease: Lease, fetch: Fetch) -> None:
    """Work one lease off. Whatever goes wrong costs this lease only, and is recorded."""
    source = job.known.get(lease.source)
    if source is None:
        settle(job, lease, None)
        return
    tally = Tally(until=lease.until)
    try:
        await _look(job, source, lease, fetch, tally)
    except TokenExpired as error:
        failed(job, source, lease, f"{EXPIRED}{error}", tally)
    except LeaseLost:
        job.report(f"{source.name}：租约已到期，由另一进程继续（{lease.url}）")
    except (UnreadableSource, PageCutOff, ValueError) as error:
        failed(job, source, lease, str(error), tally)
    except Exception as error:  # noqa: BLE001 - edge: one source; its health shows the reason, the others go on
        failed(job, source, lease, f"程序错误：{type(error).__name__}: {error}"[:300], tally)
    record(job, source, tally)


async def _look(job: Job, source: Source, lease: Lease, fetch: Fetch, tally: Tally) -> None:
    if source.type == "file" and is_local(source.url):
        await _folder(job, source, lease, tally)
        return
    look = _list if lease.what == "list" else visit_page
    try:
        await look(job, source, lease, fetch, tally)
    except FetchFailed as error:
        gone = error.gone and lease.what != "list"
        if gone and error.deleted and await deleted(job, source, lease, error.reason, tally):
            return
        failed(job, source, lease, error.reason, tally, gone=gone, wait=error.wait)


async def _list(job: Job, source: Source, lease: Lease, fetch: Fetch, tally: Tally) -> None:
    """The list and, while it shows something new, its next pages."""
    print_ = lease.fingerprint
    first: Answer | None = None
    waiting, asked = [lease.url], set[str]()
    news = False  #: whether everything on the last page was new, so that more lies behind it
    while waiting and len(asked) < max(1, source.max_pages):
        url = waiting.pop(0)
        if url in asked:
            continue
        asked.add(url)
        found = await ask(job, source, lease, url, fetch, tally, known=first is None)
        first = first or found
        if found.status == 304:
            tally.unchanged += 1
            break
        result = await job.readers.run(read_list, _page(found), source, lease, job.clock())
        marks = _take(job, source, result, print_, tally)
        print_ = marks.fingerprint
        news = bool(marks.state) and "same" not in marks.state
        if marks.state and not marks.changed:
            tally.unchanged += len(asked) == 1
            break
        waiting += result.next_pages  # a page without rows but with next ones is the index of a sitemap
    if news and waiting and lease.fingerprint and source.type != "sitemap":
        tally.rejected.append(f"新内容超过 {len(asked)} 页，更早的可能漏采：请调大 max_pages 或缩短轮询间隔")
    settle(job, lease, _next(job, source), first, print_)


async def _folder(job: Job, source: Source, lease: Lease, tally: Tally) -> None:
    """A watched file or folder: every file that has changed since last time."""
    tally.polled += 1
    files = local_files(source.url)
    marks = compare(lease.fingerprint, [(str(path), stamp) for path, stamp in files])
    for (path, _), state in zip(files, marks.state, strict=True):
        if state == "same":
            continue
        result = await job.readers.run(rows_of, path, source, job.clock())
        sink(job, result.documents, [state] * len(result.documents), tally, job.clock())
        tally.rejected += [f"{path.name} {line}" for line in result.rejected]
    tally.unchanged += not marks.changed
    settle(job, lease, _next(job, source), None, marks.fingerprint)


def _page(found: Answer) -> Page:
    return Page(url=found.url, body=found.body, content_type=found.content_type, status=found.status)


def _take(job: Job, source: Source, result: ListResult, print_: str | None, tally: Tally) -> Marks:
    """Hand on what is new on one list page; returns what to remember."""
    now = job.clock()
    rows = [(x.url, _said(x)) for x in result.leases]
    rows += [(f"rank {rank[0]}", f"{rank[1]} {rank[3]}") for rank in result.ranks]
    kept = _REMEMBERED_ROWS if source.type == "file" else REMEMBERED
    marks, found, changes = states(print_, rows, result.documents, remembered=kept)
    leases = [x for x, s in zip(result.leases, found, strict=False) if s != "same"]
    with job.open_frontier() as frontier:
        if leases:
            frontier.discover(source.id, leases, now)
        if result.ranks:
            frontier.add_ranks(source.id, now, result.ranks)
    sink(job, result.documents, changes, tally, now)
    tally.rejected += result.rejected
    return marks


def _said(lease: Lease) -> str:
    """What a row says, without its date: "3 minutes ago" is another text at every look."""
    return "|".join(f"{k}={v}" for k, v in sorted(lease.hint.items()) if k != "date")


def _next(job: Job, source: Source) -> datetime:
    now = job.clock()
    with job.open_frontier() as frontier:
        hours = frontier.hours(source.id, now - _HISTORY)
    return next_due(source, hours, now)


def token_limits(source: Source) -> int:
    """Largest body that the source's kind accepts, in bytes."""
    return KINDS[source.type].max_bytes
