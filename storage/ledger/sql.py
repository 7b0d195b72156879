"""The ledger itself: engine, transactions, errors. SQLite file or PostgreSQL database behind one URL."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, exc, func, select, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from storage.ledger import tables
from storage.ledger.audit import SqlAudit
from storage.ledger.events import SqlEvents
from storage.ledger.frontier import SqlFrontier
from storage.ledger.intake import SqlIntake
from storage.ledger.notes import SqlNotes
from storage.ledger.outbox import SqlOutbox
from storage.ledger.tasks import SqlTasks
from storage.ledger.users import SqlUsers
from storage.migrations import upgrade
from storage.ports import Audit, Events, Frontier, Intake, Notes, Outbox, StoreError, Tasks, Transaction, Users

_BUSY_SECONDS = 15.0
#: PostgreSQL ends what a lost client left open, which would hold up its heir; a batch takes a second or two
_POSTGRES = "-c lock_timeout=15s -c idle_in_transaction_session_timeout=90s"
#: libpq: a server that no longer answers at all is noticed within half a minute
_ALIVE = {
    "connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}  # fmt: skip


class SqlTransaction:
    """All ports over one connection, and so in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.intake: Intake = SqlIntake(connection)
        self.events: Events = SqlEvents(connection)
        self.tasks: Tasks = SqlTasks(connection)
        self.outbox: Outbox = SqlOutbox(connection)
        self.frontier: Frontier = SqlFrontier(connection)
        self.users: Users = SqlUsers(connection)
        self.audit: Audit = SqlAudit(connection)
        self.notes: Notes = SqlNotes(connection)


class SqlLedger:
    """See `storage.ports.Ledger`. Safe for threads and processes; a block must not open a second `begin` inside."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._file = None if engine.dialect.name != "sqlite" else Path(engine.url.database or "")
        #: threads of one process queue here, in order, instead of polling SQLite's file lock
        self._turn = threading.Lock()

    @contextlib.contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A write transaction; durable when the block has ended. StoreError when another one holds the file 15 s."""
        with self._my_turn(), translated(), self.engine.connect() as connection:
            connection = connection.execution_options(minsheng_write=True)
            with connection.begin():
                yield SqlTransaction(connection)

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """One snapshot for the whole block; a write raises StoreError."""
        with translated(), self.engine.connect() as connection:
            if not self._file:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield SqlTransaction(connection)

    def health(self) -> Mapping[str, object]:
        with translated(), self.engine.connect() as connection:
            schema = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
            waiting = connection.execute(
                select(func.count()).select_from(tables.intake).where(tables.intake.c.parked_at.is_(None))
            ).scalar_one()
        size = self._file.stat().st_size if self._file else None
        return {"engine": self.engine.dialect.name, "ok": True, "schema": schema, "waiting": waiting, "bytes": size}

    def backup(self, target: str) -> None:
        """A whole copy beside a running system (SQLite's online backup); StoreError on PostgreSQL: use pg_dump."""
        if self._file is None:
            raise StoreError("PostgreSQL 账本请用 pg_dump 备份：本程序只备份内置的账本文件")
        partial = Path(target + ".partial")
        with translated(OSError):
            partial.unlink(missing_ok=True)
            with (
                contextlib.closing(sqlite3.connect(self._file)) as source,
                contextlib.closing(sqlite3.connect(partial)) as copy,
            ):
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
                if copy.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                    raise StoreError("备份没有通过检查：请换一个磁盘再试")
            partial.replace(target)

    def close(self) -> None:
        self.engine.dispose()

    @contextlib.contextmanager
    def _my_turn(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        if not self._turn.acquire(timeout=_BUSY_SECONDS):
            raise StoreError("账本正忙，15 秒内没有轮到写入：请稍后再试")
        try:
            yield
        finally:
            self._turn.release()


def open_ledger(url: str) -> SqlLedger:
    """Open and bring to the newest schema (under a lock, so any number of processes may start at once).

    `sqlite:///path/minsheng.db` or `postgresql+psycopg://user:password@host/name`. StoreError says what to do.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise StoreError("账本地址无法识别：请写成 postgresql+psycopg://用户:密码@主机/库名") from error
    engine = _engine(parsed)
    event.listen(engine, "handle_error", _tell)
    try:
        with translated():
            upgrade(engine)
    except StoreError:
        engine.dispose()
        raise
    return SqlLedger(engine)


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        settings = {"options": _POSTGRES, **_ALIVE}
        given = {name: value for name, value in settings.items() if name not in url.query}
        return create_engine(url, pool_size=8, max_overflow=32, pool_pre_ping=True, connect_args=given)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise StoreError("账本只能用 SQLite 文件或 PostgreSQL：请检查 office.toml 的 [storage] ledger")
    engine = create_engine(url, pool_size=16, max_overflow=48, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(raw: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    raw.isolation_level = None  # our own BEGIN; Python's would come too late for a snapshot
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("PRAGMA cache_size = -16000")


def _tell(context: ExceptionContext) -> None:
    """A failed statement raises StoreError where it stands, so that callers need not know the driver."""
    if not context.is_pre_ping:
        raise StoreError(explain(context.original_exception)) from context.original_exception


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("minsheng_write", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if write else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextlib.contextmanager
def translated(*more: type[Exception]) -> Iterator[None]:
    """Driver errors (and `more`) as StoreError that says what to do; the caller's own exceptions pass untouched."""
    kinds: tuple[type[Exception], ...] = (exc.SQLAlchemyError, sqlite3.Error, *more)
    try:
        yield
    except kinds as error:
        raise StoreError(explain(error)) from error


def explain(error: BaseException) -> str:
    """What to do about a driver's error, in Chinese, and its own words."""
    problem = str(getattr(error, "orig", None) or error)
    return f"{_advice(problem)}（{problem.strip().splitlines()[0][:200] if problem.strip() else type(error).__name__}）"


def _advice(problem: str) -> str:
    for signs, advice in (
        (("locked", "busy", "deadlock"), "账本正忙：请稍后再试"),
        (("disk is full", "No space", "disk full"), "磁盘已满：请清理磁盘或换更大的数据盘后重试"),
        (("query_only", "attempt to write a readonly", "read-only transaction"), "这里只能读取，不能写入"),
        (("unable to open", "Permission denied", "readonly database"), "数据文件夹不可写：请检查权限和所属用户"),
        (("not a database", "malformed"), "账本文件不是数据库或已损坏：请移走它并用备份恢复"),
        (("password", "authentication"), "账本数据库拒绝登录：请检查用户名和密码"),
        (("refused", "timeout", "could not translate", "closed", "terminat", "failed to resolve"),
         "连不上账本数据库：请检查它是否在运行、地址是否正确"),
        (("append-only",), "审计记录只能追加，不能修改或删除"),
    ):  # fmt: skip
        if any(sign in problem for sign in signs):
            return advice
    return "账本出错：请把这句话告诉系统管理员"
