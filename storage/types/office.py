"""What the office's own files say. Loaded by `app.config`, checked there, read everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from storage.types.login import LoginSettings
from storage.types.reports import ReportSettings, ReportTemplate
from storage.types.sources import Source

#: rank of a level: 0 = none, 1 = lowest ... n = highest; n is configuration (2 to 5, default 4)
Level = int


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """One level of this office, from `office.toml [[levels]]`, lowest first."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    id: str  #: "blue"
    name: str  #: "Ⅳ级（蓝色）"
    word: str  #: "蓝色": always shown beside the colour
    threshold: float  #: score from which this level is reached
    urgent: bool = False  #: never silenced, deferred or grouped
    sign_minutes: float = 240.0  #: 签收
    sign_workhours: bool = False  #: sign_minutes count in working time
    group_wait_seconds: float = 600.0
    repeat_minutes: float = 1440.0  #: until signed
    return_minutes: float = 480.0  #: window for 退件
    adjudicate_minutes: float = 1440.0
    rearm_minutes: float = 1440.0  #: signed without progress
    reply_hours: float = 48.0  #: internal limit of the first authoritative reply
    #: unsigned after these minutes → these posts are told: ((15, "分管市领导"), ...) as duty post ids
    escalation: tuple[tuple[float, str], ...] = ()
    reminders: tuple[int, ...] = (75, 90)  #: per cent of the reply deadline
    #: posts of `escalation` that must each say 知悉 once they were told; one does not speak for the other, a signature
    #: of the department for neither
    acknowledge: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A unit that answers: a department, a town or street, or the office itself."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    id: str  #: "scjg"
    name: str  #: "市场监督管理局"
    short: str = ""
    aliases: tuple[str, ...] = ()
    type: Literal["department", "town", "office", "superior"] = "department"
    vertical: bool = False  #: 垂直管理 (税务, 海关, 烟草 ...): the superior co-ordinates
    superior: str | None = None
    area: str | None = None  #: id of the Place that a town or street is responsible for
    duties: tuple[str, ...] = ()  #: words of its legal duties, used for matching
    first_interpreter: str = ""  #: 第一解读人: the post, not a person's name
    channels: tuple[str, ...] = ()  #: channel ids in order of fail-over
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyRule:
    """派单目录: within a topic, words (and place type) that decide which department leads."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    when: str  #: boolean rule
    departments: tuple[str, ...]
    basis: str = ""  #: clause of the catalogue
    sensitivity: float | None = None  #: S of what falls under this rule; None = the topic's


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A subject that is watched, with its rules."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    id: str  #: "food-drug"
    name: str  #: "食品药品"
    rule: str  #: boolean rule: (食品安全 | 过期 | "吃坏肚子") - 招聘
    exclude: str = ""  #: look-alikes: the document stays in the topic but is no incident
    exclude_reason: str = ""
    sensitivity: float = 0.3  #: S of the risk score, 0..1
    parent: str | None = None
    seed: bool = False  #: one of the ten of the yearly plan
    hotline_code: str | None = None
    departments: tuple[str, ...] = ()  #: 派单目录: lead first
    rules: tuple[DutyRule, ...] = ()  #: finer: first that matches wins over `departments`


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A row of the gazetteer."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    id: str
    name: str
    type: str  #: city town village road school hospital market company river scenic other
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()  #: words that say the homonym of another place is meant
    ours: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMatch:
    """Conditions of a route; every one given must hold."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    topics: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    level_from: str | None = None  #: id of a level: this one or higher
    level_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the routing list, read from top to bottom; the first match wins unless `go_on`."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    id: str
    match: RouteMatch = field(default_factory=RouteMatch)
    rule: str = ""  #: R1..R8 where the route encodes one
    lead: str | None = None  #: department id, or "@catalogue" (派单目录), "@place" (the town in charge)
    support: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()  #: 抄送
    channels: tuple[str, ...] = ()  #: overrides the department's own
    go_on: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """One row of the time-limit catalogue."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    id: str
    step: str  #: reply | press | resolve
    kind: Literal["statutory", "local", "internal"]
    basis: str  #: document number
    text: str
    hours: float | None = None  #: natural hours
    workdays: float | None = None
    level_from: str | None = None
    flags: tuple[str, ...] = ()  #: any of these on the event
    kinds: tuple[str, ...] = ()  #: any document of these kinds in the event
    incident_grades: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A duty post or group that messages go to."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    id: str  #: "duty-leader"
    name: str
    channels: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyShift:
    """Who is on duty for a post, from when to when."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    post: str  #: id of a Recipient
    user: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """An override of the working calendar for one day."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    day: date
    working: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSettings:
    """Weights, floors, caps and percentiles of the risk score."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    weights: Mapping[str, float] = field(
        default_factory=lambda: {"S": 0.24, "V": 0.21, "H": 0.16, "N": 0.13, "A": 0.11, "C": 0.08, "R": 0.07}
    )
    comparison: tuple[tuple[float, ...], ...] = ()  #: of S V H N A C R, pairwise; only checked against the weights
    heat_p95: float = 2000.0  #: the city's own 95th percentile of event peaks
    heat_median: float = 20.0
    floors: Mapping[str, str] = field(default_factory=dict)  #: flag or grade → id of the level that it is at least
    #: "foreign" | "single" | "advertisement" → id of the level that it is at most
    caps: Mapping[str, str] = field(default_factory=dict)
    source_factor: Mapping[str, float] = field(default_factory=dict)  #: a_src by kind
    fast_margin: float = 10.0  #: at once when score ≥ threshold + margin
    down_margin: float = 8.0
    up_evaluations: int = 2
    down_evaluations: int = 12
    flap_changes: int = 4
    flap_hours: float = 6.0
    quiet_after_hours: float = 72.0  #: an event without news closes
    evaluate_seconds: float = 600.0
    evaluate_urgent_seconds: float = 120.0
    burst_false_alarms: float = 1.0  #: of a whole stream (topic, place, kind of source) in thirty days, .1 to 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The whole configuration, checked: every id that is named exists."""

    name: str  #: "义乌市人民政府办公室"
    city: str  #: "义乌市"
    home: str  #: id of the Place that is the office's own area
    levels: tuple[LevelRule, ...]  #: lowest first; rank = index + 1
    departments: Mapping[str, Department]
    topics: Mapping[str, Topic]
    places: Mapping[str, Place]
    routes: tuple[Route, ...]
    limits: tuple[LimitRule, ...]
    recipients: Mapping[str, Recipient]
    sources: Mapping[str, Source]
    calendar: tuple[CalendarDay, ...]
    risk: RiskSettings
    channels: Mapping[str, Mapping[str, object]]  #: id → its table; each channel kind checks its own
    timezone: str = "Asia/Shanghai"
    quiet_hours: tuple[int, int] = (22, 7)
    work_hours: tuple[float, ...] = (8.5, 12.0, 13.5, 17.5)  #: start, end, start, end, in hours
    base_url: str = "http://127.0.0.1:8000"
    scorer: str = "own"  #: key of analysis.sentiment.SCORERS
    keywords: str = "tfidf"  #: key of analysis.keywords.RANKINGS
    models: str = ""  #: folder of models that the office trained itself; "" = the shipped ones alone
    confirm_below: float = 0.85  #: a person confirms the department below this probability
    duty: tuple[DutyShift, ...] = ()
    duty_post: str = "duty-officer"  #: recipient for what nobody else takes
    messages_per_hour: int = 30  #: per department, urgent ones excepted
    retention_days: int = 180
    login: LoginSettings = field(default_factory=LoginSettings)
    version: str = ""  #: hash of the files
    reports: ReportSettings = field(default_factory=ReportSettings)
    templates: Mapping[str, ReportTemplate] = field(default_factory=dict)  #: kind of report → its words

    def level(self, level_id: str) -> Level:
        """Rank of a level's id; KeyError names the known ones."""
        for rank, rule in enumerate(self.levels, 1):
            if rule.id == level_id:
                return rank
        raise KeyError(f"没有等级 {level_id!r}；已有：{'、'.join(r.id for r in self.levels)}")

    def rule(self, level: Level) -> LevelRule | None:
        """The rule of a rank; None for 0."""
        return self.levels[level - 1] if level else None

    def level_name(self, level: Level) -> str:
        """「Ⅱ级（橙色）」, or 「未定级」 for 0."""
        return self.levels[level - 1].name if level else "未定级"
