"""What happens to every document before it is accepted, whichever way it came in: crawl, import or push.

Nothing here looks at meaning. It keeps out what would break a store, hides who wrote it, and decides whether the
document is history.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from storage.types import Document

#: longer texts are cut; the raw page keeps the rest. No article on the 65 sample pages passes 40,000 characters.
MAX_TEXT = 200_000
MAX_TITLE = 500
#: a document printed as older than this when it comes in is history: stored and counted, never an alarm of today
HISTORIC_AFTER = timedelta(days=14)
#: clocks of sites run ahead; beyond this a printed time is not believed
MAX_AHEAD = timedelta(hours=2)

_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def clean(text: str, limit: int) -> str:
    """Text without control characters and lone surrogates, at most `limit` characters."""
    return _UNSAFE.sub("", text)[:limit]


def pseudonym(author: str | None, key: bytes) -> str | None:
    """Keyed hash of a printed author name: tells voices apart, cannot be turned back without the key."""
    if not author or not author.strip():
        return None
    return hmac.new(key, author.strip().encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:20]


def prepare(document: Document, key: bytes, now: datetime, *, live: bool = False) -> Document:
    """The document as it may enter the intake.

    key: secret of this office for author hashes. live: import old rows as if they were of today (drills).
    A printed time that lies in the future is dropped, never invented.
    """
    published = document.published_at
    if published is not None and published > now + MAX_AHEAD:
        published = None
    old = published is not None and now - published > HISTORIC_AFTER
    return replace(
        document,
        title=clean(document.title, MAX_TITLE).strip(),
        text=clean(document.text, MAX_TEXT).strip(),
        url=web_address(document.url),
        author=pseudonym(document.author, key),
        published_at=published,
        historic=(document.historic or old) and not live,
        extra={clean(k, 100): clean(v, 2000) for k, v in document.extra.items()},
    )


def web_address(url: str | None) -> str | None:
    """The address when it is http(s) and sane; anything else (javascript:, data:) is dropped."""
    if url is None:
        return None
    url = clean(url, 2000).strip()
    return url if url.lower().startswith(("http://", "https://")) else None


def prepare_all(documents: Sequence[Document], key: bytes, now: datetime, *, live: bool = False) -> list[Document]:
    """`prepare` over a batch."""
    return [prepare(document, key, now, live=live) for document in documents]
