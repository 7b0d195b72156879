"""What a visit leaves behind: documents handed on, the raw page, the lease's end, the figures of the hour."""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from crawlers.job import Job, Tally
from crawlers.outcomes import Answer
from crawlers.rhythm import back_off
from crawlers.seen import REMEMBERED, Marks, compare
from storage.types import Document, Lease, RawPage, Source, SourceHour

_GIVE_UP = 5
#: kinds of reasons kept of one visit
_KINDS, _OTHERS = 20, "其他原因"
#: what is particular to one row or address in a sentence of ours, and to be left out where reasons are counted
_PARTICULAR = re.compile(r"https?://\S+|(?:\S+ )?第 \d+ [行条]| 为“[^”]*”")
#: a server that asks for patience is left alone whole, at most so many seconds; the address itself as long as it asks
_HOST_WAITS = 3600.0
#: documents older than this at first sight were not seen late: they were there before we looked
_FRESH = timedelta(hours=48)


def states(
    old: str | None, leases: Sequence[tuple[str, str]], documents: Sequence[Document], remembered: int = REMEMBERED
) -> tuple[Marks, list[str], list[str]]:
    """What to remember, the states of the rows and those of the documents.

    A document whose words are the same and whose figures have grown is "figures": worth handing on, but no news.
    """
    rows = [*leases, *((d.id, d.title + d.text + (d.status or "")) for d in documents)]
    counted = [(f"{d.id} figures", _figures(d)) for d in documents]
    both = compare(old, [*rows, *counted], remembered=max(remembered, 3 * len(rows)))
    plain, grown = list(both.state[: len(rows)]), both.state[len(rows) :]
    for place, state in enumerate(grown, len(leases)):
        if plain[place] == "same" and state == "updated":
            plain[place] = "figures"
    marks = Marks(state=tuple(s for s in plain if s != "figures"), fingerprint=both.fingerprint)
    return marks, plain[: len(leases)], plain[len(leases) :]


def _figures(document: Document) -> str:
    """Likes, comments, reposts, reads in steps of about 7 %: a figure that grows by one is not written every time."""
    figures = (document.likes, document.comments, document.reposts, document.reads)
    return " ".join("-" if n is None else str(n if n < 15 else 15 + round(math.log(n / 15) * 15)) for n in figures)


def keep(job: Job, source: Source, found: Answer, documents: Sequence[Document], now: datetime) -> list[Document]:
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


def sink(job: Job, documents: Sequence[Document], states: Sequence[str], tally: Tally, now: datetime) -> None:
    """Hand on what is not "same", and count it."""
    changed = [(d, s) for d, s in zip(documents, states, strict=True) if s != "same"]
    if not changed:
        return
    job.sink([d for d, _ in changed])
    job.documents += len(changed)
    for document, state in changed:
        tally.new += state == "new"
        tally.updated += state == "updated"
        if state == "new" and document.published_at and now - document.published_at < _FRESH:
            tally.delay += max(0.0, (now - document.published_at).total_seconds())


def settle(
    job: Job,
    lease: Lease,
    due: datetime | None,
    found: Answer | None = None,
    fingerprint: str | None = None,
) -> None:
    """End a lease well. Its host rests as long as politeness asks for, whoever asks it next."""
    etag = (found.etag if found else None) or lease.etag
    modified = (found.modified if found else None) or lease.modified
    with job.open_frontier() as frontier:
        frontier.done(
            lease,
            job.clock(),
            next_due=due,
            etag=etag,
            modified=modified,
            fingerprint=fingerprint or lease.fingerprint,
            rest=job.rest(lease.url),
        )


def failed(
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
        tally.failed.append(reason)
        seed = int(hashlib.sha256(f"{lease.url} {failures}".encode()).hexdigest()[:8], 16)
        due = max(now + back_off(failures, seed), now + timedelta(seconds=wait * (1 + (seed % 100) / 400)))
    job.report(f"{source.name}：{reason}（{lease.url}）")
    with job.open_frontier() as frontier:
        frontier.fail(lease, now, reason=reason, next_due=due, rest=max(job.rest(lease.url), min(wait, _HOST_WAITS)))


def record(job: Job, source: Source, tally: Tally) -> None:
    """Add the figures of a visit to the hour's row."""
    now = job.clock()
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
        reasons=counted([*tally.rejected, *tally.failed]),
    )
    with job.open_frontier() as frontier:
        frontier.record(hour)


def counted(reasons: Iterable[str]) -> dict[str, int]:
    """How often each kind of reason: without the address, the row and the value that it speaks of.

    At most 20 kinds; what is beyond them is counted as one, so that a hostile file does not fill the ledger.
    """
    kinds = Counter(_PARTICULAR.sub("", reason).strip(" ：:，")[:120] or "未说明原因" for reason in reasons)
    often = dict(kinds.most_common(_KINDS))
    others = kinds.total() - sum(often.values())
    return often | ({_OTHERS: others + often.get(_OTHERS, 0)} if others else {})
