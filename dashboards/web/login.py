"""Log-in, one-time links, passwords, one's own sessions."""

from fastapi import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dashboards import access, access_oidc
from dashboards.web.visit import FORM_COOKIE, SESSION_COOKIE, Here, client_address, set_session
from storage.types import AuditEntry, OidcSettings

OIDC_COOKIE = "minsheng_oidc"


def form(visit: Here, next: str = "/") -> Response:
    """The log-in page; it brings the cookie that its form is bound to."""
    if visit.somebody is not None:
        return visit.go(inside(next))
    named = named_by_proxy(visit)
    if named:
        try:
            return set_session(visit.go(inside(next)), visit, access.by_header(visit.site, named, about(visit)))
        except access.Denied as refusal:
            return with_form_cookie(visit, 403, next=inside(next), problem=str(refusal))
    return with_form_cookie(visit, 200, next=inside(next), problem="")


def named_by_proxy(visit: Here) -> str:
    """Whom a trusted proxy names in the configured header; "" from any other address."""
    login = visit.office.login
    peer = visit.request.client.host if visit.request.client else ""
    if not login.header or peer not in login.proxies:
        return ""
    return visit.request.headers.get(login.header, "").strip()


def provider(visit: Here) -> OidcSettings:
    """The configured provider; 404 where there is none."""
    if visit.office.login.oidc is None:
        raise HTTPException(404, "没有启用统一身份认证。")
    return visit.office.login.oidc


def return_address(visit: Here) -> str:
    """Where the provider sends the browser back to; registered there."""
    return visit.office.base_url.rstrip("/") + "/login/oidc/return"


def to_provider(visit: Here, next: str = "/") -> Response:
    """GET: off to the provider's page."""
    settings = provider(visit)
    try:
        with visit.site.ledger.read() as tx:
            access.refuse_blocked(tx, client_address(visit), visit.now)
        address, cookie = access_oidc.begin(visit.site, settings, return_address(visit), inside(next))
    except access.Denied as refusal:
        return with_form_cookie(visit, 403, next=inside(next), problem=str(refusal))
    answer = RedirectResponse(address, 303)
    secure, age = visit.site.secure_cookies, int(access_oidc.WAIT.total_seconds())
    answer.set_cookie(
        OIDC_COOKIE, cookie, httponly=True, samesite="lax", secure=secure, max_age=age, path="/login/oidc"
    )
    return answer


def from_provider(visit: Here) -> Response:
    """GET: back from the provider with a code."""
    settings, site, where = provider(visit), visit.site, client_address(visit)
    cookie = visit.request.cookies.get(OIDC_COOKIE, "")[:4000]
    try:
        with site.ledger.read() as tx:
            access.refuse_blocked(tx, where, visit.now)
        back = return_address(visit)
        who, target = access_oidc.finish(site, settings, back, cookie, dict(visit.request.query_params))
        with site.ledger.begin() as tx:
            token = access_oidc.enter(site, tx, settings, who, about(visit))
    except access.Denied as refusal:
        with site.ledger.begin() as tx:
            access.count_address(tx, where, visit.now)
            tx.audit.append(AuditEntry(actor="-", action="login.fail", object="session", at=visit.now, after="oidc"))
        answer: Response = with_form_cookie(visit, 403, next="/", problem=str(refusal))
    else:
        answer = set_session(RedirectResponse(inside(target), 303), visit, token)
    answer.delete_cookie(OIDC_COOKIE, path="/login/oidc")
    return answer


def with_form_cookie(visit: Here, status: int, **context: object) -> HTMLResponse:
    """The log-in page with its cookie set before the token is made."""
    mark = visit.request.cookies.get(FORM_COOKIE) or access.new_token()
    visit.request.cookies[FORM_COOKIE] = mark
    answer = visit.page("login.html", status, **context)
    answer.set_cookie(FORM_COOKIE, mark, httponly=True, samesite="lax", secure=visit.site.secure_cookies, max_age=86400)
    return answer


def inside(path: str) -> str:
    """The path if it lies on this site, else the board: a log-in never leads elsewhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\", "/login")) else "/"


def about(visit: Here) -> str:
    """What the list of sessions shows: address and browser."""
    return f"{client_address(visit)} {visit.request.headers.get('user-agent', '')[:120]}"


def enter(visit: Here) -> Response:
    """POST: name and password."""
    target = inside(visit.text("next") or "/")
    password = visit.form.get("password")
    try:
        token = access.log_in(
            visit.site,
            visit.text("name", 200),
            password if isinstance(password, str) else "",
            client_address(visit),
            about(visit),
        )
    except access.Denied as refusal:
        return with_form_cookie(visit, 403, next=target, problem=str(refusal))
    return set_session(visit.go(target), visit, token)


def by_link(visit: Here, token: str) -> Response:
    """GET of a one-time link: logs in, then asks for a new password."""
    try:
        fresh = access.use_link(visit.site, token, about(visit))
    except access.Denied as refusal:
        return with_form_cookie(visit, 403, next="/", problem=str(refusal))
    return set_session(RedirectResponse("/password", 303), visit, fresh)


def leave(visit: Here) -> Response:
    """POST: log out of this session."""
    with visit.site.ledger.begin() as tx:
        tx.users.close_session(visit.session)
        visit.record(tx, "logout", f"user:{visit.user.name}")
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


def password_form(visit: Here) -> Response:
    """The page for a new password, and one's sessions."""
    return password_page(visit, 200, "")


def password_page(visit: Here, status: int, problem: str) -> HTMLResponse:
    """The page, with what was wrong."""
    with visit.site.ledger.read() as tx:
        sessions = tx.users.sessions(visit.user.name)
    return visit.page("password.html", status, problem=problem, sessions=sessions, here=visit.session)


def change_password(visit: Here) -> Response:
    """POST: the new password, twice; the old one too unless a one-time link was just used."""
    fields = {name: visit.form.get(name) for name in ("old", "new", "again")}
    old, new, again = (value if isinstance(value, str) else "" for value in fields.values())
    user = visit.user
    if not user.must_change and not access.password_fits(user, old):
        return password_page(visit, 422, "原密码不正确。")
    problem = "两次输入的新密码不一致。" if new != again else access.weak_password(new, user)
    if problem:
        return password_page(visit, 422, problem)
    with visit.site.ledger.begin() as tx:
        token = access.set_password(visit.site, tx, user, new, about(visit))
    return set_session(visit.go("/", "password"), visit, token)


def leave_everywhere(visit: Here) -> Response:
    """POST: end every session of one's own, this one too."""
    if visit.text("sure") != "yes":
        raise HTTPException(422, "请确认后再操作。")
    with visit.site.ledger.begin() as tx:
        tx.users.close_sessions(visit.user.name)
        visit.record(tx, "logout", f"user:{visit.user.name}")
    return RedirectResponse("/login", 303)
