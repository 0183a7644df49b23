"""Run by Alembic for each migration command; the connection comes with the Config (see bot/store/migrating.py)."""

from alembic import context

from bot.store.partial_indexes import WHOLE_SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=WHOLE_SCHEMA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
