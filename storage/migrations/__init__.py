"""Alembic, run by the program itself: `upgrade` brings a ledger to the newest schema or says why it cannot.

A step is a file in `versions/`, and never changes once released. Both engines run the same steps.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from storage.ports import StoreError

_HERE = Path(__file__).parent
_LOCK = 0x4D53_4D49  #: PostgreSQL advisory lock of those who upgrade


def upgrade(engine: Engine) -> None:
    """To head, in one transaction under a lock; StoreError for a newer schema or a foreign database."""
    with engine.connect() as connection:
        connection = connection.execution_options(minsheng_write=True)
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    present = MigrationContext.configure(connection).get_current_revision()
    if present == script.get_current_head():
        return
    if present is None and inspect(connection).get_table_names():
        raise StoreError("这个数据库里有别的程序的表：请给账本一个空的数据库")
    if present is not None and present not in {step.revision for step in script.walk_revisions()}:
        raise StoreError(f"账本由更新版本的程序写成（{present}）：请升级程序，不要用旧程序打开")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
