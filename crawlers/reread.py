"""A kept page read again, after the rules of reading have changed: the same bytes, the same moment, today's rules."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from crawlers.guard import read_page
from crawlers.kinds.shapes import Page
from storage.types import Document, Lease, RawPage, Source

#: characters of a floor that are compared to find its place on the page
_COMPARED = 200


def reread(raw: RawPage, source: Source, known: Sequence[Document]) -> list[Document]:
    """What the page says under today's rules.

    `known`: the documents that were once read from this page, one article, one question with its reply, or floors of
    one thread; they keep their ids. What only the list row said (a title, a day) is no longer at hand apart from
    them, so a value of theirs stands wherever the page itself gives none. Nothing is read at another moment than that
    of the fetch: "3 minutes ago" means what it meant. Raises what the source's kind raises.
    """
    first = min(known, key=lambda d: (d.floor or 0, d.reply_to is not None))
    floors = any(d.floor is not None for d in known)
    address = (first.url or raw.url).split("#", 1)[0]
    page = Page(url=raw.url if floors else address, body=raw.body, content_type=raw.content_type, status=raw.status)
    lease = Lease(
        source=source.id,
        url=address,
        what="thread" if floors else "article",
        owner="",
        until=raw.fetched_at,
        hint=_hint(first, address if floors else ""),
    )
    found, _ = read_page(page, source, lease, raw.fetched_at)
    if floors:
        found = _placed(found, known)
    elif len(known) == 1 and len(found) == 1:  # a rule on addresses may have changed too: still the same document
        found = [replace(found[0], id=first.id, url=first.url, thread=first.thread)]
    return [replace(d, raw=raw.hash) for d in found]


def _hint(first: Document, thread: str) -> dict[str, str]:
    said = {
        "title": first.title,
        "date": first.published_at.isoformat() if first.published_at else "",
        "status": first.status or "",
        "replies": str(first.comments) if first.comments is not None else "",
        "thread": thread,
    }
    return {name: text for name, text in said.items() if text}


def _placed(found: Sequence[Document], known: Sequence[Document]) -> list[Document]:
    """The known floors among those of the page, which may be a later page of its thread, or hold more floors.

    The page does not say how many floors lie before it: the shift is taken under which the floors are most alike.
    """
    read = {d.floor or 1: d for d in found}
    shifts = {(k.floor or 1) - place for k in known for place in read}
    rated = [(sum(_alike(k, read.get((k.floor or 1) - s)) for k in known), -s) for s in shifts if s >= 0]
    worth, shift = max(rated, default=(0.0, 0))
    if worth < 0.5 * len(known):
        return []
    pairs = [(k, read.get((k.floor or 1) + shift)) for k in known]
    return [
        replace(d, id=k.id, url=k.url, floor=k.floor, thread=k.thread, title=d.title if k.floor == 1 else "")
        for k, d in pairs
        if d is not None
    ]


def _alike(known: Document, read: Document | None) -> float:
    if read is None:
        return 0.0
    one, other = known.text[:_COMPARED], read.text[:_COMPARED]
    return SequenceMatcher(None, one, other, autojunk=False).ratio() + 0.5 * (known.published_at == read.published_at)
