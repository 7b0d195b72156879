"""How people log in beside passwords."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """统一身份认证: an OpenID Connect provider that says who is there (`office.toml [login.oidc]`)."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    issuer: str  #: its address; `/.well-known/openid-configuration` lies below
    client_id: str
    secret_env: str = "MINSHENG_OIDC_SECRET"  #: environment variable with the client's secret
    name: str = "统一身份认证"  #: on the button
    user_claim: str = "preferred_username"  #: claim with the login name
    display_claim: str = "name"
    role_claim: str = ""  #: claim with groups or roles; "" = roles are given in this system
    roles: Mapping[str, str] = field(default_factory=dict)  #: value of `role_claim` → role here; first match wins
    department_claim: str = ""
    departments: Mapping[str, str] = field(default_factory=dict)  #: value of `department_claim` → department id here
    create: bool = False  #: open an account for somebody whose role follows from the claims


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSettings:
    """Ways to log in beside passwords (`office.toml [login]`)."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    header: str = ""  #: name of a header in which a reverse proxy says who is there; "" = never believed
    proxies: tuple[str, ...] = ()  #: addresses of the proxies that are believed
    oidc: OidcSettings | None = None
