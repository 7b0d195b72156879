"""The application: one table says which route exists and who may use it; there is no other way in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

from fastapi import Depends, FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from dashboards.api.v1 import create_api
from dashboards.site import Site
from dashboards.web import (
    alike,
    answering,
    audit,
    documents,
    duty,
    effect,
    event_actions,
    events,
    exports,
    health,
    ledger,
    login,
    overview,
    policies,
    replies,
    reports,
    saved,
    search,
    settings,
    silences,
    sources,
    tasks,
    tokens,
    topics,
    trials,
    wall,
)
from dashboards.web.guards import BodyLimit, Heads, Measures, SecurityHeaders
from dashboards.web.rendering import STATIC, address, environment
from dashboards.web.visit import NotLoggedIn, PasswordFirst, gate
from storage.ports import StaleVersion, StoreError
from storage.types import Role

NOBODY = frozenset({"nobody"})
STAFF: frozenset[str] = frozenset(get_args(Role)) - {"api"}
CITY: frozenset[str] = frozenset({"admin", "officer", "reviewer", "leader"})
WORKS: frozenset[str] = STAFF - {"leader"}
#: who serves on duty: silences, umbrellas, hand-overs
DUTY: frozenset[str] = frozenset({"officer", "leader"})
#: who registers the draft of a policy
DRAFTS: frozenset[str] = frozenset({"officer", "lead", "staff"})
#: who has a part in a policy; what each may do stands in `policies.MAY`
POLICY: frozenset[str] = frozenset({"officer", "lead", "staff", "reviewer", "leader"})
CITY_WORKS: frozenset[str] = CITY - {"leader"}
OFFICER: frozenset[str] = frozenset({"admin", "officer"})
ADMIN: frozenset[str] = frozenset({"admin"})


@dataclass(frozen=True, slots=True)
class Row:
    """One route: nothing is reachable that has no row."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    roles: frozenset[str]


ROUTES = (
    Row("GET", "/login", login.form, NOBODY),
    Row("POST", "/login", login.enter, NOBODY),
    Row("GET", "/login/oidc", login.to_provider, NOBODY),
    Row("GET", "/login/oidc/return", login.from_provider, NOBODY),
    Row("GET", "/login/{token}", login.by_link, NOBODY),
    Row("GET", "/healthz", health.healthz, NOBODY),
    Row("GET", "/metrics", health.metrics, NOBODY),
    Row("GET", "/alive", health.alive, NOBODY),
    Row("POST", "/logout", login.leave, STAFF),
    Row("POST", "/logout/everywhere", login.leave_everywhere, STAFF),
    Row("GET", "/password", login.password_form, STAFF),
    Row("POST", "/password", login.change_password, STAFF),
    Row("GET", "/", overview.page, STAFF),
    Row("GET", "/live/overview", overview.live, STAFF),
    Row("GET", "/wall", wall.page, CITY),
    Row("GET", "/live/wall", wall.live, CITY),
    Row("GET", "/events", events.index, STAFF),
    Row("GET", "/events/export.{format}", exports.events, WORKS),
    Row("GET", "/events/{event_id}", events.one, STAFF),
    Row("GET", "/live/events/{event_id}", events.live, STAFF),
    Row("GET", "/live/events/{event_id}/spread", events.spread, STAFF),
    Row("GET", "/live/events/{event_id}/alike", alike.card, OFFICER),
    Row("GET", "/events/{event_id}/ledger", ledger.page, STAFF),
    Row("GET", "/events/{event_id}/ledger.{format}", ledger.export, STAFF),
    Row("POST", "/events/{event_id}/pin", event_actions.pin, OFFICER),
    Row("POST", "/events/{event_id}/grade", event_actions.grade, OFFICER),
    Row("POST", "/events/{event_id}/rename", event_actions.rename, OFFICER),
    Row("POST", "/events/{event_id}/merge", event_actions.merge, OFFICER),
    Row("POST", "/events/{event_id}/split", event_actions.split, OFFICER),
    Row("POST", "/events/{event_id}/false-alarm", event_actions.false_alarm, OFFICER),
    Row("POST", "/events/{event_id}/close", event_actions.close, OFFICER),
    Row("POST", "/events/{event_id}/reopen", event_actions.reopen, OFFICER),
    Row("GET", "/documents", search.page, STAFF),
    Row("GET", "/documents/count", search.count, STAFF),
    Row("GET", "/documents/side", search.side, STAFF),
    Row("GET", "/documents/saved", saved.index, STAFF),
    Row("POST", "/documents/saved", saved.add, STAFF),
    Row("POST", "/documents/saved/{saved_id}/{action}", saved.change, STAFF),
    Row("GET", "/documents/export.{format}", search.export, WORKS),
    Row("POST", "/document/{document_id:path}/correct", documents.correct, OFFICER),
    Row("POST", "/document/{document_id:path}/undo", documents.undo, OFFICER),
    Row("GET", "/document/{document_id:path}", documents.one, STAFF),
    Row("GET", "/topics", topics.index, STAFF),
    Row("GET", "/topics/{topic_id}", topics.one, STAFF),
    Row("GET", "/live/topics/{topic_id}", topics.side, STAFF),
    Row("GET", "/live/topics/{topic_id}/phrases", topics.phrases, CITY),
    Row("GET", "/tasks", tasks.index, STAFF),
    Row("GET", "/tasks/export.{format}", exports.tasks, WORKS),
    Row("GET", "/tasks/{task_id}", tasks.one, STAFF),
    Row("GET", "/live/tasks/{task_id}/help", answering.page, STAFF),
    Row("POST", "/tasks/{task_id}/{action}", tasks.act, STAFF),
    Row("GET", "/effect", effect.page, STAFF),
    Row("GET", "/effect.xlsx", effect.export, STAFF),
    Row("GET", "/effect/replies", replies.page, STAFF),
    Row("GET", "/effect/replies.xlsx", replies.export, STAFF),
    Row("GET", "/policies", policies.index, STAFF),
    Row("POST", "/policies", policies.register, DRAFTS),
    Row("GET", "/policies/{policy_id}", policies.one, STAFF),
    Row("POST", "/policies/{policy_id}/{action}", policies.act, POLICY),
    Row("GET", "/duty", duty.page, STAFF),
    Row("POST", "/duty", duty.give, DUTY),
    Row("POST", "/duty/{hand_over_id}/take", duty.take, DUTY),
    Row("GET", "/duty/messages", duty.messages, STAFF),
    Row("GET", "/duty/silences", silences.page, CITY),
    Row("POST", "/duty/silences", silences.propose, DUTY),
    Row("POST", "/duty/silences/{silence_id}/{action}", silences.act, DUTY),
    Row("POST", "/duty/umbrellas", silences.gather, DUTY),
    Row("GET", "/sources", sources.index, CITY),
    Row("GET", "/sources/export.{format}", exports.sources, CITY_WORKS),
    Row("GET", "/sources/{source_id}", sources.hours, CITY),
    Row("POST", "/sources/retry", sources.retry, OFFICER),
    Row("POST", "/sources/{source_id}/poll", sources.poll, OFFICER),
    Row("GET", "/reports", reports.index, CITY),
    Row("POST", "/reports", reports.make, OFFICER),
    Row("GET", "/reports/export.{format}", exports.register, CITY_WORKS),
    Row("GET", "/live/reports", reports.live, CITY),
    Row("GET", "/reports/{name}/file.{format}", reports.file, CITY),
    Row("GET", "/reports/{name}", reports.one, CITY),
    Row("POST", "/reports/{name}/{action}", reports.act, CITY_WORKS),
    Row("GET", "/settings", settings.departments, CITY),
    Row("GET", "/settings/topics", settings.topics, CITY),
    Row("GET", "/settings/routing", settings.routing, CITY),
    Row("GET", "/settings/channels", settings.channels, OFFICER),
    Row("POST", "/settings/channels/{channel}/test", trials.test_channel, OFFICER),
    Row("GET", "/settings/sources", trials.sources, OFFICER),
    Row("POST", "/settings/sources/{source_id}/preview", trials.preview, OFFICER),
    Row("GET", "/settings/sessions", tokens.sessions, ADMIN),
    Row("POST", "/settings/sessions/end", tokens.end_session, ADMIN),
    Row("GET", "/settings/tokens", tokens.index, ADMIN),
    Row("POST", "/settings/tokens", tokens.add, ADMIN),
    Row("POST", "/settings/tokens/revoke", tokens.revoke, ADMIN),
    Row("GET", "/settings/users", settings.users, ADMIN),
    Row("POST", "/settings/users", settings.add_user, ADMIN),
    Row("POST", "/settings/users/{name}/{action}", settings.change_user, ADMIN),
    Row("GET", "/audit", audit.index, OFFICER),
    Row("GET", "/audit/export.{format}", exports.audit, OFFICER),
    Row("GET", "/audit/verify", audit.verify, OFFICER),
)
#: the menu: path, word
MENU = (
    ("/", "总览"),
    ("/events", "事件"),
    ("/documents", "文档"),
    ("/topics", "专题"),
    ("/tasks", "任务"),
    ("/policies", "政策"),
    ("/effect", "成效"),
    ("/duty", "值守"),
    ("/sources", "信源"),
    ("/reports", "报告"),
    ("/settings", "设置"),
    ("/audit", "审计"),
    ("/wall", "大屏"),
)


def menu(roles: Iterable[str]) -> list[tuple[str, str]]:
    """The entries of the menu that these roles may open."""
    may = {row.path: row.roles for row in ROUTES if row.method == "GET"}
    return [(path, word) for path, word in MENU if may[path] & set(roles)]


def create_app(site: Site) -> FastAPI:
    """The board over one site."""
    app = FastAPI(title="民声", docs_url=None, redoc_url=None, openapi_url=None)
    registry = CollectorRegistry()
    templates = environment()
    templates.globals.update(menu=menu)
    app.state.site, app.state.registry, app.state.templates = site, registry, templates
    app.state.gauges = health.make_gauges(registry)
    for row in ROUTES:
        app.add_api_route(
            row.path,
            row.endpoint,
            methods=[row.method],
            dependencies=[Depends(gate(row.roles))],
            response_model=None,
        )
    app.mount("/api/v1", create_api(site))
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_middleware(GZipMiddleware, minimum_size=600, compresslevel=6)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, https=site.secure_cookies)
    app.add_middleware(Heads)
    app.add_middleware(Measures, registry=registry)
    add_error_pages(app)
    return app


def add_error_pages(app: FastAPI) -> None:
    """Errors as pages, in words that say what to do."""

    @app.exception_handler(NotLoggedIn)
    def to_login(request: Request, _: Exception) -> Response:
        if request.headers.get("hx-request"):
            return Response(status_code=401)
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(address("/login", next=here if request.method == "GET" else None), 303)

    @app.exception_handler(PasswordFirst)
    def to_password(_: Request, __: Exception) -> Response:
        return RedirectResponse("/password", 303)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        said = {404: "没有这个页面，可能已被移动或地址有误。", 405: "此地址不支持这种操作。"}
        detail = str(error.detail)
        text = said.get(error.status_code, detail) if detail.isascii() else detail
        return error_page(request, error.status_code, text)

    @app.exception_handler(StaleVersion)
    def stale(request: Request, error: StaleVersion) -> Response:
        return error_page(request, 409, str(error))

    @app.exception_handler(StoreError)
    def away(request: Request, error: StoreError) -> Response:
        return error_page(request, 503, f"数据暂时无法读写：{error} 请稍后重试，已填写的内容请先另存。")

    @app.exception_handler(Exception)
    def broken(request: Request, _: Exception) -> Response:
        return error_page(request, 500, "系统出现错误，已记入日志。请稍后重试；如反复出现，请联系系统管理员。")


def error_page(request: Request, status: int, text: str) -> Response:
    """A page that needs neither a user nor a store; JSON where the API was meant."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"errors": [{"line": None, "field": None, "message": text}]}, status)
    page = request.app.state.templates.get_template("error.html").render(status=status, text=text)
    return HTMLResponse(page, status)
