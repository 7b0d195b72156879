"""Values that flow between the stages: frozen, slotted, keyword-only, named after the office's own words.

documents   Document · Assessment · StoredDocument      what people said, and how it was understood
events      Event · Member · LevelChange · Risk         one matter, how dangerous it is, and why
tasks       Alert · Task · Deadline · Delivery · Reply  who must answer, by when, and what was sent
office      Department · Topic · Place · Route · Office what the office's own files say
sources     Source · Lease · SourceHour                 where we look, and what we saw there
people      User · AuditEntry · Correction              who works with the system, and what they did
"""

from storage.types.documents import (
    KINDS,
    Assessment,
    DepartmentGuess,
    Document,
    Flag,
    Kind,
    PlaceHit,
    Reason,
    Sentiment,
    SentimentLabel,
    StoredDocument,
    Target,
    TopicHit,
    UnreadableDocument,
)
from storage.types.events import Event, EventStatus, LevelCause, LevelChange, Member, Risk, RiskFactor
from storage.types.login import LoginSettings, OidcSettings
from storage.types.office import (
    CalendarDay,
    Department,
    DutyRule,
    DutyShift,
    Level,
    LevelRule,
    LimitRule,
    Office,
    Place,
    Recipient,
    RiskSettings,
    Route,
    RouteMatch,
    Topic,
)
from storage.types.people import AuditEntry, Correction, Role, User
from storage.types.reports import ReportSettings, ReportTemplate
from storage.types.sources import ImportMapping, Lease, RawPage, Selectors, Source, SourceHour, SourceState
from storage.types.tasks import (
    Alert,
    Deadline,
    DeadlineKind,
    Delivery,
    DeliveryStatus,
    Reply,
    Task,
    TaskRole,
    TaskState,
)

__all__ = [
    "KINDS",
    "Alert",
    "Assessment",
    "AuditEntry",
    "CalendarDay",
    "Correction",
    "Deadline",
    "DeadlineKind",
    "Delivery",
    "DeliveryStatus",
    "Department",
    "DepartmentGuess",
    "Document",
    "DutyRule",
    "DutyShift",
    "Event",
    "EventStatus",
    "Flag",
    "ImportMapping",
    "Kind",
    "Lease",
    "Level",
    "LevelCause",
    "LevelChange",
    "LevelRule",
    "LimitRule",
    "LoginSettings",
    "Member",
    "Office",
    "OidcSettings",
    "Place",
    "PlaceHit",
    "RawPage",
    "Reason",
    "Recipient",
    "Reply",
    "ReportSettings",
    "ReportTemplate",
    "Risk",
    "RiskFactor",
    "RiskSettings",
    "Role",
    "Route",
    "RouteMatch",
    "Selectors",
    "Sentiment",
    "SentimentLabel",
    "Source",
    "SourceHour",
    "SourceState",
    "StoredDocument",
    "Target",
    "Task",
    "TaskRole",
    "TaskState",
    "Topic",
    "TopicHit",
    "UnreadableDocument",
    "User",
]
