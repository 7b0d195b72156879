"""One lease from beginning to end: ask, read, hand on, say what was seen, say when to come back."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from crawlers.guard import PageCutOff, read_list, read_page
from crawlers.job import Ask, Job, Tally
from crawlers.kinds import KINDS, ListResult, Page, TokenExpired, UnreadableSource
from crawlers.outcomes import Answer, FetchFailed, check
from crawlers.rhythm import EXPIRED, back_off, next_due, revisit
from crawlers.seen import Marks, compare
from storage.types import Document, Lease, RawPage, Source, SourceHour

Fetch = Callable[[Ask], Awaitable[Answer]]
_HISTORY = timedelta(days=14)
_GIVE_UP = 5
#: documents older than this at first sight were not seen late: they were there before we looked
_FRESH = timedelta(hours=48)


async def visit(job: Job, lease: Lease, fetch: Fetch) -> None:
    """Work one lease off. Whatever goes wrong costs this lease only, and is recorded."""
    source = job.known.get(lease.source)
    if source is None:
        _settle(job, lease, None)
        return
    tally = Tally()
    try:
        if lease.what == "list":
            await _list(job, source, lease, fetch, tally)
        else:
            await _pages(job, source, lease, fetch, tally)
    except TokenExpired as error:
        _failed(job, source, lease, f"{EXPIRED}{error}", tally)
    except FetchFailed as error:
        _failed(job, source, lease, error.reason, tally, gone=error.gone and lease.what != "list", wait=error.wait)
    except (UnreadableSource, PageCutOff, ValueError) as error:
        _failed(job, source, lease, str(error), tally)
    except Exception as error:  # noqa: BLE001 - edge: one source; its health shows the reason, the others go on
        _failed(job, source, lease, f"程序错误：{type(error).__name__}: {error}"[:300], tally)
    _record(job, source, tally)


async def _list(job: Job, source: Source, lease: Lease, fetch: Fetch, tally: Tally) -> None:
    """The list and, while it shows something new, its next pages."""
    print_ = lease.fingerprint
    first: Answer | None = None
    waiting, asked = [lease.url], set[str]()
    while waiting and len(asked) < max(1, source.max_pages):
        url = waiting.pop(0)
        if url in asked:
            continue
        asked.add(url)
        found = await _ask(job, source, lease if first is None else None, url, fetch, tally)
        first = first or found
        if found.status == 304:
            tally.unchanged += 1
            break
        result = await job.readers.run(read_list, _page(found), source, lease, job.clock())
        marks = _take(job, source, result, print_, tally)
        print_ = marks.fingerprint
        if not marks.changed:
            tally.unchanged += len(asked) == 1
            break
        waiting += result.next_pages
    _settle(job, lease, _next(job, source), first, print_)


async def _ask(job: Job, source: Source, lease: Lease | None, url: str, fetch: Fetch, tally: Tally) -> Answer:
    tally.polled += 1
    etag, modified = (lease.etag, lease.modified) if lease else (None, None)
    return check(await fetch(Ask(url=url, source=source, etag=etag, modified=modified)))


def _page(found: Answer) -> Page:
    return Page(url=found.url, body=found.body, content_type=found.content_type, status=found.status)


def _take(job: Job, source: Source, result: ListResult, print_: str | None, tally: Tally) -> Marks:
    """Hand on what is new on one list page; returns what to remember."""
    now = job.clock()
    rows = [(x.url, _said(x)) for x in result.leases]
    rows += [(d.id, d.title + d.text + (d.status or "")) for d in result.documents]
    rows += [(f"rank {rank[0]}", f"{rank[1]} {rank[3]}") for rank in result.ranks]
    marks = compare(print_, rows)
    leases = [x for x, s in zip(result.leases, marks.state, strict=False) if s != "same"]
    states = marks.state[len(result.leases) :]
    changed = [(d, s) for d, s in zip(result.documents, states, strict=False) if s != "same"]
    with job.open_frontier() as frontier:
        if leases:
            frontier.discover(source.id, leases, now)
        if result.ranks:
            frontier.add_ranks(source.id, now, result.ranks)
    _sink(job, changed, tally, now)
    tally.rejected += result.rejected
    return marks


def _said(lease: Lease) -> str:
    """What a row says, without its date: "3 minutes ago" is another text at every look."""
    return "|".join(f"{k}={v}" for k, v in sorted(lease.hint.items()) if k != "date")


async def _pages(job: Job, source: Source, lease: Lease, fetch: Fetch, tally: Tally) -> None:
    """An article, or a thread with its next pages."""
    first = found = await _ask(job, source, lease, lease.url, fetch, tally)
    now = job.clock()
    if found.status == 304:
        tally.unchanged += 1
        _settle(job, lease, revisit(_printed(lease), now), found, lease.fingerprint)
        return
    documents: list[Document] = []
    here, more = lease, None
    for number in range(max(1, source.max_pages)):
        fresh, more = await job.readers.run(read_page, _page(found), source, here, now)
        documents += _keep(job, source, found, fresh, now)
        if not more or number + 1 >= source.max_pages:
            break
        hint = {**lease.hint, "thread": lease.url, "floors": str(len(documents))}
        here = replace(lease, hint=hint)
        found = await _ask(job, source, None, more, fetch, tally)
    if not documents:
        tally.rejected.append(f"页面没有正文：{lease.url}")
    marks = compare(lease.fingerprint, [(d.id, d.title + d.text + (d.status or "")) for d in documents])
    _sink(job, [(d, s) for d, s in zip(documents, marks.state, strict=True) if s != "same"], tally, now)
    tally.unchanged += bool(documents) and not marks.changed
    latest = max((d.published_at for d in documents if d.published_at), default=None)
    _settle(job, lease, revisit(latest, now), first, marks.fingerprint)


def _printed(lease: Lease) -> datetime | None:
    at = lease.hint.get("published")
    return datetime.fromisoformat(at) if at else None


def _keep(job: Job, source: Source, found: Answer, documents: Sequence[Document], now: datetime) -> list[Document]:
    """Keep the raw response as evidence and put its hash on the documents."""
    if not documents:
        return []
    print_ = hashlib.sha256(found.body).hexdigest()
    raw = RawPage(
        hash=print_,
        url=found.url,
        source=source.id,
        fetched_at=now,
        status=found.status,
        content_type=found.content_type,
        body=found.body,
    )
    with job.open_frontier() as frontier:
        frontier.keep_raw(raw)
    return [replace(d, raw=print_) for d in documents]


def _sink(job: Job, changed: Sequence[tuple[Document, str]], tally: Tally, now: datetime) -> None:
    if not changed:
        return
    job.sink([d for d, _ in changed])
    job.documents += len(changed)
    for document, state in changed:
        tally.new += state == "new"
        tally.updated += state == "updated"
        if state == "new" and document.published_at and now - document.published_at < _FRESH:
            tally.delay += max(0.0, (now - document.published_at).total_seconds())


def _next(job: Job, source: Source) -> datetime:
    now = job.clock()
    with job.open_frontier() as frontier:
        hours = frontier.hours(source.id, now - _HISTORY)
    return next_due(source, hours, now)


def _settle(
    job: Job, lease: Lease, due: datetime | None, found: Answer | None = None, fingerprint: str | None = None
) -> None:
    etag = (found.etag if found else None) or lease.etag
    modified = (found.modified if found else None) or lease.modified
    with job.open_frontier() as frontier:
        frontier.done(
            lease, job.clock(), next_due=due, etag=etag, modified=modified, fingerprint=fingerprint or lease.fingerprint
        )


def _failed(
    job: Job, source: Source, lease: Lease, reason: str, tally: Tally, *, gone: bool = False, wait: float = 0.0
) -> None:
    """Record and come back later; an address that is gone, or has failed too often, is given up."""
    now = job.clock()
    failures = lease.attempts + 1
    if gone or (lease.what != "list" and failures >= _GIVE_UP):
        tally.rejected.append(f"{reason}：{lease.url}")
        tally.error = f"{reason}：{lease.url}"
        due = None
    else:
        tally.errors += 1
        tally.error = reason
        seed = int(hashlib.sha256(f"{lease.url} {failures}".encode()).hexdigest()[:8], 16)
        due = max(now + back_off(failures, seed), now + timedelta(seconds=wait * (1 + (seed % 100) / 400)))
    job.report(f"{source.name}：{reason}（{lease.url}）")
    with job.open_frontier() as frontier:
        frontier.fail(lease, now, reason=reason, next_due=due)


def _record(job: Job, source: Source, tally: Tally) -> None:
    now = job.clock()
    day = now.date().isoformat()
    job.requests[source.id, day] = job.requests.get((source.id, day), 0) + tally.polled
    hour = SourceHour(
        source=source.id,
        hour=now.replace(minute=0, second=0, microsecond=0),
        polled=tally.polled,
        unchanged=tally.unchanged,
        new=tally.new,
        updated=tally.updated,
        rejected=len(tally.rejected),
        errors=tally.errors,
        delay_seconds=tally.delay,
        last_error=tally.error or (tally.rejected[0] if tally.rejected else None),
    )
    with job.open_frontier() as frontier:
        frontier.record(hour)


def token_limits(source: Source) -> int:
    """Largest body that the source's kind accepts, in bytes."""
    return KINDS[source.type].max_bytes
