"""What the API takes and gives, as pydantic models: they are the OpenAPI description too."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from dashboards.reports.issues import Issue
from storage.types import Document, Event, Kind, StoredDocument, Task

Count = Annotated[int, Field(ge=0, le=10**12, strict=True)]


def only_text(value: object) -> object:
    """A time is ISO 8601: a bare number could be seconds or milliseconds of any epoch."""
    if value is not None and not isinstance(value, str | datetime):
        raise PydanticCustomError("datetime_type", "not a text")
    return value


class DocumentIn(BaseModel):
    """One pushed document; only `text` is needed. Times are ISO 8601; without a zone they are the office's own."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "12345-20261124-0001",
                    "title": "小区夜间施工噪声",
                    "text": "北苑街道某小区旁工地连续三晚施工到凌晨，希望有关部门管一管。",
                    "kind": "hotline",
                    "published_at": "2026-11-24T08:30:00+08:00",
                }
            ]
        },
    )

    text: Annotated[str, Field(min_length=1, max_length=200_000)]
    id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    title: Annotated[str, Field(max_length=2000)] = ""
    url: Annotated[str | None, Field(max_length=2000)] = None
    source: Annotated[str | None, Field(max_length=100)] = None
    kind: Kind = "hotline"
    author: Annotated[str | None, Field(max_length=200)] = None
    published_at: Annotated[datetime | None, BeforeValidator(only_text)] = None
    area: Annotated[str | None, Field(max_length=200)] = None
    thread: Annotated[str | None, Field(max_length=200)] = None
    reply_to: Annotated[str | None, Field(max_length=200)] = None
    status: Annotated[str | None, Field(max_length=200)] = None
    likes: Count | None = None
    comments: Count | None = None
    reposts: Count | None = None
    reads: Count | None = None

    def document(self, *, key: str, source: str, now: datetime, timezone: str) -> Document:
        """As a Document; `key` where it brings no id of its own."""
        values = self.model_dump(exclude={"id", "source", "published_at"})
        at = self.published_at
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=ZoneInfo(timezone))
        return Document(id=self.id or key, source=self.source or source, fetched_at=now, published_at=at, **values)


class Problem(BaseModel):
    """What is wrong with one line and one field."""

    line: int | None = Field(description="from 1, in the order of the pushed list")
    field: str | None
    message: str


class Problems(BaseModel):
    errors: list[Problem]


class Accepted(BaseModel):
    """The rows are durable; they will be understood within seconds."""

    accepted: int
    ids: list[str]
    errors: list[Problem] = []


class DocumentOut(BaseModel):
    id: str
    title: str
    text: str
    url: str | None
    source: str
    kind: str
    published_at: datetime | None
    fetched_at: datetime
    sentiment: str
    topics: list[str]
    departments: list[str]
    event: str | None
    sample: bool
    historic: bool

    @classmethod
    def of(cls, row: StoredDocument) -> "DocumentOut":
        names = ("id", "title", "text", "url", "source", "kind", "published_at", "fetched_at", "sample", "historic")
        return cls(
            **{name: getattr(row.document, name) for name in names},
            sentiment=row.assessment.sentiment.label,
            topics=[hit.id for hit in row.assessment.topics],
            departments=[guess.id for guess in row.assessment.departments],
            event=row.event,
        )


class DocumentsOut(BaseModel):
    total: int
    after: str | None = Field(description="hand this in as `after` for the next page")
    rows: list[DocumentOut]


class EventOut(BaseModel):
    id: str
    title: str
    status: str
    level: int
    level_name: str
    score: float
    sentence: str
    topic: str | None
    area: str | None
    departments: list[str]
    documents: int
    negative: int
    first_at: datetime
    last_at: datetime
    answered_at: datetime | None
    sample: bool
    historic: bool

    @classmethod
    def of(cls, event: Event, level_name: str) -> "EventOut":
        names = set(cls.model_fields) - {"level_name", "sentence", "departments"}
        return cls(
            **{name: getattr(event, name) for name in names},
            level_name=level_name,
            sentence=event.risk.sentence if event.risk else "",
            departments=list(event.departments),
        )


class EventsOut(BaseModel):
    total: int
    rows: list[EventOut]


class DeadlineOut(BaseModel):
    step: str
    kind: Literal["statutory", "local", "internal"]
    basis: str
    due_at: datetime
    met_at: datetime | None


class TaskOut(BaseModel):
    id: str
    event: str
    department: str
    role: str
    title: str
    level: int
    state: str
    rule: str
    created_at: datetime
    signed_at: datetime | None
    closed_at: datetime | None
    deadlines: list[DeadlineOut]

    @classmethod
    def of(cls, task: Task) -> "TaskOut":
        names = set(cls.model_fields) - {"deadlines"}
        clocks = [
            DeadlineOut(**{name: getattr(clock, name) for name in DeadlineOut.model_fields}) for clock in task.deadlines
        ]
        return cls(**{name: getattr(task, name) for name in names}, deadlines=clocks)


class TasksOut(BaseModel):
    total: int
    rows: list[TaskOut]


class ReportOut(BaseModel):
    year: int
    kind: str
    number: int
    name: str = Field(examples=["〔2026〕第3期"])
    title: str
    made_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    formats: list[str] = Field(examples=[["docx", "pdf"]])

    @classmethod
    def of(cls, issue: Issue) -> "ReportOut":
        names = set(cls.model_fields) - {"formats"}
        return cls(**{name: getattr(issue, name) for name in names}, formats=[form for form, _, _ in issue.files])


class ReportsOut(BaseModel):
    total: int
    rows: list[ReportOut]


def problems(errors: list[Mapping[str, Any]], line: int | None) -> list[Problem]:
    """pydantic's errors with the line and the field, in Chinese where the kind of mistake is known."""
    return [
        Problem(
            line=line,
            field=".".join(str(part) for part in error["loc"]) or None,
            message=SAID.get(error["type"], f"格式不符：{error['msg']}"),
        )
        for error in errors
    ]


SAID: Mapping[str, str] = {
    "missing": "缺少必填项",
    "extra_forbidden": "没有这个字段",
    "string_type": "应为文字",
    "string_too_long": "文字过长",
    "string_too_short": "不能为空",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "greater_than_equal": "不能小于 0",
    "datetime_from_date_parsing": "应为 ISO 8601 时间，如 2026-11-24T08:30:00+08:00",
    "datetime_parsing": "应为 ISO 8601 时间，如 2026-11-24T08:30:00+08:00",
    "datetime_type": "应为 ISO 8601 时间，如 2026-11-24T08:30:00+08:00",
    "literal_error": "应为 news、government、forum、social、message、hotline、reply、hotlist 之一",
    "model_type": "应为一个 JSON 对象",
    "dict_type": "应为一个 JSON 对象",
}
