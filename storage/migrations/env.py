"""Alembic's entry: uses the connection, and so the transaction and the lock, of `storage.migrations.upgrade`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
