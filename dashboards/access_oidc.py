"""统一身份认证: the OpenID Connect code flow with PKCE; the provider says who is there, this system what they may.

    begin → the address to send the browser to, and what it must bring back in a cookie
    finish → the checked claims; Denied with what to tell the person
    person → name, role and department from claims (pure)

The ID token must be signed by a key of the provider with a public-key algorithm, be issued by it, for us, for this very
log-in (nonce), and be fresh (OpenID Connect Core 1.0, 3.1.3.7). Discovery and keys are asked for every time: log-ins
are rare, and a changed key is known at once.
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx
from itsdangerous import BadSignature, URLSafeSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dashboards.access import Denied, open_session
from dashboards.site import Site
from storage.ports import Transaction
from storage.types import OidcSettings, Role, User

#: signed with the provider's private key; never `none`, never a shared secret
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
PATIENCE = 10.0  #: seconds for an answer of the provider
WAIT = timedelta(minutes=10)  #: for the person at the provider's page
LEEWAY = 60  #: seconds that two clocks may differ
OF_DEPARTMENT = frozenset({"lead", "staff"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who the provider says is there."""

    name: str
    display: str
    role: Role | None  #: None: no claim says
    department: str | None
    email: str | None


def begin(site: Site, settings: OidcSettings, back: str, next: str) -> tuple[str, str]:
    """(address at the provider, signed cookie). `back` is our own return address. Denied when it is away."""
    verifier, nonce, state = (secrets.token_urlsafe(size) for size in (48, 24, 24))
    asked = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": back,
        "scope": "openid profile email",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    with failures(), client() as http:
        page = discovered(http, settings)["authorization_endpoint"]
    address = f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}"
    until = (site.clock() + WAIT).isoformat()
    kept = {"state": state, "nonce": nonce, "verifier": verifier, "next": next, "until": until}
    return address, signer(site).dumps(kept)


def finish(site: Site, settings: OidcSettings, back: str, cookie: str, answer: Mapping[str, str]) -> tuple[Person, str]:
    """The person and where they wanted to go. Denied where anything does not fit."""
    kept = opened(site, cookie)
    if not hmac.compare_digest(answer.get("state", "").encode(), kept["state"].encode()):
        raise Denied("登录请求与返回不符，可能是打开了旧的链接，请重新登录。")
    if "code" not in answer:
        raise Denied("统一身份认证没有放行，请重新登录；如仍不行，请联系认证平台管理员。")
    with failures(), client() as http:
        about = discovered(http, settings)
        given = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": back}
        given |= {"client_id": settings.client_id, "code_verifier": kept["verifier"]}
        secret = os.environ.get(settings.secret_env)
        proof = (
            httpx.BasicAuth(quote(settings.client_id, ""), quote(secret, "")) if secret else httpx.USE_CLIENT_DEFAULT
        )
        token = http.post(about["token_endpoint"], data=given, auth=proof).raise_for_status().json()
        keys = http.get(about["jwks_uri"]).raise_for_status().json()
        claims = checked(token["id_token"], keys, settings, kept["nonce"], site.clock())
    return person(claims, settings), kept["next"]


def checked(
    id_token: str, keys: Mapping[str, Any], settings: OidcSettings, nonce: str, now: datetime
) -> dict[str, Any]:
    """The claims of a good ID token; JoseError otherwise."""
    token = jwt.decode(id_token, KeySet.import_key_set(cast(Any, keys)), algorithms=list(ALGORITHMS))
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": settings.client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    registry.validate(token.claims)
    audience = token.claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and token.claims.get("azp") != settings.client_id:
        raise Denied("统一身份认证的凭据是发给其他系统的，请重新登录。")
    return token.claims


def person(claims: Mapping[str, Any], settings: OidcSettings) -> Person:
    """Name, role and department from the claims, by the tables of the settings. Denied without a name."""
    name = claims.get(settings.user_claim)
    if not isinstance(name, str) or not name.strip() or len(name) > 64:
        raise Denied(f"统一身份认证没有给出登录名（{settings.user_claim}），请联系系统管理员核对设置。")
    display, email = claims.get(settings.display_claim), claims.get("email")
    held = values(claims.get(settings.role_claim)) if settings.role_claim else ()
    units = values(claims.get(settings.department_claim)) if settings.department_claim else ()
    return Person(
        name=name.strip(),
        display=display[:40] if isinstance(display, str) and display else name.strip(),
        role=cast("Role | None", next((role for group, role in settings.roles.items() if group in held), None)),
        department=next((unit for claim, unit in settings.departments.items() if claim in units), None),
        email=email[:200] if isinstance(email, str) else None,
    )


def values(claim: object) -> tuple[str, ...]:
    """A claim that may be one text or a list of texts."""
    rows = claim if isinstance(claim, list) else [claim]
    return tuple(row for row in rows if isinstance(row, str))


def enter(site: Site, tx: Transaction, settings: OidcSettings, who: Person, about: str) -> str:
    """Open a session for the person; the provider's role and department are taken over. Denied with what to do."""
    known = tx.users.get(who.name)
    if known is not None and not known.active:
        raise Denied(f"用户“{who.name}”已在本系统停用，请联系系统管理员。")
    if settings.role_claim and who.role is None:
        raise Denied(f"统一身份认证已确认您是“{who.display}”，但没有给您分配本系统的角色，请联系系统管理员。")
    if known is None and not (settings.create and who.role):
        raise Denied(f"统一身份认证已确认您是“{who.display}”，但本系统没有用户“{who.name}”，请联系系统管理员开通。")
    user = known or User(name=who.name, display=who.display, roles=(), email=who.email, created_at=site.clock())
    if who.role is not None:
        unit = (who.department or user.department) if who.role in OF_DEPARTMENT else None
        if who.role in OF_DEPARTMENT and unit is None:
            raise Denied("统一身份认证没有给出您所属的部门，请联系系统管理员核对对应关系。")
        user = replace(user, roles=(who.role,), department=unit)
    if user != known:
        tx.users.save(user)
    return open_session(site, tx, user, about, by="oidc")


def challenge(verifier: str) -> str:
    """The S256 code challenge (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def client() -> httpx.Client:
    """For the provider: no proxy of the environment, no redirect is followed."""
    return httpx.Client(timeout=PATIENCE, trust_env=False, follow_redirects=False)


def discovered(http: httpx.Client, settings: OidcSettings) -> dict[str, str]:
    """What the provider says of itself; it must call itself what the settings call it."""
    address = settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
    about: dict[str, str] = http.get(address).raise_for_status().json()
    if about.get("issuer") != settings.issuer:
        raise Denied("统一身份认证自称的地址与本系统设置的 issuer 不一致，请联系系统管理员核对。")
    return about


class failures:  # noqa: N801 - reads as a statement
    """Turns what can go wrong at the provider into words for the person."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, httpx.HTTPStatusError):
            raise Denied("统一身份认证没有接受这次登录，请重新登录；如仍不行，请联系系统管理员。") from error
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
            raise Denied("统一身份认证暂时连接不上，请稍后再试，或用本系统的密码登录。") from error
        if isinstance(error, JoseError):
            raise Denied("统一身份认证给出的凭据无效或已过期，请重新登录；如仍不行，请联系系统管理员。") from error
        if isinstance(error, ValueError | KeyError | TypeError | AttributeError):
            raise Denied("统一身份认证的回答无法识别，请重新登录；如仍不行，请联系系统管理员。") from error


def signer(site: Site) -> URLSafeSerializer:
    return URLSafeSerializer(site.secret, salt="oidc")


def opened(site: Site, cookie: str) -> dict[str, str]:
    """What `begin` put into the cookie; Denied when it is not ours or too old."""
    try:
        kept: dict[str, str] = signer(site).loads(cookie)
    except BadSignature:
        raise Denied("登录已中断（浏览器没有带回登录凭据），请重新登录。") from None
    if datetime.fromisoformat(kept["until"]) < site.clock():
        raise Denied("登录等待时间过长，请重新登录。")
    return kept
