"""What Alembic runs: migrates over the connection that `deskward.migrations.upgrade` hands in."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()
