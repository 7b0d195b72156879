"""Kept reports: a number of the year, files under `data/reports/`, a register in the ledger's notes.

made ─keep→ registered 〔2026〕第3期 ─approve (not the author)→ approved ─sent→ sent

    report:issue:2026:daily:0003 → Issue as JSON          data/reports/2026/〔2026〕第3期 舆情日报….docx

Making the same subject again replaces the files under the same number until it is approved: then it stands.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from dashboards.reports.tree import KIND_NAMES, Report, ReportKind
from dashboards.reports.writers import file_name, write
from storage.ports import Ledger, Transaction
from storage.types import AuditEntry

PREFIX = "report:issue:"
FOLDER = "reports"


class NotAllowed(ValueError):
    """A step out of order, or by the wrong person; the message is for an official."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One kept report."""

    kind: ReportKind
    year: int
    number: int  #: counts within kind and year, from 1
    subject: str
    title: str
    made_at: datetime
    by: str
    files: tuple[tuple[str, str, str], ...] = ()  #: (format, path below data/, sha256)
    approved_by: str | None = None
    approved_at: datetime | None = None
    sent_at: datetime | None = None

    @property
    def name(self) -> str:
        """「〔2026〕第3期」."""
        return f"〔{self.year}〕第{self.number}期"

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.year}:{self.kind}:{self.number:04d}"


def register(known: Sequence[Issue], report: Report, by: str) -> Issue:
    """The issue for a report: the next number of its kind and year, or its own again. Pure.

    NotAllowed: this subject was approved already.
    """
    year = report.made_at.year
    own = [i for i in known if i.kind == report.kind]
    same = next((i for i in own if i.subject == report.subject and i.kind in ("daily", "weekly", "monthly")), None)
    if same is not None and same.approved_at is not None:
        raise NotAllowed(f"{KIND_NAMES[same.kind]}{same.name}已由{same.approved_by}审定，不能重新编制。")
    number = same.number if same else 1 + max((i.number for i in own if i.year == year), default=0)
    return Issue(
        kind=report.kind, year=same.year if same else year, number=number, subject=report.subject,
        title=report.title.text + report.title.subtitle, made_at=report.made_at, by=by,
    )  # fmt: skip


def approve(issue: Issue, by: str, now: datetime) -> Issue:
    """Pure. NotAllowed: approved already, or by the one who made it."""
    if issue.approved_at is not None:
        raise NotAllowed(f"{issue.name}已由{issue.approved_by}审定。")
    if by == issue.by:
        raise NotAllowed("编制人不能审定自己编制的报告，请由他人审定。")
    return replace(issue, approved_by=by, approved_at=now)


def sent(issue: Issue, now: datetime) -> Issue:
    """Pure. NotAllowed before it was approved, or a second time."""
    if issue.approved_at is None:
        raise NotAllowed(f"{issue.name}尚未审定，不能发送。")
    if issue.sent_at is not None:
        raise NotAllowed(f"{issue.name}已发送过。")
    return replace(issue, sent_at=now)


def issues(tx: Transaction, kind: ReportKind | None = None) -> list[Issue]:
    """The register, by year, kind and number."""
    texts = [tx.notes.get(key) for key in tx.notes.keys(PREFIX)]
    found = [_read(text) for text in texts if text]
    return sorted((i for i in found if kind in (None, i.kind)), key=lambda i: (i.year, i.kind, i.number))


def store(tx: Transaction, issue: Issue, action: str, by: str, now: datetime) -> None:
    """Write the register's row and its line of the audit, in one transaction."""
    tx.notes.put(issue.key, json.dumps(asdict(issue), ensure_ascii=False, default=datetime.isoformat))
    after = json.dumps({"note": f"{KIND_NAMES[issue.kind]}{issue.name}"}, ensure_ascii=False)
    tx.audit.append(AuditEntry(actor=by, action=f"report.{action}", object=issue.key, at=now, after=after))


def keep(ledger: Ledger, data: Path, report: Report, forms: Sequence[str], by: str, now: datetime) -> Issue:
    """Number the report, write its files below `data`, enter it into the register.

    The files are there before the register says so; a crash between the two leaves files that the next making replaces.
    """
    with ledger.begin() as tx:
        issue = register(issues(tx), report, by)
        titled = replace(report, title=replace(report.title, number=issue.name))
        folder = data / FOLDER / str(issue.year)
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for form in forms:
            path = folder / f"{issue.name}{file_name(report, form)}"
            write(titled, path, form)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            files.append((form, path.relative_to(data).as_posix(), digest))
        issue = replace(issue, files=tuple(files))
        store(tx, issue, "register", by, now)
    return issue


def _read(text: str) -> Issue:
    row: Mapping[str, object] = json.loads(text)
    times = {k: datetime.fromisoformat(str(row[k])) for k in ("made_at", "approved_at", "sent_at") if row[k]}
    files = tuple(tuple(file) for file in row["files"])  # type: ignore[attr-defined]
    return Issue(**{**row, **times, "files": files})  # type: ignore[arg-type]
