"""Alerts, tasks and replies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from storage.ledger.codec import dump, key, load, optional_key, optional_stamp, stamp
from storage.ledger.dialect import insert, upsert
from storage.ledger.tables import alerts, event_aliases, events, replies, tasks
from storage.ports import StaleVersion, StoreError
from storage.types import Alert, Reply, Task

#: states in which nobody has to act any more
_OVER = ("closed", "merged")
#: events that one sweep closes the alerts of
_SETTLED = 500
#: ids of one question
_CHUNK = 500
#: in the body of a reply that has a date of publication; inside a text its quotation marks would be escaped
_PUBLISHED = '"published_at":"'


class SqlTasks:
    """See `storage.ports.Tasks`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def open_alert(self, alert: Alert) -> bool:
        """The database refuses a second open alert of one event and department, whoever asks."""
        statement = insert(self._db, alerts).values(_alert_row(alert)).on_conflict_do_nothing().returning(alerts.c.id)
        return self._db.execute(statement).first() is not None

    def save_alert(self, alert: Alert) -> None:
        upsert(self._db, alerts, [_alert_row(alert)])

    def alerts(self, *, event: str | None = None, open_only: bool = True) -> list[Alert]:
        """By when they were opened."""
        wanted = select(alerts.c.body).order_by(alerts.c.opened_at, alerts.c.id)
        if event is not None:
            wanted = wanted.where(alerts.c.event == key(event))
        if open_only:
            wanted = wanted.where(alerts.c.closed_at.is_(None))
        return [load(Alert, body) for body in self._db.execute(wanted).scalars()]

    def create(self, rows: Sequence[Task]) -> None:
        """New tasks; StoreError when an id exists already."""
        if rows:
            self._db.execute(tasks.insert(), [_task_row(task) for task in rows])

    def change(self, task: Task) -> Task:
        raised = replace(task, version=task.version + 1)
        result = self._db.execute(
            update(tasks).where(tasks.c.id == key(task.id), tasks.c.version == task.version).values(_task_row(raised))
        )
        if result.rowcount != 1:
            raise StaleVersion("这项任务刚刚被别人处理过：请刷新页面后再操作")
        return raised

    def get(self, task_id: str) -> Task | None:
        body = self._db.execute(select(tasks.c.body).where(tasks.c.id == key(task_id))).scalar()
        return None if body is None else load(Task, body)

    def find(
        self,
        *,
        department: str | None = None,
        states: Sequence[str] = (),
        event: str | None = None,
        assignee: str | None = None,
        historic: bool | None = None,
        due_before: datetime | None = None,
        size: int = 50,
        offset: int = 0,
    ) -> tuple[list[Task], int]:
        """By the next deadline that is not met (none: last), then the higher level, then the older."""
        chosen = select(tasks.c.id)
        for column, value in (
            (tasks.c.department, department),
            (tasks.c.event, event),
            (tasks.c.assignee, assignee),
            (tasks.c.historic, historic),
        ):
            if value is not None:
                chosen = chosen.where(column == value)
        if states:
            chosen = chosen.where(tasks.c.state.in_(states))
        if due_before is not None:
            chosen = chosen.where(tasks.c.due_at < stamp(due_before))
        total = self._db.execute(select(func.count()).select_from(chosen.subquery())).scalar_one()
        order = (tasks.c.due_at.is_(None), tasks.c.due_at, tasks.c.level.desc(), tasks.c.created_at, tasks.c.id)
        page = chosen.order_by(*order).limit(size).offset(offset)
        ids = list(self._db.execute(page).scalars())
        bodies = self._db.execute(select(tasks.c.id, tasks.c.body).where(tasks.c.id.in_(ids))).all()
        stored = {row[0]: load(Task, row[1]) for row in bodies}
        return [stored[i] for i in ids], total

    def open(self) -> Iterator[Task]:
        wanted = select(tasks.c.body).where(tasks.c.state.not_in(_OVER), tasks.c.historic.is_(False))
        with self._db.execute(wanted.order_by(tasks.c.id), execution_options={"yield_per": 1000}) as rows:
            for body in rows.scalars():
                yield load(Task, body)

    def some(self, ids: Sequence[str]) -> Iterator[Task]:
        names = sorted(key(name) for name in ids)
        for start in range(0, len(names), _CHUNK):
            chosen = select(tasks.c.body).where(tasks.c.id.in_(names[start : start + _CHUNK])).order_by(tasks.c.id)
            for body in self._db.execute(chosen).scalars():
                yield load(Task, body)

    def versions(self) -> dict[str, int]:
        wanted = select(tasks.c.id, tasks.c.version).where(tasks.c.state.not_in(_OVER), tasks.c.historic.is_(False))
        return {row[0]: row[1] for row in self._db.execute(wanted)}

    def resting(self) -> frozenset[str]:
        """Columns only, so that the minute's sweep reads no body for it."""
        matter = func.coalesce(event_aliases.c.into, tasks.c.event)
        wanted = (
            select(tasks.c.id)
            .outerjoin(alerts, alerts.c.id == tasks.c.alert)
            .outerjoin(event_aliases, event_aliases.c.old == tasks.c.event)
            .outerjoin(events, events.c.id == matter)
            .where(tasks.c.state.not_in(_OVER), tasks.c.historic.is_(False))
            .where(or_(alerts.c.closed_at.is_not(None), events.c.status == "closed"))
        )
        return frozenset(self._db.execute(wanted).scalars())

    def settled(self) -> list[str]:
        owing = (
            select(tasks.c.id)
            .where(tasks.c.event == alerts.c.event, tasks.c.department == alerts.c.department)
            .where(tasks.c.state.not_in(_OVER))
            .exists()
        )
        wanted = (
            select(alerts.c.event)
            .distinct()
            .join(events, events.c.id == alerts.c.event)
            .where(alerts.c.closed_at.is_(None), events.c.status.in_(("closed", "merged")), ~owing)
            .order_by(alerts.c.event)
            .limit(_SETTLED)
        )
        return list(self._db.execute(wanted).scalars())

    def created(self, since: datetime, until: datetime) -> Iterator[Task]:
        wanted = select(tasks.c.body).where(tasks.c.created_at >= stamp(since), tasks.c.created_at < stamp(until))
        chosen = wanted.where(tasks.c.historic.is_(False)).order_by(tasks.c.created_at, tasks.c.id)
        with self._db.execute(chosen, execution_options={"yield_per": 1000}) as rows:
            for body in rows.scalars():
                yield load(Task, body)

    def add_reply(self, reply: Reply) -> None:
        self._db.execute(replies.insert(), _reply_row(reply))

    def save_reply(self, reply: Reply) -> None:
        """Replace one version of one reply; StoreError when it is not there."""
        where = (replies.c.id == key(reply.id), replies.c.version == reply.version)
        if self._db.execute(update(replies).where(*where).values(_reply_row(reply))).rowcount != 1:
            raise StoreError("没有这一版答复：请刷新页面后再操作")

    def replies(self, task: str) -> list[Reply]:
        """In order of version."""
        wanted = select(replies.c.body).where(replies.c.task == key(task))
        order = (replies.c.version, replies.c.created_at, replies.c.id)
        return [load(Reply, body) for body in self._db.execute(wanted.order_by(*order)).scalars()]

    def answers(self, since: datetime, until: datetime, *, department: str | None = None) -> list[tuple[Task, Reply]]:
        """No column says when a reply was published; a task that was over before cannot have one."""
        wanted = (
            select(tasks.c.body.label("task"), replies.c.body.label("reply"))
            .join(tasks, tasks.c.id == replies.c.task)
            .where(replies.c.created_at < stamp(until), replies.c.body.contains(_PUBLISHED))
            .where(or_(tasks.c.closed_at.is_(None), tasks.c.closed_at >= stamp(since)))
        )
        if department is not None:
            wanted = wanted.where(tasks.c.department == key(department))
        found = [(load(Task, row.task), load(Reply, row.reply)) for row in self._db.execute(wanted)]
        dated = [(task, reply) for task, reply in found if reply.published_at and since <= reply.published_at < until]
        return sorted(dated, key=lambda pair: (pair[1].published_at or since, pair[1].id), reverse=True)

    def counts(self, department: str | None = None, now: datetime | None = None) -> Mapping[str, int]:
        """History is left out. "overdue" needs `now`; without it the figure is left out too, never guessed."""
        scope: list[ColumnElement[bool]] = [tasks.c.historic.is_(False)]
        if department is not None:
            scope.append(tasks.c.department == department)
        rows = self._db.execute(select(tasks.c.state, func.count()).where(*scope).group_by(tasks.c.state))
        result: dict[str, int] = {row[0]: row[1] for row in rows}
        result["open"] = sum(number for state, number in result.items() if state not in _OVER)
        result["returns"] = result.get("return_pending", 0)
        still = [*scope, tasks.c.state.not_in(_OVER)]
        result["unsigned"] = self._number(*still, tasks.c.signed_at.is_(None), tasks.c.state == "dispatched")
        if now is not None:
            result["overdue"] = self._number(*still, tasks.c.due_at < stamp(now))
        return result

    def _number(self, *where: ColumnElement[bool]) -> int:
        wanted = select(func.count()).select_from(tasks).where(*where)
        return self._db.execute(wanted).scalar_one()


def next_due(task: Task) -> datetime | None:
    """The earliest deadline that is not met."""
    return min((d.due_at for d in task.deadlines if d.met_at is None), default=None)


def _alert_row(alert: Alert) -> dict[str, object]:
    return {
        "id": key(alert.id),
        "event": key(alert.event),
        "department": key(alert.department),
        "opened_at": stamp(alert.opened_at),
        "closed_at": optional_stamp(alert.closed_at),
        "next_action_at": optional_stamp(alert.next_action_at),
        "body": dump(alert),
    }


def _task_row(task: Task) -> dict[str, object]:
    return {
        "id": key(task.id),
        "event": key(task.event),
        "alert": key(task.alert),
        "department": key(task.department),
        "state": task.state,
        "level": task.level,
        "assignee": optional_key(task.assignee),
        "historic": task.historic,
        "created_at": stamp(task.created_at),
        "due_at": optional_stamp(next_due(task)),
        "signed_at": optional_stamp(task.signed_at),
        "closed_at": optional_stamp(task.closed_at),
        "version": task.version,
        "body": dump(task),
    }


def _reply_row(reply: Reply) -> dict[str, object]:
    return {
        "id": key(reply.id),
        "version": reply.version,
        "task": key(reply.task),
        "created_at": stamp(reply.created_at),
        "body": dump(reply),
    }
