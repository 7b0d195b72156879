"""文档: the search page, its live count, and the exports of exactly what was found."""

from fastapi import HTTPException
from starlette.responses import FileResponse, Response, StreamingResponse

from dashboards import exporting
from dashboards.charts import volume_chart
from dashboards.searching import FACETS, BadForm, SearchForm, page_of, read_form, step_for, to_query
from dashboards.web.rendering import address
from dashboards.web.visit import Here
from storage.ports import Bucket, DocumentQuery, DocumentStore
from storage.query import QuerySyntaxError

SIZE = 20


def asked(visit: Here) -> SearchForm:
    """The form in the address."""
    return read_form(visit.request.query_params.multi_items())


def page(visit: Here, after: str = "") -> Response:
    """The page; a mistake in the words or a date is shown with its place, the form is kept."""
    form = asked(visit)
    try:
        query = to_query(form, visit.office.timezone, visit.scope)
        found = page_of(visit.site.documents, query, SIZE, after)
    except (QuerySyntaxError, BadForm) as mistake:
        column = getattr(mistake, "column", None)
        return visit.page("search.html", 422, form=form, problem=str(mistake), column=column, found=None)
    side = address("/documents/side", **form.address()) if found.total and not after else ""
    return visit.page("search.html", form=form, problem="", column=None, found=found, side=side)


def side(visit: Here) -> Response:
    """Facets and time histogram: they look at every hit, so the page does not wait for them."""
    form = asked(visit)
    try:
        query = to_query(form, visit.office.timezone, visit.scope)
    except (QuerySyntaxError, BadForm) as mistake:
        raise HTTPException(422, str(mistake)) from None
    store = visit.site.documents
    facets = [(field, store.facets(query, field, size=8)) for field in FACETS]
    return visit.page("search_side.html", form=form, facets=facets, chart=histogram(visit, store, query))


def histogram(visit: Here, store: DocumentStore, query: DocumentQuery) -> dict[str, object] | None:
    """Bars over time; the step follows from the first and the last hit."""
    months = store.histogram(query, step="month", timezone=visit.office.timezone)
    filled = [bucket for bucket in months if bucket.count]
    if not filled:
        return None
    step = step_for(filled[0].start, filled[-1].start)
    if len(filled) <= 3:
        buckets = store.histogram(query, step="day", timezone=visit.office.timezone)
        if len(trimmed(buckets)) <= 3:
            buckets = store.histogram(query, step="hour", timezone=visit.office.timezone)
            return volume_chart(buckets, visit.names.zone)
    elif step == "week":
        buckets = store.histogram(query, step="week", timezone=visit.office.timezone)
    else:
        buckets = months
    return volume_chart(buckets, visit.names.zone, days=True)


def trimmed(buckets: list[Bucket]) -> list[Bucket]:
    """The buckets that hold something."""
    return [bucket for bucket in buckets if bucket.count]


def count(visit: Here) -> Response:
    """The live count under the search field, or what is wrong with the words."""
    try:
        number = visit.site.documents.count(to_query(asked(visit), visit.office.timezone, visit.scope))
    except (QuerySyntaxError, BadForm) as mistake:
        return visit.page("search_count.html", number=None, problem=str(mistake))
    return visit.page("search_count.html", number=number, problem="")


def export(visit: Here, format: str) -> Response:
    """Everything that was found, as CSV (streamed) or XLSX (written to a file first), oldest first."""
    form = asked(visit)
    try:
        query = to_query(form, visit.office.timezone, visit.scope)
    except (QuerySyntaxError, BadForm) as mistake:
        raise HTTPException(422, str(mistake)) from None
    if format not in exporting.FORMATS:
        raise HTTPException(404, "只能导出 csv 或 xlsx。")
    total = visit.site.documents.count(query)
    if format == "xlsx" and total > exporting.XLSX_ROWS:
        raise HTTPException(422, f"共 {total} 条，超过一张工作表的上限，请缩小范围或导出 CSV。")
    with visit.site.ledger.begin() as tx:
        visit.record(tx, "documents.export", "documents", after=form.described()[:500])
    head = exporting.head(visit.names, form.described(), total, visit.user.display)
    rows = exporting.rows(visit.site.documents.scan(query), visit.names)
    name = f"minsheng-{visit.names.exact(visit.now)[:10]}.{format}"
    if format == "csv":
        disposition = {"content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(exporting.csv_lines(head, rows), 200, disposition, "text/csv; charset=utf-8")
    path = exporting.xlsx_file(head, rows)
    return FileResponse(path, filename=name, media_type=exporting.XLSX_TYPE, background=exporting.removal(path))
