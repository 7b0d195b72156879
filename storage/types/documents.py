"""What people said in public, and how it was understood."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Kind = Literal["news", "government", "forum", "social", "message", "hotline", "reply", "hotlist"]
#: every kind of document, in the order in which the board lists them
KINDS: tuple[Kind, ...] = get_args(Kind)

SentimentLabel = Literal["negative", "neutral", "positive"]


class UnreadableDocument(ValueError):
    """One document that cannot be processed; it is parked with this reason and the others go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was decided: stored with the decision and shown to the official who must act."""

    code: str  #: stable, for machines: "topic.rule", "floor.rumour", "route.R2"
    text: str  #: one Chinese clause, for people
    evidence: tuple[str, ...] = ()  #: document ids
    weight: float = 0.0  #: what it added to a score, where there is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One public item as it was gathered. It is the Scrapy item too; nothing is converted on the way.

    `author` is what the page printed; the intake replaces it by a keyed hash before anything is stored.
    """

    id: str  #: stable: the same item gathered twice has the same id
    text: str
    fetched_at: datetime  #: with zone
    source: str  #: id of a Source
    kind: Kind
    title: str = ""
    url: str | None = None
    author: str | None = None
    published_at: datetime | None = None  #: with zone; None where the page gives none: never invented
    origin: str | None = None  #: 来源: the outlet that the page names as its own source
    likes: int | None = None
    comments: int | None = None
    reposts: int | None = None
    reads: int | None = None
    area: str | None = None  #: where the source itself places it (a hotline column), as printed
    thread: str | None = None  #: id of the document that opened the thread, for floors and replies
    floor: int | None = None
    reply_to: str | None = None  #: id of the document that an official reply answers
    status: str | None = None  #: handling status as printed by a message board ("已答复")
    pictures: tuple[str, ...] = ()
    extractor: str | None = None
    confidence: float | None = None  #: of the extraction, 0..1
    raw: str | None = None  #: content hash of the kept raw response (see RawPage)
    historic: bool = False  #: imported as history: stored and counted, but never raises an alarm of today
    sample: bool = False  #: from the sample town: marked 示例 wherever it is shown
    extra: Mapping[str, str] = field(default_factory=dict)  #: further columns of an import, as text

    @property
    def at(self) -> datetime:
        """The moment that counts for time lines: published if known, else fetched."""
        return self.published_at or self.fetched_at

    @property
    def spread(self) -> int:
        """How far it went: likes, comments and reposts together."""
        return sum(max(0, figure or 0) for figure in (self.likes, self.comments, self.reposts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment:
    """Calibrated probabilities, summing to 1, and the label they give."""

    label: SentimentLabel
    negative: float
    neutral: float
    positive: float
    spans: tuple[tuple[str, float], ...] = ()  #: (words of the text, weight towards the label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How the sentences that name a department or place speak of it; not how the whole document speaks."""

    id: str  #: of the Department or Place
    label: SentimentLabel
    negative: float
    neutral: float
    positive: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicHit:
    id: str
    words: tuple[str, ...]  #: matched words, as they stand in the text
    incident: bool = True  #: False where a look-alike rule fired (演练, 招聘, 宣传 ...)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentGuess:
    id: str
    probability: float  #: 0..1, calibrated
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHit:
    id: str
    name: str
    confidence: float
    ours: bool  #: lies in the office's own area
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A sensitive or descriptive mark with its evidence.

    `code` is one of `must.policy must.vital must.moral must.emergency must.superior` (国办发〔2016〕61号, the five
    kinds that must be answered first), `rumour`, `advertisement`, `casualty`, `crowd`, or `kind.*` for the kind
    of text: `kind.question kind.request kind.complaint kind.report kind.suggestion kind.praise kind.reply kind.other`.
    """

    code: str
    text: str  #: Chinese, for people
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What the analysis says of one document. Pure function of the document and of the configuration."""

    id: str  #: the document's id
    sentiment: Sentiment
    topics: tuple[TopicHit, ...] = ()
    departments: tuple[DepartmentGuess, ...] = ()
    places: tuple[PlaceHit, ...] = ()
    keywords: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    masked_title: str = ""  #: personal data replaced; what is stored and shown
    masked_text: str = ""
    tokens: str = ""  #: title and text cut for search, lower-cased NFKC, separated by blanks
    signature: bytes = b""  #: MinHash signature for near-duplicates; empty where the text is too short
    text_kind: str = "other"  #: question request complaint report suggestion praise reply advertisement other
    version: str = ""  #: version of models and rules, for `reassess`
    targets: tuple[Target, ...] = ()  #: of departments and places that are named, in order of first mention

    @property
    def topic(self) -> str | None:
        """The first topic that is an incident, else the first, else None."""
        hits = [t for t in self.topics if t.incident] or list(self.topics)
        return hits[0].id if hits else None

    def has(self, code: str) -> bool:
        """Whether a flag of this code is set."""
        return any(flag.code == code for flag in self.flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document as the store keeps it: masked, assessed, joined to its event."""

    document: Document  #: `title` and `text` are the masked ones, `author` is a keyed hash
    assessment: Assessment  #: `masked_title` and `masked_text` are empty here: they are the document's own
    event: str | None = None
    duplicate_of: str | None = None  #: id of the first document with (nearly) the same text
    version: int = 1  #: counts changes of title or text at the same address
