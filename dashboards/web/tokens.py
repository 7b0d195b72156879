"""设置: tokens of other systems, shown once; and everybody's sessions, to be ended one by one."""

import re
from datetime import datetime, timedelta

from fastapi import HTTPException
from starlette.responses import Response

from dashboards import access
from dashboards.api.caller import SCOPES
from dashboards.web.visit import Here

DAYS = (30, 90, 365)
BLOCKED = "login.block:"


def index(visit: Here) -> Response:
    """Every token without its secret."""
    return tokens_page(visit, 200, "", "")


def tokens_page(visit: Here, status: int, problem: str, fresh: str) -> Response:
    """The page, with a fresh token (shown once, only its hash is kept)."""
    with visit.site.ledger.read() as tx:
        rows = tx.users.tokens()
    return visit.page("settings_tokens.html", status, rows=rows, problem=problem, fresh=fresh, scopes=SCOPES, days=DAYS)


def add(visit: Here) -> Response:
    """POST: a new token for one system, with its scopes and an end."""
    name, scopes, days = visit.text("name", 64), visit.texts("scope"), visit.text("days", 4)
    problem = ""
    if not re.fullmatch(r"[A-Za-z0-9._-]{2,40}", name):
        problem = "系统名称由 2 至 40 个字母、数字、点、横线或下划线组成。"
    elif not scopes or not set(scopes) <= set(SCOPES):
        problem = "请至少选择一项权限。"
    elif days not in map(str, DAYS):
        problem = "请选择有效期。"
    if problem:
        return tokens_page(visit, 422, problem, "")
    token = access.new_token()
    with visit.site.ledger.begin() as tx:
        tx.users.add_token(access.digest(token), name, scopes, visit.now + timedelta(days=int(days)))
        visit.record(tx, "token.add", f"token:{name}", after=f"{' '.join(scopes)} {days}d")
    return tokens_page(visit, 200, "", token)


def revoke(visit: Here) -> Response:
    """POST: the token stops working at once."""
    mark = visit.text("token", 64)
    with visit.site.ledger.begin() as tx:
        name = next((row[1] for row in tx.users.tokens() if row[0] == mark), None)
        if name is None or not tx.users.drop_token(mark):
            raise HTTPException(404, "没有这个令牌，可能已被吊销。")
        visit.record(tx, "token.revoke", f"token:{name}")
    return visit.go("/settings/tokens", "token_gone")


def sessions(visit: Here) -> Response:
    """Who is logged in from where, and which addresses must wait after too many failures."""
    with visit.site.ledger.read() as tx:
        rows = [
            (user, mark, until, about)
            for user in sorted(tx.users.all(), key=lambda user: user.name)
            for mark, until, about in tx.users.sessions(user.name)
            if until > visit.now and tx.users.session(mark, visit.now)
        ]
        waiting = [(key.removeprefix(BLOCKED), tx.notes.get(key)) for key in tx.notes.keys(BLOCKED)]
    blocked = [(address, datetime.fromisoformat(until)) for address, until in waiting if until]
    return visit.page(
        "settings_sessions.html", rows=rows, blocked=[row for row in blocked if row[1] > visit.now], here=visit.session
    )


def end_session(visit: Here) -> Response:
    """POST: end one session of anybody."""
    mark = visit.text("session", 64)
    with visit.site.ledger.begin() as tx:
        name = tx.users.session(mark, visit.now)
        if name is None:
            raise HTTPException(404, "没有这个会话，可能已经结束。")
        tx.users.close_session(mark)
        visit.record(tx, "user.session", f"user:{name}")
    return visit.go("/settings/sessions", "session_gone")
