"""A report as a small frozen tree that knows nothing of a format.

Report ── Title
       └─ blocks: Heading · Paragraph(Statement(Evidence)) · Table · Figure · Note

A statement that names a number carries its count and the ids behind it. Headings are numbered when written.
"""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeVar, Union

ReportKind = Literal["daily", "weekly", "monthly", "special", "risk", "ledger"]
#: what an office calls each kind
KIND_NAMES: dict[ReportKind, str] = {
    "daily": "舆情日报",
    "weekly": "舆情周报",
    "monthly": "舆情月报",
    "special": "舆情专报",
    "risk": "舆情风险评估报告",
    "ledger": "处置全过程台账",
}
#: ids kept with one statement; the count stays exact
MAX_IDS = 100
#: characters from which a cell is prose
LONG = 16
Cell = Union[str, int, float, None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How many of what stand behind a statement, and which."""

    what: Literal["信息", "事件", "任务", "信源", "答复", "记录"]
    count: int
    ids: tuple[str, ...] = ()  #: at most MAX_IDS
    where: str = ""  #: how to find all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One sentence."""

    text: str
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """The head: what it is, whose, for when."""

    text: str  #: 「舆情日报」, 「关于……的舆情专报」
    subtitle: str = ""  #: 「（2026年11月23日）」
    office: str = ""
    number: str = ""  #: 「〔2026〕第3期」, "" for one that is not registered
    signature: str = ""  #: 落款; "" = the office


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    text: str
    level: Literal[1, 2, 3] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    statements: tuple[Statement, ...]

    @property
    def text(self) -> str:
        return "".join(s.text for s in self.statements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    caption: str
    columns: tuple[str, ...]  #: all different
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...] = ()  #: relative; () = all alike

    @property
    def left(self) -> tuple[bool, ...]:
        """Columns that are set left: those with a longer text."""
        return tuple(any(len(str(row[n])) > LONG for row in self.rows) for n in range(len(self.columns)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Data of a drawing; `series` are stacked for "bar", beside each other in time for "line"."""

    caption: str
    kind: Literal["bar", "line"]
    labels: tuple[str, ...]
    series: tuple[tuple[str, tuple[float, ...]], ...]
    marks: tuple[tuple[int, str], ...] = ()  #: (index of a label, text)
    unit: str = "条"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Small print: how the figures are to be read."""

    text: str
    always: bool = False  #: about the whole report; stands last, whatever the office's template says


Block = Union[Heading, Paragraph, Table, Figure, Note]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    kind: ReportKind
    subject: str  #: the same for a second making: 「2026-11-23」, an event's id
    title: Title
    blocks: tuple[Block, ...]
    made_at: datetime  #: in the office's zone
    base_url: str = ""  #: where ids lead to


def say(text: str, evidence: Evidence | None = None) -> Statement:
    return Statement(text=text, evidence=evidence)


def para(*statements: Statement | str) -> Paragraph:
    return Paragraph(statements=tuple(say(s) if isinstance(s, str) else s for s in statements))


def evidence_of(report: Report) -> list[tuple[int, Statement]]:
    """The statements with evidence, numbered from 1 as they stand."""
    found = [s for b in report.blocks if isinstance(b, Paragraph) for s in b.statements if s.evidence is not None]
    return list(enumerate(found, 1))


_DIGITS = "〇一二三四五六七八九"


def chinese(number: int) -> str:
    """「一」「十二」「二十」 for 1 to 99."""
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十") + (
        _DIGITS[ones] if ones or not tens else ""
    )


def numbered(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """The blocks with 「一、」「（一）」「1.」 before the headings (GB/T 9704-2012, 7.3.3)."""
    counts = [0, 0, 0]
    for block in blocks:
        if not isinstance(block, Heading):
            yield block
            continue
        level = block.level
        counts[level - 1] += 1
        counts[level:] = [0] * (3 - level)
        n = counts[level - 1]
        mark = (f"{chinese(n)}、", f"（{chinese(n)}）", f"{n}. ")[level - 1]
        yield replace(block, text=mark + block.text)


def clean(text: str) -> str:
    """Without what XML forbids or what turns the reading direction; line ends become blanks."""
    spaced = " ".join(text.replace("\t", " ").splitlines())
    return "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Cn", "Co"))


def cleaned(report: Report) -> Report:
    """The report with every string cleaned: what was crawled is hostile."""
    return _mapped(report, clean)


def _mapped(value: T, change: Callable[[str], str]) -> T:
    result: Any = value
    if isinstance(value, str):
        result = change(value)
    elif isinstance(value, tuple):
        result = tuple(_mapped(v, change) for v in value)
    elif is_dataclass(value) and not isinstance(value, type):
        result = replace(value, **{f.name: _mapped(getattr(value, f.name), change) for f in fields(value)})
    return result  # type: ignore[no-any-return]
