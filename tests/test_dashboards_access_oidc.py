"""统一身份认证 and the proxy's header: a scripted provider on loopback, honest and hostile."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from board_example import Clock, make_site, serve
from joserfc import jwt
from joserfc.jwk import RSAKey

from dashboards import access
from dashboards.site import Site
from storage.types import LoginSettings, OidcSettings

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


LOGINS: list[list[LoginSettings]] = []  #: the settings that the running site reads

BROWSERS: list[httpx.Client] = []


@dataclass(slots=True)
class Idp:
    """The provider: what it puts into the next token, and what it was asked."""

    clock: Clock
    address: str = ""
    issuer: str | None = None  #: what it calls itself, where that is not its address
    claims: dict[str, object] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEY)
    algorithm: str = "RS256"
    broken: str = ""  #: "status" | "text" | "no token"
    asked: dict[str, str] = field(default_factory=dict)  #: the authorization request
    swapped: dict[str, list[str]] = field(default_factory=dict)  #: the token request

    def answer(self, path: str, body: str) -> tuple[int, object]:
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return 200, {k: self.address + v for k, v in names.items()} | {"issuer": self.issuer or self.address}
        if path == "/keys":
            return 200, {"keys": [KEY.as_dict(private=False)]}
        self.swapped = parse_qs(body)
        if self.broken == "status":
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.swapped["code_verifier"][0].encode()).digest())
        if challenge.rstrip(b"=").decode() != self.asked["code_challenge"] or self.broken == "no token":
            return 200, {"access_token": "x", "token_type": "Bearer"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.token()}

    def token(self) -> str:
        now = int(self.clock().timestamp())
        usual = {"iss": self.address, "aud": "minsheng", "sub": "7", "iat": now, "exp": now + 300}
        claims = usual | {"nonce": self.asked["nonce"], "preferred_username": "officer", "name": "陈晓"} | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            parts = ({"alg": "none"}, claims)
            packed = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
            return ".".join((*packed, ""))
        return jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, self.key)


@contextmanager
def listening(idp: Idp) -> Iterator[Idp]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            status, answer = idp.answer(self.path, body)
            packed = b"<html>" if idp.broken == "text" else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(packed)))
            self.end_headers()
            self.wfile.write(packed)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    idp.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield idp
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Idp, str]]:
    clock = Clock()
    site = make_site(tmp_path_factory.mktemp("oidc"), clock, empty=True)
    bare = site.office()
    logins = [LoginSettings()]
    site = replace(site, office=lambda: replace(bare, login=logins[0]))
    with listening(Idp(clock)) as idp, serve(site) as base:
        logins[0] = LoginSettings(oidc=OidcSettings(issuer=idp.address, client_id="minsheng"))
        LOGINS[:] = [logins]
        yield site, idp, base
    site.documents.close()
    site.ledger.close()


@pytest.fixture
def idp(made: tuple[Site, Idp, str]) -> Iterator[Idp]:
    site, idp, _ = made
    plain = Idp(idp.clock, address=idp.address)
    for name in ("issuer", "claims", "key", "algorithm", "broken", "asked", "swapped"):
        setattr(idp, name, getattr(plain, name))
    LOGINS[0][0] = LoginSettings(oidc=OidcSettings(issuer=idp.address, client_id="minsheng"))
    with site.ledger.begin() as tx:
        tx.users.attempt("address:127.0.0.1", site.clock(), failed=False)
    yield idp
    while BROWSERS:
        BROWSERS.pop().close()


def browser_of(base: str) -> httpx.Client:
    BROWSERS.append(httpx.Client(base_url=base, trust_env=False, timeout=30))
    return BROWSERS[-1]


def settings(idp: Idp, **changed: object) -> None:
    oidc = OidcSettings(issuer=idp.address, client_id="minsheng")
    LOGINS[0][0] = LoginSettings(oidc=replace(oidc, **changed))  # type: ignore[arg-type]


def go(base: str, idp: Idp, *, next: str = "/", **answer: str) -> tuple[httpx.Client, httpx.Response]:
    """Through the provider and back; `answer` replaces what the browser brings back."""
    browser = browser_of(base)
    out = browser.get("/login/oidc", params={"next": next})
    assert out.status_code == 303, out.text[-300:]
    idp.asked = dict(parse_qsl(urlsplit(out.headers["location"]).query))
    back = {"code": "c0de", "state": idp.asked["state"]} | answer
    return browser, browser.get("/login/oidc/return", params={k: v for k, v in back.items() if v})


def test_the_provider_lets_a_known_user_in(made: tuple[Site, Idp, str], idp: Idp) -> None:
    site, _, base = made
    browser, answer = go(base, idp, next="/tasks")
    assert (answer.status_code, answer.headers["location"]) == (303, "/tasks")
    assert "陈晓" in browser.get("/").text
    assert idp.asked["code_challenge_method"] == "S256"
    assert idp.asked["redirect_uri"].endswith("/login/oidc/return")
    assert idp.swapped["code"] == ["c0de"]
    with site.ledger.read() as tx:
        assert tx.audit.find(actor="officer", size=1)[0].after == "oidc"
    assert "统一身份认证登录" in httpx.get(f"{base}/login", trust_env=False).text


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "another"}, "凭据无效"),
        ({"nonce": None}, "凭据无效"),
        ({"aud": "another"}, "凭据无效"),
        ({"aud": ["minsheng", "another"], "azp": "another"}, "其他系统"),
        ({"iss": "http://elsewhere.invalid"}, "凭据无效"),
        ({"exp": 1}, "凭据无效"),
        ({"exp": None}, "凭据无效"),
        ({"sub": None}, "凭据无效"),
        ({"preferred_username": None}, "没有给出登录名"),
        ({"preferred_username": ["officer"]}, "没有给出登录名"),
        ({"preferred_username": "nobody-here", "name": "<b>张三</b>"}, "没有用户“nobody-here”"),
    ],
)
def test_a_wrong_token_lets_nobody_in(
    made: tuple[Site, Idp, str], idp: Idp, claims: dict[str, object], said: str
) -> None:
    idp.claims = claims
    browser, answer = go(made[2], idp)
    assert answer.status_code == 403
    assert said in answer.text
    assert "<b>张三" not in answer.text
    assert browser.get("/").status_code == 303


def test_only_the_providers_own_signature_counts(made: tuple[Site, Idp, str], idp: Idp) -> None:
    idp.algorithm = "none"
    assert go(made[2], idp)[1].status_code == 403
    idp.algorithm, idp.key = "RS256", STRANGER
    assert go(made[2], idp)[1].status_code == 403


def test_what_the_browser_brings_back_must_be_its_own(made: tuple[Site, Idp, str], idp: Idp) -> None:
    base = made[2]
    assert "不符" in go(base, idp, state="another")[1].text
    assert go(base, idp, code="")[1].status_code == 403
    browser, answer = go(base, idp)
    assert answer.status_code == 303
    again = browser.get("/login/oidc/return", params={"code": "c0de", "state": idp.asked["state"]})
    assert "中断" in again.text, "the cookie is gone: the same answer cannot be used twice"
    stranger = httpx.get(
        f"{base}/login/oidc/return", params={"code": "c", "state": idp.asked["state"]}, trust_env=False
    )
    assert stranger.status_code == 403


def test_waiting_too_long_ends_the_log_in(made: tuple[Site, Idp, str], idp: Idp) -> None:
    browser = browser_of(made[2])
    out = browser.get("/login/oidc")
    state = dict(parse_qsl(urlsplit(out.headers["location"]).query))["state"]
    before = idp.clock.at
    try:
        idp.clock.at = before.replace(hour=before.hour + 1)
        answer = browser.get("/login/oidc/return", params={"code": "c", "state": state})
    finally:
        idp.clock.at = before
    assert "等待时间过长" in answer.text


def test_a_provider_that_fails_is_said(made: tuple[Site, Idp, str], idp: Idp) -> None:
    base = made[2]
    for broken, said in (("status", "没有接受"), ("no token", "无法识别")):
        idp.broken = broken
        assert said in go(base, idp)[1].text, broken
    idp.broken = "text"
    assert "无法识别" in httpx.get(f"{base}/login/oidc", trust_env=False).text
    idp.broken, idp.issuer = "", "http://elsewhere.invalid"
    assert "不一致" in httpx.get(f"{base}/login/oidc", trust_env=False).text
    LOGINS[0][0] = LoginSettings(oidc=OidcSettings(issuer="http://127.0.0.1:9", client_id="minsheng"))
    assert "连接不上" in httpx.get(f"{base}/login/oidc", trust_env=False).text
    LOGINS[0][0] = LoginSettings()
    assert httpx.get(f"{base}/login/oidc", trust_env=False).status_code == 404


def test_roles_and_departments_follow_from_the_claims(made: tuple[Site, Idp, str], idp: Idp) -> None:
    site, _, base = made
    rules = {"role_claim": "groups", "roles": {"lead": "lead", "watch": "officer"}, "department_claim": "dept"}
    settings(idp, create=True, departments={"0012": "scjg"}, **rules)
    idp.claims = {"preferred_username": "new-lead", "name": "新来", "groups": ["x", "lead"], "dept": "0012"}
    assert go(base, idp)[1].status_code == 303
    with site.ledger.read() as tx:
        user = tx.users.get("new-lead")
    assert user is not None
    assert (user.roles, user.department, user.password_hash) == (("lead",), "scjg", None)
    idp.claims |= {"groups": "watch"}
    assert go(base, idp)[1].status_code == 303
    idp.claims |= {"groups": []}
    assert "没有给您分配" in go(base, idp)[1].text
    idp.claims = {"preferred_username": "homeless", "groups": ["lead"], "dept": "9"}
    assert "所属的部门" in go(base, idp)[1].text
    with site.ledger.begin() as tx:
        tx.users.save(replace(user, active=False))
    idp.claims = {"preferred_username": "new-lead", "groups": "watch"}
    assert "停用" in go(base, idp)[1].text


def test_a_header_is_believed_from_the_proxy_alone(made: tuple[Site, Idp, str], idp: Idp) -> None:
    base = made[2]
    said = {"x-remote-user": "officer"}
    for proxies, status in ((("127.0.0.1",), 303), (("10.9.9.9",), 200), ((), 200)):
        LOGINS[0][0] = LoginSettings(header="X-Remote-User", proxies=proxies)
        assert httpx.get(f"{base}/login", headers=said, trust_env=False).status_code == status, proxies
    LOGINS[0][0] = LoginSettings(header="X-Remote-User", proxies=("127.0.0.1",))
    unknown = httpx.get(f"{base}/login", headers={"x-remote-user": "ghost"}, trust_env=False)
    assert unknown.status_code == 403
    assert "没有这个用户" in unknown.text
    assert httpx.get(f"{base}/login", trust_env=False).status_code == 200
    LOGINS[0][0] = LoginSettings()
    assert httpx.get(f"{base}/login", headers=said, trust_env=False).status_code == 200


def test_failures_at_the_provider_are_throttled_by_address(made: tuple[Site, Idp, str], idp: Idp) -> None:
    site, _, base = made
    with site.ledger.begin() as tx:
        for _ in range(access.TRIES_ADDRESS + 1):
            access.count_address(tx, "127.0.0.1", site.clock())
    assert "次数过多" in httpx.get(f"{base}/login/oidc", trust_env=False).text
    with site.ledger.begin() as tx:
        tx.notes.drop("login.block:127.0.0.1")
