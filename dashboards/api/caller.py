"""Who asks the API: a token with scopes, nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import HTTPException, Request

from dashboards import access
from dashboards.site import Site

#: what a token may be allowed to do → as the settings page says it
SCOPES: Mapping[str, str] = {"documents:write": "推送文档", "read": "读取"}


@dataclass(frozen=True, slots=True)
class Caller:
    """The token that asks."""

    name: str
    site: Site


def scope(wanted: str) -> Callable[[Request], Caller]:
    """The check in front of a route: a live token that has this scope."""

    def check(request: Request) -> Caller:
        site: Site = request.app.state.site
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token or len(token) > 200:
            raise HTTPException(401, "需要令牌：Authorization: Bearer …", {"www-authenticate": "Bearer"})
        with site.ledger.read() as tx:
            found = tx.users.token(access.digest(token.strip()), site.clock())
        if found is None:
            raise HTTPException(401, "令牌无效或已过期。", {"www-authenticate": "Bearer"})
        if wanted not in found[1]:
            raise HTTPException(403, f"令牌没有 {wanted} 权限。")
        return Caller(found[0], site)

    return check
