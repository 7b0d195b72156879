"""What the board is handed: the office's files, the two stores, the clock, the secret."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from storage.ports import DocumentStore, Ledger
from storage.types import Office, StoredDocument, TopicHit

#: (rule, exclude, documents) → document id → hit; handed in by `app`, which knows the analysis
TopicTest = Callable[[str, str, Sequence[StoredDocument]], dict[str, TopicHit]]

#: channel id → (accepted, what the provider said): one message marked as a test to the duty post
ChannelTest = Callable[[str], tuple[bool, str]]
#: source id → what one look would gather, as `minsheng sources test ID --json` prints it
SourcePreview = Callable[[str], Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One running board. `office` is called for each request, so that a changed file is seen without a restart."""

    office: Callable[[], Office]
    documents: DocumentStore
    ledger: Ledger
    clock: Callable[[], datetime]  #: with zone
    secret: bytes  #: at least 32 bytes, from a file of the data folder; signs form tokens
    author_key: bytes = b""  #: secret of this office for author hashes of pushed documents; see `storage.prepare`
    version: str = "0.1.0"
    boot: str = ""  #: changes with every start, so that open pages notice a restart
    assess_topics: TopicTest | None = None  #: None: the rule is run as a search
    test_channel: ChannelTest | None = None
    preview_source: SourcePreview | None = None
    #: who talks to us directly and may say for whom it speaks (addresses of reverse proxies)
    trusted_proxies: tuple[str, ...] = ()
    data: Path | None = None  #: the data folder, where kept reports lie; None: reports cannot be made here
    wake: Callable[[], None] | None = None  #: tells the one who makes reports that there is a new order
    session_hours: float = 12.0
    secure_cookies: bool = False  #: True behind HTTPS
    #: counts that take long and that many people ask for, by what they are of; see `web.topics.side`
    held: dict[object, dict[str, object]] = field(default_factory=dict)
