"""Approved reports, to be listed and fetched by another system."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Query
from starlette.responses import FileResponse

from dashboards.api.caller import Caller, scope
from dashboards.api.rows import Problems, ReportOut, ReportsOut
from dashboards.reports.issues import Issue, issues
from dashboards.reports.tree import ReportKind

FILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "the file"},
    404: {"model": Problems},
    409: {"model": Problems},
}


def reports(
    caller: Annotated[Caller, Depends(scope("read"))],
    kind: ReportKind | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> ReportsOut:
    """Approved reports, the newest first; drafts are not shown."""
    with caller.site.ledger.read() as tx:
        found = [issue for issue in reversed(issues(tx, kind)) if issue.approved_at is not None]
    found.sort(key=lambda issue: issue.made_at, reverse=True)
    return ReportsOut(total=len(found), rows=[ReportOut.of(issue) for issue in found[offset : offset + limit]])


def approved(caller: Caller, year: int, kind: str, number: int) -> Issue:
    """The issue; 404 for an unknown one and for a draft."""
    with caller.site.ledger.read() as tx:
        for issue in issues(tx):
            if (issue.year, issue.kind, issue.number) == (year, kind, number) and issue.approved_at is not None:
                return issue
    raise HTTPException(404, "没有这一期报告，或它尚未审定。")


def report(year: int, kind: ReportKind, number: int, caller: Annotated[Caller, Depends(scope("read"))]) -> ReportOut:
    """One approved report: what it is called and in which formats its file can be fetched."""
    return ReportOut.of(approved(caller, year, kind, number))


def report_file(
    year: int, kind: ReportKind, number: int, format: str, caller: Annotated[Caller, Depends(scope("read"))]
) -> FileResponse:
    """The file of an approved report, byte for byte as it was approved."""
    issue, data = approved(caller, year, kind, number), caller.site.data
    for form, path, digest in issue.files:
        if form == format and data is not None and (data / path).is_file():
            if hashlib.sha256((data / path).read_bytes()).hexdigest() != digest:
                raise HTTPException(409, "报告文件与审定时不一致，请联系系统管理员核对。")
            return FileResponse(data / path, filename=Path(path).name)
    raise HTTPException(404, "没有这种格式的文件。")
