"""Passwords, one-time links, sessions, form tokens: who is there, and may they."""

import hashlib
import hmac
import re
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dashboards.site import Site
from storage.ports import Transaction
from storage.types import AuditEntry, User

#: RFC 9106, second recommended option (64 MiB, 3 passes): about 0.1 s, which is what makes guessing slow
HASHER = PasswordHasher()
#: checked against when the name is unknown, so that the answer takes as long as for a known one
NOBODY = HASHER.hash(secrets.token_urlsafe(16))
MIN_PASSWORD = 10
LINK_HOURS = 24.0
#: failed log-ins within 15 minutes before a name at one address, a name at all, an address at all must wait
TRIES_PAIR, TRIES_NAME, TRIES_ADDRESS = 5, 20, 60
WAIT_MINUTES = 15
_NAME = re.compile(r"[\w.@-]{1,64}", re.UNICODE)


class Denied(Exception):
    """A log-in or a request that is refused; the message is for the person."""


def digest(token: str) -> str:
    """What is kept of a token: its SHA-256 in hex. Tokens have 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """A fresh token of 256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def hash_password(password: str) -> str:
    """Argon2id with a salt of its own."""
    return HASHER.hash(password)


def weak_password(password: str, user: User) -> str | None:
    """Why this password is refused, or None."""
    if len(password) < MIN_PASSWORD:
        return f"密码至少 {MIN_PASSWORD} 个字符。"
    if len(password) > 256:
        return "密码不能超过 256 个字符。"
    if len(set(password)) < 5:
        return "密码过于简单，请使用更多不同的字符。"
    if user.name.lower() in password.lower():
        return "密码不能包含用户名。"
    return None


def password_fits(user: User | None, password: str) -> bool:
    """Whether the password is the user's; takes the same time for an unknown user."""
    kept = user.password_hash if user and user.active and user.password_hash else None
    try:
        HASHER.verify(kept or NOBODY, password[:1024])
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def log_in(site: Site, name: str, password: str, address: str, about: str) -> str:
    """Check name and password, open a session, return its token. Raises Denied with what to tell the person.

    Each try is counted before the password is looked at, so that many at once cannot slip through together.
    """
    now = site.clock()
    name = name.strip()
    pair = f"login:{name[:64]}|{address}"
    with site.ledger.begin() as tx:
        refuse_blocked(tx, address, now)
        tries = max(
            tx.users.attempt(pair, now, failed=True) - TRIES_PAIR,
            tx.users.attempt(f"login:{name[:64]}", now, failed=True) - TRIES_NAME,
        )
        user = tx.users.get(name) if _NAME.fullmatch(name) else None
    if tries > 0:
        raise Denied(f"登录失败次数过多，请 {WAIT_MINUTES} 分钟后再试，或请管理员重新发放登录链接。")
    if not password_fits(user, password) or user is None:
        with site.ledger.begin() as tx:
            count_address(tx, address, now)
            tx.audit.append(AuditEntry(actor=name[:64] or "-", action="login.fail", object="session", at=now))
        raise Denied("用户名或密码不正确。")
    with site.ledger.begin() as tx:
        tx.users.attempt(pair, now, failed=False)
        tx.users.attempt(f"login:{name[:64]}", now, failed=False)
        return open_session(site, tx, user, about)


def count_address(tx: Transaction, address: str, now: datetime) -> None:
    """Count a failure for the address alone; too many block it for a while, whatever the name."""
    if tx.users.attempt(f"address:{address}", now, failed=True) > TRIES_ADDRESS:
        tx.notes.put(f"login.block:{address}", (now + timedelta(minutes=WAIT_MINUTES)).isoformat())


def refuse_blocked(tx: Transaction, address: str, now: datetime) -> None:
    """Raise Denied while the address is blocked."""
    until = tx.notes.get(f"login.block:{address}")
    if until is not None and datetime.fromisoformat(until) > now:
        raise Denied(f"此地址登录失败次数过多，请 {WAIT_MINUTES} 分钟后再试。")


def make_link(site: Site, tx: Transaction, user: str, hours: float = LINK_HOURS) -> str:
    """A one-time login path for this user: `/login/<token>`. Only the hash is kept."""
    token = new_token()
    tx.users.add_link(digest(token), user, site.clock() + timedelta(hours=hours))
    return f"/login/{token}"


def use_link(site: Site, token: str, about: str) -> str:
    """Log in by a one-time link; the user must then choose a password. Raises Denied."""
    now = site.clock()
    with site.ledger.begin() as tx:
        name = tx.users.use_link(digest(token), now)
        user = tx.users.get(name) if name else None
        if user is None or not user.active:
            raise Denied("登录链接无效、已使用或已过期，请管理员重新发放。")
        user = replace(user, must_change=True)
        tx.users.save(user)
        return open_session(site, tx, user, about)


def open_session(site: Site, tx: Transaction, user: User, about: str, *, by: str = "") -> str:
    """A new session with a token of its own: a token from before a log-in is never used on.

    `by` says how the person came in where it was not by password or link: "oidc" or "header".
    """
    token, now = new_token(), site.clock()
    tx.users.open_session(digest(token), user.name, now + timedelta(hours=site.session_hours), about[:200])
    role = next(iter(user.roles), "")
    tx.audit.append(
        AuditEntry(actor=user.name, action="login", object=f"user:{user.name}", at=now, role=role, after=by)
    )
    return token


def by_header(site: Site, name: str, about: str) -> str:
    """Open a session for the user whom a trusted proxy names; the caller checked the proxy. Raises Denied."""
    with site.ledger.begin() as tx:
        user = tx.users.get(name) if _NAME.fullmatch(name) else None
        if user is None or not user.active:
            raise Denied(f"单位门户已确认您是“{name[:64]}”，但本系统没有这个用户或已停用，请联系系统管理员开通。")
        return open_session(site, tx, user, about, by="header")


def set_password(site: Site, tx: Transaction, user: User, password: str, about: str) -> str:
    """Keep the new password, end every session of the user, open a fresh one and return its token."""
    tx.users.save(
        replace(user, password_hash=hash_password(password), must_change=False, session_epoch=user.session_epoch + 1)
    )
    tx.users.close_sessions(user.name)
    tx.audit.append(AuditEntry(actor=user.name, action="user.password", object=f"user:{user.name}", at=site.clock()))
    return open_session(site, tx, replace(user, must_change=False), about)


def form_token(secret: bytes, bound_to: str) -> str:
    """A token for forms, bound to a session (or to a cookie before log-in), different on every page.

    The random half keeps a compressed page from giving the token away bit by bit (BREACH).
    """
    salt = secrets.token_hex(8)
    return f"{salt}.{_mac(secret, salt, bound_to)}"


def form_token_fits(secret: bytes, bound_to: str, token: str) -> bool:
    """Whether `form_token` made this one for the same session."""
    salt, _, mac = token.partition(".")
    return bool(bound_to) and hmac.compare_digest(mac.encode(), _mac(secret, salt, bound_to).encode())


def _mac(secret: bytes, salt: str, bound_to: str) -> str:
    return hmac.new(secret, f"form|{salt}|{bound_to}".encode(), hashlib.sha256).hexdigest()
