"""What is to be sent, written in the same transaction as the change that caused it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from storage.ledger.codec import dump, key, load, optional_key, optional_stamp, stamp
from storage.ledger.dialect import insert
from storage.ledger.tables import outbox
from storage.ports import StoreError
from storage.types import Delivery, DeliveryStatus

_WAITING = ("pending", "temp_fail")
#: keys of one question
_CHUNK = 500


class SqlOutbox:
    """See `storage.ports.Outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, rows: Iterable[Delivery]) -> int:
        statement = insert(self._db, outbox).on_conflict_do_nothing().returning(outbox.c.id)
        given: dict[str, Delivery] = {}
        for delivery in rows:
            given.setdefault(key(delivery.idem_key), delivery)
        known = self._known(list(given))  # spares writing out what the conflict would drop: the sweep repeats itself
        ready = [_row(delivery) for name, delivery in given.items() if name not in known]
        return len(self._db.execute(statement, ready).all()) if ready else 0

    def _known(self, keys: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(keys), _CHUNK):
            wanted = select(outbox.c.idem_key).where(outbox.c.idem_key.in_(keys[start : start + _CHUNK]))
            found.update(self._db.execute(wanted).scalars())
        return found

    def claim(self, owner: str, size: int, lease_seconds: float, now: datetime) -> list[Delivery]:
        """`attempts` counts this claim too. A row whose sender died is due again when its lease has run out."""
        at = stamp(now)
        ready = and_(
            outbox.c.status.in_(_WAITING),
            outbox.c.not_before <= at,
            or_(outbox.c.next_at.is_(None), outbox.c.next_at <= at),
        )
        dead = and_(outbox.c.status == "leased", outbox.c.lease_until <= at)
        due = self._db.execute(
            select(outbox.c.body)
            .where(or_(ready, dead))
            .order_by(outbox.c.urgent.desc(), outbox.c.not_before, outbox.c.id)
            .limit(size)
            .with_for_update(skip_locked=True)
        )
        until = now + timedelta(seconds=lease_seconds)
        taken = [
            replace(d, status="leased", attempts=d.attempts + 1, lease_owner=owner, lease_until=until)
            for d in (load(Delivery, body) for body in due.scalars())
        ]
        for delivery in taken:
            self._write(delivery)
        return taken

    def finish(
        self,
        delivery: str,
        status: DeliveryStatus,
        now: datetime,
        *,
        code: str | None = None,
        text: str | None = None,
        provider_id: str | None = None,
        next_at: datetime | None = None,
        within: str | None = None,
    ) -> None:
        """What the provider said. Once "ok", a row stays ok: a slower twin cannot make it due again."""
        body = self._db.execute(select(outbox.c.body).where(outbox.c.id == key(delivery)).with_for_update()).scalar()
        if body is None:
            raise StoreError(f"发件箱里没有 {delivery!r} 这一条")
        found = load(Delivery, body)
        if found.status == "ok":
            return
        self._write(
            replace(
                found,
                status=status,
                provider_code=code,
                provider_text=text,
                provider_id=provider_id or found.provider_id,
                next_at=next_at,
                lease_owner=None,
                lease_until=None,
                sent_at=now if status in ("ok", "unknown") else found.sent_at,
                within=within,
            )
        )

    def supersede(self, alert: str, before: datetime) -> int:
        """Messages of an alert that were written before and still wait need not be sent any more."""
        where = (outbox.c.alert == key(alert), outbox.c.created_at < stamp(before), outbox.c.status.in_(_WAITING))
        rows = self._db.execute(select(outbox.c.body).where(*where).with_for_update()).scalars().all()
        for body in rows:
            self._write(replace(load(Delivery, body), status="superseded"))
        return len(rows)

    def find(
        self, *, task: str | None = None, alert: str | None = None, status: Sequence[str] = (), size: int = 100
    ) -> list[Delivery]:
        """The newest first."""
        wanted = select(outbox.c.body).order_by(outbox.c.created_at.desc(), outbox.c.id).limit(size)
        if task is not None:
            wanted = wanted.where(outbox.c.task == key(task))
        if alert is not None:
            wanted = wanted.where(outbox.c.alert == key(alert))
        if status:
            wanted = wanted.where(outbox.c.status.in_(status))
        return [load(Delivery, body) for body in self._db.execute(wanted).scalars()]

    def waiting(self) -> int:
        return self._number(outbox.c.status.in_((*_WAITING, "leased")))

    def sent_since(self, recipient: str, since: datetime, *, urgent: bool | None = None) -> int:
        """Messages that a recipient got, or may have got (`unknown`); a list counts once."""
        which = () if urgent is None else (outbox.c.urgent.is_(urgent),)
        return self._number(
            outbox.c.recipient == key(recipient),
            outbox.c.status.in_(("ok", "unknown")),
            outbox.c.sent_at >= stamp(since),
            *which,
        )

    def _number(self, *where: ColumnElement[bool]) -> int:
        wanted = select(func.count()).select_from(outbox).where(*where)
        return self._db.execute(wanted).scalar_one()

    def _write(self, delivery: Delivery) -> None:
        self._db.execute(update(outbox).where(outbox.c.id == key(delivery.id)).values(_row(delivery)))


def _row(delivery: Delivery) -> dict[str, object]:
    return {
        "id": key(delivery.id),
        "idem_key": key(delivery.idem_key),
        "alert": optional_key(delivery.alert),
        "task": optional_key(delivery.task),
        "recipient": key(delivery.recipient),
        "status": delivery.status,
        "urgent": delivery.urgent,
        "created_at": stamp(delivery.created_at),
        "not_before": stamp(delivery.not_before),
        "next_at": optional_stamp(delivery.next_at),
        "lease_until": optional_stamp(delivery.lease_until),
        "lease_owner": optional_key(delivery.lease_owner),
        # what `sent_since` counts: a line of another row's message is no message of its own
        "sent_at": optional_stamp(delivery.sent_at) if delivery.within is None else None,
        "body": dump(delivery),
    }
