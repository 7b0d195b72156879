"""检索订阅: one's own saved searches, with a threshold that makes them tell."""

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import HTTPException
from starlette.responses import Response

from dashboards import saved
from dashboards.searching import BadForm, read_form
from dashboards.web.visit import Here
from storage.query import QuerySyntaxError


def index(visit: Here) -> Response:
    """The list, each with its new hits."""
    return listing(visit, 200, "")


def listing(visit: Here, status: int, problem: str) -> Response:
    """The page, with what was wrong."""
    with visit.site.ledger.read() as tx:
        rows = saved.of(tx, visit.user.name)
    found: list[tuple[saved.Saved, int | None]] = []
    for row in rows:
        try:
            found.append((row, saved.fresh(visit.site.documents, row, visit.user, visit.office, visit.now)))
        except (QuerySyntaxError, BadForm):
            found.append((row, None))
    return visit.page("saved.html", status, rows=found, problem=problem)


def number(visit: Here, name: str, usual: int) -> int:
    """A whole number of the form; `usual` where it is empty, -1 where it is none."""
    text = visit.text(name, 12)
    return usual if not text else int(text) if text.isascii() and text.isdigit() else -1


def add(visit: Here) -> Response:
    """POST: keep the search whose address the form carries."""
    form = read_form([(k, v) for k, v in visit.form.multi_items() if isinstance(v, str)])
    address = urlencode(form.address(), doseq=True)
    name = visit.text("name", 200) or form.q[:60] or "未命名检索"
    try:
        row = saved.new(
            visit.user.name, name, address, number(visit, "threshold", 0), number(visit, "hours", 24), visit.now
        )
        with visit.site.ledger.begin() as tx:
            saved.put(tx, row)
            visit.record(tx, "search.save", f"search:{row.id}", after=f"{row.name} {row.threshold}/{row.hours}h")
    except (QuerySyntaxError, BadForm) as mistake:
        return listing(visit, 422, str(mistake))
    return visit.go("/documents/saved", "search_saved")


def change(visit: Here, saved_id: str, action: str) -> Response:
    """POST: edit name and threshold, stop the messages, or delete; only one's own."""
    with visit.site.ledger.begin() as tx:
        row = next((row for row in saved.of(tx, visit.user.name) if row.id == saved_id), None)
        if row is None or action not in {"edit", "stop", "delete"}:
            raise HTTPException(404, "没有这条检索，或它不是您保存的。")
        if action == "delete":
            tx.notes.drop(row.key)
        else:
            try:
                saved.put(tx, changed := edited(visit, row) if action == "edit" else replace(row, threshold=0))
            except (QuerySyntaxError, BadForm) as mistake:
                raise HTTPException(422, str(mistake)) from None
            row = changed
        visit.record(tx, f"search.{action}", f"search:{row.id}", after=f"{row.name} {row.threshold}/{row.hours}h")
    return visit.go("/documents/saved", "search_gone" if action == "delete" else "search_saved")


def edited(visit: Here, row: saved.Saved) -> saved.Saved:
    """The row as the form says; BadForm when it cannot be used."""
    made = replace(
        row,
        name=visit.text("name", 200) or row.name,
        threshold=number(visit, "threshold", row.threshold),
        hours=number(visit, "hours", row.hours),
    )
    saved.check(made)
    return made
