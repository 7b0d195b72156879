"""台账: the whole process record of one event, as a page and as a file."""

import io
import mimetypes
from urllib.parse import quote

from fastapi import HTTPException
from starlette.responses import RedirectResponse, Response

from dashboards.reports.facts import ledger_of
from dashboards.reports.figures import NoChineseFont
from dashboards.reports.pdf import NoPdf
from dashboards.reports.tree import Report, Table, cleaned, numbered
from dashboards.reports.writers import WRITERS, file_name
from dashboards.web.events import visible
from dashboards.web.visit import Here

#: caption of the table whose rows may be narrowed to one sort
RECORD = "处置记录"
KIND_COLUMN = 2


def page(visit: Here, event_id: str, kind: str = "") -> Response:
    """The record, optionally of one sort of entry only; a merged event leads to the one it went into."""
    with visit.site.ledger.read() as tx:
        event = visible(visit, tx, event_id)
    if event.id != event_id:
        return RedirectResponse(f"/events/{quote(event.id, safe='')}/ledger", 303)
    report = cleaned(made(visit, event.id))
    rows = next((b.rows for b in report.blocks if isinstance(b, Table) and b.caption == RECORD), ())
    counts: dict[str, int] = {}
    for row in rows:
        counts[str(row[KIND_COLUMN])] = counts.get(str(row[KIND_COLUMN]), 0) + 1
    return visit.page(
        "ledger.html",
        event=event,
        report=report,
        blocks=[(type(block).__name__, block) for block in numbered(report.blocks)],
        kind=kind if kind in counts else "",
        counts=counts,
        formats=tuple(WRITERS),
        record=RECORD,
        kind_column=KIND_COLUMN,
    )


def made(visit: Here, event_id: str) -> Report:
    """The report as it stands now."""
    site = visit.site
    return ledger_of(event_id, visit.office, site.documents, site.ledger, visit.now)


def export(visit: Here, event_id: str, format: str) -> Response:
    """The record as a file; that it was taken out stands in the audit and so in the next record."""
    if format not in WRITERS:
        raise HTTPException(404, f"台账只能导出为 {'、'.join(WRITERS)}。")
    with visit.site.ledger.read() as tx:
        event = visible(visit, tx, event_id)
    report = made(visit, event.id)
    content = written(report, format)
    with visit.site.ledger.begin() as tx:
        visit.record(tx, "event.export", f"event:{event.id}", after=format)
    name = file_name(report, format)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"content-disposition": f"attachment; filename*=utf-8''{quote(name)}"}
    return Response(content, headers=headers, media_type=kind)


def written(report: Report, format: str) -> bytes:
    """The file. 503 where this machine cannot make the format, with what to do."""
    out = io.BytesIO()
    try:
        WRITERS[format](report, out)
    except (NoPdf, NoChineseFont) as lacking:
        raise HTTPException(503, f"{lacking}") from None
    return out.getvalue()
