"""What an office may say about its reports: when they are made, and what they look like."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """`office.toml [reports]`: local times 「08:00」, "" = not made by itself."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, not an attribute

    daily: str = "08:00"
    weekly: str = "08:00"
    monthly: str = "08:00"
    weekday: int = 1  #: 1 = Monday: the day of the weekly one
    monthday: int = 1  #: the day of the monthly one, 1 to 28


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTemplate:
    """`reports.toml [[reports]]`: one kind's words and order; what is left out stays as shipped."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    id: str  #: a `ReportKind`: daily weekly monthly special risk ledger
    title: str = ""  #: 「舆情日报」; with {事件} for those of an event
    opening: str = ""  #: said before the first heading; {单位} {城市} {时段} {事件}
    sections: tuple[str, ...] = ()  #: which, in this order; () = all as shipped
    headings: Mapping[str, str] = field(default_factory=dict)  #: section → its heading
    signature: str = ""  #: 落款; "" = the office's name
    closing: str = ""  #: said above the signature
