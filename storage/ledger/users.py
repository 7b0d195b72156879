"""Users, one-time links, sessions, attempts, tokens. Only hashes of secrets come in here."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from storage.ledger.codec import dump, load, moment, optional_stamp, stamp
from storage.ledger.codec import key as clean
from storage.ledger.dialect import upsert
from storage.ledger.tables import attempts, login_links, sessions, tokens, users
from storage.types import User

_WINDOW = timedelta(minutes=15)  #: of `attempt`


class SqlUsers:
    """See `storage.ports.Users`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def save(self, user: User) -> None:
        row = {
            "name": clean(user.name), "active": user.active, "session_epoch": user.session_epoch, "body": dump(user),
        }  # fmt: skip
        upsert(self._db, users, [row])

    def get(self, name: str) -> User | None:
        body = self._db.execute(select(users.c.body).where(users.c.name == clean(name))).scalar()
        return None if body is None else load(User, body)

    def all(self) -> list[User]:
        return [load(User, body) for body in self._db.execute(select(users.c.body).order_by(users.c.name)).scalars()]

    def add_link(self, token_hash: str, user: str, expires: datetime) -> None:
        row = {"hash": token_hash, "user": clean(user), "expires_at": stamp(expires), "used_at": None}
        upsert(self._db, login_links, [row])

    def use_link(self, token_hash: str, now: datetime) -> str | None:
        """One conditional update: of two clicks at once, one gets in."""
        return self._db.execute(
            update(login_links)
            .where(login_links.c.hash == clean(token_hash), login_links.c.used_at.is_(None))
            .where(login_links.c.expires_at > stamp(now))
            .values(used_at=stamp(now))
            .returning(login_links.c.user)
        ).scalar()

    def open_session(self, session_hash: str, user: str, expires: datetime, about: str) -> None:
        epoch = self._db.execute(select(users.c.session_epoch).where(users.c.name == clean(user))).scalar() or 0
        row: dict[str, object] = {
            "hash": session_hash,
            "user": clean(user),
            "epoch": epoch,
            "expires_at": stamp(expires),
        }
        upsert(self._db, sessions, [row | {"about": clean(about)}])

    def session(self, session_hash: str, now: datetime) -> str | None:
        """The user of a live session; None once it expired, the user was locked or `session_epoch` was raised."""
        held = and_(users.c.name == sessions.c.user, users.c.active, users.c.session_epoch == sessions.c.epoch)
        wanted = select(sessions.c.user).join(users, held)
        live = (sessions.c.hash == clean(session_hash), sessions.c.expires_at > stamp(now))
        return self._db.execute(wanted.where(*live)).scalar()

    def close_session(self, session_hash: str) -> None:
        self._db.execute(delete(sessions).where(sessions.c.hash == clean(session_hash)))

    def close_sessions(self, user: str) -> int:
        return self._db.execute(delete(sessions).where(sessions.c.user == clean(user))).rowcount

    def sessions(self, user: str) -> list[tuple[str, datetime, str]]:
        """(hash, expires, about), the longest living first."""
        wanted = select(sessions.c.hash, sessions.c.expires_at, sessions.c.about).where(sessions.c.user == clean(user))
        rows = self._db.execute(wanted.order_by(sessions.c.expires_at.desc(), sessions.c.hash))
        return [(found, moment(expires), about) for found, expires, about in rows]

    def attempt(self, key: str, now: datetime, *, failed: bool) -> int:
        key = clean(key)
        if not failed:
            self._db.execute(delete(attempts).where(attempts.c.key == key))
            return 0
        old = attempts.c.at <= stamp(now - _WINDOW)
        self._db.execute(delete(attempts).where(attempts.c.key == key, old))
        self._db.execute(attempts.insert().values(key=key, at=stamp(now)))
        wanted = select(func.count()).select_from(attempts).where(attempts.c.key == key)
        return self._db.execute(wanted).scalar_one()

    def add_token(self, token_hash: str, name: str, scopes: Sequence[str], expires: datetime | None) -> None:
        row: dict[str, object] = {
            "hash": token_hash,
            "name": clean(name),
            "scopes": " ".join(scopes),
            "expires_at": optional_stamp(expires),
        }
        upsert(self._db, tokens, [row])

    def token(self, token_hash: str, now: datetime) -> tuple[str, tuple[str, ...]] | None:
        live = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > stamp(now))
        wanted = select(tokens.c.name, tokens.c.scopes).where(tokens.c.hash == clean(token_hash), live)
        row = self._db.execute(wanted).first()
        return None if row is None else (row[0], tuple(row[1].split()))

    def tokens(self) -> list[tuple[str, str, tuple[str, ...], datetime | None]]:
        """(hash, name, scopes, expires) by name."""
        rows = self._db.execute(select(tokens).order_by(tokens.c.name, tokens.c.hash))
        return [(r.hash, r.name, tuple(r.scopes.split()), moment(r.expires_at) if r.expires_at else None) for r in rows]

    def drop_token(self, token_hash: str) -> bool:
        return self._db.execute(delete(tokens).where(tokens.c.hash == clean(token_hash))).rowcount > 0
