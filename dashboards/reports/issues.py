"""Kept reports: a number of the year, files under `data/reports/`, a register in the ledger's notes.

made ─keep→ registered 〔2026〕第3期 ─approve (not the author)→ approved ─sent→ sent

    report:issue:2026:daily:0003 → Issue as JSON          data/reports/2026/〔2026〕第3期 舆情日报….docx

Making the same subject again replaces the files under the same number until it is approved: then it stands.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from math import inf
from pathlib import Path

from dashboards.reports.tree import KIND_NAMES, Report, ReportKind
from dashboards.reports.writers import file_name, write
from storage.ports import Ledger, Transaction
from storage.types import AuditEntry

PREFIX = "report:issue:"
FOLDER = "reports"
#: made again under the same number; a second brief of an event is a new issue
PERIODIC = ("daily", "weekly", "monthly")
#: seconds after which a making that never ended no longer keeps others out
MAKING = 600.0


class NotAllowed(ValueError):
    """A step out of order, or by the wrong person; the message is for an official."""


class Busy(NotAllowed):
    """Another making of this kind is under way, or was cut off a moment ago: it may be tried again soon."""


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
    sent_to: tuple[str, ...] = ()  #: duty posts and users

    @property
    def address(self) -> str:
        """「2026-daily-3」, as it stands in the addresses of the pages."""
        return f"{self.year}-{self.kind}-{self.number}"

    @property
    def state(self) -> str:
        """making | draft | approved | sent."""
        if self.sent_at is not None:
            return "sent"
        if self.approved_at is not None:
            return "approved"
        return "draft" if self.files else "making"

    @property
    def name(self) -> str:
        """「〔2026〕第3期」."""
        return f"〔{self.year}〕第{self.number}期"

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.year}:{self.kind}:{self.number:04d}"


def register(known: Sequence[Issue], report: Report, by: str, over: str = "") -> Issue:
    """The issue for a report: the next number of its kind and year, or its own again. Pure.

    `over`: key of the issue that this making replaces. NotAllowed: this subject was approved already.
    """
    year = report.made_at.year
    own = [i for i in known if i.kind == report.kind]
    again = [
        i for i in own
        if i.subject == report.subject and (i.kind in PERIODIC or not i.files or i.key == over)
    ]  # fmt: skip
    again.sort(key=lambda i: i.key != over)
    same = again[0] if again else None
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
    if not issue.files:
        raise NotAllowed(f"{issue.name}尚未编制完成，请重新编制后再审定。")
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
    """The register, by year, kind and number; one without files is being made, or its making was cut off."""
    texts = [tx.notes.get(key) for key in tx.notes.keys(PREFIX)]
    found = [_read(text) for text in texts if text]
    return sorted((i for i in found if kind in (None, i.kind)), key=lambda i: (i.year, i.kind, i.number))


def find(tx: Transaction, key: str) -> Issue:
    """The issue of a key. NotAllowed: there is none."""
    text = tx.notes.get(key) if key.startswith(PREFIX) else None
    if not text:
        raise NotAllowed("没有这一期报告，请刷新后再试。")
    return _read(text)


def key_of(address: str) -> str:
    """The key of 「2026-daily-3」; NotAllowed for anything else."""
    year, kind, number = (*address.split("-"), "", "", "")[:3]
    if address.count("-") != 2 or kind not in KIND_NAMES or not (year.isdecimal() and number.isdecimal()):
        raise NotAllowed("没有这一期报告，请刷新后再试。")
    return f"{PREFIX}{int(year[:6])}:{kind}:{int(number[:6]):04d}"


def store(tx: Transaction, issue: Issue, action: str, by: str, now: datetime) -> None:
    """Write the register's row and its line of the audit, in one transaction."""
    _put(tx, issue)
    after = json.dumps({"note": f"{KIND_NAMES[issue.kind]}{issue.name}"}, ensure_ascii=False)
    tx.audit.append(AuditEntry(actor=by, action=f"report.{action}", object=issue.key, at=now, after=after))


def _put(tx: Transaction, issue: Issue) -> None:
    tx.notes.put(issue.key, json.dumps(asdict(issue), ensure_ascii=False, default=datetime.isoformat))


def keep(
    ledger: Ledger,
    data: Path,
    report: Report,
    forms: Sequence[str],
    by: str,
    now: datetime,
    *,
    over: str = "",
    begin: Callable[[str], None] = lambda _: None,
) -> Issue:
    """Number the report, write its files below `data`, enter it into the register. One making at a time.

    `over`: key of the issue that is made again. `begin` is told each format before it is written.
    Writing takes seconds and must not hold the ledger's only write lock: the number is reserved, the files are written
    aside, and moved to their place in the transaction that enters them. NotAllowed: being made, or approved already.
    """
    owner, lock = secrets.token_hex(8), f"report:{report.kind}"
    with ledger.begin() as tx:
        if not tx.notes.lock(lock, owner, MAKING, now):
            raise Busy(f"{KIND_NAMES[report.kind]}正在编制，请稍后再试。")
        before = {i.key: i for i in issues(tx)}
        issue = register(list(before.values()), report, by, over)
        if issue.key not in before:
            _put(tx, issue)
    clear_leftovers(data, now)
    aside, entered = data / FOLDER / f".making-{owner}", False
    try:
        issue, moves = _make(data, aside, report, issue, forms, begin)
        with ledger.begin() as tx:
            _check_open(tx, issue)
            for source, target in moves:
                source.replace(target)
            store(tx, issue, "register", by, now)
        entered = True
        _drop_old(data, before.get(issue.key), issue)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        with ledger.begin() as tx:
            tx.notes.unlock(lock, owner)
            if not entered and issue.key not in before:
                tx.notes.drop(issue.key)
    return issue


def _make(
    data: Path, aside: Path, report: Report, issue: Issue, forms: Sequence[str], begin: Callable[[str], None]
) -> tuple[Issue, list[tuple[Path, Path]]]:
    """The issue with its files, and where each has to be moved."""
    titled = replace(report, title=replace(report.title, number=issue.name))
    folder = data / FOLDER / str(issue.year)
    folder.mkdir(parents=True, exist_ok=True)
    aside.mkdir()
    files, moves = [], []
    for form in forms:
        begin(form)
        name = f"{issue.name}{file_name(report, form)}"
        write(titled, aside / name, form)
        digest = hashlib.sha256((aside / name).read_bytes()).hexdigest()
        files.append((form, (folder / name).relative_to(data).as_posix(), digest))
        moves.append((aside / name, folder / name))
    return replace(issue, files=tuple(files)), moves


def clear_leftovers(data: Path, now: datetime) -> int:
    """Remove what a killed making left aside: nothing was written there for longer than a making may take.

    Returns the number of folders removed. A younger one may be at work in another process.
    """
    old = [aside for aside in (data / FOLDER).glob(".making-*") if now.timestamp() - _touched(aside) > MAKING]
    for aside in old:
        shutil.rmtree(aside, ignore_errors=True)
    return len(old)


def _touched(aside: Path) -> float:
    """Seconds since 1970 of the last writing; endlessly young where its maker clears it away this moment."""
    try:
        return max(part.stat().st_mtime for part in (aside, *aside.iterdir()))
    except FileNotFoundError:
        return inf


def _drop_old(data: Path, old: Issue | None, new: Issue) -> None:
    """Remove files of the last making whose name has changed: the register no longer names them."""
    kept = {path for _, path, _ in new.files}
    for _, path, _ in old.files if old is not None else ():
        if path not in kept:
            (data / path).unlink(missing_ok=True)


def _check_open(tx: Transaction, issue: Issue) -> None:
    text = tx.notes.get(issue.key)
    if text and (known := _read(text)).approved_at is not None:
        raise NotAllowed(f"{known.name}已由{known.approved_by}审定，不能重新编制。")


def decide(ledger: Ledger, key: str, step: str, by: str, now: datetime) -> Issue:
    """`approve` or `sent` of a kept issue, with its line of the audit. NotAllowed also for an unknown key."""
    with ledger.begin() as tx:
        issue = approve(find(tx, key), by, now) if step == "approve" else sent(find(tx, key), now)
        store(tx, issue, step, by, now)
    return issue


def _read(text: str) -> Issue:
    row: Mapping[str, object] = json.loads(text)
    times = {k: datetime.fromisoformat(str(row[k])) for k in ("made_at", "approved_at", "sent_at") if row[k]}
    files = tuple(tuple(file) for file in row["files"])  # type: ignore[attr-defined]
    to: tuple[str, ...] = tuple(row.get("sent_to", ()))  # type: ignore[arg-type]
    return Issue(**{**row, **times, "files": files, "sent_to": to})  # type: ignore[arg-type]
