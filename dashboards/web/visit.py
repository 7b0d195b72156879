"""One request: who asks, from where, in which department's name. Every route passes through `gate`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Depends, HTTPException, Request
from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse

from dashboards import access
from dashboards.site import Site
from dashboards.web.rendering import Names
from storage.ports import Transaction
from storage.types import AuditEntry, Office, Role, User

SESSION_COOKIE = "minsheng_session"
FORM_COOKIE = "minsheng_form"
#: these see every department's matters
CITY_WIDE: frozenset[Role] = frozenset({"admin", "officer", "reviewer", "leader"})
#: open to a user who still has to choose a password
BEFORE_PASSWORD = frozenset({"/password", "/logout"})


class NotLoggedIn(Exception):
    """Nobody is logged in; the answer leads to the log-in page and back."""


class PasswordFirst(Exception):
    """The user came by a one-time link and must choose a password before anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page function needs; made by `gate`, so that a function that runs has been allowed to."""

    site: Site
    request: Request
    templates: Environment
    office: Office
    now: datetime
    somebody: User | None
    session: str  #: hash of the session's token, "" before log-in
    form: FormData

    @property
    def user(self) -> User:
        """The user; on public routes there may be none, and asking is a mistake."""
        if self.somebody is None:
            raise NotLoggedIn
        return self.somebody

    @property
    def scope(self) -> str | None:
        """The department to which everything shown is limited; None for city-wide roles.

        A user without department and without a city-wide role is limited to a department that does not exist.
        """
        if CITY_WIDE & set(self.user.roles):
            return None
        return self.user.department or "-"

    @property
    def names(self) -> Names:
        return Names(self.office, self.now)

    def may(self, *roles: Role) -> bool:
        """Whether the user has one of these roles."""
        return self.somebody is not None and bool(set(roles) & set(self.somebody.roles))

    def text(self, name: str, limit: int = 2000) -> str:
        """A form field, stripped; longer than `limit` is refused rather than cut."""
        value = self.form.get(name)
        words = value.strip() if isinstance(value, str) else ""
        if len(words) > limit:
            raise HTTPException(422, f"填写内容过长：最多 {limit} 字。")
        return words

    def texts(self, name: str) -> list[str]:
        """Every value of a form field."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def record(self, tx: Transaction, action: str, target: str, *, before: str = "", after: str = "") -> None:
        """One line of the audit, in the transaction of what it records."""
        role = self.user.roles[0] if self.user.roles else ""
        entry = AuditEntry(
            actor=self.user.name, action=action, object=target, at=self.now, role=role, before=before, after=after
        )
        tx.audit.append(entry)

    def render(self, template: str, /, **context: object) -> str:
        """The template with the names that every page needs."""
        bound = self.session or self.request.cookies.get(FORM_COOKIE, "")
        return self.templates.get_template(template).render(
            visit=self,
            names=self.names,
            office=self.office,
            now=self.now,
            path=self.request.url.path,
            csrf=access.form_token(self.site.secret, bound),
            **context,
        )

    def page(self, template: str, status: int = 200, /, **context: object) -> HTMLResponse:
        """An HTML answer."""
        return HTMLResponse(self.render(template, **context), status)

    def go(self, path: str, ok: str = "") -> RedirectResponse:
        """After a POST: see another page; `ok` names a sentence of `dashboards.done.DONE`."""
        mark = ("&" if "?" in path else "?") + f"ok={quote(ok)}" if ok else ""
        return RedirectResponse(path + mark, 303)


async def read_form(request: Request) -> FormData:
    """The fields of a POST; files are not taken, at most 200 fields."""
    if request.method != "POST":
        return FormData()
    return await request.form(max_files=0, max_fields=200)


def gate(roles: frozenset[str]) -> Callable[..., None]:
    """The check in front of a route. `roles` empty: nobody passes; containing "nobody": no log-in needed."""

    def enter(request: Request, form: Annotated[FormData, Depends(read_form)]) -> None:
        site: Site = request.app.state.site
        user, session = who(site, request)
        if request.method == "POST":
            refuse_forged(site, request, form, session)
        if "nobody" not in roles:
            refuse_strangers(request, user, roles)
        request.state.visit = Visit(
            site=site,
            request=request,
            templates=request.app.state.templates,
            office=site.office(),
            now=site.clock(),
            somebody=user,
            session=session,
            form=form,
        )

    return enter


def who(site: Site, request: Request) -> tuple[User | None, str]:
    """The user of the session cookie and the session's hash; (None, "") for nobody."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token or len(token) > 200:
        return None, ""
    session = access.digest(token)
    with site.ledger.read() as tx:
        name = tx.users.session(session, site.clock())
        user = tx.users.get(name) if name else None
    return (user, session) if user is not None and user.active else (None, "")


def refuse_strangers(request: Request, user: User | None, roles: frozenset[str]) -> None:
    """Raise unless the user may use this route."""
    if user is None:
        raise NotLoggedIn
    if user.must_change and request.url.path not in BEFORE_PASSWORD:
        raise PasswordFirst
    if not roles & set(user.roles):
        raise HTTPException(403, "您没有使用此功能的权限，如有需要请联系系统管理员。")


def refuse_forged(site: Site, request: Request, form: FormData, session: str) -> None:
    """Raise 403 unless a POST comes from one of our own pages: fetch metadata first, then the token."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HTTPException(403, "请求来自其他网站，已拒绝。")
    token = form.get("csrf") or request.headers.get("x-csrf", "")
    bound = session or request.cookies.get(FORM_COOKIE, "")
    if not isinstance(token, str) or not access.form_token_fits(site.secret, bound, token):
        raise HTTPException(403, "页面已过期，请刷新后重试。")


def current(request: Request) -> Visit:
    """The visit that `gate` made."""
    visit: Visit = request.state.visit
    return visit


Here = Annotated[Visit, Depends(current)]


def client_address(visit: Visit) -> str:
    """Who talks to us; behind a trusted proxy, the last address that the proxy added."""
    peer = visit.request.client.host if visit.request.client else "-"
    if peer in (*visit.site.trusted_proxies, *visit.office.login.proxies):
        return visit.request.headers.get("x-forwarded-for", peer).rsplit(",", 1)[-1].strip()[:64]
    return peer


def set_session(response: RedirectResponse, visit: Visit, token: str) -> RedirectResponse:
    """Put the session's cookie on the answer."""
    same: Literal["lax"] = "lax"
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(visit.site.session_hours * 3600),
        httponly=True,
        samesite=same,
        secure=visit.site.secure_cookies,
        path="/",
    )
    return response
