"""`/api/v1`: an application of its own, so that its errors are JSON and its description is its own."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match, Route

from dashboards import access
from dashboards.api.caller import Caller, scope
from dashboards.api.examples import PUSHED, described
from dashboards.api.reports import FILE_ANSWERS, report, report_file, reports
from dashboards.api.rows import (
    Accepted,
    DocumentIn,
    DocumentOut,
    DocumentsOut,
    EventOut,
    EventsOut,
    Problem,
    Problems,
    TaskOut,
    TasksOut,
    problems,
)
from dashboards.searching import BadForm, page_of, read_form, to_query
from dashboards.site import Site
from dashboards.web.health import state
from storage.ports import StoreError
from storage.prepare import prepare_all
from storage.query import QuerySyntaxError
from storage.types import Document, TaskState

MAX_ROWS = 1000
#: a key answers with what it answered before for so long
KEEP_KEYS = timedelta(days=2)
Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]


def read_rows(body: Any, caller: Caller) -> tuple[list[Document], list[Problem]]:
    """Documents and mistakes of a body: one object, a list, or {"documents": [...]}."""
    rows = body.get("documents", [body]) if isinstance(body, Mapping) else body
    if not isinstance(rows, list) or not rows:
        raise HTTPException(422, '应为一个文档、文档列表，或 {"documents": [...]}。')
    if len(rows) > MAX_ROWS:
        raise HTTPException(413, f"一次最多 {MAX_ROWS} 条。")
    office, now = caller.site.office(), caller.site.clock()
    found: list[Document] = []
    wrong: list[Problem] = []
    for line, row in enumerate(rows, 1):
        try:
            model = DocumentIn.model_validate(row)
        except ValidationError as mistake:
            wrong += problems([dict(e) for e in mistake.errors(include_url=False)], line)
            continue
        key = hashlib.sha256("\0".join((model.url or "", model.title, model.text)).encode()).hexdigest()[:24]
        found.append(model.document(key=key, source=caller.name, now=now, timezone=office.timezone))
    return found, wrong


def push(
    caller: Annotated[Caller, Depends(scope("documents:write"))],
    body: Annotated[Any, Body()],
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> JSONResponse:
    """Push documents. 202: the good rows are durable (bad ones are listed); 422: no row is usable.

    The same `Idempotency-Key` with the same body answers as before and adds nothing; with another body: 409.
    """
    site = caller.site
    note = f"push:{access.digest(f'{caller.name}|{idempotency_key}')}"
    rows, wrong = read_rows(body, caller)
    if not rows:
        return JSONResponse(Problems(errors=wrong).model_dump(), 422)
    print_ = access.digest(json.dumps(body, sort_keys=True, ensure_ascii=True))
    answer = Accepted(accepted=len(rows), ids=[row.id for row in rows], errors=wrong).model_dump()
    with site.ledger.begin() as tx:
        before = tx.notes.get(note) if idempotency_key else None
        if before is not None:
            kept = json.loads(before)
            if kept["print"] != print_:
                raise HTTPException(409, "此 Idempotency-Key 已用于另一份内容。")
            return JSONResponse(kept["answer"], 202, {"idempotent-replayed": "true"})
        tx.intake.add(prepare_all(rows, site.author_key, site.clock()), site.clock())
        if idempotency_key:
            tx.notes.put(note, json.dumps({"print": print_, "answer": answer, "at": site.clock().isoformat()}))
    return JSONResponse(answer, 202)


def forget_keys(site: Site) -> int:
    """Drop what was kept for keys older than two days; the nightly job calls it. Returns how many went."""
    before = site.clock() - KEEP_KEYS
    with site.ledger.begin() as tx:
        kept = {key: tx.notes.get(key) for key in tx.notes.keys("push:")}
        old = [key for key, text in kept.items() if text and datetime.fromisoformat(json.loads(text)["at"]) < before]
        for key in old:
            tx.notes.drop(key)
    return len(old)


def documents(
    request: Request,
    caller: Annotated[Caller, Depends(scope("read"))],
    q: Annotated[str, Query(description="boolean words, e.g. (减税 | 降费) + 义乌 - 招聘")] = "",
    since: Annotated[date | None, Query(description="day, 2026-01-31")] = None,
    until: Annotated[date | None, Query(description="last day that counts")] = None,
    limit: Limit = 20,
    after: str = "",
) -> DocumentsOut:
    """Search, newest first. Facet fields (kind, topic, sentiment …) may be given as further parameters."""
    form = read_form(request.query_params.multi_items())
    try:
        query = to_query(form, caller.site.office().timezone, None)
        found = page_of(caller.site.documents, query, limit, after)
    except (QuerySyntaxError, BadForm) as mistake:
        raise HTTPException(422, str(mistake)) from None
    return DocumentsOut(total=found.total, after=found.after, rows=[DocumentOut.of(row) for row in found.rows])


def events(
    caller: Annotated[Caller, Depends(scope("read"))],
    level_from: Annotated[int, Query(ge=0, le=5)] = 0,
    topic: str | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> EventsOut:
    """Open events, the highest level first."""
    office = caller.site.office()
    with caller.site.ledger.read() as tx:
        rows, total = tx.events.find(
            level_from=level_from, topic=topic, status=("open", "quiet"), historic=False, size=limit, offset=offset
        )
    return EventsOut(total=total, rows=[EventOut.of(event, office.level_name(event.level)) for event in rows])


def event(event_id: str, caller: Annotated[Caller, Depends(scope("read"))]) -> EventOut:
    """One event; a merged id answers with the event it went into."""
    with caller.site.ledger.read() as tx:
        found = tx.events.get([event_id]).get(event_id)
    if found is None:
        raise HTTPException(404, "没有这个事件。")
    return EventOut.of(found, caller.site.office().level_name(found.level))


def tasks(
    caller: Annotated[Caller, Depends(scope("read"))],
    department: str | None = None,
    state: Annotated[list[TaskState] | None, Query()] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> TasksOut:
    """Tasks by next due deadline."""
    with caller.site.ledger.read() as tx:
        rows, total = tx.tasks.find(department=department, states=tuple(state or ()), size=limit, offset=offset)
    return TasksOut(total=total, rows=[TaskOut.of(task) for task in rows])


def task(task_id: str, caller: Annotated[Caller, Depends(scope("read"))]) -> TaskOut:
    """One task."""
    with caller.site.ledger.read() as tx:
        found = tx.tasks.get(task_id)
    if found is None:
        raise HTTPException(404, "没有这项任务。")
    return TaskOut.of(found)


def health(caller: Annotated[Caller, Depends(scope("read"))]) -> dict[str, Any]:
    """The figures of `/healthz`."""
    return state(caller.site, caller.site.clock())


#: method, path under /api/v1, function, answers besides the usual
ROUTES: tuple[tuple[str, str, Callable[..., Any], dict[int | str, dict[str, Any]]], ...] = (
    ("POST", "/documents", push, {202: {"model": Accepted}, 409: {"model": Problems}, 413: {"model": Problems}}),
    ("GET", "/documents", documents, {}),
    ("GET", "/events", events, {}),
    ("GET", "/events/{event_id}", event, {404: {"model": Problems}}),
    ("GET", "/tasks", tasks, {}),
    ("GET", "/tasks/{task_id}", task, {404: {"model": Problems}}),
    ("GET", "/reports", reports, {}),
    ("GET", "/reports/{year}/{kind}/{number}", report, {404: {"model": Problems}}),
    ("GET", "/reports/{year}/{kind}/{number}/{format}", report_file, FILE_ANSWERS),
    ("GET", "/health", health, {}),
)


def push_body() -> dict[str, Any]:
    """The description of a pushed body: rows are checked one by one, so FastAPI cannot write it itself."""
    row = DocumentIn.model_json_schema()
    batch = {"type": "array", "items": row, "minItems": 1, "maxItems": MAX_ROWS}
    wrapped = {"type": "object", "properties": {"documents": batch}, "required": ["documents"]}
    return {
        "content": {"application/json": {"schema": {"anyOf": [row, batch, wrapped]}, "examples": PUSHED}},
        "required": True,
    }


#: what the framework says by itself in English; with text of our own a refusal says that
SAID: Mapping[int, str] = {400: "请求内容不是有效的 UTF-8 JSON。", 405: "此地址不支持这种操作。"}


def methods_of(api: FastAPI, request: Request) -> set[str]:
    """The methods that this address knows, over all its rows: the framework names the first row's alone."""
    rows = (route for route in api.routes if isinstance(route, Route))
    return {method for route in rows if route.matches(request.scope)[0] != Match.NONE for method in route.methods or ()}


def create_api(site: Site) -> FastAPI:
    """The sub-application for `/api/v1`; its description lies at `/api/v1/openapi.json`."""
    api = FastAPI(title="民声 Minsheng API", version="1", openapi_url="/openapi.json", docs_url=None, redoc_url=None)
    api.state.site = site
    common: dict[int | str, dict[str, Any]] = {code: {"model": Problems} for code in (401, 403, 422, 503)}
    for method, path, endpoint, answers in ROUTES:
        success = 202 if method == "POST" else 200
        extra = {"requestBody": push_body()} if method == "POST" else None
        api.add_api_route(
            path,
            endpoint,
            methods=[method],
            responses=described({**common, **answers}, method, path, success),
            status_code=success,
            openapi_extra=extra,
        )

    @api.exception_handler(AnyHTTPException)
    def refused(request: Request, error: AnyHTTPException) -> JSONResponse:
        body = Problems(errors=[Problem(line=None, field=None, message=SAID.get(error.status_code, str(error.detail)))])
        headers = {name.lower(): text for name, text in (error.headers or {}).items()}
        if error.status_code == 405:
            headers["allow"] = ", ".join(sorted(methods_of(api, request)))
        return JSONResponse(body.model_dump(), 422 if error.status_code == 400 else error.status_code, headers)

    @api.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse(Problems(errors=problems([dict(e) for e in error.errors()], None)).model_dump(), 422)

    @api.exception_handler(StoreError)
    def away(_: Request, error: StoreError) -> JSONResponse:
        body = Problems(errors=[Problem(line=None, field=None, message=str(error))])
        return JSONResponse(body.model_dump(), 503, {"retry-after": "5"})

    return api
