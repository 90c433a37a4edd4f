"""What a session has read, limits over many records, confirmations, keys that end."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _desk_keys()


def _desk_keys() -> None:
    """Move the desk's own idempotency keys to where no caller's can be (`gate/effects.py`)."""
    for statement in (
        "UPDATE effects SET key = :ours || key WHERE key IN "
        "(SELECT 'approval:' || id FROM approvals WHERE status <> 'pending')",
        "UPDATE turns SET key = :ours || key WHERE key IN "
        "(SELECT 'approval:' || id FROM approvals WHERE status <> 'pending')",
        "UPDATE effects SET key = :ours || 'turn:' || key WHERE key LIKE '%:%:%' AND "
        "substr(key, 1, 32) IN (SELECT id FROM turns WHERE status IN ('running', 'paused'))",
    ):
        op.get_bind().execute(sa.text(statement), {"ours": "\x1f"})


def downgrade() -> None:
    pass
