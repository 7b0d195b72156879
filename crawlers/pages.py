"""Articles and threads: read, compared with last time, followed to where a thread has grown, marked when deleted.

A lease's fingerprint keeps, beside what was seen, three notes:

    raw=<hash>          the kept page, to say of its documents that they were deleted
    last=<n>,<address>  the last page of a thread that was read, and the floors before it
    day=<moment>        when the youngest document was published, for a page that has not changed (304)
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crawlers.guard import read_page
from crawlers.job import Ask, Fetch, Job, Tally
from crawlers.kinds import Page
from crawlers.leave import keep, settle, sink, states
from crawlers.outcomes import Answer, FetchFailed, check
from crawlers.rhythm import revisit
from crawlers.seen import note, noted
from storage.types import Document, Lease, Source

#: how the office reads that the original is no longer there
DELETED = "原文已删除"
#: a thread that is longer than one visit reads goes on after this; so does a second look at a page that was deleted
_SOON, _ONCE_MORE = timedelta(minutes=1), timedelta(hours=1)
#: seconds of a lease that must be left before one more request is made without asking for more time
_MARGIN = 180.0


class LeaseLost(Exception):
    """The lease ran out and is somebody else's now: nothing more is done about it here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One page of a thread: its address, and the floors before it."""

    url: str
    before: int = 0


async def ask(
    job: Job, source: Source, lease: Lease, url: str, fetch: Fetch, tally: Tally, *, known: bool = False
) -> Answer:
    """One request of a visit; `known`: only if it has changed since. Raises FetchFailed, LeaseLost."""
    now = job.clock()
    if tally.until is not None and (tally.until - now).total_seconds() < _MARGIN:
        with job.open_frontier() as frontier:
            if not frontier.renew(lease, now + timedelta(seconds=job.lease_seconds), now):
                raise LeaseLost(lease.url)
        tally.until = now + timedelta(seconds=job.lease_seconds)
    tally.polled += 1
    etag, modified = (lease.etag, lease.modified) if known else (None, None)
    return check(await fetch(Ask(url=url, source=source, etag=etag, modified=modified)))


async def visit_page(job: Job, source: Source, lease: Lease, fetch: Fetch, tally: Tally) -> None:
    """An article; or a thread, its first page and on from the page where the last visit ended."""
    gone_before = noted(lease.fingerprint, "gone") is not None
    first = await ask(job, source, lease, lease.url, fetch, tally, known=not gone_before)
    now = job.clock()
    documents, more = await _read(job, source, lease, Place(url=lease.url), first, now)
    last = _last(lease.fingerprint)
    if last and (more or first.status == 304):
        following: Place | None = last
    else:
        following = Place(url=more, before=_floors(documents, 0)) if more else None
    last, asked = None, 1
    while following and asked < source.max_pages:
        last, asked = following, asked + 1
        try:
            found = await ask(job, source, lease, last.url, fetch, tally)
        except FetchFailed as error:
            if not error.gone:
                raise
            last, following = None, None
            break
        fresh, more = await _read(job, source, lease, last, found, now)
        documents += fresh
        following = Place(url=more, before=_floors(fresh, last.before)) if more else None
    if not documents and first.status != 304:
        tally.rejected.append(f"页面没有正文：{lease.url}")
    _leave(job, source, lease, first, documents, tally, now, last=following or last, unfinished=following is not None)


def _leave(
    job: Job,
    source: Source,
    lease: Lease,
    first: Answer,
    documents: list[Document],
    tally: Tally,
    now: datetime,
    *,
    last: Place | None,
    unfinished: bool,
) -> None:
    back = noted(lease.fingerprint, "gone") is not None
    marks, _, changes = states(lease.fingerprint, (), documents)
    if back:  # it was marked as deleted, and is there again: say so although the words are the same
        changes = ["updated" if s == "same" else s for s in changes]
    sink(job, documents, changes, tally, now)
    tally.unchanged += not marks.changed and (bool(documents) or first.status == 304)
    latest = max((d.published_at for d in documents if d.published_at), default=None)
    day = noted(lease.fingerprint, "day")
    if not documents and day:
        latest = datetime.fromisoformat(day)
    print_ = note(marks.fingerprint, "day", latest.isoformat() if latest else None)
    print_ = note(print_, "raw", next((d.raw for d in documents), None) or noted(lease.fingerprint, "raw"))
    print_ = note(print_, "last", f"{last.before},{last.url}" if last else None)
    settle(job, lease, now + _SOON if unfinished else revisit(latest, now), first, print_)


async def _read(
    job: Job, source: Source, lease: Lease, place: Place, found: Answer, now: datetime
) -> tuple[list[Document], str | None]:
    """Documents of one page and the address of the next; none of either where the page has not changed."""
    if found.status == 304:
        return [], None
    here = lease
    if place.url != lease.url:
        here = replace(lease, hint={**lease.hint, "thread": lease.url, "floors": str(place.before)})
    page = Page(url=found.url, body=found.body, content_type=found.content_type, status=found.status)
    fresh, more = await job.readers.run(read_page, page, source, here, now)
    return keep(job, source, found, fresh, now), more


def _floors(documents: list[Document], before: int) -> int:
    """Number of the last floor read so far: one without text must not make the next page use its number again."""
    return max((d.floor or 0 for d in documents), default=before)


def _last(fingerprint: str | None) -> Place | None:
    before, _, url = (noted(fingerprint, "last") or "").partition(",")
    return Place(url=url, before=int(before)) if url and before.isdigit() else None


async def deleted(job: Job, source: Source, lease: Lease, reason: str, tally: Tally) -> bool:
    """A page that we have read is not there any more: its documents stay, marked. False where we never read it.

    It is looked at once more after an hour: a site that is being rebuilt brings its pages back.
    """
    print_ = noted(lease.fingerprint, "raw")
    with job.open_frontier() as frontier:
        raw = frontier.raw(print_) if print_ else None
    if raw is None or print_ is None:
        return False
    tally.rejected.append(f"{reason}：{lease.url}")
    now = job.clock()
    again = noted(lease.fingerprint, "gone") is None
    if again:
        page = Page(url=raw.url, body=raw.body, content_type=raw.content_type, status=raw.status)
        documents, _ = await job.readers.run(read_page, page, source, lease, raw.fetched_at)
        marked = [replace(d, status=DELETED, fetched_at=now, raw=print_) for d in documents]
        sink(job, marked, ["figures"] * len(marked), tally, now)  # no news of theirs: counted as rejected
    job.report(f"{source.name}：{reason}（{lease.url}）")
    settle(job, lease, now + _ONCE_MORE if again else None, None, note(lease.fingerprint, "gone", "1"))
    return True
