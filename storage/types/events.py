"""One matter, how dangerous it is, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.types.documents import Kind, Reason
from storage.types.office import Level

EventStatus = Literal["open", "quiet", "closed", "merged"]
LevelCause = Literal["score", "floor", "cap", "human", "plan", "freeze"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One document's part in an event: only what grouping and risk need, so that neither reads texts again."""

    event: str
    document: str
    at: datetime  #: published (or fetched, where no time is printed)
    seen_at: datetime  #: when it came in: replays and levels use this one, never `at` alone
    kind: Kind
    source: str
    sentiment: float  #: probability of negative, 0..1
    negative: bool
    author: str | None = None  #: keyed hash; used only to count distinct voices
    area: str | None = None  #: id of a Place
    topic: str | None = None
    duplicate_of: str | None = None  #: spread, not another voice
    likes: int | None = None
    comments: int | None = None
    reposts: int | None = None
    reads: int | None = None
    flags: tuple[str, ...] = ()
    authority: float = 0.0  #: of the source, 0..1
    ours: bool = True
    historic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFactor:
    """One term of the score. `x` is None where the input is missing: the other weights are then renormalised."""

    code: str  #: S V H N A C R
    name: str  #: 敏感度 速度 热度 负面 信源 扩散面 回应缺口
    weight: float
    x: float | None  #: 0..1
    points: float  #: what it adds to the score, 0..100
    text: str  #: Chinese: what was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The explainable additive score with floors and caps."""

    score: float  #: 0..100
    factors: tuple[RiskFactor, ...]
    floor: Level | None = None
    cap: Level | None = None
    reasons: tuple[Reason, ...] = ()  #: floors, caps, missing inputs
    sentence: str = ""  #: the card: why it is this level and what would raise it


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One matter. The id never changes; a merge keeps the older id and leaves an alias."""

    id: str
    title: str
    first_at: datetime  #: earliest known moment that it was public
    last_at: datetime
    detected_at: datetime  #: when this system first saw it
    status: EventStatus = "open"
    topic: str | None = None
    area: str | None = None  #: id of a Place
    departments: tuple[str, ...] = ()  #: ids, the lead first
    documents: int = 0  #: voices and spread together
    negative: int = 0
    level: Level = 0
    score: float = 0.0
    risk: Risk | None = None
    occurred_at: datetime | None = None  #: when the thing itself happened, if a person entered it
    incident_grade: str | None = None  #: 事件等级 (特别重大 重大 较大 一般), set by people only
    warning_colour: str | None = None  #: 预警级别, set by people only
    confirmed_by: str | None = None
    representative: str | None = None  #: document id
    historic: bool = False
    sample: bool = False
    previous: str | None = None  #: the closed event that this one is a flare-up of
    merged_into: str | None = None
    closed_at: datetime | None = (
        None  #: when it closed; None while it is open, and for what closed before this was kept
    )
    pinned_level: Level | None = None  #: a person's decision; wins until withdrawn
    named_by: str | None = None  #: who gave the title; the program then leaves it alone
    flags: tuple[str, ...] = ()
    answered_at: datetime | None = None  #: first authoritative reply
    version: int = 1  #: optimistic lock for people's actions


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """Every change of level is a row."""

    event: str
    before: Level
    after: Level
    cause: LevelCause
    score: float
    reasons: tuple[Reason, ...]
    who: str  #: user name, or "system"
    at: datetime
